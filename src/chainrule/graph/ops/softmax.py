"""The lecture's last layer: softmax, and softmax with cross-entropy as one fused operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule._typing import Array
from chainrule.errors import InputError
from chainrule.graph.code import Code, Index, code
from chainrule.graph.formula import (
    MOST_TERMS,
    Formula,
    Number,
    call,
    d,
    frac,
    largest_first,
    product_of,
    role,
    row,
    sub,
    sum_of,
    sup,
    total,
)
from chainrule.graph.operation import Operation, Shape, is_number, need, need_attribute, show_shape


def _check_logits(logits: Shape) -> None:
    need(len(logits) == 2, f"logits must be (batch, classes), got {show_shape(logits)}")
    need(logits[1] != 0, f"logits must have at least one column, got {show_shape(logits)}")


def softmax(logits: Array) -> Array:
    """(batch, classes) -> (batch, classes): rows that are positive and sum to 1."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))  # exp never overflows
    result: Array = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def _softmax_shape(logits: Shape) -> Shape:
    _check_logits(logits)
    return logits


def _softmax_backward(d_out: Array, logits: Array) -> tuple[Array | None, ...]:
    """dp_j/dZ_k = p_j (I(j = k) - p_k), so dZ = p (dp - sum_j dp_j p_j)."""
    p = softmax(logits)
    return (p * (d_out - (d_out * p).sum(axis=1, keepdims=True)),)


_SOFTMAX_LINES = (
    "exps = np.exp(logits - logits.max(axis=1, keepdims=True))",
    "p = exps / exps.sum(axis=1, keepdims=True)",
)


def _softmax_numbers(index: Index, inputs: Mapping[str, Array], constants: object) -> Formula:
    powers = [sup("e", Number(logit, alone=True)) for logit in inputs["logits"][0].tolist()]
    shown, rest = largest_first(inputs["logits"][0].tolist() if len(powers) > MOST_TERMS + 1 else [0.0] * len(powers))
    return frac(powers[index[1]], sum_of([powers[i] for i in shown], None, len(rest)))


def _softmax_gradient_numbers(index: Index, inputs: Mapping[str, Array], constants: object) -> Formula:
    p, d_out = softmax(inputs["logits"])[0].tolist(), inputs["d_out"][0].tolist()
    products = [a * b for a, b in zip(d_out, p, strict=True)]
    shown, rest = largest_first(products)
    terms = [product_of([Number(d_out[i]), Number(p[i])]) for i in shown]
    mean = sum_of(terms, sum(products[i] for i in rest), len(rest))
    return row(Number(p[index[1]]), "(", Number(d_out[index[1]]), "− (", mean, ") )")


_Z, _P = role("logits"), role("out")
SOFTMAX = Operation(
    name="softmax",
    roles=("logits",),
    formula=row(sub(_P, "k"), "=", frac(sup("e", sub(_Z, "k")), total("j", sup("e", sub(_Z, "j"))))),
    gradients={
        "logits": row(
            d("logits"),
            "=",
            _P,
            "⊙",
            "(",
            d("out"),
            "−",
            total("j", row(sub(d("out"), "j"), sub(_P, "j"))),
            ")",
        )
    },
    local={"logits": row(sub(_P, "j"), "(", call("I", row("j = k")), "−", sub(_P, "k"), ")")},
    shape=_softmax_shape,
    forward=softmax,
    backward=_softmax_backward,
    numpy={
        "out": code(*_SOFTMAX_LINES, "p", logits="mk", out="mj", numbers=_softmax_numbers),
        "logits": code(
            *_SOFTMAX_LINES,
            "p * (d_out - (d_out * p).sum(axis=1, keepdims=True))",
            logits="mk",
            d_out="mk",
            out="mj",
            numbers=_softmax_gradient_numbers,
        ),
    },
)


def _reference_shape(logits: Shape) -> Shape:
    _check_logits(logits)
    need(isinstance(logits[1], int), f"logits must have a known number of columns, got {show_shape(logits)}")
    return (logits[0], int(logits[1]) + 1)


def _reference_forward(logits: Array) -> Array:
    """(batch, classes - 1) -> (batch, classes): the first logit is 0, the others are relative to it."""
    return np.concatenate([np.zeros((len(logits), 1), dtype=logits.dtype), logits], axis=1)


def _reference_backward(d_out: Array, logits: Array) -> tuple[Array | None, ...]:
    return (d_out[:, 1:],)


def _reference_numbers(index: Index, inputs: Mapping[str, Array], constants: object) -> Formula:
    return Number(0.0 if index[1] == 0 else float(inputs["logits"][0, index[1] - 1]), alone=True)


def _reference_gradient_numbers(index: Index, inputs: Mapping[str, Array], constants: object) -> Formula:
    return Number(float(inputs["d_out"][0, index[1] + 1]), alone=True)


REFERENCE_LOGIT = Operation(
    name="reference_logit",
    roles=("logits",),
    formula=row(_P, "= [ 0 ,", _Z, "]"),
    gradients={"logits": row(sub(d("logits"), "k"), "=", sub(d("out"), "k + 1"))},
    local={"logits": row("1")},
    shape=_reference_shape,
    forward=_reference_forward,
    backward=_reference_backward,
    numpy={
        "out": code(
            "np.concatenate([np.zeros((len(logits), 1)), logits], axis=1)",
            logits="mk",
            out="mj",
            numbers=_reference_numbers,
        ),
        "logits": code("d_out[:, 1:]", d_out="mk", out="mj", numbers=_reference_gradient_numbers),
    },
)


def row_losses(logits: Array, labels: Array, label_smoothing: float = 0.0) -> Array:
    """(batch, classes), (batch,) int -> (batch,) cross-entropies in nats, before any weight.

    With label smoothing e the target is (1 - e) one-hot + e / K (Szegedy et al. 2016).
    """
    shifted = logits - logits.max(axis=1, keepdims=True)  # exp never overflows
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    picked = shifted[np.arange(len(labels)), labels]
    target: Array = picked
    if label_smoothing:  # only then: an infinite logit of a wrong class must not spoil the row
        target = (1.0 - label_smoothing) * picked + label_smoothing * shifted.mean(axis=1)
    losses: Array = log_sum - target
    return losses


def row_shares(labels: Array, weights: Array | None, class_weight: Sequence[float] | None) -> Array:
    """(batch,) -> (batch,): what each row counts in the weighted mean; 1/m each where nothing is weighted.

    Raises `InputError` where the weights sum to nothing: there is no mean over no rows.
    """
    shares = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=np.float64)
    if class_weight is not None:
        shares = shares * np.asarray(class_weight, dtype=np.float64)[labels]
    total = shares.sum()
    if not (np.isfinite(total) and total > 0):
        raise InputError(
            f"the {len(shares)} rows' weights (sample weight times class weight) sum to {total}: "
            "a weighted mean needs finite weights, and at least one that is positive"
        )
    result: Array = shares / total
    return result


def _cross_entropy_shape(
    logits: Shape,
    labels: Shape,
    weights: Shape | None = None,
    *,
    class_weight: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> Shape:
    _check_logits(logits)
    need(labels == logits[:1], f"labels must be {show_shape(logits[:1])}, got {show_shape(labels)}")
    need(
        weights is None or weights == logits[:1],
        f"weights must be {show_shape(logits[:1])}, got {show_shape(weights or ())}",
    )
    need(
        class_weight is None or len(class_weight) == logits[1],
        f"class_weight must have {logits[1]} numbers, one per class, got {len(class_weight or ())}",
    )
    return ()


def _cross_entropy_forward(
    logits: Array,
    labels: Array,
    weights: Array | None = None,
    *,
    class_weight: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> Array:
    """(batch, classes), (batch,) int, (batch,) -> (): the weighted mean cross-entropy, in nats."""
    losses = row_losses(logits, labels, label_smoothing)
    return np.asarray((row_shares(labels, weights, class_weight) * losses).sum())


def _cross_entropy_backward(
    d_loss: Array,
    logits: Array,
    labels: Array,
    weights: Array | None = None,
    *,
    class_weight: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> tuple[Array | None, ...]:
    """dZ = p - y, times each row's share of the mean: here stands the 1/m."""
    d_logits = softmax(logits)
    d_logits[np.arange(len(labels)), labels] -= 1.0 - label_smoothing
    d_logits -= label_smoothing / logits.shape[1]
    shares = row_shares(labels, weights, class_weight)
    return (d_loss * shares[:, None] * d_logits, None, None)  # labels and weights carry no gradient


def _check_cross_entropy(class_weight: Sequence[float] | None, label_smoothing: float) -> None:
    need_attribute(
        is_number(label_smoothing, low=0.0, below=1.0),
        f"label_smoothing must be in [0, 1), got {label_smoothing!r}",
    )
    if class_weight is not None:
        need_attribute(
            isinstance(class_weight, Sequence) and all(is_number(weight, low=0.0) for weight in class_weight),
            f"class_weight must be a number >= 0 per class, got {class_weight!r}",
        )


def mean_of_losses(losses: Array, shares: Array) -> Formula:
    """Return a weighted mean of losses with its numbers, the largest terms first."""
    m = len(losses)
    equal = bool((shares == shares[0]).all())
    terms = (losses if equal else shares * losses).tolist()
    shown, rest = largest_first(terms)
    written = [
        Number(losses[i]) if equal else product_of([Number(float(shares[i])), Number(float(losses[i]))]) for i in shown
    ]
    summed = sum_of(written, sum(terms[i] for i in rest), len(rest))
    return frac(summed, Number(m)) if equal else summed


def residual_of(d_loss: float, share: float, probability: float, target: float) -> Formula:
    """Return (p - y) times the row's share of the mean, with its numbers: over m where that is 1/m."""
    difference = row(Number(probability), "−", Number(target))
    m = round(1.0 / share) if share > 0.0 else 0
    plain = frac(difference, Number(m)) if m and share == 1.0 / m else None
    factors = [] if d_loss == 1.0 else [Number(d_loss)]
    if plain is not None:
        return product_of([*factors, plain])
    return product_of([*factors, Number(share), row("(", difference, ")")])


def _cross_entropy_code(roles: Sequence[str], *, class_weight: Sequence[float] | None, label_smoothing: float) -> Code:
    lines = [
        "shifted = logits - logits.max(axis=1, keepdims=True)",
        "targets = shifted[np.arange(len(labels)), labels]",
    ]
    if label_smoothing:
        lines.append("targets = (1.0 - label_smoothing) * targets + label_smoothing * shifted.mean(axis=1)")
    lines.append("losses = np.log(np.exp(shifted).sum(axis=1)) - targets")
    factors = _factors(roles, class_weight)
    lines.append(f"(losses * {factors}).sum() / ({factors}).sum()" if factors else "losses.mean()")
    axes = {"logits": "mk", "labels": "m", "weights": "m"}
    used = {role: axes[role] for role in roles if role in axes}
    return code(*lines, **used, out="", numbers=_cross_entropy_numbers)


def _factors(roles: Sequence[str], class_weight: Sequence[float] | None) -> str:
    """Return what a row counts, in NumPy; nothing where each counts once."""
    factors = ["weights"] if "weights" in roles else []
    return " * ".join([*factors, *(["np.array(class_weight)[labels]"] if class_weight is not None else [])])


def _cross_entropy_gradient_code(
    roles: Sequence[str], *, class_weight: Sequence[float] | None, label_smoothing: float
) -> Code:
    lines = [*_SOFTMAX_LINES, "targets = np.eye(logits.shape[1])[labels]"]
    if label_smoothing:
        lines.append("targets = (1.0 - label_smoothing) * targets + label_smoothing / logits.shape[1]")
    factors = _factors(roles, class_weight)
    axes = {"logits": "mk", "labels": "m", "weights": "m", "d_out": ""}
    used = {role: axes[role] for role in (*roles, "d_out") if role in axes}
    return code(
        *lines,
        f"d_out * (p - targets) * ({factors})[:, None] / total" if factors else "d_out * (p - targets) / total",
        **used,
        out="mj",
        numbers=_cross_entropy_gradient_numbers,
        constants={"total": _total},
    )


def _total(
    inputs: Mapping[str, Array], *, class_weight: Sequence[float] | None = None, label_smoothing: float = 0.0
) -> float:
    """What all rows count together: m where nothing is weighted."""
    counts = inputs.get("weights", np.ones(len(inputs["labels"])))
    return float((counts if class_weight is None else counts * np.array(class_weight)[inputs["labels"]]).sum())


def _cross_entropy_numbers(
    index: Index,
    inputs: Mapping[str, Array],
    constants: object,
    *,
    class_weight: Sequence[float] | None,
    label_smoothing: float,
) -> Formula:
    logits, labels = inputs["logits"], inputs["labels"]
    if len(logits) == 1 and not label_smoothing:
        return row("−", call("log", Number(float(softmax(logits)[0, labels[0]]))))
    shares = row_shares(labels, inputs.get("weights"), class_weight)
    return mean_of_losses(row_losses(logits, labels, label_smoothing), shares)


def _cross_entropy_gradient_numbers(
    index: Index,
    inputs: Mapping[str, Array],
    constants: Mapping[str, float],
    *,
    class_weight: Sequence[float] | None,
    label_smoothing: float,
) -> Formula:
    logits, label = inputs["logits"], int(inputs["labels"][0])
    counts = float(inputs["weights"][0]) if "weights" in inputs else 1.0
    counts *= 1.0 if class_weight is None else class_weight[label]
    target = (1.0 - label_smoothing) * (label == index[1]) + label_smoothing / logits.shape[1]
    probability = float(softmax(logits)[0, index[1]])
    return residual_of(float(inputs["d_out"]), counts / constants["total"], probability, target)


_Y, _J, _S = role("labels"), role("out"), role("weights")
SOFTMAX_CROSS_ENTROPY = Operation(
    name="softmax_cross_entropy",
    roles=("logits", "labels", "weights?"),
    formula=row(_J, "= −", frac("1", "m"), total("i", total("k", row(sub(_Y, "ik"), call("log", sub("p", "ik")))))),
    gradients={"logits": row(d("logits"), "=", frac(row("p −", _Y), "m"))},
    local={"logits": frac(row("p −", _Y), "m")},
    shape=_cross_entropy_shape,
    forward=_cross_entropy_forward,
    backward=_cross_entropy_backward,
    attributes={"class_weight": None, "label_smoothing": 0.0},
    check=_check_cross_entropy,
    numpy={"out": _cross_entropy_code, "logits": _cross_entropy_gradient_code},
)

OPERATIONS = (SOFTMAX, REFERENCE_LOGIT, SOFTMAX_CROSS_ENTROPY)

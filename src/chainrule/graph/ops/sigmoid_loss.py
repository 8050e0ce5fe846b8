"""The last layer where a row may belong to several classes or to none: a logistic loss for each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule._typing import Array
from chainrule.graph.code import Code, Index, code
from chainrule.graph.formula import Formula, call, d, frac, role, row, sub, sup, total
from chainrule.graph.operation import Operation, Shape, need, show_shape
from chainrule.graph.ops.activations import sigmoid
from chainrule.graph.ops.softmax import mean_of_losses, residual_of, row_shares


def column_losses(logits: Array, labels: Array) -> Array:
    """(batch, classes), (batch, classes) of 0 and 1 -> (batch, classes): log(1 + exp(z)) - y z, in nats.

    That is -log sigmoid(z) where y = 1 and -log(1 - sigmoid(z)) where y = 0, written so that exp never overflows.
    """
    losses: Array = np.maximum(logits, 0.0) - labels * logits + np.log1p(np.exp(-np.abs(logits)))
    return losses


def _cross_entropy_shape(logits: Shape, labels: Shape, weights: Shape | None = None) -> Shape:
    need(len(logits) == 2, f"logits must be (batch, classes), got {show_shape(logits)}")
    need(logits[1] != 0, f"logits must have at least one column, got {show_shape(logits)}")
    need(
        labels == logits,
        f"labels must be {show_shape(logits)} like the logits, a column of 0 and 1 per class, got {show_shape(labels)}",
    )
    need(
        weights is None or weights == logits[:1],
        f"weights must be {show_shape(logits[:1])}, got {show_shape(weights or ())}",
    )
    return ()


def _cross_entropy_forward(logits: Array, labels: Array, weights: Array | None = None) -> Array:
    """(batch, classes), (batch, classes), (batch,) -> (): the weighted mean over rows of the sum over columns."""
    losses = column_losses(logits, labels).sum(axis=1)
    return np.asarray((row_shares(labels, weights, None) * losses).sum())


def _cross_entropy_backward(
    d_loss: Array, logits: Array, labels: Array, weights: Array | None = None
) -> tuple[Array | None, ...]:
    """dZ = p - y with p = sigmoid(Z), times each row's share of the mean."""
    shares = row_shares(labels, weights, None)
    return (d_loss * shares[:, None] * (sigmoid(logits) - labels), None, None)  # labels and weights carry no gradient


_AXES = {"logits": "mk", "labels": "mk", "weights": "m"}


def _cross_entropy_code(roles: Sequence[str]) -> Code:
    lines = (
        "columns = np.maximum(logits, 0.0) - labels * logits + np.log1p(np.exp(-np.abs(logits)))",
        "losses = columns.sum(axis=1)",
        "(losses * weights).sum() / weights.sum()" if "weights" in roles else "losses.mean()",
    )
    return code(*lines, **{role: _AXES[role] for role in roles}, out="", numbers=_cross_entropy_numbers)


def _cross_entropy_gradient_code(roles: Sequence[str]) -> Code:
    return code(
        "p = 0.5 * (1.0 + np.tanh(0.5 * logits))",
        "d_out * (p - labels) * weights[:, None] / total" if "weights" in roles else "d_out * (p - labels) / total",
        **{role: _AXES[role] for role in roles},
        d_out="",
        out="mk",
        numbers=_cross_entropy_gradient_numbers,
        constants={"total": _total},
    )


def _total(inputs: Mapping[str, Array]) -> float:
    """What all rows count together: m where nothing is weighted."""
    return float(inputs["weights"].sum()) if "weights" in inputs else float(len(inputs["labels"]))


def _cross_entropy_numbers(index: Index, inputs: Mapping[str, Array], constants: object) -> Formula:
    losses = column_losses(inputs["logits"], inputs["labels"]).sum(axis=1)
    return mean_of_losses(losses, row_shares(inputs["labels"], inputs.get("weights"), None))


def _cross_entropy_gradient_numbers(
    index: Index, inputs: Mapping[str, Array], constants: Mapping[str, float]
) -> Formula:
    share = (float(inputs["weights"][0]) if "weights" in inputs else 1.0) / constants["total"]
    probability = float(sigmoid(inputs["logits"])[0, 0])
    return residual_of(float(inputs["d_out"]), share, probability, float(inputs["labels"][0, 0]))


_Z, _Y, _J = role("logits"), role("labels"), role("out")
_Z_IK = sub(_Z, "ik")
_GRADIENT = frac(row(call("σ", _Z), "−", _Y), "m")
SIGMOID_CROSS_ENTROPY = Operation(
    name="sigmoid_cross_entropy",
    roles=("logits", "labels", "weights?"),
    formula=row(
        _J,
        "=",
        frac("1", "m"),
        total("i", total("k", row("(", call("log", row("1 +", sup("e", _Z_IK))), "−", sub(_Y, "ik"), _Z_IK, ")"))),
    ),
    gradients={"logits": row(d("logits"), "=", _GRADIENT)},
    local={"logits": _GRADIENT},
    shape=_cross_entropy_shape,
    forward=_cross_entropy_forward,
    backward=_cross_entropy_backward,
    numpy={"out": _cross_entropy_code, "logits": _cross_entropy_gradient_code},
)

OPERATIONS = (SIGMOID_CROSS_ENTROPY,)

"""What the lecture works out on the blackboard: p - y on three classes, its derivation, and the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.errors import InputError
from chainrule.graph import OPERATIONS, Graph, backward, build, forward
from chainrule.graph.operation import show_shape

PROBABILITIES = (0.2, 0.3, 0.5)
TRUTH = (0, 1, 0)
"""The worked example of the lecture."""


@dataclass(frozen=True, eq=False)
class WorkedExample:
    """One sample's last layer, forwards and backwards.

    Attributes
    ----------
    logits
        Z, (K,): any with softmax(Z) = p; here log p less the largest, which rounds least.
    p, y
        Probabilities and one-hot truth, (K,).
    loss
        J = -sum_k y_k log p_k, in nats.
    d_p
        dJ/dp, (K,).
    dp_dz
        (K, K), row j and column k: dp_j/dZ_k, from the registry's softmax.
    d_logits
        dJ/dZ, (K,), from the registry's fused operation.
    """

    logits: Float64Array
    p: Float64Array
    y: Float64Array
    loss: float
    d_p: Float64Array
    dp_dz: Float64Array
    d_logits: Float64Array

    @property
    def by_chain_rule(self) -> Float64Array:
        """dJ/dZ the long way: sum over j of dJ/dp_j times dp_j/dZ_k."""
        return self.d_p @ self.dp_dz


def work_example(p: Sequence[float] | Array = PROBABILITIES, y: Sequence[int] | Array = TRUTH) -> WorkedExample:
    """Run the lecture's last layer on one sample, with the operations that train every model.

    Parameters
    ----------
    p
        (K,) probabilities: positive, adding up to 1.
    y
        (K,) one-hot.

    Raises
    ------
    InputError
        If p are no probabilities or y is not one-hot.
    """
    probabilities, truth = np.asarray(p, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if probabilities.ndim != 1 or not (probabilities > 0).all() or not np.isclose(probabilities.sum(), 1.0):
        raise InputError(f"p must be a row of positive probabilities that add up to 1, got {p!r}")
    if truth.shape != probabilities.shape or sorted(truth) != [0.0] * (len(truth) - 1) + [1.0]:
        raise InputError(f"y must be one-hot, a 1 and else 0, as long as p; got {y!r}")
    softmax, fused = OPERATIONS["softmax"], OPERATIONS["softmax_cross_entropy"]
    logits = np.log(probabilities / probabilities.max())[None]
    label = np.array([int(truth.argmax())])
    d_logits = cast(Array, fused.backward(np.array(1.0), logits, label)[0])
    rows = [cast(Array, softmax.backward(one[None], logits)[0]) for one in np.eye(len(truth))]
    return WorkedExample(
        logits=logits[0],
        p=softmax.forward(logits)[0],
        y=truth,
        loss=float(fused.forward(logits, label)),
        d_p=-truth / probabilities,
        dp_dz=np.concatenate(rows),
        d_logits=d_logits[0],
    )


@dataclass(frozen=True)
class Argument:
    """One step of a derivation: what is said, in symbols, and in the worked example's numbers."""

    says: str
    symbols: str
    numbers: str


def derive(example: WorkedExample) -> tuple[Argument, ...]:
    """Return the derivation of dZ = p - y, step by step, with an example's numbers."""
    correct = int(example.y.argmax())
    diagonal = example.dp_dz.diagonal()
    off = [
        f"dp_{j + 1}/dZ_{k + 1} = {number(example.dp_dz[j, k])}"
        for j, k in zip(*np.triu_indices(len(example.p), 1), strict=True)
    ]
    terms = " + ".join(
        f"{_factor(slope)} · {_factor(row[0])}" for slope, row in zip(example.d_p, example.dp_dz, strict=True)
    )
    return (
        Argument(
            "The loss of one sample. Only the true class's term is not 0.",
            "J = −Σ_j y_j log p_j",
            f"J = −log {number(example.p[correct])} = {number(example.loss)}",
        ),
        Argument(
            "Its derivative by each probability: the derivative of log.",
            "dJ/dp_j = −y_j / p_j",
            f"dJ/dp = {vector(example.d_p)}",
        ),
        Argument(
            "Softmax is a fraction: the quotient rule, (f/g)' = (f' g − f g') / g².",
            "p_j = e^Z_j / S,  S = Σ_l e^Z_l,  dS/dZ_k = e^Z_k",
            f"p = {vector(example.p)}",
        ),
        Argument(
            "First case, j = k: the numerator depends on Z_k.",
            "dp_k/dZ_k = (e^Z_k S − e^Z_k e^Z_k) / S² = p_k − p_k² = p_k (1 − p_k)",
            f"dp_k/dZ_k = {vector(diagonal)}",
        ),
        Argument(
            "Second case, j ≠ k: it does not, so f' = 0.",
            "dp_j/dZ_k = (0 · S − e^Z_j e^Z_k) / S² = −p_j p_k",
            ", ".join(off),
        ),
        Argument(
            "Both cases in one line, with the indicator I.",
            "dp_j/dZ_k = p_j (I(j = k) − p_k)",
            "; ".join(vector(row) for row in example.dp_dz),
        ),
        Argument(
            "Z_k acts on every p_j, since all share S: the chain rule sums over j.",
            "dJ/dZ_k = Σ_j dJ/dp_j · dp_j/dZ_k = Σ_j (−y_j/p_j) p_j (I(j = k) − p_k)",
            f"dJ/dZ_1 = {terms} = {number(example.by_chain_rule[0])}",
        ),
        Argument(
            "The p_j cancel; one sum keeps only j = k, in the other the y_j add up to 1.",
            "dJ/dZ_k = −Σ_j y_j I(j = k) + p_k Σ_j y_j = −y_k + p_k · 1",
            f"dJ/dZ = {vector(example.by_chain_rule)}",
        ),
        Argument(
            "That is the residual.",
            "dZ = p − y",
            f"{vector(example.p)} − {vector(example.y)} = {vector(example.d_logits)}",
        ),
    )


def _factor(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)


@dataclass(frozen=True)
class ShapeRow:
    """How an array of the softmax classifier comes about, and in which shape."""

    name: str
    formula: str
    arithmetic: str
    shape: tuple[int, ...]


def shape_rows(m: int, d: int, n_classes: int) -> tuple[ShapeRow, ...]:
    """Return the shapes of one forward and one backward pass, read off a real one.

    Parameters
    ----------
    m, d, n_classes
        Rows, columns and classes.
    """
    graph = build.softmax_classifier(d, n_classes)
    random = np.random.default_rng(0)
    X, y = random.normal(size=(m, d)), random.integers(n_classes, size=m)
    values = forward(graph, build.initialize(graph, random), X, y)
    gradients = backward(graph, values)
    rows = [ShapeRow(name, "given", "", values[name].shape) for name in ("X", "W", "b")]
    rows += [
        ShapeRow(name, graph.formula(name), _arithmetic(graph, name, values), values[name].shape)
        for name in ("Z", "p", "J")
    ]
    transposed = {"W": ("X", "T", "Z"), "X": ("Z", "", "W")}
    for name, node in (("Z", "J"), ("W", "Z"), ("b", "Z"), ("X", "Z")):
        formula = graph.gradient_formulas(node)[name]
        arithmetic = (
            f"{show_shape(values['p'].shape)} both"
            if name == "Z"
            else f"{show_shape(values['p'].shape)} summed over rows"
        )
        if name in transposed:
            left, right = (gradients["Z"], values["W"].T) if name == "X" else (values["X"].T, gradients["Z"])
            arithmetic = f"{show_shape(left.shape)} {show_shape(right.shape)}"
        rows.append(ShapeRow(f"d{name}", formula.split(" = ", 1)[1], arithmetic, gradients[name].shape))
    return tuple(rows)


def _arithmetic(graph: Graph, name: str, values: dict[str, Array]) -> str:
    return " ".join(show_shape(values[source].shape) for source in graph[name].inputs if source in values)


def number(value: float, digits: int = 4) -> str:
    """Return a number as text, without a minus zero."""
    return f"{float(value) + 0.0:.{digits}g}"


def vector(values: Array, digits: int = 4) -> str:
    """Return a row of numbers as text: ``[0.2, -0.7, 0.5]``."""
    return f"[{', '.join(number(value, digits) for value in values)}]"

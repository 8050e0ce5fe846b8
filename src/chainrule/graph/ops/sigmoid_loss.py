"""The last layer where a row may belong to several classes or to none: a logistic loss for each column."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Array
from chainrule.graph.formula import call, d, frac, role, row, sub, sup, total
from chainrule.graph.operation import Operation, Shape, need, show_shape
from chainrule.graph.ops.activations import sigmoid
from chainrule.graph.ops.softmax import row_shares


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
)

OPERATIONS = (SIGMOID_CROSS_ENTROPY,)

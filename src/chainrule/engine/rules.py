"""What each operation becomes: its forward and its backward, as steps.

``forward`` emits what computes a node's value, ``backward`` what the node hands on to its inputs once its own gradient
is complete. A term of the loss has no forward of its own: its value comes with its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.engine.instructions import Activation, Code, Loss
from chainrule.engine.steps import Key, Step, unsupported
from chainrule.graph import Node

if TYPE_CHECKING:
    from chainrule.engine.lower import Lowering


@dataclass(frozen=True)
class Rule:
    """How an operation is lowered; without ``forward`` it is a term of the loss."""

    forward: Callable[[Lowering, Node], None] | None
    backward: Callable[[Lowering, Node], None]


def _dense(lowering: Lowering, node: Node) -> None:
    x, weight, *bias = node.inputs
    lowering.emit(node.name, Code.PRODUCT, x, b=Key(weight), c=Key(bias[0]) if bias else None)


def _dense_backward(lowering: Lowering, node: Node) -> None:
    x, weight, *bias = node.inputs
    d_out = Key(node.name, True)
    sums_rows = lowering.by_rows(node.name)
    lowering.emit_gradient(weight, Code.PRODUCT_WEIGHT, Key(x), b=d_out, sums_rows=sums_rows)
    if bias:
        lowering.emit_gradient(bias[0], Code.COLUMN_SUMS, d_out, sums_rows=sums_rows)
    lowering.emit_gradient(x, Code.PRODUCT_INPUT, d_out, b=Key(weight))


def _activate(lowering: Lowering, node: Node) -> None:
    (x,) = node.inputs
    by_output = not lowering.needs_gradient(node.name) or _derivative_is_told_by_output(node)
    if lowering.is_overwritable(x) and (by_output or not lowering.training):
        lowering.share(Key(x), Key(node.name))
    lowering.emit(node.name, Code.ACTIVATE, x, activation=Activation[node.operation], number=_slope(node))


def _activate_backward(lowering: Lowering, node: Node) -> None:
    (x,) = node.inputs
    lowering.reuse_gradient(node)
    from_input = None if _derivative_is_told_by_output(node) else Key(x)
    lowering.emit_gradient(
        x,
        Code.ACTIVATE_BACKWARD,
        Key(node.name, True),
        b=from_input,
        c=Key(node.name),
        activation=Activation[node.operation],
        number=_slope(node),
    )


def _add(lowering: Lowering, node: Node) -> None:
    for i, term in enumerate(node.inputs):
        lowering.emit(node.name, Code.COPY, term, accumulate=i > 0)


def _add_backward(lowering: Lowering, node: Node) -> None:
    for term in node.inputs:
        lowering.emit_gradient(term, Code.COPY, Key(node.name, True))


def _scale(lowering: Lowering, node: Node) -> None:
    x, factor = node.inputs
    lowering.emit(node.name, Code.SCALE, x, b=Key(factor))


def _scale_backward(lowering: Lowering, node: Node) -> None:
    x, factor = node.inputs
    d_out = Key(node.name, True)
    lowering.emit_gradient(factor, Code.COLUMN_SUMS, d_out, b=Key(x), sums_rows=lowering.by_rows(node.name))
    lowering.emit_gradient(x, Code.SCALE, d_out, b=Key(factor))


def _dropout(lowering: Lowering, node: Node) -> None:
    x, *noise = node.inputs
    if noise and lowering.training:
        stream, rate = lowering.streams[noise[0]], float(_attributes(node)["rate"])
        lowering.emit(node.name, Code.DROPOUT, x, stream=stream, number=rate)
    else:
        lowering.emit(node.name, Code.COPY, x)


def _dropout_backward(lowering: Lowering, node: Node) -> None:
    x, *noise = node.inputs
    lowering.reuse_gradient(node)
    if noise:
        stream, rate = lowering.streams[noise[0]], float(_attributes(node)["rate"])
        lowering.emit_gradient(x, Code.DROPOUT, Key(node.name, True), stream=stream, number=rate)
    else:
        lowering.emit_gradient(x, Code.COPY, Key(node.name, True))


def _softmax(lowering: Lowering, node: Node) -> None:
    lowering.emit(node.name, Code.SOFTMAX, node.inputs[0])


def _softmax_backward(lowering: Lowering, node: Node) -> None:
    lowering.reuse_gradient(node)
    lowering.emit_gradient(node.inputs[0], Code.SOFTMAX_BACKWARD, Key(node.name, True), b=Key(node.name))


def _reference_logit(lowering: Lowering, node: Node) -> None:
    lowering.emit(node.name, Code.REFERENCE, node.inputs[0])


def _reference_backward(lowering: Lowering, node: Node) -> None:
    lowering.emit_gradient(node.inputs[0], Code.REFERENCE_BACKWARD, Key(node.name, True))


def _cross_entropy(lowering: Lowering, node: Node) -> None:
    coefficient = lowering.coefficients[node.name]
    logits, labels, *weights = node.inputs
    if lowering.labels not in (None, labels):
        raise unsupported(node, f"takes the labels {labels!r}; kernels take one set of labels, {lowering.labels!r}")
    lowering.labels = labels
    attributes = _attributes(node)
    loss = Loss(
        coefficient=coefficient,
        sigmoid=node.operation == "sigmoid_cross_entropy",
        weighted=bool(weights),
        class_weight=tuple(attributes.get("class_weight") or ()),
        label_smoothing=float(attributes.get("label_smoothing", 0.0)),
    )
    lowering.losses.append(loss)
    stream = len(lowering.losses) - 1
    d_logits = Key(logits, True)
    if lowering.is_overwritable(logits) and d_logits not in lowering.written:
        lowering.share(d_logits, Key(logits))
    if lowering.needs_gradient(logits):
        lowering.emit_gradient(logits, Code.CROSS_ENTROPY, Key(logits), stream=stream)
    else:
        lowering.row_steps.append(Step(Code.CROSS_ENTROPY, None, Key(logits), stream=stream))


def _l2(lowering: Lowering, node: Node) -> None:
    (x,) = node.inputs
    strength = lowering.coefficients[node.name] * float(_attributes(node)["strength"])
    if lowering.graph[x].operation == "parameter":
        lowering.penalties[x] = lowering.penalties.get(x, 0.0) + strength
    elif lowering.needs_gradient(x):
        lowering.emit_gradient(x, Code.PENALTY, Key(x), number=strength)
    else:
        step = Step(Code.PENALTY, None, Key(x), number=strength)
        (lowering.row_steps if lowering.by_rows(x) else lowering.fixed_backward).append(step)


def _attributes(node: Node) -> dict[str, Any]:
    return {**node.record.attributes, **node.attributes}


def _slope(node: Node) -> float:
    return float(_attributes(node).get("slope", 0.0))


def _derivative_is_told_by_output(node: Node) -> bool:
    """Whether f'(x) is a function of f(x): not where f turns (gelu, silu) or is flat (leaky_relu of slope 0)."""
    if node.operation == "leaky_relu":
        return _slope(node) > 0.0
    return node.operation not in ("gelu", "silu")


RULES: Mapping[str, Rule] = {
    "dense": Rule(_dense, _dense_backward),
    "add": Rule(_add, _add_backward),
    "scale": Rule(_scale, _scale_backward),
    "dropout": Rule(_dropout, _dropout_backward),
    "softmax": Rule(_softmax, _softmax_backward),
    "reference_logit": Rule(_reference_logit, _reference_backward),
    "softmax_cross_entropy": Rule(None, _cross_entropy),
    "sigmoid_cross_entropy": Rule(None, _cross_entropy),
    "l2": Rule(None, _l2),
    **dict.fromkeys(Activation.__members__, Rule(_activate, _activate_backward)),
}

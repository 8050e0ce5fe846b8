"""Graphs of the usual models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import GraphError
from chainrule.graph.graph import Graph, Node
from chainrule.graph.operation import BATCH
from chainrule.graph.ops import ACTIVATIONS


def softmax_classifier(
    n_features: int,
    n_classes: int,
    *,
    l2: float = 0.0,
    l1: float = 0.0,
    fit_intercept: bool = True,
    one_logit: bool = False,
    class_weight: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> Graph:
    """Return the lecture's graph: X, W, b -> Z -> p and J.

    Parameters
    ----------
    n_features, n_classes
        d and K.
    l2
        lambda of the penalty lambda/2 ||W||^2, on W only. With it the loss is ``objective = J + R``.
    l1
        lambda of the penalty lambda ||W||_1, likewise.
    fit_intercept
        Whether there is a b.
    one_logit
        For two classes: one column of W, the first class's logit being 0, as scikit-learn does it.
    class_weight
        A factor per class on its rows' share of the mean.
    label_smoothing
        See `chainrule.graph.ops.softmax`.
    """
    if one_logit and n_classes != 2:
        raise GraphError(f"one_logit is for two classes, got {n_classes}")
    outputs = 1 if one_logit else n_classes
    nodes = [_data(n_features)]
    logits = _add_dense(nodes, "X", "", n_features, outputs, bias=fit_intercept)
    _add_softmax_loss(nodes, logits, one_logit, class_weight, label_smoothing)
    return _close(nodes, ["W"], l2, l1)


def mlp(
    n_features: int,
    hidden_layer_sizes: Sequence[int],
    n_classes: int,
    *,
    activation: str | Sequence[str] = "relu",
    l2: float = 0.0,
    dropout: float | Sequence[float] = 0.0,
    skip_connections: bool = False,
    one_logit: bool = False,
    multilabel: bool = False,
    class_weight: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> Graph:
    """Return the N-layer network X -> Z1 -> A1 -> ... -> ZN -> p and J.

    Parameters
    ----------
    n_features, hidden_layer_sizes, n_classes
        d, the width of each hidden layer, K.
    activation
        One for all hidden layers, or one per layer; a name from the registry, or ``"identity"``: none.
    l2
        lambda of the penalty lambda/2 sum ||W||^2 over all layers.
    dropout
        Rate at which activations are dropped in training, one for all hidden layers or one per layer.
    skip_connections
        Add a layer's input to its output where the shapes agree.
    multilabel
        A row may belong to several of the classes, or to none: p = sigmoid(ZN), and J sums a logistic loss per class,
        with labels Y (m, K) of 0 and 1. It takes no ``one_logit``, ``class_weight`` or ``label_smoothing``.
    one_logit, class_weight, label_smoothing
        As for `softmax_classifier`.
    """
    if multilabel and (one_logit or class_weight is not None or label_smoothing):
        raise GraphError("one_logit, class_weight and label_smoothing are for classes of which a row has one")
    if one_logit and n_classes != 2:
        raise GraphError(f"one_logit is for two classes, got {n_classes}")
    n_hidden = len(hidden_layer_sizes)
    kinds = [activation] * n_hidden if isinstance(activation, str) else list(activation)
    rates = list(dropout) if isinstance(dropout, Sequence) else [dropout] * n_hidden
    for what, given in (("activations", kinds), ("dropout rates", rates)):
        if len(given) != n_hidden:
            raise GraphError(f"{len(given)} {what} for {n_hidden} hidden layers: give one or one each")
    for kind in kinds:
        if kind != "identity" and kind not in ACTIVATIONS:
            raise GraphError(f"no activation {kind!r}; there are {', '.join(ACTIVATIONS)}, identity")
    nodes = [_data(n_features)]
    last, width, weights = "X", n_features, []
    for layer, (size, kind, rate) in enumerate(zip(hidden_layer_sizes, kinds, rates, strict=True), start=1):
        before = last
        weights.append(f"W{layer}")
        last = _add_dense(nodes, last, str(layer), width, size)
        if kind != "identity":
            last = _add(nodes, f"A{layer}", kind, last)
        if rate:
            nodes.append(Node(f"U{layer}", "noise", given_shape=(BATCH, size)))
            last = _add(nodes, f"D{layer}", "dropout", last, f"U{layer}", rate=rate)
        if skip_connections and width == size:
            last = _add(nodes, f"S{layer}", "add", last, before)
        width = size
    output_layer = str(len(kinds) + 1)
    weights.append(f"W{output_layer}")
    logits = _add_dense(nodes, last, output_layer, width, 1 if one_logit else n_classes)
    if multilabel:
        _add_sigmoid_loss(nodes, logits, n_classes)
    else:
        _add_softmax_loss(nodes, logits, one_logit, class_weight, label_smoothing)
    return _close(nodes, weights, l2)


def initialize(graph: Graph, random_state: np.random.Generator, scale: float = 0.01) -> Float64Array:
    """Return a start for training: normal numbers times ``scale`` for matrices, zeros for vectors.

    Small weights break the symmetry between hidden units; biases need none to be broken.
    """
    flat = np.zeros(graph.parameters.size)
    for view in graph.parameters.views(flat).values():
        if view.ndim == 2:
            view[...] = scale * random_state.standard_normal(view.shape)
    return flat


def _data(n_features: int) -> Node:
    return Node("X", "data", given_shape=(BATCH, n_features))


def _add(nodes: list[Node], name: str, operation: str, *inputs: str, **attributes: object) -> str:
    nodes.append(Node(name, operation, inputs, attributes))
    return name


def _add_dense(nodes: list[Node], x: str, layer: str, n_in: int, n_out: int, *, bias: bool = True) -> str:
    nodes.append(Node(f"W{layer}", "parameter", given_shape=(n_in, n_out)))
    inputs = [x, f"W{layer}"]
    if bias:
        nodes.append(Node(f"b{layer}", "parameter", given_shape=(n_out,)))
        inputs.append(f"b{layer}")
    return _add(nodes, f"Z{layer}", "dense", *inputs)


def _add_softmax_loss(
    nodes: list[Node],
    logits: str,
    one_logit: bool,
    class_weight: Sequence[float] | None,
    label_smoothing: float,
) -> None:
    """Add probabilities p and the cross-entropy J of classes of which a row has one."""
    if one_logit:
        logits = _add(nodes, "Z0", "reference_logit", logits)
    _add(nodes, "p", "softmax", logits)
    nodes.append(Node("y", "labels", given_shape=(BATCH,)))
    nodes.append(Node("s", "weights", given_shape=(BATCH,)))
    attributes: dict[str, object] = {}
    if class_weight is not None:
        attributes["class_weight"] = tuple(float(weight) for weight in class_weight)
    if label_smoothing:
        attributes["label_smoothing"] = float(label_smoothing)
    _add(nodes, "J", "softmax_cross_entropy", logits, "y", "s", **attributes)


def _add_sigmoid_loss(nodes: list[Node], logits: str, n_classes: int) -> None:
    """Add probabilities p and the cross-entropy J of classes of which a row has any number."""
    _add(nodes, "p", "sigmoid", logits)
    nodes.append(Node("Y", "labels", given_shape=(BATCH, n_classes)))
    nodes.append(Node("s", "weights", given_shape=(BATCH,)))
    _add(nodes, "J", "sigmoid_cross_entropy", logits, "Y", "s")


def _close(nodes: list[Node], weights: list[str], l2: float, l1: float = 0.0) -> Graph:
    """Return the graph, with the penalties added to its loss J if any are asked for."""
    loss = "J"
    penalties = [
        _add(nodes, f"{letter}{name[1:]}", kind, name, strength=float(strength))
        for letter, kind, strength in (("R", "l2", l2), ("T", "l1", l1))
        for name in weights
        if strength
    ]
    if penalties:
        loss = _add(nodes, "objective", "add", "J", *penalties)
    return Graph(nodes, loss=loss, output="p")

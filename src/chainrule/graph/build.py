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
    return _close(nodes, logits, one_logit, ["W"], l2, class_weight, label_smoothing)


def mlp(
    n_features: int,
    hidden_layer_sizes: Sequence[int],
    n_classes: int,
    *,
    activation: str | Sequence[str] = "relu",
    l2: float = 0.0,
    dropout: float = 0.0,
    skip_connections: bool = False,
    class_weight: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> Graph:
    """Return the N-layer network X -> Z1 -> A1 -> ... -> ZN -> p and J.

    Parameters
    ----------
    n_features, hidden_layer_sizes, n_classes
        d, the width of each hidden layer, K.
    activation
        One for all hidden layers, or one per layer; a name from the registry.
    l2
        lambda of the penalty lambda/2 sum ||W||^2 over all layers.
    dropout
        Rate at which activations are dropped in training.
    skip_connections
        Add a layer's input to its output where the shapes agree.
    class_weight, label_smoothing
        As for `softmax_classifier`.
    """
    kinds = [activation] * len(hidden_layer_sizes) if isinstance(activation, str) else list(activation)
    if len(kinds) != len(hidden_layer_sizes):
        raise GraphError(f"{len(kinds)} activations for {len(hidden_layer_sizes)} hidden layers: give one or one each")
    for kind in kinds:
        if kind not in ACTIVATIONS:
            raise GraphError(f"no activation {kind!r}; there are {', '.join(ACTIVATIONS)}")
    nodes = [_data(n_features)]
    last, width, weights = "X", n_features, []
    for layer, (size, kind) in enumerate(zip(hidden_layer_sizes, kinds, strict=True), start=1):
        before = last
        weights.append(f"W{layer}")
        last = _add(nodes, f"A{layer}", kind, _add_dense(nodes, last, str(layer), width, size))
        if dropout:
            nodes.append(Node(f"U{layer}", "noise", given_shape=(BATCH, size)))
            last = _add(nodes, f"D{layer}", "dropout", last, f"U{layer}", rate=dropout)
        if skip_connections and width == size:
            last = _add(nodes, f"S{layer}", "add", last, before)
        width = size
    output_layer = str(len(kinds) + 1)
    weights.append(f"W{output_layer}")
    logits = _add_dense(nodes, last, output_layer, width, n_classes)
    return _close(nodes, logits, False, weights, l2, class_weight, label_smoothing)


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


def _close(
    nodes: list[Node],
    logits: str,
    one_logit: bool,
    weights: list[str],
    l2: float,
    class_weight: Sequence[float] | None,
    label_smoothing: float,
) -> Graph:
    """Add what every classifier ends with: probabilities, cross-entropy and, if asked for, the penalty."""
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
    loss = _add(nodes, "J", "softmax_cross_entropy", logits, "y", "s", **attributes)
    if l2:
        penalties = [_add(nodes, f"R{name[1:]}", "l2", name, strength=float(l2)) for name in weights]
        loss = _add(nodes, "objective", "add", "J", *penalties)
    return Graph(nodes, loss=loss, output="p")

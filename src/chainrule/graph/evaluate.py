"""The readable forward and backward sweep, in NumPy float64: the oracle.

Forward goes through the nodes in order and computes each from its inputs. Backward goes the other way: each
node hands its gradient on to its inputs, and gradients that meet add up. That is the whole chain rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.errors import InputError, ShapeError
from chainrule.graph.graph import Graph, Node
from chainrule.graph.operation import BATCH, listed, show_shape


@dataclass(frozen=True, repr=False)
class Sweep:
    """Every value of a forward pass and, after `backward`, every gradient, by node's name."""

    graph: Graph
    values: Mapping[str, Array]
    gradients: Mapping[str, Array]

    def __repr__(self) -> str:
        return f"<Sweep of {self.graph!r}: loss {self.loss:.6g}, {len(self.gradients)} gradients>"

    @property
    def loss(self) -> float:
        """The value of the graph's loss."""
        return float(self.values[_loss_name(self.graph)])

    def parameter_gradient(self) -> Float64Array:
        """Return the gradient by all parameters as one flat vector."""
        layout = self.graph.parameters
        return layout.flatten({name: self.gradients.get(name, np.zeros(shape)) for name, shape in layout.items()})


def forward(
    graph: Graph,
    parameters: Array | Mapping[str, Array],
    X: Array | Mapping[str, Array],
    y: Array | None = None,
    *,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
) -> dict[str, Array]:
    """Return the value of every node that can be computed from what is given.

    Parameters
    ----------
    graph
        What to compute.
    parameters
        The flat vector, or an array by name.
    X
        (m, d), or by name where the graph takes several.
    y
        (m,) class indices 0..K-1, or (m, K) of 0 and 1 where the graph's labels have a column per class. Without
        them the nodes that depend on labels are left out.
    sample_weight
        (m,), None counts each row once.
    noise
        Uniform numbers in [0, 1) for the noise sources (dropout); without them dropout is the identity.

    Raises
    ------
    InputError
        If an array is missing, unknown or of the wrong shape, labels are out of range, or all weights are 0.
    """
    values = _given_values(graph, parameters, X, y, sample_weight, noise or {})
    optional = {node.name for node in graph.of_kind("weights", "noise")}
    for node in graph.nodes:
        if not node.is_source and all(name in values or name in optional for name in node.inputs):
            values[node.name] = _apply(node, [values.get(name) for name in node.inputs])
    return values


def backward(
    graph: Graph, values: Mapping[str, Array], start: str | None = None, d_start: Array | None = None
) -> dict[str, Array]:
    """Return dJ/dQ for every node Q that the loss depends on (through differentiable inputs).

    Parameters
    ----------
    graph, values
        What `forward` was given and returned.
    start
        The node to differentiate; the graph's loss by default.
    d_start
        Its own derivative, of its shape: what is differentiated is the sum of its entries with these factors. All 1 by
        default.
    """
    start = start or _loss_name(graph)
    if start not in values:
        raise InputError(f"node {start!r} has no value: the forward pass needs labels (y=) for it")
    gradients: dict[str, Array] = {start: np.ones_like(values[start]) if d_start is None else d_start}
    for node in reversed(graph.nodes):
        if node.is_source or node.name not in gradients:
            continue
        inputs = [values.get(name) for name in node.inputs]
        record = node.record
        shares = record.backward(gradients[node.name], *inputs, **{**record.attributes, **node.attributes})
        for name, share in zip(node.inputs, shares, strict=False):
            if share is not None:
                gradients[name] = np.asarray(gradients[name] + share if name in gradients else share)
    return gradients


def sweep(
    graph: Graph,
    parameters: Array | Mapping[str, Array],
    X: Array | Mapping[str, Array],
    y: Array,
    *,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
) -> Sweep:
    """Run `forward`, then `backward`, and return all values and gradients."""
    values = forward(graph, parameters, X, y, sample_weight=sample_weight, noise=noise)
    return Sweep(graph, values, backward(graph, values))


def draw_noise(graph: Graph, n_rows: int, random_state: np.random.Generator) -> dict[str, Float64Array]:
    """Return uniform numbers for every noise source of the graph, for a batch of ``n_rows``."""
    return {
        node.name: random_state.random([n_rows if e == BATCH else int(e) for e in graph.shape(node.name)])
        for node in graph.of_kind("noise")
    }


def first_nonfinite(graph: Graph, values: Mapping[str, Array]) -> str | None:
    """Return the first node, in the order of computation, whose value holds a NaN or an infinity."""
    for node in graph.nodes:
        value = values.get(node.name)
        if value is not None and not np.isfinite(value).all():
            return node.name
    return None


def _apply(node: Node, inputs: list[Array | None]) -> Array:
    record = node.record
    # sums and products of 0-d arrays come back as scalars
    return np.asarray(record.forward(*inputs, **{**record.attributes, **node.attributes}))


def _loss_name(graph: Graph) -> str:
    if graph.loss is None:
        raise InputError("this graph has no loss: build it with Graph(nodes, loss=...)")
    return graph.loss


def _given_values(
    graph: Graph,
    parameters: Array | Mapping[str, Array],
    X: Array | Mapping[str, Array],
    y: Array | None,
    sample_weight: Array | None,
    noise: Mapping[str, Array],
) -> dict[str, Array]:
    layout = graph.parameters
    flat = layout.flatten(parameters) if isinstance(parameters, Mapping) else np.asarray(parameters, np.float64)
    values: dict[str, Array] = dict(layout.views(flat))
    data = graph.of_kind("data")
    by_name: dict[str, Array] = dict(X) if isinstance(X, Mapping) else {node.name: X for node in data[:1]}
    _check_names("X", by_name, [node.name for node in data])
    _check_names("noise", noise, [node.name for node in graph.of_kind("noise")])
    if sample_weight is not None and not graph.of_kind("weights"):
        raise InputError("this graph has no node of kind 'weights': sample_weight would change nothing")
    for node in data:
        if node.name not in by_name:
            shape = show_shape(graph.shape(node.name))
            raise InputError(f"node {node.name!r} (data) needs an array of shape {shape}: give X={{name: array}}")
        values[node.name] = np.asarray(by_name[node.name], dtype=np.float64)
    for node in graph.of_kind("labels"):
        if y is not None:
            by_column = len(graph.shape(node.name)) == 2
            values[node.name] = _zeros_and_ones(y) if by_column else _class_indices(y)
    for node in graph.of_kind("weights"):
        if sample_weight is not None:
            values[node.name] = np.asarray(sample_weight, dtype=np.float64)
    for node in graph.of_kind("noise"):
        if node.name in noise:
            values[node.name] = np.asarray(noise[node.name], dtype=np.float64)
    _check_given_shapes(graph, values)
    _check_label_range(graph, values)
    return values


def _check_names(what: str, given: Mapping[str, Array], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise InputError(f"{what} has {name!r}, which this graph does not take: it takes {listed(known) or 'none'}")


def _class_indices(y: Array) -> Array:
    labels = np.asarray(y)
    if labels.dtype.kind not in "iub":
        raise InputError(f"labels must be class indices (integers 0..K-1), got dtype {labels.dtype}")
    return labels.astype(np.int64)


def _zeros_and_ones(y: Array) -> Array:
    labels = np.asarray(y)
    wanted = "labels must be a matrix of 0 and 1, a column per class"
    if labels.dtype.kind not in "iubf":
        raise InputError(f"{wanted}, got dtype {labels.dtype}")
    wrong = (labels != 0) & (labels != 1)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InputError(f"{wanted}, got {labels[place]} at {list(place)}")
    return labels.astype(np.int64)


def _check_given_shapes(graph: Graph, values: Mapping[str, Array]) -> None:
    rows: int | None = None
    for name, value in values.items():
        shape = graph.shape(name)
        fits = len(shape) == value.ndim
        for extent, found in zip(shape, value.shape, strict=False):
            if extent == BATCH:
                rows = found if rows is None else rows
                fits = fits and found == rows
            else:
                fits = fits and found == extent
        if not fits:
            m = "" if rows is None else f" with m = {rows}"
            raise ShapeError(f"node {name!r} takes shape {show_shape(shape)}{m}, got {value.shape}")


def _check_label_range(graph: Graph, values: Mapping[str, Array]) -> None:
    for node in graph.of_kind("softmax_cross_entropy"):
        labels = values.get(node.inputs[1])
        classes = graph.shape(node.inputs[0])[1]
        if labels is not None and len(labels) and not (labels.min() >= 0 and labels.max() < classes):
            wrong = labels[(labels < 0) | (labels >= classes)][0]
            raise InputError(f"node {node.name!r}: labels must be 0..{int(classes) - 1}, got {wrong}")

"""A softmax classifier's graph compiled for the one-pass kernels.

These cover one shape of graph: dense -> softmax_cross_entropy (through reference_logit for two classes as one
logit), with l2 and l1 penalties on parameters. What they do not cover is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.engine import _kernels
from chainrule.errors import UnsupportedError
from chainrule.graph import Graph, Node


@dataclass(frozen=True)
class SoftmaxProgram:
    """Kernel calls that compute a softmax classifier's graph, forward and backward.

    Attributes
    ----------
    graph
        What is computed.
    weight, bias
        Names of the parameters; ``bias`` is None where there is no intercept.
    n_features, n_outputs, n_classes
        d, columns of the weight (1 for two classes as one logit), K.
    reference_logit
        Whether the first class's logit is fixed at 0.
    class_weight, label_smoothing
        Attributes of the loss; None and 0 where the graph has no loss.
    penalties
        (parameter, l2 strength, l1 strength) of every term of the loss.
    """

    graph: Graph
    weight: str
    bias: str | None
    n_features: int
    n_outputs: int
    n_classes: int
    reference_logit: bool
    class_weight: Sequence[float] | None
    label_smoothing: float
    penalties: tuple[tuple[str, float, float], ...]

    def split(self, flat: Float64Array, dtype: np.dtype[np.floating]) -> tuple[Array, Array]:
        """Return weight (d, outputs) and bias (outputs,) of the flat vector, in the dtype of the data, to be read."""
        views = self.graph.parameters.views(flat)
        bias = views[self.bias] if self.bias else np.zeros(self.n_outputs)
        return views[self.weight].astype(dtype, copy=False), bias.astype(dtype, copy=False)

    def predict(self, flat: Float64Array, X: Array, n_threads: int = 0) -> Array:
        """Return class probabilities (m, K) in the dtype of ``X`` (m, d)."""
        weight, bias = self.split(flat, X.dtype)
        return _kernels.softmax_probabilities(
            X, weight, bias, n_threads=n_threads, reference_logit=self.reference_logit
        )

    def row_weights(self, labels: Array, sample_weight: Array | None) -> Float64Array | None:
        """Return what each row counts, (m,), class weights included; None if each counts once."""
        if self.class_weight is None:
            return None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        factors = np.asarray(self.class_weight, dtype=np.float64)[labels]
        return factors if sample_weight is None else factors * sample_weight

    def value_and_gradient(
        self, flat: Float64Array, X: Array, labels: Array, sample_weight: Array | None = None, n_threads: int = 0
    ) -> tuple[float, Float64Array]:
        """Return the graph's loss and its gradient by the flat vector, in one pass over ``X`` (m, d)."""
        weights = self.row_weights(labels, sample_weight)
        mass = float(len(labels)) if weights is None else float(weights.sum())
        weight, bias = self.split(flat, X.dtype)
        loss, d_weight, d_bias = _kernels.softmax_value_and_gradient(
            X,
            weight,
            bias,
            labels,
            weights,
            n_threads=n_threads,
            reference_logit=self.reference_logit,
            label_smoothing=self.label_smoothing,
        )
        gradient = np.zeros(self.graph.parameters.size)
        views = self.graph.parameters.views(gradient)
        views[self.weight][...] = d_weight / mass
        if self.bias:
            views[self.bias][...] = d_bias / mass
        value = loss / mass
        parameters = self.graph.parameters.views(flat)
        for name, l2, l1 in self.penalties:
            parameter = parameters[name]
            value += 0.5 * l2 * float((parameter * parameter).sum()) + l1 * float(np.abs(parameter).sum())
            views[name] += l2 * parameter + l1 * np.sign(parameter)
        return value, gradient

    def strengths(self, parameter: str) -> tuple[float, float]:
        """Return lambda of a parameter's l2 and of its l1 penalty."""
        own = [penalty[1:] for penalty in self.penalties if penalty[0] == parameter]
        return sum(l2 for l2, _ in own), sum(l1 for _, l1 in own)


def compile_softmax(graph: Graph) -> SoftmaxProgram:
    """Return the program for a graph.

    Raises
    ------
    UnsupportedError
        If no kernel covers the graph; the message names the first node without one.
    """
    covered = {"data", "labels", "weights", "parameter", "dense", "reference_logit"}
    covered |= {"softmax", "softmax_cross_entropy", "l2", "l1", "add"}
    for node in graph.nodes:
        if node.operation not in covered:
            raise _unsupported(node, "has no compiled kernel yet")
    dense = graph.of_kind("dense")
    if len(dense) != 1 or graph[dense[0].inputs[0]].operation != "data":
        where = dense[1] if len(dense) > 1 else graph.nodes[-1]
        raise _unsupported(where, "belongs to a graph other than a softmax classifier's, which has no kernel yet")
    layer = dense[0]
    reference = graph.of_kind("reference_logit")
    if len(reference) > 1 or (reference and graph.shape(layer.name)[1] != 1):
        raise _unsupported(reference[0], "is compiled for two classes only")
    logits = reference[0] if reference else layer
    loss, penalties = _read_loss(graph, logits)
    attributes = {} if loss is None else {**loss.record.attributes, **loss.attributes}
    n_features, n_outputs = graph.parameters[layer.inputs[1]]
    return SoftmaxProgram(
        graph=graph,
        weight=layer.inputs[1],
        bias=layer.inputs[2] if len(layer.inputs) > 2 else None,
        n_features=n_features,
        n_outputs=n_outputs,
        n_classes=n_outputs + len(reference),
        reference_logit=bool(reference),
        class_weight=attributes.get("class_weight"),
        label_smoothing=attributes.get("label_smoothing", 0.0),
        penalties=penalties,
    )


def _read_loss(graph: Graph, logits: Node) -> tuple[Node | None, tuple[tuple[str, float, float], ...]]:
    """Take the loss apart: one cross-entropy of the logits and any l2 and l1 of parameters."""
    if graph.loss is None:
        return None, ()
    top = graph[graph.loss]
    terms = [graph[name] for name in top.inputs] if top.operation == "add" else [top]
    losses, penalties = [], []
    for term in terms:
        if term.operation == "softmax_cross_entropy" and term.inputs[0] == logits.name:
            losses.append(term)
        elif term.operation in ("l2", "l1") and graph[term.inputs[0]].operation == "parameter":
            strength = float({**term.record.attributes, **term.attributes}["strength"])
            penalties.append((term.inputs[0], *((strength, 0.0) if term.operation == "l2" else (0.0, strength))))
        else:
            raise _unsupported(term, "is no term of a loss that kernels cover (cross-entropy of the logits, l2, l1)")
    if len(losses) != 1:
        raise _unsupported(top, f"must hold one softmax_cross_entropy, it has {len(losses)}")
    return losses[0], tuple(penalties)


def _unsupported(node: Node, why: str) -> UnsupportedError:
    return UnsupportedError(
        f"node {node.name!r} ({node.operation}) {why}; chainrule.graph.sweep evaluates any graph, readably and slowly"
    )

"""A class's probability, or its logit, as a function of the features: value and derivative, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError, UnsupportedError
from chainrule.graph import Graph, backward, forward
from chainrule.inspection.check import has_kink

MOST_NUMBERS = 2**22
"""Of the values of one pass; more rows are taken in blocks."""


@dataclass(frozen=True, eq=False)
class Output:
    """F(x) of a class: its probability, or log(p / (1 - p)).

    Attributes
    ----------
    graph, parameters
        What the output is computed from, and nothing else.
    data
        The node that takes the rows.
    logits
        The node that the output is the softmax or the sigmoid of; None where the probability is meant.
    """

    graph: Graph
    parameters: dict[str, Array]
    data: str
    logits: str | None

    @property
    def n_classes(self) -> int:
        """K."""
        return int(self.graph.shape(str(self.graph.output))[1])

    def probabilities(self, X: Float64Array) -> Float64Array:
        """Return the output's node, (m, K)."""
        found: Float64Array = np.concatenate(
            [self._forward(X[rows])[str(self.graph.output)] for rows in self._blocks(X)]
        )
        return found

    def value(self, X: Float64Array, targets: IntArray) -> Float64Array:
        """Return F of each row, (m,)."""
        parts = [self._of(self._forward(X[rows]), targets[rows])[0] for rows in self._blocks(X)]
        return np.concatenate(parts)

    def value_and_kinks(self, X: Float64Array, targets: IntArray) -> tuple[Float64Array, Float64Array]:
        """Return F of each row, (m,), and what goes into the activations that have a kink at 0, side by side."""
        values, kinked = np.empty(len(X)), np.empty((len(X), len(self.layers)))
        for rows in self._blocks(X):
            computed = self._forward(X[rows])
            values[rows] = self._of(computed, targets[rows])[0]
            if self.kinked:
                kinked[rows] = np.concatenate([computed[name] for name in self.kinked], axis=1)
        return values, kinked

    @cached_property
    def kinked(self) -> tuple[str, ...]:
        """The nodes that go into activations with a kink at 0, in the order of computation."""
        inputs = [node.inputs[0] for node in self.graph.nodes if has_kink(node)]
        return tuple(dict.fromkeys(name for name in inputs if self._has_rows(name)))

    @cached_property
    def layers(self) -> IntArray:
        """Which of these nodes each column of `value_and_kinks` is from."""
        widths = [int(self.graph.shape(name)[1]) for name in self.kinked]
        return np.repeat(np.arange(len(widths)), widths)

    def value_and_slope(self, X: Float64Array, targets: IntArray) -> tuple[Float64Array, Float64Array]:
        """Return F of each row, (m,), and its derivative by the features, (m, d)."""
        values, slopes = np.empty(len(X)), np.zeros(X.shape)
        for rows in self._blocks(X):
            computed = self._forward(X[rows])
            values[rows], d_start = self._of(computed, targets[rows])
            gradients = backward(self.graph, computed, self.logits or self.graph.output, d_start)
            if self.data in gradients:
                slopes[rows] = gradients[self.data]
        return values, slopes

    def _of(self, computed: dict[str, Array], targets: IntArray) -> tuple[Float64Array, Float64Array]:
        """Return F, and its derivative by the node it starts from."""
        each = np.arange(len(targets))
        if self.logits is None:
            p = computed[str(self.graph.output)]
            d_start = np.zeros(p.shape)
            d_start[each, targets] = 1.0
            return p[each, targets], d_start
        z = computed[self.logits]
        if self.graph[str(self.graph.output)].operation == "sigmoid":
            d_start = np.zeros(z.shape)
            d_start[each, targets] = 1.0
            return z[each, targets], d_start
        others = z.copy()
        others[each, targets] = -np.inf  # log(p / (1 - p)) = z - log of the others' exponentials
        top = others.max(axis=1, keepdims=True)
        exponentials = np.exp(others - top)
        total = exponentials.sum(axis=1, keepdims=True)
        d_start = -exponentials / total
        d_start[each, targets] = 1.0
        return z[each, targets] - (top + np.log(total))[:, 0], d_start

    def _forward(self, X: Float64Array) -> dict[str, Array]:
        return forward(self.graph, self.parameters, {self.data: X})

    def _blocks(self, X: Float64Array) -> list[slice]:
        width = sum(int(self.graph.shape(node.name)[1]) for node in self.graph.nodes if self._has_rows(node.name))
        step = max(1, MOST_NUMBERS // max(1, width))
        return [slice(start, start + step) for start in range(0, len(X), step)]

    def _has_rows(self, name: str) -> bool:
        shape = self.graph.shape(name)
        return len(shape) == 2 and shape[0] == "m"


def output_of(graph: Graph, parameters: Array, of: str) -> Output:
    """Return the output of a graph as a function of its rows.

    Raises
    ------
    InputError
        If ``of`` is neither ``probability`` nor ``logit``.
    UnsupportedError
        If the graph has no output with a column per class, several data nodes, or its output is no softmax or sigmoid
        of a logit that is asked for.
    """
    if of not in ("probability", "logit"):
        raise InputError(f"of must be 'probability' or 'logit', got {of!r}")
    output = graph.output
    if output is None or len(graph.shape(output)) != 2:
        raise UnsupportedError("contributions need a graph whose output has a column per class: Graph(..., output='p')")
    needed = {output}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    part = Graph([node for node in graph.nodes if node.name in needed], output=output)
    data = [node.name for node in part.of_kind("data")]
    if len(data) != 1:
        raise UnsupportedError(f"contributions need one node of rows, the graph's output has {len(data)}")
    if of == "logit" and graph[output].operation not in ("softmax", "sigmoid"):
        raise UnsupportedError(f"the output {output!r} is no softmax or sigmoid: of='probability' will do")
    views = graph.parameters.views(parameters)
    return Output(
        part,
        {name: views[name] for name in part.parameters},
        data[0],
        graph[output].inputs[0] if of == "logit" else None,
    )

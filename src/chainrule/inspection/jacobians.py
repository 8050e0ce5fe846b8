"""Local derivatives entry by entry, taken from the operations' own backward.

Backward is a vector-Jacobian product, so handing it a 1 in one place of ``d_out`` gives that entry's
derivatives by every input: a row of the local Jacobian. Nothing here knows how to differentiate anything.

Rows of a batch are taken as independent of each other until the loss, as they are in every operation of the
registry: one call then serves all rows at once (Curtis, Powell and Reid 1974 for the general idea). The
ledger compares its sum with the backward pass, so an operation that mixed rows would be noticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError, UnsupportedError
from chainrule.graph import Graph
from chainrule.graph.operation import BATCH, show_shape
from chainrule.inspection.entries import Entry
from chainrule.inspection.routes import Edge, edges_between

MOST_BYTES = 2**30
"""Memory the local derivatives of one ledger may take."""

BLOCK_BYTES = 2**24
"""Of rows whose derivatives are taken together: what stays near the processor."""


@dataclass(frozen=True, eq=False)
class Block:
    """The local derivatives along one edge of the graph, between the entries that are on a way.

    Attributes
    ----------
    edge
        Which input of which node.
    values
        (rows, target entries, source entries): d target / d source; one row where neither has a batch.
    structure
        (target entries, source entries): whether the one is computed from the other at all, whatever the
        numbers.
    """

    edge: Edge
    values: Float64Array
    structure: Array


class EntryGraph:
    """The graph of single entries between one entry and the loss.

    Parameters
    ----------
    graph, values
        What the forward pass was given and returned.
    start
        The entry.
    end
        The loss.

    Attributes
    ----------
    features
        By node, the flat positions of the entries that depend on ``start``, a batch's row left out of the
        count.
    rows
        By node, how many rows it has: m, or 1 without a batch.
    blocks
        The local derivatives, by target in the graph's order.
    """

    def __init__(self, graph: Graph, values: Mapping[str, Array], start: Entry, end: str) -> None:
        self.graph = graph
        self.values = values
        self.start = start
        self.end = end
        edges = edges_between(graph, start.node, end)
        names = {start.node, end} | {edge.source for edge in edges} | {edge.target for edge in edges}
        for name in names:
            if BATCH in graph.shape(name)[1:]:
                raise UnsupportedError(
                    f"node {name!r} has shape {show_shape(graph.shape(name))}: a ledger needs the batch (m) "
                    "as the first axis"
                )
        self.rows = {name: len(values[name]) if self.has_batch(name) else 1 for name in names}
        self.features: dict[str, IntArray] = {start.node: np.array([self.place_of(start)])}
        structures = self._find_structure(edges)
        self._check_memory(structures)
        self.blocks = tuple(
            Block(edge, self._derivatives(edge, structure), structure) for edge, structure in structures.items()
        )

    def has_batch(self, name: str) -> bool:
        """Return whether a node has a row per row of the batch."""
        return self.graph.shape(name)[:1] == (BATCH,)

    def feature_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a node's value in one row."""
        shape = self.values[name].shape
        return shape[1:] if self.has_batch(name) else shape

    def entry(self, name: str, row: int, place: int) -> Entry:
        """Return the entry at ``features[name][place]`` in a row of the batch."""
        shape = self.feature_shape(name)
        index = tuple(int(i) for i in np.unravel_index(self.features[name][place], shape)) if shape else ()
        return Entry(name, (row, *index) if self.has_batch(name) else index)

    def place_of(self, entry: Entry) -> int:
        """Return an entry's flat position, a batch's row left out of the count."""
        index = entry.index[1:] if self.has_batch(entry.node) else entry.index
        return int(np.ravel_multi_index(index, self.feature_shape(entry.node))) if index else 0

    def one_row(self, name: str, row: int) -> dict[str, Array]:
        """Return the inputs of a node for a batch of one row; what has no batch stays whole."""
        return {
            source: self.values[source][row : row + 1] if self.has_batch(source) else self.values[source]
            for source in self.graph[name].inputs
            if source in self.values
        }

    def pull_back(self, edge: Edge, d_out: Array, values: Mapping[str, Array]) -> Array:
        """Return ``d_out`` times the derivative along an edge, as the operation's backward gives it."""
        node = self.graph[edge.target]
        inputs = [values.get(name) for name in node.inputs]
        shares = node.record.backward(d_out, *inputs, **{**node.record.attributes, **node.attributes})
        share = shares[edge.position]
        return np.zeros(0) if share is None else share

    def jacobian_row(self, edge: Edge, place: int, values: Mapping[str, Array]) -> Array:
        """Return the derivatives of one entry of the target in a batch of one row, flat."""
        shape = self.feature_shape(edge.target)
        d_out = np.zeros((1, *shape) if self.has_batch(edge.target) else shape)
        d_out.reshape(-1)[place] = 1.0
        with np.errstate(all="ignore"):  # a class of weight 0 alone in its batch has no mean; 0/0 is not 0
            return self.pull_back(edge, d_out, values).reshape(-1)

    def _find_structure(self, edges: tuple[Edge, ...]) -> dict[Edge, Array]:
        """Return which entries depend on which: those that move when an entry moves, at random positive inputs.

        There no derivative is 0 by chance. A forward pass shows what one entry reaches, so nothing is looked at that
        isn't reached.
        """
        random = np.random.default_rng(0)
        by_target: dict[str, list[Edge]] = {}
        for edge in edges:
            by_target.setdefault(edge.target, []).append(edge)
        found: dict[Edge, Array] = {}
        for target, own in by_target.items():
            inputs = [
                random.uniform(1.0, 2.0, array.shape) if array is not None and array.dtype.kind == "f" else array
                for array in (self._first_row(name, target) for name in self.graph[target].inputs)
            ]
            moved = {edge: self._moved(edge, inputs) for edge in own}
            reached = np.any([moves.any(axis=1) for moves in moved.values()], axis=0)
            self.features[target] = np.flatnonzero(reached)
            found |= {edge: moves[reached] for edge, moves in moved.items()}
        return found

    def _first_row(self, name: str, target: str) -> Array | None:
        """Return a value for one row, if what is computed from it has rows at all; a loss needs its whole batch."""
        value = self.values.get(name)
        one = value is not None and self.has_batch(name) and self.has_batch(target)
        return value[:1] if one and value is not None else value

    def _moved(self, edge: Edge, inputs: list[Any]) -> Array:
        """Return (target entries, reached source entries): whether the one moves with the other."""
        node = self.graph[edge.target]
        kept = self.features[edge.source]
        rest = self.apply(edge.target, inputs)
        if self.has_batch(edge.source) and self.has_batch(edge.target):  # all at once: a row for each that moves
            inputs = [
                array if array is None or not self.has_batch(name) else np.repeat(array, len(kept), axis=0)
                for name, array in zip(node.inputs, inputs, strict=True)
            ]
            source = inputs[edge.position]
            source.reshape(len(kept), prod(source.shape[1:]))[np.arange(len(kept)), kept] += 1.0
            out = self.apply(edge.target, inputs)
            return _differ(out.reshape(len(kept), rest.size), rest.reshape(1, rest.size)).T
        moved = []
        for place in kept:
            source = inputs[edge.position].copy()
            source.reshape(len(source) if self.has_batch(edge.source) else 1, -1)[:, place] += 1.0
            out = self.apply(edge.target, [*inputs[: edge.position], source, *inputs[edge.position + 1 :]])
            moved.append(_differ(out.reshape(-1), rest.reshape(-1)))
        return np.array(moved, dtype=bool).reshape(len(kept), rest.size).T

    def apply(self, target: str, inputs: Sequence[Array | None]) -> Array:
        """Return what a node computes from these."""
        record = self.graph[target].record
        return np.asarray(record.forward(*inputs, **{**record.attributes, **self.graph[target].attributes}))

    def _check_memory(self, structures: Mapping[Edge, Array]) -> None:
        rows = {edge: max(self.rows[edge.source], self.rows[edge.target]) for edge in structures}
        needed = 8 * sum(rows[edge] * structure.size for edge, structure in structures.items())
        if needed > MOST_BYTES:
            raise InputError(
                f"the ledger of {self.start} over {max(rows.values()):,} rows would take "
                f"{needed / 2**30:.1f} GiB: give one row (sample=) or fewer rows"
            )

    def _derivatives(self, edge: Edge, structure: Array) -> Float64Array:
        source, target = edge.source, edge.target
        kept = self.features[source]
        result = np.zeros((max(self.rows[source], self.rows[target]), *structure.shape))
        places = [(j, int(place)) for j, place in enumerate(self.features[target]) if structure[j].any()]
        if not self.has_batch(target):
            for j, place in places:
                d_out = np.zeros(self.values[target].shape)
                d_out.reshape(-1)[place] = 1.0
                result[:, j] = self.pull_back(edge, d_out, self.values).reshape(self.rows[source], -1)[:, kept]
        elif not self.has_batch(source):  # each row of Z has its own derivative by W
            for row in range(self.rows[target]):
                values = self.one_row(target, row)
                for j, place in places:
                    result[row, j] = self.jacobian_row(edge, place, values)[kept]
        elif places:
            self._fill_rows(edge, np.array(places), result)
        return result

    def _fill_rows(self, edge: Edge, places: IntArray, result: Float64Array) -> None:
        """Fill in derivatives row by row of the batch: every entry of every row is a row of a longer batch."""
        node = self.graph[edge.target]
        shape = self.feature_shape(edge.target)
        ones = np.zeros((len(places), prod(shape)))
        ones[np.arange(len(places)), places[:, 1]] = 1.0
        batched = {name for name in node.inputs if name in self.values and self.has_batch(name)}
        width = ones.shape[1] + sum(self.values[name][0].size for name in batched)
        step = max(1, BLOCK_BYTES // (8 * len(places) * width))
        for start in range(0, self.rows[edge.source], step):
            rows = slice(start, start + step)
            values = {
                name: np.repeat(self.values[name][rows], len(places), axis=0) if name in batched else self.values[name]
                for name in node.inputs
                if name in self.values
            }
            count = len(values[edge.source]) // len(places)
            share = self.pull_back(edge, np.tile(ones, (count, 1)).reshape(-1, *shape), values)
            result[rows, places[:, 0]] = share.reshape(count, len(places), -1)[:, :, self.features[edge.source]]


def _differ(moved: Array, rest: Array) -> Array:
    """Return where two arrays differ by more than rounding, which may depend on a number's place."""
    differ: Array = np.abs(moved - rest) > 1e-12 * np.abs(rest)
    return differ

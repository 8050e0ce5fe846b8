"""Sums over all paths between entries, and the largest of them, without listing the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.errors import NonFiniteError
from chainrule.inspection.entries import Entry
from chainrule.inspection.jacobians import Block, EntryGraph


@dataclass(frozen=True)
class Step:
    """A step of a path: from an entry to one that is computed from it."""

    block: Block
    source: Entry
    target: Entry
    value: float


@dataclass(frozen=True)
class PathSums:
    """What all paths from the start to the loss come to.

    Attributes
    ----------
    total
        Sum of their products: the derivative.
    magnitude
        Sum of their absolute products.
    count
        How many there are.
    """

    total: float
    magnitude: float
    count: int

    @classmethod
    def of(cls, entries: EntryGraph) -> PathSums:
        """Carry a 1 from the start through the blocks, in the graph's order."""
        start = entries.start
        row = start.index[0] if entries.has_batch(start.node) else 0
        seed = np.zeros((entries.rows[start.node], 1))
        seed[row] = 1.0
        slopes, sizes = {start.node: seed}, {start.node: seed}
        # Counts are Python's integers: they outgrow any other. Every row of a batch has the same.
        counts: dict[str, Array] = {start.node: np.array([1], dtype=object)}
        lanes = 1 if entries.has_batch(start.node) else max(entries.rows.values())
        for block in entries.blocks:
            edge = block.edge
            _add(slopes, edge.target, _carried(entries, block, block.values, slopes[edge.source]))
            _add(sizes, edge.target, _carried(entries, block, np.abs(block.values), sizes[edge.source]))
            meet = lanes if entries.has_batch(edge.source) and not entries.has_batch(edge.target) else 1
            _add(counts, edge.target, meet * (block.structure.astype(object) @ counts[edge.source]))
        if not all(array.get(entries.end, np.zeros(0)).size for array in (slopes, counts)):
            return cls(0.0, 0.0, 0)
        return cls(
            total=float(slopes[entries.end].sum()),
            magnitude=float(sizes[entries.end].sum()),
            count=int(counts[entries.end].sum()),
        )


def _carried(entries: EntryGraph, block: Block, derivatives: Float64Array, at_source: Float64Array) -> Float64Array:
    products: Float64Array = (derivatives @ at_source[:, :, None])[:, :, 0]
    return products if entries.has_batch(block.edge.target) else products.sum(axis=0, keepdims=True)


def _add(sums: dict[str, Any], name: str, share: Any) -> None:
    sums[name] = sums[name] + share if name in sums else share


def largest_paths(entries: EntryGraph, most: int) -> list[tuple[Step, ...]]:
    """Return the paths with the largest absolute products, at most ``most`` of them.

    Best first: a path that has come as far as some entry is worth its product so far times the best that can
    follow. The best that can follow is known exactly, from one pass over the blocks backwards, so every dive
    goes straight to the loss and nothing is looked at that is worth less than the paths returned (A* with a
    perfect heuristic; Hart, Nilsson and Raphael 1968).
    """
    best = _best_from(entries)
    start = entries.start
    row = start.index[0] if entries.has_batch(start.node) else 0
    worth = float(best[start.node][row, 0]) if start.node in best else -1.0
    if worth < 0:
        return []
    leaving = defaultdict(list)
    for block in entries.blocks:
        leaving[block.edge.source].append(block)
    # Among equals the one pushed last comes first: with ties everywhere (a dead unit: all products are 0) the
    # search still goes down to the loss instead of spreading out.
    heap: list[tuple[float, int, tuple[str, int, int], Any]] = [(-worth, 0, (start.node, row, 0), None)]
    pushed = 0
    found: list[tuple[Step, ...]] = []
    while heap and len(found) < most:
        negative, _, (name, row, place), walked = heappop(heap)
        if name == entries.end:
            found.append(_steps(entries, walked))
            continue
        for block in leaving[name]:
            for ratio, there, step in _onward(entries, block, best, row, place):
                pushed += 1
                heappush(heap, (negative * ratio, -pushed, there, (step, walked)))
    return found


def _best_from(entries: EntryGraph) -> dict[str, Float64Array]:
    """By node, (rows, entries): the largest absolute product of a path from there on; -1 without a path."""
    if entries.end not in entries.features:
        return {}
    best = {entries.end: np.ones((1, len(entries.features[entries.end])))}
    for block in reversed(entries.blocks):
        source, target = block.edge.source, block.edge.target
        if target not in best:
            continue
        with np.errstate(over="ignore"):
            worth = _worth(block.structure, np.abs(block.values), best[target])
        if not np.isfinite(worth).all():
            raise NonFiniteError(f"the product of derivatives along a path overflows at node {source!r}")
        most = worth.max(axis=1, initial=-1.0)
        if not entries.has_batch(source):
            most = most.max(axis=0, keepdims=True)
        best[source] = np.maximum(best[source], most) if source in best else most
    return best


def _worth(structure: Array, sizes: Float64Array, follows: Float64Array) -> Float64Array:
    """Return, by row, target and source, what a step and the best after it are worth; -1 for no step."""
    follows = follows[:, :, None]
    worth: Float64Array = np.where(structure & (follows >= 0), sizes * follows, -1.0)
    return worth


def _onward(
    entries: EntryGraph, block: Block, best: dict[str, Float64Array], row: int, place: int
) -> Iterator[tuple[float, tuple[str, int, int], tuple[Block, int, int, int]]]:
    """Yield where a path can go on, with what share of its worth: 1 for the best way on, and never more."""
    source, target = block.edge.source, block.edge.target
    if target not in best:
        return
    rows = slice(row, row + 1) if entries.has_batch(source) else slice(None)
    follows = best[target][rows] if entries.has_batch(target) else best[target]
    column = slice(place, place + 1)
    worth = _worth(block.structure[:, column], np.abs(block.values[rows, :, column]), follows)[:, :, 0]
    whole = best[source][row, place]
    for r, j in np.argwhere(worth >= 0):
        at = row if entries.has_batch(source) else int(r)
        there = at if entries.has_batch(target) else 0
        ratio = float(worth[r, j] / whole) if whole > 0 else 1.0
        yield ratio, (target, there, int(j)), (block, at, int(j), place)


def _steps(entries: EntryGraph, walked: Any) -> tuple[Step, ...]:
    steps = []
    while walked is not None:
        (block, row, j, i), walked = walked
        source = entries.entry(block.edge.source, row, i)
        target = entries.entry(block.edge.target, row, j)
        steps.append(Step(block, source, target, float(block.values[row, j, i])))
    return tuple(reversed(steps))

"""From times to figures: medians over rounds, ratios paired within rounds, geometric means over cells."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.networks.peers import COMPILED, ESTIMATOR, OURS, PRODUCTS, SKORCH

NOT_RIVALS = (OURS, ESTIMATOR, PRODUCTS)
"""Who the fastest peer is not looked for among."""


class Comparison(NamedTuple):
    """One cell: ours beside the fastest peer."""

    fastest: str
    over_fastest: float
    over_each: dict[str, float]


class Summary(NamedTuple):
    """Ours over the fastest peer, over many cells."""

    cells: int
    geometric_mean: float
    worst: float
    worst_where: str
    wins: int


def median_seconds(cell: Mapping[str, Any], peer: str) -> float:
    return statistics.median(cell["peers"][peer]["seconds"])


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over rounds of ours / theirs: what slows a round down slows both."""
    if len(ours) != len(theirs) or not ours:
        raise ValueError(f"ratios are paired by rounds: got {len(ours)} and {len(theirs)}")
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def compare(cell: Mapping[str, Any], ours: str = OURS) -> Comparison | None:
    """Return ours over each peer and over the one with the smallest median; None where a side is missing."""
    rivals = [peer for peer in cell["peers"] if peer not in NOT_RIVALS]
    if ours not in cell["peers"] or not rivals:
        return None
    mine = cell["peers"][ours]["seconds"]
    over_each = {peer: paired_ratio(mine, cell["peers"][peer]["seconds"]) for peer in rivals}
    fastest = min(rivals, key=lambda peer: median_seconds(cell, peer))
    return Comparison(fastest, over_each[fastest], over_each)


def describe_cell(cell: Mapping[str, Any]) -> str:
    batch = "full" if cell["full"] else cell["batch"]
    return f"{cell['net']} / {batch} / {cell['threads']}"


def summarize(cells: Sequence[Mapping[str, Any]]) -> Summary | None:
    """Return the geometric mean and the worst cell; None where nothing could be compared."""
    ratios = {
        describe_cell(cell): comparison.over_fastest for cell in cells if (comparison := compare(cell)) is not None
    }
    if not ratios:
        return None
    worst = max(ratios, key=lambda where: ratios[where])
    return Summary(
        cells=len(ratios),
        geometric_mean=statistics.geometric_mean(ratios.values()),
        worst=ratios[worst],
        worst_where=worst,
        wins=sum(ratio < 1 for ratio in ratios.values()),
    )


def mean_over_peer(cells: Sequence[Mapping[str, Any]], peer: str) -> float | None:
    """Return the geometric mean of ours over one peer."""
    compared = [comparison for cell in cells if (comparison := compare(cell)) is not None]
    ratios = [comparison.over_each[peer] for comparison in compared if peer in comparison.over_each]
    return statistics.geometric_mean(ratios) if ratios else None


def peers_in(cells: Sequence[Mapping[str, Any]], *, everywhere: bool) -> list[str]:
    """Return the peers of cells in the order of their first appearance; ``everywhere`` leaves occasional ones out."""
    occasional = (COMPILED, SKORCH, ESTIMATOR)
    found = dict.fromkeys(peer for cell in cells for peer in (*cell["peers"], *cell["missing"]))
    return [peer for peer in found if not (everywhere and peer in occasional)]

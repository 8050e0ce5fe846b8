"""What was measured, as Markdown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.networks.tables import table, three_digits
from benchmarks.softmax.solvers import OURS, PROVEN, SOLVERS

Cell = Mapping[str, Any]
GROUPS = {"L2, dense": 0.2, "L2, sparse": 0.3, "L1 and elastic-net": 0.2}  # and the geometric mean that is asked for


def group_of(cell: Cell) -> str:
    """Return which of the groups a cell belongs to."""
    if cell["penalty"] != "l2":
        return "L1 and elastic-net"
    return "L2, sparse" if cell["set"] == "newsgroups" else "L2, dense"


def fastest_peer(cell: Cell) -> tuple[str, float] | None:
    """Return who of the others came within 1e-6 first, and in how many seconds."""
    others = {name: s for name, s in cell["seconds"].items() if name not in (OURS, PROVEN)}
    return min(others.items(), key=lambda item: item[1]) if others else None


def ratio(cell: Cell, ours: str = OURS) -> float | None:
    """Return our time over the fastest peer's; None where one of them didn't get there."""
    peer = fastest_peer(cell)
    return None if peer is None or ours not in cell["seconds"] else cell["seconds"][ours] / peer[1]


def geometric_mean(values: Iterable[float]) -> float:
    """Return exp of the mean logarithm."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def render(cells: Sequence[Cell]) -> str:
    """Return every table."""
    return "\n\n".join([means(cells), times(cells), reach(cells), certificates(cells), failures(cells)]) + "\n"


def means(cells: Sequence[Cell]) -> str:
    """Return geometric means of our time over the fastest peer's, by group."""
    rows = []
    for group, target in GROUPS.items():
        held = [cell for cell in cells if group_of(cell) == group]
        found = [r for cell in held if (r := ratio(cell)) is not None]
        proven = [r for cell in held if (r := ratio(cell, PROVEN)) is not None]
        alone = sum(OURS in cell["seconds"] and fastest_peer(cell) is None for cell in held)
        if found and proven:
            worst = max(held, key=lambda cell: ratio(cell) or 0.0)
            rows.append([
                group, str(len(held)), f"{geometric_mean(found):.2f}", f"{target}", f"{geometric_mean(proven):.2f}",
                f"{max(found):.2f} ({worst['set']}, {worst['scaling']}, C={worst['C']:g}, {worst['penalty']})",
                str(sum(r <= 1.0 for r in found)), str(alone),
            ])  # fmt: skip
    head = [
        "time to 1e-6 over the fastest peer's", "cells", "mean", "asked", "mean, with proof", "worst", "faster",
        "nobody else there",
    ]  # fmt: skip
    return table(head, rows)


def times(cells: Sequence[Cell]) -> str:
    """Return a row for each cell: our seconds, with and without the proof, and the fastest peer's."""
    rows = []
    for cell in cells:
        peer = fastest_peer(cell)
        share = ratio(cell)
        rows.append([
            f"{cell['set']}, {cell['scaling']}", cell["penalty"], f"{cell['C']:g}",
            *(_milliseconds(cell["seconds"].get(name)) for name in (OURS, PROVEN)),
            "nobody" if peer is None else f"{peer[0]} {_milliseconds(peer[1])}",
            "" if share is None else f"{share:.2f}",
        ])  # fmt: skip
    return table(["set", "penalty", "C", "ours, ms", "with proof, ms", "fastest peer, ms", "ratio"], rows, 3)


def reach(cells: Sequence[Cell]) -> str:
    """Return for each solver in how many of the cells it can solve it came within 1e-6, and its time over ours."""
    rows = []
    for name in SOLVERS:
        tried = [cell for cell in cells if name in cell["curves"] or name in cell["failed"]]
        there = [cell for cell in tried if name in cell["seconds"]]
        times = [cell["seconds"][name] / cell["seconds"][OURS] for cell in there if OURS in cell["seconds"]]
        if tried:
            rows.append([
                name, str(len(tried)), f"{len(there)} ({100 * len(there) / len(tried):.0f} %)",
                f"{geometric_mean(times):.1f}" if times else "",
            ])  # fmt: skip
    return table(["solver", "cells", "within 1e-6 in time", "time over ours"], rows)


def certificates(cells: Sequence[Cell]) -> str:
    """Return who ends silently, and who of them is near the optimum, with its defaults."""
    held = [cell for cell in cells if "defaults" in cell]
    counts: dict[str, list[Mapping[str, Any]]] = {}
    for cell in held:
        for name, outcome in cell["defaults"].items():
            counts.setdefault(name, []).append(outcome)
    rows = [
        [
            name, str(len(outcomes)), _percent(o["silent"] for o in outcomes),
            _percent(o["away"] <= 1e-6 for o in outcomes),
            _percent(o["away"] <= 1e-6 and o["silent"] for o in outcomes),
        ]
        for name, outcomes in counts.items()
    ]  # fmt: skip
    proven = [cell["defaults"][OURS].get("proven", False) for cell in held]
    claims = sum(cell["claims"] for cell in cells)
    true = sum(cell["claims"] for cell in cells if cell["true_claims"])
    said = (
        f"Ours proves its optimum in {sum(proven)} of {len(proven)} of these cells with its defaults. Of {claims} "
        f"stops on the way {true} lie in cells where no claimed gap was smaller than the true one."
    )
    return table(["with defaults", "cells", "no warning", "within 1e-6", "both"], rows) + "\n\n" + said


def failures(cells: Sequence[Cell]) -> str:
    """Return what each solver could not do, and why, with the number of cells."""
    counted = Counter(
        (name, why) for cell in cells for part in ("unable", "failed") for name, why in cell[part].items()
    )
    rows = [[name, why, str(n)] for (name, why), n in sorted(counted.items())]
    return table(["solver", "what it can't do, or how it failed", "cells"], rows, 2)


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else three_digits(1e3 * seconds)


def _percent(outcomes: Iterable[bool]) -> str:
    held = list(outcomes)
    return f"{100.0 * sum(held) / len(held):.0f} %"

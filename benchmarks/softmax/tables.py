"""What was measured, as Markdown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.networks.tables import table, three_digits
from benchmarks.softmax.grid import left_out
from benchmarks.softmax.solvers import OURS, PROVEN, SOLVERS

Cell = Mapping[str, Any]
GROUPS = {"L2, dense": 0.2, "L2, sparse": 0.3, "L1 and elastic-net": 0.2}  # and the geometric mean that is asked for
NOBODY = 1.0 / 12.0  # what a cell counts as at most in which nobody else got there: patience is 12 times ours


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


def at_most(cell: Cell) -> float | None:
    """Return `ratio`, or where nobody else got there what it is at most; None where ours did not.

    Peers that ran out of patience would have needed more than their longest run took; from those that got stuck nothing
    is to come. No such cell counts for less than a twelfth.
    """
    if OURS not in cell["seconds"] or fastest_peer(cell) is not None:
        return ratio(cell)
    waited = [ended["waited"] for ended in others_that_ran_out(cell).values()]
    return max(NOBODY, cell["seconds"][OURS] / min(waited)) if waited else NOBODY


def others_that_ran_out(cell: Cell) -> dict[str, Mapping[str, Any]]:
    """Return how it ended for those of the others who might still get there."""
    return {
        name: ended
        for name, ended in cell["ended"].items()
        if ended["how"] == "patience" and name not in (OURS, PROVEN)
    }


def geometric_mean(values: Iterable[float]) -> float:
    """Return exp of the mean logarithm."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def soonest(cell: Cell) -> Cell:
    """Return the cell with our time that of the sooner run: the one that stops by its proof gets there too."""
    seconds = cell["seconds"]
    own = [seconds[name] for name in (OURS, PROVEN) if name in seconds]
    return {**cell, "seconds": {**seconds, OURS: min(own)}} if own else cell


def render(cells: Sequence[Cell]) -> str:
    """Return every table."""
    cells = [soonest(cell) for cell in cells]
    penalised = [cell for cell in cells if cell["penalty"] != "none"]
    unpenalised = [cell for cell in cells if cell["penalty"] == "none"]
    parts = [means(penalised), times(penalised), left_out(), reach(penalised), certificates(penalised)]
    if unpenalised:
        parts.append(without_penalty(unpenalised))
    return "\n\n".join([*parts, failures(cells)]) + "\n"


def means(cells: Sequence[Cell]) -> str:
    """Return geometric means of our time over the fastest peer's, by group."""
    rows = []
    for group, target in GROUPS.items():
        held = [cell for cell in cells if group_of(cell) == group]
        found = [r for cell in held if (r := ratio(cell)) is not None]
        proven = [r for cell in held if (r := ratio(cell, PROVEN)) is not None]
        bounded = [r for cell in held if (r := at_most(cell)) is not None]
        alone = sum(OURS in cell["seconds"] and fastest_peer(cell) is None for cell in held)
        if bounded:
            worst = max(held, key=lambda cell: ratio(cell) or 0.0)
            where = f" ({worst['set']}, {worst['scaling']}, C={worst['C']:g}, {worst['penalty']})"
            rows.append([
                group, str(len(held)), _mean(found), _mean(proven), str(alone), f"{geometric_mean(bounded):.2f}",
                f"{target}", f"{max(found):.2f}{where}" if found else "",
                f"{sum(r <= 1.0 for r in found)} of {len(found)}",
            ])  # fmt: skip
    head = [
        "time to 1e-6 over the fastest peer's", "cells", "mean where one gets there", "the same, with proof",
        "nobody else there", "mean of all, those as 1/12", "asked", "worst", "faster",
    ]  # fmt: skip
    return table(head, rows)


def times(cells: Sequence[Cell]) -> str:
    """Return a row for each cell: our seconds, with and without the proof, and the fastest peer's."""
    rows = [
        [
            f"{cell['set']}, {cell['scaling']}", cell["penalty"], f"{cell['C']:g}",
            *(_milliseconds(cell["seconds"].get(name)) for name in (OURS, PROVEN)), *_fastest(cell),
        ]
        for cell in cells
    ]  # fmt: skip
    return table(["set", "penalty", "C", "ours, ms", "with proof, ms", "fastest peer, ms", "ratio"], rows, 3)


def _fastest(cell: Cell) -> tuple[str, str]:
    """Return the fastest peer with its time, or how long nobody got there, and the ratio."""
    peer, ran_out = fastest_peer(cell), others_that_ran_out(cell)
    if peer is not None:
        share = ratio(cell)
        return f"{peer[0]} {_milliseconds(peer[1])}", "" if share is None else f"{share:.2f}"
    if OURS not in cell["seconds"] or not ran_out:
        return "nobody", ""
    times_ours = min(ended["waited"] for ended in ran_out.values()) / cell["seconds"][OURS]
    return f"nobody within {times_ours:,.0f} times ours ({len(ran_out)} ran out)", f"< {1.0 / times_ours:.2f}"


def without_penalty(cells: Sequence[Cell]) -> str:
    """Return milliseconds to 1e-6 without a penalty, a column for each solver."""
    names = [name for name in SOLVERS if SOLVERS[name].unpenalised]
    rows = []
    for cell in cells:
        row = [f"{cell['set']}, {cell['scaling']}"]
        for name in names:
            if name in cell["seconds"]:
                row.append(_milliseconds(cell["seconds"][name]))
            else:
                row.append(_instead(cell, name))
        rows.append(row)
    return table(["to 1e-6 without a penalty, ms", *names], rows)


def _instead(cell: Cell, name: str) -> str:
    """Return what came of a solver that did not get there."""
    if name in cell["ended"]:
        nearest = min(point["away"] for point in cell["curves"][name])
        how = {"patience": "out of patience", "stuck": "stuck"}[cell["ended"][name]["how"]]
        return f"{how} at {nearest:.0e}"
    return "failed" if name in cell["failed"] else "not tried"


def reach(cells: Sequence[Cell]) -> str:
    """Return for each solver in how many of the cells it can solve it came within 1e-6, and its time over ours."""
    rows = []
    for name in SOLVERS:
        tried = [cell for cell in cells if name in cell["curves"] or name in cell["failed"]]
        there = [cell for cell in tried if name in cell["seconds"]]
        times = [cell["seconds"][name] / cell["seconds"][OURS] for cell in there if OURS in cell["seconds"]]
        ends = Counter(cell["ended"][name]["how"] if name in cell["ended"] else "failed" for cell in tried)
        if tried:
            rows.append([
                name, str(len(tried)), f"{len(there)} ({100 * len(there) / len(tried):.0f} %)",
                *(str(ends[how]) for how in ("patience", "stuck", "failed")),
                f"{geometric_mean(times):.1f}" if times else "",
            ])  # fmt: skip
    head = ["solver", "cells", "within 1e-6", "out of patience", "stuck", "failed", "time over ours, where there"]
    return table(head, rows)


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


def _mean(values: Sequence[float]) -> str:
    return f"{geometric_mean(values):.2f}" if values else ""


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else three_digits(1e3 * seconds)


def _percent(outcomes: Iterable[bool]) -> str:
    held = list(outcomes)
    return f"{100.0 * sum(held) / len(held):.0f} %"

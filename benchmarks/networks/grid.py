"""The grid: an epoch of every net at every batch size, one and two threads, all peers in turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.networks.lineup import Lineup, UnequalWork, first_cores, run_cell
from benchmarks.networks.peers import COMPILED, ESTIMATOR, JAX, OURS, SKLEARN, SKORCH, TORCH
from benchmarks.networks.problems import ROWS, Problem, grid

EVERYWHERE = (OURS, TORCH, JAX, SKLEARN)
SEEN_ONCE = (ESTIMATOR, COMPILED, SKORCH)
"""At batch 128 on most threads: torch.compile takes ten seconds and more for each cell before it begins."""

QUICK_NETS = ((2, 100, 3), (64, 128, 10), (784, 256, 128, 10))


def cells_to_run(*, quick: bool) -> list[tuple[Problem, tuple[str, ...]]]:
    """Return problems and who takes part: float32 everywhere, float64 and the occasional peers at batch 128."""
    threads = (1, 2) if len(first_cores(2)) > 1 else (1,)
    most = threads[-1]

    def peers_for(problem: Problem) -> tuple[str, ...]:
        return EVERYWHERE + (SEEN_ONCE if problem.batch == 128 and problem.threads == most else ())

    if quick:
        problems = [
            Problem(sizes, ROWS[sizes], batch, threads=n)
            for n in threads
            for sizes in QUICK_NETS
            for batch in (64, ROWS[sizes])
        ]
        once = Problem((2, 100, 3), 300, 128, threads=most)
        return [(problem, EVERYWHERE) for problem in problems] + [(once, peers_for(once))]
    double = [Problem(sizes, rows, 128, "float64", most) for sizes, rows in ROWS.items()]
    return [(problem, peers_for(problem)) for problem in grid(threads)] + [(problem, EVERYWHERE) for problem in double]


def run(*, quick: bool, save: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run every cell and return {"cells", "unequal", ...}; ``save`` is given it after each cell.

    A cell whose peers did unequal work is not timed but named in "unequal"; then "holds" is false.
    """
    began = time.perf_counter()
    found: dict[str, Any] = {"cells": [], "unequal": [], "versions": {}}
    rounds, budget = (3, 1.0) if quick else (9, 5.0)
    work = cells_to_run(quick=quick)
    for threads in sorted({problem.threads for problem, _ in work}):
        here = [(problem, peers) for problem, peers in work if problem.threads == threads]
        everybody = dict.fromkeys(peer for _, peers in here for peer in peers)
        with Lineup(list(everybody), threads) as lineup:
            found["versions"] |= lineup.versions()
            for problem, peers in here:
                print(f"{problem} ...", file=sys.stderr, flush=True)
                try:
                    found["cells"].append(run_cell(lineup, peers, problem, rounds=rounds, budget=budget))
                except UnequalWork as unequal:
                    print(unequal, file=sys.stderr, flush=True)
                    found["unequal"].append(str(unequal))
                found["holds"] = not found["unequal"]
                found["seconds"] = time.perf_counter() - began
                save(found)
    return found

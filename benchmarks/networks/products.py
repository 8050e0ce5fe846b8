"""Our epoch over its matrix products alone, by NumPy's BLAS in the same run."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from benchmarks.networks.lineup import Lineup, PeerFailed, as_record, first_cores, take_turns
from benchmarks.networks.peers import OURS, PRODUCTS
from benchmarks.networks.problems import Problem


def product_flops(problem: Problem) -> int:
    """Return the multiplications and additions of an epoch's products: three a layer, two for the first."""
    in_each = [n_in * n_out * (3 if i else 2) for i, (n_in, n_out) in enumerate(pairwise(problem.sizes))]
    return 2 * problem.rows * sum(in_each)


def run(*, quick: bool, save: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    found: dict[str, Any] = {"cells": [], "versions": {}}
    rounds, budget = (3, 2.0) if quick else (15, 15.0)
    for threads in (1, 2) if len(first_cores(2)) > 1 else (1,):
        problem = Problem((784, 256, 128, 10), 8192, 128, threads=threads)
        with Lineup((OURS, PRODUCTS), threads) as lineup:
            found["versions"] |= lineup.versions()
            found["cells"].append(_run_cell(lineup, problem, rounds, budget))
        save(found)
    return found


def _run_cell(lineup: Lineup, problem: Problem, rounds: int, budget: float) -> dict[str, Any]:
    missing = dict(lineup.missing)
    for peer, worker in lineup.workers.items():
        try:
            worker.ask("prepare", problem)
        except PeerFailed as failed:
            missing[peer] = str(failed)
    ready = [peer for peer in lineup.workers if peer not in missing]
    turns, lost = take_turns(lineup, ready, "time_epochs", rounds=rounds, budget=budget)
    return {
        "net": problem.net,
        "rows": problem.rows,
        "batch": problem.batch,
        "full": problem.full,
        "threads": problem.threads,
        "product_flops": product_flops(problem),
        "peers": {peer: as_record(of) for peer, of in turns.items()},
        "missing": {**missing, **lost},
    }

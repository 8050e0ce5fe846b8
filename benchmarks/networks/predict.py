"""Prediction: microseconds for one row, rows a second for many; the probabilities are compared first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from benchmarks.networks.lineup import Lineup, PeerFailed, UnequalWork, as_record, first_cores, take_turns
from benchmarks.networks.peers import BARE_MODEL, ESTIMATOR, JAX, NUMPY, OURS, SKLEARN, TORCH
from benchmarks.networks.problems import Problem

PEERS = (ESTIMATOR, BARE_MODEL, OURS, SKLEARN, TORCH, JAX, NUMPY)
LARGEST_DIFFERENCE = 1e-4
"""Of float32 probabilities: sums of 784 products in different orders, through three layers, differ by some 1e-6."""


def run(*, quick: bool, save: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    found: dict[str, Any] = {"versions": {}, "many_rows": []}
    rounds, budget = (3, 2.0) if quick else (15, 10.0)
    many = 6_000 if quick else 60_000
    most = len(first_cores(2))
    for threads in sorted({1, most}):
        with Lineup(PEERS, threads) as lineup:
            found["versions"] |= lineup.versions()
            if threads == 1:
                found["one_row"] = _run_cell(lineup, Problem((20, 64, 5), 1, 1), rounds, budget)
            problem = Problem((784, 256, 128, 10), many, many, threads=threads)
            found["many_rows"].append(_run_cell(lineup, problem, rounds, budget))
        save(found)
    return found


def _run_cell(lineup: Lineup, problem: Problem, rounds: int, budget: float) -> dict[str, Any]:
    missing, answers = dict(lineup.missing), {}
    for peer, worker in lineup.workers.items():
        try:
            answers[peer] = worker.ask("prepare_prediction", problem)
        except PeerFailed as failed:
            missing[peer] = str(failed)
    check_same_probabilities(answers, str(problem))
    turns, lost = take_turns(lineup, list(answers), "time_predictions", rounds=rounds, budget=budget)
    return {
        "net": problem.net,
        "rows": problem.rows,
        "batch": problem.batch,
        "full": True,
        "dtype": problem.dtype,
        "threads": problem.threads,
        "peers": {peer: as_record(of) for peer, of in turns.items()},
        "missing": {**missing, **lost},
    }


def check_same_probabilities(answers: dict[str, Any], where: str) -> None:
    """Raise `UnequalWork` unless every peer's probabilities are those of the middle of them."""
    if not answers:
        return
    middle = np.median(np.stack(list(answers.values())), axis=0)
    wrong: Sequence[str] = [peer for peer, p in answers.items() if not np.abs(p - middle).max() <= LARGEST_DIFFERENCE]
    if wrong:
        raise UnequalWork(f"{where}: other probabilities from {', '.join(wrong)}")

"""How much memory training takes beyond X."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.networks.peers import ESTIMATOR, JAX, OURS, SKLEARN, TORCH, make_peer
from benchmarks.networks.problems import Problem, make_rows, make_start
from benchmarks.networks.processes import ChildFailed, answer_of, start

PEERS = (OURS, ESTIMATOR, SKLEARN, TORCH, JAX)
LARGEST_SHARE = 0.3
"""Of the full X's size, for ours; a quick run's smaller X is held to the same bytes."""

STATUS = Path("/proc/self/status")


FULL = Problem((784, 256, 128, 10), 60_000, 128, threads=2)


def problem_of(*, quick: bool) -> Problem:
    return replace(FULL, rows=10_000) if quick else FULL


def megabytes_of(problem: Problem) -> float:
    """Return the size of X in float32."""
    return problem.rows * problem.sizes[0] * 4 / 1e6


def run(*, quick: bool, save: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    problem = problem_of(quick=quick)
    found: dict[str, Any] = {
        **asdict(problem),
        "net": problem.net,
        "X_mb": megabytes_of(problem),
        "peers": {},
        "missing": {},
    }
    for peer in PEERS:
        try:
            found["peers"][peer] = answer_of(start("memory", peer, *["--quick"] * quick, threads=problem.threads))
        except ChildFailed as failed:
            found["missing"][peer] = str(failed)
    ours = [found["peers"][peer]["peak_mb"] for peer in (OURS, ESTIMATOR) if peer in found["peers"]]
    found["holds"] = bool(ours) and max(ours) <= LARGEST_SHARE * megabytes_of(FULL)
    save(found)
    return found


def resident(what: str) -> int:
    """Return bytes: VmRSS now, VmHWM the peak since it was reset."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(what))
    return 1024 * int(line.split()[1])


def measure(name: str, problem: Problem) -> dict[str, float]:
    peer = make_peer(name)
    if name == TORCH:
        peer.gathers_epoch = False  # its frugal loop
    small = replace(problem, sizes=(4, 8, 3), rows=64, batch=16)  # loads what is loaded at the first fit
    peer.prepare(small, *make_rows(small), make_start(small))
    peer.reset()
    peer.train(1)
    X, labels = make_rows(problem)
    start_at = make_start(problem)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew, proc(5)
    peer.prepare(problem, X, labels, start_at)
    peer.reset()
    peer.train(1)
    return {"peak_mb": (resident("VmHWM") - before) / 1e6}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[2], problem_of(quick="--quick" in sys.argv))))

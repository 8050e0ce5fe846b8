"""The first fit in a new process, as in a script, a job or a function that wakes up to one request."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.networks.peers import ESTIMATOR, JAX, OURS, SKLEARN, TORCH, make_peer
from benchmarks.networks.problems import Problem, make_rows, make_start
from benchmarks.networks.processes import ChildFailed, answer_of, start

PEERS = (OURS, ESTIMATOR, SKLEARN, TORCH, JAX)
PROBLEM = Problem((4, 100, 3), 150, 150, threads=1)
EPOCHS = 200


def run(*, quick: bool, save: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    runs = 2 if quick else 9
    found: dict[str, Any] = {
        "net": PROBLEM.net,
        "rows": PROBLEM.rows,
        "batch": PROBLEM.batch,
        "epochs": EPOCHS,
        "runs": runs,
        "peers": {},
        "missing": {},
    }
    for counts in (False, *[True] * runs):  # the first round reads libraries from the disk
        for peer in PEERS:
            if peer in found["missing"]:
                continue
            began = time.monotonic()
            try:
                answer = answer_of(start("first_fit", peer, threads=PROBLEM.threads))
            except ChildFailed as failed:
                found["missing"][peer] = str(failed)
                found["peers"].pop(peer, None)
                continue
            if counts:
                times = found["peers"].setdefault(peer, {"process": [], "fit": []})
                times["process"].append(answer["ended"] - began)
                times["fit"].append(answer["fit"])
    save(found)
    return found


def fit(name: str) -> dict[str, float]:
    """Import the peer, fit, and return when it ended (by the system's clock) and how long the fit alone took."""
    X, labels = make_rows(PROBLEM)
    peer = make_peer(name)
    began = time.monotonic()
    if hasattr(peer, "fit_anew"):
        peer.fit_anew(PROBLEM, X, labels, EPOCHS)
    else:
        peer.prepare(PROBLEM, X, labels, make_start(PROBLEM))
        peer.reset()
        peer.train(EPOCHS)
    ended = time.monotonic()
    return {"ended": ended, "fit": ended - began}


if __name__ == "__main__":
    print(json.dumps(fit(sys.argv[2])))

"""Ten thousand small fits in one process: the resident size stays."""

from __future__ import annotations

import gc
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks.networks.memory import resident
from benchmarks.networks.peers import ESTIMATOR, OURS
from benchmarks.networks.problems import LEARNING_RATE, Problem, make_rows, make_start
from benchmarks.networks.processes import ChildFailed, answer_of, start

PROBLEM = Problem((2, 10, 3), 60, 20)
LARGEST_GROWTH_KB = 1024
"""Over all fits but the first tenth: about a hundred bytes a fit, less than the smallest array."""


def run(*, quick: bool, save: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    fits = 1_000 if quick else 10_000
    found: dict[str, Any] = {"kinds": {}, "missing": {}, "limit_kb": LARGEST_GROWTH_KB}
    for kind in (OURS, ESTIMATOR):
        try:
            found["kinds"][kind] = answer_of(start("leak", kind, str(fits)))
        except ChildFailed as failed:
            found["missing"][kind] = str(failed)
    found["holds"] = bool(found["kinds"]) and all(
        part["growth_kb"] <= LARGEST_GROWTH_KB for part in found["kinds"].values()
    )
    save(found)
    return found


def measure(fit: Callable[[], None], fits: int) -> dict[str, float]:
    """Return the resident size after a tenth of the fits and at the end."""
    for _ in range(fits // 10):
        fit()
    gc.collect()
    before = resident("VmRSS")
    for _ in range(fits - fits // 10):
        fit()
    gc.collect()
    after = resident("VmRSS")
    return {"fits": fits, "start_mb": before / 1e6, "end_mb": after / 1e6, "growth_kb": (after - before) / 1024}


def make_fit(kind: str) -> Callable[[], None]:
    X, labels = make_rows(PROBLEM)
    if kind == ESTIMATOR:
        from chainrule.estimators import MLPClassifier

        def fit() -> None:
            MLPClassifier((10,), max_iter=3, batch_size=20, random_state=0).fit(X, labels)

        warnings.simplefilter("ignore")  # three epochs are not enough, and are not meant to be
        return fit

    from benchmarks.networks.peers.chainrule_engine import graph_of

    from chainrule.engine import Trainer, UpdateRule, compile_graph, permutation

    flat = make_start(PROBLEM).astype(np.float64)

    def steps() -> None:
        trainer = Trainer(
            compile_graph(graph_of(PROBLEM)),
            X,
            labels,
            parameters=flat,
            rule=UpdateRule("adam"),
            batch_size=PROBLEM.batch,
        )
        for epoch in range(3):
            trainer.steps(permutation(len(X), 0, epoch), 0, np.full(3, LEARNING_RATE), 3 * epoch)

    return steps


if __name__ == "__main__":
    print(json.dumps(measure(make_fit(sys.argv[2]), int(sys.argv[3]))))

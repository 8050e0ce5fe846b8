"""kill -9 at random moments of a training that keeps checkpoints: every resume ends in the same bits."""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.networks.problems import Problem, make_rows
from benchmarks.networks.processes import ChildFailed, answer_of, start

PROBLEM = Problem((64, 128, 10), 8192, 64)
EPOCHS = 10


def run(*, quick: bool, save: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    kills = 4 if quick else 50
    found: dict[str, Any] = {
        "epochs": EPOCHS,
        "kills": 0,
        "same_bits": 0,
        "unreadable": 0,
        "found_nothing": 0,
        "ended_before": 0,
        "failures": [],
    }
    rng = random.Random(0)
    resumed_after: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        never_stopped = answer_of(start("kill", f"{folder}/whole", "epochs"))
        for i in range(kills):
            path = Path(folder) / f"{i}.checkpoint"
            # Half of them keep a checkpoint every hundredth of a second, so that many a kill hits the writing.
            how = ("epochs", "seconds")[i % 2]
            if not _kill_one(path, how, rng.uniform(0, 0.95 * never_stopped["seconds"])):
                found["ended_before"] += 1
            found["kills"] += 1
            found["unreadable"] += not _readable(path)
            try:
                resumed = answer_of(start("kill", str(path), how))
            except ChildFailed as failed:
                found["failures"].append(str(failed))
                continue
            resumed_after.append(resumed["began_at"])
            found["found_nothing"] += not resumed["found"]
            found["same_bits"] += resumed["digest"] == never_stopped["digest"]
    found["resumed_after"] = [min(resumed_after, default=0), max(resumed_after, default=0)]
    found["holds"] = found["same_bits"] == found["kills"] and not found["unreadable"]
    save(found)
    return found


def _kill_one(path: Path, how: str, after: float) -> bool:
    """Start a training, kill it so many seconds after its first step; return whether it was still running."""
    process = start("kill", str(path), how)
    assert process.stdout is not None
    process.stdout.readline()  # "training"
    time.sleep(after)
    running = process.poll() is None
    process.kill()
    process.communicate()
    return running


def _readable(path: Path) -> bool:
    from chainrule.errors import ChainruleError
    from chainrule.files import load_checkpoint

    try:
        return not path.exists() or load_checkpoint(path) is not None
    except ChainruleError:
        return False


def train(path: Path, how: str) -> dict[str, Any]:
    """Train to the end, going on from the checkpoint if there is one; return the parameters' digest."""
    from chainrule.files import Checkpoint, load_checkpoint
    from chainrule.training.network import NetworkOptions, build_network, fit_network

    X, labels = make_rows(PROBLEM)
    options = NetworkOptions(
        PROBLEM.sizes[1:-1], batch_size=PROBLEM.batch, max_iter=EPOCHS, dropout=0.1, tol=0.0, n_iter_no_change=10**9
    )
    graph = build_network(PROBLEM.sizes[0], PROBLEM.sizes[-1], options, mass=len(X))
    checkpoint = Checkpoint(path) if how == "epochs" else Checkpoint(path, every_seconds=0.01)
    kept = load_checkpoint(path) if path.exists() else None
    print("training", flush=True)
    began = time.perf_counter()
    fitted = fit_network(X, labels, graph, options, checkpoint=checkpoint, resume=True)
    return {
        "digest": hashlib.sha256(fitted.parameters.tobytes()).hexdigest(),
        "seconds": time.perf_counter() - began,
        "found": kept is not None,
        "began_at": 0 if kept is None else kept.epoch,
    }


if __name__ == "__main__":
    print(json.dumps(train(Path(sys.argv[2]), sys.argv[3])))

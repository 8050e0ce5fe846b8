"""Peers take turns: one works, the others are stopped; first it is made sure that they do equal work."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.networks.peers import SKLEARN
from benchmarks.networks.problems import Problem, make_rows, make_start, mean_cross_entropy

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120.0
"""Seconds after which a peer that doesn't answer is given up."""

SHORTEST_TURN = 0.04
"""Seconds; shorter work is repeated until it takes as long, and the mean of the turn counts."""

TOLERANCES = {"float32": 0.02, "float64": 1e-9}
"""How far a peer's loss after the first epoch may be from the middle one, as a share of how far the epoch moved it.

Sums in other orders make the peers differ by some 1e-7 (1e-16) an update, and an update of small gradients by more, as
Adam divides by their size; hundreds of updates make it grow: up to 0.003 in float32, 1e-15 in float64. A learning rate
off by a tenth is 0.03 to 0.1 away.
"""

EPSILON_ELSEWHERE = 0.02
"""The same for scikit-learn, in float64 too: it adds Adam's epsilon before it corrects the bias (as in section 2 of
Kingma and Ba 2015), the others after (as in their algorithm 1). That is 4e-6 for a small net, 0.005 for a wide one.
"""


class PeerFailed(Exception):  # noqa: N818 - an outcome that the table names
    """A peer did not answer, or answered with an error."""


class UnequalWork(Exception):  # noqa: N818
    """A peer's loss says that it trained something else: its times would mean nothing."""


class Turn(NamedTuple):
    seconds: float
    cpu_seconds: float


class Worker:
    """A peer's process."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer = peer
        ours, theirs = multiprocessing.Pipe()
        self.connection = ours
        cores = first_cores(threads)
        counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        command = [sys.executable, "-m", "benchmarks.networks.worker", peer, ",".join(map(str, cores))]
        self.process = subprocess.Popen(
            [*command, str(theirs.fileno())],
            cwd=ROOT,
            env={**os.environ, **counts},
            pass_fds=[theirs.fileno()],
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        try:
            self.versions = self._answer(PATIENCE)
        except PeerFailed:
            self.close()
            raise
        self._stop()

    def ask(self, method: str, *arguments: Any, patience: float = PATIENCE) -> Any:
        """Have it do something while nobody else works; raises `PeerFailed`, with the process gone if it hung."""
        if self.process.poll() is not None:
            raise PeerFailed("its process has ended")
        self.process.send_signal(signal.SIGCONT)
        self.connection.send((method, arguments))
        answer = self._answer(patience)
        self._stop()
        return answer

    def _stop(self) -> None:
        """Let it sleep: pools that spin while they wait would take a core from whoever is next."""
        self.process.send_signal(signal.SIGSTOP)

    def _answer(self, patience: float) -> Any:
        try:
            if not self.connection.poll(patience):
                self.close()
                raise PeerFailed(f"no answer within {patience:.0f} s")
            how, what = self.connection.recv()
        except (EOFError, ConnectionResetError) as error:
            self.close()
            raise PeerFailed(f"its process ended with status {self.process.returncode}") from error
        if how != "done":
            raise PeerFailed(what)
        return what

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()


def first_cores(threads: int) -> list[int]:
    """Return so many of the cores that this process may use."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    return allowed[:threads]


class Lineup:
    """Workers for peers on so many threads, started once and used for many cells.

    Attributes
    ----------
    workers
        By peer; who could not be started is not among them.
    missing
        Why, by peer.
    """

    def __init__(self, peers: Sequence[str], threads: int) -> None:
        self.threads = threads
        self.missing: dict[str, str] = {}
        self.workers: dict[str, Worker] = {}
        self._closing = ExitStack()
        for peer in peers:
            self._start(peer)

    def _start(self, peer: str) -> None:
        try:
            worker = Worker(peer, self.threads)
        except PeerFailed as failed:
            self.missing[peer] = str(failed)
            return
        self._closing.callback(worker.close)
        self.workers[peer] = worker

    def versions(self) -> dict[str, str]:
        return {name: version for worker in self.workers.values() for name, version in worker.versions.items()}

    def revive(self) -> None:
        """Start those anew whose process ended in an earlier cell."""
        for peer, worker in list(self.workers.items()):
            if worker.process.poll() is not None:
                self._start(peer)

    def __enter__(self) -> Lineup:
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.close()


def run_cell(lineup: Lineup, peers: Sequence[str], problem: Problem, *, rounds: int, budget: float) -> dict[str, Any]:
    """Check that the peers do equal work, then time epochs in turns.

    Parameters
    ----------
    peers
        Who of the lineup takes part.
    rounds
        At most so many turns each.
    budget
        Seconds that the rounds should take together; at least three are run.

    Returns
    -------
    cell
        Plain data: the problem; by peer "seconds" of an epoch per round, "cores" busy, "loss" after the first epoch;
        "missing" with reasons.

    Raises
    ------
    UnequalWork
        If a peer trains something else than the others.
    """
    lineup.revive()
    missing = {peer: lineup.missing[peer] for peer in peers if peer in lineup.missing}
    losses: dict[str, float] = {}
    X, labels = make_rows(problem)
    for peer in (peer for peer in peers if peer in lineup.workers):
        try:
            lineup.workers[peer].ask("prepare", problem)
            flat = lineup.workers[peer].ask("first_epoch")
        except PeerFailed as failed:
            missing[peer] = str(failed)
            continue
        losses[peer] = mean_cross_entropy(flat, X, labels, problem.sizes)
    start_loss = mean_cross_entropy(make_start(problem), X, labels, problem.sizes)
    check_equal_work(losses, start_loss, {peer: tolerance(peer, problem.dtype) for peer in losses}, str(problem))
    turns, lost = take_turns(lineup, list(losses), "time_epochs", rounds=rounds, budget=budget)
    return {
        "net": problem.net,
        "rows": problem.rows,
        "batch": problem.batch,
        "full": problem.full,
        "steps": problem.steps,
        "dtype": problem.dtype,
        "threads": problem.threads,
        "start_loss": start_loss,
        "peers": {peer: {**as_record(of), "loss": losses[peer]} for peer, of in turns.items()},
        "missing": {**missing, **lost},
    }


def as_record(turns: Sequence[Turn]) -> dict[str, Any]:
    """Return one peer's turns as plain data."""
    return {
        "seconds": [turn.seconds for turn in turns],
        "cores": statistics.median(turn.cpu_seconds / turn.seconds for turn in turns),
    }


def tolerance(peer: str, dtype: str) -> float:
    """Return the peer's tolerance in `check_equal_work`."""
    return max(TOLERANCES[dtype], EPSILON_ELSEWHERE if peer == SKLEARN else 0.0)


def check_equal_work(
    losses: Mapping[str, float], start_loss: float, tolerances: Mapping[str, float], where: str
) -> None:
    """Raise `UnequalWork` unless all losses agree with the middle of the most exact ones, and the epoch changed it.

    Which way is not asked: the one step of a full batch is too long for a wide net, and raises the loss.
    """
    if not losses:
        return
    least = min(tolerances.values())
    exact = [loss for peer, loss in losses.items() if tolerances[peer] == least and math.isfinite(loss)]
    middle = statistics.median_low(exact or [math.nan])
    moved = abs(start_loss - middle)
    if not moved > 1e-6 * start_loss:
        raise UnequalWork(f"{where}: the first epoch took the loss from {start_loss:.6g} to {middle:.6g}")
    # Written so that NaN is unequal.
    unequal = {peer: loss for peer, loss in losses.items() if not abs(loss - middle) <= tolerances[peer] * moved}
    if unequal:
        named = ", ".join(f"{peer} {loss:.6g}" for peer, loss in unequal.items())
        raise UnequalWork(f"{where}: loss after the first epoch {middle:.6g} (from {start_loss:.6g}), but {named}")


def take_turns(
    lineup: Lineup, peers: Sequence[str], method: str, *, rounds: int, budget: float
) -> tuple[dict[str, list[Turn]], dict[str, str]]:
    """Return each peer's turns, one per round, and why peers dropped out."""
    lost: dict[str, str] = {}
    repeats: dict[str, int] = {}
    costs: dict[str, float] = {}

    def ask(peer: str, times: int) -> Turn:
        return Turn(*lineup.workers[peer].ask(method, times))

    for peer in peers:  # warms up, and finds how often a turn repeats its work
        try:
            estimate, repeats[peer] = settle(peer, ask)
        except PeerFailed as failed:
            lost[peer] = str(failed)
            continue
        costs[peer] = repeats[peer] * estimate

    turns: dict[str, list[Turn]] = {peer: [] for peer in costs}
    for _ in range(affordable_rounds(sum(costs.values()), rounds, budget)):
        for peer in list(turns):
            try:
                turns[peer].append(ask(peer, repeats[peer]))
            except PeerFailed as failed:
                lost[peer] = str(failed)
                del turns[peer]
    return turns, lost


def settle(peer: str, ask: Callable[[str, int], Turn]) -> tuple[float, int]:
    """Return about how long a peer's work takes, and how often a turn repeats it; the last try was a whole turn.

    JAX compiles anew for another number of epochs: what is timed later must have run before.
    """
    times, seconds = 1, ask(peer, 1).seconds
    while times < repetitions(seconds) / 1.5:
        times = repetitions(seconds)
        ask(peer, times)
        seconds = ask(peer, times).seconds
    return seconds, times


def repetitions(seconds: float) -> int:
    """Return how often work of so many seconds is repeated in a turn."""
    return max(1, math.ceil(SHORTEST_TURN / max(seconds, 1e-9)))


def affordable_rounds(cost: float, rounds: int, budget: float) -> int:
    """Return how many rounds of so many seconds fit the budget: at least three, at most ``rounds``, an odd number."""
    fitting = max(3, min(rounds, int(budget / max(cost, 1e-9))))
    return fitting - (fitting % 2 == 0)

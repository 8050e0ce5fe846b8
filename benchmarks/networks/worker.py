"""The process a peer lives in: it obeys one request at a time, and is stopped by its parent between them.

A process to each peer, since libraries disturb one another in one: OpenMP runtimes, thread pools that spin for a
while after their work, environment variables read once. Started by `lineup`; not for hands.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.networks.peers import make_peer
from benchmarks.networks.problems import Problem, first_order, make_rows, make_start


def end_with_parent() -> None:
    """Have the system kill this process when its parent dies: a stopped one would stay forever."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Duties:
    """What can be asked of a peer, by name."""

    def __init__(self, name: str) -> None:
        self.peer = make_peer(name)

    def versions(self) -> dict[str, str]:
        return dict(self.peer.versions)

    def prepare(self, problem: Problem) -> None:
        self.problem = problem
        self.peer.prepare(problem, *make_rows(problem), make_start(problem))

    def first_epoch(self) -> Any:
        return self.peer.first_epoch(first_order(self.problem))

    def time_epochs(self, epochs: int) -> tuple[float, float]:
        """Return seconds and CPU seconds of an epoch, over so many in a row from the start.

        Another process had the caches and the thread pools slept: one epoch goes before, if it isn't a long one.
        """
        if epochs > 1:
            self.peer.reset()
            self.peer.train(1)
        self.peer.reset()
        return _timed(lambda: self.peer.train(epochs), epochs)

    def prepare_prediction(self, problem: Problem) -> Any:
        self.X = make_rows(problem)[0]
        self.peer.prepare_prediction(problem, make_start(problem))
        return self.peer.predict_proba(self.X)

    def time_predictions(self, calls: int) -> tuple[float, float]:
        def predict() -> None:
            for _ in range(calls):
                self.peer.predict_proba(self.X)

        self.peer.predict_proba(self.X)
        return _timed(predict, calls)


def _timed(work: Callable[[], None], times: int) -> tuple[float, float]:
    cpu, began = time.process_time(), time.perf_counter()
    work()
    return (time.perf_counter() - began) / times, (time.process_time() - cpu) / times


def serve(connection: Connection, name: str) -> None:
    """Answer requests (method, arguments) with ("done", answer), ("missing", why) or ("failed", why)."""
    try:
        duties = Duties(name)
    except ImportError as error:
        connection.send(("missing", str(error)))
        return
    connection.send(("done", duties.versions()))
    while True:
        try:
            method, arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send(("done", getattr(duties, method)(*arguments)))
        except Exception as error:  # the parent says it, and goes on with the others
            traceback.print_exc()
            connection.send(("failed", f"{type(error).__name__}: {error}"))


def main() -> None:
    end_with_parent()
    name, cores, descriptor = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    serve(Connection(descriptor), name)


if __name__ == "__main__":
    main()

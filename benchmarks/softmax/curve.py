"""How near one solver comes to the optimum, over the time that it takes."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from benchmarks.softmax.problem import Problem
from benchmarks.softmax.solvers import SOLVERS, solve

TARGET, ENOUGH = 1e-6, 1e-8  # relative suboptimality
STUCK = 4  # efforts in a row that changed nothing
CLOSER = 2  # halvings between the last effort that fell short and the first that did not
SHORT, REPEATS = 0.1, 3  # a run of fewer seconds is repeated, and the fastest counts
LONG = 10.0  # seconds of patience from which on efforts grow in larger steps
ALL_RUNS = 3.0  # of the patience with one run, that with all of them


class OutOfPatience(Exception):  # noqa: N818 - an outcome that the table names
    """A run took far longer than it may."""


class Curve:
    """A solver's runs at growing effort, each from scratch.

    They end within 1e-8 of the optimum, where more effort changes nothing, or where the next run would take longer than
    one is patient: that one is cut down to what there is patience for. Then the effort that first came within 1e-6 is
    looked for more closely. The objective is computed outside the timing.

    Parameters
    ----------
    name, problem
        Who solves what.
    best
        The best objective known.
    patience
        Seconds for one run.
    """

    def __init__(self, name: str, problem: Problem, best: float, patience: float) -> None:
        self.name, self.problem, self.best, self.patience = name, problem, best, patience
        self.points: list[dict[str, float]] = []
        warm_up(name, problem)
        self.ended = self._grow()
        if self.first() is not None:
            self.ended = "there"
            self._look_closer()

    def first(self) -> dict[str, float] | None:
        """Return the run of least effort that came within 1e-6."""
        return next((point for point in self._in_order() if point["away"] <= TARGET), None)

    def to_record(self) -> dict[str, Any]:
        """Return effort, seconds and distance of each run; how they ended: there, stuck, patience; the longest one."""
        waited = self.patience * ALL_RUNS if self.ended == "alarm" else max(p["seconds"] for p in self.points)
        ended = "patience" if self.ended == "alarm" else self.ended
        return {"points": self._in_order(), "ended": ended, "waited": waited}

    def _run(self, effort: float) -> float:
        coef, intercept, seconds = timed(self.name, self.problem, effort)
        if seconds < SHORT:
            seconds = min(seconds, *(timed(self.name, self.problem, effort)[2] for _ in range(REPEATS - 1)))
        away = self.problem.objective(coef, intercept) / self.best - 1.0
        self.points.append({"effort": effort, "seconds": seconds, "away": away if math.isfinite(away) else 1e300})
        return self.points[-1]["away"]

    def _grow(self) -> str:
        efforts, same, before = SOLVERS[self.name].efforts, 0, math.inf
        for effort in efforts.in_steps(3 if self.patience >= LONG else 1):
            is_last = False
            if self.points:
                last = self.points[-1]
                in_time = efforts.that_take(self.patience, last["effort"], last["seconds"])
                is_last = in_time is not None and in_time < effort
                if last["seconds"] > self.patience or self._spent() > ALL_RUNS * self.patience:
                    return "patience"
                if is_last and in_time <= 1.05 * last["effort"]:
                    return "patience"
            try:
                with alarm(ALL_RUNS * self.patience + 10.0):
                    away = self._run(in_time if is_last else effort)
            except OutOfPatience:
                return "alarm"
            same = same + 1 if abs(away - before) <= 1e-9 * abs(away) else 0
            if is_last or away <= ENOUGH or same >= STUCK:
                return "patience" if is_last else "stuck"
            before = away
        return "stuck"

    def _look_closer(self) -> None:
        efforts = SOLVERS[self.name].efforts
        for _ in range(CLOSER):
            points = self._in_order()
            i = points.index(self.first())
            middle = efforts.between(points[i - 1]["effort"], points[i]["effort"]) if i else None
            if middle is None:
                return
            self._run(middle)

    def _in_order(self) -> list[dict[str, float]]:
        return sorted(self.points, key=lambda point: SOLVERS[self.name].efforts.rank(point["effort"]))

    def _spent(self) -> float:
        return sum(point["seconds"] for point in self.points)


def timed(name: str, problem: Problem, effort: float) -> tuple[Any, Any, float]:
    """Return coefficients, intercept and seconds, those that the solver itself tells where it does."""
    start = time.perf_counter()
    coef, intercept, *told = solve(name, problem, effort)
    return coef, intercept, told[0] if told else time.perf_counter() - start


def warm_up(name: str, problem: Problem) -> None:
    """Solve a small problem of the same kind: imports and compilation are not what is timed."""
    first = np.concatenate([np.flatnonzero(problem.y == k)[:20] for k in range(problem.n_classes)])
    solve(name, Problem(problem.X[first], problem.y[first], problem.C, problem.l1_ratio), SOLVERS[name].efforts.first)


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise `OutOfPatience` in what takes longer, as soon as it is back in Python."""

    def ring(*_: Any) -> None:
        raise OutOfPatience

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)

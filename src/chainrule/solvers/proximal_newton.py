"""The proximal Newton method for l1 and elastic-net penalties, on working sets.

Around each point the smooth part of the objective is taken for its quadratic model; model plus l1 penalty is minimised
over a working set: the coefficients that are not zero, and those whose gradient says that they should not be. Lee,
Sun and Saunders 2014, "Proximal Newton-Type Methods for Minimizing Composite Functions"; working sets as in Johnson
and Guestrin 2015, "Blitz". Models are minimised no further than they hold (`chainrule.solvers.l1_model`).

The l1 penalty begins as strong as the gradient is and is lowered with every step that is taken whole, to its own
strength: far from the optimum few coefficients are then at work, and no step leads further than its model holds. Where
losses fall off exponentially a whole step is still too short, and twice the step is tried. Damping is that of
`chainrule.solvers.newton`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chainrule._typing import Float64Array, IntArray
from chainrule.errors import NonFiniteError
from chainrule.solvers.damping import GOOD_RATIO, MAX_SHORTENINGS, SHORTEN, Damping
from chainrule.solvers.l1_model import L1Model
from chainrule.solvers.newton import ARMIJO
from chainrule.solvers.solution import ROUNDING, BoundedObjective, Callback, Progress, Solution, Status, gap_allowed

MIN_WORKING_SET = 100
ROUGHEST, FINEST = 0.1, 1e-10  # to which a model is minimised, as a share of what the step promises
NEAR = 1e-3  # of the optimum, as a share of the value
LOWEST, HIGHEST = 0.1, 0.35  # of the penalty's level, at which the next step may be taken
MAX_LEVEL = 1e15
MORE_THAN_PROMISED = 1.1  # of a decrease to what was promised: twice the step is tried


class CompositeObjective(BoundedObjective, Protocol):
    """A smooth objective, to which the l1 penalty comes."""

    @property
    def passes(self) -> int:
        """Passes over the rows so far."""

    @property
    def damped(self) -> Float64Array:
        """How strongly damping holds each entry of the flat vector."""

    @property
    def l1(self) -> Float64Array:
        """The l1 penalty's strength for each entry of the flat vector."""

    def model_among(self, entries: IntArray) -> L1Model:
        """Return the quadratic model at the current point among ``entries`` (n,), ascending."""

    def gap(
        self, value: float, gradient: Float64Array, wanted: float, towards: Float64Array | None = None
    ) -> float | None:
        """Return an upper bound of value minus optimum; see `BoundedObjective`.

        With ``towards``, a step to the minimum of the quadratic model, one of second order in that step.
        """

    def settle(self, w: Float64Array) -> Float64Array:
        """Return the point of least penalty that the loss can't tell from ``w``."""


@dataclass(frozen=True)
class _Point:
    w: Float64Array
    gradient: Float64Array  # of the smooth part
    smooth: float
    penalty: float  # l1, at its own strength

    def value(self, level: float = 1.0) -> float:
        """Return the objective with an l1 penalty ``level`` times as strong."""
        return self.smooth + level * self.penalty


def proximal_newton(
    objective: CompositeObjective,
    start: Float64Array,
    *,
    tol: float,
    max_passes: int,
    callback: Callback | None = None,
) -> Solution:
    """Minimise a convex objective plus its l1 penalty; parameters and errors are those of `newton`."""
    run = _Run(objective, start, tol, max_passes)
    try:
        while (status := run.step()) is None:
            if callback is not None:
                n_iter = len(run.curve) - 1
                callback(Progress(n_iter, max_passes, run.point.value(), run.promised, objective.passes))
    except KeyboardInterrupt:
        status = "interrupted"
    return Solution(run.point.w, run.point.value(), tuple(run.curve), len(run.curve) - 1, status, run.last_gap(status))


class _Run:
    """Where the method is, and all that it has learned on the way."""

    def __init__(self, objective: CompositeObjective, start: Float64Array, tol: float, max_passes: int) -> None:
        self.objective, self.tol, self.max_passes = objective, tol, max_passes
        self.l1 = objective.l1
        self.point = self._evaluate(objective.settle(start))
        if not (np.isfinite(self.point.value()) and np.isfinite(self.point.gradient).all()):
            raise NonFiniteError(
                f"the objective is {self.point.value()} at the start: the data hold values too large to multiply"
            )
        self.curve = [self.point.value()]
        self.promised = np.inf  # decrease of the last step
        self._gap: float | None = None  # once it is as small as it is to be
        self._damping, self._undamped = Damping(), True  # no model has asked for damping yet
        strong = self.l1 > 0.0
        highest = float(np.abs(self.point.gradient[strong]).max(initial=0.0) / self.l1[strong].min(initial=np.inf))
        self._level = min(max(1.0, highest), MAX_LEVEL)  # of the l1 penalty, 1 being its own strength
        self._lower()

    def step(self) -> Status | None:
        """Take a step; return why there is none."""
        objective, point, damping, level = self.objective, self.point, self._damping, self._level
        value = point.value(level)
        if level == 1.0 and self._is_proven():
            return "converged"
        if objective.passes > self.max_passes:
            return "max_iter"
        entries = working_set(point.w, point.gradient, level * self.l1)
        if not len(entries):
            return self._end("precision")
        model = objective.model_among(entries)
        if self._undamped and model.first_damping > 0.0:
            damping.strength, self._undamped = max(damping.strength, model.first_damping), False
        at_point = level == 1.0  # and the objective has not been asked elsewhere since
        while True:
            with np.errstate(over="ignore", invalid="ignore"):  # a model beyond float64: its step is refused
                move, promised = self._minimise(model, entries)
            if promised > value:  # the objective is never below 0
                damping.strengthen(model)
                continue
            drowned = promised <= 64.0 * ROUNDING * value
            if drowned and promised >= 0.25 * self.promised and damping.strength == 0.0:
                return self._end("precision")
            if at_point and 2.0 * promised <= gap_allowed(self.tol, value) and self._is_proven(entries, move):
                return "converged"
            at_point = False
            found, length = (
                self._line_search(entries, move, promised, drowned) if np.isfinite(promised) else (None, 0.0)
            )
            if found is not None:
                break
            if drowned or not damping.reject(model):
                return self._end("precision")
        ratio = (value - found.value(level)) / promised if promised > 0.0 else 1.0
        damping.accept(length, ratio, model, drowned=drowned)
        if length >= 1.0 and ratio >= GOOD_RATIO and promised <= NEAR * value:
            damping.strength = 0.0  # the model holds, and its minimum is what proves the optimum
        settled = objective.settle(found.w)
        self.point, self.promised = found if settled is found.w else self._evaluate(settled), promised
        self.curve.append(self.point.value())
        if length >= 1.0:
            self._lower()
        return None

    def _is_proven(self, entries: IntArray | None = None, move: Float64Array | None = None) -> bool:
        """Whether the bound is as small as it is to be; with a step to the model's minimum by means of that."""
        towards = None
        if entries is not None:
            towards = np.zeros(self.objective.size)
            towards[entries] = move
        value = self.point.value()
        wanted = gap_allowed(self.tol, value)
        gap = self.objective.gap(value, self.point.gradient, wanted, towards)
        if gap is None or gap > wanted:
            return False
        self._gap = gap
        return True

    def _end(self, status: Status) -> Status | None:
        """Return why there is no step, unless the penalty can still be lowered: then there may be one."""
        if self._level == 1.0:
            return status
        self._lower()
        return None

    def _lower(self) -> None:
        """Make the penalty weaker, so far that the working set at most about doubles."""
        if self._level == 1.0:
            return
        excess = self._excess()
        most = max(MIN_WORKING_SET, int((self.point.w != 0.0).sum()))
        at_most = float(np.partition(excess, -most)[-most]) if len(excess) > most else 0.0
        self._level = max(1.0, LOWEST * self._level, min(at_most, HIGHEST * self._level))

    def _excess(self) -> Float64Array:
        """Return how strong, in units of the penalty's own strength, it must be for each entry that is 0 to stay so."""
        zero = (self.l1 > 0.0) & (self.point.w == 0.0)
        excess: Float64Array = np.abs(self.point.gradient[zero]) / self.l1[zero]
        return excess

    def last_gap(self, status: Status) -> float | None:
        """Return the bound at the end, whatever it costs."""
        if status == "converged":
            return self._gap
        if status != "max_iter":  # the objective was last asked elsewhere
            self.objective.value_and_gradient(self.point.w)
        return self.objective.gap(self.point.value(), self.point.gradient, np.inf)

    def _evaluate(self, w: Float64Array) -> _Point:
        smooth, gradient = self.objective.value_and_gradient(w)
        return _Point(w, gradient, smooth, float((self.l1 * np.abs(w)).sum()))

    def _minimise(self, model: L1Model, entries: IntArray) -> tuple[Float64Array, float]:
        """Return the damped step among some entries, and the decrease that the model without damping promises."""
        w, gradient, l1 = self.point.w[entries], self.point.gradient[entries], self._level * self.l1[entries]
        accuracy = min(ROUGHEST, max(FINEST, (self.promised / self.point.value()) ** 2))
        damping = self._damping.strength * self.objective.damped[entries]
        move, curvature = model.minimise(
            gradient, w, l1, damping, accuracy=accuracy, most=self.point.value(self._level)
        )
        gain = float((l1 * (np.abs(w) - np.abs(w + move))).sum())
        return move, gain - float(gradient @ move) - 0.5 * curvature

    def _line_search(
        self, entries: IntArray, move: Float64Array, promised: float, drowned: bool
    ) -> tuple[_Point | None, float]:
        level, value = self._level, self.point.value(self._level)
        length = 1.0
        for _ in range(MAX_SHORTENINGS):
            trial = self._evaluate(self._moved(entries, move, length))
            unseen = drowned and trial.value(level) <= value + 10.0 * ROUNDING * value
            if trial.value(level) <= value - ARMIJO * length * promised or unseen:
                break
            length *= SHORTEN
        else:
            return None, 0.0
        # Where losses fall off exponentially, the model ends too soon.
        while length >= 1.0 and value - trial.value(level) >= MORE_THAN_PROMISED * promised and not drowned:
            if self.objective.passes + 2 > self.max_passes:
                break
            further = self._evaluate(self._moved(entries, move, 2.0 * length))
            if not further.value(level) < trial.value(level):
                trial = self._evaluate(trial.w)  # the objective's current point again
                break
            trial, length = further, 2.0 * length
        return trial, length

    def _moved(self, entries: IntArray, move: Float64Array, length: float) -> Float64Array:
        """Return the point some way along a step; what the step, or more of it, takes to zero is exactly zero there."""
        w = self.point.w.copy()
        before = w[entries]
        after = before + length * move
        if length >= 1.0:
            least = before + move
            penalised = self.l1[entries] > 0.0
            after[penalised & ((move == -before) | (after * least <= 0.0))] = 0.0
        w[entries] = after
        return w


def working_set(w: Float64Array, gradient: Float64Array, l1: Float64Array) -> IntArray:
    """Return which entries (ascending) may change: those that aren't zero, the unpenalised, the worst violators."""
    free = (w != 0.0) | (l1 == 0.0)
    violation = np.where(free, 0.0, np.abs(gradient) - l1)
    violators = np.flatnonzero(violation > 0.0)
    most = max(MIN_WORKING_SET, 2 * int(free.sum()))
    if len(violators) > most:
        violators = violators[np.argsort(-violation[violators], kind="stable")[:most]]
    free[violators] = True
    return np.flatnonzero(free)

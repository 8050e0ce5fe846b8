"""The proximal Newton method for l1 and elastic-net penalties, on working sets.

Around each point the smooth part of the objective is taken for its quadratic model; model plus l1 penalty is minimised
over a working set: the coefficients that are not zero, and those whose gradient says that they should not be. Lee,
Sun and Saunders 2014, "Proximal Newton-Type Methods for Minimizing Composite Functions"; working sets as in Johnson
and Guestrin 2015, "Blitz". The model is minimised by coordinate descent, which finds the signs, and a solve for given
signs, which is exact. Damping is that of `chainrule.solvers.newton`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chainrule._typing import Float64Array, IntArray
from chainrule.engine import _kernels
from chainrule.errors import NonFiniteError
from chainrule.solvers.cholesky import cholesky
from chainrule.solvers.damping import MAX_SHORTENINGS, SHORTEN, Damping
from chainrule.solvers.newton import ARMIJO, ROUNDING
from chainrule.solvers.solution import BoundedObjective, Callback, Progress, Solution, Status, gap_allowed

MIN_WORKING_SET = 100
MAX_SWEEPS = 20  # of coordinate descent before the signs are taken for right
MAX_ROUNDS = 50  # of coordinate descent and exact solves, for one model
LEAST = 1e-7  # of the mean curvature: less damping changes nothing


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

    def hessian_among(self, entries: IntArray) -> Float64Array:
        """Return rows and columns ``entries`` (n,), ascending, of the Hessian at the current point, (n, n)."""

    def settle(self, w: Float64Array) -> Float64Array:
        """Return the point of least penalty that the loss can't tell from ``w``."""


@dataclass(frozen=True)
class _Point:
    w: Float64Array
    gradient: Float64Array  # of the smooth part
    value: float


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
                callback(Progress(n_iter, max_passes, run.point.value, run.promised, objective.passes))
    except KeyboardInterrupt:
        status = "interrupted"
    return Solution(run.point.w, run.point.value, tuple(run.curve), len(run.curve) - 1, status, run.last_gap(status))


class _Run:
    """Where the method is, and all that it has learned on the way."""

    def __init__(self, objective: CompositeObjective, start: Float64Array, tol: float, max_passes: int) -> None:
        self.objective, self.tol, self.max_passes = objective, tol, max_passes
        self.l1 = objective.l1
        self.point = self._evaluate(objective.settle(start))
        if not (np.isfinite(self.point.value) and np.isfinite(self.point.gradient).all()):
            raise NonFiniteError(
                f"the objective is {self.point.value} at the start: the data hold values too large to multiply"
            )
        self.curve = [self.point.value]
        self.promised = np.inf  # decrease of the last step
        self.gap: float | None = None
        self._damping = Damping()

    def step(self) -> Status | None:
        """Take a step; return why there is none."""
        objective, point, damping, l1 = self.objective, self.point, self._damping, self.l1
        wanted = gap_allowed(self.tol, point.value)
        self.gap = objective.gap(point.value, point.gradient, wanted)
        if self.gap is not None and self.gap <= wanted:
            return "converged"
        if objective.passes > self.max_passes:
            return "max_iter"
        entries = working_set(point.w, point.gradient, l1)
        if not len(entries):
            return "precision"
        hessian = objective.hessian_among(entries)
        penalised = l1[entries] > 0.0
        scale = float(hessian.diagonal()[penalised].mean()) if penalised.any() else 1.0
        while True:
            with np.errstate(over="ignore", invalid="ignore"):  # a model beyond float64: its step is refused
                move, promised = self._minimise(hessian, entries)
            drowned = promised <= 64.0 * ROUNDING * point.value
            if drowned and promised >= 0.25 * self.promised and damping.strength == 0.0:
                return "precision"
            found, length = (
                self._line_search(entries, move, promised, drowned) if np.isfinite(promised) else (None, 0.0)
            )
            if found is not None:
                break
            if drowned or not damping.reject(scale, LEAST * scale):
                return "precision"
        ratio = (point.value - found.value) / promised if promised > 0.0 else 1.0
        damping.accept(length, ratio, drowned=drowned, scale=scale, least=LEAST * scale)
        settled = objective.settle(found.w)
        self.point, self.promised = found if settled is found.w else self._evaluate(settled), promised
        self.curve.append(self.point.value)
        return None

    def last_gap(self, status: Status) -> float | None:
        """Return the bound at the end, whatever it costs."""
        if self.gap is None or status == "converged":
            return self.gap
        if status != "max_iter":  # the objective was last asked elsewhere
            self.objective.value_and_gradient(self.point.w)
        return self.objective.gap(self.point.value, self.point.gradient, np.inf)

    def _evaluate(self, w: Float64Array) -> _Point:
        smooth, gradient = self.objective.value_and_gradient(w)
        return _Point(w, gradient, smooth + float((self.l1 * np.abs(w)).sum()))

    def _minimise(self, hessian: Float64Array, entries: IntArray) -> tuple[Float64Array, float]:
        """Return the damped step among some entries, and the decrease that the model without damping promises."""
        w, gradient, l1 = self.point.w[entries], self.point.gradient[entries], self.l1[entries]
        added = self._damping.strength * self.objective.damped[entries]
        damped = hessian.copy()
        damped[np.diag_indices_from(damped)] += added
        move = minimise_model(damped, gradient, w, l1)
        gain = float((l1 * (np.abs(w) - np.abs(w + move))).sum())
        return move, gain - float(gradient @ move) - 0.5 * float(move @ (hessian @ move))

    def _line_search(
        self, entries: IntArray, move: Float64Array, promised: float, drowned: bool
    ) -> tuple[_Point | None, float]:
        point, length = self.point, 1.0
        for _ in range(MAX_SHORTENINGS):
            w = point.w.copy()
            w[entries] += length * move
            if length == 1.0:
                w[entries[move == -point.w[entries]]] = 0.0  # exactly
            trial = self._evaluate(w)
            unseen = drowned and trial.value <= point.value + 10.0 * ROUNDING * point.value
            if trial.value <= point.value - ARMIJO * length * promised or unseen:
                return trial, length
            length *= SHORTEN
        return None, 0.0


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


def minimise_model(hessian: Float64Array, gradient: Float64Array, w: Float64Array, l1: Float64Array) -> Float64Array:
    """Return the step that minimises gradient . step + step H step / 2 + sum_j l1_j |w_j + step_j|."""
    step, residual = np.zeros_like(w), gradient.copy()
    tol = 0.0
    for _ in range(MAX_ROUNDS):
        before = step.copy()
        _kernels.descend_by_coordinates(
            hessian, gradient, w, l1, step, residual, tol=tol, max_sweeps=MAX_SWEEPS
        )  # fmt: skip
        _solve_for_signs(hessian, gradient, w, l1, step)
        np.copyto(residual, gradient + hessian @ step)
        change = step - before
        promise = -float(gradient @ step) - 0.5 * float(step @ (residual - gradient))
        promise += float((l1 * (np.abs(w) - np.abs(w + step))).sum())
        tol = 1e-10 * max(promise, 0.0)
        if float((change * change * hessian.diagonal()).sum()) <= 1e-3 * max(promise, 0.0) and _is_optimal(
            hessian, w, l1, step, residual, promise
        ):
            break
    return step


def _is_optimal(
    hessian: Float64Array, w: Float64Array, l1: Float64Array, step: Float64Array, residual: Float64Array, promise: float
) -> bool:
    """Whether no coordinate alone can still gain more than a small share of what the step promises."""
    target = w + step
    slope = np.where(target != 0.0, residual + l1 * np.sign(target), np.maximum(np.abs(residual) - l1, 0.0))
    diagonal = np.maximum(hessian.diagonal(), np.finfo(np.float64).tiny)
    return bool(float((slope * slope / diagonal).sum()) <= 1e-4 * max(promise, 0.0) + np.finfo(np.float64).tiny)


def _solve_for_signs(
    hessian: Float64Array, gradient: Float64Array, w: Float64Array, l1: Float64Array, step: Float64Array
) -> None:
    """Go, in place, to the model's minimum with the signs as they are, or as far as they stay so."""
    target = w + step
    moving = np.flatnonzero((target != 0.0) | (l1 == 0.0))
    if not len(moving):
        return
    signs = np.sign(target[moving])
    slope = gradient[moving] + hessian[moving] @ step + l1[moving] * signs
    change = -cholesky(hessian[np.ix_(moving, moving)])(slope)
    crossing = (l1[moving] > 0.0) & ((target[moving] + change) * signs <= 0.0)
    length = 1.0
    if crossing.any():
        reach = -target[moving][crossing] / change[crossing]
        length = float(reach.min())
    ahead = step[moving] + length * change
    if crossing.any():
        hit = np.flatnonzero(crossing)[reach <= length]
        ahead[hit] = -w[moving][hit]
    step[moving] = ahead

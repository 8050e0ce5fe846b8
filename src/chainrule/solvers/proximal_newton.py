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
from chainrule.solvers.newton import (
    ARMIJO,
    GOOD_RATIO,
    LESS_DAMPING,
    MAX_SHORTENINGS,
    MORE_DAMPING,
    POOR_RATIO,
    RESCUE_DAMPING,
    ROUNDING,
    SHORTEN,
)
from chainrule.solvers.solution import BoundedObjective, Callback, Progress, Solution, Status

MIN_WORKING_SET = 100
MAX_SWEEPS = 20  # of coordinate descent before the signs are taken for right
MAX_ROUNDS = 50  # of coordinate descent and exact solves, for one model
MAX_FAILURES = 12


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
    smooth: float
    gradient: Float64Array
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
    l1 = objective.l1

    def evaluate(w: Float64Array) -> _Point:
        smooth, gradient = objective.value_and_gradient(w)
        return _Point(w, smooth, gradient, smooth + float((l1 * np.abs(w)).sum()))

    point = evaluate(objective.settle(start))
    if not (np.isfinite(point.value) and np.isfinite(point.gradient).all()):
        raise NonFiniteError(f"the objective is {point.value} at the start: the data hold values too large to multiply")
    curve = [point.value]
    damping, failures, last_promise = 0.0, 0, np.inf
    status: Status = "max_iter"
    gap: float | None = None
    try:
        while True:
            gap = objective.gap(point.value, point.gradient, tol * point.value)
            if gap is not None and gap <= tol * point.value:
                status = "converged"
                break
            if objective.passes > max_passes:
                break
            entries = working_set(point.w, point.gradient, l1)
            if not len(entries):
                status = "precision"
                break
            hessian = objective.hessian_among(entries)
            scale = float(hessian.diagonal()[l1[entries] > 0.0].mean()) if (l1[entries] > 0.0).any() else 1.0
            hessian[np.diag_indices_from(hessian)] += damping * objective.damped[entries]
            move = minimise_model(hessian, point.gradient[entries], point.w[entries], l1[entries])
            step = np.zeros_like(point.w)
            step[entries] = move
            promised = -float(point.gradient[entries] @ move) - 0.5 * float(move @ hessian @ move)
            promised += 0.5 * damping * float((objective.damped[entries] * move * move).sum())
            promised += float((l1 * (np.abs(point.w) - np.abs(point.w + step))).sum())
            drowned = promised <= 64.0 * ROUNDING * point.value
            if drowned and promised >= 0.25 * last_promise and damping == 0.0:
                status = "precision"
                break
            found, length = None, 1.0
            for _ in range(MAX_SHORTENINGS):
                trial = evaluate(_moved(point.w, step, length, entries, move))
                unseen = drowned and trial.value <= point.value + 10.0 * ROUNDING * point.value
                if trial.value <= point.value - ARMIJO * length * promised or unseen:
                    found = trial
                    break
                length *= SHORTEN
            least = RESCUE_DAMPING * scale
            if found is None:
                failures += 1
                if drowned or failures > MAX_FAILURES:
                    status = "precision"
                    break
                damping = max(MORE_DAMPING * damping, least) / SHORTEN**MAX_SHORTENINGS
                objective.value_and_gradient(point.w)
                continue
            failures = 0
            ratio = (point.value - found.value) / promised if promised > 0.0 else 1.0
            last_promise = promised
            settled = objective.settle(found.w)
            point = found if settled is found.w else evaluate(settled)
            curve.append(point.value)
            if callback is not None:
                callback(Progress(len(curve) - 1, max_passes, point.value, promised, objective.passes))
            if length == 1.0 and (ratio >= GOOD_RATIO or drowned):
                damping *= LESS_DAMPING
                if damping <= 1e-8 * scale:
                    damping = 0.0
            elif length < 0.3 or ratio < POOR_RATIO:
                damping = max(MORE_DAMPING * damping, max(damping, least) / length)
    except KeyboardInterrupt:
        status = "interrupted"
    if gap is not None and status != "converged":
        if status != "max_iter":
            objective.value_and_gradient(point.w)
        gap = objective.gap(point.value, point.gradient, np.inf)
    return Solution(point.w, point.value, tuple(curve), len(curve) - 1, status, gap)


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


def _moved(w: Float64Array, step: Float64Array, length: float, entries: IntArray, move: Float64Array) -> Float64Array:
    """Return w + length * step, with exact zeros where the step leads to one."""
    moved = w + length * step
    if length == 1.0:
        landed = entries[move == -w[entries]]
        moved[landed] = 0.0
    return moved

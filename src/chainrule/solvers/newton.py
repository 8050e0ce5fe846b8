"""Newton's method with damping: each step from a factored Hessian, or by preconditioned conjugate gradients.

Far from the optimum a row whose class is wrongly taken for sure has no curvature left, and Newton's step would move its
logit without bound. Damping (Levenberg 1944, Marquardt 1963) starts from where steps are trusted and goes as they prove
right; the objective stays what it is. Marteau-Ferey, Bach and Rudi 2019, "Globally convergent Newton methods for
ill-conditioned generalized self-concordant losses", show why the number of steps then depends on the logarithm of the
conditioning alone. Inexact steps: Nocedal and Wright 2006, "Numerical Optimization", chapter 7. Steps whose gain drowns
in rounding are accepted as by Hager and Zhang 2005, "A New Conjugate Gradient Method with Guaranteed Descent".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import NonFiniteError
from chainrule.solvers.damping import FIRST, MAX_SHORTENINGS, SHORTEN, Damping
from chainrule.solvers.solution import (
    ROUNDING,
    Callback,
    Curvature,
    LinearMap,
    Progress,
    SecondOrderObjective,
    Solution,
    Status,
    gap_allowed,
)

ARMIJO = 1e-4  # the share of the promised decrease that a step must keep
MAX_CG_STEPS = 200  # of one Newton step
MIN_CG_STEPS = 10  # of one whose curvature was taken elsewhere
ROUGH, FINE = 0.1, 0.03  # accuracy of a step where the model errs, and where it is right
NEAR = 5.0  # a diagonal that preconditions as well
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class _Point:
    w: Float64Array
    value: float
    gradient: Float64Array


@dataclass
class NewtonState:
    """What a run has learned of the curvature, of use to the next one: along a path of penalties, say."""

    curvature: Curvature | None = None
    factored: tuple[float, LinearMap] | None = None  # the curvature's inverse, and with which diagonal
    used: int = 0  # passes of conjugate gradients with this curvature
    damping: Damping | None = None


@dataclass(frozen=True)
class _Step:
    direction: Float64Array
    promised: float  # decrease of the quadratic model


def newton(
    objective: SecondOrderObjective,
    start: Float64Array,
    *,
    tol: float,
    max_passes: int,
    callback: Callback | None = None,
    state: NewtonState | None = None,
) -> Solution:
    """Minimise a convex objective.

    Parameters
    ----------
    objective, start
        What to minimise, and from where.
    tol
        Stop once the objective's own bound of value minus optimum is at most ``tol`` times the value; where it has
        none, once Newton's estimate, half the squared Newton decrement, is.
    max_passes
        Budget of passes over the rows beyond the first; those for the Hessian and for the bound come with them.
    callback
        Called after every step.
    state
        Of a run on the same rows with another penalty; it is brought up to date.

    Raises
    ------
    NonFiniteError
        If the objective is NaN or infinite at the start.
    """
    value, gradient = objective.value_and_gradient(start)
    if not _are_finite(value, gradient):
        raise NonFiniteError(f"the objective is {value} at the start: the data hold values too large to multiply")
    run = _Run(objective, _Point(start.copy(), value, gradient), tol, max_passes, state or NewtonState())
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

    def __init__(
        self, objective: SecondOrderObjective, start: _Point, tol: float, max_passes: int, state: NewtonState
    ) -> None:
        self.objective, self.point, self.tol, self.max_passes = objective, start, tol, max_passes
        self.state = state
        self.curve = [start.value]
        self.promised = np.inf  # decrease of the last step
        self.gap: float | None = None
        self._is_of_here = False  # whether the curvature was taken at this point
        self._is_proven = False
        self._accuracy = ROUGH  # of a step

    def step(self) -> Status | None:
        """Take a step; return why there is none, or no further one."""
        if (reason := self._reason_to_stop()) is not None:
            return reason
        curvature, damping = self._refresh()
        wanted = gap_allowed(self.tol, self.point.value)
        while True:
            step = self._solve(curvature, damping.strength)
            if self.gap is None and step.promised <= ROUNDING * wanted:
                return "converged"
            found, length = _line_search(self.objective, self.point, step.direction)
            drowned = step.promised <= 64.0 * ROUNDING * abs(self.point.value)
            if found is not None:
                break
            self.objective.value_and_gradient(self.point.w)  # the curvature is to be taken here
            if self._is_proven:
                return "converged"
            if drowned or not damping.reject(curvature):
                return "precision"
        if drowned and step.promised >= 0.25 * self.promised and damping.strength == 0.0:
            # Too small to see, and no longer shrinking: what is left is rounding.
            return "converged" if self._is_proven else "precision"
        ratio = (self.point.value - found.value) / step.promised if step.promised > 0.0 else 1.0
        is_newtons = damping.strength == 0.0
        damping.accept(length, ratio, curvature, drowned=drowned)
        error = abs(1.0 - ratio) if length == 1.0 and not drowned else 1.0
        self._accuracy = min(max(0.3 * error, FINE), ROUGH)
        self.point, self.promised = found, step.promised
        self.curve.append(found.value)
        return "converged" if self.gap is None and is_newtons and step.promised <= wanted else None

    def last_gap(self, status: Status) -> float | None:
        """Return the bound at the end, whatever it costs."""
        if self.gap is None or status == "converged":
            return self.gap
        if status != "max_iter":  # the objective was last asked elsewhere
            self.objective.value_and_gradient(self.point.w)
        return self.objective.gap(self.point.value, self.point.gradient, np.inf)

    def _reason_to_stop(self) -> Status | None:
        objective, point = self.objective, self.point
        wanted = gap_allowed(self.tol, point.value)
        self.gap = objective.gap(point.value, point.gradient, wanted)
        if self.gap is not None and self.gap <= wanted:
            # Where a step costs little one more is taken: it about doubles the digits of the parameters.
            has_exact = self.state.curvature is not None and self.state.curvature.exact and len(self.curve) > 1
            if self._is_proven or not has_exact:
                return "converged"
            self._is_proven = True
        if self.gap is None and objective.is_separated():
            return "separable"
        if not point.gradient.any():
            return "converged"
        if objective.passes > self.max_passes:
            return "converged" if self._is_proven else "max_iter"
        return None

    def _refresh(self) -> tuple[Curvature, Damping]:
        """Return the curvature, a new one if conjugate gradients have cost with this one what that costs."""
        state = self.state
        self._is_of_here = state.curvature is None or state.used >= state.curvature.cost
        if state.curvature is None or self._is_of_here:
            state.curvature, state.factored, state.used = self.objective.curvature(), None, 0
        if state.damping is None:
            state.damping = Damping(0.0 if state.curvature.exact else FIRST * state.curvature.scale)
        return state.curvature, state.damping

    def _solve(self, curvature: Curvature, damping: float) -> _Step:
        """Return an approximate minimiser of the damped quadratic model."""
        is_exact = curvature.exact and self._is_of_here
        precondition = self._factor(curvature, damping, within=1.0 if is_exact else NEAR)
        if is_exact:
            self.state.used += 1
            gradient = self.point.gradient
            direction = precondition(-gradient)
            damped = damping * float(direction @ (self.objective.damped * direction))
            return _Step(direction, max(-0.5 * (float(gradient @ direction) - damped), 0.0))
        before = self.objective.passes
        # Who needs more than what a curvature costs is better off with one of the next point.
        most = MAX_CG_STEPS if self.state.used == 0 else max(MIN_CG_STEPS, int(curvature.cost))
        step = _conjugate_gradients(
            self.objective,
            precondition,
            self.point,
            damping,
            accuracy=self._accuracy,
            enough=self.objective.residual_for(gap_allowed(self.tol, self.point.value)),
            budget=min(most, MAX_CG_STEPS, max(1, self.max_passes - before)),
        )
        self.state.used += self.objective.passes - before
        return step

    def _factor(self, curvature: Curvature, damping: float, *, within: float) -> LinearMap:
        """Return the damped curvature's inverse, or that for a diagonal up to ``within`` times another."""
        strength = self.objective.strength
        if self.state.factored is not None:
            last, inverse = self.state.factored
            if max(last, strength + damping) <= within * min(last, strength + damping):
                return inverse
        inverse = curvature.factor(strength, damping)
        self.state.factored = strength + damping, inverse
        return inverse


def _conjugate_gradients(
    objective: SecondOrderObjective,
    precondition: LinearMap,
    point: _Point,
    damping: float,
    *,
    accuracy: float,
    enough: float,
    budget: int,
) -> _Step:
    """Minimise the damped model as far as it pays.

    Far from the optimum a rough step will do; near it the accuracy follows the gradient, down to ``accuracy``: a model
    that errs by more is not worth solving better (Eisenstat and Walker 1996, "Choosing the forcing terms in an inexact
    Newton method"). ``enough`` is the size of the residual beyond which more accuracy is wasted.
    """
    gradient = point.gradient
    step = np.zeros_like(gradient)
    residual = -gradient
    towards = precondition(residual)
    size = float(residual @ towards)
    if not size > 0.0:
        return _Step(towards, 0.0)
    # size / 2 is what the preconditioner alone promises: an estimate of the gap that scales the accuracy.
    accuracy = max(accuracy, min(0.3, np.sqrt(size / max(abs(point.value), TINY))))
    small = max(accuracy**2, ROUNDING) * size
    metric = damping * objective.damped if damping else None
    direction = towards
    spare = np.empty_like(step)  # where there are millions of weights, memory that is new costs more than arithmetic
    for _ in range(budget):
        bent = objective.hessian_vector(direction)
        if metric is not None:
            bent += np.multiply(metric, direction, out=spare)
        curvature = float(direction @ bent)
        if not curvature > 0.0:  # rounding, or a flat direction that the penalty does not hold
            break
        length = size / curvature
        step += np.multiply(length, direction, out=spare)
        residual -= np.multiply(length, bent, out=bent)
        if objective.residual_size(residual) <= enough:
            break
        towards = precondition(residual)
        previous, size = size, float(residual @ towards)
        if size <= small:
            break
        direction *= size / previous
        direction += towards
    if not step.any():
        return _Step(towards, 0.5 * size)
    slope = float(gradient @ step)
    damped = damping * float(step @ np.multiply(objective.damped, step, out=spare))
    bent_step = -slope - float(residual @ step) - damped
    return _Step(step, max(-slope - 0.5 * bent_step, 0.0))


def _are_finite(value: float, gradient: Float64Array) -> bool:
    return math.isfinite(value) and bool(np.isfinite(gradient).all())


def _line_search(
    objective: SecondOrderObjective, point: _Point, direction: Float64Array
) -> tuple[_Point | None, float]:
    """Shorten the step until it is acceptable; None if none is, which near the optimum means: rounding."""
    slope = float(point.gradient @ direction)
    length = 1.0
    for _ in range(MAX_SHORTENINGS):
        w = point.w + length * direction
        value, gradient = objective.value_and_gradient(w)
        if _are_finite(value, gradient):
            enough = value <= point.value + ARMIJO * length * slope
            unseen = value <= point.value + 10.0 * ROUNDING * abs(point.value)
            flatter = abs(float(gradient @ direction)) < abs(slope)
            if enough or (unseen and flatter):
                return _Point(w, value, gradient), length
        length *= SHORTEN
    return None, 0.0

"""Newton's method with damping: each step from a factored Hessian, or by preconditioned conjugate gradients.

Far from the optimum a row whose class is wrongly taken for sure has no curvature left, and Newton's step would move its
logit without bound. Damping (Levenberg 1944, Marquardt 1963) starts from where steps are trusted and goes as they prove
right; the objective stays what it is. Marteau-Ferey, Bach and Rudi 2019, "Globally convergent Newton methods for
ill-conditioned generalized self-concordant losses", show why the number of steps then depends on the logarithm of the
conditioning alone. Inexact steps: Nocedal and Wright 2006, "Numerical Optimization", chapter 7. Steps whose gain drowns
in rounding are accepted as by Hager and Zhang 2005, "A New Conjugate Gradient Method with Guaranteed Descent".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import NonFiniteError
from chainrule.solvers.solution import Callback, Curvature, LinearMap, Progress, SecondOrderObjective, Solution, Status

ARMIJO = 1e-4  # the share of the promised decrease that a step must keep
SHORTEN = 0.4  # a step that is too long
MAX_SHORTENINGS = 10
MAX_FAILURES = 12  # line searches in a row, each with far more damping than the one before
MAX_CG_STEPS = 200  # of one Newton step
GOOD_RATIO = 0.6  # of a decrease to what was promised: less damping
POOR_RATIO = 0.1  # more damping
LESS_DAMPING, MORE_DAMPING = 0.2, 4.0
FIRST_DAMPING = 1e-2  # of the mean curvature, where steps are cheap
RESCUE_DAMPING = 1e-3  # of the mean curvature, where steps went without
ROUNDING = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class _Point:
    w: Float64Array
    value: float
    gradient: Float64Array


@dataclass(frozen=True)
class _Step:
    direction: Float64Array
    promised: float  # decrease of the quadratic model
    cg_steps: int


def newton(
    objective: SecondOrderObjective,
    start: Float64Array,
    *,
    tol: float,
    max_passes: int,
    callback: Callback | None = None,
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

    Raises
    ------
    NonFiniteError
        If the objective is NaN or infinite at the start.
    """
    value, gradient = objective.value_and_gradient(start)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        raise NonFiniteError(f"the objective is {value} at the start: the data hold values too large to multiply")
    point = _Point(start.copy(), value, gradient)
    curve = [value]
    damping = -1.0  # not yet known
    curvature: Curvature | None = None
    failures = 0
    used = 0  # steps of conjugate gradients with this curvature
    last_promise = np.inf
    is_extra = False
    status: Status = "max_iter"
    gap: float | None = None
    try:
        while True:
            gap = objective.gap(point.value, point.gradient, tol * abs(point.value))
            proven = gap is not None and gap <= tol * abs(point.value)
            if proven and (is_extra or not (curvature is not None and curvature.exact)):
                status = "converged"
                break
            if proven:
                # Where a step costs little one more is taken: it about doubles the digits of the parameters.
                is_extra = True
            if gap is None and objective.is_separated():
                status = "separable"
                break
            if not point.gradient.any():
                status = "converged"
                break
            if objective.passes > max_passes:
                status = "converged" if is_extra else "max_iter"
                break
            if curvature is None or used >= curvature.cost:
                curvature, used = objective.curvature(), 0
                fresh = True
            if damping < 0.0:
                damping = 0.0 if curvature.exact else FIRST_DAMPING * curvature.scale
            enough = objective.residual_for(tol * abs(point.value))
            budget = min(MAX_CG_STEPS, max(1, max_passes - objective.passes))
            step = _solve(objective, curvature, point, damping, enough, budget, fresh)
            fresh = False
            used += max(1, step.cg_steps)
            if gap is None and step.promised <= ROUNDING * tol * abs(point.value):
                status = "converged"
                break
            found, length = _line_search(objective, point, step.direction)
            drowned = step.promised <= 64.0 * ROUNDING * abs(point.value)
            least = objective.strength if damping > 0.0 else RESCUE_DAMPING * curvature.scale
            if found is None and is_extra:
                objective.value_and_gradient(point.w)
                continue
            if found is None:
                failures += 1
                if drowned or failures > MAX_FAILURES:
                    status = "precision"
                    break
                damping = (
                    max(MORE_DAMPING * damping, least, np.finfo(np.float64).tiny ** 0.5) / SHORTEN**MAX_SHORTENINGS
                )
                continue
            failures = 0
            gain = point.value - found.value
            ratio = gain / step.promised if step.promised > 0.0 else 1.0
            if drowned and step.promised >= 0.25 * last_promise and damping == 0.0:
                status = "precision"  # too small to see, and no longer shrinking: what is left is rounding
                break
            last_promise = step.promised
            point = found
            curve.append(point.value)
            if callback is not None:
                callback(Progress(len(curve) - 1, max_passes, point.value, step.promised, objective.passes))
            if gap is None and damping == 0.0 and step.promised <= tol * abs(point.value):
                status = "converged"
                break
            if length == 1.0 and (ratio >= GOOD_RATIO or drowned):
                damping *= LESS_DAMPING
                if damping <= 0.1 * curvature.least or damping <= 1e-12 * curvature.scale:
                    damping = 0.0
            elif length < 0.3 or ratio < POOR_RATIO:
                # A step that had to be made 1/length times shorter lacked about as much curvature.
                damping = max(MORE_DAMPING * damping, max(damping, least) / length)
    except KeyboardInterrupt:
        status = "interrupted"
    if gap is not None and status != "converged":
        if status != "max_iter":  # the objective was last asked elsewhere
            objective.value_and_gradient(point.w)
        gap = objective.gap(point.value, point.gradient, np.inf)
    return Solution(point.w, point.value, tuple(curve), len(curve) - 1, status, gap)


def _solve(
    objective: SecondOrderObjective,
    curvature: Curvature,
    point: _Point,
    damping: float,
    enough: float,
    budget: int,
    fresh: bool,
) -> _Step:
    """Return an approximate minimiser of the damped quadratic model.

    Far from the optimum a rough step will do; near it the accuracy follows the gradient, which keeps the convergence
    superlinear. ``enough`` is the squared norm of the weights' residual beyond which more accuracy is wasted.
    """
    precondition = curvature.factor(damping)
    gradient = point.gradient
    if curvature.exact and fresh:
        direction = precondition(-gradient)
        slope = float(gradient @ direction)
        damped = damping * float(direction @ (objective.damped * direction))
        return _Step(direction, max(-0.5 * (slope - damped), 0.0), 0)
    return _conjugate_gradients(objective, precondition, point, damping, enough, budget)


def _conjugate_gradients(
    objective: SecondOrderObjective, precondition: LinearMap, point: _Point, damping: float, enough: float, budget: int
) -> _Step:
    gradient = point.gradient
    step = np.zeros_like(gradient)
    residual = -gradient
    towards = precondition(residual)
    size = float(residual @ towards)
    if not size > 0.0:
        return _Step(towards, 0.0, 0)
    # size / 2 is what the preconditioner alone promises: an estimate of the gap that scales the accuracy.
    accuracy = min(0.3, np.sqrt(size / max(abs(point.value), np.finfo(np.float64).tiny)))
    small = max(accuracy**2, ROUNDING) * size
    metric = damping * objective.damped
    direction = towards
    n = 0
    while n < budget:
        bent = objective.hessian_vector(direction) + metric * direction
        n += 1
        curvature = float(direction @ bent)
        if not curvature > 0.0:  # rounding, or a flat direction that the penalty does not hold
            break
        length = size / curvature
        step = step + length * direction
        residual = residual - length * bent
        if objective.residual_size(residual) <= enough:
            break
        towards = precondition(residual)
        previous, size = size, float(residual @ towards)
        if size <= small:
            break
        direction = towards + (size / previous) * direction
    if not step.any():
        return _Step(towards, 0.5 * size, n)
    slope = float(gradient @ step)
    bent_step = -slope - float(residual @ step) - float(step @ (metric * step))
    return _Step(step, max(-slope - 0.5 * bent_step, 0.0), n)


def _line_search(
    objective: SecondOrderObjective, point: _Point, direction: Float64Array
) -> tuple[_Point | None, float]:
    """Shorten the step until it is acceptable; None if none is, which near the optimum means: rounding."""
    slope = float(point.gradient @ direction)
    length = 1.0
    for _ in range(MAX_SHORTENINGS):
        w = point.w + length * direction
        value, gradient = objective.value_and_gradient(w)
        if np.isfinite(value) and np.isfinite(gradient).all():
            enough = value <= point.value + ARMIJO * length * slope
            unseen = value <= point.value + 10.0 * ROUNDING * abs(point.value)
            flatter = abs(float(gradient @ direction)) < abs(slope)
            if enough or (unseen and flatter):
                return _Point(w, value, gradient), length
        length *= SHORTEN
    return None, 0.0

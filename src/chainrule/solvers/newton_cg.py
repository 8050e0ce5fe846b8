"""Newton's method, each step solved by preconditioned conjugate gradients.

Nocedal and Wright 2006, "Numerical Optimization", chapter 7 (line-search Newton-CG); the acceptance of steps whose
gain drowns in rounding is Hager and Zhang 2005, "A New Conjugate Gradient Method with Guaranteed Descent".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import NonFiniteError
from chainrule.solvers.solution import (
    Callback,
    Progress,
    SecondOrderObjective,
    Solution,
    Status,
)

ARMIJO = 1e-4  # the share of the promised decrease that a step must keep
MAX_HALVINGS = 40
MAX_CG_STEPS = 250


@dataclass(frozen=True)
class _Point:
    w: Float64Array
    value: float
    gradient: Float64Array


def newton_cg(
    objective: SecondOrderObjective,
    start: Float64Array,
    *,
    tol: float,
    max_iter: int,
    rounding: float = float(np.finfo(np.float64).eps),
    callback: Callback | None = None,
) -> Solution:
    """Minimise a convex objective.

    Parameters
    ----------
    objective, start
        What to minimise, and from where.
    tol
        Stop once Newton's own estimate of value minus optimum, half the squared Newton decrement, is at most
        ``tol`` times the value. The step that the estimate came from is still taken, so that the result is better.
    max_iter
        Newton steps.
    rounding
        Relative rounding error of the values: below it a decrease cannot be seen, and the slope decides.
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
    status: Status = "max_iter"
    last_decrement = np.inf
    try:
        for iteration in range(1, max_iter + 1):
            step, decrement = _newton_step(objective, point.gradient, point.value, tol)
            small = decrement <= tol * abs(point.value)
            if decrement == 0.0:
                status = "converged"
                break
            if 0.25 * last_decrement < decrement <= rounding * abs(point.value):
                status = "precision"  # too small to see, and no longer shrinking: what is left is rounding
                break
            last_decrement = decrement
            found = _line_search(objective, point, step, rounding)
            if found is None:
                status = "converged" if small else "precision"
                break
            point = found
            curve.append(point.value)
            if callback is not None:
                callback(Progress(iteration, max_iter, point.value, decrement))
            if small:
                status = "converged"
                break
    except KeyboardInterrupt:
        status = "interrupted"
    return Solution(point.w, point.value, tuple(curve), len(curve) - 1, status)


def _newton_step(
    objective: SecondOrderObjective, gradient: Float64Array, value: float, tol: float
) -> tuple[Float64Array, float]:
    """Return the step and half the squared Newton decrement, -(g . step) / 2.

    Far from the optimum a rough step will do; near it the accuracy follows the gradient, which keeps the
    convergence superlinear.
    """
    precondition = objective.preconditioner()
    step = np.zeros_like(gradient)
    residual = -gradient
    towards = precondition(residual)
    size = float(residual @ towards)
    if not size > 0.0:
        return step, 0.0
    # size / 2 is what the preconditioner alone promises: an estimate of the gap that scales the accuracy.
    accuracy = min(0.1, np.sqrt(size / max(abs(value), np.finfo(np.float64).tiny)), 1e-2 if tol < 1e-9 else 0.1)
    enough = accuracy**2 * size
    direction = towards
    for _ in range(MAX_CG_STEPS):
        bent = objective.hessian_vector(direction)
        curvature = float(direction @ bent)
        if not curvature > 0.0:  # rounding, or a flat direction that the penalty does not hold
            break
        length = size / curvature
        step = step + length * direction
        residual = residual - length * bent
        towards = precondition(residual)
        previous, size = size, float(residual @ towards)
        if size <= enough:
            break
        direction = towards + (size / previous) * direction
    if not step.any():
        step = towards
    return step, max(-0.5 * float(gradient @ step), 0.0)


def _line_search(objective: SecondOrderObjective, point: _Point, step: Float64Array, rounding: float) -> _Point | None:
    """Halve the step until it is acceptable; None if none is, which near the optimum means: rounding."""
    slope = float(point.gradient @ step)
    length = 1.0
    for _ in range(MAX_HALVINGS):
        w = point.w + length * step
        value, gradient = objective.value_and_gradient(w)
        if np.isfinite(value) and np.isfinite(gradient).all():
            enough = value <= point.value + ARMIJO * length * slope
            unseen = value <= point.value + 10.0 * rounding * abs(point.value)
            flatter = abs(float(gradient @ step)) < abs(slope)
            if enough or (unseen and flatter):
                return _Point(w, value, gradient)
        length *= 0.5
    return None

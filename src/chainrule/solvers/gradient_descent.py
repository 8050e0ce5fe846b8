"""The lecture's update: W = W - alpha dW."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import NonFiniteError
from chainrule.solvers.solution import BoundedObjective, Callback, Progress, Solution, Status, gap_allowed


def gradient_descent(
    objective: BoundedObjective,
    start: Float64Array,
    *,
    learning_rate: float,
    max_iter: int,
    tol: float = 0.0,
    callback: Callback | None = None,
) -> Solution:
    """Take up to ``max_iter`` steps against the gradient.

    Parameters
    ----------
    objective, start
        What to minimise, and from where.
    learning_rate
        alpha, the factor on the gradient.
    max_iter
        Steps.
    tol
        Stop early once the objective's own bound of value minus optimum is at most ``tol`` times the value; where it
        has none, once no entry of the gradient is larger than ``tol``.
    callback
        Called after every step.

    Raises
    ------
    NonFiniteError
        If the objective becomes NaN or infinite: the learning rate is too large for the data.
    """
    w = start.copy()
    value, gradient = objective.value_and_gradient(w)
    curve = [value]
    status: Status = "max_iter"
    try:
        for iteration in range(1, max_iter + 1):
            if _is_enough(objective, value, gradient, tol):
                status = "converged"
                break
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found in the value below
                w = w - learning_rate * gradient
                value, gradient = objective.value_and_gradient(w)
            if not np.isfinite(value):
                raise NonFiniteError(
                    f"gradient descent diverged: the objective is {value} after step {iteration} with "
                    f"learning_rate={learning_rate:g}. Standardise the columns or take a smaller learning_rate."
                )
            curve.append(value)
            if callback is not None:
                callback(Progress(iteration, max_iter, value))
        else:
            if _is_enough(objective, value, gradient, tol):
                status = "converged"
    except KeyboardInterrupt:
        status = "interrupted"
        value, gradient = objective.value_and_gradient(w)
    return Solution(w, value, tuple(curve), len(curve) - 1, status, objective.gap(value, gradient, np.inf))


def _is_enough(objective: BoundedObjective, value: float, gradient: Float64Array, tol: float) -> bool:
    wanted = gap_allowed(tol, value) if tol > 0.0 else 0.0  # 0 asks for so many steps
    gap = objective.gap(value, gradient, wanted)
    return bool(np.abs(gradient).max(initial=0.0) <= tol) if gap is None else gap <= wanted

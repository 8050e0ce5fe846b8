"""L-BFGS: the Hessian's inverse guessed from the last few steps, and a line search that keeps the guess positive.

Two-loop recursion: Nocedal and Wright 2006, "Numerical Optimization", algorithm 7.4. Line search: their algorithms 3.5
and 3.6 (strong Wolfe conditions), with cubic interpolation; where a decrease drowns in rounding the slopes decide, by
the approximate Wolfe conditions of Hager and Zhang 2005, "A New Conjugate Gradient Method with Guaranteed Descent".
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, nan, sqrt

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import NonFiniteError
from chainrule.solvers.solution import Callback, Objective, Progress, Solution, Status

ARMIJO = 1e-4  # the share of the promised decrease that a step must keep
CURVATURE = 0.9  # the share of the slope that may be left
MEMORY = 10  # steps remembered, as SciPy does
LONGEST = 1e10  # of a step, in units of the guess
MOST_TRIALS = 30  # of one line search


@dataclass(frozen=True)
class LbfgsPoint:
    """Where the solver is, with all it remembers.

    Attributes
    ----------
    w, value, gradient
        The point, the objective there, and its gradient.
    steps, changes
        (k, P) the last k steps, oldest first, and how the gradient changed along each.
    evaluations
        How often the objective was evaluated so far.
    """

    w: Float64Array
    value: float
    gradient: Float64Array
    steps: tuple[Float64Array, ...] = ()
    changes: tuple[Float64Array, ...] = ()
    evaluations: int = 1


def lbfgs(
    objective: Objective,
    start: Float64Array,
    *,
    tol: float,
    max_iter: int,
    max_fun: float = inf,
    ftol: float = 0.0,
    rounding: float = float(np.finfo(np.float64).eps),
    callback: Callback | None = None,
) -> Solution:
    """Minimise a smooth objective.

    Parameters
    ----------
    objective, start
        What to minimise, and from where.
    tol
        Stop once no entry of the gradient is larger (SciPy's ``gtol``).
    max_iter, max_fun
        Iterations, and evaluations of the objective.
    ftol
        Stop once an iteration lowers the objective by at most this share of max(|before|, |after|, 1), as SciPy.
    rounding
        Relative rounding error of the values.
    callback
        Called after every iteration.

    Raises
    ------
    NonFiniteError
        If the objective is NaN or infinite at the start.
    """
    point = first_point(objective, start)
    curve = [point.value]
    status: Status = "max_iter"
    iterations = lbfgs_points(objective, point, tol=tol, max_fun=max_fun, rounding=rounding)
    try:
        while len(curve) <= max_iter:
            point = next(iterations)
            curve.append(point.value)
            if callback is not None:
                callback(Progress(len(curve) - 1, max_iter, point.value, passes=point.evaluations))
            if settled(curve, ftol):
                break
        if largest_entry(point.gradient) <= tol or settled(curve, ftol):
            status = "converged"
    except StopIteration as end:
        status = end.value
    except KeyboardInterrupt:
        status = "interrupted"
    return Solution(point.w, point.value, tuple(curve), len(curve) - 1, status)


def first_point(objective: Objective, start: Float64Array) -> LbfgsPoint:
    """Return where to begin; raises `NonFiniteError` if the objective has no finite value and gradient there."""
    w = np.array(start, dtype=np.float64)
    value, gradient = objective.value_and_gradient(w)
    if not (isfinite(value) and np.isfinite(gradient).all()):
        raise NonFiniteError(f"the objective is {value} at the start: the data hold values too large to multiply")
    return LbfgsPoint(w, value, gradient)


def lbfgs_points(
    objective: Objective,
    point: LbfgsPoint,
    *,
    tol: float,
    max_fun: float = inf,
    rounding: float = float(np.finfo(np.float64).eps),
) -> Generator[LbfgsPoint, None, Status]:
    """Yield the point after each iteration, and return why there is no further one.

    Any of the points is all that is needed to go on from it to the same bits. Parameters are those of `lbfgs`.
    """
    while True:
        if largest_entry(point.gradient) <= tol:
            return "converged"
        found, evaluations = _iterate(objective, point, max_fun, rounding)
        if found is None and point.steps:  # what is remembered may be what misleads
            point = LbfgsPoint(point.w, point.value, point.gradient, evaluations=evaluations)
            found, evaluations = _iterate(objective, point, max_fun, rounding)
        if found is None:
            return "max_iter" if evaluations >= max_fun else "precision"
        point = found
        yield point


def settled(loss_curve: Sequence[float], ftol: float) -> bool:
    """Return whether the last iteration lowered the objective by next to nothing, as SciPy's ``ftol`` has it."""
    if len(loss_curve) < 2:
        return False
    before, after = loss_curve[-2:]
    return ftol > 0.0 and before - after <= ftol * max(abs(before), abs(after), 1.0)


def largest_entry(gradient: Float64Array) -> float:
    """Return the gradient's largest entry by size."""
    return float(np.abs(gradient).max(initial=0.0))


def _iterate(objective: Objective, point: LbfgsPoint, max_fun: float, rounding: float) -> tuple[LbfgsPoint | None, int]:
    """Return the next point, None if no step along the direction is acceptable, and all evaluations until then."""
    direction = -_times_inverse_hessian(point)
    slope = _dot(point.gradient, direction)
    if not slope < 0.0:
        return None, point.evaluations
    line = _Line(objective, point, direction, slope, rounding, most=min(MOST_TRIALS, max_fun - point.evaluations))
    # Nothing is known of the scale before the first step: a short one then, as SciPy takes.
    length = 1.0 if point.steps else min(1.0, 1.0 / sqrt(_dot(point.gradient, point.gradient)))
    end = _line_search(line, length)
    evaluations = point.evaluations + line.trials
    if end is None:
        return None, evaluations
    step, change = end.w - point.w, end.gradient - point.gradient
    steps, changes = point.steps, point.changes
    if _dot(step, change) > rounding * _dot(change, change):  # else the guess would lose its positive curvature
        steps, changes = (*steps, step)[-MEMORY:], (*changes, change)[-MEMORY:]
    return LbfgsPoint(end.w, end.value, end.gradient, steps, changes, evaluations), evaluations


def _times_inverse_hessian(point: LbfgsPoint) -> Float64Array:
    """Return the guess of the inverse Hessian times the gradient: the two-loop recursion."""
    result = point.gradient.copy()
    shares = []
    for step, change in zip(reversed(point.steps), reversed(point.changes), strict=True):
        share = _dot(step, result) / _dot(step, change)
        result -= share * change
        shares.append(share)
    if point.steps:
        step, change = point.steps[-1], point.changes[-1]
        result *= _dot(step, change) / _dot(change, change)
    for step, change, share in zip(point.steps, point.changes, reversed(shares), strict=True):
        result += (share - _dot(change, result) / _dot(step, change)) * step
    return result


@dataclass(frozen=True)
class _Trial:
    """A point on the line: how far, the objective and its slope there."""

    length: float
    value: float
    slope: float
    w: Float64Array = field(repr=False)
    gradient: Float64Array = field(repr=False)


class _Line:
    """The objective along a direction."""

    def __init__(
        self,
        objective: Objective,
        point: LbfgsPoint,
        direction: Float64Array,
        slope: float,
        rounding: float,
        *,
        most: float,
    ) -> None:
        self.objective, self.direction, self.most, self.trials = objective, direction, most, 0
        self.start = _Trial(0.0, point.value, slope, point.w, point.gradient)
        self.start_square = _dot(point.gradient, point.gradient)
        self.unseen = point.value + 10.0 * rounding * abs(point.value)  # values up to here may be no higher in truth

    @property
    def exhausted(self) -> bool:
        return self.trials >= self.most

    def at(self, length: float) -> _Trial:
        """Evaluate; what is not finite counts as infinitely high."""
        self.trials += 1
        w = self.start.w + length * self.direction
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = self.objective.value_and_gradient(w)
        if not (isfinite(value) and np.isfinite(gradient).all()):
            return _Trial(length, inf, nan, w, gradient)
        return _Trial(length, value, _dot(gradient, self.direction), w, gradient)

    def low_enough(self, trial: _Trial) -> bool:
        return trial.value <= self.start.value + ARMIJO * trial.length * self.start.slope

    def acceptable(self, trial: _Trial) -> bool:
        """Whether the strong Wolfe conditions hold or, where a decrease can't be seen, the approximate ones.

        Then the gradient has to shrink: otherwise the last digits would be shuffled for ever.
        """
        if not abs(trial.slope) <= -CURVATURE * self.start.slope:
            return False
        if trial.value < self.start.value and self.low_enough(trial):
            return True
        approximate = trial.value <= self.unseen and trial.slope <= (2.0 * ARMIJO - 1.0) * self.start.slope
        return approximate and _dot(trial.gradient, trial.gradient) < self.start_square


def _line_search(line: _Line, length: float) -> _Trial | None:
    """Lengthen the step until it is acceptable or too long, then look in between; algorithm 3.5."""
    before = line.start
    while not line.exhausted and length <= LONGEST:
        trial = line.at(length)
        if line.acceptable(trial):
            return trial
        too_high = not line.low_enough(trial) or (before.length > 0.0 and trial.value >= before.value)
        if too_high:
            return _zoom(line, before, trial)
        if trial.slope >= 0.0:
            return _zoom(line, trial, before)
        before, length = trial, _lengthened(before, trial)
    return before if before.value < line.start.value else None


def _zoom(line: _Line, low: _Trial, high: _Trial) -> _Trial | None:
    """Narrow an interval that holds acceptable steps, ``low`` being its lower end; algorithm 3.6."""
    while not line.exhausted:
        trial = line.at(_between(low, high))
        if line.acceptable(trial):
            return trial
        if not line.low_enough(trial) or trial.value >= low.value:
            high = trial
        else:
            if trial.slope * (high.length - low.length) >= 0.0:
                high = low
            low = trial
        if abs(high.length - low.length) <= 1e-12 * max(high.length, low.length):
            break
    return low if low.value < line.start.value and line.low_enough(low) else None


def _lengthened(before: _Trial, trial: _Trial) -> float:
    """Return a longer step: where the cubic through both has its minimum, 1.1 to 4 times as far on."""
    gone = trial.length - before.length
    guess = _cubic_minimum(before, trial)
    return min(max(guess if isfinite(guess) else inf, trial.length + 1.1 * gone), trial.length + 4.0 * gone)


def _between(low: _Trial, high: _Trial) -> float:
    """Return the cubic's minimum, kept off the ends by a tenth of the interval; the middle where there is none."""
    left, right = sorted((low.length, high.length))
    guess = _cubic_minimum(low, high)
    if not isfinite(guess):
        return 0.5 * (left + right)
    margin = 0.1 * (right - left)
    return min(max(guess, left + margin), right - margin)


def _cubic_minimum(a: _Trial, b: _Trial) -> float:
    """Return where the cubic with the values and slopes of both has its minimum (equation 3.59); NaN if nowhere."""
    if not (isfinite(a.value) and isfinite(b.value)) or a.length == b.length:
        return nan
    d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.length - b.length)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0.0:
        return nan
    d2 = sqrt(square) if b.length > a.length else -sqrt(square)
    bottom = b.slope - a.slope + 2.0 * d2
    return b.length - (b.length - a.length) * (b.slope + d2 - d1) / bottom if bottom else nan


def _dot(a: Float64Array, b: Float64Array) -> float:
    """Return a . b, summed in one order; BLAS would choose it by the number of its threads."""
    return float((a * b).sum())

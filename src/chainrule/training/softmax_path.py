"""Softmax classifiers of a whole path of penalties, each started from the ones before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule._typing import Float64Array
from chainrule.errors import InputError
from chainrule.solvers import NewtonState
from chainrule.training.softmax import Fit, SoftmaxOptions, SoftmaxProblem

DECADES = 4.0  # of C either side of 1, where no values are given: scikit-learn's grid


def resolve_grid(Cs: int | Sequence[float]) -> Float64Array:
    """Return the values of C, ascending: those given, or so many on a log scale from 1e-4 to 1e4.

    Raises
    ------
    InputError
        If there is none, or one of them is no number above 0.
    """
    if isinstance(Cs, (int, np.integer)) and not isinstance(Cs, bool):
        if Cs < 1:
            raise InputError(f"Cs must be a list of values or how many of them, at least 1, got {Cs}")
        return np.logspace(-DECADES, DECADES, int(Cs))
    try:
        values = np.unique(np.asarray(Cs, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"Cs must be a list of numbers, or how many of them to try, got {Cs!r}") from None
    if not len(values) or not (values > 0.0).all():
        raise InputError(f"Cs must hold at least one value, all of them above 0, got {Cs!r}")
    return values


def fit_softmax_path(problem: SoftmaxProblem, options: SoftmaxOptions, Cs: Float64Array) -> Iterator[Fit]:
    """Train with every value of C, from the strongest penalty to the weakest.

    The coefficients move smoothly with log C: each fit starts where the line through the last two leads. Curvature that
    has been added up and factored serves as long as it does.

    Parameters
    ----------
    problem
        The rows.
    options
        Those of every fit but for ``C``.
    Cs
        (n,) ascending.
    """
    state = NewtonState()
    places = np.log(Cs)
    found: list[Float64Array] = []
    for i, C in enumerate(Cs):
        start = found[-1] if found else None
        if i >= 2 and np.isfinite(C):
            start = _extrapolate(found[-2], found[-1], (places[i] - places[i - 1]) / (places[i - 1] - places[i - 2]))
        fit = problem.fit(replace(options, C=float(C)), start=start, state=state)
        found = [*found[-1:], fit.parameters]
        yield fit


def _extrapolate(before: Float64Array, last: Float64Array, by: float) -> Float64Array:
    ahead = last + by * (last - before)
    # A coefficient that is 0, or would change its sign on the way, is left to the solver.
    return np.where(ahead * last > 0.0, ahead, last)

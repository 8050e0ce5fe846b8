"""Softmax classifiers of a whole path of penalties, each started from the ones before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

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
    values = np.unique(np.asarray(Cs, dtype=np.float64))
    if values.ndim != 1 or not len(values) or not (values > 0.0).all() or np.isinf(values[:-1]).any():
        raise InputError(f"Cs must hold at least one value, all of them above 0, got {Cs!r}")
    return values


def fit_softmax_path(
    problem: SoftmaxProblem,
    options: SoftmaxOptions,
    Cs: Float64Array,
    *,
    callback: Callable[[Fit], None] | None = None,
) -> Iterator[Fit]:
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
    callback
        Told of every fit.
    """
    state = NewtonState()
    done: list[tuple[float, Float64Array]] = []
    for C in Cs:
        fit = problem.fit(replace(options, C=float(C)), start=_extrapolate(done, float(np.log(C))), state=state)
        done = [*done[-1:], (float(np.log(C)), fit.parameters)]
        if callback is not None:
            callback(fit)
        yield fit


def _extrapolate(done: Sequence[tuple[float, Float64Array]], at: float) -> Float64Array | None:
    if not done:
        return None
    last, parameters = done[-1]
    if not np.isfinite(at):
        return parameters
    for (before, earlier), _ in pairwise(done):
        ahead = parameters + (at - last) / (last - before) * (parameters - earlier)
        # A coefficient that is 0, or would change its sign on the way, is left to the solver.
        return np.where(ahead * parameters > 0.0, ahead, parameters)
    return parameters

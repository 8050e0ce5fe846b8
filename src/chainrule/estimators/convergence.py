"""What is said of a fit on its way, and of one that did not get there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from chainrule._typing import Array
from chainrule.solvers import Progress, Separation
from chainrule.training import Fit, SoftmaxOptions

NAMED = 5  # columns, and pairs of classes, in a warning


def print_progress(progress: Progress) -> None:
    """Print the objective after an iteration."""
    print(f"iteration {progress.iteration:4d}  objective {progress.value:.10g}")  # noqa: T201


def print_outcome(fit: Fit) -> None:
    """Print which solver it was and why, how it ended, and what is proven."""
    solution = fit.solution
    proven = "" if solution.gap is None else f", at most {solution.gap:.2g} nats above the optimum"
    print(f"{fit.solver}: {fit.reason}")  # noqa: T201
    print(f"{solution.status} after {fit.passes} passes, {fit.seconds:.3g} s{proven}")  # noqa: T201


def warn_unless_converged(fit: Fit, options: SoftmaxOptions, classes: Array, names: Sequence[str]) -> None:
    """Warn the caller's caller where a fit stopped short; ``names`` are the columns'."""
    if fit.solution.status == "interrupted":
        warnings.warn(f"interrupted after {fit.solution.n_iter} iterations; the fit so far is kept", stacklevel=3)
    elif not fit.solution.converged and not (fit.solver == "gradient_descent" and options.tol == 0.0):
        warnings.warn(_not_converged(fit, options, classes, names), ConvergenceWarning, stacklevel=3)


class ShortFits:
    """Which of many fits stopped short; of those only the first one is kept."""

    def __init__(self) -> None:
        self.n_fits = self.n_short = 0
        self.first: Fit | None = None

    def add(self, fit: Fit) -> None:
        """Count a fit."""
        self.n_fits += 1
        if not fit.solution.converged:
            self.n_short += 1
            self.first = self.first or fit

    def warn(self, options: SoftmaxOptions, classes: Array, names: Sequence[str]) -> None:
        """Warn the caller's caller, once, where there are any."""
        if self.first is not None:
            first = _not_converged(self.first, options, classes, names)
            message = f"{self.n_short} of {self.n_fits} fits did not converge. The first of them: {first}"
            warnings.warn(message, ConvergenceWarning, stacklevel=3)


def _separated(found: Separation, classes: Sequence[Any], names: Sequence[str]) -> str:
    columns = [names[j] for j in found.columns if j < len(names)]  # beyond is the intercept
    named = ", ".join(columns[:NAMED]) + (f" and {len(columns) - NAMED} more" if len(columns) > NAMED else "")
    pairs = [f"{classes[k]!r} from {classes[j]!r}" for k, j in found.classes]
    apart = ", ".join(pairs[:NAMED]) + (f" and {len(pairs) - NAMED} more" if len(pairs) > NAMED else "")
    kind = "complete" if found.complete else "quasi-complete"
    return (
        f"Without a penalty there is no optimum: some rows can be told apart without an error ({apart}), by "
        f"{named or 'the intercept'}, so that ever larger coefficients do better ({kind} separation). With a finite C "
        "there is one."
    )


def _not_converged(fit: Fit, options: SoftmaxOptions, classes: Array, names: Sequence[str]) -> str:
    value, gap, tol = fit.solution.value, fit.solution.gap, options.tol
    if fit.separation is not None:
        return _separated(fit.separation, classes.tolist(), names)
    if fit.solution.status == "separable":
        return (
            "the classes can be told apart without an error, so without a penalty there is no optimum: ever larger "
            "coefficients do better. The first ones that told all rows apart are kept; with a finite C there is one."
        )
    if gap is None:
        known = "how far the optimum is cannot be told without a penalty"
    else:
        known = f"the optimum is at most {gap:.3g} nats below (tol={tol:g} asks for {tol * abs(value):.3g})"
    return (
        "The max_iter was reached which means the coef_ did not converge: "
        f"after max_iter={options.max_iter} passes over the rows the objective is {value:.8g} nats, and {known}. "
        "Increase max_iter or tol."
    )

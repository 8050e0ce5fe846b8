"""What is said of a fit on its way, and of one that did not get there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from sklearn.exceptions import ConvergenceWarning

from chainrule.solvers import Progress
from chainrule.training import Fit, SoftmaxOptions


def print_progress(progress: Progress) -> None:
    """Print the objective after an iteration."""
    print(f"iteration {progress.iteration:4d}  objective {progress.value:.10g}")  # noqa: T201


def warn_unless_converged(fit: Fit, options: SoftmaxOptions) -> None:
    """Warn the caller's caller where a fit stopped short."""
    if fit.solution.status == "interrupted":
        warnings.warn(f"interrupted after {fit.solution.n_iter} iterations; the fit so far is kept", stacklevel=3)
    elif not fit.solution.converged and not (fit.solver == "gradient_descent" and options.tol == 0.0):
        warnings.warn(_not_converged(fit, options.tol, options.max_iter), ConvergenceWarning, stacklevel=3)


def warn_unless_all_converged(fits: Sequence[Fit], options: SoftmaxOptions) -> None:
    """Warn the caller's caller, once, where some of many fits stopped short."""
    short = [fit for fit in fits if not fit.solution.converged]
    if short:
        first = _not_converged(short[0], options.tol, options.max_iter)
        message = f"{len(short)} of {len(fits)} fits did not converge. The first of them: {first}"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)


def _not_converged(fit: Fit, tol: float, max_iter: int) -> str:
    value, gap = fit.solution.value, fit.solution.gap
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
        f"after max_iter={max_iter} passes over the rows the objective is {value:.8g} nats, and {known}. "
        "Increase max_iter or tol."
    )

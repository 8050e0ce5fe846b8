"""The softmax classifier along a whole path of penalties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError
from chainrule.estimators.convergence import ShortFits
from chainrule.estimators.softmax import SoftmaxClassifier
from chainrule.training import SoftmaxProblem, fit_softmax_path, resolve_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class SoftmaxPath:
    """Fitted classifiers from the strongest penalty to the weakest.

    Attributes
    ----------
    Cs
        (n,) inverse strengths of the penalty, ascending.
    coefs, intercepts
        (n, 1, d) or (n, n_classes, d), and (n, 1) or (n, n_classes), as ``coef_`` and ``intercept_`` of each.
    objectives
        (n,) nats.
    optimality_gaps
        (n,) nats: proven upper bounds of objective minus optimum; NaN where nothing is proven (``C=inf``).
    converged
        (n,) whether each is within ``tol``.
    n_iter
        (n,) passes over the rows after the first.
    classifiers
        The n fitted `SoftmaxClassifier`.
    """

    Cs: Float64Array
    coefs: Array
    intercepts: Array
    objectives: Float64Array
    optimality_gaps: Float64Array
    converged: Array
    n_iter: IntArray
    classifiers: tuple[SoftmaxClassifier, ...]

    def __len__(self) -> int:
        return len(self.Cs)

    def __iter__(self) -> Iterator[SoftmaxClassifier]:
        return iter(self.classifiers)

    def __getitem__(self, i: int) -> SoftmaxClassifier:
        return self.classifiers[i]

    @property
    def n_nonzero(self) -> IntArray:
        """(n,) how many columns matter: those with a coefficient other than 0."""
        return np.asarray((self.coefs != 0.0).any(axis=1).sum(axis=1), dtype=np.int64)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """(d,) the columns' names, x0, x1, ... where they have none."""
        return self.classifiers[0]._feature_names()

    def to_frame(self) -> Any:
        """Return a pandas frame of one row for each C, class and column: C, class, feature, coefficient."""
        from chainrule.display import import_pandas

        pd = import_pandas("to_frame")
        classes = self.classifiers[0].classes_
        rows = classes[1:] if len(classes) == 2 else classes
        index = pd.MultiIndex.from_product([self.Cs, rows, self.feature_names], names=["C", "class", "feature"])
        return pd.DataFrame({"coefficient": self.coefs.ravel()}, index=index).reset_index()

    def plot(self, *, highlight: int = 6, C: float | None = None, ax: Any = None) -> Sequence[Axes]:
        """Draw the coefficients against C, one panel for each class (of two classes the second alone).

        Parameters
        ----------
        highlight : int, default=6
            How many columns, those whose coefficients grow largest, are coloured and named.
        C : float, default=None
            A value to mark, that of `SoftmaxClassifierCV.C_` for instance.
        ax : sequence of matplotlib Axes, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        sequence of matplotlib Axes
        """
        from chainrule.report.paths import plot_path

        return plot_path(self, highlight=highlight, C=C, ax=ax)


def softmax_path(
    X: Any,
    y: Any,
    *,
    Cs: int | Sequence[float] = 100,
    l1_ratio: float = 0.0,
    sample_weight: Any = None,
    fit_intercept: bool = True,
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int = 10_000,
    verbose: int = 0,
    n_threads: int = 0,
) -> SoftmaxPath:
    """Train softmax classifiers along a path of penalties, each started from the ones before.

    Parameters
    ----------
    X, y, sample_weight
        As for `SoftmaxClassifier.fit`.
    Cs : int or array-like, default=100
        Values of C, or how many of them on a log scale from 1e-4 to 1e4.
    verbose : int, default=0
        Print a line for every value of C.
    l1_ratio, fit_intercept, class_weight, solver, tol, max_iter, n_threads
        As for `SoftmaxClassifier`; every point of the path is proven to be within ``tol`` of its optimum.

    Returns
    -------
    SoftmaxPath

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule import softmax_path
    >>> path = softmax_path(*load_iris(return_X_y=True), Cs=[0.01, 0.1, 1.0], l1_ratio=1.0)
    >>> path.n_nonzero.tolist()
    [0, 2, 3]
    """
    parameters: dict[str, Any] = {
        "l1_ratio": l1_ratio, "fit_intercept": fit_intercept, "class_weight": class_weight, "solver": solver,
        "tol": tol, "max_iter": max_iter, "n_threads": n_threads,
    }  # fmt: skip
    grid = resolve_grid(Cs)
    if solver == "gradient_descent":
        raise InputError("softmax_path goes from optimum to optimum: solver='gradient_descent' can't; leave it out")
    first = SoftmaxClassifier(**parameters)
    options = first._options()
    X, labels, classes, sample_weight = first._prepare(X, y, sample_weight)
    problem = SoftmaxProblem(X, labels, len(classes), options, first._row_weights(sample_weight, labels, classes))
    classifiers, fits, short = [], [], ShortFits()
    for C, fit in zip(grid, fit_softmax_path(problem, options, grid), strict=True):
        classifier = SoftmaxClassifier(C=float(C), **parameters)
        classifier._adopt(fit, classes, X.dtype, getattr(first, "feature_names_in_", None))
        classifiers.append(classifier)
        fits.append(fit)
        short.add(fit)
        if verbose:
            print(f"C {C:<10.4g} objective {fit.solution.value:.10g}  passes {fit.passes}")  # noqa: T201
    short.warn(options, classes, first._feature_names())
    gaps = [np.nan if fit.solution.gap is None else fit.solution.gap for fit in fits]
    return SoftmaxPath(
        Cs=grid,
        coefs=np.stack([c.coef_ for c in classifiers]),
        intercepts=np.stack([c.intercept_ for c in classifiers]),
        objectives=np.array([fit.solution.value for fit in fits]),
        optimality_gaps=np.array(gaps, dtype=np.float64),
        converged=np.array([fit.solution.converged for fit in fits]),
        n_iter=np.array([fit.passes - 1 for fit in fits]),
        classifiers=tuple(classifiers),
    )

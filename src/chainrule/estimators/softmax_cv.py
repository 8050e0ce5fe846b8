"""The softmax classifier that chooses its penalty by cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError
from chainrule.estimators.convergence import ShortFits
from chainrule.estimators.softmax import SoftmaxClassifier
from chainrule.estimators.softmax_predictor import SoftmaxPredictor
from chainrule.training import Fit, SoftmaxOptions, SoftmaxProblem, fit_softmax, fit_softmax_path, resolve_grid

MAX_COEFS = 2**24  # of all fits together that are kept: 128 MB

RULES = ("best", "one_standard_error")


class SoftmaxClassifierCV(SoftmaxPredictor):
    """Softmax classifier whose C and l1_ratio are chosen by cross-validation.

    For every fold and l1_ratio one sweep goes from the strongest penalty to the weakest, each fit starting from the
    ones before and each proven to be within `tol` of its optimum; the chosen one is then trained on all rows.

    Parameters
    ----------
    Cs : int or array-like, default=10
        Values of C, or how many of them on a log scale from 1e-4 to 1e4.
    l1_ratios : array-like, default=(0.0,)
        Values of l1_ratio.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    cv : int, cross-validation generator or iterable, default=None
        Folds: None for 5 stratified ones, a number of them, a scikit-learn splitter, or pairs of indices.
    scoring : str, callable or None, default=None
        What is to be large: None for the mean log-likelihood of the rows left out (minus the log-loss), else one of
        scikit-learn's scorers.
    rule : {"best", "one_standard_error"}, default="best"
        ``best`` takes the largest mean score; ``one_standard_error`` (Breiman, Friedman, Olshen and Stone 1984, section
        3.4.3) the strongest penalty, at the best one's l1_ratio, whose mean is within one standard error of it.
    class_weight, solver, tol, max_iter, n_threads
        As for `SoftmaxClassifier`; ``max_iter`` bounds each fit.
    verbose : int, default=0
        Print a line for every fold and l1_ratio.

    Attributes
    ----------
    C_, l1_ratio_ : float
        Those chosen.
    Cs_ : ndarray of shape (n_Cs,)
        Values of C tried, ascending.
    l1_ratios_ : ndarray of shape (n_l1_ratios,)
        Values of l1_ratio tried.
    scores_ : ndarray of shape (n_folds, n_l1_ratios, n_Cs)
        Scores of the rows left out.
    coefs_paths_ : ndarray of shape (n_folds, n_l1_ratios, n_Cs, 1 or n_classes, n_features) or None
        Coefficients of every fit; None where they would take more than 128 MB.
    coef_, intercept_, classes_, n_iter_, objective_, optimality_gap_, converged_, solver_, loss_curve_
        Of the classifier trained on all rows; as for `SoftmaxClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule import SoftmaxClassifierCV
    >>> classifier = SoftmaxClassifierCV(Cs=5).fit(*load_iris(return_X_y=True))
    >>> classifier.C_
    100.0
    """

    def __init__(
        self,
        *,
        Cs: int | Sequence[float] = 10,
        l1_ratios: Sequence[float] = (0.0,),
        fit_intercept: bool = True,
        cv: Any = None,
        scoring: str | Callable[..., float] | None = None,
        rule: Literal["best", "one_standard_error"] = "best",
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: int = 0,
        n_threads: int = 0,
    ) -> None:
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.scoring = scoring
        self.rule = rule
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.n_threads = n_threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> SoftmaxClassifierCV:
        """Choose the penalty and train on all rows.

        Parameters
        ----------
        X, y, sample_weight
            As for `SoftmaxClassifier.fit`. Weights count in the fits and, where given, in the scores.
        groups : array-like of shape (n_samples,), default=None
            Passed to the splitter.

        Returns
        -------
        SoftmaxClassifierCV
            The fitted estimator.
        """
        options, Cs, ratios = self._resolve()
        X, labels, classes, sample_weight = self._prepare(X, y, sample_weight)
        folds = list(check_cv(self.cv, classes[labels], classifier=True).split(X, classes[labels], groups))
        scores = np.empty((len(folds), len(ratios), len(Cs)))
        # Of all the fits little is kept: there may be many, and large.
        sums: dict[tuple[int, int], Float64Array] = {}  # parameters added up over the folds, to start from
        n_rows = 1 if len(classes) == 2 else len(classes)
        shape = (*scores.shape, n_rows, X.shape[1])
        coefs = np.empty(shape) if np.prod(shape, dtype=float) <= MAX_COEFS else None
        short = ShortFits()
        for f, (train, test) in enumerate(folds):
            train, test = np.arange(len(labels))[train], np.arange(len(labels))[test]
            counts = np.bincount(labels[train], minlength=len(classes))
            if not counts.all():
                raise InputError(
                    f"fold {f + 1} leaves no row of class {classes[counts.argmin()]!r} to train on: "
                    "use fewer folds, or a stratified splitter"
                )
            weights = self._row_weights(_at(sample_weight, train), labels[train], classes)
            problem = SoftmaxProblem(X[train], labels[train], len(classes), options, weights)
            rows, y_test, held_out = X[test], labels[test], _at(sample_weight, test)
            for r, ratio in enumerate(ratios):
                path = fit_softmax_path(problem, replace(options, l1_ratio=float(ratio)), Cs)
                for c, fit in enumerate(path):
                    scores[f, r, c] = self._score(fit, rows, y_test, classes, held_out)
                    sums[r, c] = sums.get((r, c), 0.0) + fit.parameters
                    if coefs is not None:
                        coefs[f, r, c] = fit.graph.parameters.views(fit.parameters)["W"].T
                    short.add(fit)
                if self.verbose:
                    best = int(scores[f, r].argmax())
                    print(  # noqa: T201
                        f"fold {f + 1}/{len(folds)}  l1_ratio {ratio:g}  best C {Cs[best]:.4g}  "
                        f"score {scores[f, r, best]:.6g}"
                    )
        if not np.isfinite(scores).all():
            f, r, c = np.argwhere(~np.isfinite(scores))[0]
            raise InputError(
                f"scoring gave {scores[f, r, c]} for fold {f + 1} with C={Cs[c]:g}, l1_ratio={ratios[r]:g}: a score "
                "must be a finite number"
            )
        r, c = choose(scores, self.rule)
        self.Cs_, self.l1_ratios_, self.scores_ = Cs, ratios, scores
        self.C_, self.l1_ratio_ = float(Cs[c]), float(ratios[r])
        start = sums[r, c] / len(folds)
        del sums
        chosen = replace(options, C=self.C_, l1_ratio=self.l1_ratio_)
        weights = self._row_weights(sample_weight, labels, classes)
        last = fit_softmax(X, labels, len(classes), chosen, sample_weight=weights, start=start)
        self.classes_ = classes
        self._keep(last, X.dtype)
        self.coefs_paths_ = coefs
        short.add(last)
        short.warn(options, classes, self._feature_names())
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return what `scoring` asks for, the accuracy where it is None."""
        if self.scoring is None:
            return float(super().score(X, y, sample_weight))
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(check_scoring(self, self.scoring)(self, X, y, **weights))

    def plot_scores(self, ax: Any = None) -> Any:
        """Draw the mean scores over C with their standard errors; return the matplotlib Axes."""
        from chainrule.report.paths import plot_scores

        chosen = int(np.flatnonzero(self.l1_ratios_ == self.l1_ratio_)[0]), int(np.searchsorted(self.Cs_, self.C_))
        measured = "log-likelihood" if self.scoring is None else str(getattr(self.scoring, "__name__", self.scoring))
        names = [f"l1_ratio {ratio:g}" for ratio in self.l1_ratios_]
        return plot_scores(self.Cs_, self.scores_, names, measured, chosen, ax)

    def _penalty(self) -> tuple[float, float]:
        return self.C_, self.l1_ratio_

    def _resolve(self) -> tuple[SoftmaxOptions, Float64Array, Float64Array]:
        Cs = resolve_grid(self.Cs)
        ratios = np.atleast_1d(np.asarray(self.l1_ratios, dtype=np.float64))
        if ratios.ndim != 1 or not len(ratios):
            raise InputError(f"l1_ratios must hold at least one number from 0 to 1, got {self.l1_ratios!r}")
        if self.rule not in RULES:
            raise InputError(f"rule must be one of {', '.join(RULES)}, got {self.rule!r}")
        if self.solver == "gradient_descent":
            raise InputError("SoftmaxClassifierCV goes from optimum to optimum: solver='gradient_descent' can't")
        options = SoftmaxOptions(
            fit_intercept=bool(self.fit_intercept), solver=self.solver, tol=self.tol, max_iter=self.max_iter,
            n_threads=self.n_threads,
        )  # fmt: skip
        for ratio in ratios:
            replace(options, l1_ratio=float(ratio))  # says what is wrong with it
        return options, Cs, ratios

    def _score(self, fit: Fit, X: Array, labels: IntArray, classes: Array, weight: Float64Array | None) -> float:
        candidate = SoftmaxClassifier(n_threads=self.n_threads)
        candidate._adopt(fit, classes, X.dtype)
        if self.scoring is None:
            likelihoods = candidate.predict_log_proba(X)[np.arange(len(labels)), labels]
            return float(np.average(likelihoods, weights=weight))
        weights = {} if weight is None else {"sample_weight": weight}
        return float(check_scoring(candidate, self.scoring)(candidate, X, classes[labels], **weights))


def _at(weights: Float64Array | None, rows: IntArray) -> Float64Array | None:
    return None if weights is None else weights[rows]


def choose(scores: Array, rule: str) -> tuple[int, int]:
    """Return which l1_ratio and which C to take from ``scores`` (n_folds, n_l1_ratios, n_Cs), C ascending.

    Of equal scores the strongest penalty wins.
    """
    mean = scores.mean(axis=0)
    ratio, C = (int(i) for i in np.unravel_index(mean.argmax(), mean.shape))
    if rule == "one_standard_error" and len(scores) > 1:
        error = float(scores[:, ratio, C].std(ddof=1)) / np.sqrt(len(scores))
        C = int(np.flatnonzero(mean[ratio] >= mean[ratio, C] - error)[0])
    return ratio, C

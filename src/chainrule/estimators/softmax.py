"""The softmax classifier with scikit-learn's contract."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import SparseCoefMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import SoftmaxProgram, compile_softmax
from chainrule.errors import InputError
from chainrule.estimators.deprecated import DEPRECATED, check_ignored, resolve_penalty
from chainrule.graph import build
from chainrule.model import Model
from chainrule.solvers import Callback, Progress
from chainrule.training import Fit, SoftmaxOptions, class_weights, fit_softmax


class SoftmaxClassifier(SparseCoefMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Softmax classifier (multinomial logistic regression) with an L2, L1 or elastic-net penalty.

    Minimises ``(1/S) sum_i s_i CE_i + lambda ((1 - l1_ratio) / 2 ||W||^2 + l1_ratio ||W||_1)`` with
    ``S = sum_i s_i`` and ``lambda = 1 / (C S)``; the intercept is not penalised. Two classes use one logit. The optimum
    is that of scikit-learn's ``LogisticRegression``.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty; ``inf`` for none.
    l1_ratio : float, default=0.0
        Which part of the penalty is L1: ``lambda ((1 - l1_ratio) / 2 ||W||^2 + l1_ratio ||W||_1)``. With an L1 part
        coefficients are exactly 0 where they don't matter.
    tol : float, default=1e-6
        Stop once the objective is proven to lie within ``tol`` times its value of the optimum. Without a penalty
        (``C=inf``) there is no such proof: Newton's own estimate, half the squared decrement, takes its place. With 0
        ``gradient_descent`` takes `max_iter` steps, neither more nor less.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    class_weight : dict, "balanced" or None, default=None
        A factor per class on its rows' weights.
    random_state : int, RandomState or None, default=None
        For the random start of ``gradient_descent``.
    solver : {"auto", "newton-cholesky", "newton-cg", "gradient_descent"}, default="auto"
        ``auto`` takes the cheaper one of ``newton-cholesky`` (steps from the whole Hessian) and ``newton-cg``
        (conjugate gradients, preconditioned by a part of it). ``gradient_descent`` is the lecture's
        ``W -= alpha dW``, from small random weights. scikit-learn's "lbfgs", "sag", "saga" and "liblinear" stand for
        ``auto``: all lead to the same optimum.
    max_iter : int, default=10000
        Budget of passes over the rows after the first; the Hessian and the proof come with them. 0 gives coefficients
        of 0.
    verbose : int, default=0
        Print the objective after every iteration.
    warm_start : bool, default=False
        Start from the coefficients of the last fit.
    learning_rate : float or "auto", default="auto"
        alpha of ``gradient_descent`` and ``partial_fit``; ``auto`` takes 1 / L, with which every step descends.
    penalty, dual, intercept_scaling, n_jobs
        Of scikit-learn's class, for code that still names them; the first three are about to go there, none is needed
        here.
    n_threads : int, default=0
        Threads; 0 uses all cores. The result is the same, bit for bit, for any number.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights, transposed; in the dtype of the data.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts; zeros without ``fit_intercept``.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_iter_ : ndarray of shape (1,)
        Passes over the rows after the first: what `max_iter` bounds.
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where all are strings.
    loss_curve_ : list of float
        The objective (nats) at the start and after every iteration.
    objective_ : float
        The objective at the end.
    optimality_gap_ : float or None
        Proven upper bound of `objective_` minus the optimum, in nats; None without a penalty, where there is none.
    converged_ : bool
        Whether the solver reached ``tol``, or all that rounding allows.
    solver_ : str
        The solver used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule import SoftmaxClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = SoftmaxClassifier().fit(X, y)
    >>> classifier.predict(X[:2])
    array([0, 0])
    >>> round(classifier.score(X, y), 3)
    0.973
    """

    def __init__(
        self,
        penalty: Any = DEPRECATED,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        dual: bool = False,
        tol: float = 1e-6,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        random_state: int | np.random.RandomState | None = None,
        solver: str = "auto",
        max_iter: int = 10_000,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: Any = None,
        learning_rate: float | Literal["auto"] = "auto",
        n_threads: int = 0,
    ) -> None:
        self.penalty = penalty
        self.dual = dual
        self.intercept_scaling = intercept_scaling
        self.n_jobs = n_jobs
        self.C = C
        self.l1_ratio = l1_ratio
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.learning_rate = learning_rate
        self.n_threads = n_threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SoftmaxClassifier:
        """Train on rows ``X`` (n_samples, n_features) with labels ``y`` (n_samples,).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 and float64 are kept, anything else becomes float64; of sparse formats CSR.
        y : array-like of shape (n_samples,)
            Labels of any type, at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight k is the same as k copies of the row.

        Returns
        -------
        SoftmaxClassifier
            The fitted estimator.
        """
        options = self._options()
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], order=None)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        _require_two(classes)
        start = self._warm_start(classes, X.shape[1])
        weights = self._row_weights(sample_weight, X, labels.ravel(), classes)
        fit = self._run(X, labels.ravel().astype(np.int64), classes, options, weights, start)
        self.classes_ = classes
        self.solver_ = fit.solver
        self.n_iter_ = np.array([fit.passes - 1], dtype=np.int32)
        self.loss_curve_ = list(fit.solution.loss_curve)
        self.objective_ = fit.solution.value
        self.optimality_gap_ = fit.solution.gap
        self.converged_ = fit.solution.converged
        self._seen_weight = _total(weights, len(labels))
        self._keep(fit, X.dtype)
        self._warn_unless_converged(fit)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> SoftmaxClassifier:
        """Take one gradient step, ``W -= learning_rate * dW``, on a batch of rows.

        The penalty counts all rows seen so far: lambda = 1 / (C S) with S the sum of their weights.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed in the first call.

        Returns
        -------
        SoftmaxClassifier
            The estimator, one step on.
        """
        first = not hasattr(self, "coef_")
        options = self._options()
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], order=None, reset=first)
        check_classification_targets(y)
        if first:
            if classes is None:
                raise InputError("the first call of partial_fit needs classes=: all labels there will be")
            self.classes_ = np.unique(np.asarray(classes))
            _require_two(self.classes_)
            self.loss_curve_ = []
            self.n_iter_ = np.zeros(1, dtype=np.int32)
            self._seen_weight = 0.0
        elif classes is not None and not np.array_equal(self.classes_, np.unique(np.asarray(classes))):
            raise InputError(f"classes changed: the first call named {self.classes_}, this one {np.unique(classes)}")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise InputError(f"y holds the label {unknown[:1].tolist()[0]!r}, which is none of classes {self.classes_}")
        labels = np.searchsorted(self.classes_, y).astype(np.int64)
        weights = self._row_weights(sample_weight, X, labels, self.classes_)
        start = None if first else self._parameters()
        batch = _total(weights, len(labels))
        self._seen_weight += batch
        one_step = SoftmaxOptions(
            # fit_softmax divides by the weight of its rows; the penalty is to count all rows seen.
            C=options.C * self._seen_weight / batch,
            fit_intercept=options.fit_intercept,
            solver="gradient_descent",
            tol=0.0,
            max_iter=1,
            learning_rate=options.learning_rate,
            n_threads=options.n_threads,
        )
        fit = self._run(X, labels, self.classes_, one_step, weights, start)
        self.solver_ = fit.solver
        self.n_iter_ = self.n_iter_ + 1
        self.loss_curve_ = [*self.loss_curve_, fit.solution.value]
        self.objective_ = fit.solution.value
        self.optimality_gap_ = fit.solution.gap
        self.converged_ = False
        self._keep(fit, X.dtype)
        return self

    def decision_function(self, X: Any) -> Array:
        """Return logits: (n_samples, n_classes), or for two classes (n_samples,), positive for ``classes_[1]``."""
        X = self._check_rows(X)
        products = X @ self.coef_.T.astype(X.dtype)
        logits: Array = (products.toarray() if issparse(products) else products) + self.intercept_.astype(X.dtype)
        return logits.ravel() if logits.shape[1] == 1 else logits

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row, (n_samples,)."""
        scores = self.decision_function(X)
        indices = (scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)
        predicted: Array = self.classes_[indices]
        return predicted

    def predict_proba(self, X: Any) -> Array:
        """Return class probabilities, (n_samples, n_classes), columns in the order of ``classes_``."""
        X = self._check_rows(X)
        if isinstance(X, np.ndarray):
            return self._program(X.shape[1]).predict(self._parameters(), X, self.n_threads)
        return np.exp(_log_softmax(self.decision_function(X)))

    def predict_log_proba(self, X: Any) -> Array:
        """Return logarithms of class probabilities, (n_samples, n_classes), exact also where p underflows."""
        return _log_softmax(self.decision_function(X))

    def to_model(self) -> Model:
        """Return the trained model as a `chainrule.model.Model`: to save, inspect and report."""
        from chainrule.tables import LabelEncoding

        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])
        return Model(
            graph=self._program(self.n_features_in_).graph,
            parameters=self._parameters(),
            labels=LabelEncoding.from_classes(self.classes_),
            dtype=str(self.coef_.dtype),
            feature_names=tuple(map(str, names)),
            record={
                "fit": {
                    "solver": self.solver_,
                    "n_iter": len(self.loss_curve_) - 1,
                    "passes": int(self.n_iter_[0]) + 1,
                    "converged": bool(self.converged_),
                    "objective": float(self.objective_),
                    "gap": None if self.optimality_gap_ is None else float(self.optimality_gap_),
                    "loss_curve": [float(value) for value in self.loss_curve_],
                }
            },
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _options(self) -> SoftmaxOptions:
        check_ignored(dual=self.dual, intercept_scaling=self.intercept_scaling, n_jobs=self.n_jobs)
        C, l1_ratio = resolve_penalty(self.penalty, self.C, self.l1_ratio)
        return SoftmaxOptions(
            C=C,
            l1_ratio=l1_ratio,
            fit_intercept=bool(self.fit_intercept),
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            n_threads=self.n_threads,
        )

    def _row_weights(self, sample_weight: Any, X: Array, labels: IntArray, classes: Array) -> Float64Array | None:
        """Return sample weight times class weight, (n_samples,) float64; None where each row counts once."""
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        factors = class_weights(self.class_weight, labels, classes, sample_weight)
        if factors is None:
            weights: Float64Array | None = sample_weight
        else:
            weights = factors if sample_weight is None else factors * sample_weight
        if weights is not None and not weights.sum() > 0.0:
            raise InputError("all rows have weight 0: give at least one row of sample_weight a positive weight")
        return weights

    def _run(
        self,
        X: Array,
        labels: IntArray,
        classes: Array,
        options: SoftmaxOptions,
        weights: Float64Array | None,
        start: Float64Array | None,
    ) -> Fit:
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        return fit_softmax(
            X,
            labels,
            len(classes),
            options,
            sample_weight=weights,
            start=start,
            random_state=np.random.default_rng(seed),
            callback=_printer() if self.verbose else None,
        )

    def _keep(self, fit: Fit, dtype: np.dtype[Any]) -> None:
        views = fit.graph.parameters.views(fit.parameters)
        self.coef_ = np.ascontiguousarray(views["W"].T.astype(dtype))
        self.intercept_ = views["b"].astype(dtype) if "b" in views else np.zeros(len(self.coef_), dtype=dtype)

    def _program(self, n_features: int) -> SoftmaxProgram:
        return compile_softmax(
            build.softmax_classifier(n_features, len(self.classes_), one_logit=len(self.classes_) == 2)
        )

    def _parameters(self) -> Float64Array:
        """Return the flat vector of ``coef_`` and ``intercept_``, which may have been set by hand."""
        weights: Any = self.coef_
        weights = weights.toarray() if issparse(weights) else weights
        flat = [np.asarray(weights, dtype=np.float64).T.ravel(), np.asarray(self.intercept_, dtype=np.float64)]
        return np.concatenate(flat)

    def _warm_start(self, classes: Array, n_features: int) -> Float64Array | None:
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        rows = 1 if len(classes) == 2 else len(classes)
        if self.coef_.shape != (rows, n_features):
            return None  # another problem: nothing to start from
        flat = self._parameters()
        return flat if self.fit_intercept else flat[: rows * n_features]

    def _check_rows(self, X: Any) -> Array:
        check_is_fitted(self)
        rows: Array = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], order=None, reset=False
        )
        return rows

    def _warn_unless_converged(self, fit: Fit) -> None:
        if fit.solution.status == "interrupted":
            warnings.warn(f"interrupted after {fit.solution.n_iter} iterations; the fit so far is kept", stacklevel=3)
        elif not fit.solution.converged and not (fit.solver == "gradient_descent" and self.tol == 0.0):
            warnings.warn(
                _not_converged(fit, self.tol, self.max_iter),
                ConvergenceWarning,
                stacklevel=3,
            )


def _log_softmax(scores: Array) -> Array:
    """Logits (m, K), or (m,) of the second of two classes, to logarithms of probabilities (m, K)."""
    logits = np.column_stack([np.zeros_like(scores), scores]) if scores.ndim == 1 else scores
    logits = logits - logits.max(axis=1, keepdims=True)
    result: Array = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


def _require_two(classes: Array) -> None:
    if len(classes) < 2:
        raise InputError(f"a classifier needs at least 2 classes in y, got {len(classes)} class: {classes!r}")


def _total(weights: Float64Array | None, n_rows: int) -> float:
    return float(n_rows) if weights is None else float(weights.sum())


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


def _printer() -> Callback:
    def show(progress: Progress) -> None:
        print(f"iteration {progress.iteration:4d}  objective {progress.value:.10g}")  # noqa: T201

    return show

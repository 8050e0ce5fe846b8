"""The softmax classifier with scikit-learn's contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError
from chainrule.estimators.convergence import print_outcome, print_progress, warn_unless_converged
from chainrule.estimators.deprecated import DEPRECATED, check_ignored, resolve_penalty
from chainrule.estimators.softmax_predictor import SoftmaxPredictor, check_weights, require_two
from chainrule.training import Fit, SoftmaxOptions, fit_softmax


class SoftmaxClassifier(SoftmaxPredictor):
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
        Print the objective after every iteration, and in the end which solver it was and why, and what is proven.
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
        X, labels, classes, sample_weight = self._prepare(X, y, sample_weight)
        start = self._warm_start(classes, X.shape[1])
        weights = self._row_weights(sample_weight, labels, classes)
        fit = self._run(X, labels, classes, options, weights, start)
        self.classes_ = classes
        self._seen_weight = _total(weights, len(labels))
        self._keep(fit, X.dtype)
        if self.verbose:
            print_outcome(fit)
        warn_unless_converged(fit, options, classes, self._feature_names())
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
            require_two(self.classes_)
            self.loss_curve_ = []
            self.n_iter_ = np.zeros(1, dtype=np.int32)
            self._seen_weight = 0.0
        elif classes is not None and not np.array_equal(self.classes_, np.unique(np.asarray(classes))):
            raise InputError(f"classes changed: the first call named {self.classes_}, this one {np.unique(classes)}")
        labels = self._encode(y)
        weights = self._row_weights(check_weights(sample_weight, X), labels, self.classes_)
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
        steps, losses = self.n_iter_ + 1, [*self.loss_curve_, fit.solution.value]
        self._keep(fit, X.dtype)
        self.n_iter_, self.loss_curve_, self.converged_ = steps, losses, False
        return self

    def _penalty(self) -> tuple[float, float]:
        C, l1_ratio = resolve_penalty(self.penalty, self.C, self.l1_ratio)
        return C, float(l1_ratio)

    def _options(self) -> SoftmaxOptions:
        check_ignored(dual=self.dual, solver=self.solver, intercept_scaling=self.intercept_scaling, n_jobs=self.n_jobs)
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

    def _run(
        self,
        X: Array,
        labels: IntArray,
        classes: Array,
        options: SoftmaxOptions,
        weights: Float64Array | None,
        start: Float64Array | None,
    ) -> Fit:
        generator = check_random_state(self.random_state)
        random_start = None
        if options.solver == "gradient_descent" and start is None:
            random_start = np.random.default_rng(generator.randint(np.iinfo(np.int32).max))
        return fit_softmax(
            X,
            labels,
            len(classes),
            options,
            sample_weight=weights,
            start=start,
            random_state=random_start,
            callback=print_progress if self.verbose else None,
        )

    def _warm_start(self, classes: Array, n_features: int) -> Float64Array | None:
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        rows = 1 if len(classes) == 2 else len(classes)
        if self.coef_.shape != (rows, n_features):
            return None  # another problem: nothing to start from
        flat = self._parameters()
        return flat if self.fit_intercept else flat[: rows * n_features]


def _total(weights: Float64Array | None, n_rows: int) -> float:
    return float(n_rows) if weights is None else float(weights.sum())

"""What a softmax classifier with coefficients can tell of rows, however it came by them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model._base import SparseCoefMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import SoftmaxProgram, compile_softmax
from chainrule.errors import InputError
from chainrule.estimators.plain import is_plain, is_plain_labels
from chainrule.graph import build
from chainrule.model import Model
from chainrule.training import Fit, class_weights

if TYPE_CHECKING:
    from chainrule.graph import Graph
    from chainrule.inference import FittedSoftmax, MarginalEffects, Summary


class SoftmaxPredictor(SparseCoefMixin, ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """Predictions from ``coef_``, ``intercept_`` and ``classes_``."""

    classes_: Array
    feature_names_in_: Array
    coef_: Array
    intercept_: Array
    n_features_in_: int
    n_iter_: IntArray
    loss_curve_: list[float]
    objective_: float
    optimality_gap_: float | None
    converged_: bool
    solver_: str
    fit_intercept: bool
    class_weight: Mapping[Any, float] | Literal["balanced"] | None
    n_threads: int

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

    def to_graph(self) -> tuple[Graph, Float64Array]:
        """Return the graph (`chainrule.Graph`) and the flat vector of its parameters."""
        check_is_fitted(self)
        return self._program(self.n_features_in_).graph, self._parameters()

    def to_model(self) -> Model:
        """Return the trained model as a `chainrule.model.Model`: to save, inspect and report."""
        from chainrule.tables import LabelEncoding

        graph, parameters = self.to_graph()
        return Model(
            graph=graph,
            parameters=parameters,
            labels=LabelEncoding.from_classes(self.classes_),
            dtype=str(self.coef_.dtype),
            feature_names=self._feature_names(),
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

    def summary(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        reference: Any = None,
        cov_type: Literal["nonrobust", "HC0", "HC1", "cluster"] = "nonrobust",
        groups: Any = None,
        confidence: float = 0.95,
    ) -> Summary:
        """Return standard errors, tests, confidence intervals and measures of fit.

        Parameters
        ----------
        X, y, sample_weight
            The rows that `fit` was given. Weight k is the same as k copies of the row.
        reference : label, default=None
            The class that the others are compared with; by default the first one.
        cov_type : {"nonrobust", "HC0", "HC1", "cluster"}, default="nonrobust"
            Standard errors from the information, or robust ones (sandwich), by rows or by clusters of them.
        groups : array-like of shape (n_samples,), default=None
            The clusters, for ``cov_type="cluster"``.
        confidence : float, default=0.95
            Of the intervals.

        Returns
        -------
        chainrule.inference.Summary
            Prints as a table, in a notebook too; ``to_frame()`` gives a pandas frame.

        Raises
        ------
        InputError
            If the information matrix is singular: the columns along which it is are named.
        """
        from chainrule.inference import summarize

        fitted, notes = self._fitted_on(X, y, sample_weight, reference)
        return summarize(fitted, cov_type=cov_type, groups=groups, confidence=confidence, notes=notes)

    def marginal_effects(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        kind: Literal["average", "at_means"] = "average",
        discrete: bool = True,
        cov_type: Literal["nonrobust", "HC0", "HC1", "cluster"] = "nonrobust",
        groups: Any = None,
        confidence: float = 0.95,
    ) -> MarginalEffects:
        """Return how each column moves the classes' probabilities, with standard errors by the delta method.

        Parameters
        ----------
        X, y, sample_weight, cov_type, groups, confidence
            As for `summary`.
        kind : {"average", "at_means"}, default="average"
            Of the effect in each row the average, or that in a row of the columns' means.
        discrete : bool, default=True
            Whether a column of zeros and ones is moved from 0 to 1, instead of by its derivative.

        Returns
        -------
        chainrule.inference.MarginalEffects
        """
        from chainrule.inference import marginal_effects

        fitted, notes = self._fitted_on(X, y, sample_weight, None)
        return marginal_effects(
            fitted, kind=kind, discrete=discrete, cov_type=cov_type, groups=groups, confidence=confidence, notes=notes
        )

    def _fitted_on(self, X: Any, y: Any, sample_weight: Any, reference: Any) -> tuple[FittedSoftmax, list[str]]:
        from chainrule.inference import FittedSoftmax

        X = self._check_rows(X)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        labels = self._encode(y)
        if reference is not None and reference not in self.classes_.tolist():
            raise InputError(f"reference must be one of the classes {self.classes_.tolist()}, got {reference!r}")
        counts = self._row_weights(check_weights(sample_weight, X), labels, self.classes_)
        views = self._program(X.shape[1]).graph.parameters.views(self._parameters())
        weights, bias = views["W"], views["b"]
        if len(self.classes_) == 2:
            weights, bias = np.hstack([0.0 * weights, weights]), np.append(0.0, bias)
        C, l1_ratio = self._penalty()
        notes = [] if self.converged_ else ["The fit did not converge: none of this holds at other coefficients."]
        if self.class_weight is not None:
            notes.append("Rows count with their class weights: so do likelihood, observations and standard errors.")
        fitted = FittedSoftmax(
            X=X,
            labels=labels,
            counts=np.ones(len(labels)) if counts is None else counts,
            weights=weights,
            bias=bias if self.fit_intercept else None,
            classes=self.classes_,
            names=self._feature_names(),
            reference=0 if reference is None else self.classes_.tolist().index(reference),
            l2=(1.0 - l1_ratio) / C,
            l1=l1_ratio / C,
        )
        return fitted, notes

    @abstractmethod
    def _penalty(self) -> tuple[float, float]:
        """Return C and l1_ratio of the coefficients."""

    def _feature_names(self) -> tuple[str, ...]:
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])
        return tuple(map(str, names))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _prepare(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, IntArray, Array, Float64Array | None]:
        """Return checked rows, labels (n_samples,) as int64, the classes and sample weights."""
        if is_plain(X) and is_plain_labels(y, len(X)):
            self.n_features_in_ = X.shape[1]
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
        else:
            X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], order=None)
            check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        require_two(classes)
        return X, labels.ravel().astype(np.int64), classes, check_weights(sample_weight, X)

    def _encode(self, y: Array) -> IntArray:
        """Return labels as numbers of classes, (n_samples,); refuse one that is no class."""
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise InputError(f"y holds the label {unknown[:1].tolist()[0]!r}, which is none of classes {self.classes_}")
        return np.searchsorted(self.classes_, y).astype(np.int64)

    def _row_weights(self, sample_weight: Float64Array | None, labels: IntArray, classes: Array) -> Float64Array | None:
        """Return sample weight times class weight, (n_samples,) float64; None where each row counts once."""
        factors = class_weights(self.class_weight, labels, classes, sample_weight)
        weights = sample_weight
        if factors is not None:
            weights = factors if sample_weight is None else factors * sample_weight
        if weights is not None:
            with np.errstate(over="ignore"):
                total = float(weights.sum())
            if total == 0.0:
                raise InputError("all rows have weight 0: give at least one row of sample_weight a positive weight")
            if not np.isfinite(total):
                raise InputError(
                    f"the rows' weights, of which the largest is {weights.max():.3g}, add up to more than float64 "
                    "holds: divide sample_weight (or class_weight) by a number, and multiply C by it"
                )
        return weights

    def _adopt(self, fit: Fit, classes: Array, dtype: np.dtype[Any], names: Array | None = None) -> None:
        """Become the estimator of a fit that another one has made."""
        self.classes_ = classes
        self._keep(fit, dtype)
        self.n_features_in_ = self.coef_.shape[1]
        if names is not None:
            self.feature_names_in_ = names

    def _keep(self, fit: Fit, dtype: np.dtype[Any]) -> None:
        views = fit.graph.parameters.views(fit.parameters)
        self.coef_ = np.ascontiguousarray(views["W"].T.astype(dtype))
        self.intercept_ = views["b"].astype(dtype) if "b" in views else np.zeros(len(self.coef_), dtype=dtype)
        self.solver_ = fit.solver
        self.n_iter_ = np.array([fit.passes - 1], dtype=np.int32)
        self.loss_curve_ = list(fit.solution.loss_curve)
        self.objective_ = fit.solution.value
        self.optimality_gap_ = fit.solution.gap
        self.converged_ = fit.solution.converged

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

    def _check_rows(self, X: Any) -> Array:
        seen = vars(self)
        is_as_seen = "coef_" in seen and "feature_names_in_" not in seen
        if is_as_seen and is_plain(X) and seen.get("n_features_in_") == X.shape[1]:
            rows: Array = X
            return rows
        check_is_fitted(self)
        rows = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], order=None, reset=False)
        return rows


def _log_softmax(scores: Array) -> Array:
    """Logits (m, K), or (m,) of the second of two classes, to logarithms of probabilities (m, K)."""
    logits = np.column_stack([np.zeros_like(scores), scores]) if scores.ndim == 1 else scores
    logits = logits - logits.max(axis=1, keepdims=True)
    result: Array = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


def check_weights(sample_weight: Any, X: Array) -> Float64Array | None:
    """Return sample weights as (n_samples,) float64, refused where one is below 0; None as it is."""
    if sample_weight is None:
        return None
    weights: Float64Array = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return weights


def require_two(classes: Array) -> None:
    """Refuse labels of which there is but one."""
    if len(classes) < 2:
        raise InputError(f"a classifier needs at least 2 classes in y, got {len(classes)} class: {classes!r}")

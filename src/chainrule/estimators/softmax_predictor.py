"""What a softmax classifier with coefficients can tell of rows, however it came by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model._base import SparseCoefMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import SoftmaxProgram, compile_softmax
from chainrule.errors import InputError
from chainrule.graph import build
from chainrule.model import Model
from chainrule.training import Fit, class_weights


class SoftmaxPredictor(SparseCoefMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Predictions from ``coef_``, ``intercept_`` and ``classes_``."""

    classes_: Array
    coef_: Array
    intercept_: Array
    n_features_in_: int
    n_iter_: IntArray
    loss_curve_: list[float]
    objective_: float
    optimality_gap_: float | None
    converged_: bool
    solver_: str
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

    def _prepare(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, IntArray, Array, Float64Array | None]:
        """Return checked rows, labels (n_samples,) as int64, the classes and sample weights."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], order=None)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        require_two(classes)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        return X, labels.ravel().astype(np.int64), classes, sample_weight

    def _row_weights(self, sample_weight: Float64Array | None, labels: IntArray, classes: Array) -> Float64Array | None:
        """Return sample weight times class weight, (n_samples,) float64; None where each row counts once."""
        factors = class_weights(self.class_weight, labels, classes, sample_weight)
        weights = sample_weight
        if factors is not None:
            weights = factors if sample_weight is None else factors * sample_weight
        if weights is not None and not weights.sum() > 0.0:
            raise InputError("all rows have weight 0: give at least one row of sample_weight a positive weight")
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
        check_is_fitted(self)
        rows: Array = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], order=None, reset=False
        )
        return rows


def _log_softmax(scores: Array) -> Array:
    """Logits (m, K), or (m,) of the second of two classes, to logarithms of probabilities (m, K)."""
    logits = np.column_stack([np.zeros_like(scores), scores]) if scores.ndim == 1 else scores
    logits = logits - logits.max(axis=1, keepdims=True)
    result: Array = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


def require_two(classes: Array) -> None:
    """Refuse labels of which there is but one."""
    if len(classes) < 2:
        raise InputError(f"a classifier needs at least 2 classes in y, got {len(classes)} class: {classes!r}")

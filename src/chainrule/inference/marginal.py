"""Marginal effects: how a column moves the classes' probabilities, with standard errors by the delta method.

Greene 2018, "Econometric Analysis", section 18.2.2 for the derivatives; columns of 0 and 1 are moved from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.sparse import csc_array, issparse

from chainrule._typing import Array, Float64Array
from chainrule.display import import_pandas
from chainrule.errors import InputError
from chainrule.graph.ops.softmax import softmax
from chainrule.inference.covariance import covariance_of
from chainrule.inference.fitted import FittedSoftmax
from chainrule.inference.intervals import check_confidence, normal_tests
from chainrule.inference.summary import notes_on

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, eq=False)
class MarginalEffects:
    """Change of each class's probability per unit of each column.

    Arrays are (n_classes, n_features).

    Attributes
    ----------
    classes, names
        Of rows and columns.
    kind
        ``average`` over the rows, or ``at_means`` of the columns.
    effects, standard_errors, z, p_values, lower, upper
        In units of probability; over the classes the effects of a column add up to 0.
    is_discrete
        (n_features,) whether a column's effect is that of going from 0 to 1.
    confidence
        Of the interval.
    notes
        What to bear in mind.
    """

    classes: tuple[Any, ...]
    names: tuple[str, ...]
    kind: str
    effects: Float64Array
    standard_errors: Float64Array
    z: Float64Array
    p_values: Float64Array
    lower: Float64Array
    upper: Float64Array
    is_discrete: Array
    confidence: float
    notes: tuple[str, ...]

    def to_frame(self) -> Any:
        """Return a pandas frame with a row for each class and column."""
        pandas = import_pandas("to_frame")
        index = pandas.MultiIndex.from_product([self.classes, self.names], names=["class", "feature"])
        columns = {
            "effect": self.effects, "standard_error": self.standard_errors, "z": self.z, "p_value": self.p_values,
            "lower": self.lower, "upper": self.upper,
        }  # fmt: skip
        return pandas.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index)

    def __str__(self) -> str:
        from chainrule.display import as_text

        return as_text(self.__rich__())

    def __rich__(self) -> RenderableType:
        from chainrule.inference.tables import effects_table

        return effects_table(self)

    def _repr_html_(self) -> str:
        from chainrule.inference.tables import effects_html

        return effects_html(self)


def marginal_effects(
    fitted: FittedSoftmax,
    *,
    kind: Literal["average", "at_means"] = "average",
    discrete: bool = True,
    cov_type: str = "nonrobust",
    groups: Any = None,
    confidence: float = 0.95,
    notes: Sequence[str] = (),
) -> MarginalEffects:
    """Return how the columns move the probabilities.

    Parameters
    ----------
    fitted
        Coefficients and the rows they were trained on.
    kind
        Of the effect in each row the average, or that in a row of the columns' means.
    discrete
        Whether a column that holds but 0 and 1 is moved from one to the other, instead of by its derivative.
    cov_type, groups
        Of the coefficients; see `chainrule.inference.covariance.covariance_of`.
    confidence
        Of the intervals, between 0 and 1.
    notes
        To be added to those that the numbers give rise to.
    """
    if kind not in ("average", "at_means"):
        raise InputError(f"kind must be average or at_means, got {kind!r}")
    check_confidence(confidence)
    if fitted.l1 > 0.0:
        raise InputError(
            "marginal effects have no standard errors under an l1 penalty: fit the columns that it chose without one"
        )
    covariance = covariance_of(fitted, cov_type, groups)
    shares = fitted.counts / fitted.counts.sum()
    binary = is_binary(fitted.X) if discrete else np.zeros(len(fitted.weights), dtype=bool)
    if kind == "at_means":
        X: Any = np.asarray(shares @ fitted.X, dtype=np.float64).reshape(1, -1)
        shares = np.ones(1)
    else:
        X = fitted.X
    rows = _Rows(fitted, X, shares)
    n_classes, d = len(fitted.classes), len(fitted.weights)
    effects, errors = np.empty((n_classes, d)), np.empty((n_classes, d))
    moved = {int(j): rows.difference(int(j)) for j in np.flatnonzero(binary)}
    for k in range(n_classes):
        effects[k], jacobian = rows.derivatives(k)
        for j, (changes, slopes) in moved.items():
            effects[k, j], jacobian[j] = changes[k], slopes[k]
        flat = jacobian[:, :, fitted.others].transpose(0, 2, 1).reshape(d, -1)
        errors[k] = np.sqrt(np.maximum(((flat @ covariance.matrix) * flat).sum(axis=1), 0.0))
    return MarginalEffects(
        classes=tuple(fitted.classes.tolist()),
        names=fitted.names,
        kind=kind,
        effects=effects,
        standard_errors=errors,
        **normal_tests(effects, errors, confidence)._asdict(),
        is_discrete=binary,
        confidence=confidence,
        notes=(*notes, *notes_on(fitted, covariance, cov_type)),
    )


def is_binary(X: Any) -> Array:
    """Return which columns of (m, d) hold 0 and 1, both of them and nothing else, (d,)."""
    if issparse(X):
        held = csc_array(X)
        held.sum_duplicates()
        n_ones = np.asarray((held == 1).sum(axis=0)).ravel()
        n_other = np.asarray((held != 0).sum(axis=0)).ravel() - n_ones
        return np.asarray((n_other == 0) & (n_ones > 0) & (n_ones < X.shape[0]))
    found = np.zeros(X.shape[1], dtype=bool)
    for j in range(X.shape[1]):
        column = X[:, j]
        found[j] = bool(((column == 0) | (column == 1)).all()) and column.min() != column.max()
    return found


class _Rows:
    """Rows (m, d) and shares (m,) that effects are averaged over."""

    def __init__(self, fitted: FittedSoftmax, X: Any, shares: Float64Array) -> None:
        self.X, self.shares = X, shares
        self.has_intercept = fitted.has_intercept
        self.weights = fitted.weights
        products = np.asarray(X @ fitted.weights, dtype=np.float64)
        self.logits = products if fitted.bias is None else products + fitted.bias
        self.p = softmax(self.logits)

    def derivatives(self, k: int) -> tuple[Float64Array, Float64Array]:
        """Return mean dp_k / dx_j (d,) and its derivatives by the coefficients (d, width, K).

        With delta_kj = B_jk - sum_m p_m B_jm the effect is p_k delta_kj, and its derivative by B_ql
        p_k (1_kl - p_l) delta_kj x_q - p_k p_l delta_lj x_q + 1_qj p_k (1_kl - p_l): sums of x_q times up to three
        probabilities.
        """
        B, p = self.weights, self.p
        d, K = B.shape
        one, two = self._sums(p[:, [k]])[:, 0], self._sums(p[:, [k]] * p)  # of x_q p_k, and times p_l
        three = np.stack([self._sums(p[:, [k]] * p[:, [m]] * p) for m in range(K)], axis=2)  # and times p_m
        effects = one[-1] * B[:, k] - B @ two[-1]  # at -1: of the 1 that is appended to x
        held = -two  # p_k (1_kl - p_l) x_q
        held[:, k] += one
        held_m = -three  # and times p_m
        held_m[:, k] += two
        jacobian = B[:, k, None, None] * held - np.einsum("jm,qlm->jql", B, held_m, optimize=True)
        jacobian -= B[:, None, :] * two - np.einsum("jm,qlm->jql", B, three, optimize=True)
        every = np.arange(d)
        jacobian[every, every] += held[-1]
        return effects, jacobian if self.has_intercept else jacobian[:, :-1]

    def difference(self, j: int) -> tuple[Float64Array, Float64Array]:
        """Return the mean change of p_k (K,) as column j goes from 0 to 1, and its derivatives (K, width, K)."""
        column = self.X[:, [j]]
        values = np.asarray(column.toarray() if issparse(column) else column, dtype=np.float64).ravel()
        effects: Any = 0.0
        jacobian: Any = 0.0
        for to, sign in ((1.0, 1.0), (0.0, -1.0)):
            p = softmax(self.logits + (to - values)[:, None] * self.weights[j])
            effect = self.shares @ p
            n_classes = p.shape[1]
            slopes = np.empty((self.weights.shape[0] + 1, n_classes, n_classes))
            for k in range(n_classes):
                bent = -p[:, [k]] * p
                bent[:, k] += p[:, k]
                slopes[:, k] = self._sums(bent)
            slopes[j] = to * slopes[-1]
            effects, jacobian = effects + sign * effect, jacobian + sign * slopes
        by_class = np.asarray(jacobian).transpose(1, 0, 2)
        return np.asarray(effects), by_class if self.has_intercept else by_class[:, :-1]

    def _sums(self, values: Float64Array) -> Float64Array:
        """Sum of shares x values over the rows, for each column and a 1, (width, n)."""
        weighted = self.shares[:, None] * values
        return np.vstack([np.asarray(self.X.T @ weighted, dtype=np.float64), weighted.sum(axis=0)])

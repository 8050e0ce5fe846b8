"""A fitted softmax classifier and its rows, written as contrasts with a reference class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import DenseRows, SparseRows
from chainrule.errors import InputError
from chainrule.graph.ops.softmax import softmax
from chainrule.solvers.curvature import class_pairs


@dataclass(frozen=True, eq=False)
class FittedSoftmax:
    """Coefficients, and the rows they were trained on.

    The softmax of K classes has one class more than the likelihood can tell. As is usual the coefficients of a
    reference class are taken off all others': log(p_k / p_reference) = x . weights[:, k] + bias[k].

    Attributes
    ----------
    X, labels
        (m, d) float32 or float64, an array or a SciPy sparse matrix; (m,) in 0..K-1.
    counts
        (m,) what each row counts: weight k is the same as k copies.
    weights, bias
        (d, K) and (K,) of all classes, float64; for two classes the first's are 0. ``bias`` is None without an
        intercept.
    classes
        (K,) labels of the classes.
    names
        (d,) of the columns.
    reference
        Which class the others are compared with.
    l2, l1
        What the penalties add to the sum of all rows' losses: l2/2 ||W||^2 + l1 ||W||_1 (W summing to 0 over the
        classes for an l2 penalty).
    """

    X: Any
    labels: IntArray
    counts: Float64Array
    weights: Float64Array
    bias: Float64Array | None
    classes: Array
    names: tuple[str, ...]
    reference: int = 0
    l2: float = 0.0
    l1: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.reference < len(self.classes):
            raise InputError(f"reference must be one of the classes, got number {self.reference}")

    @property
    def others(self) -> IntArray:
        """(K - 1,) the classes but the reference."""
        return np.delete(np.arange(len(self.classes)), self.reference)

    @property
    def has_intercept(self) -> bool:
        """Whether there is an intercept."""
        return self.bias is not None

    @cached_property
    def contrasts(self) -> Float64Array:
        """(K - 1, width) coefficients less the reference's; with an intercept its own come last."""
        all_of_them = self.weights if self.bias is None else np.vstack([self.weights, self.bias])
        compared = all_of_them - all_of_them[:, [self.reference]]
        return np.ascontiguousarray(compared[:, self.others].T)

    @cached_property
    def is_selected(self) -> Array:
        """(width,) whether a column has a say: all but those whose coefficients an l1 penalty holds at 0."""
        selected = (self.weights != 0.0).any(axis=1) if self.l1 > 0.0 else np.ones(len(self.weights), dtype=bool)
        return np.append(selected, True) if self.has_intercept else selected

    @cached_property
    def logits(self) -> Float64Array:
        """(m, K)."""
        products = np.asarray(self.X @ self.weights, dtype=np.float64)
        return products if self.bias is None else products + self.bias

    @cached_property
    def probabilities(self) -> Float64Array:
        """(m, K)."""
        return softmax(self.logits)

    @cached_property
    def residuals(self) -> Float64Array:
        """(m, K - 1) probabilities less one-hot labels, without the reference class."""
        residuals = self.probabilities.copy()
        residuals[np.arange(len(residuals)), self.labels] -= 1.0
        return residuals[:, self.others]

    @cached_property
    def rows(self) -> DenseRows | SparseRows:
        """The columns that have a say, each row with its count as share."""
        d = len(self.weights)
        chosen = np.flatnonzero(self.is_selected[:d])
        X = self.X if len(chosen) == d else self.X[:, chosen]
        kind = DenseRows if isinstance(X, np.ndarray) else SparseRows
        return kind(X, self.labels, self.counts)

    @cached_property
    def centre(self) -> Float64Array:
        """(selected columns,) what is taken off the columns while matrices are added up; see `uncentre`."""
        d = self.rows.shape[1]
        return self.rows.means / self.counts.sum() if self.has_intercept else np.zeros(d)

    @cached_property
    def information(self) -> Float64Array:
        """Hessian of minus the log-likelihood of the selected columns' contrasts, centred, (n, n), class by class."""
        probabilities = self.probabilities[:, self.others]
        pairs = class_pairs(probabilities.shape[1])
        blocks = self.rows.gram(self.centre, probabilities, pairs=pairs, intercept=self.has_intercept, exact=True)
        n_classes, width = probabilities.shape[1], blocks.shape[1]
        information = np.empty((n_classes, width, n_classes, width))
        information[pairs[:, 0], :, pairs[:, 1], :] = blocks
        information[pairs[:, 1], :, pairs[:, 0], :] = blocks
        return information.reshape(n_classes * width, n_classes * width)

    @cached_property
    def penalty(self) -> Float64Array:
        """Hessian of the l2 penalty by the same contrasts, (n, n).

        Weights that add up to 0 over K classes are contrasts less their mean: sum_k beta_k^2 - (sum_k beta_k)^2 / K.
        """
        free = len(self.others)
        between = np.eye(1) if free == 1 else np.eye(free) - 1.0 / (free + 1)
        columns = np.append(np.ones(self.rows.shape[1]), np.zeros(int(self.has_intercept)))
        return np.asarray(self.l2 * np.kron(between, np.diag(columns)), dtype=np.float64)

    def uncentre(self, covariance: Float64Array) -> Float64Array:
        """Return a covariance of contrasts on centred columns as one of those on the columns as they are."""
        if not self.has_intercept:
            return covariance
        width = len(self.centre) + 1
        change = np.eye(width)  # b = c - centre . w
        change[-1, :-1] = -self.centre
        free = len(self.others)
        blocks = covariance.reshape(free, width, free, width)
        moved = np.einsum("ab,kblc,dc->kald", change, blocks, change, optimize=True)
        return np.ascontiguousarray(moved.reshape(free * width, free * width))

    def log_likelihood(self) -> float:
        """Return sum_i counts_i log p_i of the labels, in nats."""
        top = self.logits.max(axis=1)
        totals = top + np.log(np.exp(self.logits - top[:, None]).sum(axis=1))
        return float(self.counts @ (self.logits[np.arange(len(self.labels)), self.labels] - totals))

    def null_log_likelihood(self) -> float:
        """Return the same of the model without columns: the classes' shares, or without an intercept 1 / K each."""
        total = float(self.counts.sum())
        if not self.has_intercept:
            return -total * float(np.log(len(self.classes)))
        of_classes = np.bincount(self.labels, weights=self.counts, minlength=len(self.classes))
        present = of_classes[of_classes > 0.0]
        return float(present @ np.log(present / total))

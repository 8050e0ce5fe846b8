"""Rows held in an array, as the softmax classifier's kernels read them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import _kernels

MAX_OFFSET = 1e3  # of a column's mean over its deviation; beyond, float32 would lose the deviation


class DenseRows:
    """(m, d) float32 or float64 rows, their labels, and what each of them counts.

    Loss and gradient are computed in float64 also from float32 rows, so that any tolerance can be reached; products
    with the Hessian, which only direct a step, in the rows' own dtype.

    Parameters
    ----------
    X, labels
        (m, d); (m,) int64 in 0..K-1.
    shares
        (m,) weights that sum to 1.
    reference_logit, label_smoothing
        See `chainrule.engine._kernels`.
    n_threads
        0 uses all cores.
    """

    def __init__(
        self,
        X: Array,
        labels: IntArray,
        shares: Float64Array,
        *,
        reference_logit: bool = False,
        label_smoothing: float = 0.0,
        n_threads: int = 0,
    ) -> None:
        self.X = X
        self.labels = labels
        self.shares = shares
        self.n_threads = n_threads
        self._loss: dict[str, Any] = {"reference_logit": reference_logit, "label_smoothing": label_smoothing}
        self._reference_logit = reference_logit

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.X.shape[0], self.X.shape[1]

    @property
    def n_numbers(self) -> int:
        """Numbers that one pass reads."""
        return self.X.size

    @cached_property
    def means(self) -> Float64Array:
        """sum_i s_i x_i, (d,)."""
        # A Hessian product with p = 1/2 and x v = 0, v_b = 4 weighs every row with its share.
        halves = np.broadcast_to(0.5, (len(self.X), 1))
        sums, _ = _kernels.softmax_hessian_vector(
            self.X, halves, self.shares, np.zeros((self.X.shape[1], 1)), np.full(1, 4.0),
            n_threads=self.n_threads, reference_logit=True,
        )  # fmt: skip
        return sums[:, 0]

    @cached_property
    def deviations(self) -> Float64Array:
        """Standard deviations of the columns, (d,)."""
        ones = np.broadcast_to(1.0, (len(self.X), 1))
        squares = _kernels.weighted_gram(
            self.X, self.means, ones, self.shares, diagonals=True, n_threads=self.n_threads
        )  # fmt: skip
        return np.sqrt(squares[:, 0])

    @cached_property
    def _direction_dtype(self) -> Any:
        if self.X.dtype == np.float32 and (np.abs(self.means) <= MAX_OFFSET * self.deviations).all():
            return np.float32
        return np.float64

    def value_and_gradient(
        self, weight: Float64Array, bias: Float64Array, probabilities: Float64Array
    ) -> tuple[float, Float64Array, Float64Array]:
        """Return the mean loss (nats), its gradients (d, outputs) and (outputs,); fill ``probabilities``."""
        return _kernels.softmax_value_and_gradient(
            self.X, weight, bias, self.labels, self.shares,
            n_threads=self.n_threads, probabilities=probabilities, **self._loss,
        )  # fmt: skip

    def logits(self, weight: Float64Array, bias: Float64Array) -> Float64Array:
        """Return X weight + bias, (m, outputs)."""
        return _kernels.softmax_logits(self.X, weight, bias, n_threads=self.n_threads).astype(np.float64, copy=False)

    def hessian_vector(
        self, probabilities: Float64Array, weight: Float64Array, bias: Float64Array, *, exact: bool = False
    ) -> tuple[Float64Array, Float64Array]:
        """Return the mean loss's Hessian at ``probabilities`` times the direction (weight, bias).

        ``exact`` computes in float64 whatever the rows are.
        """
        dtype = np.float64 if exact else self._direction_dtype
        return _kernels.softmax_hessian_vector(
            self.X, probabilities, self.shares, weight.astype(dtype, copy=False), bias.astype(dtype, copy=False),
            n_threads=self.n_threads, reference_logit=self._reference_logit,
        )  # fmt: skip

    def gram(
        self,
        centre: Float64Array,
        weights: Float64Array,
        *,
        pairs: IntArray | None = None,
        intercept: bool = False,
        diagonals: bool = False,
        exact: bool = False,
        among: IntArray | None = None,
    ) -> Float64Array:
        """Return weighted Gram matrices of the rows; see `chainrule.engine._kernels.weighted_gram`.

        Unless ``exact`` float32 rows are added up in float32. With ``among`` (n,) only those rows count, each with its
        ``weights`` (n, n_blocks) alone, not with its share.
        """
        X, shares = (self.X, self.shares) if among is None else (self.X[among], np.ones(len(among)))
        single = self.X.dtype == np.float32 and not exact and self._direction_dtype == np.float32
        return _kernels.weighted_gram(
            X, centre, weights, shares, pairs=pairs, intercept=intercept, diagonals=diagonals,
            single=single, n_threads=self.n_threads,
        )  # fmt: skip

    def hessian(
        self, centre: Float64Array, probabilities: Float64Array, columns: IntArray, classes: IntArray
    ) -> Float64Array:
        """Return the mean loss's Hessian among some coefficients; see `chainrule.engine._kernels.softmax_hessian`."""
        return _kernels.softmax_hessian(
            self.X, centre, probabilities, self.shares, columns, classes, n_threads=self.n_threads
        )

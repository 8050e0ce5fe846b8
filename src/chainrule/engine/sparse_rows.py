"""Rows held as a compressed sparse matrix, as the softmax classifier's kernels read them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import _kernels

DENSE_NUMBERS = 2**22  # of rows that are made dense at a time, for a Gram matrix


class SparseRows:
    """(m, d) rows of which only the entries that are not zero are held; see `chainrule.engine.rows.DenseRows`.

    A transposed copy is made once, so that both products of a pass read what they need in order. Arithmetic is in
    float64. Columns are centred where it matters without ever storing it.

    Parameters
    ----------
    X
        (m, d) SciPy sparse matrix or array with data of float32 or float64.
    labels, shares, reference_logit, label_smoothing, n_threads
        As for `DenseRows`.
    """

    def __init__(
        self,
        X: Any,
        labels: IntArray,
        shares: Float64Array,
        *,
        reference_logit: bool = False,
        label_smoothing: float = 0.0,
        n_threads: int = 0,
    ) -> None:
        self.X = _without_repeats(X.tocsr())
        self.labels = labels
        self.shares = shares
        self.n_threads = n_threads
        self._reference_logit = reference_logit
        self._loss: dict[str, Any] = {"reference_logit": reference_logit, "label_smoothing": label_smoothing}
        self._columns = self.X.tocsc()
        self._held = _kernels.SparseRowsAndColumns(*_parts(self.X), *_parts(self._columns), n_threads)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.X.shape[0], self.X.shape[1]

    @property
    def n_numbers(self) -> int:
        """Numbers that one pass reads."""
        return int(self.X.nnz)

    @cached_property
    def means(self) -> Float64Array:
        """sum_i s_i x_i, (d,)."""
        return self._sums(self.shares[:, None])[:, 0]

    @cached_property
    def deviations(self) -> Float64Array:
        """Standard deviations of the columns, (d,)."""
        squares = self._sums(self.shares[:, None], squared=True)[:, 0]
        return np.sqrt(np.maximum(squares - self.means**2, 0.0))

    def value_and_gradient(
        self, weight: Float64Array, bias: Float64Array, probabilities: Float64Array
    ) -> tuple[float, Float64Array, Float64Array]:
        """Return the mean loss (nats), its gradients (d, outputs) and (outputs,); fill ``probabilities``."""
        return self._held.value_and_gradient(
            weight, bias, self.labels, self.shares,
            n_threads=self.n_threads, probabilities=probabilities, **self._loss,
        )  # fmt: skip

    def hessian_vector(
        self, probabilities: Float64Array, weight: Float64Array, bias: Float64Array, *, exact: bool = False
    ) -> tuple[Float64Array, Float64Array]:
        """Return the mean loss's Hessian at ``probabilities`` times the direction (weight, bias)."""
        return self._held.hessian_vector(
            probabilities, self.shares, weight, bias, n_threads=self.n_threads, reference_logit=self._reference_logit
        )

    def take(self, columns: IntArray) -> SparseRows:
        """Return the same rows with some of the columns, (n,) ascending."""
        if len(columns) == self.X.shape[1]:
            return self
        return SparseRows(
            self._columns[:, columns], self.labels, self.shares, n_threads=self.n_threads, **self._loss
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
        step: int = 1,
    ) -> Float64Array:
        """Return weighted Gram matrices of every ``step``-th row; see `chainrule.engine._kernels.weighted_gram`."""
        if diagonals and pairs is None and step == 1:
            return self._diagonals(centre, weights, intercept)
        rows = self.X[::step] if step > 1 else self.X
        weights = weights[::step]
        shares = self.shares[::step]
        if step > 1:
            shares = shares / max(float(shares.sum()), np.finfo(np.float64).tiny)
        n_rows = max(1, DENSE_NUMBERS // max(1, self.X.shape[1]))
        total: Any = 0.0
        for first in range(0, max(1, rows.shape[0]), n_rows):
            part = slice(first, first + n_rows)
            dense = np.asarray(rows[part].toarray(), dtype=np.float64)
            total = total + _kernels.weighted_gram(
                dense, centre, weights[part], shares[part], pairs=pairs, intercept=intercept, diagonals=diagonals,
                n_threads=self.n_threads,
            )  # fmt: skip
        summed: Float64Array = total
        return summed

    def _diagonals(self, centre: Float64Array, weights: Float64Array, intercept: bool) -> Float64Array:
        """sum_i h_i (x_ij - c_j)^2 without forming the differences, (width, n_blocks)."""
        shared = self.shares[:, None] * weights
        total = shared.sum(axis=0)
        moved = self._sums(shared, squared=True) - 2.0 * centre[:, None] * self._sums(shared)
        squares = np.maximum(moved + centre[:, None] ** 2 * total, 0.0)
        return np.vstack([squares, total]) if intercept else squares

    def _sums(self, weights: Array, *, squared: bool = False) -> Float64Array:
        """sum_i w_ik x_ij, or x_ij^2, (d, k)."""
        starts, indices, data = _parts(self._columns)
        if squared:
            data = data.astype(np.float64) ** 2
        return _kernels.sparse_product(starts, indices, data, np.ascontiguousarray(weights), self.n_threads)


def _without_repeats(matrix: Any) -> Any:
    """Return a matrix with one entry per place, a copy if need be: squares are of entries, not of their parts."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix


def _parts(matrix: Any) -> tuple[IntArray, IntArray, Array]:
    """Return indptr, indices and data; the first two in the narrower dtype that holds them."""
    dtype = np.int32 if max(*matrix.shape, matrix.nnz) <= np.iinfo(np.int32).max else np.int64
    return matrix.indptr.astype(dtype, copy=False), matrix.indices.astype(dtype, copy=False), matrix.data

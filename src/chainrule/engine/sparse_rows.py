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
        (m, d) SciPy sparse matrix or array with data of float32 or float64. Entries given several times add up.
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
        self.X = X.tocsr()
        self.labels = labels
        self.shares = shares
        self.n_threads = n_threads
        self._reference_logit = reference_logit
        self._loss: dict[str, Any] = {"reference_logit": reference_logit, "label_smoothing": label_smoothing}
        self._columns = self.X.tocsc()  # in which repeated entries are neighbours
        if not self._columns.has_canonical_format:  # an entry's square is that of the sum
            self._columns.sum_duplicates()
            self.X = self._columns.tocsr()
        self._column_parts = _parts(self._columns)
        self._held = _kernels.SparseRowsAndColumns(*_parts(self.X), *self._column_parts, n_threads)
        self._distances: tuple[Float64Array, Float64Array] | None = None

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
        return self._sums(self._column_parts[2], self.shares[:, None])[:, 0]

    @cached_property
    def deviations(self) -> Float64Array:
        """Standard deviations of the columns, (d,)."""
        return np.sqrt(self._diagonals(self.means, np.ones((self.shape[0], 1)), False)[:, 0])

    def value_and_gradient(
        self, weight: Float64Array, bias: Float64Array, probabilities: Float64Array
    ) -> tuple[float, Float64Array, Float64Array]:
        """Return the mean loss (nats), its gradients (d, outputs) and (outputs,); fill ``probabilities``."""
        return self._held.value_and_gradient(
            weight, bias, self.labels, self.shares,
            n_threads=self.n_threads, probabilities=probabilities, **self._loss,
        )  # fmt: skip

    def logits(self, weight: Float64Array, bias: Float64Array) -> Float64Array:
        """Return X weight + bias, (m, outputs)."""
        return _kernels.sparse_product(*_parts(self.X), weight, self.n_threads) + bias

    def hessian_vector(
        self, probabilities: Float64Array, weight: Float64Array, bias: Float64Array, *, exact: bool = False
    ) -> tuple[Float64Array, Float64Array]:
        """Return the mean loss's Hessian at ``probabilities`` times the direction (weight, bias)."""
        return self._held.hessian_vector(
            probabilities, self.shares, weight, bias, n_threads=self.n_threads, reference_logit=self._reference_logit
        )

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
        """Return weighted Gram matrices of the rows; see `DenseRows.gram`."""
        if diagonals and pairs is None and among is None:
            return self._diagonals(centre, weights, intercept)
        rows, shares = (self.X, self.shares) if among is None else (self.X[among], np.ones(len(among)))
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

    def hessian(
        self, centre: Float64Array, probabilities: Float64Array, columns: IntArray, classes: IntArray
    ) -> Float64Array:
        """Return the mean loss's Hessian among some coefficients; see `DenseRows.hessian`."""
        d = self.shape[1]
        own, place = np.unique(columns, return_inverse=True)
        own = own[own < d]
        held = self._columns[:, own].tocsr()
        n_rows = max(1, DENSE_NUMBERS // max(1, len(own)))
        total: Any = 0.0
        for first in range(0, max(1, self.shape[0]), n_rows):
            part = slice(first, first + n_rows)
            dense = np.asarray(held[part].toarray(), dtype=np.float64)
            total = total + _kernels.softmax_hessian(
                dense, centre[own], probabilities[part], self.shares[part], place, classes, n_threads=self.n_threads
            )
        summed: Float64Array = total
        return summed

    def entries_of(self, columns: IntArray) -> int:
        """Return how many entries are held of some columns (n,), each counted as often as it is named."""
        return int(np.diff(self._column_parts[0])[columns].sum())

    def minimise_l1(
        self,
        centre: Float64Array,
        probabilities: Float64Array,
        columns: IntArray,
        classes: IntArray,
        gradient: Float64Array,
        start: Float64Array,
        l1: Float64Array,
        l2: Float64Array,
        damping: Float64Array,
        *,
        accuracy: float,
        most: float,
    ) -> tuple[Float64Array, float]:
        """Minimise the mean loss's quadratic model plus an l1 penalty; see `chainrule.engine._kernels`."""
        return self._held.minimise_l1(
            centre, probabilities, self.shares, columns, classes, gradient, start, l1, l2, damping,
            accuracy=accuracy, most=most, n_threads=self.n_threads,
        )  # fmt: skip

    def _diagonals(self, centre: Float64Array, weights: Float64Array, intercept: bool) -> Float64Array:
        """sum_i h_i (x_ij - c_j)^2, (width, n_blocks).

        Only the entries that are held are gone through; each of the others adds h_i c_j^2. No squares are subtracted,
        so that a column far from 0 keeps its digits.
        """
        shared = self.shares[:, None] * weights
        total = shared.sum(axis=0)
        held = self._sums(np.ones(self.n_numbers, dtype=np.float32), shared)
        squares = self._sums(self._squared_distances(centre), shared)
        squares += (centre**2)[:, None] * np.maximum(total - held, 0.0)
        return np.vstack([squares, total]) if intercept else squares

    def _squared_distances(self, centre: Float64Array) -> Float64Array:
        """(x_ij - c_j)^2 of the entries that are held, column by column."""
        if self._distances is None or not np.array_equal(self._distances[0], centre):
            starts, _, data = self._column_parts
            self._distances = centre.copy(), (data - np.repeat(centre, np.diff(starts))) ** 2
        return self._distances[1]

    def _sums(self, data: Array, weights: Float64Array) -> Float64Array:
        """sum_i w_ik x_ij, (d, k), with ``data`` in place of the entries x, column by column."""
        starts, indices, _ = self._column_parts
        return _kernels.sparse_product(starts, indices, data, weights, self.n_threads)


def _parts(matrix: Any) -> tuple[IntArray, IntArray, Array]:
    """Return indptr, indices and data; the first two in the narrower dtype that holds them."""
    dtype = np.int32 if max(*matrix.shape, matrix.nnz) <= np.iinfo(np.int32).max else np.int64
    return matrix.indptr.astype(dtype, copy=False), matrix.indices.astype(dtype, copy=False), matrix.data

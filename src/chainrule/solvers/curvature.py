"""The softmax classifier's Hessian, whole or in part, chosen by what it costs.

The Hessian of the loss is sum_i s_i (diag(p_i) - p_i p_i^T) kron x_i x_i^T: a weighted Gram matrix of the rows for
every pair of classes. Few columns and classes: all of it is added up and factored, and a step is one solve. More:
the blocks of each class with itself, of a sample of the rows, or one block for all classes, or the diagonal; conjugate
gradients make up for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.engine import DenseRows, SparseRows
from chainrule.solvers.cholesky import FLOOR, TINY, cholesky
from chainrule.solvers.sampling import in_proportion, threshold_for
from chainrule.solvers.solution import Curvature, LinearMap

Kind: TypeAlias = Literal["full", "sampled", "per_class", "pooled", "diagonal"]

ROWS_PER_FEATURE = 20  # a Gram matrix of so many rows per column is close to that of all rows
ROWS_PER_PAIR = 10  # the same per pair of classes: the pairs share their rows as it suits them
MAX_FULL_SIZE = 3000  # rows of the whole Hessian: 72 MB, a factorisation of 9 GFLOP
MAX_BLOCK_SIZE = 3000  # the same for a block
MAX_SAMPLED_SIZE = 9000  # the same for a whole Hessian in float32: 324 MB, 243 GFLOP
MAX_FULL_PASSES = 30.0  # what the whole Hessian may cost, in passes over the rows
MAX_BLOCK_PASSES = 60.0
CALL_WORK = 1e6  # multiply-adds that a pass costs however small the data, in calls
ROW_WORK = 12.0  # the same per probability
PAIR_WORK = 400.0  # what it takes to choose rows for a class or a pair of them, in multiply-adds per row
PASS_SLOWNESS = 2.0  # of a multiply-add in a pass beside one in a matrix product
THRESHOLD_NUMBERS = 1 << 20  # weights that a sampling threshold is taken from


@dataclass(frozen=True)
class Point:
    """Where the curvature is taken, and of what.

    Attributes
    ----------
    rows
        The data.
    centre
        (d,) what is subtracted from the columns.
    probabilities
        (m, outputs).
    strength
        lambda of the penalty.
    intercept
        How strongly damping holds the intercept c (outputs,), with which the flat vector ends after W (d, outputs) row
        by row, beside the weights' 1; None without.
    """

    rows: DenseRows | SparseRows
    centre: Float64Array
    probabilities: Float64Array
    strength: float
    intercept: float | None

    @property
    def n_outputs(self) -> int:
        """Columns of W."""
        return int(self.probabilities.shape[1])

    @property
    def has_intercept(self) -> bool:
        """Whether there is an intercept."""
        return self.intercept is not None

    def added(self, strength: float, damping: float) -> Float64Array:
        """Return what penalty and damping add to the diagonal of one class, (width,)."""
        weights = np.full(len(self.centre), strength + damping)
        return weights if self.intercept is None else np.append(weights, damping * self.intercept)

    def sizes(self, diagonal: Float64Array) -> tuple[float, float]:
        """Return `Curvature.scale` and `Curvature.least` for a diagonal (width, n_blocks) of the loss's Hessian."""
        d = len(self.centre)
        scale = float(diagonal[:d].mean()) if d else 0.0
        return scale, self.strength if self.intercept is None else min(
            self.strength or scale, float(diagonal[d].min()) / self.intercept
        )


def pass_work(rows: DenseRows | SparseRows, n_outputs: int) -> float:
    """Return the multiply-adds that one pass costs, in those of a matrix product."""
    products = 2.0 * rows.n_numbers * max(1, n_outputs - 1) * PASS_SLOWNESS
    return CALL_WORK + products + ROW_WORK * rows.shape[0] * (n_outputs + 1)


def choose_kind(
    rows: DenseRows | SparseRows, n_outputs: int, intercept: bool, full: bool | None = None
) -> tuple[Kind, float]:
    """Return which part of the Hessian is worth its cost, and that cost in passes.

    ``full`` asks for all of it, or for less; None lets the cost decide.
    """
    m, d = rows.shape
    width = d + intercept
    one_pass = pass_work(rows, n_outputs)
    free = max(1, n_outputs - 1)  # classes, but for one that the others determine
    cost = (m * width**2 * free * (free + 1) / 2 + (free * width) ** 3 / 3) / one_pass
    if full or (full is None and free * width <= MAX_FULL_SIZE and cost <= MAX_FULL_PASSES):
        return "full", cost
    sampled = _rows_of_block(m, d)
    for kind, n_blocks in (("per_class", n_outputs), ("pooled", 1)):
        blocks = n_blocks * (sampled * width**2 / 2 + width**3 / 3) / one_pass
        if width <= MAX_BLOCK_SIZE and blocks <= MAX_BLOCK_PASSES:
            return kind, blocks  # type: ignore[return-value]
    return "diagonal", 1.0


def cost_of_sampled(rows: DenseRows | SparseRows, n_outputs: int, intercept: bool) -> float:
    """Return what the whole Hessian of sampled rows costs, in passes; infinite where it would be too large."""
    m, d = rows.shape
    width = d + intercept
    free = n_outputs - 1
    if free < 2 or free * width > MAX_SAMPLED_SIZE:
        return np.inf
    pairs = n_outputs * free / 2
    sampled = pairs * min(m, ROWS_PER_PAIR * width)
    work = sampled * width**2 / 2 + (free * width) ** 3 / 6 + pairs * (PAIR_WORK * m + CALL_WORK)
    return work / pass_work(rows, n_outputs)


def _rows_of_block(m: int, d: int) -> int:
    """Return how many of m rows are enough for the Gram matrix of one class, all where choosing costs as much."""
    return m if d * d <= 4.0 * PAIR_WORK else min(m, max(ROWS_PER_FEATURE * d, 8192))


def curvature_at(point: Point, kind: Kind, cost: float) -> Curvature:
    """Return the chosen part of the Hessian at a point."""
    if kind == "full":
        return _WholeHessian(point, cost, _full_hessian(point), exact=True)
    if kind == "sampled":
        return _WholeHessian(point, cost, _sampled_hessian(point), exact=False)
    if kind == "diagonal":
        return _Diagonal(point, cost)
    return _Blocks(point, cost, pooled=kind == "pooled")


def _full_hessian(point: Point) -> Float64Array:
    """All of the loss's Hessian but the last class, (free, width, free, width)."""
    free = max(1, point.n_outputs - 1)
    return hessian_blocks(point.rows, point.centre, point.probabilities[:, :free], point.has_intercept)


def hessian_blocks(
    rows: DenseRows | SparseRows, centre: Float64Array, probabilities: Float64Array, intercept: bool
) -> Float64Array:
    """Return the loss's Hessian by the coefficients of some classes, (classes, width, classes, width).

    Parameters
    ----------
    rows, centre, intercept
        See `Point`.
    probabilities
        (m, classes) of those classes.
    """
    n_classes = probabilities.shape[1]
    pairs = np.array([(k, j) for k in range(n_classes) for j in range(k + 1)], dtype=np.int64)
    blocks = rows.gram(centre, probabilities, pairs=pairs, intercept=intercept, exact=True)
    width = blocks.shape[1]
    hessian = np.empty((n_classes, width, n_classes, width))
    hessian[pairs[:, 0], :, pairs[:, 1], :] = blocks
    hessian[pairs[:, 1], :, pairs[:, 0], :] = blocks
    return hessian


def _sampled_hessian(point: Point) -> Array:
    """The same in float32 from the rows that matter; the diagonal is that of all rows.

    diag(p) - p p^T = sum over the pairs k > j of p_k p_j (e_k - e_j) (e_k - e_j)^T: few rows are torn between two
    given classes, and any sample of them for each pair leaves the sum positive semi-definite.
    """
    p, shares = point.probabilities, point.rows.shares
    m, n_outputs = p.shape
    free, width = n_outputs - 1, len(point.centre) + point.has_intercept
    pairs = [(k, j) for k in range(n_outputs) for j in range(k)]
    some = slice(None, None, -(-m * len(pairs) // THRESHOLD_NUMBERS))
    weights = np.stack([shares[some] * p[some, k] * p[some, j] for k, j in pairs])
    threshold = threshold_for(weights, ROWS_PER_PAIR * width * weights.size / m)
    hessian = np.zeros((free, width, free, width), dtype=np.float32)
    for k, j in pairs:
        among, weight = in_proportion(shares * p[:, k] * p[:, j], threshold)
        (block,) = point.rows.gram(point.centre, weight[:, None], intercept=point.has_intercept, among=among)
        if k < free:
            hessian[k, :, k, :] += block
            hessian[k, :, j, :] = hessian[j, :, k, :] = -block
        hessian[j, :, j, :] += block
    diagonal = point.rows.gram(point.centre, p * (1.0 - p), intercept=point.has_intercept, diagonals=True)
    for k in range(free):
        own = np.einsum("jj->j", hessian[k, :, k, :])
        np.maximum(own, diagonal[:, k], out=own)
    return hessian


class _WholeHessian:
    """All of it, with the last class left out: the classes' steps add up to 0."""

    def __init__(self, point: Point, cost: float, hessian: Array, *, exact: bool) -> None:
        self.cost, self.exact = cost, exact
        self._point = point
        self._hessian = hessian
        self.scale, self.least = point.sizes(np.einsum("kjkj->jk", hessian).astype(np.float64))

    def factor(self, strength: float, damping: float) -> LinearMap:
        """Return the inverse of the penalised, damped Hessian, as a map."""
        point = self._point
        free, width = self._hessian.shape[:2]
        system = self._hessian.copy()
        d, added = len(point.centre), point.added(strength, damping)
        # Steps that add up to 0 over n classes, written by n - 1 of them: |step|^2 = |u|^2 + (sum u)^2, and with the
        # mean taken out |u|^2 - (sum u)^2 / n.
        between = np.eye(free) - 1.0 / point.n_outputs if point.n_outputs > 1 else np.eye(1)
        every = np.arange(width)
        system[:, every, :, every] += added[:, None, None] * between
        solve = cholesky(system.reshape(free * width, free * width), point.rows.n_threads)

        def apply(residual: Float64Array) -> Float64Array:
            columns = residual.reshape(width, point.n_outputs)
            if point.n_outputs == 1:
                return solve(residual)
            # What does not add up to 0 has no curvature but the penalty's.
            mean = columns.mean(axis=1, keepdims=True)
            steps = np.zeros((point.n_outputs, width))
            steps[:-1] = solve(np.ascontiguousarray((columns - mean)[:, :-1].T).ravel()).reshape(free, width)
            steps -= steps.mean(axis=0)
            moved = steps.T.copy()
            if d and added[0] > 0.0:
                moved[:d] += mean[:d] / added[0]
            return moved.ravel()

        return apply


class _Blocks:
    """One block per class, or their mean, of a sample of the rows; the diagonal is that of all rows.

    Without the latter a column that is 0 in all but a few rows, which the sample may have missed, would seem flat.
    """

    exact = False

    def __init__(self, point: Point, cost: float, *, pooled: bool) -> None:
        self.cost = cost
        self._point = point
        rows, p = point.rows, point.probabilities
        weights = p * (1.0 - p)
        if pooled:
            weights = weights.mean(axis=1, keepdims=True)
        enough = _rows_of_block(*rows.shape)
        self.exact = p.shape[1] == 1 and enough == len(p)
        if enough == len(p):
            self._blocks = rows.gram(point.centre, weights, intercept=point.has_intercept, exact=self.exact)
        else:
            diagonals = rows.gram(point.centre, weights, intercept=point.has_intercept, diagonals=True)
            self._blocks = np.empty((weights.shape[1], len(diagonals), len(diagonals)))
            for block, weight, diagonal in zip(self._blocks, weights.T, diagonals.T, strict=True):
                shared = rows.shares * weight
                among, kept = in_proportion(shared, threshold_for(shared, enough))
                (block[...],) = rows.gram(point.centre, kept[:, None], intercept=point.has_intercept, among=among)
                own = np.einsum("jj->j", block)
                np.maximum(own, diagonal, out=own)
        every = np.arange(self._blocks.shape[1])
        self.scale, self.least = point.sizes(self._blocks[:, every, every].T)

    def factor(self, strength: float, damping: float) -> LinearMap:
        """Return an approximate inverse of the penalised, damped Hessian, as a map."""
        point = self._point
        n_blocks, width = self._blocks.shape[:2]
        every = np.arange(width)
        solves = []
        for block in self._blocks:
            system = block.copy()
            system[every, every] += point.added(strength, damping)
            solves.append(cholesky(system, point.rows.n_threads))

        def apply(residual: Float64Array) -> Float64Array:
            columns = residual.reshape(width, point.n_outputs)
            if n_blocks == 1:
                return solves[0](columns).ravel()
            solved = np.empty_like(columns)
            for k, solve in enumerate(solves):
                solved[:, k] = solve(columns[:, k])
            return solved.ravel()

        return apply


class _Diagonal:
    """The diagonal alone."""

    exact = False

    def __init__(self, point: Point, cost: float) -> None:
        self.cost = cost
        self._point = point
        p = point.probabilities
        self._diagonal = point.rows.gram(point.centre, p * (1.0 - p), intercept=point.has_intercept, diagonals=True)
        self.scale, self.least = point.sizes(self._diagonal)

    def factor(self, strength: float, damping: float) -> LinearMap:
        """Return the inverse of the penalised, damped Hessian's diagonal, as a map."""
        diagonal = self._diagonal + self._point.added(strength, damping)[:, None]
        inverse = 1.0 / np.maximum(diagonal, FLOOR * diagonal.max(initial=TINY)).ravel()
        return lambda residual: inverse * residual

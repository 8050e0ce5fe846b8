"""The softmax classifier's Hessian, whole or in part, chosen by what it costs.

The Hessian of the loss is sum_i s_i (diag(p_i) - p_i p_i^T) kron x_i x_i^T: a weighted Gram matrix of the rows for
every pair of classes. Few columns and classes: all of it is added up and factored, and a step is one solve. More:
the blocks of each class with itself, of a sample of the rows, or one block for all classes, or the diagonal; conjugate
gradients make up for the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal, TypeAlias

import numpy as np

from chainrule._typing import Float64Array, IntArray
from chainrule.engine import DenseRows, SparseRows, _kernels
from chainrule.solvers.cholesky import cholesky
from chainrule.solvers.sampling import in_proportion, threshold_for
from chainrule.solvers.solution import Curvature, LinearMap

Kind: TypeAlias = Literal["full", "sampled", "per_class", "pooled", "diagonal"]

PRECONDITIONERS: dict[Kind, str] = {
    "sampled": "the Hessian of sampled rows",
    "per_class": "a block of the Hessian per class",
    "pooled": "one block of the Hessian for all classes",
    "diagonal": "the Hessian's diagonal",
}
ROWS_PER_FEATURE = 20  # a Gram matrix of so many rows per column is close to that of all rows
ROWS_PER_PAIR = 10  # the same per pair of classes: the pairs share their rows as it suits them
MAX_FULL_SIZE = 3000  # rows of the whole Hessian: 72 MB, a factorisation of 9 GFLOP
MAX_BLOCK_SIZE = 3000  # the same for a block
MAX_SAMPLED_SIZE = 9000  # the same for a whole Hessian in float32: 324 MB, 243 GFLOP
MAX_FULL_PASSES = 30.0  # what the whole Hessian may cost, in passes over the rows
MAX_BLOCK_PASSES = 60.0
FLOOR = 1e-14  # relative: what rounding leaves of a curvature
TINY = float(np.finfo(np.float64).tiny ** 0.5)
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
    held
        (width,) how strongly damping holds each entry of a class's column of W, and, with an intercept, of c: that
        flat vector is W (d, outputs) row by row, then c (outputs,).
    """

    rows: DenseRows | SparseRows
    centre: Float64Array
    probabilities: Float64Array
    strength: float
    held: Float64Array

    @property
    def n_outputs(self) -> int:
        """Columns of W."""
        return int(self.probabilities.shape[1])

    @property
    def has_intercept(self) -> bool:
        """Whether there is an intercept."""
        return len(self.held) > len(self.centre)

    def added(self, strength: float, damping: float) -> Float64Array:
        """Return what penalty and damping add to the diagonal of one class, (width,)."""
        added = damping * self.held
        added[: len(self.centre)] += strength
        return added


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
    size, cost = _whole(rows, n_outputs, intercept)
    if full or (full is None and size <= MAX_FULL_SIZE and cost <= MAX_FULL_PASSES):
        return "full", cost
    sampled = _rows_of_block(m, d)
    for kind, n_blocks in (("per_class", n_outputs), ("pooled", 1)):
        blocks = n_blocks * (sampled * width**2 / 2 + width**3 / 3) / one_pass
        if width <= MAX_BLOCK_SIZE and blocks <= MAX_BLOCK_PASSES:
            return kind, blocks  # type: ignore[return-value]
    return "diagonal", 1.0


def _whole(rows: DenseRows | SparseRows, n_outputs: int, intercept: bool) -> tuple[int, float]:
    """Return how many rows the whole Hessian has, and what it costs in passes."""
    m, d = rows.shape
    width = d + intercept
    free = max(1, n_outputs - 1)  # classes, but for one that the others determine
    work = m * width**2 * free * (free + 1) / 2 + (free * width) ** 3 / 3
    return free * width, work / pass_work(rows, n_outputs)


def reason_for(kind: Kind, rows: DenseRows | SparseRows, n_outputs: int, intercept: bool) -> str:
    """Return in words why this part of the Hessian was chosen, or what it was chosen instead of."""
    size, cost = _whole(rows, n_outputs, intercept)
    if kind == "full":
        price = f"about as much as {cost:,.1f} passes" if cost > 1.0 else "less than a pass"
        return f"the whole Hessian, {size:,} x {size:,}, costs {price} over the rows"
    dear = f"would cost {cost:,.0f} passes over the rows" if size <= MAX_FULL_SIZE else "is too large"
    return f"{PRECONDITIONERS[kind]} preconditions conjugate gradients; the whole Hessian, {size:,} x {size:,}, {dear}"


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


@cache
def class_pairs(n_classes: int) -> IntArray:
    """Return the pairs (k, j <= k) of classes, (n_pairs, 2), in the order (0, 0), (1, 0), (1, 1), (2, 0), ..."""
    return np.array([(k, j) for k in range(n_classes) for j in range(k + 1)], dtype=np.int64)


def _own(n_classes: int) -> list[int]:
    """Return where among the `class_pairs` each class is with itself."""
    return [k * (k + 3) // 2 for k in range(n_classes)]


def _full_hessian(point: Point) -> Float64Array:
    """All of the loss's Hessian but the last class's: blocks of the `class_pairs`, (n_pairs, width, width)."""
    free = max(1, point.n_outputs - 1)
    return point.rows.gram(
        point.centre, point.probabilities, pairs=class_pairs(free), intercept=point.has_intercept, exact=True
    )


def _sampled_hessian(point: Point) -> Float64Array:
    """The same from the rows that matter; the diagonal is that of all rows.

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
    hessian = np.zeros((len(class_pairs(free)), width, width))
    own = _own(free)
    for k, j in pairs:
        among, weight = in_proportion(shares * p[:, k] * p[:, j], threshold)
        (block,) = point.rows.gram(point.centre, weight[:, None], intercept=point.has_intercept, among=among)
        if k < free:
            hessian[own[k]] += block
            hessian[k * (k + 1) // 2 + j] = -block
        hessian[own[j]] += block
    diagonal = point.rows.gram(point.centre, p * (1.0 - p), intercept=point.has_intercept, diagonals=True)
    for k, at in enumerate(own):
        held = np.einsum("jj->j", hessian[at])
        np.maximum(held, diagonal[:, k], out=held)
    return hessian


class _Part(ABC):
    """A part of the Hessian at a point, and what `chainrule.solvers.damping.Sizes` asks of it.

    Parameters
    ----------
    point
        Where.
    cost
        Of another one, in passes.
    """

    exact = False

    def __init__(self, point: Point, cost: float) -> None:
        self.cost = cost
        self._point = point

    @abstractmethod
    def _diagonal(self) -> Float64Array:
        """Return that of the loss's Hessian, (width, n_blocks)."""

    @abstractmethod
    def factor(self, strength: float, damping: float) -> LinearMap:
        """Return an inverse of the penalised, damped Hessian, as a map; approximate where this is not all of it."""

    @cached_property
    def scale(self) -> float:
        """Mean curvature along the weights."""
        weights = self._diagonal()[: len(self._point.centre)]
        return float(weights.mean()) if weights.size else 0.0

    @cached_property
    def least(self) -> float:
        """The penalty, or the curvature along the intercept by what damping does to it, where that is less."""
        point = self._point
        if not point.has_intercept:
            return point.strength
        intercept = float(self._diagonal()[-1].min()) / float(point.held[-1])
        return min(point.strength or self.scale, intercept)

    @property
    def felt(self) -> float:
        """The penalty, where there is one."""
        return self._point.strength or self.least


class _WholeHessian(_Part):
    """All of it, with the last class left out: the classes' steps add up to 0. In float32 where it is an estimate."""

    def __init__(self, point: Point, cost: float, blocks: Float64Array, *, exact: bool) -> None:
        super().__init__(point, cost)
        self.exact = exact
        self._blocks = blocks

    def _diagonal(self) -> Float64Array:
        own: Float64Array = np.einsum("kjj->jk", self._blocks[_own(max(1, self._point.n_outputs - 1))])
        return own

    def factor(self, strength: float, damping: float) -> LinearMap:
        """Return the inverse of the penalised, damped Hessian, as a map."""
        point = self._point
        return _kernels.SoftmaxSystem(
            self._blocks, point.added(strength, damping), n_features=len(point.centre), n_outputs=point.n_outputs,
            single=not self.exact, n_threads=point.rows.n_threads,
        ).solve  # fmt: skip


class _Blocks(_Part):
    """One block per class, or their mean, of a sample of the rows; the diagonal is that of all rows.

    Without the latter a column that is 0 in all but a few rows, which the sample may have missed, would seem flat.
    """

    def __init__(self, point: Point, cost: float, *, pooled: bool) -> None:
        super().__init__(point, cost)
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

    def _diagonal(self) -> Float64Array:
        own: Float64Array = np.einsum("kjj->jk", self._blocks)
        return own

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


class _Diagonal(_Part):
    """The diagonal alone."""

    def __init__(self, point: Point, cost: float) -> None:
        super().__init__(point, cost)
        p = point.probabilities
        self._of_loss = point.rows.gram(point.centre, p * (1.0 - p), intercept=point.has_intercept, diagonals=True)

    def _diagonal(self) -> Float64Array:
        return self._of_loss

    def factor(self, strength: float, damping: float) -> LinearMap:
        """Return the inverse of the penalised, damped Hessian's diagonal, as a map."""
        diagonal = self._of_loss + self._point.added(strength, damping)[:, None]
        inverse = 1.0 / np.maximum(diagonal, FLOOR * diagonal.max(initial=TINY)).ravel()
        return lambda residual: inverse * residual

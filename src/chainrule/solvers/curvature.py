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

from chainrule._typing import Float64Array
from chainrule.engine import DenseRows, SparseRows
from chainrule.solvers.cholesky import FLOOR, TINY, cholesky
from chainrule.solvers.solution import Curvature, LinearMap

Kind: TypeAlias = Literal["full", "per_class", "pooled", "diagonal"]

ROWS_PER_FEATURE = 20  # a Gram matrix of so many rows per column is close to that of all rows
MAX_FULL_SIZE = 3000  # rows of the whole Hessian: 72 MB, a factorisation of 9 GFLOP
MAX_BLOCK_SIZE = 3000  # the same for a block
MAX_FULL_PASSES = 30.0  # what the whole Hessian may cost, in passes over the rows
MAX_BLOCK_PASSES = 60.0
CALL_WORK = 1e6  # multiply-adds that a pass costs however small the data, in calls
ROW_WORK = 12.0  # the same per probability
PASS_SLOWNESS = 2.0  # of a multiply-add in a pass beside one in a matrix product


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

    def added(self, damping: float) -> Float64Array:
        """Return what penalty and damping add to the diagonal of one class, (width,)."""
        weights = np.full(len(self.centre), self.strength + damping)
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
    sampled = m / sampling_step(rows)
    for kind, n_blocks in (("per_class", n_outputs), ("pooled", 1)):
        blocks = n_blocks * (sampled * width**2 / 2 + width**3 / 3) / one_pass
        if width <= MAX_BLOCK_SIZE and blocks <= MAX_BLOCK_PASSES:
            return kind, blocks  # type: ignore[return-value]
    return "diagonal", 1.0


def sampling_step(rows: DenseRows | SparseRows) -> int:
    """Return k where every k-th row is enough for a Gram matrix that need not be exact."""
    m, d = rows.shape
    return max(1, m // max(ROWS_PER_FEATURE * d, 8192))


def curvature_at(point: Point, kind: Kind, cost: float) -> Curvature:
    """Return the chosen part of the Hessian at a point."""
    if kind == "full":
        return _FullHessian(point, cost)
    if kind == "diagonal":
        return _Diagonal(point, cost)
    return _Blocks(point, cost, pooled=kind == "pooled")


class _FullHessian:
    """All of it, with the last class left out: the classes' steps add up to 0."""

    exact = True

    def __init__(self, point: Point, cost: float) -> None:
        self.cost = cost
        self._point = point
        free = max(1, point.n_outputs - 1)
        width = len(point.centre) + point.has_intercept
        pairs = np.array([(k, j) for k in range(free) for j in range(k + 1)], dtype=np.int64)
        blocks = point.rows.gram(
            point.centre, point.probabilities, pairs=pairs, intercept=point.has_intercept, exact=True
        )
        hessian = np.empty((free, width, free, width))
        hessian[pairs[:, 0], :, pairs[:, 1], :] = blocks
        hessian[pairs[:, 1], :, pairs[:, 0], :] = blocks
        self._hessian = hessian
        diagonal = np.einsum("kjkj->kj", hessian)
        self.scale, self.least = point.sizes(diagonal.T)

    def factor(self, damping: float) -> LinearMap:
        """Return the inverse of the Hessian of the objective with ``damping`` on the weights' diagonal, as a map."""
        point = self._point
        free, width = self._hessian.shape[:2]
        system = self._hessian.copy()
        d, added = len(point.centre), point.added(damping)
        # Steps that add up to 0 over n classes, written by n - 1 of them: |step|^2 = |u|^2 + (sum u)^2, and with the
        # mean taken out |u|^2 - (sum u)^2 / n.
        between = np.eye(free) - 1.0 / point.n_outputs if point.n_outputs > 1 else np.eye(1)
        every = np.arange(width)
        system[:, every, :, every] += added[:, None, None] * between
        solve = cholesky(system.reshape(free * width, free * width))

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
        self.exact = p.shape[1] == 1 and sampling_step(rows) == 1
        step = sampling_step(rows)
        self._blocks = rows.gram(point.centre, weights, intercept=point.has_intercept, exact=self.exact, step=step)
        width = self._blocks.shape[1]
        every = np.arange(width)
        if step > 1:
            diagonals = rows.gram(point.centre, weights, intercept=point.has_intercept, diagonals=True)
            sampled = self._blocks[:, every, every]
            self._blocks[:, every, every] = np.maximum(sampled, diagonals.T)
        self.scale, self.least = point.sizes(self._blocks[:, every, every].T)

    def factor(self, damping: float) -> LinearMap:
        """Return an approximate inverse of the damped Hessian, as a map."""
        point = self._point
        n_blocks, width = self._blocks.shape[:2]
        every = np.arange(width)
        solves = []
        for block in self._blocks:
            system = block.copy()
            system[every, every] += point.added(damping)
            solves.append(cholesky(system))

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

    def factor(self, damping: float) -> LinearMap:
        """Return the inverse of the damped Hessian's diagonal, as a map."""
        diagonal = self._diagonal + self._point.added(damping)[:, None]
        inverse = 1.0 / np.maximum(diagonal, FLOOR * diagonal.max(initial=TINY)).ravel()
        return lambda residual: inverse * residual

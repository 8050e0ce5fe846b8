"""Whether the likelihood has a maximum at all, where no penalty holds the coefficients.

It has none if and only if there is a direction of recession (Albert and Anderson 1984, "On the existence of maximum
likelihood estimates in logistic regression models"): coefficients D such that in every row the own class's logit is
at least every other's, and in some row above one. If that holds of all rows and classes separation is complete, else
quasi-complete: Newton's method then converges in value, while some coefficients grow for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import DenseRows, SparseRows

MAX_SIZE = 2000  # coefficients whose Hessian is factored
MAX_NUMBERS = 4_000_000  # of the linear program's constraints
RANK = 1e-11  # relative: a pivot below is taken for 0; well above what rounding leaves
INTERIOR = 0.5  # far from 1, where a probability would reach 0
ZERO = 1e-6  # a margin below may be the linear program's tolerance (1e-7); rows are scaled to reach 1
EXACT = 1e-9  # a margin that is to be 0, after the projection onto those


@dataclass(frozen=True)
class Separation:
    """What can be told apart by a direction of recession.

    Attributes
    ----------
    columns
        Those that the direction moves along, those that it moves along most (in their own deviations) first.
    classes
        Pairs of a class and another that some rows of it are told apart from.
    complete
        Whether all rows are, from all other classes.
    """

    columns: IntArray
    classes: tuple[tuple[int, int], ...]
    complete: bool


def find_separation(
    rows: DenseRows | SparseRows, weights: Float64Array, bias: Float64Array | None
) -> Separation | None:
    """Return what has no maximum of the likelihood, at coefficients where Newton's method has converged.

    None where there is a maximum, and where that can't be told at a moderate cost.

    Parameters
    ----------
    rows
        Labels of 0..K-1, shares that sum to 1.
    weights, bias
        (d, K) and (K,), or for two classes (d, 1) and (1,); without intercept ``bias`` is None.
    """
    counting = np.flatnonzero(rows.shares > 0.0)
    free = max(weights.shape[1] - 1, 1)  # what classes have in common moves nothing: the first one stays at 0
    if (rows.shape[1] + 1) * free > MAX_SIZE or has_maximum(rows, weights, bias):
        return None
    if len(counting) * free * 2 * (rows.shape[1] + 1) > MAX_NUMBERS:
        return None
    return recession(_scaled(rows, counting, bias is not None), rows.labels[counting], free + 1)


def has_maximum(rows: DenseRows | SparseRows, weights: Float64Array, bias: Float64Array | None) -> bool:
    """Return whether a Newton step, which is what it costs, proves that there is a maximum.

    Let p be the model's probabilities and t Newton's step from there. Then p'_ik = p_ik (1 + e_ik) with
    e_ik = x_i t_k - sum_j p_ij x_i t_j makes the gradient 0: sum_i s_i (p'_ik - y_ik) x_i = 0. If no e reaches -1, all
    p' are positive, and for a direction D with margins m_ik = x_i (D_y - D_k) >= 0 in every row
    0 = sum_i s_i sum_k (y_ik - p'_ik) x_i D_k = sum_i s_i sum_k p'_ik m_ik: every margin is 0, D is none of recession.
    Where there is one, some e is at most -1; so the step tells, as far as it solves the system: rounding lets it where
    the Hessian has as many pivots above it as the columns have.
    """
    m, d = rows.shape
    outputs = weights.shape[1]
    reference = outputs == 1
    has_intercept = bias is not None
    p = np.empty((m, outputs))
    bias = np.zeros(outputs) if bias is None else bias
    _, d_weight, d_bias = rows.value_and_gradient(weights, bias, p)
    centre = rows.means if has_intercept else np.zeros(d)
    free = np.arange(0 if reference else 1, outputs)
    pairs = np.array([(k, j) for k in free for j in free if j <= k], dtype=np.int64)
    blocks = rows.gram(centre, p, pairs=pairs, intercept=has_intercept, exact=True)
    width = blocks.shape[1]
    hessian = np.empty((len(free), width, len(free), width))
    for (k, j), block in zip(pairs - free[0], blocks, strict=True):
        hessian[k, :, j], hessian[j, :, k] = block, block.T
    gradient = d_weight - np.outer(centre, d_bias)
    if has_intercept:
        gradient = np.vstack([gradient, d_bias])
    size = len(free) * width
    step, rank = _solve(hessian.reshape(size, size), -gradient[:, free].T.ravel())
    if rank < size:
        columns = rows.gram(centre, np.ones((m, 1)), intercept=has_intercept, exact=True)[0]
        if rank < len(free) * _solve(columns, np.zeros(width))[1]:
            return False
    t = np.zeros((width, outputs))
    t[:, free] = step.reshape(len(free), width).T
    offset = (t[d] if has_intercept else 0.0) - centre @ t[:d]
    for first in range(0, m, 8192):
        part = slice(first, first + 8192)
        moved = np.asarray(rows.X[part] @ t[:d] + offset)
        change = (
            moved * np.maximum(p[part], 1.0 - p[part]) if reference else moved - (p[part] * moved).sum(axis=1)[:, None]
        )
        if (np.abs(change).max(axis=1) > INTERIOR)[rows.shares[part] > 0.0].any():
            return False
    return True


def recession(X: Array, labels: IntArray, n_classes: int) -> Separation | None:
    """Return a direction of recession of as many rows as there is one of, None without: a linear program.

    It maximises the sum of all margins x_i (D_y - D_k), none of them negative, within -1 <= D <= 1. What it finds is
    checked: the margins that are 0 within its tolerance are made so by a projection, after which none may be negative.

    Parameters
    ----------
    X, labels
        (m, width) rows whose largest entry is 1, with a column for the intercept if there is one, (m,).
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    width = X.shape[1]
    row, other = np.nonzero(np.arange(n_classes)[None, :] != labels[:, None])
    own, place = labels[row], np.arange(len(row))
    by_class = np.zeros((len(row), n_classes, width))
    by_class[place, own] = X[row]
    by_class[place, other] = -X[row]
    margins = by_class[:, 1:].reshape(len(row), -1)
    solved = linprog(
        -margins.mean(axis=0), A_ub=csr_array(-margins), b_ub=np.zeros(len(row)), bounds=(-1.0, 1.0), method="highs"
    )
    if solved.x is None:
        return None
    direction = solved.x
    size = margins @ direction
    zero = np.abs(size) <= ZERO
    if zero.all():
        return None
    if zero.any():
        held = margins[zero]
        direction = direction - np.linalg.lstsq(held, held @ direction, rcond=None)[0]
        size = margins @ direction
    if np.abs(size[zero]).max(initial=0.0) > EXACT or size[~zero].min() <= ZERO / 2.0:
        return None
    length = np.abs(direction.reshape(n_classes - 1, width)).max(axis=0)
    columns = np.argsort(-length, kind="stable")
    apart = sorted({(int(k), int(j)) for k, j in zip(own[~zero], other[~zero], strict=True)})
    return Separation(columns[length[columns] > ZERO], tuple(apart), bool(not zero.any()))


def _scaled(rows: DenseRows | SparseRows, counting: IntArray, has_intercept: bool) -> Float64Array:
    """Return the rows that count in deviations of their columns, centred where there is an intercept, to reach 1."""
    held: Any = rows.X[counting]
    dense = np.asarray(held.toarray() if hasattr(held, "toarray") else held, dtype=np.float64)
    if has_intercept:
        dense = dense - rows.means
    dense = dense / np.where(rows.deviations > 0.0, rows.deviations, 1.0)
    if has_intercept:
        dense = np.hstack([dense, np.ones((len(dense), 1))])
    largest = np.maximum(np.abs(dense).max(axis=1, initial=0.0), np.finfo(np.float64).tiny)
    scaled: Float64Array = dense / largest[:, None]
    return scaled


def _solve(system: Float64Array, right: Float64Array) -> tuple[Float64Array, int]:
    """Return a solution of a positive semi-definite system, 0 where pivots are, and its rank."""
    from scipy.linalg.lapack import dpstrf, dtrtrs

    diagonal = system.diagonal()
    scale = np.where(diagonal > 0.0, 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0)), 0.0)
    factor, pivots, rank, _ = dpstrf(system * scale[:, None] * scale, tol=RANK, lower=1)
    if rank == 0:
        return np.zeros(len(right)), 0
    chosen = pivots[:rank] - 1
    lower = factor[:rank, :rank]
    half, _ = dtrtrs(lower, (scale * right)[chosen], lower=1)
    solved, _ = dtrtrs(lower, half, lower=1, trans=1)
    solution = np.zeros(len(right))
    solution[chosen] = solved * scale[chosen]
    return solution, int(rank)

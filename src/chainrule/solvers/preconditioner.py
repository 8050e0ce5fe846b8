"""Approximate inverses of the softmax classifier's Hessian, chosen by what they cost.

The Hessian is sum_i s_i (diag(p_i) - p_i p_i^T) kron x_i x_i^T + lambda I. Its diagonal blocks, one per class, are
weighted Gram matrices of the rows. With one logit the block is the whole Hessian.
"""

from __future__ import annotations

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.solvers.solution import LinearMap

MAX_FEATURES_PER_CLASS = 200  # beyond, one block per class costs more than the passes it saves
MAX_FEATURES_POOLED = 3000  # beyond, even one block (8 d^2 bytes, d^3 / 3 operations) does
ROWS_PER_FEATURE = 20  # a Gram matrix of so many rows per column is close to that of all rows
CHUNK = 4096  # rows that are converted to float64 at a time
PRODUCT_SIZE = 2**20  # numbers in the larger factor of a Gram product: 8 MB


def choose_preconditioner(
    X: Array,
    means: Float64Array,
    probabilities: Array,
    shares: Float64Array,
    *,
    strength: float,
    fit_intercept: bool,
) -> LinearMap:
    """Return a map from residuals to steps, both flat: W (d, outputs) row by row, then the intercept (outputs,).

    Parameters
    ----------
    X, means
        (m, d) rows and (d,) what to subtract from them.
    probabilities, shares
        (m, outputs) at the current point; (m,) weights that sum to 1.
    strength
        lambda of the penalty.
    fit_intercept
        Whether the flat vector ends with an intercept.
    """
    n_rows, n_features = X.shape
    n_outputs = probabilities.shape[1]
    exact = n_outputs == 1
    step = 1 if exact else max(1, n_rows // max(ROWS_PER_FEATURE * n_features, 2 * CHUNK))
    rows = slice(None, None, step)
    p = np.asarray(probabilities[rows], dtype=np.float64)
    curvatures = shares[rows, None] * p * (1.0 - p)
    sampled = float(shares[rows].sum())
    if sampled > 0.0:
        curvatures /= sampled
    if n_features > MAX_FEATURES_POOLED:
        return _diagonal(X[rows], means, curvatures, strength, fit_intercept)
    if n_features > MAX_FEATURES_PER_CLASS and not exact:
        curvatures = curvatures.mean(axis=1, keepdims=True)
    blocks = _gram_blocks(X[rows], means, curvatures, fit_intercept)
    return _block_map(blocks, n_features, n_outputs, strength, fit_intercept)


def weighted_means(X: Array, shares: Float64Array) -> Float64Array:
    """Return sum_i s_i x_i, (d,), summed in float64 without a float64 copy of all rows."""
    means = np.zeros(X.shape[1])
    for start in range(0, len(X), CHUNK):
        means += shares[start : start + CHUNK] @ np.asarray(X[start : start + CHUNK], dtype=np.float64)
    return means


def _gram_blocks(X: Array, means: Float64Array, curvatures: Float64Array, fit_intercept: bool) -> Float64Array:
    """Return sum_i h_ik x_i x_i^T for every column k of ``curvatures``; with an intercept x_i ends in 1.

    All blocks come from one product per chunk of rows, X^T [h_1 X, h_2 X, ...]: many small ones would cost more in
    calls than in arithmetic.
    """
    width, n_blocks = X.shape[1] + fit_intercept, curvatures.shape[1]
    n_rows = min(len(X), max(256, PRODUCT_SIZE // (width * n_blocks)))
    blocks = np.zeros((width, n_blocks, width))
    rows = np.ones((n_rows, width))
    weighted = np.empty((n_rows, n_blocks, width))
    for start in range(0, len(X), n_rows):
        part = X[start : start + n_rows]
        centred, scaled = rows[: len(part)], weighted[: len(part)]
        np.subtract(part, means, out=centred[:, : X.shape[1]])
        np.multiply(centred[:, None, :], curvatures[start : start + n_rows, :, None], out=scaled)
        blocks += (centred.T @ scaled.reshape(len(part), -1)).reshape(blocks.shape)
    return np.ascontiguousarray(blocks.transpose(1, 0, 2))


def _block_map(
    blocks: Float64Array, n_features: int, n_outputs: int, strength: float, fit_intercept: bool
) -> LinearMap:
    from scipy.linalg import cho_solve

    factors = [_factor(block, n_features, strength) for block in blocks]

    def apply(residual: Float64Array) -> Float64Array:
        columns = residual.reshape(n_features + fit_intercept, n_outputs)
        if len(factors) == 1:
            solved = cho_solve(factors[0], columns, check_finite=False)
        else:
            solved = np.stack(
                [cho_solve(factor, columns[:, k], check_finite=False) for k, factor in enumerate(factors)], axis=1
            )
        return np.ascontiguousarray(solved).ravel()

    return apply


def _factor(block: Float64Array, n_features: int, strength: float) -> tuple[Float64Array, bool]:
    """Return the Cholesky factor of block + lambda I, with as little extra on the diagonal as it takes."""
    from scipy.linalg import LinAlgError, cho_factor

    diagonal = block.diagonal().copy()
    diagonal[:n_features] += strength
    # Classes that are predicted surely have no curvature left: the floor keeps their block definite.
    extra = 1e-14 * float(diagonal.max(initial=0.0)) + np.finfo(np.float64).tiny ** 0.5
    for _ in range(20):
        np.fill_diagonal(block, diagonal + extra)
        try:
            factor: tuple[Float64Array, bool] = cho_factor(block, lower=True, check_finite=False)
            return factor
        except LinAlgError:
            extra *= 10.0
    return np.diag(np.sqrt(diagonal + extra)), True


def _diagonal(
    X: Array, means: Float64Array, curvatures: Float64Array, strength: float, fit_intercept: bool
) -> LinearMap:
    """Return the inverse of the Hessian's diagonal, as a map."""
    squares = np.zeros((X.shape[1], curvatures.shape[1]))
    for start in range(0, len(X), CHUNK):
        centred = np.asarray(X[start : start + CHUNK], dtype=np.float64) - means
        squares += (centred * centred).T @ curvatures[start : start + CHUNK]
    diagonal = squares + strength
    if fit_intercept:
        diagonal = np.vstack([diagonal, curvatures.sum(axis=0)])
    diagonal += 1e-14 * diagonal.max(initial=0.0) + np.finfo(np.float64).tiny ** 0.5
    inverse = 1.0 / diagonal.ravel()
    return lambda residual: inverse * residual

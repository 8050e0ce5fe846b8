"""Covariances of a fitted softmax classifier's contrasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_array

from chainrule._typing import Float64Array
from chainrule.errors import InputError
from chainrule.inference.fitted import FittedSoftmax

COVARIANCES = ("nonrobust", "HC0", "HC1", "cluster")
RANK_TOLERANCE = 1e-12  # relative, of a pivot: rounding in a matrix that was added up in float64
MAX_SIZE = 20_000  # rows of the covariance: 3.2 GB


@dataclass(frozen=True, eq=False)
class Covariance:
    """Covariance of the selected columns' contrasts.

    Attributes
    ----------
    matrix
        (n, n), class by class, the columns as they are.
    inverse
        (n, n) of information plus penalty, the columns centred as `FittedSoftmax.information` has them.
    condition_number
        Of the information with the penalty, scaled to a unit diagonal, by the 1-norm (an estimate).
    effective_df
        Trace of the information over information plus penalty: the number of coefficients where there is no penalty.
    """

    matrix: Float64Array
    inverse: Float64Array
    condition_number: float
    effective_df: float


def covariance_of(fitted: FittedSoftmax, kind: str, groups: Any = None) -> Covariance:
    """Return the covariance, and what its matrix was like.

    ``nonrobust`` is the inverse of information plus penalty H; ``HC0`` the sandwich H^-1 M H^-1 with M the sum of
    outer products of the rows' scores (Huber 1967; White 1982, "Maximum likelihood estimation of misspecified
    models"); ``HC1`` that times n / (n - parameters); ``cluster`` with M from the clusters' sums of scores, times
    G / (G - 1) (n - 1) / (n - parameters) for G clusters.

    Raises
    ------
    InputError
        If the information is singular (named: the columns), too large, or ``groups`` doesn't fit.
    """
    if kind not in COVARIANCES:
        raise InputError(f"cov_type must be one of {', '.join(COVARIANCES)}, got {kind!r}")
    size = len(fitted.others) * (fitted.rows.shape[1] + fitted.has_intercept)
    if size > MAX_SIZE:
        raise InputError(
            f"{size:,} coefficients have a covariance of {size:,} x {size:,} numbers, more than fits: "
            f"at most {MAX_SIZE:,} can be tested together. Select columns first, by an l1 penalty for instance"
        )
    if (groups is not None) != (kind == "cluster"):
        raise InputError('cov_type="cluster" and groups= belong together: give both or neither')
    inverse, condition = _invert(fitted, fitted.information + fitted.penalty)
    effective = float(size) if fitted.l2 == 0.0 else float((inverse * fitted.information).sum())
    covariance = inverse
    if kind != "nonrobust":
        meat = _of_clusters(fitted, groups) if kind == "cluster" else _of_rows(fitted)
        covariance = inverse @ meat @ inverse
        n = float(fitted.counts.sum())
        if kind != "HC0":
            covariance *= (n if kind == "HC1" else n - 1.0) / max(n - size, 1.0)
    return Covariance(fitted.uncentre(covariance), inverse, condition, effective)


def _invert(fitted: FittedSoftmax, matrix: Float64Array) -> tuple[Float64Array, float]:
    if not len(matrix):
        return matrix, 1.0
    diagonal = matrix.diagonal()
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    scaled = matrix * scale[:, None] * scale
    scaled[np.diag_indices_from(scaled)] = diagonal * scale**2
    norm = float(np.abs(scaled).sum(axis=0).max())
    factor, pivots, rank, _ = lapack.dpstrf(scaled, lower=1, tol=RANK_TOLERANCE)
    if rank < len(scaled):
        raise InputError(_singular(fitted, np.asarray(pivots[rank:]) - 1))
    reciprocal, _ = lapack.dpocon(factor, norm, uplo="L")
    inverse, _ = lapack.dpotri(factor, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    order = np.argsort(pivots)
    inverse = inverse[np.ix_(order, order)] * scale[:, None] * scale
    return inverse, 1.0 / max(float(reciprocal), float(np.finfo(np.float64).tiny))


def _singular(fitted: FittedSoftmax, left_over: Any) -> str:
    width = fitted.rows.shape[1] + fitted.has_intercept
    names = [name for name, chosen in zip(fitted.names, fitted.is_selected, strict=False) if chosen]
    names += ["the intercept"] if fitted.has_intercept else []
    found = list(dict.fromkeys(names[i % width] for i in left_over))
    shown = ", ".join(repr(name) for name in found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    return (
        f"there are no standard errors: the information matrix is singular along {shown}. Either these columns are "
        "constant or follow from others (leave them out), or the classes can be told apart without an error; "
        "a finite C holds them; or these are not the rows that it was trained on"
    )


def _of_rows(fitted: FittedSoftmax) -> Float64Array:
    """Sum of the outer products of the rows' scores."""
    r = fitted.residuals
    free = r.shape[1]
    pairs = [(k, j) for k in range(free) for j in range(k + 1)]
    products = np.stack([r[:, k] * r[:, j] for k, j in pairs], axis=1)
    blocks = fitted.rows.gram(fitted.centre, products, intercept=fitted.has_intercept, exact=True)
    width = blocks.shape[1]
    meat = np.empty((free, width, free, width))
    for (k, j), block in zip(pairs, blocks, strict=True):
        meat[k, :, j, :] = meat[j, :, k, :] = block
    return meat.reshape(free * width, free * width)


def _of_clusters(fitted: FittedSoftmax, groups: Any) -> Float64Array:
    """Sum of the outer products of the clusters' scores, G / (G - 1) times."""
    codes = np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    if len(codes) != len(fitted.labels):
        raise InputError(f"groups must name a cluster for each of the {len(fitted.labels)} rows, got {len(codes)}")
    n_clusters = int(codes.max()) + 1
    if n_clusters < 2:
        raise InputError("groups must name at least two clusters, got one")
    X = fitted.rows.X
    columns = []
    for residual in fitted.residuals.T:
        weighted = csr_array(
            (fitted.counts * residual, (codes, np.arange(len(codes)))), shape=(n_clusters, len(codes))
        )  # fmt: skip
        totals = np.asarray(weighted.sum(axis=1)).reshape(-1, 1)
        sums = weighted @ X
        dense = np.asarray(sums if isinstance(sums, np.ndarray) else sums.toarray(), dtype=np.float64)
        centred = dense - totals * fitted.centre
        columns.append(np.hstack([centred, totals]) if fitted.has_intercept else centred)
    scores = np.hstack(columns)
    return np.asarray(scores.T @ scores * (n_clusters / (n_clusters - 1.0)), dtype=np.float64)

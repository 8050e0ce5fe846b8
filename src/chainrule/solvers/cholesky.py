"""Solving symmetric systems that rounding may have made singular."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.solvers.solution import LinearMap

FLOOR = 1e-14  # relative: what rounding leaves of a curvature
SINGLE_FLOOR = 1e-7  # in float32
TINY = float(np.finfo(np.float64).tiny ** 0.5)


def cholesky(system: Array) -> LinearMap:
    """Return the inverse of a symmetric positive semi-definite matrix as a map, with as little added as it takes.

    The matrix, float64 or float32, is scaled to a unit diagonal first, so that columns of any size count alike; it is
    overwritten. The map takes and gives float64.
    """
    from scipy.linalg import get_lapack_funcs

    potrf, potrs = get_lapack_funcs(("potrf", "potrs"), (system,))
    diagonal = system.diagonal().astype(np.float64)
    largest = float(diagonal.max(initial=0.0))
    scale = np.sqrt(np.where(diagonal > FLOOR**2 * largest, diagonal, max(largest, TINY)))
    inverse = 1.0 / scale
    system *= inverse[:, None].astype(system.dtype)
    system *= inverse.astype(system.dtype)
    every = np.arange(len(system))
    extra = FLOOR if system.dtype == np.float64 else SINGLE_FLOOR
    for _ in range(16):
        system[every, every] = 1.0 + extra
        factor, failed = potrf(system, lower=1, clean=0)
        if not failed:
            break
        extra *= 10.0
    else:
        return lambda residual: residual * (inverse**2 if residual.ndim == 1 else (inverse**2)[:, None])

    def apply(residual: Float64Array) -> Float64Array:
        scaled = residual * (inverse if residual.ndim == 1 else inverse[:, None])
        solved, _ = potrs(factor, scaled.astype(factor.dtype, copy=False), lower=1)
        found: Float64Array = solved * (inverse if residual.ndim == 1 else inverse[:, None])
        return found

    return apply

"""Solving symmetric systems that rounding may have made singular."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Float64Array
from chainrule.solvers.solution import LinearMap

FLOOR = 1e-14  # relative: what rounding leaves of a curvature
TINY = float(np.finfo(np.float64).tiny ** 0.5)


def cholesky(system: Float64Array) -> LinearMap:
    """Return the inverse of a symmetric positive semi-definite matrix as a map, with as little added as it takes.

    The matrix is scaled to a unit diagonal first, so that columns of any size count alike; it is overwritten.
    """
    from scipy.linalg import lapack

    diagonal = system.diagonal()
    largest = float(diagonal.max(initial=0.0))
    scale = np.sqrt(np.where(diagonal > FLOOR**2 * largest, diagonal, max(largest, TINY)))
    inverse = 1.0 / scale
    system *= inverse[:, None]
    system *= inverse
    every = np.arange(len(system))
    extra = FLOOR
    for _ in range(16):
        system[every, every] = 1.0 + extra
        factor, failed = lapack.dpotrf(system, lower=1, clean=0)
        if not failed:
            break
        extra *= 10.0
    else:
        return lambda residual: residual * (inverse**2 if residual.ndim == 1 else (inverse**2)[:, None])

    def apply(residual: Float64Array) -> Float64Array:
        scaled = residual * (inverse if residual.ndim == 1 else inverse[:, None])
        solved, _ = lapack.dpotrs(factor, scaled, lower=1)
        solved *= inverse if residual.ndim == 1 else inverse[:, None]
        found: Float64Array = solved
        return found

    return apply

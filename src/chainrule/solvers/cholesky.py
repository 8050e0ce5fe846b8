"""Solving symmetric systems that rounding may have made singular."""

from __future__ import annotations

from chainrule._typing import Array
from chainrule.engine import _kernels
from chainrule.solvers.solution import LinearMap


def cholesky(system: Array, n_threads: int = 0) -> LinearMap:
    """Return the inverse of a symmetric positive semi-definite matrix as a map, with as little added as it takes.

    The matrix (n, n), float64 or float32, is scaled to a unit diagonal first, so that columns of any size count alike.
    The map takes and gives float64, (n,) or (n, n_columns).
    """
    return _kernels.Cholesky(system, n_threads=n_threads).solve

"""Solving symmetric systems that rounding may have made singular."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.engine import hardware_threads
from chainrule.solvers.solution import LinearMap

FLOOR = 1e-14  # relative: what rounding leaves of a curvature
SINGLE_FLOOR = 1e-7  # in float32
TINY = float(np.finfo(np.float64).tiny ** 0.5)
TILE = 512  # rows of a tile of a large matrix
MAX_WHOLE = 2 * TILE  # rows of a matrix that isn't worth cutting up


def cholesky(system: Array, n_threads: int = 0) -> LinearMap:
    """Return the inverse of a symmetric positive semi-definite matrix as a map, with as little added as it takes.

    The matrix, float64 or float32, is scaled to a unit diagonal first, so that columns of any size count alike; it is
    overwritten. The map takes and gives float64. With BLAS held to one thread neither depends on ``n_threads``
    (0: all cores).
    """
    from scipy.linalg import get_blas_funcs, get_lapack_funcs

    (potrs,) = get_lapack_funcs(("potrs",), (system,))
    (trsv,) = get_blas_funcs(("trsv",), (system,))
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
        lower = _factored(system, n_threads)
        if lower is not None:
            break
        extra *= 10.0
    else:
        return lambda residual: residual * (inverse**2 if residual.ndim == 1 else (inverse**2)[:, None])
    upper = lower.T  # column by column, as LAPACK wants it

    def apply(residual: Float64Array) -> Float64Array:
        across = inverse if residual.ndim == 1 else inverse[:, None]
        scaled = (residual * across).astype(upper.dtype, copy=False)
        if residual.ndim == 1:  # potrs is made for many right-hand sides: for one it takes four times as long
            solved = trsv(upper, trsv(upper, scaled, trans=1))
        else:
            solved, _ = potrs(upper, scaled)
        found: Float64Array = solved * across
        return found

    return apply


def _factored(system: Array, n_threads: int) -> Array | None:
    """Return the factor in the lower triangle of a new array, whose upper one is left to chance; None if there is none.

    LAPACK's potrf for tiles on the diagonal; the products that bring the rest up to date, which are nearly all of the
    work, are shared out among threads (right-looking: Golub and Van Loan 2013, "Matrix Computations", 4.2.9).
    """
    from scipy.linalg import get_lapack_funcs

    potrf, trtri = get_lapack_funcs(("potrf", "trtri"), (system,))
    n = len(system)
    if n <= MAX_WHOLE:
        factor, failed = potrf(system.T, lower=0, clean=0)
        return None if failed else factor.T
    lower = system.copy()
    tiles = [slice(first, min(first + TILE, n)) for first in range(0, n, TILE)]
    with ThreadPoolExecutor(n_threads or hardware_threads()) as pool:
        for done, own in enumerate(tiles):
            factor, failed = potrf(lower[own, own], lower=1, clean=1)
            if failed:
                return None
            lower[own, own] = factor
            inverse, _ = trtri(factor, lower=1)
            below = tiles[done + 1 :]

            def finish(rows: slice, own: slice = own, inverse: Array = inverse) -> None:
                lower[rows, own] = lower[rows, own] @ inverse.T

            def update(tile: tuple[slice, slice], own: slice = own) -> None:
                rows, columns = tile
                lower[rows, columns] -= lower[rows, own] @ lower[columns, own].T

            _do_all(pool, finish, below)
            _do_all(pool, update, [(rows, columns) for i, rows in enumerate(below) for columns in below[: i + 1]])
    return lower


def _do_all(pool: ThreadPoolExecutor, task: Callable[[Any], None], over: Iterable[Any]) -> None:
    for _ in pool.map(task, over):
        pass

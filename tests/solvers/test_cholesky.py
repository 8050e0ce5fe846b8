"""The factorisation that large systems are cut into tiles for."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from chainrule.solvers.cholesky import MAX_WHOLE, TILE, cholesky


def _system(n, dtype):
    rng = np.random.default_rng(n)
    root = rng.standard_normal((n, 40)) * 10.0 ** rng.integers(-3, 4, size=(n, 1))
    return (root @ root.T + np.diag((root**2).sum(axis=1))).astype(dtype)


# Relative to the size of the right-hand side: the condition number, with a unit diagonal, is about n / 40.
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 1e-3)])
@pytest.mark.parametrize("n", [1, 7, MAX_WHOLE, MAX_WHOLE + 1, 2 * TILE + 300])
def test_the_inverse_is_one(n, dtype, tolerance):
    system = _system(n, dtype)
    solve = cholesky(system.copy(), n_threads=2)
    b = np.random.default_rng(0).standard_normal((n, 3)) * np.sqrt(system.diagonal())[:, None]
    scale = np.sqrt(system.diagonal())
    for right in (b, b[:, 0]):
        left = system.astype(np.float64) @ solve(right.astype(np.float64))
        across = scale if right.ndim == 1 else scale[:, None]
        np.testing.assert_allclose(left / across, right / across, atol=tolerance * abs(right / across).max())


def test_the_same_bits_for_any_number_of_threads():
    system = _system(MAX_WHOLE + TILE + 1, np.float32)
    b = np.random.default_rng(0).standard_normal(len(system))
    with threadpool_limits(1, user_api="blas"):
        one, two = (cholesky(system.copy(), n_threads=n)(b) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_what_is_not_quite_definite_gets_as_little_as_it_takes():
    n = MAX_WHOLE + 50
    root = np.random.default_rng(1).standard_normal((n, 30))
    system = root @ root.T  # of rank 30
    b = root @ np.ones(30)
    solved = cholesky(system.copy())(b)
    # Within its range the system is solved; 1e-14 is added to a unit diagonal, tenfold where that does not do.
    np.testing.assert_allclose(system @ solved, b, rtol=1e-6, atol=1e-6 * abs(b).max())

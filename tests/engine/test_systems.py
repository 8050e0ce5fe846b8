"""Symmetric systems, factored and solved in compiled code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engine import _kernels

SIZES = (1, 2, 7, 64, 127, 128, 129, 256, 300, 1100)  # around the blocks of 128, and where threads share a solve


def positive_definite(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n + 5))
    return root @ root.T / n + 0.1 * np.eye(n)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-3)])
def test_a_solution_leaves_no_residual(n: int, dtype: type, tolerance: float) -> None:
    """Up to rounding times the condition, here some 1e3."""
    system = positive_definite(n).astype(dtype)
    given_side = np.random.default_rng(1).normal(size=n)
    solution = _kernels.Cholesky(system).solve(given_side)
    residual = system.astype(np.float64) @ solution - given_side
    assert np.linalg.norm(residual) <= tolerance * np.linalg.norm(given_side)


@pytest.mark.parametrize("n", (5, 300, 1100))
@pytest.mark.parametrize("dtype", (np.float64, np.float32))
def test_any_number_of_threads_gives_the_same_bits(n: int, dtype: type) -> None:
    system, sides = positive_definite(n).astype(dtype), np.random.default_rng(1).normal(size=(n, 3))
    one, three = (_kernels.Cholesky(system, n_threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.solve(sides[:, 0].copy()), three.solve(sides[:, 0].copy()))
    np.testing.assert_array_equal(one.solve(sides), three.solve(sides))


@pytest.mark.parametrize("n", (6, 200))
def test_several_sides_are_solved_as_each_alone(n: int) -> None:
    factor, sides = _kernels.Cholesky(positive_definite(n)), np.random.default_rng(1).normal(size=(n, 4))
    together = factor.solve(sides)
    for column in range(4):
        np.testing.assert_array_equal(together[:, column], factor.solve(sides[:, column].copy()))


@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(-12.0, 12.0))
@settings(max_examples=60, deadline=None)
def test_rows_of_any_size_count_alike(n: int, seed: int, decades: float) -> None:
    """The solution for D A D is that for A, each entry over its D: to rounding, D being powers of 2."""
    rng = np.random.default_rng(seed)
    system, side = positive_definite(n, seed), rng.normal(size=n)
    sizes = 2.0 ** rng.integers(-abs(int(decades)), abs(int(decades)) + 1, n)
    scaled = _kernels.Cholesky(sizes[:, None] * system * sizes).solve(sizes * side) * sizes
    np.testing.assert_allclose(scaled, _kernels.Cholesky(system).solve(side), rtol=1e-8)


@pytest.mark.parametrize("n", (4, 150))
def test_a_singular_system_gets_as_little_as_it_takes(n: int) -> None:
    """Along what the system sees the solution is right, to about the root of what was added."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(n, n // 2))
    side = root @ rng.normal(size=n // 2)
    solution = _kernels.Cholesky(root @ root.T).solve(side)
    np.testing.assert_allclose(root @ root.T @ solution, side, rtol=1e-4, atol=1e-4 * np.abs(side).max())


def test_what_is_no_positive_definite_system_at_all_falls_back_on_its_diagonal() -> None:
    indefinite = np.array([[1.0, 5.0], [5.0, 1.0]])
    assert np.isfinite(_kernels.Cholesky(indefinite).solve(np.ones(2))).all()
    assert np.isfinite(_kernels.Cholesky(np.zeros((3, 3))).solve(np.zeros(3))).all()


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ValueError, match=r"system has shape \(2, 3\)"):
        _kernels.Cholesky(np.ones((2, 3)))
    with pytest.raises(ValueError, match="must have 3 rows"):
        _kernels.Cholesky(np.eye(3)).solve(np.ones(2))
    with pytest.raises(ValueError, match="blocks has shape"):
        _kernels.SoftmaxSystem(np.ones((1, 2, 2)), np.ones(2), n_features=2, n_outputs=4)


@pytest.mark.parametrize("n_outputs", (1, 2, 3, 5))
@pytest.mark.parametrize("intercept", (False, True))
def test_the_softmax_system_inverts_its_hessian(n_outputs: int, intercept: bool) -> None:
    """All classes' Hessian, made of the same rows by its definition, times the step is the residual."""
    rng = np.random.default_rng(n_outputs)
    m, d, strength, damping = 60, 4, 0.3, 0.2
    rows = rng.normal(size=(m, d))
    rows = np.hstack([rows, np.ones((m, 1))]) if intercept else rows
    width = rows.shape[1]
    p = rng.dirichlet(np.ones(max(2, n_outputs)), m)[:, :n_outputs]
    between = np.einsum("ik,kj->ikj", p, np.eye(n_outputs)) - p[:, :, None] * p[:, None, :]
    hessian = np.einsum("ikj,ia,ib->akbj", between, rows, rows) / m
    free = max(1, n_outputs - 1)
    pairs = [(k, j) for k in range(free) for j in range(k + 1)]
    blocks = np.stack([hessian[:, k, :, j] for k, j in pairs])
    added = np.full(width, strength + damping)
    if intercept:
        added[d] = damping
    system = _kernels.SoftmaxSystem(blocks, added, n_features=d, n_outputs=n_outputs)
    residual = rng.normal(size=(width, n_outputs))
    if intercept and n_outputs > 1:  # the loss does not see what intercepts have in common, and no penalty holds it
        residual[d] -= residual[d].mean()
    step = system.solve(residual.ravel()).reshape(width, n_outputs)
    whole = hessian.reshape(width * n_outputs, -1) + np.diag(np.repeat(added, n_outputs))
    if intercept and n_outputs > 1:
        step_of_intercept = step[d] - step[d].mean()
        np.testing.assert_allclose(step[d], step_of_intercept, atol=1e-10)
    # Common parts of penalised columns are held by the penalty and the damping alike.
    np.testing.assert_allclose(whole @ step.ravel(), residual.ravel(), atol=1e-9)

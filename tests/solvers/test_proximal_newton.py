"""l1 and elastic-net penalties: the optimum, what is proven of it, and zeros that are zeros."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from chainrule.engine import DenseRows, _kernels, compile_softmax
from chainrule.graph import build
from chainrule.solvers import SoftmaxObjective, proximal_newton
from chainrule.solvers.proximal_newton import working_set


def _problem(seed, *, m=80, d=4, K=3, l1=0.02, l2=0.0, dtype=np.float64, scale=1.0, fit_intercept=True):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((m, d)) * scale + rng.standard_normal(d) * 3).astype(dtype)
    y = rng.integers(K, size=m)
    graph = build.softmax_classifier(d, K, l2=l2, l1=l1, one_logit=K == 2, fit_intercept=fit_intercept)
    shares = rng.random(m) + 0.1
    return SoftmaxObjective(compile_softmax(graph), DenseRows(X, y, shares / shares.sum(), reference_logit=K == 2))


def _by_scipy(objective):
    """Minimise with w split into parts that are not negative, where the l1 penalty is linear."""
    n = objective.size
    free = objective.l1 == 0.0

    def split(v):
        value, gradient = objective.value_and_gradient(v[:n] - v[n:])
        return value + objective.l1 @ (v[:n] + v[n:]), np.concatenate(
            [gradient + objective.l1, objective.l1 - gradient]
        )

    bounds = [(None, None) if is_free else (0, None) for is_free in free] + [
        (0, 0 if is_free else None) for is_free in free
    ]
    options = {"maxiter": 5000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-9}
    return minimize(split, np.zeros(2 * n), jac=True, method="L-BFGS-B", bounds=bounds, options=options).fun


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(2, 5),
    st.integers(1, 6),
    st.sampled_from([1e-3, 0.02, 0.3]),
    st.sampled_from([0.0, 0.01, 1.0]),
    st.booleans(),
)
def test_the_optimum_is_scipys(seed, K, d, l1, l2, fit_intercept):
    objective = _problem(seed, d=d, K=K, l1=l1, l2=l2, fit_intercept=fit_intercept)
    found = proximal_newton(objective, np.zeros(objective.size), tol=1e-10, max_passes=500)
    assert found.status == "converged"
    assert found.gap <= 1e-10 * found.value
    expected = _by_scipy(_problem(seed, d=d, K=K, l1=l1, l2=l2, fit_intercept=fit_intercept))
    # L-BFGS-B stops where its line search finds nothing better: mostly at 1e-8, once in hundreds at 1e-4 above the
    # optimum, never below. That ours is not above it either is what the gap proves.
    assert found.value <= expected + found.gap + 1e-13
    assert found.value == pytest.approx(expected, rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(2, 5),
    st.integers(1, 6),
    st.sampled_from([1e-6, 1e-3, 0.05, 2.0]),
    st.sampled_from([0.0, 1e-6, 0.1]),
    st.sampled_from([1e-2, 1.0, 1e3]),
    st.sampled_from([np.float32, np.float64]),
)
def test_no_certificate_is_wrong(seed, K, d, l1, l2, scale, dtype):
    def problem():
        return _problem(seed, d=d, K=K, l1=l1, l2=l2, scale=scale, dtype=dtype)

    start = np.random.default_rng(seed).standard_normal(problem().size) * 0.1 / scale
    optimum = proximal_newton(problem(), start, tol=1e-12, max_passes=1000)
    # Entries of 1,000 round to 1e-13, 1e-7 of the weakest penalty here, and the bound is of first order in that.
    assert optimum.gap <= 1e-6 * optimum.value + 1e-13
    for budget in (0, 1, 2, 4, 8):
        stop = proximal_newton(problem(), start, tol=1e-6, max_passes=budget)
        # The values themselves are sums of 80 terms in float64.
        assert stop.value - optimum.value <= stop.gap * (1 + 1e-9) + 1e-14 * abs(stop.value)


def test_zeros_are_zeros_and_few_classes_share_a_shift():
    objective = _problem(3, K=4, d=6, l1=0.03)
    found = proximal_newton(objective, np.zeros(objective.size), tol=1e-8, max_passes=200)
    weight = found.parameters[: 6 * 4].reshape(6, 4)
    assert 0 < np.count_nonzero(weight) < weight.size
    # The penalty is least where each column's median over the classes is 0; with 4 classes two lie around it.
    middle = np.sort(weight, axis=1)[:, 1:3]
    assert ((middle[:, 0] <= 0.0) & (middle[:, 1] >= 0.0)).all()


def test_a_penalty_large_enough_leaves_nothing():
    objective = _problem(4, K=3, l1=50.0)
    found = proximal_newton(objective, np.zeros(objective.size), tol=1e-9, max_passes=200)
    assert found.status == "converged"
    assert not found.parameters[:12].any()
    shares = np.bincount(objective.rows.labels, weights=objective.rows.shares)
    assert found.value == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-9)


def test_the_working_set_grows_by_the_worst():
    rng = np.random.default_rng(0)
    gradient, l1 = rng.standard_normal(2000) * 3.0, np.full(2000, 1.0)
    l1[-1] = 0.0
    w = np.zeros(2000)
    w[:10] = 1.0
    entries = working_set(w, gradient, l1)
    assert set(range(10)) | {1999} <= set(entries)
    others = np.setdiff1d(np.arange(10, 1999), entries)
    taken = np.setdiff1d(entries, [*range(10), 1999])
    assert len(taken) == 100
    assert np.abs(gradient[taken]).min() >= np.abs(gradient[others]).max()


@pytest.mark.parametrize("condition", [1.0, 1e10])
def test_a_model_is_minimised(condition):
    rng = np.random.default_rng(1)
    for _ in range(20):
        root = rng.standard_normal((30, 12)) * np.logspace(0, np.log10(condition) / 2, 12)
        hessian, gradient = root.T @ root, rng.standard_normal(12) * np.sqrt(condition)
        w = rng.standard_normal(12) * (rng.random(12) < 0.5) / np.sqrt(condition)
        l1 = np.where(np.arange(12) < 10, 0.5 * np.sqrt(condition), 0.0)
        step, residual = _kernels.minimise_l1_quadratic(hessian, np.zeros(12), gradient, w, l1, accuracy=1e-10)
        target = w + step
        slope = gradient + hessian @ (target - w)
        # Optimal: the slope is -l1 sign where something is left, at most l1 where nothing is.
        wrong = np.where(target != 0.0, slope + l1 * np.sign(target), np.maximum(np.abs(slope) - l1, 0.0))
        assert (np.abs(wrong) <= 1e-4 * np.abs(gradient).max()).all()

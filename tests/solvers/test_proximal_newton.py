"""l1 and elastic-net penalties: the optimum, what is proven of it, and zeros that are zeros."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from chainrule.engine import DenseRows, SparseRows, _kernels, compile_softmax
from chainrule.graph import build
from chainrule.solvers import SoftmaxObjective, proximal_newton, softmax_objective
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
        step, _ = _kernels.minimise_l1_quadratic(
            hessian, np.zeros(12), gradient, w, l1, accuracy=1e-10, most=np.inf
        )  # fmt: skip
        target = w + step
        slope = gradient + hessian @ (target - w)
        # Optimal: the slope is -l1 sign where something is left, at most l1 where nothing is.
        wrong = np.where(target != 0.0, slope + l1 * np.sign(target), np.maximum(np.abs(slope) - l1, 0.0))
        assert (np.abs(wrong) <= 1e-4 * np.abs(gradient).max()).all()


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
def test_through_the_rows_it_is_the_same_optimum(monkeypatch, K, l2):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((150, 20)) * (rng.random((150, 20)) < 0.3)
    y = rng.integers(K, size=150)
    shares = np.full(150, 1.0 / 150)
    graph = build.softmax_classifier(20, K, l2=l2, l1=0.004, one_logit=K == 2)
    found = []
    for by_rows in (False, True):
        monkeypatch.setattr(softmax_objective, "costs_less_by_rows", lambda *_, by_rows=by_rows: by_rows)
        rows = SparseRows(sp.csr_array(X), y, shares, reference_logit=K == 2)
        objective = SoftmaxObjective(compile_softmax(graph), rows)
        found.append(proximal_newton(objective, np.zeros(objective.size), tol=1e-10, max_passes=300))
    assert [solution.status for solution in found] == ["converged", "converged"]
    assert found[0].value == pytest.approx(found[1].value, rel=1e-9)  # each within 1e-10 of the optimum
    assert (found[1].parameters[: 20 * (1 if K == 2 else K)] == 0.0).any()


def test_a_step_to_the_models_minimum_proves_a_bound_of_second_order():
    """And no bound is wrong, wherever the step leads: hypothesis asks the same of every stop above."""
    objective = _problem(11, m=200, d=6, K=4, l1=0.01)
    optimum = proximal_newton(objective, np.zeros(objective.size), tol=1e-13, max_passes=300)
    for distance in (1e-1, 1e-2, 1e-3):
        w = optimum.parameters * (1.0 + distance)
        smooth, gradient = objective.value_and_gradient(w)
        value = smooth + objective.l1 @ np.abs(w)
        entries = np.arange(objective.size)
        step, _ = objective.model_among(entries).minimise(
            gradient, w, objective.l1, np.zeros(objective.size), accuracy=1e-12, most=np.inf
        )
        for length in (0.1, 1.0, 3.0, -1.0):
            gap = objective.gap(value, gradient, np.inf, length * step)
            assert value - optimum.value <= gap + 1e-14
            if length == 1.0:
                # value - optimum is about half of step . H step, and the bound all of it.
                assert gap <= 4.0 * (value - optimum.value) + 1e-12

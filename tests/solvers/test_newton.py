"""Newton's method and gradient descent on objectives whose optimum is known otherwise, and what they prove."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from chainrule.engine import DenseRows, compile_softmax
from chainrule.errors import NonFiniteError
from chainrule.graph import build
from chainrule.solvers import SoftmaxObjective, curvature, gradient_descent, newton


class Quadratic:
    """1/2 w A w - b w, whose optimum is A^-1 b."""

    def __init__(self, A, b):
        self.A, self.b, self.size = A, b, len(b)
        self.passes, self.strength, self.damped = 0, 0.0, np.ones(len(b))
        self.exact, self.cost, self.scale, self.least = False, 1.0, A.diagonal().mean(), 0.0

    def value_and_gradient(self, w):
        self.passes += 1
        return float(0.5 * w @ self.A @ w - self.b @ w), self.A @ w - self.b

    def hessian_vector(self, v):
        return self.A @ v

    def curvature(self):
        return self

    def factor(self, strength, damping):
        return lambda r: r / (self.A.diagonal() + strength + damping)

    def gap(self, value, gradient, wanted):
        return None

    def is_separated(self):
        return False

    def residual_size(self, residual):
        return residual @ residual

    def residual_for(self, gap):
        return 0.0


def _problem(seed, m=80, d=4, K=3, *, l2=0.05, dtype=np.float64, scale=1.0, full=None, **options):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((m, d)) * scale + rng.standard_normal(d) * 3).astype(dtype)
    y = rng.integers(K, size=m)
    graph = build.softmax_classifier(d, K, l2=l2, one_logit=K == 2, **options)
    shares = rng.random(m) + 0.1
    rows = DenseRows(X, y, shares / shares.sum(), reference_logit=K == 2)
    return SoftmaxObjective(compile_softmax(graph), rows, full=full)


def test_a_quadratic_is_solved_exactly():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((12, 12))
    A, b = root @ root.T + np.diag(10.0 ** np.arange(-3, 9)), rng.standard_normal(12)
    found = newton(Quadratic(A, b), np.zeros(12), tol=1e-14, max_passes=5000)
    assert found.converged
    # Each step solves the system to 1 %, so a few steps reach what rounding allows for this condition number.
    np.testing.assert_allclose(A @ found.parameters, b, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 6), st.sampled_from([1e-4, 0.05, 2.0]), st.booleans())
def test_the_optimum_is_scipys(seed, K, d, l2, fit_intercept):
    objective = _problem(seed, d=d, K=K, l2=l2, fit_intercept=fit_intercept)
    start = np.zeros(objective.size)
    found = newton(objective, start, tol=1e-13, max_passes=2000)
    peer = minimize(objective.value_and_gradient, start, jac=True, method="BFGS", options={"gtol": 1e-8})
    assert found.converged
    # BFGS stops at a gradient of 1e-8, so its value may be above ours by about 1e-12, never below by more.
    assert found.value <= peer.fun + 1e-12
    assert found.value == pytest.approx(peer.fun, rel=1e-8)


def test_the_loss_curve_never_rises():
    for seed in range(5):
        found = newton(_problem(seed, l2=1e-4), np.zeros(15), tol=1e-12, max_passes=2000)
        curve = np.array(found.loss_curve)
        assert len(curve) == found.n_iter + 1
        # A step whose gain drowns in rounding may cost a few units in the last place.
        assert (np.diff(curve) <= 1e-14 * curve[0]).all()


@pytest.mark.parametrize("K", [2, 3])
def test_hessian_times_vector_is_the_gradients_difference(K):
    objective = _problem(1, K=K)
    rng = np.random.default_rng(2)
    w, v = rng.standard_normal(objective.size), rng.standard_normal(objective.size)
    step = 1e-5
    ahead = objective.value_and_gradient(w + step * v)[1]
    behind = objective.value_and_gradient(w - step * v)[1]
    objective.value_and_gradient(w)
    # Central differences of a gradient: the error is of the order of the step's square.
    np.testing.assert_allclose(objective.hessian_vector(v), (ahead - behind) / (2 * step), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_the_whole_hessian_is_inverted(K, damping):
    objective = _problem(4, K=K, d=5, full=True)
    objective.value_and_gradient(np.random.default_rng(0).standard_normal(objective.size) * 0.1)
    v = np.random.default_rng(1).standard_normal((6, objective.program.n_outputs))
    if K > 2:
        v -= v.mean(axis=1, keepdims=True)  # what all classes have in common the loss does not see
    v = v.ravel()
    bent = objective.hessian_vector(v) + damping * objective.damped * v
    # Two ways to sum the same rows, then a solve: rounding times a condition number of about 100.
    np.testing.assert_allclose(objective.curvature().factor(objective.strength, damping)(bent), v, rtol=1e-9)


@pytest.mark.parametrize("kind", ["full", "per_class", "pooled", "diagonal"])
@pytest.mark.parametrize("K", [2, 3])
def test_every_part_of_the_hessian_leads_to_the_same_optimum(monkeypatch, kind, K):
    expected = newton(_problem(5, K=K), np.zeros(_problem(5, K=K).size), tol=1e-13, max_passes=2000)
    monkeypatch.setattr("chainrule.solvers.softmax_objective.choose_kind", lambda *_: (kind, 1.0))
    objective = _problem(5, K=K)
    found = newton(objective, np.zeros(objective.size), tol=1e-13, max_passes=2000)
    assert found.converged
    assert found.value == pytest.approx(expected.value, rel=1e-12)  # tol asks for 1e-13


def test_a_sampled_block_knows_rare_columns(monkeypatch):
    monkeypatch.setattr(curvature, "_rows_of_block", lambda m, d: 20)
    objective = _problem(5, K=3, full=False)
    objective.rows.X[:, 0] = 0.0
    objective.rows.X[1:3, 0] = 50.0  # hardly in the sample
    rows = DenseRows(objective.rows.X, objective.rows.labels, objective.rows.shares)
    objective = SoftmaxObjective(objective.program, rows, full=False)
    objective._cost_of_sampled = np.inf
    objective.value_and_gradient(np.zeros(objective.size))
    unit = np.zeros(objective.size)
    unit[0] = 1.0
    exact = objective.hessian_vector(unit)[0]
    # The inverse of a block's diagonal entry is at least the block's inverse there: 1 / exact from below.
    assert 0.5 / exact <= objective.curvature().factor(objective.strength, 0.0)(unit)[0] <= 3.0 / exact


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_hessian_of_sampled_rows(monkeypatch, dtype, fit_intercept):
    def problem(full):
        objective = _problem(5, m=400, K=4, dtype=dtype, fit_intercept=fit_intercept, full=full)
        objective.value_and_gradient(np.random.default_rng(1).standard_normal(objective.size))
        return objective

    rng = np.random.default_rng(2)
    exact = problem(True)
    residual = exact.hessian_vector(rng.standard_normal(exact.size))
    expected = exact.curvature().factor(exact.strength, 0.1)(residual)

    def distance(rows_per_pair):
        monkeypatch.setattr(curvature, "ROWS_PER_PAIR", rows_per_pair)
        sampled = problem(False)
        sampled._cost_of_sampled = 0.0
        found = sampled.curvature().factor(sampled.strength, 0.1)(residual)
        assert sampled.curvature_kind == "sampled"
        return np.linalg.norm(found - expected) / np.linalg.norm(expected)

    assert distance(1000) < 1e-4  # all rows, in float32
    assert 1e-4 < distance(20) < 0.3  # a fourth of them


def test_conjugate_gradients_end_at_the_same_optimum_with_sampled_rows(monkeypatch):
    monkeypatch.setattr(curvature, "ROWS_PER_PAIR", 5)
    expected = newton(_problem(5, m=400, K=4, full=True), np.zeros(20), tol=1e-12, max_passes=2000)
    objective = _problem(5, m=400, K=4, full=False)
    objective._cost_of_sampled = 0.0
    found = newton(objective, np.zeros(20), tol=1e-12, max_passes=2000)
    assert found.converged
    assert found.value == pytest.approx(expected.value, rel=1e-11)  # tol asks for 1e-12 of both


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(2, 5),
    st.integers(1, 6),
    st.sampled_from([1e-8, 1e-4, 0.05, 2.0]),
    st.sampled_from([1e-2, 1.0, 1e3]),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
)
def test_no_certificate_is_wrong(seed, K, d, l2, scale, dtype, fit_intercept):
    def problem():
        return _problem(seed, d=d, K=K, l2=l2, scale=scale, dtype=dtype, fit_intercept=fit_intercept)

    start = np.random.default_rng(seed).standard_normal(problem().size) * 0.1 / scale
    optimum = newton(problem(), start, tol=1e-13, max_passes=5000)
    assert optimum.gap <= 1e-9 * optimum.value + 1e-13
    for budget in (1, 3, 6, 12, 24):
        stop = newton(problem(), start, tol=1e-6, max_passes=budget)
        # The values themselves are sums of 80 terms in float64.
        assert stop.value - optimum.value <= stop.gap * (1 + 1e-9) + 1e-14 * abs(stop.value)
        if stop.status == "converged":
            assert stop.gap <= 1e-6 * stop.value


def test_without_a_penalty_nothing_is_proven():
    found = newton(_problem(3, l2=0.0, m=200), np.zeros(15), tol=1e-10, max_passes=2000)
    assert (found.status, found.gap) == ("converged", None)


def test_centring_and_back_is_the_identity():
    objective = _problem(6)
    w = np.random.default_rng(0).standard_normal(objective.size)
    np.testing.assert_allclose(objective.to_parameters(objective.from_parameters(w)), w, rtol=1e-13)


def test_budget_precision_and_interrupt_are_told_apart():
    objective = _problem(7)
    start = np.zeros(objective.size)
    assert newton(objective, start, tol=1e-12, max_passes=1).status == "max_iter"
    assert newton(objective, start, tol=0.0, max_passes=2000).status in ("converged", "precision")

    def interrupt(progress):
        if progress.iteration == 2:
            raise KeyboardInterrupt

    stopped = newton(objective, start, tol=1e-12, max_passes=100, callback=interrupt)
    assert (stopped.status, stopped.n_iter) == ("interrupted", 2)
    assert np.isfinite(stopped.parameters).all()


def test_gradient_descent_is_the_lectures_update():
    objective = _problem(8)
    start = np.random.default_rng(0).standard_normal(objective.size) * 0.01
    found = gradient_descent(objective, start, learning_rate=0.1, max_iter=3)
    w = start
    for _ in range(3):
        w = w - 0.1 * objective.value_and_gradient(w)[1]
    np.testing.assert_array_equal(found.parameters, w)
    assert found.n_iter == 3
    assert len(found.loss_curve) == 4


def test_divergence_says_what_to_do():
    objective = _problem(9, scale=100.0, l2=10.0)
    with pytest.raises(NonFiniteError, match=r"diverged: .* after step \d+ with learning_rate=1e\+06"):
        gradient_descent(objective, np.ones(objective.size), learning_rate=1e6, max_iter=1000)


def test_float32_rows_reach_a_tight_tolerance():
    for seed in range(5):
        exact = newton(_problem(seed), np.zeros(15), tol=1e-12, max_passes=2000)
        single = newton(_problem(seed, dtype=np.float32), np.zeros(15), tol=1e-12, max_passes=2000)
        assert single.status == "converged"
        # Values and gradients are float64; the rows themselves were rounded to 6e-8.
        assert single.value == pytest.approx(exact.value, rel=1e-6)

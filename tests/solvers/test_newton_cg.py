"""Newton-CG and gradient descent on objectives whose optimum is known otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from chainrule.engine import compile_softmax
from chainrule.errors import NonFiniteError
from chainrule.graph import build
from chainrule.solvers import SoftmaxObjective, gradient_descent, newton_cg
from chainrule.solvers import preconditioner as preconditioners


class Quadratic:
    """1/2 w A w - b w, whose optimum is A^-1 b."""

    def __init__(self, A, b):
        self.A, self.b, self.size = A, b, len(b)

    def value_and_gradient(self, w):
        return float(0.5 * w @ self.A @ w - self.b @ w), self.A @ w - self.b

    def hessian_vector(self, v):
        return self.A @ v

    def preconditioner(self):
        return lambda r: r / self.A.diagonal()


def _problem(seed, m=80, d=4, K=3, *, l2=0.05, dtype=np.float64, scale=1.0, **options):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((m, d)) * scale + rng.standard_normal(d) * 3).astype(dtype)
    y = rng.integers(K, size=m)
    graph = build.softmax_classifier(d, K, l2=l2, one_logit=K == 2, **options)
    return SoftmaxObjective(compile_softmax(graph), X, y, rng.random(m) + 0.1)


def test_a_quadratic_is_solved_exactly():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((12, 12))
    A, b = root @ root.T + np.diag(10.0 ** np.arange(-3, 9)), rng.standard_normal(12)
    found = newton_cg(Quadratic(A, b), np.zeros(12), tol=1e-14, max_iter=50)
    assert found.converged
    # Each step solves the system to 1 %, so a few steps reach what rounding allows for this condition number.
    np.testing.assert_allclose(A @ found.parameters, b, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 6), st.sampled_from([1e-4, 0.05, 2.0]), st.booleans())
def test_the_optimum_is_scipys(seed, K, d, l2, fit_intercept):
    objective = _problem(seed, d=d, K=K, l2=l2, fit_intercept=fit_intercept)
    start = np.zeros(objective.size)
    found = newton_cg(objective, start, tol=1e-13, max_iter=100)
    peer = minimize(objective.value_and_gradient, start, jac=True, method="BFGS", options={"gtol": 1e-8})
    assert found.converged
    # BFGS stops at a gradient of 1e-8, so its value may be above ours by about 1e-12, never below by more.
    assert found.value <= peer.fun + 1e-12
    assert found.value == pytest.approx(peer.fun, rel=1e-8)


def test_the_loss_curve_never_rises():
    for seed in range(5):
        found = newton_cg(_problem(seed, l2=1e-4), np.zeros(15), tol=1e-12, max_iter=100)
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


def test_with_one_logit_the_preconditioner_is_the_inverse_hessian():
    objective = _problem(4, K=2, d=5)
    objective.value_and_gradient(np.random.default_rng(0).standard_normal(objective.size) * 0.1)
    v = np.random.default_rng(1).standard_normal(objective.size)
    # Two ways to sum the same rows, then a solve: rounding times a condition number of about 100.
    np.testing.assert_allclose(objective.preconditioner()(objective.hessian_vector(v)), v, rtol=1e-9)


@pytest.mark.parametrize("limits", [(0, 3000), (0, 0)], ids=["pooled", "diagonal"])
def test_every_preconditioner_reaches_the_same_optimum(monkeypatch, limits):
    expected = newton_cg(_problem(5), np.zeros(15), tol=1e-13, max_iter=100)
    monkeypatch.setattr(preconditioners, "MAX_FEATURES_PER_CLASS", limits[0])
    monkeypatch.setattr(preconditioners, "MAX_FEATURES_POOLED", limits[1])
    found = newton_cg(_problem(5), np.zeros(15), tol=1e-13, max_iter=100)
    assert found.converged
    assert found.value == pytest.approx(expected.value, rel=1e-12)  # tol asks for 1e-13


def test_centring_and_back_is_the_identity():
    objective = _problem(6)
    w = np.random.default_rng(0).standard_normal(objective.size)
    np.testing.assert_allclose(objective.to_parameters(objective.from_parameters(w)), w, rtol=1e-13)


def test_budget_precision_and_interrupt_are_told_apart():
    objective = _problem(7)
    start = np.zeros(objective.size)
    assert newton_cg(objective, start, tol=1e-12, max_iter=1).status == "max_iter"
    assert newton_cg(objective, start, tol=0.0, max_iter=100).status in ("converged", "precision")

    def interrupt(progress):
        if progress.iteration == 2:
            raise KeyboardInterrupt

    stopped = newton_cg(objective, start, tol=1e-12, max_iter=100, callback=interrupt)
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
        exact = newton_cg(_problem(seed), np.zeros(15), tol=1e-12, max_iter=100)
        single = newton_cg(
            _problem(seed, dtype=np.float32), np.zeros(15), tol=1e-10, max_iter=100, rounding=float(np.finfo("f4").eps)
        )
        assert single.converged
        # float32 rows and products: relative errors of 1e-7 a product, averaged over rows.
        assert single.value == pytest.approx(exact.value, rel=1e-6)

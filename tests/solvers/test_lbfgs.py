"""L-BFGS against optima that are known, and against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der

from chainrule.engine import compile_graph
from chainrule.errors import NonFiniteError
from chainrule.graph import build, initialize
from chainrule.solvers import ProgramObjective, lbfgs
from chainrule.solvers.lbfgs import LbfgsPoint, first_point, lbfgs_points


class Function:
    """An objective made of two functions; counts how often it is asked."""

    def __init__(self, value, gradient, size):
        self.value, self.gradient, self.size, self.calls = value, gradient, size, 0

    def value_and_gradient(self, w):
        self.calls += 1
        return float(self.value(w)), self.gradient(w)


def _network(seed=0, dtype=np.float64, m=60, l2=1e-3):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((m, 4)).astype(dtype), rng.integers(3, size=m)
    graph = build.mlp(4, (6,), 3, activation="tanh", l2=l2)
    return ProgramObjective(compile_graph(graph), X, y, rng.random(m) + 0.1), initialize(graph, random_state=seed)


@pytest.mark.parametrize("n", [2, 10, 20])
def test_rosenbrock_is_solved_to_rounding(n):
    objective = Function(rosen, rosen_der, n)
    start = np.tile([-1.2, 1.0], n // 2)
    found = lbfgs(objective, start, tol=1e-10, max_iter=2000)
    peer = minimize(
        rosen, start, jac=rosen_der, method="L-BFGS-B", options={"gtol": 1e-10, "ftol": 0.0, "maxiter": 2000}
    )
    assert found.converged
    # The gradient is below 1e-10 and the smallest eigenvalue of the Hessian about 0.4.
    np.testing.assert_allclose(found.parameters, 1.0, atol=1e-9)
    assert found.value < 1e-18
    # As good a method: hardly more evaluations than SciPy's.
    assert objective.calls <= 1.5 * peer.nfev


def test_a_quadratic_is_solved():
    rng = np.random.default_rng(1)
    root = rng.standard_normal((20, 20))
    A, b = root @ root.T + np.diag(10.0 ** np.linspace(-1, 3, 20)), rng.standard_normal(20)
    found = lbfgs(
        Function(lambda w: 0.5 * w @ A @ w - b @ w, lambda w: A @ w - b, 20), np.zeros(20), tol=1e-9, max_iter=500
    )
    assert found.converged
    # A gradient of 1e-9 over the smallest eigenvalue, which is above 0.05.
    np.testing.assert_allclose(found.parameters, np.linalg.solve(A, b), atol=1e-7)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000))
def test_a_network_is_minimised_as_far_as_scipy_does(seed):
    objective, start = _network(seed, l2=1e-2)
    found = lbfgs(objective, start, tol=1e-6, max_iter=3000)
    assert found.converged
    assert np.abs(objective.value_and_gradient(found.parameters)[1]).max() <= 1e-6
    # Another path may end in another local minimum, so SciPy starts where we ended: there is nothing left to gain.
    peer = minimize(
        objective.value_and_gradient, found.parameters, jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 0.0}
    )
    # What a gradient of 1e-6 leaves over the curvature of the penalty, 1e-2, in 51 directions: below 1e-8.
    assert found.value - peer.fun <= 1e-8


def test_the_same_minimum_as_scipys_from_the_same_start():
    objective, start = _network(3, l2=0.1)  # a strong penalty leaves one minimum near the start
    found = lbfgs(objective, start, tol=1e-9, max_iter=2000)
    peer = minimize(
        objective.value_and_gradient, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 0.0}
    )
    assert found.value == pytest.approx(peer.fun, rel=1e-12)


def test_it_ends_where_rounding_allows_no_further_descent():
    objective, start = _network(5)
    found = lbfgs(objective, start, tol=0.0, max_iter=5000)
    assert found.status in ("precision", "converged")
    assert found.converged
    # Rounding of a loss near 1 is 1e-16; a gradient's square over the curvature (1e-3 at least) is that much.
    assert np.abs(objective.value_and_gradient(found.parameters)[1]).max() < 1e-8


def test_float32_rows_end_at_their_own_precision():
    objective, start = _network(5, np.float32)
    found = lbfgs(objective, start, tol=0.0, max_iter=5000, rounding=float(np.finfo(np.float32).eps))
    assert found.converged
    assert np.abs(objective.value_and_gradient(found.parameters)[1]).max() < 1e-3


def test_the_curve_falls_and_budgets_are_kept():
    objective, start = _network(7)
    told = []
    found = lbfgs(objective, start, tol=1e-8, max_iter=12, callback=told.append)
    assert (found.status, found.n_iter) == ("max_iter", 12)
    assert [progress.iteration for progress in told] == list(range(1, 13))
    assert all(after <= before for before, after in zip(found.loss_curve, found.loss_curve[1:], strict=False))
    function = Function(rosen, rosen_der, 10)
    found = lbfgs(function, np.zeros(10), tol=1e-12, max_iter=1000, max_fun=20)
    assert found.status == "max_iter"
    assert function.calls <= 20


def test_ftol_stops_as_scipys():
    objective, start = _network(7)
    found = lbfgs(objective, start, tol=0.0, ftol=1e-4, max_iter=1000)
    assert found.status == "converged"
    before, after = found.loss_curve[-2:]
    assert before - after <= 1e-4 * max(before, after, 1.0)
    assert all(
        before - after > 1e-4 * max(before, after, 1.0)
        for before, after in zip(found.loss_curve[:-2], found.loss_curve[1:-1], strict=True)
    )


def test_any_point_is_enough_to_go_on_to_the_same_bits():
    objective, start = _network(9)
    points = list(lbfgs_points(objective, first_point(objective, start), tol=1e-6))
    middle = points[len(points) // 2]
    stored = LbfgsPoint(
        middle.w.copy(),
        middle.value,
        middle.gradient.copy(),
        *(tuple(np.array(history)) for history in (middle.steps, middle.changes)),
        middle.evaluations,
    )
    again = list(lbfgs_points(objective, stored, tol=1e-6))
    assert len(again) == len(points) - len(points) // 2 - 1
    np.testing.assert_array_equal(again[-1].w, points[-1].w)
    assert again[-1].evaluations == points[-1].evaluations


def test_a_wall_of_infinite_values_is_stepped_back_from():
    # -log has a wall at 0: steps beyond it are NaN
    def value(w):
        with np.errstate(invalid="ignore"):
            return float((w - np.log(w)).sum())

    objective = Function(value, lambda w: 1.0 - 1.0 / w, 3)
    found = lbfgs(objective, np.array([10.0, 0.1, 3.0]), tol=1e-9, max_iter=200)
    assert found.converged
    np.testing.assert_allclose(found.parameters, 1.0, atol=1e-8)


def test_a_start_without_a_value_is_refused():
    with pytest.raises(NonFiniteError, match="at the start"):
        lbfgs(Function(lambda w: np.inf, lambda w: w, 1), np.ones(1), tol=1e-6, max_iter=5)


def test_interrupts_keep_the_last_point():
    objective, start = _network(11)

    def press(progress):
        if progress.iteration == 3:
            raise KeyboardInterrupt

    found = lbfgs(objective, start, tol=0.0, max_iter=100, callback=press)
    assert (found.status, found.n_iter) == ("interrupted", 3)
    assert objective.value_and_gradient(found.parameters)[0] == found.value

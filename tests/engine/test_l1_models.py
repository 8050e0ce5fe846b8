"""The Hessian among some coefficients, and the minimum of its quadratic with an l1 penalty: held, and by rows."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engine import DenseRows, SparseRows, _kernels


def _point(seed, m, d, K, density=1.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((m, d)) * (rng.random((m, d)) < density)).astype(dtype)
    logits = rng.standard_normal((m, K)) * 2.0
    p = np.exp(logits) / (np.exp(logits).sum(axis=1, keepdims=True) + (K == 1))
    shares = rng.random(m) + 0.1
    return X, p, shares / shares.sum(), rng


def _entries(rng, d, K, share):
    """Every class's intercept (column d) and some of the other coefficients."""
    flat = np.flatnonzero(np.append(rng.random(d * K) < share, np.ones(K, dtype=bool)))
    return np.divmod(flat, K)


def _defined(X, means, p, shares, columns, classes):
    centred = np.hstack([X - means, np.ones((len(X), 1))])[:, columns]
    same = classes[:, None] == classes[None, :]
    q = p[:, classes]
    own = np.einsum("i,ie,ie,if->ef", shares, centred, q, centred)
    return same * own - np.einsum("i,ie,if->ef", shares, centred * q, centred * q)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([1, 7, 300, 1500]),
    st.sampled_from([0, 1, 5, 40]),
    st.sampled_from([1, 2, 5]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from(["C", "F"]),
)
def test_the_hessian_is_what_it_is_defined_as(seed, m, d, K, dtype, order):
    X, p, shares, rng = _point(seed, m, d, K, dtype=dtype)
    means = rng.standard_normal(d)
    columns, classes = _entries(rng, d, K, 0.6)
    given_rows = np.asarray(X, order=order)
    hessian = _kernels.softmax_hessian(given_rows, means, p, shares, columns, classes, n_threads=1)
    # The same sums in another order.
    np.testing.assert_allclose(hessian, _defined(X, means, p, shares, columns, classes), rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(hessian, hessian.T)
    again = _kernels.softmax_hessian(given_rows, means, p, shares, columns, classes, n_threads=2)
    np.testing.assert_array_equal(hessian, again)
    labels = np.zeros(m, dtype=np.int64)
    of_sparse = SparseRows(sp.csr_array(X), labels, shares).hessian(means, p, columns, classes)
    np.testing.assert_allclose(of_sparse, hessian, rtol=1e-11, atol=1e-12)
    of_dense = DenseRows(X, labels, shares).hessian(means, p, columns, classes)
    np.testing.assert_allclose(of_dense, hessian, rtol=1e-11, atol=1e-12)


def test_a_hessian_refuses_what_does_not_fit():
    X, p, shares, _ = _point(0, 6, 3, 2)
    good = {"X": X, "means": np.zeros(3), "probabilities": p, "shares": shares,
            "columns": np.array([0, 3]), "classes": np.array([1, 0])}  # fmt: skip
    _kernels.softmax_hessian(**good)
    for change in (
        {"columns": np.array([0, 4])}, {"classes": np.array([2, 0])}, {"classes": np.array([0])},
        {"columns": np.array([-1, 0])}, {"means": np.zeros(2)}, {"shares": shares[1:]}, {"probabilities": p[1:]},
        {"X": X.astype(np.int64)}, {"columns": np.array([0, 3], dtype=np.int32)},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            _kernels.softmax_hessian(**{**good, **change})


def _value(hessian, gradient, start, l1, step):
    return gradient @ step + 0.5 * step @ hessian @ step + (l1 * np.abs(start + step)).sum()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 3, 6]), st.sampled_from([0.0, 1e-3]), st.sampled_from([1e-4, 0.01]))
def test_sparse_rows_have_the_held_quadratics_minimum(seed, K, l2, l1_strength):
    m, d = 120, 12
    X, p, shares, rng = _point(seed, m, d, K, density=0.3)
    rows = SparseRows(sp.csr_array(X), np.zeros(m, dtype=np.int64), shares)
    means = rows.means
    columns, classes = _entries(rng, d, K, 0.7)
    n = len(columns)
    penalised = (columns < d).astype(float)
    gradient, damping = rng.standard_normal(n) * 0.02, np.full(n, 1e-4)
    start = rng.standard_normal(n) * (rng.random(n) < 0.5)
    l1 = l1_strength * penalised
    options = {"accuracy": 1e-12, "most": np.inf}
    step, curvature = rows.minimise_l1(
        means, p, columns, classes, gradient, start, l1, l2 * penalised, damping, **options
    )  # fmt: skip
    hessian = _defined(X, means, p, shares, columns, classes) + np.diag(l2 * penalised)
    assert curvature == pytest.approx(step @ hessian @ step, rel=1e-8, abs=1e-12)
    # Damping holds the intercept of centred columns here, that of columns as they are there: none in the comparison.
    step, _ = rows.minimise_l1(
        means, p, columns, classes, gradient, start, l1, l2 * penalised, 1e-6 * penalised, **options
    )  # fmt: skip
    hessian += np.diag(1e-6 * penalised)
    held, _ = _kernels.minimise_l1_quadratic(hessian, np.zeros(n), gradient, start, l1, **options)
    best = _value(hessian, gradient, start, l1, held)
    promised = _value(hessian, gradient, start, l1, np.zeros(n)) - best
    # What several classes have in common has no curvature and, as the gradient here is no loss's, no minimum.
    if K == 1:
        assert _value(hessian, gradient, start, l1, step) == pytest.approx(best, abs=1e-6 * promised)


def test_threads_change_no_bit_of_a_minimum_by_rows():
    X, p, shares, rng = _point(5, 400, 30, 4, density=0.2)
    columns, classes = _entries(rng, 30, 4, 0.8)
    n = len(columns)
    penalised = (columns < 30).astype(float)
    found = []
    for n_threads in (1, 2, 3):
        rows = SparseRows(sp.csr_array(X), np.zeros(400, dtype=np.int64), shares, n_threads=n_threads)
        gradient = np.sin(np.arange(n)) * 0.02
        found.append(
            rows.minimise_l1(
                rows.means, p, columns, classes, gradient, np.zeros(n), 0.005 * penalised, 0.0 * penalised,
                np.full(n, 1e-3), accuracy=1e-10, most=np.inf,
            )
        )  # fmt: skip
    for step, curvature in found[1:]:
        np.testing.assert_array_equal(step, found[0][0])
        assert curvature == found[0][1]


@pytest.mark.parametrize("copies", [2, 6])
def test_columns_that_follow_from_one_another_do_not_stop_the_way(copies):
    """Along differences of equal columns there is no curvature: the penalty alone says how far to go."""
    rng = np.random.default_rng(2)
    root = rng.standard_normal((200, 6))
    root = np.hstack([root[:, :5], *[root[:, 5:]] * copies, root[:, :1] + root[:, 1:2]])
    n = root.shape[1]
    hessian = root.T @ root / 200
    start = rng.standard_normal(n)  # far apart, of both signs
    gradient = -hessian @ start + hessian @ rng.standard_normal(n)
    l1 = np.full(n, 1e-5)
    step, slope = _kernels.minimise_l1_quadratic(
        hessian, np.zeros(n), gradient, start, l1, accuracy=1e-12, most=np.inf
    )  # fmt: skip
    target = start + step
    wrong = np.where(target != 0.0, slope + l1 * np.sign(target), np.maximum(np.abs(slope) - l1, 0.0))
    assert np.abs(wrong).max() <= 1e-3 * l1[0]
    assert np.count_nonzero(target) < n


def test_a_model_that_promises_more_than_there_is_ends_early():
    hessian, gradient = np.eye(3) * 1e-6, np.ones(3)
    args = (hessian, np.zeros(3), gradient, np.zeros(3), np.zeros(3))
    step, _ = _kernels.minimise_l1_quadratic(*args, accuracy=0.1, most=1.0)
    assert -gradient @ step - 0.5 * step @ hessian @ step > 1.0

"""Sparse rows against the same rows held densely."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engine import DenseRows, SparseRows, _kernels


def _rows(seed, m, d, K, dtype=np.float64, positions=np.int32, density=0.3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, d)) * (rng.random((m, d)) < density)
    sparse = sp.csr_array(X.astype(dtype))
    sparse.indptr, sparse.indices = sparse.indptr.astype(positions), sparse.indices.astype(positions)
    labels, shares = rng.integers(K, size=m), rng.random(m)
    return sparse, X.astype(dtype), labels, shares / max(shares.sum(), 1e-9), rng


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from([0, 1, 7, 97, 400]),
    st.sampled_from([0, 1, 5, 60]),
    st.sampled_from([1, 2, 3, 9, 20, 40]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([np.int32, np.int64]),
    st.booleans(),
)
def test_sparse_rows_are_dense_rows(seed, m, d, outputs, dtype, positions, reference_logit):
    K = outputs + reference_logit
    sparse, X, labels, shares, rng = _rows(seed, m, d, K, dtype, positions)
    options = {"reference_logit": reference_logit, "label_smoothing": 0.1 * (seed % 2)}
    ours = SparseRows(sparse, labels, shares, **options)
    theirs = DenseRows(X.astype(np.float64), labels, shares, **options)
    order = "CF"[seed // 2 % 2]  # weights of many classes are read where they are, if their rows are neighbours
    W, b = np.asarray(rng.standard_normal((d, outputs)), order=order), rng.standard_normal(outputs)
    p, q = np.zeros((m, outputs)), np.zeros((m, outputs))
    if K == 1:
        q[...] = p[...] = 1.0
    actual, expected = ours.value_and_gradient(W, b, p), theirs.value_and_gradient(W, b, q)
    # The same sums in another order.
    for a, e in zip((*actual, p), (*expected, q), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-12)
    a = ours._held.probabilities(W, b, reference_logit=reference_logit)
    e = _kernels.softmax_probabilities(X.astype(np.float64), W, b, reference_logit=reference_logit)
    np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-12)
    V, vb = rng.standard_normal((d, outputs)), rng.standard_normal(outputs)
    for a, e in zip(ours.hessian_vector(p, V, vb), theirs.hessian_vector(p, V, vb), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ours.means, theirs.means, atol=1e-13)
    np.testing.assert_allclose(ours.deviations, theirs.deviations, atol=1e-7)  # the root of a rounding
    centre, weights = rng.standard_normal(d), rng.random((m, 3))
    for intercept in (False, True):
        for options in ({}, {"diagonals": True}, {"pairs": np.array([[0, 0], [2, 1]])}):
            a = ours.gram(centre, weights, intercept=intercept, **options)
            e = theirs.gram(centre, weights, intercept=intercept, **options)
            np.testing.assert_allclose(a, e, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(ours.logits(W, b), theirs.logits(W, b), rtol=1e-11, atol=1e-12)


def test_repeated_and_unsorted_entries_add_up():
    starts, indices = np.array([0, 3, 3, 5]), np.array([2, 0, 2, 1, 1])
    data = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    dense = np.arange(6.0).reshape(3, 2)
    expected = np.array([[2.0, 0, 4], [0, 0, 0], [0, 9, 0]]) @ dense
    np.testing.assert_array_equal(_kernels.sparse_product(starts, indices, data, dense), expected)


def test_repeated_entries_are_one_entry_to_squares_too():
    starts, indices, data = np.array([0, 2, 4]), np.array([1, 1, 0, 2]), np.array([1.0, 2.0, 3.0, 4.0])
    X = sp.csr_array((data, indices, starts), shape=(2, 3))
    labels, shares = np.array([0, 1]), np.array([0.25, 0.75])
    ours, theirs = (kind(rows, labels, shares) for kind, rows in ((SparseRows, X), (DenseRows, X.toarray())))
    np.testing.assert_allclose(ours.deviations, theirs.deviations, rtol=1e-15)
    assert X.nnz == 4  # the caller's own matrix is left as it was


def test_deviations_of_columns_far_from_zero():
    # Rounding of x itself is 1e8 * 1e-16 = 1e-8; the difference of two sums of squares would lose all digits.
    rng = np.random.default_rng(0)
    X = 1e8 + rng.standard_normal((200, 3))
    rows = SparseRows(sp.csr_array(X), np.zeros(200, np.int64), np.full(200, 1 / 200))
    np.testing.assert_allclose(rows.deviations, X.std(axis=0), rtol=1e-7)


@pytest.mark.parametrize("outputs", [1, 2, 20])
def test_many_features(outputs):
    # 20 outputs: 40 MB of gradient, from where on memory is had in huge pages (see native/aligned_memory.hpp).
    rng = np.random.default_rng(outputs)
    m, d, K = 40, 250_001, outputs + 1
    X = sp.csr_array((rng.standard_normal(800), (rng.integers(m, size=800), rng.integers(d, size=800))), shape=(m, d))
    labels, shares, W = rng.integers(K, size=m), rng.random(m), rng.standard_normal((d, outputs))
    rows = SparseRows(X, labels, shares, reference_logit=True)
    p = np.empty((m, K))
    for _ in range(2):  # the second time in the memory of the first
        _, dW, db = rows.value_and_gradient(W, np.zeros(outputs), p)
    logits = np.column_stack([np.zeros(m), X @ W])
    q = np.exp(logits - logits.max(axis=1, keepdims=True))
    q /= q.sum(axis=1, keepdims=True)
    dZ = (shares[:, None] * (q - np.eye(K)[labels]))[:, 1:]
    # The same sums in another order, of some 20 terms.
    np.testing.assert_allclose(p, q, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(dW, X.T @ dZ, atol=1e-13)
    np.testing.assert_allclose(db, dZ.sum(axis=0), atol=1e-13)


def test_passes_at_the_same_time_do_not_share_memory():
    sparse, _, labels, shares, rng = _rows(3, 4000, 300, 5, density=0.05)
    rows = SparseRows(sparse, labels, shares, n_threads=1)
    weights = rng.standard_normal((8, 300, 5))

    def gradient(W):
        return rows.value_and_gradient(W, np.zeros(5), np.empty((4000, 5)))[1]

    one_by_one = [gradient(W) for W in weights]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for alone, beside in zip(one_by_one, pool.map(gradient, weights), strict=True):
                np.testing.assert_array_equal(alone, beside)


def test_the_same_bits_on_any_number_of_threads():
    sparse, _, labels, shares, rng = _rows(0, 3000, 500, 7, density=0.1)
    W, b, p = rng.standard_normal((500, 7)), rng.standard_normal(7), np.zeros((3000, 7))

    def bits(n_threads):
        rows = SparseRows(sparse, labels, shares, n_threads=n_threads)
        value, dW, db = rows.value_and_gradient(W, b, p)
        return (value, dW.tobytes(), db.tobytes(), rows.hessian_vector(p, W, b)[0].tobytes())

    assert bits(1) == bits(2) == bits(5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite_entries_reach_the_result(bad):
    sparse, _, labels, shares, _ = _rows(1, 50, 6, 3)
    sparse.data[3] = bad
    rows = SparseRows(sparse, labels, shares)
    value, dW, _ = rows.value_and_gradient(np.ones((6, 3)) * [[1.0, 2.0, 3.0]], np.zeros(3), np.zeros((50, 3)))
    assert np.isnan(value)
    assert np.isnan(dW).any()
    one = SparseRows(sparse, labels % 2, shares, reference_logit=True)
    value, dW, _ = one.value_and_gradient(np.ones((6, 1)), np.zeros(1), np.zeros((50, 2)))
    assert np.isnan(value) or np.isinf(value)
    assert np.isnan(dW).any()


def test_the_first_wrong_index_is_named_on_any_number_of_threads():
    indices = np.zeros(600_000, dtype=np.int32)
    indices[[280_000, 590_000]] = 7, 9  # in parts of their own
    starts = np.arange(0, 600_001, 100, dtype=np.int32)
    for n_threads in (1, 2, 4):
        with pytest.raises(ValueError, match="row 2800 has an entry in column 7"):
            _kernels.sparse_product(starts, indices, np.ones(600_000), np.ones((3, 1)), n_threads)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indices": np.array([0, 3])}, r"row 1 has an entry in column 3, but columns must lie in 0\.\.2"),
        ({"indices": np.array([-1, 0])}, r"row 0 has an entry in column -1"),
        ({"indptr": np.array([0, 2, 1, 2])}, r"indptr\[2\] is less than the one before it"),
        ({"indptr": np.array([0, 1, 1])}, "must begin with 0 and end with the number of entries, 2"),
        ({"indptr": np.array([1, 1, 2])}, "must begin with 0"),
        ({"data": np.ones(3)}, r"data has shape \(3\)"),
        ({"data": np.ones(2, dtype=np.int64)}, "data must be of dtype float32 or float64"),
        ({"indices": np.array([0, 1], dtype=np.int32)}, "must both be of dtype int32, or of int64"),
    ],
)
def test_what_is_no_sparse_matrix_is_refused(change, message):
    good = {"indptr": np.array([0, 1, 2]), "indices": np.array([0, 1]), "data": np.ones(2), "dense": np.ones((3, 1))}
    _kernels.sparse_product(**good)
    with pytest.raises(ValueError, match=message):
        _kernels.sparse_product(**{**good, **change})

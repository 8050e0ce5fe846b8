"""The compiled kernels against a plain NumPy reference in float64.

Tolerances are relative to the norm of what is compared: of the whole gradient, of the sum of losses. Where terms
cancel, to the norm of the terms. In float64 a sum of a few thousand terms in another order differs by about 1e-14;
1e-12 leaves room for draws that cancel badly. In float32 the logits carry 2**-24 = 6e-8 each, products of up to
256 rows are added in float32 (in runs of up to 48), all else in float64: 1e-6 holds. The reference works on the float32
values themselves, converted exactly.
"""

from __future__ import annotations

import os
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest
from fresh_python import run_python
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engine import _kernels

TOLERANCE = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}
DTYPES = (np.float32, np.float64)
# Around the multiples of every vector width (2 to 16 lanes) and of the tiles of classes (3 and 5).
CLASS_COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 16, 17, 33)
FEATURE_COUNTS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 70)


class Problem(NamedTuple):
    X: Any
    W: Any
    b: Any
    labels: Any
    weights: Any


def make_problem(
    m: int, d: int, columns: int, dtype: Any, *, reference_logit: bool = False, scale: float = 1.0, seed: int = 0
) -> Problem:
    rng = np.random.default_rng([m, d, columns, seed])
    weights = rng.uniform(0.0, 2.0, m)
    weights[:: max(1, m // 5)] = 0.0
    return Problem(
        rng.standard_normal((m, d)).astype(dtype),
        (scale * rng.standard_normal((d, columns)) / np.sqrt(d + 1)).astype(dtype),
        rng.standard_normal(columns).astype(dtype),
        rng.integers(0, columns + reference_logit, m),
        weights,
    )


class Reference(NamedTuple):
    loss: float
    weight_gradient: Any
    bias_gradient: Any
    probabilities: Any
    logits: Any


def reference(
    problem: Problem, *, weighted: bool = True, reference_logit: bool = False, label_smoothing: float = 0.0
) -> Reference:
    """The lecture's formulas, a matrix at a time, in float64."""
    X, W, b = (np.asarray(a, dtype=np.float64) for a in problem[:3])
    weights = problem.weights if weighted else np.ones(len(X))
    columns = X @ W + b
    logits = np.column_stack([np.zeros(len(X)), columns]) if reference_logit else columns
    shifted = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    exps = np.exp(shifted)
    p = exps / exps.sum(axis=1, keepdims=True)
    n_classes = logits.shape[1]
    target = np.eye(n_classes)[problem.labels] * (1 - label_smoothing) + label_smoothing / n_classes
    losses = np.log(exps.sum(axis=1)) - (target * shifted).sum(axis=1)
    dZ = weights[:, None] * (p - target)
    if reference_logit:
        dZ = dZ[:, 1:]
    return Reference(float(weights @ losses), X.T @ dZ, dZ.sum(axis=0), p, columns)


def hessian_reference(problem: Problem, p: Any, V: Any, vb: Any, *, reference_logit: bool) -> tuple[Any, Any]:
    X, p, V, vb = (np.asarray(a, dtype=np.float64) for a in (problem.X, p, V, vb))
    u = X @ V + vb
    if reference_logit:
        u = np.column_stack([np.zeros(len(X)), u])
    dZ = problem.weights[:, None] * p * (u - (p * u).sum(axis=1, keepdims=True))
    if reference_logit:
        dZ = dZ[:, 1:]
    return X.T @ dZ, dZ.sum(axis=0)


def close(actual: Any, expected: Any, dtype: Any, scale: float | None = None) -> bool:
    """Whether the difference's norm is small beside the expected one (or beside `scale`, where terms cancel)."""
    norm = float(np.linalg.norm(expected)) if scale is None else scale
    difference = float(np.linalg.norm(np.asarray(actual, np.float64) - expected))
    return difference <= TOLERANCE[np.dtype(dtype)] * norm


def gradient_scale(problem: Problem) -> tuple[float, float]:
    """What the rounding errors of dW and db are proportional to: the size of the terms, not of their sum."""
    weights = problem.weights
    lengths = np.linalg.norm(np.asarray(problem.X, np.float64), axis=1)
    return float(np.linalg.norm(weights * lengths)), float(np.linalg.norm(weights))


def check_value_and_gradient(problem: Problem, **options: Any) -> None:
    """Loss, gradient and probabilities, by the kernel and by the reference."""
    dtype = problem.X.dtype
    expected = reference(problem, **options)
    p = np.full((len(problem.X), expected.probabilities.shape[1]), np.nan, dtype)
    loss, dW, db = _kernels.softmax_value_and_gradient(*problem, probabilities=p, **options)
    for_dW, for_db = gradient_scale(problem)
    for_loss = float(np.abs(problem.weights).sum())
    assert close(loss, expected.loss, dtype, max(abs(expected.loss), for_loss if dtype == np.float32 else 0.0))
    assert close(dW, expected.weight_gradient, dtype, max(for_dW, float(np.linalg.norm(expected.weight_gradient))))
    assert close(db, expected.bias_gradient, dtype, max(for_db, float(np.linalg.norm(expected.bias_gradient))))
    assert close(p, expected.probabilities, dtype)
    assert dW.dtype == db.dtype == np.float64
    assert dW.shape == problem.W.shape
    assert db.shape == problem.b.shape


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", CLASS_COUNTS)
@pytest.mark.parametrize("reference_logit", [False, True])
def test_every_count_of_features_and_classes(dtype: Any, columns: int, reference_logit: bool) -> None:
    for d in FEATURE_COUNTS:
        problem = make_problem(37, d, columns, dtype, reference_logit=reference_logit)
        check_value_and_gradient(problem, reference_logit=reference_logit)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [3, 30, 784])
def test_every_count_of_rows_around_the_blocks(dtype: Any, d: int) -> None:
    # Blocks have a multiple of 16 rows, between 16 and 96; chunks several blocks.
    for m in (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47, 48, 49, 63, 65, 95, 96, 97, 193, 600, 2100):
        check_value_and_gradient(make_problem(m, d, 3, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "d", "columns"), [(300, 60, 1000), (40, 20_011, 4), (70, 3001, 129), (20_000, 2, 2)])
def test_large_in_one_direction(dtype: Any, m: int, d: int, columns: int) -> None:
    check_value_and_gradient(make_problem(m, d, columns, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reference_logit", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.1, 1.0])
def test_label_smoothing(dtype: Any, reference_logit: bool, label_smoothing: float) -> None:
    for columns in (1, 2, 5):
        problem = make_problem(150, 12, columns, dtype, reference_logit=reference_logit)
        check_value_and_gradient(problem, reference_logit=reference_logit, label_smoothing=label_smoothing)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_weights_is_weight_one_to_the_bit(dtype: Any) -> None:
    X, W, b, labels, _ = make_problem(3000, 50, 4, dtype)
    plain = _kernels.softmax_value_and_gradient(X, W, b, labels)
    ones = _kernels.softmax_value_and_gradient(X, W, b, labels, np.ones(len(X)))
    assert plain[0] == ones[0]
    assert np.array_equal(plain[1], ones[1])
    assert np.array_equal(plain[2], ones[2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 2, 3, 10])
@pytest.mark.parametrize("reference_logit", [False, True])
def test_hessian_vector(dtype: Any, columns: int, reference_logit: bool) -> None:
    for m, d in ((1, 1), (50, 5), (700, 33), (130, 784)):
        problem = make_problem(m, d, columns, dtype, reference_logit=reference_logit)
        direction = make_problem(m, d, columns, dtype, seed=1)
        p = _kernels.softmax_probabilities(*problem[:3], reference_logit=reference_logit).astype(np.float64)
        arguments = (problem.weights, direction.W, direction.b)
        HV, Hvb = _kernels.softmax_hessian_vector(problem.X, p, *arguments, reference_logit=reference_logit)
        expected = hessian_reference(problem, p, direction.W, direction.b, reference_logit=reference_logit)
        for_HV, for_Hvb = gradient_scale(problem)
        assert close(HV, expected[0], dtype, max(for_HV, float(np.linalg.norm(expected[0]))))
        assert close(Hvb, expected[1], dtype, max(for_Hvb, float(np.linalg.norm(expected[1]))))
        # The reference class's column of probabilities may be left out.
        shorter = _kernels.softmax_hessian_vector(
            problem.X, p[:, 1:].copy(), *arguments, reference_logit=reference_logit
        )
        assert np.array_equal(shorter[0], HV)


def test_hessian_vector_is_the_derivative_of_the_gradient() -> None:
    problem = make_problem(200, 9, 4, np.float64)
    direction = make_problem(200, 9, 4, np.float64, seed=1)
    step = 1e-5
    p = _kernels.softmax_probabilities(*problem[:3])
    HV, Hvb = _kernels.softmax_hessian_vector(problem.X, p, problem.weights, direction.W, direction.b)
    ahead, behind = (
        _kernels.softmax_value_and_gradient(
            problem.X,
            problem.W + sign * step * direction.W,
            problem.b + sign * step * direction.b,
            problem.labels,
            problem.weights,
        )
        for sign in (1, -1)
    )
    for which, expected in ((1, HV), (2, Hvb)):
        slope = (ahead[which] - behind[which]) / (2 * step)
        # Central differences: error of order step**2 = 1e-10, and rounding 1e-16 / step = 1e-11.
        np.testing.assert_allclose(slope, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 2, 7, 33])
def test_logits_and_probabilities(dtype: Any, columns: int) -> None:
    for m, d in ((0, 3), (5, 0), (1, 1), (130, 33), (70, 800)):
        problem = make_problem(m, d, columns, dtype)
        logits = _kernels.softmax_logits(*problem[:3])
        assert logits.dtype == dtype
        assert close(logits, reference(problem).logits, dtype)
        for reference_logit in (False, True):
            p = _kernels.softmax_probabilities(*problem[:3], reference_logit=reference_logit)
            assert p.shape == (m, columns + reference_logit)
            assert p.dtype == dtype
            expected = reference(problem._replace(labels=np.zeros(m, int)), reference_logit=reference_logit)
            assert close(p, expected.probabilities, dtype)


def layouts(X: Any) -> dict[str, Any]:
    """The same values in every way that memory may hold them."""
    m, d = X.shape
    wide = np.full((2 * m, 3 * d + 5), np.nan, X.dtype)  # NaN wherever the kernel must not look
    wide[::2, 2 : 2 + 3 * d : 3] = X
    rows = np.full((m + 2, d + 7), np.nan, X.dtype)
    rows[1:-1, 3 : 3 + d] = X
    reversed_both = X[::-1, ::-1].copy()
    readonly = X.copy()
    readonly.flags.writeable = False
    unaligned = np.frombuffer(b"\0" + X.tobytes(), dtype=np.uint8)[1:].view(X.dtype).reshape(m, d)
    return {
        "Fortran order": np.asfortranarray(X),
        "every third column": wide[::2, 2 : 2 + 3 * d : 3],
        "columns sliced": rows[1:-1, 3 : 3 + d],
        "negative strides": reversed_both[::-1, ::-1],
        "negative row stride": X[::-1].copy()[::-1],
        "read-only": readonly,
        "unaligned": unaligned,
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [3, 30, 131])
def test_memory_layouts(dtype: Any, d: int) -> None:
    problem = make_problem(333, d, 4, dtype)
    loss, dW, db = _kernels.softmax_value_and_gradient(*problem)
    for name, X in layouts(problem.X).items():
        assert np.array_equal(X, problem.X), name
        other = _kernels.softmax_value_and_gradient(X, *problem[1:])
        assert close(other[0], loss, dtype), name
        assert close(other[1], dW, dtype), name
        assert close(other[2], db, dtype), name


@pytest.mark.parametrize("dtype", DTYPES)
def test_strides_of_the_other_arrays(dtype: Any) -> None:
    problem = make_problem(300, 20, 5, dtype)
    loss, dW, db = _kernels.softmax_value_and_gradient(*problem)
    p = np.empty((300, 5), dtype, order="F")
    strided = _kernels.softmax_value_and_gradient(
        problem.X,
        np.asfortranarray(problem.W),
        np.repeat(problem.b, 2)[::2],
        problem.labels[::-1].copy()[::-1],
        np.repeat(problem.weights, 3)[::3],
        probabilities=p,
    )
    assert strided[0] == loss
    assert np.array_equal(strided[1], dW)
    assert np.array_equal(strided[2], db)
    assert close(p, reference(problem).probabilities, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("d", [5, 40])
def test_zero_strides(dtype: Any, d: int) -> None:
    one = make_problem(1, d, 3, dtype)
    many = one._replace(
        X=np.broadcast_to(one.X, (500, d)), labels=np.ones(500, np.int64), weights=np.broadcast_to(1.0, 500)
    )
    check_value_and_gradient(many)
    columns = make_problem(500, 1, 3, dtype)
    check_value_and_gradient(
        columns._replace(X=np.broadcast_to(columns.X, (500, d)), W=np.repeat(columns.W, d, axis=0) / dtype(d))
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reference_logit", [False, True])
def test_huge_logits(dtype: Any, reference_logit: bool) -> None:
    rng = np.random.default_rng(0)
    X = np.ones((64, 1), dtype)
    X[::2] = -1
    W = np.array([[1e4, -1e4, 0.0]], dtype)
    labels = rng.integers(0, 3, 64)
    problem = Problem(X, W, np.zeros(3, dtype), labels, np.ones(64))
    check_value_and_gradient(problem, reference_logit=reference_logit)


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_losses_keep_their_relative_precision(dtype: Any) -> None:
    # p of the label is 1 - 1e-10 or so: 1 - p and log p must not be taken as such.
    margins = np.array([5.0, 12.0, 23.0, 31.0, 60.0])
    X = np.repeat(margins, 20)[:, None].astype(dtype)
    for labels, signs in ((np.ones(100, np.int64), 1), (np.zeros(100, np.int64), -1)):
        for W, reference_logit in ((np.array([[-0.5, 0.5]]), False), (np.array([[1.0]]), True)):
            columns = W.shape[1]
            loss, dW, _ = _kernels.softmax_value_and_gradient(
                X, (signs * W).astype(dtype), np.zeros(columns, dtype), labels, reference_logit=reference_logit
            )
            expected = np.log1p(np.exp(-X.astype(np.float64))).sum()
            slope = (X.astype(np.float64) / (1 + np.exp(X.astype(np.float64)))).sum()
            # exp of a logit of 60 magnifies the logit's own rounding 60 times, but is itself negligible.
            assert abs(loss / expected - 1) < 10 * TOLERANCE[np.dtype(dtype)]
            assert abs(abs(dW[0, -1]) / slope - 1) < 10 * TOLERANCE[np.dtype(dtype)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_columns_add_up_to_zero(dtype: Any) -> None:
    _, dW, db = _kernels.softmax_value_and_gradient(*make_problem(1000, 30, 7, dtype))
    # Class 0 is minus the others: what is left is the rounding of adding seven numbers.
    np.testing.assert_allclose(dW.sum(axis=1), 0.0, atol=1e-15 * 7 * np.abs(dW).max())
    np.testing.assert_allclose(db.sum(), 0.0, atol=1e-15 * 7 * np.abs(db).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("d", [3, 8, 37])
def test_not_finite_rows_become_nan_and_no_others(dtype: Any, bad: float, d: int) -> None:
    problem = make_problem(100, d, 3, dtype)
    problem.weights[41] = 0.0
    clean = _kernels.softmax_probabilities(*problem[:3]).astype(np.float64)
    for j in (0, d // 2, d - 1):
        X = problem.X.copy()
        X[41, j] = bad
        p = np.empty((100, 3), dtype)
        loss, dW, db = _kernels.softmax_value_and_gradient(X, *problem[1:], probabilities=p)
        assert np.isnan(loss)
        assert np.isnan(dW).all()
        assert np.isnan(db).all()
        assert np.isnan(p[41]).all()
        others = np.arange(100) != 41
        assert close(p[others], clean[others].astype(np.float64), dtype)
        HV, _ = _kernels.softmax_hessian_vector(X, clean, problem.weights, problem.W, problem.b)
        assert np.isnan(HV).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_not_finite_parameters_and_weights_become_nan(dtype: Any) -> None:
    X, W, b, labels, weights = make_problem(100, 20, 3, dtype)
    for bad in (np.nan, np.inf):
        for k in range(3):
            broken = W.copy()
            broken[7, k] = bad
            assert np.isnan(_kernels.softmax_value_and_gradient(X, broken, b, labels, weights)[0])
            shifted = b.copy()
            shifted[k] = np.nan
            assert np.isnan(_kernels.softmax_value_and_gradient(X, W, shifted, labels, weights)[0])
        heavy = weights.copy()
        heavy[5] = bad
        assert not np.isfinite(_kernels.softmax_value_and_gradient(X, W, b, labels, heavy)[0])


def same_bits(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "d", "columns"), [(20_000, 30, 3), (3000, 784, 10), (500, 40, 300), (40_000, 1, 2)])
def test_the_same_bits_on_any_number_of_threads(dtype: Any, m: int, d: int, columns: int) -> None:
    problem = make_problem(m, d, columns, dtype)
    p = _kernels.softmax_probabilities(*problem[:3], n_threads=1)
    alone = _kernels.softmax_value_and_gradient(*problem, n_threads=1)
    product = _kernels.softmax_hessian_vector(
        problem.X, p.astype(np.float64), problem.weights, problem.W, problem.b, n_threads=1
    )
    for n_threads in (0, 2, 3, 16):
        for _ in range(3):
            assert same_bits(_kernels.softmax_value_and_gradient(*problem, n_threads=n_threads), alone)
        again = _kernels.softmax_hessian_vector(
            problem.X, p.astype(np.float64), problem.weights, problem.W, problem.b, n_threads=n_threads
        )
        assert same_bits(again, product)
        assert same_bits((_kernels.softmax_probabilities(*problem[:3], n_threads=n_threads),), (p,))


@pytest.mark.parametrize("shape", [(1000, 5, 3), (300, 784, 10), (500, 33, 1), (40, 3, 2)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_float32_rows_in_float64_arithmetic(shape: Any, order: Any) -> None:
    problem = make_problem(*shape, np.float32)
    wide = problem._replace(X=np.asarray(problem.X, np.float64), W=problem.W.astype(float), b=problem.b.astype(float))
    narrow = wide._replace(X=np.asarray(problem.X, order=order))
    p, q = np.empty((len(problem.X), shape[2])), np.empty((len(problem.X), shape[2]))
    expected = _kernels.softmax_value_and_gradient(*wide, probabilities=p)
    actual = _kernels.softmax_value_and_gradient(*narrow, probabilities=q)
    # The same sums, in blocks of other sizes: rounding of float64, many times less than float32's 6e-8.
    assert actual[0] == pytest.approx(expected[0], rel=1e-13)
    direction, weights = wide.W[::-1], np.full(len(p), 0.5)
    hessian = [_kernels.softmax_hessian_vector(rows.X, p, weights, direction, wide.b)[0] for rows in (narrow, wide)]
    for a, e in zip((*actual[1:], q, hessian[0]), (*expected[1:], p, hessian[1]), strict=True):
        np.testing.assert_allclose(a, e, rtol=0, atol=1e-12 * np.abs(e).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "d", "K"), [(400, 5, 4), (1000, 130, 2), (37, 300, 1), (5, 1, 1), (0, 3, 2), (7, 0, 2)])
@pytest.mark.parametrize("intercept", [False, True])
def test_weighted_gram(dtype: Any, m: int, d: int, K: int, intercept: bool) -> None:
    rng = np.random.default_rng(0)
    X = np.asarray(rng.standard_normal((m, d)), dtype)
    p = rng.dirichlet(np.ones(K + 1), m)[:, :K]
    shares, means = rng.random(m), rng.standard_normal(d)
    pairs = np.array([(k, j) for k in range(K) for j in range(k + 1)])
    rows = X - means
    if intercept:
        rows = np.column_stack([rows, np.ones(m)])
    weights = np.stack([shares * p[:, k] * ((k == j) - p[:, j]) for k, j in pairs], axis=1)
    expected = np.einsum("ib,ij,ik->bjk", weights, rows, rows)
    size = max(1.0, np.abs(expected).max(initial=0.0))
    for single in (False, True) if dtype == np.float32 else (False,):
        tolerance = 1e-5 if single else 1e-12  # sums of up to 1,000 terms
        options: Any = {"intercept": intercept, "single": single}
        blocks = _kernels.weighted_gram(X, means, p, shares, pairs=pairs, **options)
        np.testing.assert_allclose(blocks, expected, rtol=0, atol=tolerance * size)
        diagonals = _kernels.weighted_gram(X, means, p, shares, pairs=pairs, diagonals=True, **options)
        np.testing.assert_allclose(diagonals, np.einsum("bjj->jb", expected), rtol=0, atol=tolerance * size)
        plain = _kernels.weighted_gram(np.asfortranarray(X), means, weights, np.ones(m), **options)
        np.testing.assert_allclose(plain, expected, rtol=0, atol=tolerance * size)
        for n_threads in (1, 2, 5):
            again = _kernels.weighted_gram(X, means, p, shares, pairs=pairs, n_threads=n_threads, **options)
            assert same_bits((again,), (blocks,))


def test_weighted_gram_refuses_wrong_arguments() -> None:
    X, p, shares, means = np.zeros((4, 3)), np.zeros((4, 2)), np.zeros(4), np.zeros(3)
    good: dict[str, Any] = {"X": X, "means": means, "weights": p, "shares": shares, "pairs": np.array([[0, 1]])}
    _kernels.weighted_gram(**good)
    for change in (
        {"means": means[:2]},
        {"weights": p[:3]},
        {"shares": shares[:3]},
        {"pairs": np.array([[0, 2]])},
        {"pairs": np.array([[-1, 0]])},
        {"pairs": np.array([0, 1])},
        {"X": X.astype(np.int64)},
        {"single": True},
    ):
        with pytest.raises(ValueError, match=r"must|has|names"):
            _kernels.weighted_gram(**{**good, **change})


def test_calls_from_several_python_threads() -> None:
    problems = [make_problem(8000, 40, 3, np.float32, seed=seed) for seed in range(4)]
    expected = [_kernels.softmax_value_and_gradient(*problem, n_threads=1) for problem in problems]
    wrong: list[int] = []

    def repeat(which: int) -> None:
        for _ in range(20):
            actual = _kernels.softmax_value_and_gradient(*problems[which], n_threads=2)
            wrong.extend([] if same_bits(actual, expected[which]) else [which])

    threads = [threading.Thread(target=repeat, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_pool_survives_a_fork() -> None:
    # In a process of its own: pytest's may have other threads, about which os.fork would warn.
    code = """
import os, warnings
import numpy as np
from chainrule.engine import _kernels
warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads is what this is about
rng = np.random.default_rng(0)
X = rng.standard_normal((20_000, 40), dtype=np.float32)
arguments = X, np.zeros((40, 3), np.float32), np.zeros(3, np.float32), rng.integers(0, 3, 20_000)
before = _kernels.softmax_value_and_gradient(*arguments, n_threads=4)
child = os.fork()
after = [_kernels.softmax_value_and_gradient(*arguments, n_threads=4) for _ in range(3)]
same = all(np.array_equal(before[1], one[1]) for one in after)
if child == 0:
    grandchild = os.fork()
    again = _kernels.softmax_value_and_gradient(*arguments, n_threads=4)
    same &= np.array_equal(before[1], again[1])
    if grandchild:
        same &= os.waitpid(grandchild, 0)[1] == 0
    os._exit(0 if same else 1)
assert same and os.waitpid(child, 0)[1] == 0
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("dtype", DTYPES)
def test_wrong_arguments_are_errors(dtype: Any) -> None:
    problem = make_problem(10, 4, 3, dtype)
    other = np.float64 if dtype is np.float32 else np.float32
    wrong = [
        {"X": problem.X[0]},
        {"X": problem.X[:, :3]},
        {"X": problem.X.astype(np.int64)},
        {"X": problem.X.astype(np.complex128)},
        {"W": problem.W.astype(other)},
        {"W": problem.W[0]},
        {"W": problem.W[:, :0], "b": problem.b[:0]},
        {"b": problem.b[:2]},
        {"b": problem.b.astype(other)},
        {"b": np.zeros((1, 3), dtype)},
        {"labels": problem.labels[:9]},
        {"labels": problem.labels.astype(np.int32)},
        {"weights": problem.weights[:9]},
        {"weights": problem.weights.astype(np.float32)},
        {"probabilities": np.empty((10, 4), dtype)},
        {"probabilities": np.empty((9, 3), dtype)},
        {"probabilities": np.empty((10, 3), other)},
        {"label_smoothing": -0.1},
        {"label_smoothing": 1.1},
        {"label_smoothing": np.nan},
        {"n_threads": -1},
    ]
    for change in wrong:
        with pytest.raises(ValueError, match=r"must|has"):
            _kernels.softmax_value_and_gradient(**{**problem._asdict(), **change})
    readonly = np.empty((10, 3), dtype)
    readonly.flags.writeable = False
    for change in ({"X": [[1.0]]}, {"X": None}, {"probabilities": readonly}):
        with pytest.raises((TypeError, ValueError)):
            _kernels.softmax_value_and_gradient(**{**problem._asdict(), **change})


@pytest.mark.parametrize("label", [-1, 3, 2**40, -(2**63)])
def test_labels_out_of_range_are_named(label: int) -> None:
    problem = make_problem(5000, 40, 3, np.float32)
    problem.labels[4321] = label
    with pytest.raises(ValueError, match=rf"labels\[4321\] is {label}, but there are 3 classes"):
        _kernels.softmax_value_and_gradient(*problem)
    problem.labels[4321] = 0
    check_value_and_gradient(problem)


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(0, 90),
    d=st.integers(0, 50),
    columns=st.integers(1, 12),
    single=st.booleans(),
    reference_logit=st.booleans(),
    scale=st.sampled_from([0.0, 0.1, 1.0, 10.0]),
    seed=st.integers(0, 1000),
)
def test_any_small_problem(
    m: int, d: int, columns: int, single: bool, reference_logit: bool, scale: float, seed: int
) -> None:
    problem = make_problem(m, d, columns, DTYPES[not single], reference_logit=reference_logit, scale=scale, seed=seed)
    check_value_and_gradient(problem, reference_logit=reference_logit)


@pytest.mark.parametrize("dtype", DTYPES)
def test_read_sum(dtype: Any) -> None:
    for n in (0, 1, 7, 64, 1000, 300_000):
        X = np.arange(n, dtype=dtype) % 7
        # Small whole numbers in a few hundred lanes: every partial sum is exact in float32.
        assert _kernels.read_sum(X, 2) == X.sum(dtype=np.float64)

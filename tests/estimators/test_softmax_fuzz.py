"""Whatever rows come: an answer whose claims are true, or an error that says why; never NaN, never a hang."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csc_array, csr_array
from sklearn.exceptions import ConvergenceWarning

from chainrule import SoftmaxClassifier
from chainrule.errors import ChainruleError

COLUMNS = {
    "normal": lambda rng, m: rng.standard_normal(m),
    "constant": lambda rng, m: np.full(m, rng.choice([0.0, 1.0, -1e6])),
    "far": lambda rng, m: 1e5 + rng.standard_normal(m),
    "huge": lambda rng, m: 1e9 * rng.standard_normal(m),
    "tiny": lambda rng, m: 1e-9 * rng.standard_normal(m),
    "denormal": lambda rng, m: 1e-310 * rng.standard_normal(m),
    "rare": lambda rng, m: 50.0 * (np.arange(m) == rng.integers(m)),
    "binary": lambda rng, m: rng.integers(2, size=m).astype(float),
}
WEIGHTS = {
    "none": lambda rng, y: None,
    "zeros": lambda rng, y: (rng.random(len(y)) < 0.7).astype(float),
    "unequal": lambda rng, y: 10.0 ** rng.uniform(-6, 6, len(y)),
    "huge": lambda rng, y: 1e300 * rng.random(len(y)),
    "beyond float64 together": lambda rng, y: np.full(len(y), 1e308),
    "tiny": lambda rng, y: 1e-300 * rng.random(len(y)),
    "denormal": lambda rng, y: 1e-320 * rng.integers(1, 1000, len(y)),
    "a class without": lambda rng, y: (y != rng.integers(y.max() + 1)).astype(float),
    "one class alone": lambda rng, y: (y == rng.integers(y.max() + 1)).astype(float),
    "all zero": lambda rng, y: np.zeros(len(y)),
    "negative": lambda rng, y: rng.standard_normal(len(y)),
    "not a number": lambda rng, y: np.where(np.arange(len(y)) == 0, np.nan, 1.0),
}
REFUSED = ("all zero", "negative", "not a number", "beyond float64 together")  # unless they happen to be fine


def _with_long_indices(X):
    X = csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def _with_repeated_entries(X):
    entries = coo_array(X)
    twice = [np.concatenate([part, part]) for part in (*entries.coords, 0.5 * entries.data)]
    return csr_array((twice[2], (twice[0], twice[1])), shape=X.shape)


FORMS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "reversed": lambda X: np.ascontiguousarray(X[:, ::-1])[:, ::-1],
    "csr": csr_array,
    "csr, 64-bit": _with_long_indices,
    "csr, float32": lambda X: csr_array(X.astype(np.float32)),
    "csr, repeated": _with_repeated_entries,
    "csc": csc_array,
    "coo": coo_array,
}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 100_000),
    m=st.integers(1, 60),
    n_classes=st.integers(1, 5),
    kinds=st.lists(st.sampled_from([*COLUMNS, "copy", "sum"]), min_size=1, max_size=6),
    weights=st.sampled_from(["none", "none", *WEIGHTS]),
    form=st.sampled_from(list(FORMS)),
    C=st.sampled_from([1e-4, 1.0, 1e4, np.inf]),
    l1_ratio=st.sampled_from([0.0, 0.0, 0.5, 1.0]),
    fit_intercept=st.booleans(),
    solver=st.sampled_from(["auto", "newton-cholesky", "newton-cg"]),
    learnable=st.booleans(),
)
def test_an_answer_or_a_clear_error(**drawn):
    fuzz(**drawn)


def fuzz(*, seed, m, n_classes, kinds, weights, form, C, l1_ratio, fit_intercept, solver, learnable):
    """Return what came of it: an answer, one that stopped short with a warning, or a clear error."""
    rng = np.random.default_rng(seed)
    columns: list[np.ndarray] = []
    for kind in kinds:
        if kind in COLUMNS or not columns:
            columns.append(COLUMNS.get(kind, COLUMNS["normal"])(rng, m))
        else:
            columns.append(columns[0].copy() if kind == "copy" else np.sum(columns, axis=0))
    X = np.column_stack(columns)
    y = (np.argsort(np.argsort(X[:, 0])) * n_classes // m) if learnable else rng.integers(n_classes, size=m)
    sample_weight = WEIGHTS[weights](rng, y)
    model = SoftmaxClassifier(
        C=C, l1_ratio=l1_ratio, fit_intercept=fit_intercept, solver=solver, max_iter=2000, random_state=0
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(FORMS[form](X), y, sample_weight=sample_weight)
        except (ChainruleError, ValueError) as error:
            assert len(str(error)) > 20
            assert not caught
            expected = len(np.unique(y)) < 2 or weights in REFUSED
            assert expected or (sample_weight is not None and min(1.0, C) * sample_weight.sum() < 1e-99), error
            return "error"
    assert all(w.category is ConvergenceWarning for w in caught), [str(w.message) for w in caught]
    assert model.converged_ == (not caught)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = model.predict_proba(FORMS[form](X))
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-5)
    if np.isfinite(C) and weights != "huge":
        assert 0.0 <= model.optimality_gap_ <= model.objective_ * (1 + 1e-12) + 1e-300
    assert model.n_iter_[0] <= 2001 + 200  # one Newton step may go beyond the budget
    if not caught:
        return "answer"
    return "no optimum" if "without an error" in str(caught[0].message) else "stopped short"


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_columns_that_say_nothing_raise_no_warning(l1_ratio):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SoftmaxClassifier(C=1e-4, l1_ratio=l1_ratio).fit(np.zeros((4, 1)), [0, 1, 0, 1])
    assert not model.coef_.any()


def test_the_solver_changes_nothing_that_it_was_given():
    rng = np.random.default_rng(0)
    X, y, weight = rng.standard_normal((40, 3)), rng.integers(3, size=40), rng.random(40)
    before = X.copy(), y.copy(), weight.copy()
    for l1_ratio in (0.0, 1.0):
        SoftmaxClassifier(l1_ratio=l1_ratio).fit(X, y, weight)
    for now, then in zip((X, y, weight), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value):
    X, y = np.random.default_rng(0).standard_normal((20, 3)), np.arange(20) % 2
    X[3, 1] = value
    for form in (np.asarray, csr_array):
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            SoftmaxClassifier().fit(form(X), y)

"""No maximum of the likelihood is named, and only where there is none: against a linear program of its own."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning

from chainrule import SoftmaxClassifier


def is_separable(X, y, fit_intercept):
    """Whether some D has x_i (D_y - D_k) >= 0 for all rows and classes, and above 0 for one."""
    Z = np.hstack([X, np.ones((len(X), 1))]) if fit_intercept else X
    classes = np.unique(y)
    margins = []
    for x, own in zip(Z, y, strict=True):
        for other in classes[classes != own]:
            margin = np.zeros((len(classes), Z.shape[1]))
            margin[classes == own], margin[classes == other] = x, -x
            margins.append(margin.ravel())
    A = np.array(margins)
    best = linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1, 1), method="highs")
    return -best.fun > 1e-5  # entries are small integers: a sum that is not 0 is far above


def outcome(X, y, fit_intercept=True, tol=1e-6, sample_weight=None):
    model = SoftmaxClassifier(C=np.inf, fit_intercept=fit_intercept, tol=tol)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, sample_weight)
    assert all(w.category is ConvergenceWarning for w in caught), [str(w.message) for w in caught]
    assert model.converged_ == (not caught)
    return [str(w.message) for w in caught]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    m=st.integers(4, 40),
    d=st.integers(1, 5),
    n_classes=st.integers(2, 4),
    largest=st.integers(1, 4),
    fit_intercept=st.booleans(),
    tol=st.sampled_from([1e-2, 1e-6, 1e-12]),
    sparse=st.booleans(),
)
def test_agrees_with_the_linear_program(seed, m, d, n_classes, largest, fit_intercept, tol, sparse):
    rng = np.random.default_rng(seed)
    X = rng.integers(-largest, largest + 1, size=(m, d)).astype(float)
    y = np.argmax(X @ rng.standard_normal((d, n_classes)) + 0.7 * rng.standard_normal((m, n_classes)), axis=1)
    if len(np.unique(y)) < 2:
        return
    said = outcome(csr_array(X) if sparse else X, y, fit_intercept, tol)
    assert bool(said) == is_separable(X, y, fit_intercept), said


def test_what_is_told_apart_is_named():
    X, y = load_iris(return_X_y=True, as_frame=True)
    with pytest.warns(ConvergenceWarning, match=r"quasi-complete separation") as caught:
        model = SoftmaxClassifier(C=np.inf).fit(X, y.map(dict(enumerate(["setosa", "versicolor", "virginica"]))))
    assert not model.converged_
    said = str(caught[0].message)
    assert "'setosa' from 'versicolor'" in said
    assert "petal length (cm)" in said
    assert "'virginica' from 'versicolor'" not in said  # these overlap


def test_a_level_that_only_one_class_has():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    y = (X[:, 0] + rng.standard_normal(200) > 0).astype(int)
    X[:, 2] = (np.arange(200) % 40 == 0) & (y == 1)
    (said,) = outcome(X, y)
    assert "by x2, so that" in said
    assert not outcome(X[:, :2], y)
    # Rows that don't count change nothing, neither do columns that follow from others.
    y[np.flatnonzero(X[:, 2])[0]] = 0
    assert not outcome(np.hstack([X, X[:, :1]]), y)
    assert outcome(np.hstack([X, X[:, :1]]), y, sample_weight=1.0 - (X[:, 2] > 0) * (y == 0))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_an_optimum_far_away_is_no_separation(scale):
    X, y = load_breast_cancer(return_X_y=True)
    assert not outcome(X[:, :5] * scale, y, tol=1e-10)

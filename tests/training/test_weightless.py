"""Classes none of whose rows counts: the proof closes, and the optimum is that of the others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits, load_iris

from chainrule import SoftmaxClassifier


def rows(n_classes):
    X, y = load_digits(return_X_y=True)
    return X[y < n_classes][::3], y[y < n_classes][::3]


@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("without", [[0], [1, 3], [4]])
def test_the_proof_closes_at_the_optimum_of_the_other_rows(l1_ratio, without, form):
    X, y = rows(5)
    counts = ~np.isin(y, without)
    model = SoftmaxClassifier(C=0.1, l1_ratio=l1_ratio).fit(form(X), y, counts.astype(float))
    alone = SoftmaxClassifier(C=0.1, l1_ratio=l1_ratio).fit(form(X[counts]), y[counts])
    assert model.optimality_gap_ <= 1e-6 * model.objective_
    # Both within 1e-6 of the same optimum.
    assert model.objective_ == pytest.approx(alone.objective_, rel=1e-6)
    np.testing.assert_array_equal(model.predict(X[counts]), alone.predict(X[counts]))
    if len(alone.classes_) > 2:
        p = model.predict_proba(X)
        assert p[:, without].max() < 1e-15
        # Gaps of 1e-6 allow about their root in probabilities.
        np.testing.assert_allclose(np.delete(p, without, axis=1), alone.predict_proba(X), atol=5e-3)
        assert not model.coef_[without].any()


def test_two_classes_that_count_share_the_penalty_as_among_three():
    X, y = load_iris(return_X_y=True)
    weight = (y > 0).astype(float)
    model = SoftmaxClassifier(tol=1e-12).fit(X, y, weight)
    # Among three classes each of the two has coefficients of its own: half the logit's each, at twice the C of one.
    two = SoftmaxClassifier(C=2.0, tol=1e-12).fit(X[y > 0], y[y > 0])
    np.testing.assert_allclose(model.coef_[2] - model.coef_[1], two.coef_[0], rtol=1e-6, atol=1e-8)
    assert abs(model.intercept_.sum()) < 1e-10


def test_class_weights_warm_starts_and_no_penalty():
    X, y = rows(4)
    weights = {0: 1.0, 1: 0.0, 2: 2.0, 3: 1.0}
    model = SoftmaxClassifier(class_weight=weights, warm_start=True).fit(X, y)
    assert model.optimality_gap_ <= 1e-6 * model.objective_
    assert model.fit(X, y).n_iter_[0] <= 2
    X, y = load_iris(return_X_y=True)
    y = np.where(np.arange(len(y)) % 7 == 0, 3, y)  # mixed up, so that there is an optimum
    free = SoftmaxClassifier(C=np.inf, tol=1e-12).fit(X, y, (y != 0).astype(float))
    alone = SoftmaxClassifier(C=np.inf, tol=1e-12).fit(X[y != 0], y[y != 0])
    assert free.objective_ == pytest.approx(alone.objective_, rel=1e-12)


def test_the_bits_do_not_depend_on_threads():
    X, y = rows(4)
    models = [SoftmaxClassifier(n_threads=n).fit(X, y, (y != 2).astype(float)) for n in (1, 2)]
    np.testing.assert_array_equal(models[0].coef_, models[1].coef_)
    np.testing.assert_array_equal(models[0].intercept_, models[1].intercept_)

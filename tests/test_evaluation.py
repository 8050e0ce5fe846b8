from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from chainrule.errors import InputError, NonFiniteError
from chainrule.evaluation import MOST_POINTS, Evaluation, evaluate, thin_curve


def make(m: int = 400, K: int = 3, seed: int = 0, dtype: Any = np.float64, decimals: int = 3) -> tuple[Any, Any, Any]:
    """Return probabilities (rounded: ties), labels that agree with them more often than not, frequencies."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(K, size=m)
    logits = rng.normal(size=(m, K)) + 1.5 * np.eye(K)[labels]
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    p = np.round(p, decimals)
    p[:, 0] = 1.0 - p[:, 1:].sum(axis=1)
    return p.astype(dtype), labels, np.bincount(labels, minlength=K) / m


def evaluated(m: int = 400, K: int = 3, **kwargs: Any) -> tuple[Evaluation, Any, Any]:
    p, labels, frequencies = make(m, K, **kwargs)
    return evaluate(p, labels, np.arange(K), baseline=frequencies), p, labels


@pytest.mark.parametrize("K", [2, 3, 7])
@pytest.mark.parametrize("seed", [0, 1])
def test_scores_are_scikit_learns(K: int, seed: int) -> None:
    result, p, y = evaluated(K=K, seed=seed)
    predicted = p.argmax(axis=1)
    scores = [result.accuracy, result.macro_f1, result.log_loss, result.brier_score]
    expected = [
        metrics.accuracy_score(y, predicted),
        metrics.f1_score(y, predicted, average="macro"),
        metrics.log_loss(y, p, labels=np.arange(K)),
        metrics.brier_score_loss(y, p[:, 1]) if K == 2 else metrics.brier_score_loss(y, p),
    ]
    # Sums of 400 numbers of order 1, in another order.
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    np.testing.assert_array_equal(result.confusion, metrics.confusion_matrix(y, predicted))
    expected_scores = metrics.precision_recall_fscore_support(y, predicted, zero_division=np.nan)
    for name, column in zip(("precision", "recall", "f1", "support"), expected_scores, strict=True):
        np.testing.assert_allclose([getattr(s, name) for s in result.per_class], column, rtol=1e-14)


@pytest.mark.parametrize("K", [2, 4])
def test_curves_are_scikit_learns(K: int) -> None:
    result, p, y = evaluated(K=K)
    assert [c.label for c in result.curves] == ([1] if K == 2 else list(range(K)))
    for curve in result.curves:
        score, truth = p[:, int(curve.label)], y == curve.label
        # Ties are kept together, sums differ in order only.
        assert curve.auc == pytest.approx(metrics.roc_auc_score(truth, score), rel=1e-12)
        assert curve.average_precision == pytest.approx(metrics.average_precision_score(truth, score), rel=1e-12)
        assert curve.prevalence == pytest.approx(truth.mean(), rel=1e-15)
        for thin, (x, y_full) in (
            (curve.roc, metrics.roc_curve(truth, score, drop_intermediate=False)[:2]),
            (curve.precision_recall, metrics.precision_recall_curve(truth, score)[1::-1]),
        ):
            full = set(zip(np.round(x, 5).tolist(), np.round(y_full, 5).tolist(), strict=True))
            assert set(zip(thin.x, thin.y, strict=True)) <= full
            assert len(thin.x) <= MOST_POINTS


def test_calibration_is_scikit_learns() -> None:
    # Probabilities that aren't on a bin's edge: there the two put a row on different sides.
    result, p, y = evaluated(m=500, K=2, decimals=12)
    observed, predicted = calibration_curve(y, p[:, 1], n_bins=10)
    np.testing.assert_allclose([b.predicted for b in result.calibration.bins], predicted, rtol=1e-12)
    np.testing.assert_allclose([b.observed for b in result.calibration.bins], observed, rtol=1e-12)
    assert sum(b.count for b in result.calibration.bins) == 500
    assert result.calibration.label == 1


def test_calibration_of_many_classes_is_of_the_predicted_one() -> None:
    result, p, _ = evaluated(m=500, K=5)
    bins = result.calibration.bins
    assert result.calibration.label is None
    counts = np.array([b.count for b in bins])
    # Weighted means of the bins are means of the rows.
    assert counts @ [b.predicted for b in bins] / 500 == pytest.approx(p.max(axis=1).mean(), rel=1e-12)
    assert counts @ [b.observed for b in bins] / 500 == pytest.approx(result.accuracy, rel=1e-12)
    gaps = np.abs([b.predicted - b.observed for b in bins])
    assert result.calibration.expected_error == pytest.approx(counts @ gaps / 500, rel=1e-12)


def test_baseline_is_a_dummy_classifier() -> None:
    from sklearn.dummy import DummyClassifier

    p, y, _ = make(K=3)
    training = np.repeat([0, 1, 2], [10, 30, 20])
    result = evaluate(p, y, np.array(["a", "b", "c"]), baseline=np.bincount(training) / 60)
    X = np.zeros((60, 1))
    majority = DummyClassifier(strategy="most_frequent").fit(X, training).predict(np.zeros((len(y), 1)))
    prior = DummyClassifier(strategy="prior").fit(X, training).predict_proba(np.zeros((len(y), 1)))
    assert result.baseline.label == "b"
    assert result.baseline.accuracy == pytest.approx(metrics.accuracy_score(y, majority), rel=1e-14)
    assert result.baseline.macro_f1 == pytest.approx(metrics.f1_score(y, majority, average="macro"), rel=1e-14)
    assert result.baseline.log_loss == pytest.approx(metrics.log_loss(y, prior), rel=1e-12)


def test_a_class_without_rows_is_said_not_to_be_defined() -> None:
    p, y, frequencies = make(K=4)
    rows = y != 2
    p[:, 2] = 0.0
    result = evaluate(p[rows], y[rows], np.arange(4), baseline=frequencies)
    absent = result.per_class[2]
    assert (absent.precision, absent.recall, absent.f1, absent.support) == (None, None, None, 0)
    assert result.curves[2].auc is None
    assert result.curves[2].average_precision is None
    assert result.curves[2].roc.x == ()
    # scikit-learn's macro mean too is over the classes that occur.
    expected = metrics.f1_score(y[rows], p[rows].argmax(axis=1), average="macro")
    assert result.macro_f1 == pytest.approx(expected, rel=1e-14)


def test_rows_of_one_class_only() -> None:
    p, y, frequencies = make(K=2)
    result = evaluate(p[y == 1], y[y == 1], np.array([False, True]), baseline=frequencies)
    assert result.curves[0].auc is None
    assert result.curves[0].average_precision == 1.0


@pytest.mark.parametrize(("dtype", "cost"), [(np.float32, 15.94), (np.float64, 36.04)])
def test_a_certain_mistake_costs_what_the_docstring_says(dtype: Any, cost: float) -> None:
    p = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=dtype)
    result = evaluate(p, np.array([1, 1]), np.array(["no", "yes"]), baseline=np.array([1.0, 0.0]))
    assert result.log_loss == pytest.approx(cost / 2, abs=0.005)
    # Trained without a "yes": the baseline's mistakes are certain as well.
    assert result.baseline.log_loss == pytest.approx(cost, abs=0.005)


def test_float32_agrees_with_float64() -> None:
    p, y, frequencies = make(dtype=np.float32)
    single = evaluate(p, y, np.arange(3), baseline=frequencies)
    double = evaluate(p.astype(np.float64), y, np.arange(3), baseline=frequencies)
    assert single == double  # no clipping here, and the sums are in float64 either way


@given(K=st.integers(2, 6), m=st.integers(1, 40), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_plain_data_round_trips(K: int, m: int, seed: int) -> None:
    result, _, _ = evaluated(m=m, K=K, seed=seed, dtype=np.float32)
    assert Evaluation.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False))) == result


@pytest.mark.parametrize(
    ("classes", "plain"),
    [
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([False, True]), [False, True]),
        (np.array([3, 5]), [3, 5]),
        (np.array([0.5, 1.5]), [0.5, 1.5]),
        (np.array(["2024-01-01", "2024-02-01"], dtype="datetime64[D]"), ["2024-01-01", "2024-02-01"]),
        (np.array(["a", 7], dtype=object), ["a", 7]),
    ],
)
def test_labels_of_any_type(classes: Any, plain: list[Any]) -> None:
    p, y, frequencies = make(K=2)
    data = evaluate(p, y, classes, baseline=frequencies).to_dict()
    assert json.loads(json.dumps(data))["classes"] == plain


def test_the_record_does_not_grow_with_the_rows() -> None:
    small, large = (len(json.dumps(evaluated(m=m, K=26, decimals=12)[0].to_dict())) for m in (2_000, 60_000))
    assert large < 1.3 * small < 150_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accuracy": 1.5}, "'accuracy' must be a number from 0 to 1, got 1.5"),
        ({"log_loss": float("nan")}, "'log_loss' must be a number at least 0"),
        ({"n_rows": 3}, "does not add up to the 3 rows"),
        ({"n_rows": True}, "whole number"),
        ({"confusion": [[1, 2], [3]]}, "3 x 3 in confusion"),
        ({"curves": 7}, "'curves' must be a list, got int"),
        ({"calibration": None}, "calibration: not an evaluation's data"),
        ({"classes": [[1], 2, 3]}, "class labels"),
    ],
)
def test_other_data_is_refused(change: dict[str, Any], message: str) -> None:
    data = evaluated()[0].to_dict()
    with pytest.raises(InputError, match=message):
        Evaluation.from_dict({**data, **change})
    with pytest.raises(InputError, match=f"{next(iter(change))!r} is missing"):
        Evaluation.from_dict({key: value for key, value in data.items() if key not in change})


@pytest.mark.parametrize(
    ("p", "labels", "message"),
    [
        (np.empty((0, 2)), np.empty(0, dtype=int), "no rows to evaluate"),
        (np.full((2, 3), 1 / 3), np.array([0, 1]), r"must be \(2, 2\)"),
        (np.full((2, 2), 0.5), np.array([0, 2]), r"0\.\.1, got 0\.\.2"),
    ],
)
def test_input_that_does_not_fit(p: Any, labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(p, labels, np.array(["a", "b"]), baseline=np.array([0.5, 0.5]))


def test_not_finite() -> None:
    p = np.array([[0.5, 0.5], [np.nan, 0.5]])
    with pytest.raises(NonFiniteError, match="row 1"):
        evaluate(p, np.array([0, 1]), np.array(["a", "b"]), baseline=np.array([0.5, 0.5]))


@given(n=st.integers(1, 300), seed=st.integers(0, 10**6), most=st.integers(2, 50))
@settings(max_examples=60, deadline=None)
def test_thinning_keeps_the_ends_and_the_shape(n: int, seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.random(n)), np.sort(rng.random(n))
    keep = thin_curve(x, y, most=most)
    assert len(keep) <= max(most, 1)
    assert keep[0] == 0
    assert keep[-1] == n - 1
    full = thin_curve(x, y, most=n)
    # Half the tolerance for the neighbours left out, one for the chord; to the nearer of horizontally and
    # vertically it is sqrt(2) times as far as straight to the chord at most.
    across = np.abs(np.interp(x, x[full], y[full]) - y)
    along = np.abs(np.interp(y, y[full], x[full]) - x)
    assert np.minimum(across, along).max() <= 1.5e-3 * np.sqrt(2)

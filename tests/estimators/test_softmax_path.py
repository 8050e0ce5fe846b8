"""Paths of penalties, and the choice among them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import SoftmaxClassifier, SoftmaxClassifierCV, softmax_path
from chainrule.errors import InputError
from chainrule.estimators.softmax_cv import choose


@parametrize_with_checks([SoftmaxClassifierCV(Cs=3, cv=2)])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(2, 4), st.sampled_from([0.0, 0.3, 1.0]), st.booleans(),
    st.sampled_from([np.asarray, csr_array]),
)  # fmt: skip
def test_each_point_is_the_optimum_of_its_own(seed, n_classes, l1_ratio, fit_intercept, container):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((60, 4)) * [1, 10, 0.1, 1], rng.integers(n_classes, size=60)
    y[:n_classes] = range(n_classes)
    Cs = np.logspace(-3, 3, 9)
    path = softmax_path(container(X), y, Cs=Cs, l1_ratio=l1_ratio, fit_intercept=fit_intercept)
    assert path.converged.all()
    for i, C in enumerate(Cs):
        single = SoftmaxClassifier(C=C, l1_ratio=l1_ratio, fit_intercept=fit_intercept, tol=1e-10).fit(X, y)
        # The gap is a proven bound; what is left is the single fit's own tolerance.
        assert path.objectives[i] - single.objective_ <= path.optimality_gaps[i] * (1 + 1e-9) + 1e-14
        assert path.objectives[i] - single.objective_ >= -1e-10 * single.objective_
        assert path.optimality_gaps[i] <= 1e-6 * path.objectives[i]
        np.testing.assert_array_equal(path[i].coef_, path.coefs[i])


def test_a_path_costs_less_than_its_points_alone():
    X, y = load_wine(return_X_y=True)
    Cs = np.logspace(-4, 4, 100)
    path = softmax_path(X, y, Cs=100)
    np.testing.assert_allclose(path.Cs, Cs)
    alone = sum(int(SoftmaxClassifier(C=C).fit(X, y).n_iter_[0]) for C in Cs[::10])
    assert path.n_iter.sum() < 5 * alone  # for ten times as many points


def test_what_a_path_holds():
    data = load_breast_cancer(as_frame=True)
    path = softmax_path(data.data, data.target_names[data.target], Cs=[1.0, 0.001, 0.1], l1_ratio=1.0)
    np.testing.assert_array_equal(path.Cs, [0.001, 0.1, 1.0])
    assert (path.coefs.shape, path.intercepts.shape, len(path)) == ((3, 1, 30), (3, 1), 3)
    assert (np.diff(path.n_nonzero) >= 0).all()
    assert [c.C for c in path] == [0.001, 0.1, 1.0]
    assert path[2].predict(data.data[:3]).tolist() == ["malignant"] * 3
    frame = path.to_frame()
    assert frame.columns.tolist() == ["C", "class", "feature", "coefficient"]
    assert len(frame) == 3 * 30
    assert set(frame["class"]) == {"malignant"}
    last = frame[(frame["C"] == 1.0) & (frame["feature"] == "mean radius")]["coefficient"].item()
    assert last == path[2].coef_[0, 0]


def test_an_unbounded_C_ends_the_path():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 3)), rng.integers(3, size=200)
    path = softmax_path(X, y, Cs=[0.1, 10.0, np.inf])
    assert path.converged.all()
    assert np.isnan(path.optimality_gaps[2])
    assert path.objectives[2] <= path.objectives[1]


def test_a_path_is_drawn():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    X, y = load_iris(return_X_y=True)
    path = softmax_path(X, y, Cs=5, l1_ratio=1.0)
    panels = path.plot(highlight=2, C=1.0)
    assert [panel.get_title(loc="left") for panel in panels] == ["0", "1", "2"]
    assert len(panels[0].lines) == 4 + 1  # the columns, and the mark
    assert path.plot(ax=panels)[0] is panels[0]
    with pytest.raises(InputError, match="ax must hold 3 axes"):
        path.plot(ax=panels[0])
    chosen = SoftmaxClassifierCV(Cs=4, l1_ratios=[0.0, 1.0]).fit(X, y)
    drawn = chosen.plot_scores()
    assert [text.get_text() for text in drawn.get_legend().get_texts()] == ["l1_ratio 0", "l1_ratio 1"]
    plt.close("all")


@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy"])
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_scores_and_choice_are_scikit_learns(load, scoring):
    X, y = load(return_X_y=True)
    X = scale(X)
    Cs, folds = [0.01, 0.1, 1.0, 10.0], StratifiedKFold(4, shuffle=True, random_state=0)
    peer = LogisticRegressionCV(
        Cs=Cs, l1_ratios=(0.0,), cv=folds, scoring=scoring, solver="newton-cholesky", tol=1e-12,
        use_legacy_attributes=False,
    ).fit(X, y)  # fmt: skip
    ours = SoftmaxClassifierCV(Cs=Cs, cv=folds, scoring=scoring, tol=1e-12).fit(X, y)
    # Both are at the optimum to about 1e-12 of the objective: probabilities agree to its root.
    np.testing.assert_allclose(ours.scores_, peer.scores_, atol=1e-6)
    assert pytest.approx(peer.C_) == ours.C_
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-6)
    assert ours.score(X, y) == pytest.approx(peer.score(X, y), abs=1e-6) or scoring == "neg_log_loss"


def test_by_default_the_likelihood_of_rows_left_out_counts():
    X, y = load_iris(return_X_y=True)
    ours = SoftmaxClassifierCV(Cs=[0.1, 1.0], cv=3, tol=1e-12).fit(X, y)
    expected = cross_val_score(SoftmaxClassifier(C=1.0, tol=1e-12), X, y, cv=3, scoring="neg_log_loss")
    np.testing.assert_allclose(ours.scores_[:, 0, 1], expected, rtol=1e-6)
    assert ours.score(X, y) == np.mean(ours.predict(X) == y)


def test_weights_count_in_fits_and_scores():
    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, size=len(y)).astype(float)
    folds = StratifiedKFold(3)
    weighted = SoftmaxClassifierCV(Cs=3, cv=folds, tol=1e-12).fit(X, y, sample_weight=weight)
    copies = np.repeat(np.arange(len(y)), weight.astype(int))
    same = [(np.flatnonzero(np.isin(copies, a)), np.flatnonzero(np.isin(copies, b))) for a, b in folds.split(X, y)]
    repeated = SoftmaxClassifierCV(Cs=3, cv=same, tol=1e-12).fit(X[copies], y[copies])
    np.testing.assert_allclose(weighted.scores_, repeated.scores_, rtol=1e-6)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-5)


def test_one_standard_error_rule():
    # Two folds; l1_ratio 1 is best at C index 2: mean -0.2, standard error 0.1.
    scores = np.array([[[-0.9, -0.5, -0.4], [-0.9, -0.25, -0.1]], [[-0.9, -0.5, -0.4], [-0.9, -0.33, -0.3]]])
    assert choose(scores, "best") == (1, 2)
    assert choose(scores, "one_standard_error") == (1, 1)
    assert choose(np.zeros((2, 1, 3)), "best") == (0, 0)  # of equals the strongest penalty
    X, y = load_wine(return_X_y=True)
    best = SoftmaxClassifierCV(Cs=8).fit(scale(X), y)
    simpler = SoftmaxClassifierCV(Cs=8, rule="one_standard_error").fit(scale(X), y)
    assert simpler.C_ <= best.C_
    np.testing.assert_array_equal(simpler.scores_, best.scores_)


def test_groups_labels_and_sparse_rows():
    X, y = load_iris(return_X_y=True)
    names = np.array(["a", "b", "c"])[y]
    groups = np.arange(len(y)) % 5
    dense = SoftmaxClassifierCV(Cs=3, cv=GroupKFold(5)).fit(X, names, groups=groups)
    sparse = SoftmaxClassifierCV(Cs=3, cv=GroupKFold(5)).fit(csr_array(X), names, groups=groups)
    assert dense.scores_.shape == (5, 1, 3)
    np.testing.assert_allclose(sparse.scores_, dense.scores_, rtol=1e-3)  # tol is 1e-6 of the objective
    assert set(sparse.predict(csr_array(X))) == {"a", "b", "c"}


def test_progress_is_printed(capsys):
    X, y = load_iris(return_X_y=True)
    softmax_path(X, y, Cs=2, verbose=1)
    SoftmaxClassifierCV(Cs=2, cv=2, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["C", "C", "fold", "fold"]


def test_stopping_short_is_said_once():
    X, y = load_iris(return_X_y=True)
    with pytest.warns(UserWarning, match=r"\d of 3 fits did not converge.*max_iter was reached") as caught:
        softmax_path(X, y, Cs=[0.1, 1.0, 10.0], max_iter=1)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Cs": 0}, "at least 1, got 0"),
        ({"Cs": []}, "at least one value"),
        ({"Cs": ["a"]}, "a list of numbers"),
        ({"Cs": [1.0, -1.0]}, "all of them above 0"),
        ({"Cs": [np.nan]}, "all of them above 0"),
        ({"l1_ratios": []}, "at least one number"),
        ({"l1_ratios": [0.5, 2.0]}, "l1_ratio must be"),
        ({"rule": "worst"}, "rule must be one of best, one_standard_error"),
        ({"solver": "gradient_descent"}, "from optimum to optimum"),
    ],
)
def test_a_bad_parameter_is_named(parameters, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(InputError, match=message):
        SoftmaxClassifierCV(**parameters).fit(X, y)


def test_folds_that_can_not_be_used():
    X, y = load_iris(return_X_y=True)
    halves = [(np.arange(100), np.arange(100, 150))]
    with pytest.raises(InputError, match=r"fold 1 leaves no row of class .*2.* to train on"):
        SoftmaxClassifierCV(cv=halves).fit(X, y)
    with pytest.raises(InputError, match=r"scoring gave nan for fold 1 with C=0\.0001"):
        SoftmaxClassifierCV(Cs=2, scoring=lambda *_: np.nan).fit(X, y)


def test_coefficients_of_all_fits_are_kept_where_they_are_few(monkeypatch):
    X, y = load_iris(return_X_y=True)
    chosen = SoftmaxClassifierCV(Cs=[0.1, 10.0], l1_ratios=[0.0, 1.0], cv=3).fit(X, y)
    assert chosen.coefs_paths_.shape == (3, 2, 2, 3, 4)
    train = next(StratifiedKFold(3).split(X, y))[0]
    single = SoftmaxClassifier(C=10.0, tol=1e-10).fit(X[train], y[train])
    # A gap of 1e-6 allows about its root.
    np.testing.assert_allclose(chosen.coefs_paths_[0, 0, 1], single.coef_, atol=1e-2)
    monkeypatch.setattr("chainrule.estimators.softmax_cv.MAX_COEFS", 3 * 2 * 2 * 12 - 1)
    many = SoftmaxClassifierCV(Cs=[0.1, 10.0], l1_ratios=[0.0, 1.0], cv=3).fit(X, y)
    assert many.coefs_paths_ is None
    np.testing.assert_array_equal(many.coef_, chosen.coef_)

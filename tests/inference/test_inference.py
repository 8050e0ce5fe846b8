"""Standard errors, tests and marginal effects against statsmodels, and against sums written out."""

from __future__ import annotations

import warnings
from io import StringIO

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.preprocessing import scale

from chainrule import SoftmaxClassifier, SoftmaxClassifierCV
from chainrule.errors import InputError


def _wine():
    data = load_wine()
    columns = [data.feature_names.index(name) for name in ("alcohol", "malic_acid", "ash", "hue")]
    return data.data[:, columns], data.target


def _iris():
    data = load_iris()
    return data.data[50:], data.target[50:]  # the first species can be told apart


def _breast_cancer():
    data = load_breast_cancer()
    return data.data[:, [0, 1, 4, 8]], data.target


def _digits():
    X, y = load_digits(return_X_y=True)
    few = np.isin(y, [3, 5, 8, 9])
    return scale(X[few][:, [10, 20, 26, 36, 42, 53]]), y[few]


def _noise(n_classes):
    rng = np.random.default_rng(n_classes)
    X = rng.standard_normal((150, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, 1.0]
    return X, rng.integers(n_classes, size=150)


SETS = {"wine": _wine, "iris": _iris, "breast_cancer": _breast_cancer, "digits": _digits}


def _peer(X, y, **options):
    design = sm.add_constant(X, prepend=False)
    codes = np.unique(y, return_inverse=True)[1]
    model = sm.Logit if codes.max() == 1 else sm.MNLogit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it means to have failed where its gradient is 1e-13 and not 1e-14
        return model(codes, design).fit(method="newton", disp=0, maxiter=100, tol=1e-14, **options)


def _fit(X, y, **options):
    return SoftmaxClassifier(**{"C": np.inf, "tol": 1e-14, **options}).fit(X, y)


def _by_class(values):
    values = np.asarray(values)
    return values.T if values.ndim == 2 else values[None]


@pytest.mark.parametrize("name", SETS)
def test_everything_is_statsmodels(name):
    X, y = SETS[name]()
    ours, peer = _fit(X, y).summary(X, y), _peer(X, y)
    # Both end where rounding does; the information's inverse keeps about ten digits at these condition numbers.
    close = {"rtol": 1e-6, "atol": 1e-9}
    np.testing.assert_allclose(ours.coefficients, _by_class(peer.params), **close)
    np.testing.assert_allclose(ours.standard_errors, _by_class(peer.bse), **close)
    np.testing.assert_allclose(ours.z, _by_class(peer.tvalues), **close)
    np.testing.assert_allclose(ours.p_values, _by_class(peer.pvalues), **close)
    interval = np.asarray(peer.conf_int(alpha=0.1)).reshape(*ours.coefficients.shape, 2)
    narrower = _fit(X, y).summary(X, y, confidence=0.9)
    np.testing.assert_allclose(narrower.lower, interval[:, :, 0], **close)
    np.testing.assert_allclose(narrower.upper, interval[:, :, 1], **close)
    assert ours.log_likelihood == pytest.approx(peer.llf, rel=1e-9)
    assert ours.null_log_likelihood == pytest.approx(peer.llnull, rel=1e-6)  # its null model is fitted, not computed
    assert ours.pseudo_r2 == pytest.approx(peer.prsquared, abs=1e-6)
    assert ours.likelihood_ratio == pytest.approx(peer.llr, rel=1e-5)
    assert ours.likelihood_ratio_p == pytest.approx(peer.llr_pvalue, rel=1e-4)
    assert (ours.aic, ours.bic) == (pytest.approx(peer.aic), pytest.approx(peer.bic))
    assert ours.n_observations == len(y)
    assert ours.effective_df == ours.coefficients.size
    assert ours.notes == ()


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("cov_type", "options"), [("HC0", {}), ("HC1", {}), ("cluster", {"groups": 7})])
def test_robust_errors_are_statsmodels(name, cov_type, options):
    X, y = SETS[name]()
    groups = {name: np.arange(len(y)) % n for name, n in options.items()}
    ours = _fit(X, y).summary(X, y, cov_type=cov_type, **groups)
    peer = _peer(X, y, cov_type="cluster" if groups else "HC0", cov_kwds=groups)
    expected = _by_class(peer.bse)
    if cov_type == "HC1":  # which statsmodels leaves uncorrected for discrete models
        expected = expected * np.sqrt(len(y) / (len(y) - expected.size))
    np.testing.assert_allclose(ours.standard_errors, expected, rtol=1e-6)
    assert ours.cov_type == cov_type


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("kind", "at"), [("average", "overall"), ("at_means", "mean")])
def test_marginal_effects_are_statsmodels(name, kind, at):
    X, y = SETS[name]()
    ours = _fit(X, y).marginal_effects(X, y, kind=kind)
    peer = _peer(X, y).get_margeff(at=at)
    rows = slice(None) if len(ours.classes) > 2 else slice(1, None)
    np.testing.assert_allclose(ours.effects[rows], _by_class(peer.margeff), rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(ours.standard_errors[rows], _by_class(peer.margeff_se), rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(ours.effects.sum(axis=0), 0.0, atol=1e-12)
    assert not ours.is_discrete.any()


def test_columns_of_zeros_and_ones_go_from_one_to_the_other():
    X, y = _breast_cancer()
    X = np.column_stack([X, X[:, 0] > 14.0]).astype(float)
    ours = _fit(X, y).marginal_effects(X, y)
    peer = _peer(X, y).get_margeff(dummy=True)
    assert ours.is_discrete.tolist() == [False] * 4 + [True]
    np.testing.assert_allclose(ours.effects[1], peer.margeff, rtol=1e-6)
    np.testing.assert_allclose(ours.standard_errors[1], peer.margeff_se, rtol=1e-6)
    sparse = _fit(X, y).marginal_effects(csr_array(X), y)
    np.testing.assert_allclose(sparse.standard_errors, ours.standard_errors, rtol=1e-9)
    derivative = _fit(X, y).marginal_effects(X, y, discrete=False)
    assert not derivative.is_discrete.any()


@pytest.mark.parametrize("kind", ["average", "at_means"])
def test_discrete_effects_of_many_classes_against_differences(kind):
    X, y = _noise(3)
    X[:, 1] = X[:, 1] > 3.0
    classifier = _fit(X, y)

    def effects(coef, intercept):
        moved = SoftmaxClassifier()
        moved.classes_, moved.coef_, moved.intercept_, moved.n_features_in_ = classifier.classes_, coef, intercept, 3
        rows = X if kind == "average" else X.mean(axis=0, keepdims=True)
        ones, zeros = rows.copy(), rows.copy()
        ones[:, 1], zeros[:, 1] = 1.0, 0.0
        return (moved.predict_proba(ones) - moved.predict_proba(zeros)).mean(axis=0)

    ours = classifier.marginal_effects(X, y, kind=kind)
    np.testing.assert_allclose(ours.effects[:, 1], effects(classifier.coef_, classifier.intercept_), rtol=1e-9)
    jacobian, step = [], 1e-6
    for k in (1, 2):
        for q in range(4):
            ends = []
            for sign in (1, -1):
                coef, intercept = classifier.coef_.copy(), classifier.intercept_.copy()
                if q < 3:
                    coef[k, q] += sign * step
                else:
                    intercept[k] += sign * step
                ends.append(effects(coef, intercept))
            jacobian.append((ends[0] - ends[1]) / (2 * step))
    jacobian = np.array(jacobian).T
    covariance = classifier.summary(X, y).covariance
    expected = np.sqrt(np.einsum("ea,ab,eb->e", jacobian, covariance, jacobian))
    np.testing.assert_allclose(ours.standard_errors[:, 1], expected, rtol=1e-6)  # central differences: step squared


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 1000), st.integers(2, 4), st.booleans(), st.sampled_from(["nonrobust", "HC0", "HC1"]),
    st.sampled_from([np.inf, 2.0]), st.sampled_from([np.asarray, csr_array]),
)  # fmt: skip
def test_weight_k_is_k_copies(seed, n_classes, fit_intercept, cov_type, C, container):
    rng = np.random.default_rng(seed)
    X, y = rng.normal([0.0, 5.0, 0.0], 1.0, (90, 3)), rng.integers(n_classes, size=90)
    weight = rng.integers(1, 4, size=90)
    copies = np.repeat(np.arange(90), weight)
    classifier = _fit(X[copies], y[copies], C=C, fit_intercept=fit_intercept)
    repeated = classifier.summary(X[copies], y[copies], cov_type=cov_type)
    weighted = classifier.summary(container(X), y, weight, cov_type=cov_type)
    # The same sums in another order.
    np.testing.assert_allclose(weighted.standard_errors, repeated.standard_errors, rtol=1e-8)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood)
    assert weighted.bic == pytest.approx(repeated.bic)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_with_an_l2_penalty_the_curvature_is_the_penalised_objectives(n_classes, fit_intercept):
    X, y = _noise(n_classes)
    classifier = _fit(X, y, C=0.5, fit_intercept=fit_intercept)
    ours = classifier.summary(X, y)
    design = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    P = classifier.predict_proba(X)[:, 1:]
    free, width = n_classes - 1, design.shape[1]
    hessian = np.zeros((free * width, free * width))
    for row, p in zip(design, P, strict=True):
        hessian += np.kron(np.diag(p) - np.outer(p, p), np.outer(row, row))
    information = hessian.copy()
    between = np.eye(free) - (1.0 / n_classes if n_classes > 2 else 0.0)
    columns = np.ones(width)
    columns[3:] = 0.0
    hessian += np.kron(between, np.diag(columns)) / 0.5
    expected = np.linalg.inv(hessian)
    np.testing.assert_allclose(ours.covariance, expected, rtol=1e-8, atol=1e-12)
    assert ours.effective_df == pytest.approx(np.trace(expected @ information))
    assert ours.likelihood_ratio_p is None
    assert "posterior" in ours.notes[0]
    effects = classifier.marginal_effects(X, y)
    assert effects.notes == ours.notes
    assert "Note: With an l2 penalty" in str(effects)
    assert "posterior" in effects._repr_html_()
    assert "sandwich" in classifier.summary(X, y, cov_type="HC0").notes[0]


def test_another_reference_is_the_same_model():
    X, y = _wine()
    names = np.array(["a", "b", "c"])[y]
    classifier = _fit(X, names)
    first, last = classifier.summary(X, names), classifier.summary(X, names, reference="c")
    assert (first.reference, first.classes, last.classes) == ("a", ("b", "c"), ("a", "b"))
    np.testing.assert_allclose(last.coefficients[0], -first.coefficients[1], rtol=1e-9)
    np.testing.assert_allclose(last.standard_errors[0], first.standard_errors[1], rtol=1e-8)
    np.testing.assert_allclose(
        last.coefficients[1], first.coefficients[0] - first.coefficients[1], rtol=1e-7, atol=1e-9
    )


def test_raw_columns_far_from_zero():
    X, y = _noise(3)
    near, far = _fit(X, y).summary(X, y), _fit(X + 1e4, y).summary(X + 1e4, y)
    # Four digits are lost by the data themselves.
    np.testing.assert_allclose(far.standard_errors[:, :3], near.standard_errors[:, :3], rtol=1e-7)


def test_what_an_l1_penalty_leaves_out():
    X, y = load_breast_cancer(return_X_y=True)
    classifier = SoftmaxClassifier(C=0.01, l1_ratio=1.0, tol=1e-10).fit(scale(X), y)
    ours = classifier.summary(scale(X), y)
    zero = classifier.coef_[0] == 0.0
    assert 0 < zero.sum() < 30
    np.testing.assert_array_equal(np.isnan(ours.standard_errors[0, :-1]), zero)
    assert f"({zero.sum()} left out)" in ours.notes[0]
    with pytest.raises(InputError, match="no standard errors under an l1 penalty"):
        classifier.marginal_effects(scale(X), y)


def test_what_is_wrong_is_named():
    X, y = _wine()
    twice = np.column_stack([X, 2.0 * X[:, 1], np.ones(len(X))])
    with pytest.raises(InputError, match=r"singular along '(x1|x4|x5)'"):
        _fit(twice, y).summary(twice, y)
    classifier = _fit(X, y)
    with pytest.raises(InputError, match="cov_type must be one of nonrobust"):
        classifier.summary(X, y, cov_type="HC9")
    with pytest.raises(InputError, match="belong together"):
        classifier.summary(X, y, cov_type="cluster")
    with pytest.raises(InputError, match="at least two clusters"):
        classifier.summary(X, y, cov_type="cluster", groups=np.zeros(len(y)))
    with pytest.raises(InputError, match="a cluster for each of the 178 rows"):
        classifier.summary(X, y, cov_type="cluster", groups=np.arange(3))
    with pytest.raises(InputError, match="none of classes"):
        classifier.summary(X, y + 1)
    with pytest.raises(InputError, match="reference must be one of the classes"):
        classifier.summary(X, y, reference=7)
    with pytest.raises(InputError, match="confidence must be"):
        classifier.summary(X, y, confidence=95)
    with pytest.raises(InputError, match="kind must be average or at_means"):
        classifier.marginal_effects(X, y, kind="median")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.summary(X, y[:5])


def test_what_to_bear_in_mind_is_said():
    X, y = _wine()
    other = _fit(X, y).summary(X + 0.1, y)
    assert "not at the optimum" in other.notes[-1]
    nearly = np.column_stack([X, X[:, 0] + 1e-4 * np.random.default_rng(0).standard_normal(len(X))])
    assert "nearly singular" in _fit(nearly, y).summary(nearly, y).notes[0]
    with pytest.warns(UserWarning, match="max_iter was reached"):
        short = SoftmaxClassifier(C=np.inf, max_iter=2).fit(X, y)
    assert "did not converge" in short.summary(X, y).notes[0]
    balanced = _fit(X, y, class_weight="balanced").summary(X, y)
    assert "class weights" in balanced.notes[0]


def test_it_is_shown_as_text_table_and_page():
    data = load_breast_cancer(as_frame=True)
    X = data.data[["mean radius", "mean texture"]].assign(**{"<b>": lambda frame: frame["mean radius"] > 14})
    classifier = _fit(X.astype(float), data.target_names[data.target])
    ours = classifier.summary(X.astype(float), data.target_names[data.target])
    text = str(ours)
    assert "log odds of malignant against benign" in text
    assert "mean texture" in text
    assert max(map(len, text.splitlines())) <= 80
    console = Console(width=80, record=True, file=StringIO())
    console.print(ours)
    assert console.export_text().rstrip().splitlines()[0].startswith("observations")
    html = ours._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    frame = ours.to_frame()
    assert frame.loc[("malignant", "mean radius"), "coefficient"] == ours.coefficients[0, 0]
    np.testing.assert_allclose(frame["odds_ratio"], np.exp(frame["coefficient"]))
    effects = classifier.marginal_effects(X.astype(float), data.target_names[data.target])
    assert "<b> (0 to 1)" in str(effects)
    assert max(map(len, str(effects).splitlines())) <= 80
    assert "&lt;b&gt; (0 to 1)" in effects._repr_html_()
    assert effects.to_frame().shape == (6, 6)


def test_the_chosen_penalty_counts():
    X, y = _wine()
    chosen = SoftmaxClassifierCV(Cs=[0.1, 1.0], tol=1e-14).fit(X, y)
    same = _fit(X, y, C=chosen.C_).summary(X, y)
    np.testing.assert_allclose(chosen.summary(X, y).standard_errors, same.standard_errors, rtol=1e-6)

"""scikit-learn's own tests of LogisticRegression, run on ours in its place."""

from __future__ import annotations

import functools
import importlib
import inspect

import pytest

from chainrule import SoftmaxClassifier

theirs = pytest.importorskip("sklearn.linear_model.tests.test_logistic")

SHORT = "compares with their LogisticRegressionCV to more digits than its solver has of the optimum"
CALLBACKS = "scikit-learn's callbacks, of its lbfgs alone"
LIBLINEAR = "what only liblinear can't do or refuses"
LEFT_OUT: dict[str, str] = {
    "test_check_solver_option": "which of scikit-learn's solvers can't do what; ours all do all",
    "test_liblinear_dual_random_state": LIBLINEAR,
    "test_liblinear_multiclass_raises": LIBLINEAR,
    "test_liblinear_with_large_values": LIBLINEAR,
    "test_logistic_cv": SHORT,
    "test_logistic_cv_multinomial_score": "hands all parameters to the private _log_reg_scoring_path",
    "test_logistic_regression_callback_fitted_estimator": CALLBACKS,
    "test_logistic_regression_callback_support": CALLBACKS,
    "test_logistic_regression_callback_support_warning": CALLBACKS,
    "test_logreg_predict_proba_multinomial": "calls the private _predict_proba_lr",
    "test_newton_cholesky_fallback_to_lbfgs": "the private fallback of their solver",
    "test_scores_attribute_layout_elasticnet": SHORT,
}
# Calls of a test that pass with other arguments.
LEFT_OUT_SOLVERS = {
    "test_max_iter": dict.fromkeys(
        ("lbfgs", "newton-cg", "newton-cholesky", "liblinear"), "each one's own words; ours are those of sag and saga"
    ),
    "test_warm_start_newton_solver": {"newton-cg": "two passes are not two steps of one each"},
    "test_dtype_match": {"liblinear": "that liblinear makes float64 of float32"},
    "test_large_sparse_matrix": dict.fromkeys(("liblinear", "sag", "saga"), "that they refuse 64-bit indices"),
}


@pytest.fixture
def global_random_seed():
    return 42  # scikit-learn's own where none is asked for


def _arguments(function):
    """Return what pytest would call the test with, by scikit-learn's own marks."""
    calls = [{}]
    for mark in getattr(function, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        names = [name.strip() for name in mark.args[0].split(",")] if isinstance(mark.args[0], str) else mark.args[0]
        rows = [row if len(names) > 1 else (row,) for row in mark.args[1]]
        calls = [{**call, **dict(zip(names, row, strict=True))} for row in rows for call in calls]
    return calls


def _cases():
    for name, function in vars(theirs).items():
        if not name.startswith("test_") or name in LEFT_OUT or "LogisticRegression" not in inspect.getsource(function):
            continue
        for number, call in enumerate(_arguments(function)):
            if call.get("solver") in LEFT_OUT_SOLVERS.get(name, {}):
                continue
            yield pytest.param(name, call, id=f"{name}-{number}")


@pytest.mark.parametrize(("name", "call"), list(_cases()))
@pytest.mark.filterwarnings("ignore")  # scikit-learn runs these tests without turning warnings into errors
def test_as_scikit_learn_tests_its_own(name, call, monkeypatch, request):
    their_class = theirs.LogisticRegression
    monkeypatch.setattr(theirs, "LogisticRegression", SoftmaxClassifier)
    call = {key: SoftmaxClassifier if value is their_class else value for key, value in call.items()}
    test = getattr(theirs, name)
    fixtures = {key: request.getfixturevalue(key) for key in inspect.signature(test).parameters if key not in call}
    functools.partial(test, **call, **fixtures)()


def test_each_that_is_left_out_exists():
    assert set(LEFT_OUT) | set(LEFT_OUT_SOLVERS) <= set(
        vars(importlib.import_module("sklearn.linear_model.tests.test_logistic"))
    )

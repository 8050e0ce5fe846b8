"""scikit-learn's own tests of MLPClassifier, run on ours in its place."""

from __future__ import annotations

import functools
import importlib
import inspect

import pytest
from sklearn.neural_network import MLPRegressor

from chainrule import MLPClassifier

theirs = pytest.importorskip("sklearn.neural_network.tests.test_mlp")

LEFT_OUT = {
    "test_gradient": "calls the private _loss_grad_lbfgs; tests/engine holds our gradients against the oracle",
    "test_learning_rate_warmstart": "reads the private _optimizer; test_mlp_classifier has the rate by its effect",
    "test_adaptive_learning_rate": "reads the private _optimizer; test_mlp_classifier has the rate by its effect",
    "test_n_iter_no_change": "reads the private _no_improvement_count; test_mlp_classifier has it by the epochs",
    "test_n_iter_no_change_inf": "reads the private _no_improvement_count; test_mlp_classifier has it by the epochs",
}


def _is_regressors(function):
    """Whether a test looks at the regressor alone."""
    return "MLPClassifier" not in inspect.getsource(function)


def _arguments(function):
    """Return what pytest would call the test with, by scikit-learn's own marks, the regressor left out."""
    calls = [{}]
    for mark in getattr(function, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        names = [name.strip() for name in mark.args[0].split(",")] if isinstance(mark.args[0], str) else mark.args[0]
        rows = [row if len(names) > 1 else (row,) for row in mark.args[1]]
        calls = [{**call, **dict(zip(names, row, strict=True))} for row in rows for call in calls]
    return [call for call in calls if not any(value is MLPRegressor for value in call.values())]


def _cases():
    for name, function in vars(theirs).items():
        if not name.startswith("test_") or name in LEFT_OUT or _is_regressors(function):
            continue
        for number, call in enumerate(_arguments(function)):
            yield pytest.param(name, call, id=f"{name}-{number}")


@pytest.mark.parametrize(("name", "call"), list(_cases()))
@pytest.mark.filterwarnings("ignore")  # scikit-learn runs these tests without turning warnings into errors
def test_as_scikit_learn_tests_its_own(name, call, monkeypatch, request):
    their_class = theirs.MLPClassifier
    monkeypatch.setattr(theirs, "MLPClassifier", MLPClassifier)
    call = {key: MLPClassifier if value is their_class else value for key, value in call.items()}
    test = getattr(theirs, name)
    fixtures = {key: request.getfixturevalue(key) for key in inspect.signature(test).parameters if key not in call}
    functools.partial(test, **call, **fixtures)()


def test_what_is_left_out_is_there_and_is_private():
    module = importlib.import_module("sklearn.neural_network.tests.test_mlp")
    for name in LEFT_OUT:
        source = inspect.getsource(getattr(module, name))
        assert "._" in source, f"{name} reads nothing private: run it"

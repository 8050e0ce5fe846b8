"""NetworkClassifier: any graph with one softmax_cross_entropy, trained as MLPClassifier is."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule import Graph, MLPClassifier, NetworkClassifier, Node
from chainrule.errors import GraphError, InputError
from chainrule.graph import build, sweep

IRIS = StandardScaler().fit_transform(load_iris().data), load_iris().target


def two_branches(d, k, labels="softmax_cross_entropy", output="p"):
    """Return a graph that is no chain: two branches that share their weight, and a way around both."""
    nodes = [
        Node("X", "data", given_shape=("m", d)),
        Node("y", "labels", given_shape=("m",)),
        Node("s", "weights", given_shape=("m",)),
        Node("V", "parameter", given_shape=(d, 6)),
        Node("c", "parameter", given_shape=(6,)),
        Node("W", "parameter", given_shape=(6, k)),
        Node("U", "parameter", given_shape=(d, k)),
        Node("Z", "dense", ("X", "V", "c")),
        Node("A1", "relu", ("Z",)),
        Node("A2", "tanh", ("Z",)),
        Node("S", "add", ("A1", "A2")),
        Node("Z2", "dense", ("S", "W")),
        Node("Z3", "dense", ("X", "U")),
        Node("T", "add", ("Z2", "Z3")),
        Node("p", "softmax", ("T",)),
        Node("J", labels, ("T", "y", "s")),
    ]
    return Graph(nodes, loss="J", output=output)


def plain(d, k):
    return build.mlp(d, (8,), k, l2=1e-4 / 150)


def _fit(network, *given, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(*(given or IRIS), **more)


class TwoBranches:
    """`two_branches` with a name that is the same in every process, for the tests' own names."""

    def __call__(self, d, k):
        return two_branches(d, k)

    def __repr__(self):
        return "two_branches"


@parametrize_with_checks([NetworkClassifier(TwoBranches(), learning_rate_init=0.02)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lion", "lbfgs"])
def test_it_learns_and_predicts_what_its_graph_says(solver):
    network = _fit(NetworkClassifier(two_branches, solver=solver, learning_rate_init=0.01, random_state=0))
    assert network.score(*IRIS) > 0.9
    assert list(network.parameters_) == ["V", "c", "W", "U"]
    flat = network.graph_.parameters.flatten(network.parameters_)
    readable = sweep(network.graph_, flat, *IRIS)
    # float64 on both sides, sums of ten terms in another order.
    np.testing.assert_allclose(network.predict_proba(IRIS[0]), readable.values["p"], rtol=1e-12, atol=1e-15)


def test_the_same_graph_is_trained_as_by_mlp_classifier():
    options = dict(batch_size=40, max_iter=5, random_state=3, tol=0.0)
    own = _fit(NetworkClassifier(plain, **options))
    usual = _fit(MLPClassifier((8,), **options))
    assert own.loss_curve_ == usual.loss_curve_
    np.testing.assert_array_equal(own.predict_proba(IRIS[0]), usual.predict_proba(IRIS[0]))
    assert (own.out_activation_, own.n_outputs_) == (usual.out_activation_, usual.n_outputs_)


def test_two_classes_with_one_logit_or_two():
    X, y = IRIS[0][:100], IRIS[1][:100]
    one = NetworkClassifier(lambda d, k: build.mlp(d, (4,), k, one_logit=True), random_state=0)
    two = NetworkClassifier(lambda d, k: build.mlp(d, (4,), k), random_state=0)
    for network, outputs, activation in ((one, 1, "logistic"), (two, 2, "softmax")):
        _fit(network, X, np.array(["no", "yes"])[y])
        assert (network.n_outputs_, network.out_activation_) == (outputs, activation)
        assert network.predict_proba(X).shape == (100, 2)
        assert set(network.predict(X)) == {"no", "yes"}


def test_predictions_follow_parameters_written_to_and_put_in_place():
    network = _fit(NetworkClassifier(two_branches, solver="sgd", momentum=0.0, max_iter=2, random_state=0))
    for array in network.parameters_.values():
        array[...] = 0.0
    np.testing.assert_array_equal(network.predict_proba(IRIS[0]), np.full((150, 3), 1 / 3))
    network.parameters_["U"] = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [-1, 0, 1]])
    expected = np.where(IRIS[0][:, 3] > 0, 2, 0)
    np.testing.assert_array_equal(network.predict(IRIS[0]), expected)
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(again.predict_proba(IRIS[0]), network.predict_proba(IRIS[0]))
    network.partial_fit(*IRIS)
    assert not network.parameters_["V"].any()  # behind a W of zeros, no gradient reaches it


def test_it_has_what_mlp_classifier_has(tmp_path):
    train, test = np.arange(150) % 2 == 0, np.arange(150) % 2 == 1
    X, y = IRIS
    monitor = ScoringMonitor(scoring="accuracy")
    options = dict(random_state=0, max_iter=10, class_weight="balanced", monitor="neg_log_loss", tol=0.0)
    network = NetworkClassifier(two_branches, **options).set_callbacks(monitor)
    _fit(network, X[train], y[train], np.ones(75), validation_data=(X[test], y[test]))
    assert len(network.validation_scores_) == 10
    assert len(monitor.get_logs().data) == 11
    model = network.to_model()
    np.testing.assert_array_equal(model.predict_proba(X), network.predict_proba(X))
    search = GridSearchCV(
        NetworkClassifier(two_branches, solver="lbfgs", random_state=0), {"build": [two_branches, plain]}
    )
    assert _fit(search).best_score_ > 0.9
    assert clone(network).build is two_branches
    path = tmp_path / "run"
    _fit(NetworkClassifier(two_branches, checkpoint=path, callbacks=lambda now: now.epoch == 4, **options))
    resumed = _fit(NetworkClassifier(two_branches, checkpoint=path, resume=True, **options))
    assert resumed.loss_curve_ == _fit(NetworkClassifier(two_branches, **options)).loss_curve_


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d, k: "a graph", "build must return a Graph"),
        (lambda d, k: plain(d + 1, k), r"one data node of shape \(m, 4\)"),
        (lambda d, k: plain(d, k + 1), r"logits must have shape \(m, 3\)"),
        (lambda d, k: two_branches(d, k, output=None), "output must have shape"),
        (lambda d, k: Graph([Node("X", "data", given_shape=("m", d))]), "exactly one softmax_cross_entropy"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        NetworkClassifier(make).fit(*IRIS)


def test_what_it_is_not_for():
    with pytest.raises(InputError, match="one label a row"):
        NetworkClassifier(plain).fit(IRIS[0], np.eye(3, dtype=int)[IRIS[1]])
    with pytest.raises(InputError, match="at least 2 classes"):
        NetworkClassifier(plain).fit(IRIS[0], np.zeros(150))
    with pytest.raises(GraphError):
        NetworkClassifier(lambda d, k: build.mlp(d, (3,), k, activation="step")).fit(*IRIS)

"""Where training begins: variances, zeros where they belong, and what follows a layer."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.graph import INITIALIZATIONS, Graph, Node, build, forward, initialize
from chainrule.graph.operation import BATCH


def _weights(graph, *arguments):
    return graph.parameters.views(initialize(graph, *arguments))


@pytest.mark.parametrize(
    ("method", "variance"),
    [
        ("he_uniform", 2 / 400),
        ("he_normal", 2 / 400),
        ("glorot_uniform", 2 / 700),
        ("glorot_normal", 2 / 700),
        ("lecun_uniform", 1 / 400),
        ("lecun_normal", 1 / 400),
        ("ntk", 1 / 400),
        ("sklearn", 2 / 700),
        ("auto", 2 / 400),
    ],
)
def test_the_variance_is_the_sources(method, variance):
    found = _weights(build.mlp(400, (300,), 3), method, 0)["W1"]
    # The relative standard error of the variance of n normal numbers is sqrt(2 / n) = 0.4 % here.
    assert found.var() == pytest.approx(variance, rel=0.02)
    assert abs(found.mean()) < 4 * sqrt(variance / found.size)
    if "uniform" in method:
        assert np.abs(found).max() <= sqrt(3 * variance)


@pytest.mark.parametrize("method", INITIALIZATIONS)
def test_biases_and_factors(method):
    graph = Graph(
        [
            Node("X", "data", given_shape=(BATCH, 5)),
            Node("f", "parameter", given_shape=(5,)),
            Node("S", "scale", ("X", "f")),
            Node("W", "parameter", given_shape=(5, 200)),
            Node("b", "parameter", given_shape=(200,)),
            Node("Z", "dense", ("S", "W", "b")),
            Node("p", "softmax", ("Z",)),
        ],
        output="p",
    )
    found = _weights(graph, method, 3)
    np.testing.assert_array_equal(found["f"], 1.0)
    if method == "ntk":
        assert found["b"].std() == pytest.approx(0.1, rel=0.2)  # 200 numbers: 5 % standard error
    elif method == "sklearn":
        assert 0 < np.abs(found["b"]).max() <= sqrt(6 / 205)
    else:
        np.testing.assert_array_equal(found["b"], 0.0)
    assert (method == "zeros") == (not found["W"].any())


@pytest.mark.parametrize("sizes", [(30, 50), (50, 30), (40, 40)])
def test_orthogonal_rows_or_columns(sizes):
    n_in, n_out = sizes
    found = _weights(build.mlp(n_in, (n_out,), 2, activation="tanh"), "orthogonal", 0)["W1"]
    product = found.T @ found if n_in >= n_out else found @ found.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-13)  # rounding of a QR decomposition
    for_relu = _weights(build.mlp(n_in, (n_out,), 2), "orthogonal", 0)["W1"]
    np.testing.assert_allclose(for_relu, sqrt(2) * found, rtol=1e-14)


@pytest.mark.parametrize(
    ("activation", "variance"),
    [
        ("relu", 2 / 200),
        ("gelu", 2 / 200),
        ("silu", 2 / 200),
        ("leaky_relu", 2 / (200 * (1 + 0.01**2))),
        ("selu", 1 / 200),
        ("tanh", 2 / 500),
        ("sigmoid", 2 / 500),
        ("identity", 2 / 500),
    ],
)
def test_auto_goes_by_the_activation_that_follows(activation, variance):
    found = _weights(build.mlp(200, (300,), 4, activation=activation), "auto", 0)
    assert found["W1"].var() == pytest.approx(variance, rel=0.03)
    assert found["W2"].var() == pytest.approx(2 / 304, rel=0.15)  # 1,200 numbers; no activation follows


def test_the_activation_is_found_behind_sums_and_dropout():
    graph = Graph(
        [
            Node("X", "data", given_shape=(BATCH, 100)),
            Node("W", "parameter", given_shape=(100, 100)),
            Node("Z", "dense", ("X", "W")),
            Node("U", "noise", given_shape=(BATCH, 100)),
            Node("D", "dropout", ("Z", "U")),
            Node("S", "add", ("D", "X")),
            Node("A", "leaky_relu", ("S",), {"slope": 1.0}),
            Node("p", "softmax", ("A",)),
        ],
        output="p",
    )
    # he with a slope of 1 is 1 / n_in; glorot would be the same here, so a wider layer tells them apart below
    assert _weights(graph, "he_normal", 0)["W"].var() == pytest.approx(1 / 100, rel=0.06)
    assert _weights(graph, "auto", 0)["W"].var() == pytest.approx(1 / 100, rel=0.06)


def test_signals_keep_their_size_through_many_layers():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 128))
    for activation in ("relu", "selu"):
        graph = build.mlp(128, (128,) * 20, 3, activation=activation)
        values = forward(graph, initialize(graph, "auto", 1), X)
        # The aim of both: the mean square stays, give or take what 20 layers of 128 units scatter.
        assert 0.2 < np.mean(values["Z20"] ** 2) / np.mean(values["Z1"] ** 2) < 5


def test_the_start_is_a_function_of_the_seed():
    graph = build.mlp(4, (5,), 3)
    for method in INITIALIZATIONS:
        np.testing.assert_array_equal(initialize(graph, method, 7), initialize(graph, method, 7))
        generator = np.random.default_rng(7)
        np.testing.assert_array_equal(initialize(graph, method, generator), initialize(graph, method, 7))
        if method != "zeros":
            assert (initialize(graph, method, 7) != initialize(graph, method, 8)).any()


@pytest.mark.parametrize(("activation", "theirs"), [("relu", "relu"), ("sigmoid", "logistic")])
def test_sklearn_starts_where_scikit_learn_does(activation, theirs):
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 4)), np.arange(20) % 3
    peer = MLPClassifier((6, 5), activation=theirs, solver="sgd", learning_rate_init=1e-300, momentum=0, random_state=3)
    peer.partial_fit(X, y, classes=[0, 1, 2])  # steps of 1e-300 leave the start as it is
    graph = build.mlp(4, (6, 5), 3, activation=activation)
    found = _weights(graph, "sklearn", np.random.RandomState(3))
    for layer, (weight, bias) in enumerate(zip(peer.coefs_, peer.intercepts_, strict=True), start=1):
        np.testing.assert_array_equal(found[f"W{layer}"], weight)
        np.testing.assert_array_equal(found[f"b{layer}"], bias)


def test_an_unknown_method_is_named():
    with pytest.raises(InputError, match=r"initialization must be one of auto, he_uniform.*, got 'kaiming'"):
        initialize(build.mlp(2, (3,), 2), "kaiming")

"""The usual models as graphs, and the flat vector of their parameters."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import GraphError, InputError
from chainrule.graph import ACTIVATIONS, build, forward, sweep


def test_the_softmax_classifier_is_the_lectures_graph():
    graph = build.softmax_classifier(2, 3)
    assert [node.name for node in graph.nodes] == ["X", "W", "b", "Z", "p", "y", "s", "J"]
    assert (graph.loss, graph.output) == ("J", "p")
    assert dict(graph.parameters) == {"W": (2, 3), "b": (3,)}
    assert dict(build.softmax_classifier(2, 3, fit_intercept=False).parameters) == {"W": (2, 3)}


def test_one_logit_is_the_logistic_function():
    graph = build.softmax_classifier(3, 2, one_logit=True)
    rng = np.random.default_rng(0)
    parameters, X = rng.normal(size=4), rng.normal(size=(5, 3))
    p = forward(graph, parameters, X)["p"]
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-(X @ parameters[:3] + parameters[3]))), rtol=1e-14)
    with pytest.raises(GraphError, match="one_logit is for two classes, got 3"):
        build.softmax_classifier(3, 3, one_logit=True)


def test_multilabel_is_one_logistic_loss_per_class():
    graph = build.mlp(3, [4], 2, activation="tanh", multilabel=True, l2=0.3)
    assert (graph["p"].operation, graph["J"].operation) == ("sigmoid", "sigmoid_cross_entropy")
    assert graph.shape("Y") == ("m", 2)
    rng = np.random.default_rng(4)
    parameters, X = rng.normal(size=graph.parameters.size), rng.normal(size=(5, 3))
    Y, weight = rng.integers(0, 2, (5, 2)), rng.random(5)
    done = sweep(graph, parameters, X, Y, sample_weight=weight)
    p = done.values["p"]
    losses = -(Y * np.log(p) + (1 - Y) * np.log(1 - p)).sum(axis=1)  # none of these p is near 0 or 1
    # the same numbers by other functions
    assert float(done.values["J"]) == pytest.approx(np.average(losses, weights=weight), rel=1e-12)
    np.testing.assert_allclose(done.gradients["Z2"], (weight / weight.sum())[:, None] * (p - Y), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("option", [{"one_logit": True}, {"class_weight": [1.0, 2.0]}, {"label_smoothing": 0.1}])
def test_multilabel_has_no_options_of_a_single_class(option):
    with pytest.raises(GraphError, match="one_logit, class_weight and label_smoothing are for classes"):
        build.mlp(3, [4], 2, multilabel=True, **option)


def test_the_penalty_is_half_lambda_times_the_squares_of_the_weights_alone():
    graph = build.mlp(2, [4], 3, l2=0.3)
    rng = np.random.default_rng(1)
    parameters = rng.normal(size=graph.parameters.size)
    done = sweep(graph, parameters, rng.normal(size=(5, 2)), rng.integers(0, 3, 5))
    views = graph.parameters.views(parameters)
    squares = (views["W1"] ** 2).sum() + (views["W2"] ** 2).sum()
    assert done.loss == pytest.approx(float(done.values["J"]) + 0.15 * squares, rel=1e-14)


def test_a_network_has_the_layers_asked_for():
    graph = build.mlp(2, [5, 5, 4], 3, activation=["relu", "tanh", "gelu"], dropout=0.1, skip_connections=True)
    kinds = {node.name: node.operation for node in graph.nodes}
    assert [kinds[f"A{i}"] for i in (1, 2, 3)] == ["relu", "tanh", "gelu"]
    assert graph["S2"].inputs == ("D2", "D1")  # 5 -> 5 only: elsewhere the shapes differ
    assert "S1" not in graph and "S3" not in graph
    assert graph["Z3"].inputs == ("S2", "W3", "b3")
    assert graph["D1"].attributes["rate"] == 0.1
    assert graph.parameters.size == 2 * 5 + 5 + 5 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    assert build.mlp(2, [], 3).shape("p") == ("m", 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "softplus"}, f"no activation 'softplus'; there are {', '.join(ACTIVATIONS)}"),
        ({"activation": ["relu"]}, "1 activations for 2 hidden layers"),
        ({"dropout": 1.5}, r"node 'D1' \(dropout\): rate must be in \[0, 1\), got 1.5"),
        ({"l2": -1.0}, r"node 'R1' \(l2\): strength must be"),
        ({"l2": float("nan")}, r"node 'R1' \(l2\): strength must be"),
        ({"class_weight": [1.0]}, "class_weight must have 3 numbers"),
        ({"label_smoothing": 2.0}, "label_smoothing must be in"),
    ],
)
def test_senseless_options_are_refused(options, message):
    with pytest.raises(GraphError, match=message):
        build.mlp(2, [4, 4], 3, **options)


def test_initial_weights_are_small_and_biases_zero():
    graph = build.mlp(50, [60], 3)
    flat = build.initialize(graph, np.random.default_rng(0))
    views = graph.parameters.views(flat)
    assert not views["b1"].any() and not views["b2"].any()
    # the standard deviation of 3,000 normal numbers is right to 1.3 %; 5 % are nearly four times that
    assert views["W1"].std() == pytest.approx(0.01, rel=0.05)
    np.testing.assert_array_equal(flat, build.initialize(graph, np.random.default_rng(0)))


def test_parameters_are_views_of_one_vector():
    layout = build.mlp(2, [4], 3).parameters
    flat = np.arange(layout.size, dtype=float)
    views = layout.views(flat)
    assert list(views) == ["W1", "b1", "W2", "b2"]
    assert layout.count("W2") == 12 and len(layout) == 4
    np.testing.assert_array_equal(flat[layout.where("b1")], views["b1"])
    views["b1"][:] = -1
    assert (flat[layout.where("b1")] == -1).all()
    np.testing.assert_array_equal(layout.flatten(views), flat)
    assert layout.flatten(views, np.float32).dtype == np.float32
    assert repr(layout) == "<ParameterLayout of 4 parameters, 27 numbers>"
    with pytest.raises(InputError, match="vector of 27 numbers"):
        layout.views(flat[:-1])
    with pytest.raises(InputError, match="missing: W1, b1, W2; not parameters of this graph: c"):
        layout.flatten({"b2": np.zeros(3), "c": np.zeros(1)})

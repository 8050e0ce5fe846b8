"""The sweep: values, gradients, and what is said when something is missing."""

from __future__ import annotations

import numpy as np
import pytest
from graph_strategies import random_data, random_graphs
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chainrule.errors import InputError, ShapeError
from chainrule.graph import Graph, Node, backward, build, draw_noise, first_nonfinite, forward, sweep


def test_the_lectures_worked_example():
    """p = [0.2, 0.3, 0.5] and y = [0, 1, 0] give dZ = p - y = [0.2, -0.7, 0.5]."""
    graph = build.softmax_classifier(1, 3)
    parameters = {"W": np.zeros((1, 3)), "b": np.log([0.2, 0.3, 0.5])}
    done = sweep(graph, parameters, np.ones((1, 1)), np.array([1]))
    # exact but for the last bit of log and exp
    np.testing.assert_allclose(done.values["p"], [[0.2, 0.3, 0.5]], rtol=0, atol=2e-16)
    np.testing.assert_allclose(done.gradients["Z"], [[0.2, -0.7, 0.5]], rtol=0, atol=2e-16)
    assert done.loss == pytest.approx(-np.log(0.3), rel=1e-15)
    np.testing.assert_array_equal(done.gradients["W"], np.ones((1, 1)).T @ done.gradients["Z"])
    np.testing.assert_array_equal(done.gradients["b"], done.gradients["Z"].sum(axis=0))


def test_the_mean_stands_in_dz():
    graph = build.softmax_classifier(2, 3)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    done = sweep(graph, rng.normal(size=9), X, y)
    p = done.values["p"]
    np.testing.assert_allclose(done.gradients["Z"], (p - np.eye(3)[y]) / 300, rtol=1e-12, atol=1e-17)
    assert done.gradients["W"].shape == (2, 3)
    assert done.gradients["b"].shape == (3,)
    assert done.loss == pytest.approx(-np.log(p[np.arange(300), y]).mean(), rel=1e-13)


@settings(deadline=None)
@given(random_graphs(), st.integers(0, 2**32 - 1))
def test_whole_gradients_equal_central_differences(graph, seed):
    rng = np.random.default_rng(seed)
    X, y = random_data(graph, rng)
    parameters = rng.normal(size=graph.parameters.size)
    noise = draw_noise(graph, len(y), rng)
    gradient = sweep(graph, parameters, X, y, noise=noise).parameter_gradient()
    direction = rng.normal(size=parameters.size)
    step = 1e-5

    def loss(t):
        return float(forward(graph, parameters + t * direction, X, y, noise=noise)[graph.loss])

    # One random direction sees every entry. Higher derivatives grow fast in deep random graphs with tied weights:
    # an extrapolated difference (error of order step ** 4) keeps 1e-6 honest.
    slopes = [(loss(s) - loss(-s)) / (2 * s) for s in (step, 2 * step)]
    numeric = (4 * slopes[0] - slopes[1]) / 3
    assume(np.isfinite(numeric))
    scale = max(1.0, float(np.abs(gradient * direction).sum()), abs(loss(0.0)))
    assert abs(float(gradient @ direction) - numeric) <= 1e-6 * scale


@settings(deadline=None)
@given(random_graphs(), st.integers(0, 2**32 - 1))
def test_gradients_have_the_shapes_of_their_values(graph, seed):
    rng = np.random.default_rng(seed)
    X, y = random_data(graph, rng)
    done = sweep(graph, rng.normal(size=graph.parameters.size), X, y)
    assert set(done.gradients) >= graph.gradient_nodes
    for name, gradient in done.gradients.items():
        assert isinstance(gradient, np.ndarray)
        assert gradient.shape == done.values[name].shape
    assert all(isinstance(value, np.ndarray) for value in done.values.values())


def test_gradients_that_meet_add_up():
    """A is used three times, twice by the same sum: dA = dS + dS + dB."""
    graph = Graph(
        [
            Node("X", "data", given_shape=("m", 2)),
            Node("W", "parameter", given_shape=(2, 2)),
            Node("A", "dense", ("X", "W")),
            Node("B", "tanh", ("A",)),
            Node("S", "add", ("A", "B", "A")),
            Node("y", "labels", given_shape=("m",)),
            Node("J", "softmax_cross_entropy", ("S", "y")),
        ],
        loss="J",
    )
    rng = np.random.default_rng(1)
    done = sweep(graph, rng.normal(size=4), rng.normal(size=(3, 2)), np.array([0, 1, 1]))
    d_s = done.gradients["S"]
    expected = d_s + d_s + d_s * (1 - done.values["B"] ** 2)
    np.testing.assert_allclose(done.gradients["A"], expected, rtol=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("size", [1e4, 1e8])
def test_extreme_logits_give_a_finite_loss(size, smoothing):
    graph = build.softmax_classifier(1, 3, label_smoothing=smoothing)
    parameters = {"W": np.array([[size, -size, 0.0]]), "b": np.zeros(3)}
    done = sweep(graph, parameters, np.array([[1.0], [-1.0], [1.0]]), np.array([0, 0, 1]))
    assert all(np.isfinite(value).all() for value in done.values.values())
    assert all(np.isfinite(gradient).all() for gradient in done.gradients.values())
    np.testing.assert_array_equal(done.values["p"], [[1, 0, 0], [0, 1, 0], [1, 0, 0]])
    if not smoothing:
        assert done.loss == pytest.approx((0 + 2 * size + 2 * size) / 3, rel=1e-15)
        np.testing.assert_array_equal(done.gradients["Z"][0], [0, 0, 0])


def test_rows_of_weight_zero_change_nothing():
    graph = build.mlp(2, [5], 3, activation="tanh", class_weight=[1.0, 2.0, 0.5])
    rng = np.random.default_rng(2)
    parameters = rng.normal(size=graph.parameters.size)
    X, y, weight = rng.normal(size=(6, 2)), rng.integers(0, 3, 6), np.array([1.0, 0.0, 2.0, 0.0, 0.5, 1.0])
    with_zeros = sweep(graph, parameters, X, y, sample_weight=weight)
    kept = weight > 0
    without = sweep(graph, parameters, X[kept], y[kept], sample_weight=weight[kept])
    # the same sums in another order
    assert with_zeros.loss == pytest.approx(without.loss, rel=1e-14)
    np.testing.assert_allclose(with_zeros.parameter_gradient(), without.parameter_gradient(), rtol=1e-12, atol=1e-16)


def test_a_weight_counts_a_row_so_many_times():
    graph = build.softmax_classifier(2, 3)
    rng = np.random.default_rng(3)
    parameters, X, y = rng.normal(size=9), rng.normal(size=(4, 2)), np.array([0, 1, 2, 1])
    times = np.array([1, 3, 2, 1])
    weighted = sweep(graph, parameters, X, y, sample_weight=times)
    repeated = sweep(graph, parameters, np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.parameter_gradient(), repeated.parameter_gradient(), rtol=1e-12, atol=1e-16)


def test_class_weights_are_sample_weights_by_class():
    class_weight = np.array([0.5, 2.0, 3.0])
    rng = np.random.default_rng(4)
    parameters, X, y = rng.normal(size=9), rng.normal(size=(5, 2)), np.array([0, 1, 2, 1, 0])
    by_class = sweep(build.softmax_classifier(2, 3, class_weight=class_weight), parameters, X, y)
    by_row = sweep(build.softmax_classifier(2, 3), parameters, X, y, sample_weight=class_weight[y])
    np.testing.assert_allclose(by_class.parameter_gradient(), by_row.parameter_gradient(), rtol=1e-14)


@pytest.mark.parametrize("weight", [np.zeros(2), np.array([np.nan, 1.0]), np.array([np.inf, 1.0]), np.array([1, -1])])
def test_weights_that_sum_to_nothing_are_refused(weight):
    graph = build.softmax_classifier(2, 3)
    with pytest.raises(InputError, match=r"weights .* sum to"):
        forward(graph, np.zeros(9), np.ones((2, 2)), np.array([0, 1]), sample_weight=weight)


def test_dropout_without_noise_is_the_identity_and_with_noise_keeps_the_mean():
    graph = build.mlp(3, [4], 3, dropout=0.25)
    rng = np.random.default_rng(5)
    parameters, X = rng.normal(size=graph.parameters.size), rng.normal(size=(5, 3))
    quiet = forward(graph, parameters, X)
    np.testing.assert_array_equal(quiet["D1"], quiet["A1"])
    assert "J" not in quiet and "p" in quiet
    noise = draw_noise(graph, 5, rng)
    assert {name: array.shape for name, array in noise.items()} == {"U1": (5, 4)}
    loud = forward(graph, parameters, X, noise=noise)
    dropped = noise["U1"] < 0.25
    assert np.all(loud["D1"][dropped] == 0)
    np.testing.assert_allclose(loud["D1"][~dropped], quiet["A1"][~dropped] / 0.75, rtol=1e-15)
    # the mean of n masks of rate 1/4 is 1 within 5 standard deviations of sqrt(1/3 / n)
    mask = draw_noise(graph, 50_000, rng)["U1"] >= 0.25
    assert abs(mask.mean() / 0.75 - 1) < 5 * np.sqrt(1 / 3 / mask.size)


def test_several_data_sources_are_given_by_name():
    graph = Graph(
        [
            Node("X1", "data", given_shape=("m", 2)),
            Node("X2", "data", given_shape=("m", 2)),
            Node("S", "add", ("X1", "X2")),
        ]
    )
    values = forward(graph, np.zeros(0), {"X1": np.ones((3, 2)), "X2": np.full((3, 2), 2.0)})
    np.testing.assert_array_equal(values["S"], np.full((3, 2), 3.0))
    with pytest.raises(InputError, match=r"node 'X2'.*shape \(m, 2\): give X="):
        forward(graph, np.zeros(0), np.ones((3, 2)))
    with pytest.raises(InputError, match="X has 'X3', which this graph does not take: it takes X1, X2"):
        forward(graph, np.zeros(0), {"X3": np.ones((3, 2))})
    with pytest.raises(ShapeError, match="node 'X2' takes shape \\(m, 2\\) with m = 3, got \\(4, 2\\)"):
        forward(graph, np.zeros(0), {"X1": np.ones((3, 2)), "X2": np.ones((4, 2))})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.ones((4, 3))}, "node 'X' takes shape"),
        ({"X": np.ones(4)}, "node 'X' takes shape"),
        ({"y": np.array([0, 1, 2])}, "node 'y' takes shape"),
        ({"y": np.array([0, 1, 2, 3])}, "node 'J': labels must be 0..2, got 3"),
        ({"y": np.array([0, 1, 2, -1])}, "node 'J': labels must be 0..2, got -1"),
        ({"y": np.array([0.0, 1, 2, 1])}, "class indices .* got dtype float64"),
        ({"y": np.array(["a", "b", "c", "d"])}, "class indices"),
        ({"parameters": np.zeros(8)}, "vector of 9 numbers, got shape \\(8,\\)"),
        ({"parameters": {"W": np.zeros((2, 3))}}, "parameters missing: b"),
        ({"parameters": {"W": np.zeros((2, 3)), "b": np.zeros(3), "c": 1}}, "not parameters of this graph: c"),
        ({"parameters": {"W": np.zeros((3, 2)), "b": np.zeros(3)}}, "'W' has shape \\(2, 3\\), got \\(3, 2\\)"),
        ({"sample_weight": np.ones(3)}, "node 's' takes shape"),
        ({"noise": {"U1": np.ones((4, 2))}}, "noise has 'U1', which this graph does not take: it takes none"),
    ],
)
def test_arrays_that_do_not_fit_are_named(change, message):
    given = {"parameters": np.zeros(9), "X": np.ones((4, 2)), "y": np.array([0, 1, 2, 1])} | change
    with pytest.raises(InputError, match=message):
        forward(build.softmax_classifier(2, 3), given.pop("parameters"), given.pop("X"), given.pop("y"), **given)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([[0, 1, 1], [1, 2, 0]]), r"a matrix of 0 and 1, a column per class, got 2 at \[1, 1\]"),
        (np.array([[0, 1, 1], [1, np.nan, 0]]), r"a matrix of 0 and 1, a column per class, got nan at \[1, 1\]"),
        (np.array([["a", "b", "c"]] * 2), "a matrix of 0 and 1, a column per class, got dtype <U1"),
        (np.array([0, 1]), r"node 'Y' takes shape \(m, 3\) with m = 2, got \(2,\)"),
        (np.zeros((3, 3)), "node 'Y' takes shape"),
    ],
)
def test_labels_by_column_that_do_not_fit_are_named(y, message):
    graph = build.mlp(2, [], 3, multilabel=True)
    with pytest.raises(InputError, match=message):
        forward(graph, np.zeros(9), np.ones((2, 2)), y)


def test_labels_by_column_may_be_booleans_or_floats():
    graph = build.mlp(2, [], 3, multilabel=True)
    Y = np.array([[0, 1, 1], [1, 0, 0]])
    losses = [sweep(graph, np.arange(9.0), np.ones((2, 2)), y).loss for y in (Y, Y.astype(bool), Y.astype(float))]
    assert losses[0] == losses[1] == losses[2]


def test_far_logits_give_a_finite_logistic_loss():
    graph = build.mlp(1, [], 2, multilabel=True)
    done = sweep(graph, {"W1": np.array([[1e6, -1e6]]), "b1": np.zeros(2)}, np.ones((1, 1)), np.array([[1, 1]]))
    assert done.loss == 1e6
    np.testing.assert_array_equal(done.gradients["Z1"], [[0, -1]])


def test_a_weight_that_nothing_takes_is_refused():
    graph = Graph([Node("X", "data", given_shape=("m", 2)), Node("A", "relu", ("X",))])
    with pytest.raises(InputError, match="sample_weight would change nothing"):
        forward(graph, np.zeros(0), np.ones((1, 2)), sample_weight=np.ones(1))


def test_a_sweep_needs_a_loss_and_labels():
    graph = build.softmax_classifier(2, 3)
    values = forward(graph, np.zeros(9), np.ones((1, 2)))
    with pytest.raises(InputError, match="node 'J' has no value: the forward pass needs labels"):
        backward(graph, values)
    aimless = Graph([node for node in graph.nodes if node.name != "J"], output="p")
    with pytest.raises(InputError, match="no loss"):
        backward(aimless, values)


def test_the_first_value_that_is_not_finite_is_found():
    graph = build.mlp(2, [3], 3)
    parameters = np.ones(graph.parameters.size)
    X = np.array([[1.0, 1.0], [np.inf, -np.inf]])
    with np.errstate(invalid="ignore"):
        assert first_nonfinite(graph, forward(graph, parameters, X)) == "X"
    parameters[graph.parameters.where("b2")] = np.nan
    assert first_nonfinite(graph, forward(graph, parameters, X[:1])) == "b2"
    assert first_nonfinite(graph, forward(graph, np.ones(graph.parameters.size), X[:1])) is None


def test_a_sweep_says_what_it_is():
    done = sweep(build.softmax_classifier(2, 3), np.zeros(9), np.ones((2, 2)), np.array([0, 1]))
    assert repr(done) == "<Sweep of <Graph of 8 nodes, 9 parameters>: loss 1.09861, 5 gradients>"


def test_what_is_differentiated_can_be_a_weighted_sum_of_any_nodes_entries():
    graph = build.mlp(2, [4], 3)
    rng = np.random.default_rng(0)
    parameters, X = rng.normal(size=graph.parameters.size), rng.normal(size=(5, 2))
    values = forward(graph, parameters, X)
    factors = rng.normal(size=(5, 3))
    gradient = backward(graph, values, "p", factors)["X"]
    for i, j in np.ndindex(5, 2):
        moved = np.zeros((5, 2))
        moved[i, j] = 1e-6
        sides = [np.sum(factors * forward(graph, parameters, X + sign * moved)["p"]) for sign in (1, -1)]
        # differences over 1e-6 are right to about 1e-9
        assert gradient[i, j] == pytest.approx((sides[0] - sides[1]) / 2e-6, abs=1e-8)


def test_a_name_that_no_node_has_brings_up_the_nearest():
    with pytest.raises(InputError, match="did you mean 'W1'"):
        build.mlp(2, [4], 3).shape("W11")

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import Case, cases

from chainrule.datasets import make_spiral
from chainrule.errors import InputError
from chainrule.graph import OPERATIONS, Graph, Node, build, sweep
from chainrule.inspection import check
from chainrule.inspection.check import has_kink


def _network(activation: str = "tanh", l2: float = 1e-2) -> tuple[Graph, np.ndarray, np.ndarray, np.ndarray]:
    X, y = make_spiral(60, 3, random_state=0)
    graph = build.mlp(2, [5], 3, activation=activation, l2=l2)
    return graph, build.initialize(graph, np.random.default_rng(1), scale=1.0), X, y


def _break(monkeypatch: pytest.MonkeyPatch, operation: str, wrong: Callable[..., tuple[object, ...]]) -> None:
    broken = {**OPERATIONS, operation: replace(OPERATIONS[operation], backward=wrong)}
    monkeypatch.setattr(Node, "record", property(lambda node: broken[node.operation]))


# 1e-6 is the promise; differences are right to about eps^(2/3) = 4e-11 over a resolution of 4e-4, that is
# 1e-7, and a derivative that changes fast over the step (a softmax of steep logits) costs some of the margin.
@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_backward_of_any_graph_agrees_with_differences(case: Case) -> None:
    result = check((case.graph, case.parameters), case.X, case.y, sample_weight=case.sample_weight, noise=case.noise)
    assert result.n_checked == case.graph.parameters.size
    assert result.passed() or result.n_kinks == result.n_checked, str(result)


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_raw_columns_in_the_thousands_get_short_steps(scale: float) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(40, 3)) * [1.0, 30.0, 1000.0] + [0.0, 10.0, 700.0]
    graph = build.softmax_classifier(3, 3, l2=0.1)
    result = check((graph, build.initialize(graph, random, scale / 100)), X, random.integers(3, size=40))
    assert result.passed(), str(result)


def test_a_wrong_backward_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, parameters, X, y = _network()
    assert check((graph, parameters), X, y).passed()

    def forgets_the_square(d_out: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (d_out * (1.0 - np.tanh(x)),)

    _break(monkeypatch, "tanh", forgets_the_square)
    result = check((graph, parameters), X, y)
    assert not result.passed()
    assert result.max_relative_error > 0.1
    assert result.worst is not None and result.worst[:2] in ("W1", "b1")  # what lies behind the tanh
    assert np.nanmax(result.relative_error["W2"]) < 1e-6  # and not what lies before it
    assert "DIFFERS" in str(result)


def test_one_wrong_entry_among_many_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, parameters, X, y = _network(l2=0.0)
    right = OPERATIONS["dense"].backward

    def one_off(d_out: np.ndarray, x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> tuple[object, ...]:
        dx, dw, db = right(d_out, x, weight, bias)
        if dw.shape == (2, 5):
            dw = dw.copy()
            dw[1, 3] *= 1.0 + 1e-4
        return dx, dw, db

    _break(monkeypatch, "dense", one_off)
    result = check((graph, parameters), X, y)
    assert result.worst == "W1[1, 3]"
    # d = |a - n| / max(|a|, |n|) of a number 1e-4 too large
    assert result.max_relative_error == pytest.approx(1e-4, rel=1e-2)


def test_nan_in_the_gradient_never_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, parameters, X, y = _network()
    _break(monkeypatch, "tanh", lambda d_out, x: (d_out * np.nan,))
    result = check((graph, parameters), X, y)
    assert not result.passed(tolerance=1e300)


def test_entries_at_a_kink_are_marked_not_accused() -> None:
    graph = build.mlp(2, [2], 2)
    layout = graph.parameters
    parameters = layout.flatten(
        {"W1": np.array([[1.0, 2.0], [1.0, -1.0]]), "b1": np.zeros(2), "W2": np.eye(2), "b2": np.zeros(2)}
    )
    X = np.array([[1.0, -1.0], [3.0, 1.0]])  # the first row puts unit 0 exactly on the kink
    result = check((graph, parameters), X, np.array([0, 1]))
    assert result.crosses_kink["W1"].tolist() == [[True, False], [True, False]]
    assert result.crosses_kink["b1"].tolist() == [True, False]
    assert not result.crosses_kink["W2"].any()
    assert result.n_kinks == 3
    # half of the derivative is missing on one side: accused, it would be far off
    assert result.relative_error["b1"][0] > 1e-2
    assert result.passed()
    assert "3 at a kink" in str(result)


def test_where_nothing_can_be_judged_nothing_passes() -> None:
    graph = Graph(
        [
            Node("X", "data", given_shape=("m", 1)),
            Node("W", "parameter", given_shape=(1, 2)),
            Node("Z", "dense", ("X", "W")),
            Node("A", "relu", ("Z",)),
            Node("y", "labels", given_shape=("m",)),
            Node("J", "softmax_cross_entropy", ("A", "y")),
        ],
        loss="J",
    )
    result = check((graph, np.zeros(2)), np.ones((3, 1)), np.array([0, 1, 0]))
    assert result.n_kinks == result.n_checked == 2
    assert result.worst is None
    assert not result.passed()
    assert "nothing could be judged" in str(result)


def test_which_operations_have_a_kink_is_asked_of_their_backward() -> None:
    kinked = {name for name in OPERATIONS if has_kink(Node("A", name, ("Z",)))}
    assert kinked == {"relu", "leaky_relu", "selu", "l1"}
    assert not has_kink(Node("A", "leaky_relu", ("Z",), {"slope": 1.0}))


def test_an_l1_penalty_is_at_its_kink_where_a_weight_is_zero() -> None:
    X, y = make_spiral(30, 3, random_state=0)
    graph = build.softmax_classifier(2, 3, l1=0.1)
    parameters = build.initialize(graph, np.random.default_rng(1), scale=1.0)
    parameters[[0, 4]] = 0.0
    result = check((graph, parameters), X, y)
    assert result.n_kinks == 2
    assert result.passed()


def test_a_sample_of_the_entries_is_seeded() -> None:
    graph, parameters, X, y = _network()
    first, same, other = (check((graph, parameters), X, y, n_entries=7, random_state=seed) for seed in (1, 1, 2))
    assert first.n_checked == 7
    assert all((first.checked[name] == same.checked[name]).all() for name in graph.parameters)
    assert any((first.checked[name] != other.checked[name]).any() for name in graph.parameters)
    assert np.isnan(first.analytic["W1"][~first.checked["W1"]]).all()
    gradient = graph.parameters.views(sweep(graph, parameters, X, y).parameter_gradient())
    for name in graph.parameters:
        np.testing.assert_array_equal(first.analytic[name][first.checked[name]], gradient[name][first.checked[name]])


def test_parameters_given_are_left_as_they_were() -> None:
    graph, parameters, X, y = _network("relu")
    before = parameters.copy()
    check((graph, parameters), X, y)
    np.testing.assert_array_equal(parameters, before)


def test_a_parameter_the_loss_does_not_depend_on_has_gradient_zero() -> None:
    graph = Graph(
        [*build.softmax_classifier(2, 2).nodes, Node("V", "parameter", given_shape=(2,))],
        loss="J",
        output="p",
    )
    X, y = make_spiral(10, 2, random_state=0)
    result = check((graph, np.ones(graph.parameters.size)), X, y)
    assert result.passed()
    assert result.numeric["V"].tolist() == result.analytic["V"].tolist() == [0.0, 0.0]


def test_the_table_can_be_read() -> None:
    graph, parameters, X, y = _network()
    lines = str(check((graph, parameters), X, y)).splitlines()
    assert lines[0] == "gradient check: 33 of 33 entries against central differences"
    assert lines[2].split()[:5] == ["W1", "(2,", "5)", "10", "0"]
    assert lines[-1].startswith("agrees: largest relative error ")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"step": 0.0}, "step"), ({"step": float("nan")}, "step"), ({"n_entries": 0}, "n_entries")],
)
def test_nonsense_is_refused(arguments: dict[str, float], message: str) -> None:
    graph, parameters, X, y = _network()
    with pytest.raises(InputError, match=message):
        check((graph, parameters), X, y, **arguments)  # type: ignore[arg-type]


def test_a_graph_without_parameters_or_loss_is_refused() -> None:
    with pytest.raises(InputError, match="no parameters"):
        check((Graph([Node("X", "data", given_shape=("m", 1))]), np.zeros(0)), np.ones((1, 1)), np.array([0]))
    graph = Graph(build.softmax_classifier(1, 2).nodes)
    with pytest.raises(InputError, match="no loss"):
        check((graph, np.zeros(graph.parameters.size)), np.ones((1, 1)), np.array([0]))


def test_it_is_a_heat_map_and_plain_data() -> None:
    graph = build.mlp(2, [2], 2)
    values = {"W1": np.array([[1.0, 2.0], [1.0, -1.0]]), "b1": np.zeros(2), "W2": np.eye(2), "b2": np.zeros(2)}
    result = check((graph, values), np.array([[1.0, -1.0], [3.0, 1.0]]), np.array([0, 1]))
    levels = result.levels("W1")
    assert np.isnan(levels).tolist() == result.crosses_kink["W1"].tolist()
    assert (levels[~np.isnan(levels)] < 0.5).all()
    html = result._repr_html_()
    assert html.count("<svg") == 4
    assert html.count("<circle") == result.n_kinks == 3
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["passed"] and told["parameters"]["W1"]["n_at_a_kink"] == 2


def test_one_sample() -> None:
    graph, parameters, X, y = _network()
    result = check((graph, parameters), X, y, sample=5)
    alone = sweep(graph, parameters, X[5:6], y[5:6]).gradients["W1"]
    np.testing.assert_array_equal(result.analytic["W1"], alone)
    assert result.passed()

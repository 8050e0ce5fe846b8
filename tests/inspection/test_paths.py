from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from random_graphs import Case, cases

from chainrule.errors import GraphError, InputError
from chainrule.graph import Graph, Node, build
from chainrule.inspection import paths


def test_the_lectures_chain() -> None:
    found = paths(build.softmax_classifier(2, 3), "W")
    assert found.total == len(found) == 1
    path = found[0]
    assert path.nodes == ("W", "Z", "J")
    assert path.chain == "dJ/dW = dJ/dZ · dZ/dW"
    assert [factor.formula for factor in path.factors] == ["(p − y) / m", "X"]
    assert path.shorthand == "dZ = (p − y) / m, dW = Xᵀ dZ"


def test_one_hidden_layer() -> None:
    (path,) = paths(build.mlp(2, [100], 3), "W1")
    assert path.chain == "dJ/dW1 = dJ/dZ2 · dZ2/dA1 · dA1/dZ1 · dZ1/dW1"
    assert path.formulas == "(p − y) / m · W2 · I(Z1 > 0) · X"
    assert path.shorthand == "dZ2 = (p − y) / m, dA1 = dZ2 W2ᵀ, dZ1 = dA1 ⊙ I(Z1 > 0), dW1 = Xᵀ dZ1"


def test_a_penalty_is_a_path_of_its_own() -> None:
    found = paths(build.softmax_classifier(2, 3, l2=0.1), "W")
    assert [path.nodes for path in found] == [("W", "Z", "J", "objective"), ("W", "R", "objective")]
    assert found[1].formulas == "1 · λ W"


def test_skip_connections_double_the_paths() -> None:
    graph = build.mlp(4, [4] * 100, 3, skip_connections=True)
    found = paths(graph, "X", most=3)
    assert found.total == 2**100
    assert len(found) == 3
    assert str(found).endswith("and about 10^30 more")


def test_an_input_taken_twice_is_two_paths() -> None:
    nodes = [
        Node("X", "data", given_shape=("m", 2)),
        Node("W", "parameter", given_shape=(2, 2)),
        Node("V", "dense", ("W", "W")),
        Node("Z", "dense", ("X", "V")),
        Node("y", "labels", given_shape=("m",)),
        Node("J", "softmax_cross_entropy", ("Z", "y")),
    ]
    found = paths(Graph(nodes, loss="J"), "W")
    assert [path.factors[-1].shorthand for path in found] == ["dW = dV Wᵀ", "dW = Wᵀ dV"]


def test_layers_beyond_the_recursion_limit_are_walked() -> None:
    n_layers = 3 * sys.getrecursionlimit()
    found = paths(build.mlp(1, [1] * n_layers, 2), "W1")
    assert found.total == 1
    assert len(found[0].factors) == 2 * n_layers + 2
    assert len(str(found)) < 2_000


def test_no_path_where_nothing_depends() -> None:
    graph = build.softmax_classifier(2, 3)
    assert paths(graph, "p").total == 0
    assert paths(graph, "y").total == 0  # labels carry no gradient
    assert paths(graph, "J")[0].chain == "dJ/dJ = 1"


@settings(max_examples=50, deadline=None)
@given(case=cases())
def test_paths_are_counted_right_and_each_is_a_chain(case: Case) -> None:
    for name in case.graph.parameters:
        found = paths(case.graph, name, most=10_000)
        assert found.total == len(found)
        assert len({path.factors for path in found}) <= len(found)
        for path in found:
            assert path.nodes[0] == name
            assert path.nodes[-1] == case.graph.loss
            for before, after in zip(path.nodes, path.nodes[1:], strict=False):
                assert before in case.graph[after].inputs
            assert [factor.symbol for factor in path.factors[::-1]] == [
                f"d{after}/d{before}" for before, after in zip(path.nodes, path.nodes[1:], strict=False)
            ]
            assert all(factor.formula and factor.shorthand for factor in path.factors)


def test_lines_stay_short() -> None:
    graph = build.mlp(4, [4] * 6, 3, skip_connections=True, dropout=0.5, l2=0.1)
    assert max(map(len, str(paths(graph, "W1")).splitlines())) <= 80


def test_what_does_not_exist_is_refused() -> None:
    graph = build.softmax_classifier(2, 3)
    with pytest.raises(GraphError, match="W7"):
        paths(graph, "W7")
    with pytest.raises(InputError, match="most"):
        paths(graph, "W", most=-1)
    with pytest.raises(InputError, match="no loss"):
        paths(Graph(graph.nodes), "W")
    assert paths(Graph(graph.nodes), "W", end="p").total == 1

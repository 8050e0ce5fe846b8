"""Ten thousand layers: everything is iterative, so nothing overflows a stack, and nothing is quadratic."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from chainrule.errors import GraphError
from chainrule.graph import Graph, Node, build, sweep

LAYERS = 10_000
# Each test takes a second or two; work that grows with the square of the depth would take minutes.
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def deep():
    return build.mlp(2, [2] * (LAYERS - 1), 3, activation="tanh", skip_connections=True)


def test_it_sweeps(deep):
    rng = np.random.default_rng(0)
    parameters = build.initialize(deep, rng, scale=1e-3)
    done = sweep(deep, parameters, rng.normal(size=(3, 2)), np.array([0, 1, 2]))
    assert np.isfinite(done.loss)
    gradient = done.parameter_gradient()
    assert gradient.shape == (deep.parameters.size,)
    # skip connections hand the gradient down to the first layer
    assert np.abs(gradient[deep.parameters.where("W1")]).max() > 0


def test_it_goes_to_a_file_and_back(deep):
    data = json.loads(json.dumps(deep.to_dict()))
    assert Graph.from_dict(data) == deep
    assert pickle.loads(pickle.dumps(deep)) == deep


def test_it_prints_and_draws(deep):
    assert len(deep.table().splitlines()) == len(deep) + 3
    assert repr(deep) == "<Graph of 50,003 nodes, 60,003 parameters>"
    assert "layers …" in deep.to_svg()


def test_a_sum_of_ten_thousand_terms_is_no_burden():
    graph = build.mlp(2, [2] * LAYERS, 3, l2=0.1)
    assert len(graph.gradient_formulas("objective")) == LAYERS + 2
    assert graph.formula("objective").endswith(f"+ … + R{LAYERS + 1}")
    assert "nodes not drawn" in graph.to_svg()


def test_a_long_cycle_is_found():
    nodes = [Node(f"A{i}", "relu", (f"A{(i + 1) % LAYERS}",)) for i in range(LAYERS)]
    with pytest.raises(GraphError, match=r"cycle through A0, A1, .*\(10000 in all\)"):
        Graph(nodes)


def test_a_name_that_is_there_ten_thousand_times_is_found():
    with pytest.raises(GraphError, match="two nodes are named 'A'"):
        Graph([Node("A", "data", given_shape=("m", 1))] * LAYERS)

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from small_networks import IRIS, small_network

from chainrule import SoftmaxClassifier, datasets
from chainrule.graph import OPERATIONS, Graph, Node, build
from chainrule.inspection import first_nonfinite


def spiral_network() -> tuple[Graph, np.ndarray, np.ndarray, np.ndarray]:
    X, y = datasets.make_spiral(random_state=0)
    graph = build.mlp(2, [10], 3)
    return graph, build.initialize(graph, np.random.default_rng(0), scale=0.5), X, y


def test_where_all_is_finite_there_is_nothing_to_say() -> None:
    X, y = IRIS
    assert first_nonfinite(small_network(), X, y) is None
    assert first_nonfinite(small_network(), X) is None
    assert first_nonfinite(SoftmaxClassifier().fit(X, y), X, y, sample=3) is None


def test_a_bad_row_is_named() -> None:
    graph, parameters, X, y = spiral_network()
    X = X.copy()
    X[17, 1] = np.nan
    found = first_nonfinite((graph, parameters), X, y)
    assert found is not None
    assert (found.node, found.entry, found.n_nonfinite, found.kind) == ("X", "X[17, 1]", 1, "value")
    assert "clean X" in found.advice
    assert first_nonfinite((graph, parameters), X, y, sample=16) is None
    assert first_nonfinite((graph, parameters), X, y, sample=17).entry == "X[1]"


def test_bad_parameters_are_told_from_an_overflow() -> None:
    graph, parameters, X, y = spiral_network()
    diverged = parameters.copy()
    diverged[3] = np.inf
    found = first_nonfinite((graph, diverged), X, y)
    assert (found.node, found.entry) == ("W1", "W1[0, 3]")
    assert "training before this diverged" in found.advice
    grown = parameters.copy()
    graph.parameters.views(grown)["W1"][...] *= 1e200
    graph.parameters.views(grown)["W2"][...] *= 1e200
    found = first_nonfinite((graph, grown), X, y)
    assert (found.node, found.kind, found.formula) == ("Z2", "value", "Z2 = A1 W2 + b2")
    assert [one.name for one in found.inputs] == ["A1", "W2", "b2"]
    assert all(np.isfinite(one.number) for one in found.inputs)
    assert "float64 holds" in found.advice
    with pytest.raises(AttributeError):
        found.node = "Z1"  # type: ignore[misc]


def test_a_gradient_that_overflows_after_a_finite_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, parameters, X, y = spiral_network()
    broken = {**OPERATIONS, "relu": replace(OPERATIONS["relu"], backward=lambda d_out, x: (d_out / (0.0 * x),))}
    monkeypatch.setattr(Node, "record", property(lambda node: broken[node.operation]))
    found = first_nonfinite((graph, parameters), X, y)
    assert (found.node, found.kind) == ("Z1", "gradient")
    assert found.entry.startswith("dZ1[")
    assert found.formula == "dZ1 = dA1 ⊙ I(Z1 > 0)"
    assert [one.name for one in found.inputs] == ["Z1", "dA1"]


def test_a_model_of_float32_overflows_earlier() -> None:
    X, y = IRIS
    network = small_network(X.astype(np.float32), y).to_model()
    assert network.dtype == "float32"
    parameters = network.parameters.copy()
    network.graph.parameters.views(parameters)["W1"][0, 2] = 3e38
    grown = replace(network, parameters=parameters)
    found = first_nonfinite(grown, 10.0 * np.ones((1, 4)), [0])
    assert (found.node, found.dtype) == ("Z1", "float32")
    assert np.isfinite(found.number) and "beyond float32" in str(found)
    assert first_nonfinite((grown.graph, parameters), 10.0 * np.ones((1, 4)), np.array([0])) is None


def test_it_is_shown() -> None:
    graph, parameters, X, y = spiral_network()
    graph.parameters.views(parameters)["W1"][...] *= 1e308
    found = first_nonfinite((graph, parameters), 1e10 * X, y)
    assert str(found).splitlines()[0] == "Z1 (dense) is the first not finite, in the order of computation"
    assert max(map(len, str(found).splitlines())) <= 96
    assert "advice" in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["number"] in ("inf", "-inf", "nan")

from __future__ import annotations

import json
from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import Case, cases
from rich.console import Console
from small_networks import IRIS, small_network

from chainrule.errors import GraphError
from chainrule.graph import build, sweep
from chainrule.inspection import trace
from chainrule.inspection.figures import Figures


@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_every_value_and_gradient_of_any_graph_is_the_sweeps(case: Case) -> None:
    more = {"sample_weight": case.sample_weight, "noise": case.noise}
    swept = sweep(case.graph, case.parameters, case.X, case.y, **more)
    found = trace((case.graph, case.parameters), case.X, case.y, **more)
    assert list(found) == [node.name for node in case.graph.nodes if node.name in swept.values]
    for name, node in found.items():
        np.testing.assert_array_equal(node.value, swept.values[name])
        assert (node.gradient is None) == (name not in swept.gradients)
        if node.gradient is not None:
            np.testing.assert_array_equal(node.gradient, swept.gradients[name])
            assert node.gradient.shape == node.shape
    assert found.loss == swept.loss


def test_one_row_and_no_labels() -> None:
    X, y = IRIS
    network = small_network()
    one = trace(network, X, y, sample=7)
    assert one["Z1"].shape == (1, 8)
    assert one["Z1"].formula == "Z1 = X W1 + b1"
    assert one["W1"].gradient_formula.startswith("dW1 = Xᵀ dZ1")
    np.testing.assert_allclose(one["p"].value, network.predict_proba(X[7:8]), rtol=1e-9)
    blind = trace(network, X)
    assert "J" not in blind and blind.loss is None
    assert all(node.gradient is None for node in blind.values())
    with pytest.raises(GraphError, match="did you mean"):
        _ = one["Z9"]
    with pytest.raises(KeyError, match="'J' has no value"):
        _ = blind["J"]
    assert blind.get("J") is None and blind.get("Z1") is blind["Z1"]


def test_it_can_be_read() -> None:
    X, y = IRIS
    found = trace(small_network(), X, y)
    lines = str(found).splitlines()
    assert lines[0] == "forward, 150 rows"
    assert max(map(len, lines)) <= 80
    assert not any("…" in line[-36:] for line in lines)  # figures are whole
    stream = StringIO()
    Console(file=stream, width=140, color_system=None).print(found)
    assert "softmax_cross_entropy" in stream.getvalue()
    frame = found.to_frame()
    assert frame.loc["W1", "gradient_norm"] == pytest.approx(np.linalg.norm(found["W1"].gradient), rel=1e-14)
    assert frame.loc["Z1", "high"] == found["Z1"].value.max()
    html = found._repr_html_()
    assert html.count("<tr>") == len(frame) + 2 + sum(node.gradient is not None for node in found.values())
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["nodes"]["Z1"]["value"]["mean"] == pytest.approx(found["Z1"].value.mean())


def test_a_name_is_never_markup() -> None:
    data = build.softmax_classifier(2, 3).to_dict()
    for node in data["nodes"]:
        node["name"] = "<script>" if node["name"] == "Z" else node["name"]
        node["inputs"] = ["<script>" if name == "Z" else name for name in node.get("inputs", [])]
    from chainrule.graph import Graph

    graph = Graph.from_dict(data)
    assert "<script>" not in trace((graph, np.ones(9)), np.ones((2, 2)), np.array([0, 1]))._repr_html_()


def test_figures_of_numbers_that_are_none_or_huge() -> None:
    found = Figures.of(np.array([np.nan, np.inf, 1e300, -1e300]))
    assert (found.low, found.high, found.n_nonfinite) == (-1e300, 1e300, 2)
    assert found.norm == pytest.approx(np.sqrt(2) * 1e300)
    assert Figures.of(np.array([np.nan])).n_nonfinite == 1
    assert Figures.of(np.zeros(3)).norm == 0.0

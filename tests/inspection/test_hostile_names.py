"""Names come from tables and files: none becomes markup or code."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pandas
import pytest
from small_networks import IRIS

from chainrule import SoftmaxClassifier
from chainrule.graph import Graph, build
from chainrule.inspection import as_numpy, attribution, check, explain, first_nonfinite, ledger, trace

BAD = "<script>alert('x')</script>"


@pytest.fixture
def network() -> tuple[Graph, np.ndarray]:
    """A network whose nodes are called so."""
    data = build.mlp(4, [3], 3, l2=1e-3).to_dict()
    renamed = {node["name"]: f"{BAD}{node['name']}" for node in data["nodes"] if node["name"] != "X"}
    for node in data["nodes"]:
        node["name"] = renamed.get(node["name"], node["name"])
        node["inputs"] = [renamed.get(name, name) for name in node.get("inputs", [])]
    graph = Graph.from_dict({**data, "loss": renamed[data["loss"]], "output": renamed[data["output"]]})
    return graph, np.random.default_rng(0).normal(size=graph.parameters.size)


def test_names_of_nodes(network: tuple[Graph, np.ndarray]) -> None:
    X, y = IRIS
    grown = (network[0], 1e200 * network[1])
    results = [
        trace(network, X, y),
        explain(network, f"d{BAD}W1[0, 2]", X, y),
        ledger(network, f"{BAD}W1[0, 2]", X, y, sample=0),
        check(network, X, y),
        first_nonfinite(grown, X, y),
    ]
    for result in results:
        html = result._repr_html_()
        assert "<script" not in html
        ElementTree.fromstring(html)
    scope: dict[str, object] = {"print": lambda *_: None}
    exec(as_numpy(network, f"d{BAD}W1[0, 2]", X, y), scope)
    assert scope["value"] == pytest.approx(explain(network, f"d{BAD}W1[0, 2]", X, y).value, rel=1e-12)


def test_names_of_columns_and_classes() -> None:
    X, y = IRIS
    frame = pandas.DataFrame(X, columns=[f"{BAD}{i}" for i in range(4)])
    kinds = np.array([f"{BAD}{i}" for i in range(3)], dtype=object)[y]
    classifier = SoftmaxClassifier().fit(frame, kinds)
    for result in (
        attribution(classifier, frame, sample=0),
        attribution(classifier, frame),
        explain(classifier, "dW[0, 1]", frame, kinds),
        ledger(classifier, "W[0, 1]", frame, kinds, sample=0),
    ):
        assert BAD in str(result).replace("\n", "") or "<script>" in str(result)
        assert "<script" not in result._repr_html_()
        ElementTree.fromstring(result._repr_html_())

"""Formulas with numbers, and code that gives the number when it is run."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import Case, cases
from scipy.special import expit, ndtr
from small_networks import IRIS, small_network

from chainrule import MLPClassifier, SoftmaxClassifier, datasets
from chainrule.errors import GraphError, InputError
from chainrule.graph import Graph, backward, build, forward
from chainrule.inspection import as_numpy, explain, ledger, paths
from chainrule.inspection.routes import differentiated


def run(code: str) -> np.ndarray:
    scope: dict[str, object] = {"print": lambda *_: None}
    exec(code, scope)
    return np.asarray(scope["value"])


def spiral_network(**options: object) -> tuple[tuple[Graph, np.ndarray], np.ndarray, np.ndarray]:
    X, y = datasets.make_spiral(random_state=0)
    graph = build.mlp(2, [100], 3, **options)
    return (graph, build.initialize(graph, np.random.default_rng(0), scale=0.5)), X, y


def entries_of(data: st.DataObject, shape: tuple[int, ...]) -> str:
    index = [data.draw(st.integers(0, extent - 1)) for extent in shape]
    return f"[{', '.join(map(str, index))}]" if index else ""


# 1e-12 is the promise; where terms cancel, what is left of their rounding (1e-16 a term).
@settings(max_examples=80, deadline=None)
@given(case=cases(), data=st.data())
def test_code_of_any_entry_of_any_graph_gives_the_number(case: Case, data: st.DataObject) -> None:
    pair = (case.graph, case.parameters)
    more = {"sample_weight": case.sample_weight, "noise": case.noise}
    values = forward(case.graph, case.parameters, case.X, case.y, **more)
    gradients = backward(case.graph, values)
    name = data.draw(st.sampled_from(sorted(values)))
    index = entries_of(data, values[name].shape)
    place = tuple(map(int, re.findall(r"\d+", index)))
    found = run(as_numpy(pair, name + index, case.X, case.y, **more))
    np.testing.assert_allclose(found, values[name][place], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(run(as_numpy(pair, name, case.X, case.y, **more)), values[name], rtol=1e-12, atol=1e-14)
    gradient = gradients.get(name, np.zeros(values[name].shape))
    found = run(as_numpy(pair, f"d{name}{index}", case.X, case.y, **more))
    np.testing.assert_allclose(found, gradient[place], rtol=1e-12, atol=1e-14)
    assert set(gradients) == differentiated(case.graph)


def value_of(text: str) -> float:
    """Compute what a line of numbers says."""
    text = re.sub(r" \([\d,]+ more\)", "", text)
    text = text.replace("−", "-").replace("·", "*").replace("⊙", "*").replace("²", "**2")
    text = re.sub(r"∥(\S+)∥_1", r"abs(\1)", text)
    text = re.sub(r"e\^(\(|\w)", r"exp(1)**\1", text)
    text = re.sub(r"(min|max|I)\(", r"\1_(", text).replace("≥", ">=").replace("≤", "<=")
    functions = {
        "exp": np.exp, "log": np.log, "tanh": np.tanh, "σ": expit, "Φ": ndtr, "sign": np.sign, "max_": max,
        "min_": min, "I_": float, "φ": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
        "λ": 1.0507009873554805, "α": 1.6732632423543772, "sign_": np.sign,
    }  # fmt: skip
    return float(
        eval(
            re.sub(
                r"(\)|\d) (min_|max_|I_|\()",
                r"\1 * \2",
                re.sub(r"λ \(", "λ * (", text).replace("α (", "α * (").replace("α exp", "α * exp"),
            ),
            functions,
        )
    )


@settings(max_examples=80, deadline=None)
@given(case=cases(), data=st.data())
def test_the_line_with_numbers_is_true(case: Case, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from([None, *range(len(case.X))]))
    more = {"sample": sample, "sample_weight": case.sample_weight, "noise": case.noise}
    name = data.draw(st.sampled_from([node.name for node in case.graph.nodes if not node.is_source]))
    shape = tuple(len(case.X) if extent == "m" else int(extent) for extent in case.graph.shape(name))
    if sample is not None and case.graph.shape(name)[:1] == ("m",):
        shape = shape[1:]
    d = data.draw(st.sampled_from(["", "d"]))
    found = explain((case.graph, case.parameters), d + name + entries_of(data, shape), case.X, case.y, **more)
    for style in ("text", "latex", "mathml"):
        lines = found.lines(style)
        assert len(lines) == 1 + len(found.steps)
        for line in lines:
            if style == "mathml":
                ElementTree.fromstring(line)
    if len(found.steps) >= 2:
        line = found.lines()[-2].removeprefix(found.name).removeprefix(" = ").removeprefix("= ")
        if not re.search(r"[A-Z]\d", line):  # numbers, not symbols
            # six digits are printed of each number
            assert value_of(line) == pytest.approx(found.value, rel=1e-3, abs=1e-4)


def test_formula_shapes_and_numbers_of_an_entry() -> None:
    pair, X, y = spiral_network()
    found = explain(pair, "Z1[3]", X, y, sample=250)
    weights = pair[0].parameters.views(pair[1])["W1"]
    assert found.lines()[0] == "Z1 = X W1 + b1"
    assert found.shapes == "(1, 2)(2, 100) + (100,) -> (1, 100)"
    assert found.lines()[1] == "Z1[3] = X[1] · W1[1, 3] + X[0] · W1[0, 3] + b1[3]"  # the largest first
    assert found.value == pytest.approx(X[250] @ weights[:, 3], rel=1e-14)
    assert list(found.local) == ["dZ1/dX", "dZ1/dW1", "dZ1/db1"]
    assert "Z_{1}[3] = X[1]" in found.latex
    assert "<msub><mi>W</mi><mn>1</mn></msub>" in found.mathml
    assert max(map(len, str(found).splitlines())) <= 80


@pytest.mark.parametrize(
    ("name", "formula", "shapes"),
    [
        ("Z1", "Z1 = X W1 + b1", "(m, 2)(2, 100) + (100,) -> (m, 100)"),
        ("A1", "A1 = max(0, Z1)", "(m, 100) -> (m, 100)"),
        ("J", "J = −1/m Σ_i Σ_k y_ik log(p_ik)", "(m, 3), (m,) -> ()"),
        ("dZ2", "dZ2 = (p − y) / m", "(m, 3), (m,) -> (m, 3)"),
        ("dA1", "dA1 = dZ2 W2ᵀ", "(m, 3)(3, 100) -> (m, 100)"),
        ("dZ1", "dZ1 = dA1 ⊙ I(Z1 > 0)", "(m, 100) ⊙ (m, 100) -> (m, 100)"),
        ("dW1", "dW1 = Xᵀ dZ1", "(2, m)(m, 100) -> (2, 100)"),
        ("dJ/db1", "db1 = Σ_i dZ1", "(m, 100) summed over m -> (100,)"),
        ("dJ", "dJ = 1", "()"),
        ("dp", "dp = 0", "(m, 3)"),
        ("X", "X", "(m, 2)"),
    ],
)
def test_what_is_said_without_rows(name: str, formula: str, shapes: str) -> None:
    pair, _, _ = spiral_network()
    found = explain(pair, name)
    assert (found.text, found.shapes, found.value, found.steps) == (formula, shapes, None, ())


def test_a_graph_alone_will_do_where_no_number_is_asked_for() -> None:
    graph = build.mlp(2, [4], 3)
    assert explain(graph, "dW1").text == "dW1 = Xᵀ dZ1"
    assert paths(small_network(), "W2", end="J").total == 1
    with pytest.raises(InputError, match=r"pair \(graph, parameters\)"):
        explain(graph, "dW1", np.ones((1, 2)))


def test_dropout_without_noise_is_handed_on() -> None:
    graph = build.mlp(2, [4], 3, dropout=0.5)
    pair = (graph, np.arange(float(graph.parameters.size)))
    X, y = np.ones((2, 2)), np.array([0, 2])
    assert explain(pair, "D1[1, 3]", X, y).lines()[1] == "D1[1, 3] = A1[1, 3]"
    assert explain(pair, "dA1[1, 3]", X, y).lines()[1] == "dA1[1, 3] = dD1[1, 3]"
    for name in ("D1[1, 3]", "dA1[1, 3]", "dW1[0, 3]"):
        assert run(as_numpy(pair, name, X, y)) == pytest.approx(explain(pair, name, X, y).value, rel=1e-12)


def test_gradients_that_meet_add_up() -> None:
    pair, X, y = spiral_network(l2=1e-3)
    found = explain(pair, "dW1[0, 3]", X, y, sample=250)
    assert found.lines()[0] == "dW1 = Xᵀ dZ1 + dR1 λ W1"
    assert found.shapes == "(2, 1)(1, 100) + (2, 100) -> (2, 100)"
    assert found.lines()[2].endswith(" + 1 · 0.001 · 0.0524501")
    assert run(as_numpy(pair, "dW1[0, 3]", X, y, sample=250)) == pytest.approx(found.value, rel=1e-12)


def test_a_sparse_row_leaves_its_zeros_to_the_rest() -> None:
    X = np.zeros((3, 200))
    X[:, [5, 9]] = 1.0
    graph = build.softmax_classifier(200, 3)
    pair = (graph, np.ones(graph.parameters.size))
    assert explain(pair, "Z[0]", X, sample=0).lines()[1].startswith("Z[0] = X[5] · W[5, 0] + X[9] · W[9, 0] + b[0] + ")


def test_any_classifier_and_several_labels_a_row() -> None:
    X, y = IRIS
    for classifier in (SoftmaxClassifier().fit(X, y), small_network()):
        name = "W" if isinstance(classifier, SoftmaxClassifier) else "W1"
        found = explain(classifier, f"d{name}[0, 1]", X, y)
        assert run(as_numpy(classifier, f"d{name}[0, 1]", X, y)) == pytest.approx(found.value, rel=1e-12)
    Y = np.column_stack([y == 0, y > 0, y == 2]).astype(int)
    several: MLPClassifier = small_network(X, Y)
    for name in ("J", "dZ2[1]", "p[2]", "dW2[3, 1]"):
        found = explain(several, name, X, Y, sample=7)
        assert run(as_numpy(several, name, X, Y, sample=7)) == pytest.approx(found.value, rel=1e-12)


def test_an_entry_says_which_feature_and_class_it_is_about() -> None:
    X, y = IRIS
    frame = pandas.DataFrame(X, columns=["sepal length", "sepal width", "petal length", "petal width"])
    kinds = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    classifier = SoftmaxClassifier().fit(frame, kinds)
    for name, meaning in (
        ("W[2, 1]", "feature petal length, class versicolor"),
        ("dW[2, 1]", "feature petal length, class versicolor"),
        ("X[3]", "feature petal width"),
        ("p[0]", "class setosa"),
        ("Z[2]", "class virginica"),
        ("b[2]", "class virginica"),
        ("J", ""),
    ):
        assert explain(classifier, name, frame, kinds, sample=3).meaning == meaning
    network = small_network(X, kinds)
    assert explain(network, "W1[2, 1]", X, kinds).meaning == "feature x2"
    assert explain(network, "W2[2, 1]", X, kinds).meaning == "class versicolor"
    assert explain(network, "Z1[1, 2]", X, kinds).meaning == ""
    assert "(feature x2)" in str(ledger(network, "W1[2, 1]", X, kinds, sample=0)).splitlines()[0]
    two = SoftmaxClassifier().fit(X[y < 2], kinds[y < 2])  # one logit, for two classes
    assert explain(two, "W[2, 0]", X[:3]).meaning == "feature x2"


def test_names_that_are_no_identifiers_become_some() -> None:
    names = {"X": "in put", "W": "np", "b": "value", "Z": "class", "p": "1", "J": "ndtr"}
    data = build.softmax_classifier(2, 3).to_dict()
    for node in data["nodes"]:
        node["name"] = names.get(node["name"], node["name"])
        node["inputs"] = [names.get(name, name) for name in node.get("inputs", [])]
    graph = Graph.from_dict({**data, "loss": "ndtr", "output": "1"})
    X, y = np.ones((4, 2)), np.array([0, 1, 2, 0])
    parameters = np.arange(9.0)
    values = forward(graph, parameters, X, y)
    gradients = backward(graph, values)
    for name in ("class", "1", "ndtr"):
        np.testing.assert_allclose(run(as_numpy((graph, parameters), name, X, y)), values[name], rtol=1e-12)
    for name in ("np", "value", "class"):
        found = run(as_numpy((graph, parameters), f"d{name}", X, y))
        np.testing.assert_allclose(found, gradients[name], rtol=1e-12, atol=1e-16)


def test_what_is_not_there_is_said() -> None:
    pair, X, y = spiral_network()
    with pytest.raises(GraphError, match="did you mean 'Z2'"):
        explain(pair, "Z9")
    with pytest.raises(GraphError, match="did you mean"):
        explain(pair, "dW7")
    with pytest.raises(InputError, match="it depends on labels"):
        explain(pair, "J", X)
    with pytest.raises(InputError, match="needs labels"):
        explain(pair, "dW1", X)
    with pytest.raises(InputError, match="more than 20,000 numbers"):
        as_numpy(pair, "Z1", np.tile(X, (70, 1)), np.tile(y, 70))
    with pytest.raises(InputError, match="has shape"):
        explain(pair, "Z1[3]", X, y)
    assert np.isnan(run(as_numpy(pair, "X[0, 0]", np.full((1, 2), np.nan), sample=None)))


def test_it_is_shown_in_a_notebook() -> None:
    pair, X, y = spiral_network()
    html = explain(pair, "dW1[0, 3]", X, y)._repr_html_()
    assert html.count("<math") == 5  # formula, three steps, one local derivative
    told = explain(pair, "Z1[3]", X, y, sample=1).to_dict()
    assert told["text"][0] == "Z1 = X W1 + b1" and len(told["mathml"]) == 4

"""Graphs as data: what is well formed, what is said of what is not, and that nothing is lost on the way to a file."""

from __future__ import annotations

import copy
import json
import pickle
from xml.etree import ElementTree

import numpy as np
import pytest
from graph_strategies import random_graphs
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import GraphError, ShapeError
from chainrule.graph import Graph, Node, build

X = Node("X", "data", given_shape=("m", 2))
W = Node("W", "parameter", given_shape=(2, 3))
b = Node("b", "parameter", given_shape=(3,))
Z = Node("Z", "dense", ("X", "W", "b"))
y = Node("y", "labels", given_shape=("m",))
J = Node("J", "softmax_cross_entropy", ("Z", "y"))


def test_nodes_are_sorted_and_shapes_follow():
    graph = Graph([J, Z, y, b, W, X], loss="J", output="Z")
    assert [node.name for node in graph.nodes] == ["y", "b", "W", "X", "Z", "J"]
    assert graph.shape("Z") == ("m", 3)
    assert graph.shape("J") == ()
    assert len(graph) == 6
    assert "Z" in graph and "Q" not in graph and 3 not in graph
    assert graph["Z"] == Z
    assert [node.name for node in graph.of_kind("parameter", "labels")] == ["y", "b", "W"]
    assert graph.consumers == {"X": ("Z",), "W": ("Z",), "b": ("Z",), "Z": ("J",), "y": ("J",), "J": ()}
    assert graph.gradient_nodes == {"W", "b", "Z", "J"}


@pytest.mark.parametrize(
    ("nodes", "loss", "message"),
    [
        ([X, W, b, Z, Node("Z", "relu", ("X",))], None, "two nodes are named 'Z'"),
        ([X, Node("A", "relu", ("B",)), Node("B", "relu", ("A",))], None, "cycle through A, B"),
        ([Node("A", "relu", ("A",))], None, "cycle through A"),
        ([X, Node("A", "relux", ("X",))], None, r"'A' \(relux\): no such operation; there are dense, .*relu"),
        ([X, Node("A", "leaky_relu", ("X",), {"slop": 1})], None, "'A'.*no attribute 'slop'; the operation has slope"),
        ([X, Node("A", "relu", ("X",), {"slope": 1})], None, "'A'.*the operation has none"),
        ([X, Node("A", "relu", ("Y",))], None, "'A'.*input 'Y' names no node"),
        ([X, Node("A", "dense", ("X",))], None, "'A'.*takes x, weight, bias\\?; got 1 inputs"),
        ([X, Node("A", "relu", ("X", "X"))], None, "'A'.*takes x; got 2 inputs"),
        ([X, Node("A", "relu")], None, "'A'.*got 0 inputs"),
        ([X, Node("A", "add")], None, "'A'.*got 0 inputs"),
        ([X, Node("A", "relu", ("X",), given_shape=("m", 2))], None, "'A'.*leave given_shape out"),
        ([Node("A", "data")], None, "'A'.*give its shape"),
        ([X, Node("A", "data", ("X",), given_shape=("m", 2))], None, "'A'.*takes no inputs"),
        ([X, W, b, Z, J, Node("y", "data", given_shape=("m",))], None, "'J'.*'y' \\(data\\) cannot be its labels"),
        ([y, Node("A", "relu", ("y",))], None, "'A'.*'y' \\(labels\\) cannot be its x"),
        ([X, Node("U", "noise", given_shape=("m", 2)), Node("A", "add", ("X", "U"))], None, "'A'.*'U' \\(noise\\)"),
        ([X], "J", "loss='J' names no node"),
        ([Node("", "data", given_shape=("m", 2))], None, "printable text"),
        ([Node("a\nb", "data", given_shape=("m", 2))], None, "printable text"),
        ([Node("a" * 201, "data", given_shape=("m", 2))], None, "printable text"),
        ([Node(7, "data", given_shape=("m", 2))], None, "printable text"),
        (["X"], None, "made of nodes, got 'X'"),
    ],
)
def test_what_is_not_well_formed_is_named(nodes, loss, message):
    with pytest.raises(GraphError, match=message):
        Graph(nodes, loss=loss)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Node("Q", "dense", ("X", "b")), r"node 'Q' \(dense\): weight must be"),
        (Node("Q", "dense", ("X", "V")), r"x \(m, 2\) has 2 features, weight \(3, 2\) takes 3"),
        (Node("Q", "dense", ("X", "W", "c")), r"bias must be \(3,\) to go with weight \(2, 3\), got \(2,\)"),
        (Node("Q", "add", ("X", "Z")), r"one shape, got \(m, 2\), \(m, 3\)"),
        (Node("Q", "scale", ("X", "b")), r"factor must be \(2,\)"),
        (Node("Q", "softmax", ("b",)), "logits must be"),
        (Node("Q", "softmax", ("nothing",)), "at least one column"),
        (Node("Q", "reference_logit", ("b",)), "logits must be"),
        (Node("Q", "softmax_cross_entropy", ("Z", "y"), {"class_weight": (1, 2)}), "class_weight must have 3 numbers"),
        (Node("Q", "parameter", given_shape=("m", 2)), "cannot depend on the batch"),
        (Node("Q", "data", given_shape=("m", -1)), "an extent is 'm' or a whole number"),
        (Node("Q", "data", given_shape=("m", 2.5)), "an extent is 'm' or a whole number"),
        (Node("Q", "data", given_shape=("n", 2)), "an extent is 'm' or a whole number"),
        (Node("Q", "data", given_shape=("m", 2**63)), "an extent is 'm' or a whole number"),
    ],
)
def test_shape_errors_name_the_node(node, message):
    others = [
        X, W, b, Z, y,
        Node("V", "parameter", given_shape=(3, 2)),
        Node("c", "parameter", given_shape=(2,)),
        Node("nothing", "data", given_shape=("m", 0)),
    ]  # fmt: skip
    with pytest.raises(ShapeError, match="'Q'.*" + message.removeprefix("node 'Q'")):
        Graph([*others, node])


def test_the_loss_must_be_a_scalar():
    with pytest.raises(ShapeError, match=r"node 'Z': the loss must be a scalar, its shape is \(m, 3\)"):
        Graph([X, W, b, Z], loss="Z")


def test_inputs_given_as_one_text_are_refused():
    with pytest.raises(GraphError, match="inputs are a tuple of names"):
        Node("Z", "dense", "XW")


def test_an_unknown_name_is_answered_with_the_known_ones():
    graph = build.softmax_classifier(2, 3)
    with pytest.raises(GraphError, match="no node is named 'Q': the graph has X, W, b"):
        _ = graph["Q"]
    with pytest.raises(GraphError, match="no node"):
        graph.shape("Q")


def test_nodes_keep_plain_data_only():
    node = Node(
        "J",
        "softmax_cross_entropy",
        ["Z", "y"],
        {"class_weight": np.array([1.0, 2.0]), "label_smoothing": np.float32(0.5)},
    )
    assert node.inputs == ("Z", "y")
    assert dict(node.attributes) == {"class_weight": (1.0, 2.0), "label_smoothing": 0.5}
    assert type(node.attributes["label_smoothing"]) is float
    shape = Node("X", "data", given_shape=["m", np.int64(3)]).given_shape
    assert shape == ("m", 3) and type(shape[1]) is int
    with pytest.raises(TypeError):
        node.attributes["label_smoothing"] = 0.1


def test_a_graph_cannot_be_changed():
    graph = build.softmax_classifier(2, 3)
    for name in ("loss", "output", "nodes"):
        with pytest.raises(AttributeError):
            setattr(graph, name, None)
    with pytest.raises(AttributeError):
        graph["Z"].operation = "relu"


def test_the_table_is_readable():
    assert str(build.softmax_classifier(2, 3)).splitlines() == [
        "node  operation              from     shape   parameters",
        "--------------------------------------------------------",
        "X     data                            (m, 2)",
        "W     parameter                       (2, 3)           6",
        "b     parameter                       (3,)             3",
        "Z     dense                  X, W, b  (m, 3)",
        "p     softmax                Z        (m, 3)",
        "y     labels                          (m,)",
        "s     weights                         (m,)",
        "J     softmax_cross_entropy  Z, y, s  ()",
        "                                      total            9",
    ]


def test_representations_say_the_essential():
    graph = build.softmax_classifier(1000, 20)
    assert repr(graph) == "<Graph of 8 nodes, 20,020 parameters>"
    assert repr(graph["Z"]) == "Node('Z', 'dense', ('X', 'W', 'b'))"
    assert repr(graph["X"]) == "Node('X', 'data', given_shape=(m, 1000))"
    assert repr(Node("D", "dropout", ("A",), {"rate": 0.2})) == "Node('D', 'dropout', ('A',), rate=0.2)"
    assert graph._repr_svg_() == graph.to_svg()


def test_formulas_speak_the_lectures_language():
    graph = build.mlp(2, [100], 3)
    assert graph.formula("Z1") == "Z1 = X W1 + b1"
    assert graph.formula("A1") == "A1 = max(0, Z1)"
    assert graph.formula("J") == "J = −1/m Σ_i Σ_k y_ik log(p_ik)"
    assert graph.formula("X") == "X"
    assert graph.gradient_formulas("J") == {"Z2": "dZ2 = (p − y) / m"}
    assert graph.gradient_formulas("Z2") == {"A1": "dA1 = dZ2 W2ᵀ", "W2": "dW2 = A1ᵀ dZ2", "b2": "db2 = Σ_i dZ2"}
    assert graph.gradient_formulas("Z2", of="W2") == {"W2": "dW2 = A1ᵀ dZ2"}
    assert graph.gradient_formulas("X") == {}
    assert graph.local_derivatives("Z2") == {"A1": "W2", "W2": "A1", "b2": "1"}
    assert graph.gradient_formulas("Z1", "html")["W1"] == (
        "d<i>W</i><sub>1</sub> = <i>X</i><sup>T</sup> d<i>Z</i><sub>1</sub>"
    )
    assert graph.formula("Z1", "latex") == "Z_{1} = X W_{1} + b_{1}"


def test_a_sum_names_its_terms():
    graph = build.mlp(2, [3] * 8, 3, l2=0.1)
    assert graph.formula("objective") == "objective = J + R1 + R2 + … + R9"
    assert graph.gradient_formulas("objective")["R7"] == "dR7 = dobjective"


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20).filter(str.isprintable))
def test_any_printable_name_renders(name):
    graph = Graph([Node(name, "data", given_shape=("m", 2)), Node(name + "'", "tanh", (name,))])
    for formula in (
        graph.formula(name + "'", "mathml"),
        graph.formula(name, "mathml"),
        graph.gradient_formulas(name + "'", "mathml")[name],
    ):
        ElementTree.fromstring(formula)
    ElementTree.fromstring(f"<line>{graph.formula(name + chr(39), 'html')}</line>")
    latex = graph.formula(name + "'", "latex")
    unescaped = latex.replace(r"\{", "").replace(r"\}", "")
    assert unescaped.count("{") == unescaped.count("}")
    # spaces next to brackets are set as in print; nothing else of a name is touched
    assert "".join(name.split()) in "".join(graph.formula(name + "'").split())


@settings(deadline=None)
@given(random_graphs())
def test_graphs_survive_json_pickle_and_copying(graph):
    text = json.dumps(graph.to_dict(), allow_nan=False)
    again = Graph.from_dict(json.loads(text))
    assert again == graph and hash(again) == hash(graph)
    assert json.dumps(again.to_dict()) == text
    _ = graph.consumers, graph.parameters, graph.gradient_nodes  # what is computed once must not get in the way
    for other in (pickle.loads(pickle.dumps(graph)), copy.copy(graph), copy.deepcopy(graph)):
        assert other == graph
        assert other.table() == graph.table()


def test_graphs_differ_by_attribute_loss_and_output():
    graph = build.softmax_classifier(2, 3)
    assert graph != build.softmax_classifier(2, 3, label_smoothing=0.1)
    assert graph != Graph(graph.nodes, loss="J")
    assert graph != "graph"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _places(value, path=()):
    """Yield the path to everything inside a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


@st.composite
def mangled(draw):
    """Draw a graph's JSON with some of its parts replaced, removed or swapped."""
    graph = draw(
        st.sampled_from(
            [
                build.softmax_classifier(2, 3, class_weight=[1, 2, 3], label_smoothing=0.1),
                build.softmax_classifier(2, 2, one_logit=True, l2=0.1),
                build.mlp(2, [3, 3], 3, dropout=0.5, skip_connections=True, activation="leaky_relu"),
            ]
        )
    )
    data = json.loads(json.dumps(graph.to_dict()))
    for _ in range(draw(st.integers(1, 3))):
        places = [path for path in _places(data) if path]
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = data
        for key in way:
            holder = holder[key]
        kind = draw(st.sampled_from(["replace", "remove", "known"]))
        if kind == "remove":
            del holder[last]
        elif kind == "known":
            known = ["X", "W", "J", "add", "relu", "parameter", "labels", "m", "weights", 10**30, 0, -1, [], {}, ["m"]]
            holder[last] = draw(st.sampled_from(known))
        else:
            holder[last] = draw(json_values)
    return data


@settings(deadline=None, max_examples=300)
@given(mangled() | json_values)
def test_hostile_data_raises_graph_errors_only(data):
    try:
        graph = Graph.from_dict(data)
    except GraphError as error:
        assert len(str(error)) < 20_000
        return
    assert Graph.from_dict(graph.to_dict()) == graph
    graph.table()
    ElementTree.fromstring(graph.to_svg())


def test_deeply_nested_data_is_refused():
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    entry = {"name": "X", "operation": "relu", "inputs": [], "attributes": {"a": nested}}
    with pytest.raises(GraphError, match="not a node's data"):
        Graph.from_dict({"nodes": [entry], "loss": None, "output": None})
    with pytest.raises(GraphError, match="not a node's data"):
        Graph.from_dict({"nodes": [nested], "loss": None, "output": None})
    while nested:  # taken apart by hand: letting Python free it would recurse
        nested = nested[0]

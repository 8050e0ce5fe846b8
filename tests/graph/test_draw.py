"""The SVG: well formed, complete, safe to embed, legible."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from graph_strategies import random_graphs
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.graph import OPERATIONS, Graph, Node, build
from chainrule.graph.draw import draw_graph
from chainrule.graph.picture.theme import style_sheet
from chainrule.graph.picture.typeset import line_width, parse, shorten, text_width, to_tspans, wrap

SVG = "{http://www.w3.org/2000/svg}"


def _words(element):
    """Return the text of an element, spaces plain and titles left out."""
    texts = ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]
    return [re.sub(r"\s", " ", text) for text in texts]


def _nodes(root, lane):
    return {
        group.get("data-node"): group
        for group in root.iter(f"{SVG}g")
        if group.get("data-node") is not None and lane in group.get("class").split()
    }


def test_the_lectures_graph_says_it_all():
    root = ElementTree.fromstring(draw_graph(build.softmax_classifier(2, 3)))
    forward, backward = _nodes(root, "forward"), _nodes(root, "backward")
    assert set(forward) == {"X", "W", "b", "Z", "p", "y", "s", "J"}
    assert set(backward) == {"W", "b", "Z", "J"}
    assert _words(forward["X"]) == ["X", "(m, 2)", "data"]
    assert _words(forward["W"]) == ["W", "(2, 3)", "parameter"]
    assert _words(forward["Z"]) == ["Z", "(m, 3)", "dense", "Z = X W + b"]
    assert _words(forward["s"]) == ["s", "(m,)", "weights, optional"]
    assert _words(forward["J"])[:3] == ["J", "scalar", "softmax cross entropy"]
    assert _words(backward["J"]) == ["dJ", "scalar", "dJ = 1"]
    assert _words(backward["Z"]) == ["dZ", "(m, 3)", "dZ = (p − y) / m"]
    assert _words(backward["W"]) == ["dW", "(2, 3)", "dW = XT dZ"]
    assert _words(backward["b"]) == ["db", "(3,)", "db = Σi dZ"]
    kinds = {name: group.get("class") for name, group in {**backward, **forward}.items()}
    assert kinds["X"] == "node forward given" and kinds["W"] == "node forward parameter"
    assert kinds["Z"] == "node forward value"
    legend = " ".join(_words(root))
    for words in ("dQ is short for ∂J/∂Q", "m: rows of the batch", "parameter, learned", "sample weights"):
        assert words in legend
    assert "⊙" not in legend and "I(" not in legend  # symbols that this picture does not use need no explanation


def test_kinds_differ_in_outline_not_only_in_colour():
    root = ElementTree.fromstring(draw_graph(build.softmax_classifier(2, 3)))
    nodes = _nodes(root, "forward")
    outlines = set()
    for name in ("X", "W", "Z", "J"):
        parts = [part for part in nodes[name].iter() if part.get("class") in ("outline", "inner")]
        outlines.add(tuple((part.tag, part.get("class"), part.get("rx")) for part in parts))
    assert len(outlines) == 4
    assert ".backward .outline{stroke-dasharray:" in style_sheet().replace(".chainrule-graph ", "")


def test_what_is_used_twice_adds_up():
    graph = build.mlp(4, [4, 4], 3, skip_connections=True, l2=0.01, dropout=0.5)
    backward = _nodes(ElementTree.fromstring(draw_graph(graph)), "backward")
    assert _words(backward["S1"])[2:] == ["dS1 = dZ2 W2T", "+ dS2", "fan-out: 2 shares add up"]
    assert _words(backward["W1"])[2:] == ["dW1 = XT dZ1", "+ dR1 λ W1", "fan-out: 2 shares add up"]
    forward = _nodes(ElementTree.fromstring(draw_graph(graph)), "forward")
    assert _words(forward["D1"])[2] == "dropout, r = 0.5"
    assert _words(forward["R1"])[2] == "l2, λ = 0.01"
    assert _words(forward["U1"])[2] == "noise, optional"


def test_many_shares_are_counted():
    nodes = [
        Node("X", "data", given_shape=("m", 2)),
        Node("g", "parameter", given_shape=(2,)),
        Node("A", "scale", ("X", "g")),
    ]
    nodes += [Node(f"B{i}", "tanh", ("A",)) for i in range(7)]
    nodes += [Node("S", "add", tuple(f"B{i}" for i in range(7))), Node("y", "labels", given_shape=("m",))]
    graph = Graph([*nodes, Node("J", "softmax_cross_entropy", ("S", "y"))], loss="J")
    words = _words(_nodes(ElementTree.fromstring(draw_graph(graph)), "backward")["A"])
    assert "+ … (3 more)" in words and "fan-out: 7 shares add up" in words


def test_without_a_loss_there_is_no_backward_lane():
    graph = build.softmax_classifier(2, 3)
    svg = draw_graph(Graph(graph.nodes, output="p"))
    root = ElementTree.fromstring(svg)
    assert not _nodes(root, "backward")
    assert "BACKWARD" not in svg and "dQ is short" not in svg
    assert len(_nodes(root, "forward")) == 8


def test_a_deep_graph_says_how_much_is_not_drawn():
    svg = draw_graph(build.mlp(2, [3] * 60, 3))
    words = _words(ElementTree.fromstring(svg))
    assert words.count("… 51 layers …") == 2  # in each lane
    assert words.count("204 nodes not drawn") == 2
    assert "51 layers (204 nodes) in the middle are not drawn" in svg
    assert len(svg) < 150_000


HOSTILE = [
    "<script>alert(1)</script>",
    "a&b",
    '"quoted"',
    "]]>",
    "x' onload='",
    "&lt;i&gt;",
    "<i>",
    "行列",
    "W" * 200,
    "1",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_and_nothing_else(name):
    graph = Graph(
        [
            Node(name, "data", given_shape=("m", 2)),
            Node("W", "parameter", given_shape=(2, 2)),
            Node(name + "-"[: 200 - len(name)] if len(name) < 200 else "V" * 200, "dense", (name, "W")),
        ]
    )
    root = ElementTree.fromstring(draw_graph(graph))
    assert name in _nodes(root, "forward")
    allowed = {"svg", "title", "desc", "style", "g", "rect", "path", "text", "tspan"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    attributes = {attribute for element in root.iter() for attribute in element.attrib}
    assert not {attribute for attribute in attributes if attribute.startswith("on") or "href" in attribute}


def test_any_number_of_pictures_share_a_page():
    """No ids, so none can be there twice; every rule within the one class; nothing fetched from elsewhere."""
    svg = draw_graph(build.mlp(2, [3], 3))
    root = ElementTree.fromstring(svg)
    assert not [element for element in root.iter() if "id" in element.attrib]
    assert root.get("class") == "chainrule-graph"
    style = root.find(f"{SVG}style").text
    outside = re.sub(r"@media[^{]+\{((?:[^{}]*\{[^{}]*\})*)\}", r"\1", style)
    for selector in re.findall(r"([^{}]+)\{[^{}]*\}", outside):
        assert all(part.startswith(".chainrule-graph") for part in selector.split(","))
    assert "url(" not in svg and "@import" not in svg and "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_the_picture_follows_the_reader():
    style = style_sheet()
    assert "@media (prefers-color-scheme:dark)" in style and "@media print" in style
    light, dark = (dict(re.findall(r"--([\w-]+):(#\w{6})", part)) for part in style.split("@media")[:2])
    assert set(light) == set(dark)
    for palette in (light, dark):
        for text in ("ink", "muted"):
            for ground in ("paper", "given", "value", "parameter", "gradient"):
                # WCAG 2.2 AA asks 4.5 : 1 of text, 3 : 1 of lines
                assert _contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
        for edge in ("given-edge", "value-edge", "parameter-edge", "gradient-edge"):
            assert _contrast(palette[edge], palette["paper"]) >= 3, edge


def _contrast(one, other):
    levels = sorted((_luminance(one), _luminance(other)))
    return (levels[1] + 0.05) / (levels[0] + 0.05)


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_screen_readers_get_the_whole_story():
    root = ElementTree.fromstring(draw_graph(build.softmax_classifier(2, 3)))
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title" and root[0].text == "Computational graph: 8 nodes, 9 parameters"
    assert root[1].tag == f"{SVG}desc"
    for words in ("Z = X W + b: dense, shape (m, 3)", "dW = Xᵀ dZ: shape (2, 3)", "dJ = 1", "X: data, shape (m, 2)"):
        assert words in root[1].text
    assert _nodes(root, "backward")["W"].find(f"{SVG}title").text == "dW = Xᵀ dZ: shape (2, 3)"


def test_legible_at_900_pixels():
    """Text of 11.5 units or more, on a picture at most 1,150 wide, is 9 pixels high at least."""
    for graph in (
        build.softmax_classifier(2, 3),
        build.mlp(2, [100], 3),
        build.mlp(8, [64] * 5, 3, l2=0.1, dropout=0.2),
    ):
        root = ElementTree.fromstring(draw_graph(graph))
        assert float(root.get("width")) <= 1150
        assert float(root.get("viewBox").split()[2]) == float(root.get("width"))


@settings(max_examples=50, deadline=None)
@given(random_graphs())
def test_every_graph_draws_completely_inside_its_frame(graph):
    svg = draw_graph(graph)
    assert svg == draw_graph(graph)
    root = ElementTree.fromstring(svg)
    assert set(_nodes(root, "forward")) == {node.name for node in graph.nodes}
    assert set(_nodes(root, "backward")) == graph.gradient_nodes
    assert "nan" not in svg and "inf" not in svg.replace("info", "")
    width, height = float(root.get("width")), float(root.get("height"))
    for element in root.iter():
        if element.tag in (f"{SVG}rect", f"{SVG}text") and element.get("x"):
            assert -20 <= float(element.get("x")) <= width and -20 <= float(element.get("y")) <= height


@pytest.mark.parametrize("record", OPERATIONS.values(), ids=list(OPERATIONS))
def test_formulas_of_every_operation_fit_their_lines(record):
    formula = parse(record.formula.render("html", {}))
    for line in wrap(formula, 15, 165):
        assert line_width(line, 15) < 300
    words = "".join(run.text for run in formula).split()
    assert "".join(words) == "".join(run.text for line in wrap(formula, 15, 165) for run in line).replace(" ", "")


def test_lines_break_before_operators_outside_brackets():
    line = parse("d<i>A</i><sub>1</sub> = d<i>D</i><sub>1</sub> ⊙ I(<i>U</i><sub>1</sub> ≥ <i>r</i>) / (1 − <i>r</i>)")
    broken = ["".join(run.text for run in part) for part in wrap(line, 15, 150)]
    assert broken == ["dA1 = dD1", "⊙ I(U1 ≥ r) / (1 − r)"]
    assert wrap(line, 15, 1000) == [line]


@settings(deadline=None)
@given(st.text(max_size=30), st.floats(0, 200))
def test_shortened_text_fits(text, most):
    line = shorten(parse("<i>x</i>") + parse(text.replace("<", "&lt;")), 15, most)
    assert line_width(line, 15) <= max(most, text_width("…", 15, "serif")) + 1e-9


def test_scripts_return_to_the_baseline():
    svg = to_tspans(parse("<i>p</i><sub><i>k</i></sub> = <i>e</i><sup><i>Z</i><sub>2</sub></sup> + 1"), 15)
    root = ElementTree.fromstring(f"<text>{svg}</text>")
    assert "".join(root.itertext()) == "pk = eZ2 + 1".replace(" ", "\u00a0")
    # rounded to a tenth at each of four steps
    assert abs(sum(float(part.get("dy", 0)) for part in root)) < 0.2

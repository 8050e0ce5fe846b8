"""The geometry of pictures: nothing on top of anything else, and everything where a reader looks for it."""

from __future__ import annotations

from collections import defaultdict

import pytest
from graph_strategies import random_graphs
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.graph import Graph, Node, build
from chainrule.graph.layout import layout_graph
from chainrule.graph.picture.layering import ELIDED, arrange
from chainrule.graph.picture.routing import pack

sizes = st.tuples(st.integers(20, 260), st.integers(30, 140))


def _overlap(a, b):
    """Whether two rectangles (x, y, width, height) share an area."""
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def _rectangle(thing):
    return thing.x, thing.y, thing.width, thing.height


def _segments(route):
    return list(zip(route.points, route.points[1:], strict=False))


def _check(layout):
    things = [_rectangle(thing) for thing in (*layout.boxes, *layout.tags)]
    for i, one in enumerate(things):
        assert one[0] >= -1e-9 and one[1] >= -1e-9
        assert one[0] + one[2] <= layout.width + 1e-9 and one[1] + one[3] <= layout.height + 1e-9
        assert not any(_overlap(one, other) for other in things[:i])
    # a line may touch the edge of the boxes it joins, and must keep out of all of them
    inner = [(box.x + 0.01, box.y + 0.01, box.width - 0.02, box.height - 0.02) for box in layout.boxes]
    for route in layout.routes:
        for (x0, y0), (x1, y1) in _segments(route):
            assert x0 == x1 or y0 == y1, "lines run along the axes"
            line = (min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))
            assert not any(_overlap(line, box) for box in inner), (route, line)
    _check_lines_keep_apart(layout)


def _check_lines_keep_apart(layout):
    """Lines of different bundles cross, but never run on top of each other."""
    runs = defaultdict(list)
    for route in layout.routes:
        for (x0, y0), (x1, y1) in _segments(route):
            if (x0, y0) != (x1, y1):
                along = ("across", round(y0, 6)) if y0 == y1 else ("down", round(x0, 6))
                low, high = sorted((x0, x1) if y0 == y1 else (y0, y1))
                runs[along].append((low, high, route))
    for lines in runs.values():
        for i, (low, high, one) in enumerate(lines):
            for other_low, other_high, other in lines[:i]:
                if min(high, other_high) - max(low, other_low) > 1e-6:
                    same_end = one.source == other.source or one.target == other.target
                    assert one.bundle == other.bundle or (same_end and one.lane == other.lane), (one, other)


@settings(max_examples=150, deadline=None)
@given(random_graphs(), st.data())
def test_nothing_overlaps_whatever_the_graph_and_the_sizes(graph, data):
    chosen = (
        {name: data.draw(sizes) for name in [node.name for node in graph.nodes]} if data.draw(st.booleans()) else {}
    )
    width = data.draw(st.sampled_from([300, 700, 1040]))
    layout = layout_graph(graph, lambda name, lane: chosen.get(name, (110, 60)), page_width=width)
    _check(layout)
    forward = [box.name for box in layout.boxes if box.lane == "forward"]
    assert sorted(forward) == sorted(node.name for node in graph.nodes)
    assert {box.name for box in layout.boxes if box.lane == "backward"} == graph.gradient_nodes


@settings(deadline=None)
@given(random_graphs())
def test_every_flow_has_its_line_and_every_gradient_goes_back(graph):
    layout = layout_graph(graph, page_width=1e9)  # one system: no line is cut
    flows = {(name, node.name) for node in graph.nodes for name in node.inputs}
    drawn = [(route.source, route.target) for route in layout.routes if route.lane == "forward"]
    assert sorted(drawn) == sorted(flows)
    back = {(route.source, route.target) for route in layout.routes if route.lane == "backward"}
    carrying = graph.gradient_nodes
    assert back == {(target, source) for source, target in flows if source in carrying and target in carrying}
    assert not layout.tags


@settings(deadline=None)
@given(random_graphs())
def test_values_flow_to_the_right(graph):
    grid = arrange(graph)
    keeper = {name: host for host, names in grid.satellites.items() for name in names}
    keeper |= {pendant: keeper[name] for name, pendant in grid.pendants.items()}
    for node in graph.nodes:
        for name in node.inputs:
            here, there = keeper.get(name, name), keeper.get(node.name, node.name)
            assert here == there or grid.column[here] < grid.column[there]
    assert sorted([*grid.column, *keeper]) == sorted(node.name for node in graph.nodes)
    assert len(set(zip(grid.column.values(), (grid.row[name] for name in grid.column), strict=True))) == len(
        grid.column
    )


@settings(max_examples=30, deadline=None)
@given(random_graphs())
def test_layout_is_deterministic(graph):
    assert layout_graph(graph) == layout_graph(Graph(graph.nodes, loss=graph.loss, output=graph.output))


def test_parameters_stand_with_their_layer_and_the_chain_is_straight():
    graph = build.mlp(2, [100], 3)
    layout = layout_graph(graph, page_width=1200)
    at = {(box.lane, box.name): box for box in layout.boxes}
    assert len(layout.systems) == 1
    chain = [at["forward", name] for name in ("X", "Z1", "A1", "Z2", "J")]
    assert len({box.y for box in chain}) == 1
    assert [box.x for box in chain] == sorted(box.x for box in chain)
    for weight, layer in (("W1", "Z1"), ("b1", "Z1"), ("W2", "Z2"), ("y", "J")):
        above, below = at["forward", layer], at["forward", weight]
        assert below.y > above.y + above.height
        assert above.x <= below.x and below.x + below.width <= above.x + above.width
    # mirrored: gradients of weights above those of layers, in the same place from left to right
    axis = layout.systems[0].axis
    for name in graph.gradient_nodes:
        value, gradient = at["forward", name], at["backward", name]
        assert (value.x, value.width) == (gradient.x, gradient.width)
        assert value.y + value.height <= axis <= gradient.y
    assert at["backward", "W1"].y < at["backward", "Z1"].y


def test_the_backward_lane_starts_at_the_loss():
    layout = layout_graph(build.softmax_classifier(2, 3))
    (turn,) = [route for route in layout.routes if route.lane == "turn"]
    assert (turn.source, turn.target) == ("J", "J")


def test_a_penalty_stands_under_its_weight():
    graph = build.mlp(2, [4], 3, l2=0.1)
    at = {box.name: box for box in layout_graph(graph).boxes if box.lane == "forward"}
    for number in "12":
        assert at[f"R{number}"].x == at[f"W{number}"].x
        assert at[f"R{number}"].y > at[f"W{number}"].y


def test_long_graphs_are_set_in_systems_that_begin_with_layers():
    graph = build.mlp(8, [64] * 5, 3, dropout=0.2, skip_connections=True)
    layout = layout_graph(graph, lambda name, lane: (150, 60), page_width=900)
    assert len(layout.systems) > 2
    for above, below in zip(layout.systems, layout.systems[1:], strict=False):
        assert above.axis is not None and above.top < above.axis < above.bottom < below.top
    # what leaves one system enters another under the same name
    leaving = {name for tag in layout.tags for name in tag.names if (tag.lane, tag.side) == ("forward", "right")}
    entering = {name for tag in layout.tags for name in tag.names if (tag.lane, tag.side) == ("forward", "left")}
    assert leaving == entering and "S3" in leaving
    back = {name for tag in layout.tags for name in tag.names if tag.lane == "backward"}
    assert back and back <= graph.gradient_nodes


@pytest.mark.parametrize("count", [41, 60])
def test_the_middle_of_a_deep_graph_is_left_out(count):
    graph = build.mlp(2, [3] * (count - 1), 3)
    layout = layout_graph(graph)
    assert layout.elision.layers == count - 10
    shown = [box.name for box in layout.boxes if box.lane == "forward" and box.name != ELIDED]
    assert layout.elision.nodes == len(graph) - len(shown)
    kept = [*range(1, 6), *range(count - 4, count + 1)]
    assert [name for name in shown if name.startswith("Z")] == [f"Z{i}" for i in kept]
    _check(layout)


def test_forty_layers_are_shown_in_full():
    layout = layout_graph(build.mlp(2, [3] * 39, 3))
    assert layout.elision is None
    assert sum(box.name.startswith("Z") for box in layout.boxes) == 80


def test_a_long_chain_without_layers_is_cut_too():
    nodes = [Node("A0", "data", given_shape=("m", 2))]
    nodes += [Node(f"A{i}", "tanh", (f"A{i - 1}",)) for i in range(1, 500)]
    layout = layout_graph(Graph(nodes))
    assert layout.elision.layers == 0
    assert layout.elision.nodes == 500 - (len(layout.boxes) - 1)
    _check(layout)


@pytest.mark.parametrize(
    "graph",
    [
        Graph([]),
        Graph([Node("X", "data", given_shape=("m", 2))]),
        Graph([Node("W", "parameter", given_shape=(2, 2))]),
        Graph([Node("W", "parameter", given_shape=(2, 2)), Node("R", "l2", ("W",))], loss="R"),
        Graph(
            [
                Node("W", "parameter", given_shape=(2, 2)),
                Node("V", "tanh", ("W",)),
                Node("R", "l2", ("W",)),
                Node("Q", "l2", ("V",)),
                Node("T", "add", ("R", "Q", "R")),
            ],
            loss="T",
        ),
    ],
    ids=["empty", "data", "parameter", "penalty", "without data"],
)
def test_odd_graphs_have_a_layout(graph):
    layout = layout_graph(graph)
    _check(layout)
    assert {box.name for box in layout.boxes if box.lane == "forward"} == {node.name for node in graph.nodes}


def test_a_wide_graph_has_a_layout():
    nodes = [Node("X", "data", given_shape=("m", 2))]
    nodes += [Node(f"A{i}", "tanh", ("X",)) for i in range(150)]
    layout = layout_graph(Graph([*nodes, Node("S", "add", tuple(f"A{i}" for i in range(150)))]))
    _check(layout)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=30))
def test_packing_keeps_intervals_on_a_track_apart(pairs):
    intervals = [(float(start), float(start + length), i) for i, (start, length) in enumerate(pairs)]
    track = pack(intervals)
    for low, high, i in intervals:
        for other_low, other_high, j in intervals[:i]:
            assert track[i] != track[j] or high < other_low or other_high < low

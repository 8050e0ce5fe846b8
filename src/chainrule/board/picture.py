"""Where the graph's nodes stand on the board: the geometry of `chainrule.graph.layout`, as plain data."""

from __future__ import annotations

from typing import Any

from chainrule.graph import Graph
from chainrule.graph.layout import ELIDED, layout_graph
from chainrule.graph.picture.geometry import Lane, Size

CARD: Size = 118.0, 92.0
SCALAR: Size = 118.0, 66.0
PAGE_WIDTH = 1340.0
MARGIN = 92.0  # of systems: the names of what goes on elsewhere
MOST_NAMES = 4  # of one line's
HEADINGS = {"forward": "FORWARD: VALUES", "backward": "BACKWARD: GRADIENTS"}


def describe_layout(graph: Graph) -> dict[str, Any]:
    """Return boxes, lines and headings, in pixels."""

    def size(name: str, lane: Lane) -> Size:
        return SCALAR if name != ELIDED and graph.shape(name) == () else CARD

    layout = layout_graph(graph, size, page_width=PAGE_WIDTH, margin=MARGIN)
    lanes = ("forward", "backward") if layout.gradients else ("forward",)
    return {
        "width": layout.width,
        "height": layout.height,
        "boxes": [
            {
                "name": box.name, "lane": box.lane, "x": box.x, "y": box.y, "width": box.width, "height": box.height,
                **_about(graph, box.name, layout.elision.nodes if layout.elision else 0),
            }
            for box in layout.boxes
        ],
        "routes": [
            {
                "lane": route.lane, "source": route.source, "target": route.target,
                "points": [list(point) for point in route.points],
            }
            for route in layout.routes
        ],
        "tags": [
            {
                "lane": tag.lane, "x": tag.x, "y": tag.y, "width": tag.width, "height": tag.height,
                "text": _names(["d" * (tag.lane == "backward") + name for name in tag.names]),
            }
            for tag in layout.tags
        ],
        "headings": [
            {
                "lane": lane, "text": HEADINGS[lane], "x": 0.0,
                "y": system.top + 12.0 if lane == "forward" else system.bottom - 4.0,
            }
            for system in layout.systems
            for lane in lanes
        ],
    }  # fmt: skip


def _names(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= MOST_NAMES else f"{names[0]} … {names[-1]}"


def _about(graph: Graph, name: str, left_out: int) -> dict[str, Any]:
    if name == ELIDED:
        return {"elided": f"… {left_out} nodes", "kind": "value", "operation": "", "shape": []}
    node = graph[name]
    kind = "parameter" if node.operation == "parameter" else "given" if node.is_source else "value"
    return {"kind": kind, "operation": node.operation.replace("_", " "), "shape": list(graph.shape(name))}

"""A graph as a picture: SVG in pure Python, forward lane on top, backward lane mirrored below it.

The picture stands alone or inline in a page. It has no ids and its style is scoped by one class, so any number of
pictures share a page. What a box is shows in its outline as well as in its colour, so it survives print and colour
blindness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import inf

from chainrule.graph.graph import Graph
from chainrule.graph.layout import SYSTEM_GAP, layout_graph
from chainrule.graph.picture.cards import (
    FORMULA_HEIGHT,
    FORMULA_SIZE,
    NAME_HEIGHT,
    NAME_SIZE,
    NOTE_HEIGHT,
    NOTE_SIZE,
    PAD,
    Cards,
    short_name,
)
from chainrule.graph.picture.geometry import Box, Layout, Point, Route, Tag
from chainrule.graph.picture.layering import ELIDED
from chainrule.graph.picture.theme import CSS_CLASS, style_sheet
from chainrule.graph.picture.typeset import Line, Run, line_width, parse, shorten, text_width, to_tspans

PAGE_PAD = 18.0
CORNER = 7.0
LEGEND_ROW = 24.0
TAG_SIZE = 13.0
TAG_PAD = 12.0
LEAST_MARGIN = 70.0
MOST_MARGIN = 90.0

_NOTES = {
    "⊙": "⊙ multiplies entry by entry",
    "I(": "I(·) is 1 where true, else 0",
    "Σ": "Σ sums over rows <i>i</i>, classes <i>j</i>, <i>k</i>",
    "Φ": "Φ, φ: normal distribution and density",
    "σ(": "σ(<i>x</i>) = 1 / (1 + exp(−<i>x</i>))",
}
_WEIGHTED = "with sample weights, <i>s<sub>i</sub></i> / Σ <i>s</i> stands for 1/<i>m</i>"


def draw_graph(graph: Graph) -> str:
    """Return a picture of the graph as SVG text.

    Values run from left to right in the upper lane: each node with its name, operation, shape and formula. Below,
    mirrored, gradients run back from right to left: each with its shape and its formula in the lecture's shorthand
    (dQ for dJ/dQ). Where a value is used several times the shares of its gradient add up. Parameters meet their
    gradients in the middle. A graph wider than the page is set in several such systems, and the middle of a very deep
    one is left out, with a word.

    Parameters
    ----------
    graph
        Any graph. Without a loss there is no backward lane.

    Returns
    -------
    str
        An ``<svg>`` element, complete with its style: light and dark, legible at 900 pixels and in print.
    """
    cards = Cards(graph)
    label = line_width(short_name(graph.loss or "", True, inf), TAG_SIZE) + TAG_PAD
    layout = layout_graph(graph, cards.size, margin=min(max(LEAST_MARGIN, label), MOST_MARGIN))
    body = [_system(layout, i) for i in range(len(layout.systems))]
    body += _routes(layout.routes)
    body += [_tag(tag) for tag in layout.tags]
    body += [_box(box, cards, layout, graph) for box in layout.boxes]
    width = max(layout.width, 480.0)
    legend, legend_height = _legend(graph, layout, cards, width)
    full_width, full_height = width + 2 * PAGE_PAD, layout.height + legend_height + 2 * PAGE_PAD
    title = f"Computational graph: {len(graph):,} nodes, {graph.parameters.size:,} parameters"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{CSS_CLASS}" role="img" '
            f'viewBox="0 0 {_n(full_width)} {_n(full_height)}" width="{_n(full_width)}" height="{_n(full_height)}">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(_description(layout, cards))}</desc>",
            f"<style>{style_sheet()}</style>",
            f'<rect class="paper" width="{_n(full_width)}" height="{_n(full_height)}" rx="6"/>',
            f'<g transform="translate({_n(PAGE_PAD)} {_n(PAGE_PAD)})">',
            *body,
            f'<g transform="translate(0 {_n(layout.height + LEGEND_ROW)})">{legend}</g>',
            "</g>",
            "</svg>",
        ]
    )


def _box(box: Box, cards: Cards, layout: Layout, graph: Graph) -> str:
    """Return a box with its outline by kind and what its card says."""
    if box.name == ELIDED:
        return _elision(box, layout)
    card = cards.card(box.name, box.lane)
    kind = _kind(box.name, graph)
    left, right = box.x + PAD, box.x + box.width - PAD
    y = box.y + PAD + NAME_SIZE * 0.72
    texts = [_text(card.name, left, y, NAME_SIZE, "name"), _plain(card.shape, right, y, "shape", "end")]
    y += NAME_HEIGHT - 2
    if card.note:
        texts.append(_plain(card.note, left, y, "note"))
        y += NOTE_HEIGHT
    y += 3
    for line in card.formulas:
        texts.append(_text(line, left, y, FORMULA_SIZE, "formula"))
        y += FORMULA_HEIGHT
    if card.remark:
        texts.append(_plain(card.remark, left, y - 3, "note"))
    title = f"<title>{escape(card.spoken)}</title>"
    outline = _outline(kind, box, box.name == graph.loss)
    return f'<g class="node {box.lane} {kind}" data-node="{escape(box.name)}">{title}{outline}{"".join(texts)}</g>'


def _kind(name: str, graph: Graph) -> str:
    operation = graph[name].operation
    if operation == "parameter":
        return "parameter"
    return "given" if graph[name].is_source else "value"


def _outline(kind: str, box: Box, is_loss: bool) -> str:
    """Return the outline of a kind: given things have a folded corner, parameters round ends, the loss two lines."""
    x, y, width, height = box.x, box.y, box.width, box.height
    if kind == "given":
        fold = 11.0
        right, bottom = x + width, y + height
        outline = _path([(x, y), (right - fold, y), (right, y + fold), (right, bottom), (x, bottom)], closed=True)
        ear = _path([(right - fold, y), (right - fold, y + fold), (right, y + fold)])
        return f'<path class="outline" d="{outline}"/><path class="outline" d="{ear}"/>'
    radius = 17.0 if kind == "parameter" else 4.0
    shape = _rect("outline", x, y, width, height, radius)
    if is_loss:
        shape += _rect("inner", x + 3, y + 3, width - 6, height - 6, 2.0)
    return shape


def _elision(box: Box, layout: Layout) -> str:
    if layout.elision is None:
        return ""
    layers, nodes = layout.elision.layers, layout.elision.nodes
    first = f"… {layers:,} layers …" if layers else f"… {nodes:,} nodes …"
    second = f"{nodes:,} nodes not drawn" if layers else "not drawn"
    x, y = box.x + box.width / 2, box.y + box.height / 2
    edges = [
        _path(
            [
                (side, box.y),
                (side - 5, y - box.height / 6),
                (side + 5, y + box.height / 6),
                (side, box.y + box.height),
            ]
        )
        for side in (box.x + 5, box.x + box.width - 5)
    ]
    torn = "".join(f'<path class="torn" d="{edge}"/>' for edge in edges)
    words = _plain(first, x, y - 2, "elided", "middle") + _plain(second, x, y + 15, "note", "middle")
    return f'<g class="node {box.lane} elision">{torn}{words}</g>'


def _routes(routes: Sequence[Route]) -> list[str]:
    """Return lines with arrow heads; each bundle on a halo, so that it passes over those drawn before it."""
    bundles: dict[tuple[str, tuple[str, str]], list[Route]] = {}
    for route in routes:
        bundles.setdefault((route.lane, route.bundle), []).append(route)
    drawn = []
    for (lane, _), bundle in bundles.items():
        lines = [_rounded(_pulled_back(route.points)) for route in bundle]
        halos = "".join(f'<path class="halo" d="{line}"/>' for line in lines)
        strokes = "".join(f'<path class="line" d="{line}"/>' for line in lines)
        heads = "".join(f'<path class="head" d="{_arrow_head(route.points)}"/>' for route in bundle)
        css = "forward" if lane == "forward" else "backward"
        drawn.append(f'<g class="flow {css}">{halos}{strokes}{heads}</g>')
    return drawn


def _pulled_back(points: Sequence[Point], by: float = 5.0) -> list[Point]:
    """Return the points with the last one moved back, so that the line ends inside its arrow head."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    length = abs(x1 - x0) + abs(y1 - y0)
    share = max(0.0, length - by) / length if length else 0.0
    return [*points[:-1], (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)]


def _arrow_head(points: Sequence[Point], length: float = 8.5, half: float = 3.6) -> str:
    (x0, y0), (x, y) = points[-2], points[-1]
    step_x, step_y = (x > x0) - (x < x0), (y > y0) - (y < y0)
    if step_x:
        step_y = 0
    back_x, back_y = x - length * step_x, y - length * step_y
    wing_x, wing_y = half * step_y, half * step_x
    return _path([(x, y), (back_x + wing_x, back_y + wing_y), (back_x - wing_x, back_y - wing_y)], closed=True)


def _rounded(points: Sequence[Point]) -> str:
    """Return the path through the points with round corners."""
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, stop = _towards(corner, before), _towards(corner, after)
        parts.append(f"L{_n(start[0])} {_n(start[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(stop[0])} {_n(stop[1])}")
    parts.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(parts)


def _towards(corner: Point, other: Point) -> Point:
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(CORNER, length / 2) / length if length else 0.0
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


def _tag(tag: Tag) -> str:
    """Return the end of a line that goes on elsewhere, with the names of what flows."""
    label = _names(tag.names, tag.lane == "backward", tag.width - TAG_PAD)
    width = min(tag.width, line_width(label, TAG_SIZE) + TAG_PAD)
    x = tag.x if tag.side == "right" else tag.x + tag.width - width
    text = _text(label, x + width / 2, tag.y + tag.height / 2 + 4.5, TAG_SIZE, "formula", "middle")
    return f'<g class="tag {tag.lane}">{_rect("outline", x, tag.y, width, tag.height, tag.height / 2)}{text}</g>'


def _names(names: Sequence[str], gradient: bool, room: float) -> Line:
    """Return names with commas; the first and the last, or only the first, where there is no room."""
    lines = [short_name(name, gradient, inf) if name != ELIDED else (Run("…"),) for name in names]
    every = tuple(run for line in lines for run in (*line, Run(", ")))[:-1]
    ends = (*lines[0], Run(" … "), *lines[-1])
    first = (*lines[0], Run(", …"))
    fitting = [line for line in (every, ends, first) if line_width(line, TAG_SIZE) <= room]
    return fitting[0] if fitting else shorten(lines[0], TAG_SIZE, room)


def _system(layout: Layout, number: int) -> str:
    """Return a system's headings and the axis between its lanes."""
    system = layout.systems[number]
    parts = []
    if number:
        y = system.top - SYSTEM_GAP / 2
        parts.append(f'<path class="rule" d="M0 {_n(y)}H{_n(layout.width)}"/>')
    parts.append(_plain("FORWARD: VALUES →", 0, system.top + 11, "heading forward"))
    if system.axis is not None:
        parts.append(f'<path class="axis" d="M0 {_n(system.axis)}H{_n(layout.width)}"/>')
        parts.append(_plain("BACKWARD: GRADIENTS ←", 0, system.bottom - 3, "heading backward"))
    return "".join(parts)


def _legend(graph: Graph, layout: Layout, cards: Cards, width: float) -> tuple[str, float]:
    """Return the key to outlines and symbols, and its height."""
    boxes = [box for box in layout.boxes if box.name != ELIDED]
    shown = [graph[box.name] for box in boxes]
    items: list[tuple[str, str, str]] = []
    if any(node.is_source and node.operation != "parameter" for node in shown):
        items.append(("given", "forward", "given"))
    if any(node.operation == "parameter" for node in shown):
        items.append(("parameter", "forward", "parameter, learned"))
    items.append(("value", "forward", "computed"))
    if graph.loss:
        items.append(("loss", "forward", "loss"))
    if layout.gradients:
        items.append(("value", "backward", f"gradient: dQ is short for ∂{graph.loss}/∂Q, shaped like Q"))
    entries = []
    for kind, lane, words in items:
        mark = _outline("value" if kind == "loss" else kind, Box("", "forward", 0, -10, 26, 17), kind == "loss")
        mark = mark.replace('rx="17"', 'rx="8.5"')
        group = f'<g class="node {lane} {"value" if kind == "loss" else kind}">{mark}</g>'
        entries.append((group + _plain(words, 33, 3, "note"), 33 + text_width(words, NOTE_SIZE, "sans")))
    spoken = " ".join(cards.card(box.name, box.lane).spoken for box in boxes)
    notes = ["<i>m</i>: rows of the batch", *(note for sign, note in _NOTES.items() if sign in spoken)]
    if any(graph[box.name].operation == "weights" for box in boxes):
        notes.append(_WEIGHTED)
    lines = [parse(note) for note in notes]
    entries += [(_text(line, 0, 3, NOTE_SIZE, "note"), line_width(line, NOTE_SIZE, "sans")) for line in lines]
    return _flowed(entries, width)


def _flowed(entries: Iterable[tuple[str, float]], width: float, gap: float = 22.0) -> tuple[str, float]:
    """Set entries of known widths in rows."""
    x = y = 0.0
    placed = []
    for entry, extent in entries:
        if x and x + extent > width:
            x, y = 0.0, y + LEGEND_ROW
        placed.append(f'<g transform="translate({_n(x)} {_n(y)})">{entry}</g>')
        x += extent + gap
    return "".join(placed), y + LEGEND_ROW


def _description(layout: Layout, cards: Cards) -> str:
    """Return in words, for screen readers, what the picture shows."""
    sentences = {
        lane: [cards.card(box.name, box.lane).spoken for box in layout.boxes if box.lane == lane and box.name]
        for lane in ("forward", "backward")
    }
    text = "Forward: " + "; ".join(sentences["forward"]) + "."
    if layout.elision:
        text += f" {layout.elision.layers:,} layers ({layout.elision.nodes:,} nodes) in the middle are not drawn."
    if sentences["backward"]:
        text += " Backward: " + "; ".join(sentences["backward"]) + "."
    return text


def _text(line: Sequence[Run], x: float, y: float, size: float, css: str, anchor: str = "start") -> str:
    at = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"'
    aside = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{css}" {at}{aside}>{to_tspans(line, size)}</text>'


def _plain(text: str, x: float, y: float, css: str, anchor: str = "start") -> str:
    aside = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{css}" x="{_n(x)}" y="{_n(y)}"{aside}>{escape(text)}</text>'


def _rect(css: str, x: float, y: float, width: float, height: float, radius: float) -> str:
    box = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
    return f'<rect class="{css}" {box} rx="{_n(radius)}"/>'


def _path(points: Iterable[Point], closed: bool = False) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points) + ("Z" if closed else "")


def _n(number: float) -> str:
    """Return a coordinate, as short as a tenth of a unit allows."""
    return f"{number:.1f}".removesuffix(".0")

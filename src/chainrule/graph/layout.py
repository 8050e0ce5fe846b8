"""Where everything stands in the picture of a graph: boxes, lines, size; nothing of how it looks.

The grid of `chainrule.graph.picture.layering` becomes coordinates. Lines run only in the gutters between columns and in
the channels between rows, so none ever crosses a box. Where the columns are wider than the page they are set in
several systems below each other, as in a score; a line that goes on in a later system ends in a tag with its name,
and starts there from another. The backward lane is the forward lane mirrored: gradients go back on the lines that
values came on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from chainrule.graph.graph import Graph
from chainrule.graph.picture.frame import (
    BETWEEN_SATELLITES,
    EDGE_GUTTER,
    GUTTER,
    Block,
    Cells,
    Columns,
    Levels,
    make_block,
    make_columns,
    make_levels,
    turns,
)
from chainrule.graph.picture.geometry import Box, Lane, Layout, Point, Route, Side, Size, System, Tag
from chainrule.graph.picture.layering import ELIDED, Layering, Link, arrange
from chainrule.graph.picture.routing import Bundle, Path, Stop, channel_tracks, plan_paths

__all__ = ["ELIDED", "Box", "Layout", "Route", "System", "Tag", "default_size", "layout_graph"]

PAGE_WIDTH = 1040.0
HEADING = 28.0  # above the forward lane and below the backward lane
AXIS_GAP = 40.0  # between the lanes
SYSTEM_GAP = 30.0
MARGIN = 56.0  # left and right of a system where lines go on elsewhere
TAG_HEIGHT = 20.0
TURN = 20.0
BREAK_INSIDE_LAYER = 0.35  # costs as much as leaving 0.6 of a line empty


def default_size(name: str, lane: Lane) -> Size:
    """Return the size of a box that shows little more than a name."""
    return 120.0, 64.0


def layout_graph(
    graph: Graph,
    size: Callable[[str, Lane], Size] = default_size,
    *,
    page_width: float = PAGE_WIDTH,
    margin: float = MARGIN,
) -> Layout:
    """Return the geometry of a graph's picture.

    Parameters
    ----------
    graph
        Any graph; of a very deep one the middle is left out and `Layout.elision` says how much.
    size
        Least width and height of a node's box, by name and lane; asked only for what is shown, and for
        `ELIDED`, the place holder of what is not.
    page_width
        Systems are broken at about this width.
    margin
        Room for tags left and right of systems, if there are several.
    """
    grid = arrange(graph)
    carrying = set(grid.gradients)
    if any(link.gradient and ELIDED in (link.source, link.target) for link in grid.links):
        carrying.add(ELIDED)
    blocks = {name: make_block(name, grid, carrying, size) for name in grid.column}
    ranges = _break_into_systems(graph, grid, blocks, page_width, margin)
    pieces = _pieces(grid, ranges)
    parts: list[_Part] = []
    top = 0.0
    for columns, inside in zip(ranges, pieces, strict=True):
        parts.append(_place_system(grid, blocks, columns, inside, carrying, top, margin if len(ranges) > 1 else 0.0))
        top = parts[-1].system.bottom + SYSTEM_GAP
    routes = [route for part in parts for route in part.routes]
    turn = _turn(parts, graph.loss)
    routes += [turn] if turn else []
    right = [part.right for part in parts] + [x for route in routes for x, _ in route.points]
    return Layout(
        boxes=tuple(box for part in parts for box in part.boxes),
        routes=tuple(routes),
        tags=tuple(tag for part in parts for tag in part.tags),
        systems=tuple(part.system for part in parts),
        width=max(right, default=0.0),
        height=parts[-1].system.bottom if parts else 0.0,
        gradients=grid.gradients,
        elision=grid.elision,
    )


def _break_into_systems(
    graph: Graph, grid: Layering, blocks: Mapping[str, Block], page_width: float, margin: float
) -> list[range]:
    """Return the columns of each system: few, evenly filled, and broken before a layer where that can be.

    The least sum of squared gaps at the ends of systems, as in Knuth and Plass 1981, "Breaking paragraphs into
    lines".
    """
    count = max(grid.column.values(), default=-1) + 1
    widths = [0.0] * count
    for name, column in grid.column.items():
        widths[column] = max(widths[column], blocks[name].width)
    if sum(widths) + GUTTER * (count - 1) + TURN <= page_width:
        return [range(count)] if count else []
    layers = {c for name, c in grid.column.items() if name == ELIDED or graph[name].operation == "dense"}
    room = page_width - 2 * (margin + EDGE_GUTTER) + GUTTER
    best = [0.0] + [inf] * count
    start_of = [0] * (count + 1)
    for stop in range(1, count + 1):
        used = 0.0
        for start in range(stop - 1, -1, -1):
            used += widths[start] + GUTTER
            if used > room and start < stop - 1:
                break
            cost = best[start] + (max(0.0, room - used) / room) ** 2 + (0.0 if start in layers else BREAK_INSIDE_LAYER)
            if cost < best[stop]:
                best[stop], start_of[stop] = cost, start
    ranges: list[range] = []
    stop = count
    while stop:
        ranges.append(range(start_of[stop], stop))
        stop = start_of[stop]
    return ranges[::-1]


@dataclass
class _Piece:
    """The part of some links that lies in one system; None where they come or go over its edge."""

    source: str | None
    target: str | None
    bundle: Bundle
    links: list[Link] = field(default_factory=list)

    @property
    def gradient(self) -> bool:
        return any(link.gradient for link in self.links)


def _keepers(grid: Layering) -> dict[str, str]:
    """Return for every satellite and pendant the node in whose cell it stands."""
    keeper = {name: host for host, names in grid.satellites.items() for name in names}
    return keeper | {pendant: keeper[name] for name, pendant in grid.pendants.items()}


def _pieces(grid: Layering, ranges: Sequence[range]) -> list[list[_Piece]]:
    """Cut links at the edges of systems."""
    where = {column: i for i, columns in enumerate(ranges) for column in columns}
    keeper = _keepers(grid)
    found: list[dict[tuple[str | None, str | None, Bundle], _Piece]] = [{} for _ in ranges]
    for link in grid.links:
        start = where[grid.column[keeper.get(link.source, link.source)]]
        stop = where[grid.column[keeper.get(link.target, link.target)]]
        ends: list[tuple[int, str | None, str | None]] = [(start, link.source, link.target)]
        if start != stop:
            ends = [(start, link.source, None), (stop, None, link.target)]
        for system, source, target in ends:
            key = (source, target, link.bundle)
            found[system].setdefault(key, _Piece(*key)).links.append(link)
    return [list(pieces.values()) for pieces in found]


@dataclass(frozen=True)
class _Part:
    """One system, drawn."""

    system: System
    boxes: list[Box]
    routes: list[Route]
    tags: list[Tag]
    right: float


def _place_system(
    grid: Layering,
    blocks: Mapping[str, Block],
    columns: range,
    pieces: Sequence[_Piece],
    carrying: set[str],
    top: float,
    margin: float,
) -> _Part:
    """Return both lanes of one system."""
    cells = _cells(grid, columns)
    keeper = _keepers(grid)
    crossing = [piece for piece in pieces if not _stays_in_cell(piece, keeper)]
    crossing.sort(key=lambda piece: _turn_to_choose(piece, cells))
    paths = plan_paths([_ends(piece, cells, keeper, len(columns)) for piece in crossing], set(cells.values()))
    tracks = channel_tracks(paths)
    used: dict[Lane, set[Bundle]] = {
        "forward": {piece.bundle for piece in crossing},
        "backward": {piece.bundle for piece in crossing if piece.gradient},
    }
    levels = {lane: make_levels(lane, cells, blocks, paths, tracks, bundles) for lane, bundles in used.items()}
    lines = make_columns(cells, blocks, paths, levels["forward"], margin)
    forward_bottom = top + HEADING + levels["forward"].depth
    lanes = [_Lane("forward", levels["forward"], lines, top + HEADING, 1.0)]
    bottom = forward_bottom
    if any(name in carrying for name in (*cells, *(name for name, host in keeper.items() if host in cells))):
        depth = levels["backward"].depth
        lanes.append(_Lane("backward", levels["backward"], lines, forward_bottom + AXIS_GAP + depth, -1.0))
        bottom = forward_bottom + AXIS_GAP + depth + HEADING
    number = {id(piece): i for i, piece in enumerate(crossing)}
    boxes: list[Box] = []
    routes: list[Route] = []
    tags: list[Tag] = []
    for lane in lanes:
        here = {
            box.name: box
            for name, cell in cells.items()
            for box in lane.boxes(name, cell, blocks[name])
            if lane.name == "forward" or box.name in carrying
        }
        boxes += here.values()
        flowing = [piece for piece in pieces if lane.name == "forward" or piece.gradient]
        drawn: list[tuple[_Piece, tuple[Point, ...]]] = []
        for piece in flowing:
            i = number.get(id(piece))
            if i is None:
                points = lane.within_cell(here[piece.source or ""], here[piece.target or ""])
            else:
                points = lane.points(piece, paths[i], lane.levels.arrivals[i], here)
            drawn.append((piece, points))
        routes += [lane.route(piece, points) for piece, points in drawn]
        tags += lane.tags(drawn, margin)
    axis = forward_bottom + AXIS_GAP / 2 if len(lanes) > 1 else None
    return _Part(System(top, axis, bottom), boxes, routes, tags, lines.right + margin)


def _cells(grid: Layering, columns: range) -> dict[str, tuple[int, int]]:
    names = [name for name, column in grid.column.items() if column in columns]
    rows = {row: i for i, row in enumerate(sorted({grid.row[name] for name in names}))}
    return {name: (grid.column[name] - columns.start, rows[grid.row[name]]) for name in names}


def _stays_in_cell(piece: _Piece, keeper: Mapping[str, str]) -> bool:
    """Whether it joins a satellite to its node or its pendant."""
    if piece.source is None or piece.target is None:
        return False
    return keeper.get(piece.source, piece.source) == keeper.get(piece.target, piece.target)


def _turn_to_choose(piece: _Piece, cells: Cells) -> tuple[bool, int]:
    """Sums gathered from afar choose last, and long lines after short ones."""
    start, stop = cells.get(piece.source or ""), cells.get(piece.target or "")
    return piece.bundle[0] == "to", stop[0] - start[0] if start and stop else 1


def _ends(piece: _Piece, cells: Cells, keeper: Mapping[str, str], edge: int) -> tuple[Stop, Stop, Bundle]:
    start, stop = Stop(-1), Stop(edge)
    if piece.source is not None:
        below = piece.source in keeper
        start = Stop(*cells[keeper.get(piece.source, piece.source)], satellite=piece.source if below else "")
    if piece.target is not None:
        stop = Stop(*cells[piece.target])
    return start, stop, piece.bundle


@dataclass(frozen=True)
class _Lane:
    """One lane's coordinates: ``edge`` is the y of its outer edge, ``down`` is 1 if the axis is below it, else -1."""

    name: Lane
    levels: Levels
    columns: Columns
    edge: float
    down: float

    def y(self, depth: float) -> float:
        return self.edge + self.down * depth

    def box(self, name: str, x: float, width: float, storey: tuple[float, float]) -> Box:
        depth, height = storey
        return Box(name, self.name, x, min(self.y(depth), self.y(depth + height)), width, height)

    def boxes(self, name: str, cell: tuple[int, int], block: Block) -> list[Box]:
        """Return the boxes of one cell."""
        column, row = cell
        own, below, lowest = self.levels.storeys[row]
        x = self.columns.x[column] + (self.columns.widths[column] - block.width) / 2
        boxes = [self.box(name, x, block.width, own)]
        x += (block.width - block.width_below) / 2
        for satellite, pendant, width in block.satellites:
            boxes.append(self.box(satellite, x, width, below))
            if pendant is not None:
                boxes.append(self.box(pendant, x, width, lowest))
            x += width + BETWEEN_SATELLITES
        return boxes

    def points(self, piece: _Piece, path: Path, arrival: float, boxes: Mapping[str, Box]) -> tuple[Point, ...]:
        """Return a line's corners, in the direction in which values flow."""
        levels, columns = self.levels, self.columns
        corners = [(columns.turn_x[turn], depth) for turn, ends in turns(path, arrival, levels) for depth in ends]
        along = levels.middle(path.row) if path.row is not None else None
        if path.channel is not None:
            along = levels.channel_y[path.channel, path.bundle]
        first = corners[0][1] if corners else along or 0.0
        last = corners[-1][1] if corners else along or 0.0
        if path.start.satellite:
            box = boxes[path.start.satellite]
            x = box.x + box.width / 2
            end = abs(self.edge - (box.y + (box.height if self.down > 0 else 0.0)))
            points = [(x, end), (x, along or 0.0)]
        else:
            source = boxes.get(piece.source or ELIDED)
            starts_at_box = path.start.row is not None and source is not None
            points = [(source.x + source.width if source and starts_at_box else columns.left, first)]
        points += corners
        target = boxes.get(piece.target or ELIDED)
        stops_at_box = path.stop.row is not None and target is not None
        points.append((target.x if target and stops_at_box else columns.right, last))
        return tuple((x, self.y(depth)) for x, depth in points)

    def within_cell(self, source: Box, target: Box) -> tuple[Point, ...]:
        """Return the line between boxes that stand below each other."""
        x = source.x + source.width / 2
        if source.y > target.y:
            return (x, source.y), (x, target.y + target.height)
        return (x, source.y + source.height), (x, target.y)

    def route(self, piece: _Piece, points: tuple[Point, ...]) -> Route:
        """Return the line in the direction of this lane."""
        if self.name == "forward":
            return Route(piece.source, piece.target, self.name, piece.bundle, points)
        return Route(piece.target, piece.source, self.name, piece.bundle, points[::-1])

    def tags(self, lines: Sequence[tuple[_Piece, tuple[Point, ...]]], width: float) -> list[Tag]:
        """Return the tags at the edges of the system: what flows over them, by the name of where it comes from."""
        found: dict[tuple[Side, float], dict[str, None]] = {}
        for piece, points in lines:
            flows = [link for link in piece.links if self.name == "forward" or link.gradient]
            names = [link.source if self.name == "forward" else link.target for link in flows]
            if piece.source is None:
                found.setdefault(("left", points[0][1]), {}).update(dict.fromkeys(names))
            if piece.target is None:
                found.setdefault(("right", points[-1][1]), {}).update(dict.fromkeys(names))
        return [
            Tag(
                tuple(names),
                self.name,
                side,
                self.columns.left - width if side == "left" else self.columns.right,
                y - TAG_HEIGHT / 2,
                width,
                TAG_HEIGHT,
            )
            for (side, y), names in found.items()
        ]


def _turn(parts: Sequence[_Part], loss: str | None) -> Route | None:
    """Return the line from the loss to where the backward sweep starts, if nothing stands to its right."""
    for part in parts:
        pair = [box for box in part.boxes if box.name == loss]
        if len(pair) == 2:
            above, below = pair
            right = above.x + above.width
            blocked = any(box.x + box.width > right for box in part.boxes)
            if blocked or any(route.source == loss and route.lane == "forward" for route in part.routes):
                return None
            start, stop = above.y + above.height / 2, below.y + below.height / 2
            corners = ((right, start), (right + TURN, start), (right + TURN, stop), (right, stop))
            return Route(above.name, below.name, "turn", ("from", above.name), corners)
    return None

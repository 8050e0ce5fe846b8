"""The grid lines of one system of a graph's picture, in coordinates.

Both lanes share the columns. Each lane has its own rows, as high as its boxes; the order of lines from the outer
edge to the axis is the same in both, so lines that keep clear of each other in one do so in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from chainrule.graph.picture.geometry import Lane, Size
from chainrule.graph.picture.layering import Layering
from chainrule.graph.picture.routing import Bundle, Path, Turn, arrival_offsets, gutter_tracks

Cells: TypeAlias = Mapping[str, tuple[int, int]]
"""The (column, row) of a system's nodes, both counted from 0."""

GUTTER = 34.0
EDGE_GUTTER = 22.0
GUTTER_TRACK = 9.0
TURNING_ROOM = 28.0
ROW_GAP = 26.0
CHANNEL_TRACK = 22.0
CHANNEL_PAD = 10.0
BELOW_GAP = 22.0
BETWEEN_SATELLITES = 10.0


@dataclass(frozen=True)
class Block:
    """What stands in one cell: a node; below it, side by side, its satellites; below these their pendants.

    ``heights`` are those of the three storeys in each lane, 0 where there is nothing.
    """

    width: float
    satellites: tuple[tuple[str, str | None, float], ...]  # satellite, pendant, width
    heights: Mapping[Lane, tuple[float, float, float]]

    @property
    def width_below(self) -> float:
        """Width of the satellites, side by side."""
        return sum(width for *_, width in self.satellites) + BETWEEN_SATELLITES * max(0, len(self.satellites) - 1)


def make_block(name: str, grid: Layering, carrying: Collection[str], size: Callable[[str, Lane], Size]) -> Block:
    """Return a cell's content; only what is in ``carrying`` is in the backward lane."""
    satellites = grid.satellites.get(name, ())
    pendants = [grid.pendants.get(satellite) for satellite in satellites]
    lanes: dict[str, tuple[Lane, ...]] = {}
    for inside in (name, *satellites, *(pendant for pendant in pendants if pendant is not None)):
        lanes[inside] = ("forward", "backward") if inside in carrying else ("forward",)

    def width(*names: str) -> float:
        return max(size(each, lane)[0] for each in names for lane in lanes[each])

    def height(lane: Lane, names: Sequence[str | None]) -> float:
        return max((size(each, lane)[1] for each in names if each is not None and lane in lanes[each]), default=0.0)

    below = tuple(
        (satellite, pendant, width(satellite, satellite if pendant is None else pendant))
        for satellite, pendant in zip(satellites, pendants, strict=True)
    )
    both: tuple[Lane, Lane] = ("forward", "backward")
    heights = {lane: (height(lane, [name]), height(lane, satellites), height(lane, pendants)) for lane in both}
    alone = Block(0.0, below, heights)
    return Block(max(width(name), alone.width_below), below, heights)


@dataclass(frozen=True)
class Levels:
    """The rows and channels of one lane; heights grow from the lane's outer edge towards the axis."""

    storeys: tuple[tuple[tuple[float, float], ...], ...]  # per row, per storey: y and height
    channel_y: Mapping[tuple[int, Bundle], float]
    arrivals: tuple[float, ...]  # per path, how far from the middle of a box's side it arrives
    depth: float

    def middle(self, row: int) -> float:
        """Return the height at which lines leave boxes of a row."""
        y, height = self.storeys[row][0]
        return y + height / 2


def make_levels(
    lane: Lane,
    cells: Cells,
    blocks: Mapping[str, Block],
    paths: Sequence[Path],
    tracks: Mapping[int, Mapping[Bundle, int]],
    used: Collection[Bundle],
) -> Levels:
    """Return the rows and channels of a lane in which the bundles ``used`` run."""
    n_rows = 1 + max(row for _, row in cells.values())
    heights = [[0.0, 0.0, 0.0] for _ in range(n_rows)]
    for name, (_, row) in cells.items():
        heights[row] = [max(pair) for pair in zip(heights[row], blocks[name].heights[lane], strict=True)]
    storeys: list[tuple[tuple[float, float], ...]] = []
    channel_y: dict[tuple[int, Bundle], float] = {}
    y = 0.0
    for row in range(n_rows + 1):
        in_channel = {bundle: track for bundle, track in tracks.get(row, {}).items() if bundle in used}
        above = y
        y += CHANNEL_TRACK * (1 + max(in_channel.values())) + CHANNEL_PAD if in_channel else 0.0
        y += ROW_GAP if above and row < n_rows and heights[row][0] else 0.0
        for bundle, track in in_channel.items():
            offset = (track + 0.5) * CHANNEL_TRACK + CHANNEL_PAD / 2
            channel_y[row, bundle] = y - offset if row < n_rows else above + offset
        if row < n_rows:
            inside: list[tuple[float, float]] = []
            for height in heights[row]:
                y += BELOW_GAP if inside and height else 0.0
                inside.append((y, height))
                y += height
            storeys.append(tuple(inside))
    arrivals = arrival_offsets(paths, [height for height, *_ in heights])
    return Levels(tuple(storeys), channel_y, tuple(arrivals), y)


@dataclass(frozen=True)
class Columns:
    """The columns and gutters of a system."""

    x: tuple[float, ...]
    widths: tuple[float, ...]
    turn_x: Mapping[Turn, float]
    left: float
    right: float


def make_columns(
    cells: Cells, blocks: Mapping[str, Block], paths: Sequence[Path], levels: Levels, left: float
) -> Columns:
    """Return columns as wide as their blocks, and gutters as wide as the lines that turn in them need."""
    count = 1 + max(column for column, _ in cells.values())
    widths = [0.0] * count
    for name, (column, _) in cells.items():
        widths[column] = max(widths[column], blocks[name].width)
    extents: dict[Turn, tuple[float, float, float]] = {}
    for path, arrival in zip(paths, levels.arrivals, strict=True):
        for turn, ends in turns(path, arrival, levels):
            low, high, order = extents.get(turn, (inf, -inf, inf))
            extents[turn] = (min(low, *ends), max(high, *ends), min(order, abs(arrival)))
    tracks = gutter_tracks(extents)
    edges = {0: any(path.start.row is None for path in paths), count: any(p.stop.row is None for p in paths)}
    x, starts, turn_x = left, [], {}
    for gutter in range(count + 1):
        in_gutter = tracks.get(gutter, {})
        tracks_here = 1 + max(in_gutter.values(), default=-1)
        least = GUTTER if 0 < gutter < count else EDGE_GUTTER if edges[gutter] else 0.0
        width = max(least, TURNING_ROOM + GUTTER_TRACK * tracks_here if tracks_here else 0.0)
        for turn, track in in_gutter.items():
            turn_x[turn] = x + (width - GUTTER_TRACK * (tracks_here - 1)) / 2 + GUTTER_TRACK * track
        x += width
        if gutter < count:
            starts.append(x)
            x += widths[gutter]
    return Columns(tuple(starts), tuple(widths), turn_x, left, x)


def turns(path: Path, arrival: float, levels: Levels) -> Iterator[tuple[Turn, tuple[float, float]]]:
    """Yield where a path runs up or down in a gutter, and between which heights."""
    leave = levels.middle(path.start.row) if path.start.row is not None else 0.0
    arrive = levels.middle(path.stop.row) + arrival if path.stop.row is not None else 0.0
    if path.channel is None:
        if path.row is None:
            yield Turn(path.stop.column, 1, path.bundle), (leave, arrive)
        return
    along = levels.channel_y[path.channel, path.bundle]
    if path.out_gutter is not None:
        yield Turn(path.out_gutter, 0, path.bundle), (leave, along)
    if path.in_gutter is not None:
        yield Turn(path.in_gutter, 2, path.bundle), (along, arrive)

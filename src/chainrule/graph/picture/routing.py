"""Which way each line of a layered picture takes through the gutters and channels of its grid.

Gutter ``g`` is left of column ``g``, channel ``k`` above row ``k``; one more comes after the last. Lines run
straight along their row where that is free, step up or down in one gutter between neighbouring columns, and
otherwise leave into a gutter, follow a channel and come back through another gutter. Different bundles of lines
that would run on top of each other get different tracks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

Bundle: TypeAlias = tuple[str, str]
Key = TypeVar("Key", bound=Hashable)

ARRIVAL = 13.0
"""Lines leave a box from the middle of its side; those that turn arrive at least so far from it."""
ARRIVAL_STEP = 10.0


@dataclass(frozen=True)
class Stop:
    """An end of a line: a box's side, a satellite's lower edge, or (without row) the edge of the system."""

    column: int
    row: int | None = None
    satellite: str = ""


@dataclass(frozen=True)
class Path:
    """A line's way: along row ``row``, or through channel ``channel``, or (neither) one step in a gutter."""

    start: Stop
    stop: Stop
    bundle: Bundle
    row: int | None = None
    channel: int | None = None

    @property
    def comes_from_above(self) -> bool:
        """Whether a line that turns arrives at its box from what is above."""
        if self.channel is not None:
            return self.channel <= (self.stop.row or 0)
        return (self.start.row or 0) < (self.stop.row or 0)

    @property
    def climb(self) -> float:
        """How many rows the line goes up or down before it arrives."""
        level = self.channel - 0.5 if self.channel is not None else self.start.row or 0
        return abs(level - (self.stop.row or 0))

    @property
    def out_gutter(self) -> int | None:
        """The gutter in which the line first turns, if it leaves a box's side and turns."""
        leaves_side = self.start.row is not None and not self.start.satellite
        return self.start.column + 1 if leaves_side and self.row is None else None

    @property
    def in_gutter(self) -> int | None:
        """The gutter in which the line turns towards the box where it ends."""
        return self.stop.column if self.stop.row is not None and self.row is None else None


def plan_paths(ends: Iterable[tuple[Stop, Stop, Bundle]], occupied: set[tuple[int, int]]) -> list[Path]:
    """Choose a way for each line; ``occupied`` are the (column, row) of boxes. The first come takes a row."""
    along: dict[int, list[tuple[int, int, Bundle]]] = {}
    paths = []
    for start, stop, bundle in ends:
        row = start.row if stop.row is None else stop.row
        first, last = start.column + 1, stop.column
        straight = (
            row is not None
            and not start.satellite
            and start.row in (None, row)
            and all((column, row) not in occupied for column in range(first, last))
            and not any(a <= last and first <= b and other != bundle for a, b, other in along.get(row, ()))
        )
        if straight and row is not None:
            along.setdefault(row, []).append((first, last, bundle))
            paths.append(Path(start, stop, bundle, row=row))
        elif start.row is not None and stop.row is not None and first == last and not start.satellite:
            paths.append(Path(start, stop, bundle))
        else:
            paths.append(Path(start, stop, bundle, channel=_choose_channel(start, stop, bundle)))
    return paths


def _choose_channel(start: Stop, stop: Stop, bundle: Bundle) -> int:
    """Skip connections pass above their row; what is from a satellite, or gathered for a sum, below."""
    if start.satellite and start.row is not None:
        return start.row + 1
    row = start.row if stop.row is None else stop.row
    beside = row if row is not None else 0
    if start.row is not None and stop.row is not None and start.row != stop.row:
        return beside if start.row < stop.row else beside + 1
    return beside + 1 if bundle[0] == "to" else beside


def channel_tracks(paths: Iterable[Path]) -> dict[int, dict[Bundle, int]]:
    """Return for each channel a track for every bundle that runs in it; short lines get the low tracks."""
    extents: dict[int, dict[Bundle, tuple[float, float]]] = {}
    for path in paths:
        if path.channel is None:
            continue
        start = float(path.start.column)  # the edge of the system, or straight down from a satellite
        if path.start.row is not None and not path.start.satellite:
            start += 0.5
        stop = path.stop.column - (0.5 if path.stop.row is not None else 0.0)
        spans = extents.setdefault(path.channel, {})
        low, high = spans.get(path.bundle, (start, stop))
        spans[path.bundle] = (min(low, start), max(high, stop))
    result = {}
    for channel, spans in extents.items():
        by_length = sorted(spans.items(), key=lambda item: (item[1][1] - item[1][0], item[1], item[0]))
        result[channel] = pack([(low, high, bundle) for bundle, (low, high) in by_length])
    return result


def pack(intervals: Iterable[tuple[float, float, Key]]) -> dict[Key, int]:
    """Give each interval, in turn, the lowest track on which it touches no other."""
    tracks: list[list[tuple[float, float]]] = []
    result = {}
    for low, high, key in intervals:
        free = (all(high < a or b < low for a, b in track) for track in tracks)
        number = next((i for i, is_free in enumerate(free) if is_free), len(tracks))
        if number == len(tracks):
            tracks.append([])
        tracks[number].append((low, high))
        result[key] = number
    return result


def arrival_offsets(paths: Sequence[Path], height: Sequence[float]) -> list[float]:
    """Return how far below the middle of a box's side each line arrives; ``height`` is by row.

    Straight lines arrive in the middle, lines from above over it, lines from below under it: the less they climb
    at last, and the nearer their source, the nearer to the middle.
    """
    arrivals: dict[tuple[Stop, bool], dict[Bundle, int]] = {}
    for path in sorted(paths, key=lambda path: (path.climb, -path.start.column)):
        if path.in_gutter is not None:
            ports = arrivals.setdefault((path.stop, path.comes_from_above), {})
            ports.setdefault(path.bundle, len(ports))
    offsets = []
    for path in paths:
        offset = 0.0
        if path.in_gutter is not None:
            ports = arrivals[path.stop, path.comes_from_above]
            room = height[path.stop.row or 0] / 2 - ARRIVAL - 6.0
            offset = ARRIVAL + ports[path.bundle] * min(ARRIVAL_STEP, room / max(1, len(ports) - 1))
        offsets.append(-offset if path.comes_from_above else offset)
    return offsets


@dataclass(frozen=True)
class Turn:
    """Where a bundle runs up or down: after leaving boxes (0), between two boxes (1), before arriving (2)."""

    gutter: int
    stage: int
    bundle: Bundle


def gutter_tracks(turns: Mapping[Turn, tuple[float, float, float]]) -> dict[int, dict[Turn, int]]:
    """Return for each gutter a track for every turn, counted from the left.

    Each turn comes with its upper and lower end and with how far from the middle of a box's side it arrives:
    what arrives next to the middle turns first, so that lines arriving together do not cross.
    """
    result: dict[int, dict[Turn, int]] = {}
    for gutter in sorted({turn.gutter for turn in turns}):
        here = [
            (turn.stage > 0, extent[2], turn.bundle, turn, extent)
            for turn, extent in turns.items()
            if turn.gutter == gutter
        ]
        here.sort(key=lambda item: item[:3])
        result[gutter] = pack([(low - 3.0, high + 3.0, turn) for *_, turn, (low, high, _) in here])
    return result

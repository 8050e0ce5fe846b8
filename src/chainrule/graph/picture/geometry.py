"""What a graph's picture consists of, as plain data: boxes, lines, tags, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chainrule.graph.picture.layering import Elision
from chainrule.graph.picture.routing import Bundle

Lane: TypeAlias = Literal["forward", "backward"]
Side: TypeAlias = Literal["left", "right"]
Point: TypeAlias = tuple[float, float]
Size: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """The place of a node's value (forward) or of its gradient (backward)."""

    name: str
    lane: Lane
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Route:
    """A line along which something flows, from its first point to its last; None stands for a tag.

    The lane ``turn`` has one route: from the loss to the loss's gradient.
    """

    source: str | None
    target: str | None
    lane: Lane | Literal["turn"]
    bundle: Bundle
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Tag:
    """The end of lines that go on in another system; ``names`` say what flows."""

    names: tuple[str, ...]
    lane: Lane
    side: Side
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class System:
    """The extent of one system, and the height of the axis between its lanes (None without gradients)."""

    top: float
    axis: float | None
    bottom: float


@dataclass(frozen=True)
class Layout:
    """A picture's geometry; y grows downwards."""

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    tags: tuple[Tag, ...]
    systems: tuple[System, ...]
    width: float
    height: float
    gradients: frozenset[str]
    elision: Elision | None

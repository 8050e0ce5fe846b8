"""Steps of a lowering: instructions whose places are still named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from chainrule.engine.instructions import Code
from chainrule.errors import UnsupportedError
from chainrule.graph import Node


class Key(NamedTuple):
    """A node's value or its gradient."""

    node: str
    is_gradient: bool = False


@dataclass(frozen=True)
class Step:
    """An instruction whose places are still named."""

    code: Code
    out: Key | None
    a: Key
    b: Key | None = None
    c: Key | None = None
    accumulate: bool = False
    activation: int = 0
    stream: int = 0
    number: float = 0.0

    def named(self) -> tuple[Key, ...]:
        """Return what it reads or writes."""
        return tuple(key for key in (self.out, self.a, self.b, self.c) if key is not None)


def unsupported(node: Node, why: str) -> UnsupportedError:
    """Return the error that says which node no kernel covers."""
    return UnsupportedError(
        f"node {node.name!r} ({node.operation}) {why}; chainrule.graph.sweep evaluates any graph, readably and slowly"
    )

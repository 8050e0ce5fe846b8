"""One number of a graph, by name: ``W1[0, 3]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from chainrule._typing import Array
from chainrule.errors import InputError
from chainrule.graph import Graph
from chainrule.graph.operation import BATCH, Shape, show_shape

_ENTRY = re.compile(r"^\s*(?P<node>.*?)\s*(?:\[(?P<index>[^\[\]]*)\])?\s*$", re.DOTALL)


@dataclass(frozen=True, order=True)
class Entry:
    """An entry of a node's array: the node's name and the index."""

    node: str
    index: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.node}[{', '.join(map(str, self.index))}]" if self.index else self.node


def parse_entry(graph: Graph, text: str, *, shape: Shape | None = None) -> Entry:
    """Return the entry that ``text`` names.

    Parameters
    ----------
    graph
        Whose nodes are meant.
    text
        A node's name and, unless it is a scalar, an index: ``W1[0, 3]``, ``b1[2]``, ``J``.
    shape
        The shape the index must fit; the node's own by default. ``m`` fits any number.

    Raises
    ------
    InputError
        If the text is no entry, or the index doesn't fit.
    GraphError
        If the graph has no such node.
    """
    match = _ENTRY.match(text)
    node = graph[match["node"] if match else text]
    shape = graph.shape(node.name) if shape is None else shape
    written = (match["index"] if match else None) or ""
    parts = [part.strip() for part in written.split(",")] if written.strip() else []
    fits = len(parts) == len(shape) and all(part.isdecimal() for part in parts)
    index = tuple(int(part) for part in parts) if fits else ()
    if not fits or any(extent != BATCH and i >= int(extent) for i, extent in zip(index, shape, strict=True)):
        example = Entry(node.name, (0,) * len(shape))
        raise InputError(
            f"entry {text!r}: node {node.name!r} has shape {show_shape(shape)} here, so name one of its "
            f"entries as {str(example)!r} (indices count from 0)"
        )
    return Entry(node.name, index)


def locate(graph: Graph, text: str, sample: int | None, values: Mapping[str, Array]) -> Entry:
    """Return the entry that ``text`` names among values; with a sample, a batch's entries go without the row.

    Raises as `parse_entry`, and `InputError` if the node has no value here.
    """
    node = graph[text.split("[")[0].strip()]
    if node.name not in values:
        raise InputError(f"entry {text!r}: node {node.name!r} has no value here")
    extents = values[node.name].shape
    if sample is not None and graph.shape(node.name)[:1] == (BATCH,):
        found = parse_entry(graph, text, shape=extents[1:])
        return Entry(found.node, (0, *found.index))
    return parse_entry(graph, text, shape=extents)


def entry_name(graph: Graph, entry: Entry, sample: int | None) -> str:
    """Return how an entry is written: with a sample, without the batch's row."""
    if sample is not None and graph.shape(entry.node)[:1] == (BATCH,):
        return str(Entry(entry.node, entry.index[1:]))
    return str(entry)


@dataclass(frozen=True)
class Reference:
    """What a text such as ``dW1[0, 3]`` refers to.

    Attributes
    ----------
    node
        The node's name.
    gradient
        Whether its gradient is meant, dQ, rather than its value.
    index
        Whether one entry is meant.
    entry
        Node and index as text: ``W1[0, 3]``.
    """

    node: str
    gradient: bool
    index: bool
    entry: str


def parse_reference(graph: Graph, text: str) -> Reference:
    """Return what ``text`` refers to: ``Z1``, ``Z1[3]``, ``dW1[0, 3]`` or, the same, ``dJ/dW1[0, 3]``.

    Raises `GraphError` if the graph has no such node.
    """
    match = _ENTRY.match(text)
    name, index = (match["node"], match["index"]) if match else (text, None)
    short = name.removeprefix(f"d{graph.loss}/")
    gradient = short != name or (name not in graph and name[:1] == "d" and name[1:] in graph)
    if (
        not gradient
        and short not in graph
        and short[:1] == "d"
        and get_close_matches(short[1:], [node.name for node in graph.nodes], cutoff=0.5)
    ):
        gradient = True
    node = graph[short.removeprefix("d") if gradient else name].name
    return Reference(node, gradient, index is not None, node if index is None else f"{node}[{index}]")

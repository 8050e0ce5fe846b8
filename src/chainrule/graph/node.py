"""One array of a graph: its name and how it is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from reprlib import repr as short_repr
from types import MappingProxyType
from typing import Any

import numpy as np

from chainrule.errors import GraphError
from chainrule.graph.operation import Attributes, Operation, Shape, show_shape
from chainrule.graph.ops import OPERATIONS

SOURCES = ("data", "labels", "weights", "noise", "parameter")
"""Operations of nodes that are given, not computed."""

NOT_DIFFERENTIABLE = ("labels", "weights", "noise")
"""Sources that carry no gradient: each is taken only by an operation's role of the same name."""


@dataclass(frozen=True)
class Node:
    """One array of the graph.

    Attributes
    ----------
    name
        Unique in the graph: ``X``, ``W1``, ``Z1``, ``p``, ``J``.
    operation
        A key of the registry, or one of `SOURCES`.
    inputs
        Names of the nodes it is computed from, in the order of the operation's roles.
    attributes
        Overrides of the operation's attributes.
    given_shape
        The shape of a source; ``m`` stands for the rows of a batch.
    """

    name: str
    operation: str
    inputs: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)
    given_shape: Shape | None = None

    def __post_init__(self) -> None:
        """Keep plain data only: a graph is compared, pickled and written as JSON."""
        inputs: Iterable[str] = self.inputs
        if isinstance(inputs, str):
            raise GraphError(f"node {self.name!r}: inputs are a tuple of names, got the text {inputs!r}")
        attributes = {key: _plain(value) for key, value in self.attributes.items()}
        object.__setattr__(self, "inputs", tuple(inputs))
        object.__setattr__(self, "attributes", MappingProxyType(attributes))
        if self.given_shape is not None:
            object.__setattr__(self, "given_shape", tuple(_plain(extent) for extent in self.given_shape))

    def __repr__(self) -> str:
        parts = [repr(self.name), repr(self.operation)]
        parts += [repr(self.inputs)] if self.inputs else []
        parts += [f"{key}={value!r}" for key, value in self.attributes.items()]
        parts += [] if self.given_shape is None else [f"given_shape={show_shape(self.given_shape)}"]
        return f"Node({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:  # a mapping proxy does not pickle
        return Node, (self.name, self.operation, self.inputs, dict(self.attributes), self.given_shape)

    def __hash__(self) -> int:
        return hash((self.name, self.operation, self.inputs))

    @property
    def is_source(self) -> bool:
        """Whether the node is given rather than computed."""
        return self.operation in SOURCES

    @property
    def record(self) -> Operation:
        """The registry's record of the operation; not for sources."""
        return OPERATIONS[self.operation]


def node_to_dict(node: Node) -> dict[str, Any]:
    """Return a node as plain data, as JSON has it."""
    entry: dict[str, Any] = {"name": node.name, "operation": node.operation}
    if node.inputs:
        entry["inputs"] = list(node.inputs)
    if node.attributes:
        entry["attributes"] = {
            key: list(value) if isinstance(value, tuple) else value for key, value in node.attributes.items()
        }
    if node.given_shape is not None:
        entry["shape"] = list(node.given_shape)
    return entry


def node_from_dict(entry: Any) -> Node:
    """Return the node that `node_to_dict` wrote; raises `GraphError` for anything else."""
    if not isinstance(entry, Mapping):
        raise GraphError(f"not a node's data: {short_repr(entry)}")
    shape = entry.get("shape")
    inputs = entry.get("inputs", [])
    attributes = entry.get("attributes", {})
    fits = (
        isinstance(entry.get("name"), str)
        and isinstance(entry.get("operation"), str)
        and _is_list_of(inputs, str)
        and isinstance(attributes, Mapping)
        and all(isinstance(key, str) for key in attributes)
        and all(_is_atom(value) or _is_list_of(value, int, float, str) for value in attributes.values())
        and (shape is None or _is_list_of(shape, int, str))
    )
    if not fits:
        raise GraphError(f"not a node's data: {short_repr(entry)}")
    return Node(entry["name"], entry["operation"], inputs, attributes, shape)


def _is_list_of(value: Any, *types: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, types) and _is_atom(item) for item in value)


def _is_atom(value: Any) -> bool:
    """Whether it is a number, a text or None, and no whole number that is too long to be printed."""
    if isinstance(value, int):
        return abs(value) < 2**63
    return value is None or isinstance(value, (float, str))


def _plain(value: Any) -> Any:
    """Return NumPy's numbers and arrays, and lists, as Python's own numbers and tuples."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    return tuple(value) if isinstance(value, list) else value

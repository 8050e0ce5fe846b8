"""What makes nodes a graph: checks of each node, an order of computation, the shape of every value."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from reprlib import repr as short_repr

from chainrule.errors import GraphError, ShapeError
from chainrule.graph.node import NOT_DIFFERENTIABLE, SOURCES, Node
from chainrule.graph.operation import BATCH, Shape, listed, show_shape
from chainrule.graph.ops import OPERATIONS

LARGEST_EXTENT = 2**63
LONGEST_NAME = 200


def _check_source(node: Node, where: str) -> None:
    if node.inputs or node.attributes:
        raise GraphError(f"{where}: what is given takes no inputs and no attributes")
    if node.given_shape is None:
        raise GraphError(f"{where}: give its shape (given_shape=)")
    for extent in node.given_shape:
        if not (extent == BATCH or (type(extent) is int and 0 <= extent < LARGEST_EXTENT)):
            raise ShapeError(f"{where}: an extent is {BATCH!r} or a whole number from 0 to 2**63 - 1")
        if extent == BATCH and node.operation == "parameter":
            raise ShapeError(f"{where}: a parameter cannot depend on the batch, got {show_shape(node.given_shape)}")


def check_node(node: Node, by_name: Mapping[str, Node]) -> None:
    """Raise `GraphError`, naming the node, unless it is well formed and all its inputs exist."""
    # a name is shown in tables, messages and pictures: no line breaks, no control characters
    if not (isinstance(node.name, str) and 0 < len(node.name) <= LONGEST_NAME and node.name.isprintable()):
        raise GraphError(
            f"a node's name must be printable text of 1 to {LONGEST_NAME} characters, got {short_repr(node.name)}"
        )
    where = f"node {node.name!r} ({node.operation})"
    if node.is_source:
        _check_source(node, where)
        return
    if node.given_shape is not None:
        raise GraphError(f"{where}: its shape follows from its inputs; leave given_shape out")
    if node.operation not in OPERATIONS:
        raise GraphError(f"{where}: no such operation; there are {', '.join((*OPERATIONS, *SOURCES))}")
    record = node.record
    for name in node.inputs:
        if name not in by_name:
            raise GraphError(f"{where}: its input {name!r} names no node of this graph")
    if len(node.inputs) < record.required or (len(node.inputs) > len(record.roles) and not record.variadic):
        raise GraphError(
            f"{where}: takes {', '.join(record.roles)}; got {len(node.inputs)} inputs ({listed(node.inputs)})"
        )
    for role, name in zip(record.input_roles(len(node.inputs)), node.inputs, strict=True):
        kind = by_name[name].operation
        if role != kind and (role in NOT_DIFFERENTIABLE or kind in NOT_DIFFERENTIABLE):
            needed = f"takes {role} alone" if role in NOT_DIFFERENTIABLE else "needs what can carry a gradient"
            raise GraphError(f"{where}: {name!r} ({kind}) cannot be its {role}, which {needed}")
    unknown = set(node.attributes) - set(record.attributes)
    if unknown:
        known = ", ".join(record.attributes) or "none"
        raise GraphError(f"{where}: no attribute {min(map(str, unknown))!r}; the operation has {known}")
    if record.check is not None:
        try:
            record.check(**{**record.attributes, **node.attributes})
        except GraphError as error:
            raise GraphError(f"{where}: {error}") from None
        except (TypeError, ValueError) as error:
            raise GraphError(f"{where}: unusable attributes {dict(node.attributes)}: {error}") from error


def sorted_by_inputs(nodes: tuple[Node, ...], by_name: Mapping[str, Node]) -> list[Node]:
    """Return the nodes, each after its inputs; raises `GraphError` for a cycle.

    Kahn's algorithm; among nodes that are ready, the one given first comes first.
    """
    place = {node.name: i for i, node in enumerate(nodes)}
    missing = {node.name: len(node.inputs) for node in nodes}
    users: dict[str, list[str]] = {node.name: [] for node in nodes}
    for node in nodes:
        for name in node.inputs:
            users[name].append(node.name)
    ready = [place[name] for name, count in missing.items() if count == 0]
    heapify(ready)
    order = []
    while ready:
        node = nodes[heappop(ready)]
        order.append(node)
        for user in users[node.name]:
            missing[user] -= 1
            if missing[user] == 0:
                heappush(ready, place[user])
    if len(order) < len(nodes):
        stuck = [name for name, count in missing.items() if count > 0]
        raise GraphError(f"the graph has a cycle through {listed(stuck)}: a node cannot depend on itself")
    return order


def infer_shapes(order: list[Node]) -> dict[str, Shape]:
    """Return each node's shape; raises `ShapeError`, naming the node, where its inputs don't fit."""
    shapes: dict[str, Shape] = {}
    for node in order:
        if node.given_shape is not None:
            shapes[node.name] = tuple(node.given_shape)
            continue
        record = node.record
        try:
            shapes[node.name] = record.shape(
                *(shapes[name] for name in node.inputs), **{**record.attributes, **node.attributes}
            )
        except ShapeError as error:
            raise ShapeError(f"node {node.name!r} ({node.operation}): {error}") from None
    return shapes

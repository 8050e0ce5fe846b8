"""Which nodes and edges lie between a node and the loss."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.errors import InputError
from chainrule.graph import Graph, Node
from chainrule.graph.formula import Formula


@dataclass(frozen=True)
class Edge:
    """An input of a node: ``target`` is computed from ``source``, which is its input number ``position``."""

    source: str
    target: str
    position: int


def loss_of(graph: Graph) -> str:
    """Return the name of the graph's loss; raises `InputError` where it has none."""
    if graph.loss is None:
        raise InputError("this graph has no loss to differentiate: build it with Graph(nodes, loss=...)")
    return graph.loss


def local_formula(node: Node, position: int) -> Formula | None:
    """Return the record's local derivative by an input; None if the input carries no gradient."""
    if node.is_source:
        return None
    role = node.record.input_roles(len(node.inputs))[position]
    # a role that repeats (term1, term2, ...) has one entry for all
    return node.record.local.get(role, node.record.local.get(role.rstrip("0123456789")))


def dependents(graph: Graph, start: str, end: str) -> tuple[Node, ...]:
    """Return the nodes after ``start`` that change with it and that ``end`` is computed from, in order."""
    below = {graph[start].name}
    for node in graph.nodes:
        if below.intersection(node.inputs):
            below.add(node.name)
    above = {graph[end].name}
    for node in reversed(graph.nodes):
        if node.name in above:
            above.update(node.inputs)
    between = below & above - {start}
    return tuple(node for node in graph.nodes if node.name in between)


def edges_between(graph: Graph, start: str, end: str) -> tuple[Edge, ...]:
    """Return the edges with a derivative on the ways from ``start`` to ``end``, in the order of targets."""
    edges = [
        Edge(source, node.name, position)
        for node in dependents(graph, start, end)
        for position, source in enumerate(node.inputs)
        if local_formula(node, position) is not None
    ]
    forward = {start}
    for edge in edges:
        if edge.source in forward:
            forward.add(edge.target)
    backward = {end}
    for edge in reversed(edges):
        if edge.target in backward:
            backward.add(edge.source)
    return tuple(edge for edge in edges if edge.source in forward and edge.target in backward)


def differentiated(graph: Graph) -> frozenset[str]:
    """Return the nodes that have a gradient: the loss, and what it depends on through differentiable inputs."""
    reached = {loss_of(graph)}
    for node in reversed(graph.nodes):
        if node.name in reached:
            reached.update(
                source for position, source in enumerate(node.inputs) if local_formula(node, position) is not None
            )
    return frozenset(reached)

"""A model as a graph: which arrays there are and how each is computed from the others.

A graph is immutable and says only *what* is computed. `chainrule.graph.evaluate` computes it readably, the
engine computes it fast.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import Any

from chainrule.errors import GraphError, ShapeError
from chainrule.graph.formula import Formula, Style, render_mathml, role
from chainrule.graph.node import NOT_DIFFERENTIABLE, SOURCES, Node, node_from_dict, node_to_dict
from chainrule.graph.operation import Shape, listed, show_shape
from chainrule.graph.parameters import ParameterLayout
from chainrule.graph.wellformed import check_node, infer_shapes, sorted_by_inputs

__all__ = ["NOT_DIFFERENTIABLE", "SOURCES", "Graph", "Node"]


class Graph:
    """A directed acyclic graph of operations on arrays.

    Parameters
    ----------
    nodes
        In any order; they are kept sorted so that each comes after its inputs.
    loss
        Name of the scalar that training minimises; None where there is none.
    output
        Name of the node whose value is the prediction (class probabilities, as a rule).

    Raises
    ------
    GraphError
        For a name that is missing, there twice, or part of a cycle; for an unknown operation or attribute.
    ShapeError
        Where shapes don't fit, naming the node.
    """

    def __init__(self, nodes: Iterable[Node], *, loss: str | None = None, output: str | None = None) -> None:
        given = tuple(nodes)
        for node in given:
            if not isinstance(node, Node):
                raise GraphError(f"a graph is made of nodes, got {node!r}: write Node(name, operation, inputs)")
        by_name = {node.name: node for node in given}
        if len(by_name) != len(given):
            twice, _ = Counter(node.name for node in given).most_common(1)[0]
            raise GraphError(f"two nodes are named {twice!r}: give each its own name")
        for node in given:
            check_node(node, by_name)
        order = sorted_by_inputs(given, by_name)
        self._order = tuple(order)
        self._nodes = {node.name: node for node in order}
        self._shapes = infer_shapes(order)
        for what, name in (("loss", loss), ("output", output)):
            if name is not None and name not in by_name:
                raise GraphError(f"{what}={name!r} names no node of this graph: it has {listed(by_name)}")
        if loss is not None and self._shapes[loss] != ():
            raise ShapeError(f"node {loss!r}: the loss must be a scalar, its shape is {show_shape(self._shapes[loss])}")
        self._loss = loss
        self._output = output

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._order, self._loss, self._output)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, each after its inputs."""
        return self._order

    @property
    def loss(self) -> str | None:
        """Name of the scalar that training minimises, if there is one."""
        return self._loss

    @property
    def output(self) -> str | None:
        """Name of the node whose value is the prediction, if there is one."""
        return self._output

    def __getitem__(self, name: str) -> Node:
        try:
            return self._nodes[name]
        except KeyError:
            near = get_close_matches(str(name), self._nodes, n=1, cutoff=0.5)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise GraphError(f"no node is named {name!r}: the graph has {listed(self._nodes)}{meant}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        return (self.nodes, self.loss, self.output) == (other.nodes, other.loss, other.output)

    def __hash__(self) -> int:
        return hash((self.nodes, self.loss, self.output))

    def shape(self, name: str) -> Shape:
        """Return the shape of a node's value; ``m`` stands for the rows of a batch."""
        return self._shapes[self[name].name]

    def of_kind(self, *operations: str) -> tuple[Node, ...]:
        """Return the nodes with one of these operations (or kinds of source), in order."""
        return tuple(node for node in self.nodes if node.operation in operations)

    @cached_property
    def parameters(self) -> ParameterLayout:
        """Where each parameter stands in the flat vector."""
        return ParameterLayout({node.name: self._shapes[node.name] for node in self.of_kind("parameter")})

    @cached_property
    def consumers(self) -> Mapping[str, tuple[str, ...]]:
        """For each node, the nodes computed from it, in order; a node that takes it twice is there twice."""
        result: dict[str, list[str]] = {name: [] for name in self._nodes}
        for node in self.nodes:
            for name in node.inputs:
                result[name].append(node.name)
        return MappingProxyType({name: tuple(users) for name, users in result.items()})

    @cached_property
    def gradient_nodes(self) -> frozenset[str]:
        """The nodes whose gradient training needs: between a parameter and the loss, both included."""
        needed: set[str] = set()
        for node in self.nodes:
            if node.operation == "parameter" or not needed.isdisjoint(node.inputs):
                needed.add(node.name)
        reached = {self.loss}
        for node in reversed(self.nodes):
            if node.name in reached and not node.is_source:
                roles = node.record.input_roles(len(node.inputs))
                reached.update(
                    name for role, name in zip(roles, node.inputs, strict=True) if node.record.carries_gradient(role)
                )
        return frozenset(needed & reached)

    def formula(self, name: str, style: Style = "text") -> str:
        """Return how a node is computed, in its own names: ``Z1 = X W1 + b1``; for a source, its name."""
        node = self[name]
        if node.is_source:
            return _render(role("out"), {"out": name}, style)
        return _render(node.record.formula, _names(node), style)

    def gradient_formulas(self, name: str, style: Style = "text", *, of: str | None = None) -> dict[str, str]:
        """Return, by input, how the node's share of that input's gradient is computed: ``dW1 = Xᵀ dZ1``.

        With ``of`` for this input alone, which is quicker where a node has thousands.
        """
        node = self[name]
        return {} if node.is_source else _render_by_input(node.record.gradients, node, style, of)

    def local_derivatives(self, name: str, style: Style = "text") -> dict[str, str]:
        """Return, by input of a node, the node's derivative by it, in symbols: ``∂Z1/∂W1 = X``."""
        node = self[name]
        return {} if node.is_source else _render_by_input(node.record.local, node, style)

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as plain data; `from_dict` gives it back."""
        return {
            "nodes": [node_to_dict(node) for node in self.nodes],
            "loss": self.loss,
            "output": self.output,
        }

    @classmethod
    def from_dict(cls, data: Any) -> Graph:
        """Return the graph that `to_dict` wrote; anything else raises `GraphError`."""
        if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), list):
            raise GraphError("not a graph's data: it must hold a list of nodes, the loss and the output")
        loss, output = data.get("loss"), data.get("output")
        if not all(name is None or isinstance(name, str) for name in (loss, output)):
            raise GraphError("not a graph's data: loss and output must be names")
        return cls([node_from_dict(entry) for entry in data["nodes"]], loss=loss, output=output)

    def __repr__(self) -> str:
        return f"<Graph of {len(self):,} nodes, {self.parameters.size:,} parameters>"

    def __str__(self) -> str:
        return self.table()

    def table(self) -> str:
        """Return the graph as a text table: node, operation, inputs, shape, parameters."""
        header = ("node", "operation", "from", "shape", "parameters")
        rows = [header]
        for node in self.nodes:
            count = f"{self.parameters.count(node.name):,}" if node.operation == "parameter" else ""
            rows.append((node.name, node.operation, ", ".join(node.inputs), show_shape(self.shape(node.name)), count))
        rows.append(("", "", "", "total", f"{self.parameters.size:,}"))
        widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
        lines = [
            "  ".join(
                cell.rjust(width) if column == 4 else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])

    def to_svg(self) -> str:
        """Return a picture of the graph: the forward lane, and below it the backward lane."""
        from chainrule.graph.draw import draw_graph

        return draw_graph(self)

    def _repr_svg_(self) -> str:
        return self.to_svg()


def _names(node: Node) -> dict[str, str]:
    """Return the node's own names by role."""
    return dict(zip(node.record.input_roles(len(node.inputs)), node.inputs, strict=True)) | {"out": node.name}


def _render_by_input(
    formulas: Mapping[str, Formula], node: Node, style: Style, only: str | None = None
) -> dict[str, str]:
    """Render the formulas that a record has for its roles; one that repeats has one formula for all its terms."""
    names = _names(node)
    rendered = {}
    for key, source in zip(node.record.input_roles(len(node.inputs)), node.inputs, strict=True):
        family = key if key in formulas else key.rstrip("0123456789")
        if family in formulas and only in (None, source):
            # a map on top, not a copy: a sum over n terms must not cost n * n
            rendered[source] = _render(formulas[family], ChainMap({family: source}, names), style)
    return rendered


def _render(formula: Formula, names: Mapping[str, str], style: Style) -> str:
    return render_mathml(formula, names) if style == "mathml" else formula.render(style, names)


def _rebuild(nodes: tuple[Node, ...], loss: str | None, output: str | None) -> Graph:
    return Graph(nodes, loss=loss, output=output)

"""The chain rule along the paths of a graph, in symbols.

A derivative is a sum over paths: along each, the product of the local derivatives from node to node.
`chainrule.inspection.ledger` writes the same out entry by entry, with numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log10

from chainrule.errors import InputError
from chainrule.graph import Graph, Node
from chainrule.graph.formula import Formula, Named, row
from chainrule.inspection.routes import Edge, edges_between, local_formula, loss_of
from chainrule.inspection.subject import Inspected, resolve

MOST_SHOWN = 8
"""Factors of a path that are printed; of a longer one the middle is left out."""


@dataclass(frozen=True)
class LocalDerivative:
    """One factor of the chain rule: the derivative of a node by one of its inputs.

    Attributes
    ----------
    target, source
        The node and the input.
    formula
        What it is, from the operation's record: ``X``.
    shorthand
        The same step as the backward pass takes it, dQ standing for dJ/dQ: ``dW1 = Xᵀ dZ1``.
    """

    target: str
    source: str
    formula: str
    shorthand: str

    @property
    def symbol(self) -> str:
        """``dZ1/dW1``."""
        return f"d{self.target}/d{self.source}"


@dataclass(frozen=True)
class Path:
    """One path of nodes and the chain rule along it.

    Attributes
    ----------
    nodes
        From the start to the loss.
    factors
        The local derivatives in the order in which they are written: the loss's first.
    """

    nodes: tuple[str, ...]
    factors: tuple[LocalDerivative, ...]

    @property
    def chain(self) -> str:
        """``dJ/dW1 = dJ/dZ2 · dZ2/dA1 · dA1/dZ1 · dZ1/dW1``."""
        product = " · ".join(elided([factor.symbol for factor in self.factors])) or "1"
        return f"d{self.nodes[-1]}/d{self.nodes[0]} = {product}"

    @property
    def formulas(self) -> str:
        """The factors as the registry has them: ``1/m (p − y) · W2 · I(Z1 > 0) · X``."""
        return " · ".join(elided([grouped(factor.formula) for factor in self.factors])) or "1"

    @property
    def shorthand(self) -> str:
        """The backward pass along the path: ``dZ2 = 1/m (p − y), dA1 = dZ2 W2ᵀ, ...``."""
        return ", ".join(elided([factor.shorthand for factor in self.factors]))

    def __str__(self) -> str:
        lines = folded(" → ".join(elided(list(self.nodes))), " → ", indent=4)
        derivative, product = self.chain.split(" = ", 1)
        lines += folded(f"  {derivative} = {product}", " · ", indent=len(derivative) + 5)
        if self.factors:
            lines += folded(f"  {'':{len(derivative)}} = {self.formulas}", " · ", indent=len(derivative) + 5)
            lines += folded(f"  shorthand: {self.shorthand}", ", ", indent=13)
        return "\n".join(lines)


@dataclass(frozen=True)
class Paths:
    """The paths from a node to the loss: its gradient is the sum over them.

    Attributes
    ----------
    start, end
        The node differentiated by, and the loss.
    total
        How many paths there are.
    found
        The paths themselves, at most as many as were asked for.
    """

    start: str
    end: str
    total: int
    found: tuple[Path, ...]

    def __iter__(self) -> Iterator[Path]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, place: int) -> Path:
        return self.found[place]

    def __str__(self) -> str:
        count = "1 path" if self.total == 1 else f"{show_count(self.total)} paths"
        lines = [f"d{self.end}/d{self.start}: {count}" + ("; they add up" if self.total > 1 else "")]
        lines += [str(path) for path in self.found]
        if self.total > len(self.found):
            lines.append(f"and {show_count(self.total - len(self.found))} more")
        return "\n".join(lines)


def paths(model: Inspected, start: str, *, end: str | None = None, most: int = 64) -> Paths:
    """Return the paths along which ``start`` acts on the loss, each with its factors.

    Parameters
    ----------
    model
        A graph, or what has one: see `chainrule.inspection.subject.resolve`.
    start
        A node's name, as a rule a parameter: ``"W1"``.
    end
        Another node to differentiate; the graph's loss by default.
    most
        How many paths to write out. They are counted in any case: a graph with 100 skip connections has
        2^100.

    Raises
    ------
    GraphError
        If there is no such node.
    InputError
        If the graph has no loss and ``end`` is None, or ``most`` is negative.
    """
    graph = resolve(model).graph
    end = loss_of(graph) if end is None else graph[end].name
    if most < 0:
        raise InputError(f"most= must be at least 0, got {most!r}")
    edges = edges_between(graph, start, end)
    users: dict[str, list[Edge]] = {}
    counts = {start: 1}
    for edge in edges:
        users.setdefault(edge.source, []).append(edge)
        counts[edge.target] = counts.get(edge.target, 0) + counts[edge.source]
    found: list[Path] = []
    for walked in _walks(users, start, end):
        if len(found) == most:
            break
        found.append(_path(graph, start, walked))
    return Paths(start, end, counts.get(end, 0), tuple(found))


def _walks(users: dict[str, list[Edge]], start: str, end: str) -> Iterator[list[Edge]]:
    """Depth first, with a stack of its own: every edge leads on to the end, so each dive finds a path."""
    walked: list[Edge] = []
    stack = [iter(users.get(start, []))]
    if start == end:
        yield []
    while stack:
        edge = next(stack[-1], None)
        if edge is None:
            stack.pop()
            if walked:
                walked.pop()
            continue
        walked.append(edge)
        if edge.target == end:
            yield list(walked)
            walked.pop()
        else:
            stack.append(iter(users[edge.target]))


def _path(graph: Graph, start: str, walked: list[Edge]) -> Path:
    factors = tuple(local_derivative(graph, edge) for edge in reversed(walked))
    return Path((start, *(edge.target for edge in walked)), factors)


def local_derivative(graph: Graph, edge: Edge) -> LocalDerivative:
    """Return the factor that an edge of the graph contributes, in symbols."""
    node = graph[edge.target]
    role = node.record.input_roles(len(node.inputs))[edge.position]
    gradient = node.record.gradients.get(role, node.record.gradients.get(role.rstrip("0123456789")))
    return LocalDerivative(
        target=edge.target,
        source=edge.source,
        formula=named(local_formula(node, edge.position), node, edge.position).render("text", {}),
        shorthand=named(gradient, node, edge.position).render("text", {}),
    )


def named(formula: Formula | None, node: Node, position: int) -> Formula:
    """Return a formula of the node's record in the graph's names; ``position`` is the input it is about."""
    if formula is None:
        return row("")
    roles = node.record.input_roles(len(node.inputs))
    names = dict(zip(roles, node.inputs, strict=True)) | {"out": node.name}
    if node.record.variadic:
        names[node.record.roles[-1].rstrip("*")] = node.inputs[position]
    return Named(formula, names)


def grouped(formula: str) -> str:
    """Bracket a formula that would fall apart in a product: ``1 + x`` but not ``f(x + 1)``."""
    depth = 0
    for place, letter in enumerate(formula):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0 and letter in "+−" and place > 0:
            return f"({formula})"
    return formula


def elided(parts: list[str]) -> list[str]:
    """Leave out the middle of a long row."""
    half = MOST_SHOWN // 2
    if len(parts) <= MOST_SHOWN + 1:
        return parts
    return [*parts[:half], f"… ({len(parts) - 2 * half} more) …", *parts[-half:]]


def folded(line: str, separator: str, indent: int, width: int = 78) -> list[str]:
    """Break a long line after separators, and indent what follows."""
    lines = [""]
    parts = line.split(separator)
    for place, part in enumerate(parts):
        piece = part + (separator if place < len(parts) - 1 else "")
        if lines[-1].strip() and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append(" " * indent)
        lines[-1] += piece
    return [text.rstrip() for text in lines]


def show_count(count: int) -> str:
    """Return a count as text, of any size."""
    return f"{count:,}" if count < 10**15 else f"about 10^{int(log10(count))}"

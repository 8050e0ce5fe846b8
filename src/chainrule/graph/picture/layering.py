"""Which column and row of a picture each node takes: the combinatorial half of a layered drawing.

Values flow from left to right, so a node's column lies right of all its inputs' columns. Parameters, labels,
weights and noise take no column of their own: each is a satellite of one node that takes it, and stands with it.
The longest path to the loss keeps to row 0; side branches get rows below it (above, if the loss does not depend
on them), in an order with few crossings. Very deep graphs lose their middle to one place holder.

The scheme is that of Sugiyama, Tagawa and Toda 1981, "Methods for visual understanding of hierarchical system
structures", with longest-path layers. Everything is iterative and, for a given graph, always the same.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from chainrule.graph.graph import Graph

SATELLITES = ("parameter", "labels", "weights", "noise")
ELIDED = ""
"""Stands for the nodes left out of a picture; no node can have this name."""

MOST_LAYERS = 40
KEPT_LAYERS = 5
KEPT_COLUMNS = 12
SWEEPS = 8


@dataclass(frozen=True)
class Link:
    """A value that flows from one shown node to another, and maybe a gradient that flows back.

    Links of one bundle may share lines: those from one source, and penalties on their way to one sum.
    """

    source: str
    target: str
    gradient: bool
    bundle: tuple[str, str]


@dataclass(frozen=True)
class Elision:
    """How many nodes, and how many dense layers among them, a picture leaves out."""

    nodes: int
    layers: int


@dataclass(frozen=True)
class Layering:
    """Where nodes stand in the grid; `ELIDED` is among them if ``elision`` is given.

    Attributes
    ----------
    column, row
        Place of every shown node that is no satellite. Row 0 is the main path, rows above it are negative.
    satellites
        For every node with a place, the sources that stand with it, in the order of its inputs.
    pendants
        For some satellites, the one other node that takes them and nothing else (a penalty on a weight): it
        stands with its satellite.
    links
        Everything that flows, the flows inside a place (satellite to node) included.
    gradients
        The nodes whose gradient training needs.
    """

    column: Mapping[str, int]
    row: Mapping[str, int]
    satellites: Mapping[str, tuple[str, ...]]
    pendants: Mapping[str, str]
    links: tuple[Link, ...]
    gradients: frozenset[str]
    elision: Elision | None


def arrange(graph: Graph) -> Layering:
    """Return columns, rows and links of a graph's picture."""
    depth, on_data = _depths(graph)
    column, host, pendants = _columns(graph, depth, on_data)
    main = _main_path(graph, column)
    hidden, column, elision = _elide(graph, column, host, main)
    satellites: dict[str, list[str]] = {name: [] for name in column}
    for name, keeper in host.items():
        if keeper in satellites and graph[name].is_source:
            satellites[keeper].append(name)
    gradients = graph.gradient_nodes
    links = _links(graph, column, host, gradients, on_data)
    row = _rows(graph, column, host, main | {ELIDED}, links)
    shown = {
        keeper: tuple(sorted(names, key=graph[keeper].inputs.index)) for keeper, names in satellites.items() if names
    }
    pendants = {name: pendant for name, pendant in pendants.items() if host[name] in column}
    return Layering(column, row, shown, pendants, links, gradients - hidden, elision)


def _columns(
    graph: Graph, depth: Mapping[str, int], on_data: set[str]
) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
    """Return a column for every node with one, the node that each other stands with, and the pendants."""
    consumers = graph.consumers
    when_needed: dict[str, float] = {}
    for node in reversed(graph.nodes):
        if node.name not in on_data:
            uses = [depth[user] if user in on_data else when_needed[user] for user in consumers[node.name]]
            when_needed[node.name] = min(uses, default=inf)
    place = {node.name: i for i, node in enumerate(graph.nodes)}

    def turn(name: str) -> tuple[float, bool, int]:
        """Order of computation in which a penalty on a weight comes after the layer that uses the weight."""
        return (depth[name], True, place[name]) if name in on_data else (when_needed[name], False, place[name])

    is_satellite = {node.name: node.operation in SATELLITES and bool(consumers[node.name]) for node in graph.nodes}
    host = {name: min(consumers[name], key=turn) for name, tied in is_satellite.items() if tied}
    pendants = {}
    for name, keeper in host.items():
        others = [user for user in consumers[name] if user != keeper]
        if len(others) == 1 and others[0] not in on_data and graph[others[0]].inputs == (name,):
            pendants[name] = others[0]
    host |= {pendant: host[name] for name, pendant in pendants.items()}
    computed = [node for node in graph.nodes if not node.is_source and node.name not in host]
    column = {node.name: 0 for node in graph.nodes if node.is_source and not is_satellite[node.name]}
    for node in sorted(computed, key=lambda node: turn(node.name)):
        before = [column[host.get(name, name)] for name in node.inputs if host.get(name) != node.name]
        column[node.name] = 1 + max(before, default=0)
    _pull_right(graph, column, host)
    used = {number: i for i, number in enumerate(sorted(set(column.values())))}
    return {name: used[number] for name, number in column.items()}, host, pendants


def _depths(graph: Graph) -> tuple[dict[str, int], set[str]]:
    """Return the longest path to each node from any source, and the nodes that depend on data."""
    depth: dict[str, int] = {}
    on_data: set[str] = set()
    for node in graph.nodes:
        depth[node.name] = 0 if node.is_source else 1 + max(depth[name] for name in node.inputs)
        if node.operation == "data" or any(name in on_data for name in node.inputs):
            on_data.add(node.name)
    return depth, on_data


def _pull_right(graph: Graph, column: dict[str, int], host: Mapping[str, str]) -> None:
    """Move branches that start late towards where they are used: a shorter line is easier to follow."""
    consumers = graph.consumers
    free: dict[str, bool] = {}
    for node in graph.nodes:
        free[node.name] = all(free[name] and set(consumers[name]) == {node.name} for name in node.inputs)
    for node in reversed(graph.nodes):
        users = [column[host.get(user, user)] for user in consumers[node.name]]
        if node.name not in host and free[node.name] and users:
            column[node.name] = max(column[node.name], min(users) - 1)


def _main_path(graph: Graph, column: Mapping[str, int]) -> set[str]:
    """Return the nodes of a longest path to the loss; without one, to the output or the last node."""
    end = graph.loss or graph.output or max(column, key=lambda name: column[name], default=None)
    path: set[str] = set()
    while end is not None:
        path.add(end)
        before = [name for name in graph[end].inputs if name in column]
        end = max(before, key=lambda name: column[name], default=None)
    return path


def _elide(
    graph: Graph, column: dict[str, int], host: Mapping[str, str], main: set[str]
) -> tuple[set[str], dict[str, int], Elision | None]:
    """Return the nodes left out, the columns of the others, and what to say of it."""
    layers = sorted(column[name] for name in main if graph[name].operation == "dense")
    last = max(column.values(), default=0)
    if len(layers) > MOST_LAYERS:
        kept = max([1] + [k for k in range(1, KEPT_LAYERS + 1) if layers[k] - layers[0] <= KEPT_COLUMNS])
        start, stop = layers[kept], layers[-kept]
    elif last > 2 * MOST_LAYERS + KEPT_COLUMNS:
        start, stop = KEPT_COLUMNS, last - KEPT_COLUMNS
    else:
        return set(), column, None
    hidden = {name for name, number in column.items() if start <= number < stop}
    hidden |= {name for name, keeper in host.items() if keeper in hidden}
    shown = {name: n if n < start else n - stop + start + 1 for name, n in column.items() if name not in hidden}
    count = sum(graph[name].operation == "dense" for name in hidden)
    return hidden, shown | {ELIDED: start}, Elision(len(hidden), count)


def _links(
    graph: Graph,
    column: Mapping[str, int],
    host: Mapping[str, str],
    gradients: frozenset[str],
    on_data: set[str],
) -> tuple[Link, ...]:
    """Return what flows between shown nodes, each pair once."""
    found: dict[tuple[str, str], Link] = {}
    for node in graph.nodes:
        target = node.name if host.get(node.name, node.name) in column else ELIDED
        roles = () if node.is_source else node.record.input_roles(len(node.inputs))
        for role, name in zip(roles, node.inputs, strict=True):
            source = name if host.get(name, name) in column else ELIDED
            if source == target:
                continue
            penalty = node.operation == "add" and name not in on_data
            bundle = ("to", target) if penalty else ("from", source)
            gradient = name in gradients and node.name in gradients and node.record.carries_gradient(role)
            known = found.get((source, target))
            gradient = gradient or (known is not None and known.gradient)
            found[source, target] = Link(source, target, gradient, known.bundle if known else bundle)
    return tuple(found.values())


def _rows(
    graph: Graph, column: Mapping[str, int], host: Mapping[str, str], main: set[str], links: Iterable[Link]
) -> dict[str, int]:
    """Return rows such that few links cross: barycenter sweeps, the best of all passes kept."""
    leads_to_loss = {graph.loss or graph.output}
    for node in reversed(graph.nodes):
        if node.name in leads_to_loss:
            leads_to_loss.update(node.inputs)
    sides: dict[tuple[int, int], list[str]] = {}
    for name in sorted(column, key=lambda name: column[name]):
        if name not in main:
            side = -1 if graph.loss and name not in leads_to_loss else 1
            sides.setdefault((column[name], side), []).append(name)
    row = dict.fromkeys(column, 0)
    for (_, side), names in sides.items():
        row.update({name: side * (i + 1) for i, name in enumerate(names)})
    pairs = [(host.get(link.source, link.source), host.get(link.target, link.target)) for link in links]
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    left: dict[str, list[str]] = {name: [] for name in column}
    right: dict[str, list[str]] = {name: [] for name in column}
    for source, target in pairs:
        right[source].append(target)
        left[target].append(source)
    best, least = dict(row), _cost(pairs, column, row)
    for sweep in range(SWEEPS if sides else 0):
        neighbours = right if sweep % 2 else left
        for (_, side), names in sorted(sides.items(), reverse=bool(sweep % 2)):
            wish = {name: side * _mean([row[other] for other in neighbours[name]], row[name]) for name in names}
            taken = 0
            for name in sorted(names, key=lambda name: wish[name]):
                taken = max(taken + 1, round(wish[name]))
                row[name] = side * taken
        cost = _cost(pairs, column, row)
        if cost < least:
            best, least = dict(row), cost
    return best


def _mean(numbers: list[int], default: float) -> float:
    return sum(numbers) / len(numbers) if numbers else default


def _cost(pairs: list[tuple[str, str]], column: Mapping[str, int], row: Mapping[str, int]) -> tuple[int, int]:
    """Return the number of crossings between neighbouring columns, then how far links run up and down."""
    gaps: dict[int, list[tuple[int, int]]] = {}
    for source, target in pairs:
        for number in range(column[source], column[target]):
            gaps.setdefault(number, []).append((row[source], row[target]))
    crossings = 0
    for gap in gaps.values():
        seen: list[int] = []
        for _, end in sorted(gap):
            crossings += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return crossings, sum(abs(row[source] - row[target]) for source, target in pairs)

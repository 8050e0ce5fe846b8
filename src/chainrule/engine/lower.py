"""A graph taken down to instructions: order, fusion, what stands where.

Nodes of shape (m, n) are computed on blocks of rows, forward and then backward, while a block is in cache; what all
rows contribute to the gradient of a matrix or vector is summed afterwards (the reductions). Nodes of a fixed shape
are functions of parameters alone and are computed once per step.

No copy is made where a value can take the place of one that is not needed any more: an activation takes the place of
its input, a gradient that of the gradient it is made from, dZ that of the logits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

from chainrule.engine.instructions import NOWHERE, Code, Instruction, Instructions, Loss, Place, Space
from chainrule.engine.memory import Use, allot
from chainrule.engine.rules import RULES
from chainrule.engine.steps import Key, Step, unsupported
from chainrule.errors import UnsupportedError
from chainrule.graph import Graph, Node
from chainrule.graph.operation import BATCH, show_shape
from chainrule.graph.ops import ACTIVATIONS

PADDING = 16  # columns: a row of the arena is whole cache lines, also of float32


def lower_for_prediction(graph: Graph) -> Instructions:
    """Return the instructions that compute ``graph.output``, without noise.

    Raises
    ------
    UnsupportedError
        If no kernel covers the graph; the message names the first node without one.
    """
    if graph.output is None:
        raise UnsupportedError("this graph has no output to predict: build it with Graph(nodes, output=...)")
    lowering = Lowering(graph, graph.output, training=False)
    output = graph[graph.output]
    if not lowering.by_rows(output.name) or output.is_source:
        raise unsupported(output, "is no function of the rows, which a prediction must be")
    lowering.forward()
    return lowering.finish(output.name)


def lower_for_training(graph: Graph) -> Instructions:
    """Return the instructions that compute ``graph.loss`` and its gradient by all parameters.

    Raises
    ------
    UnsupportedError
        If no kernel covers the graph; the message names the first node without one.
    """
    if graph.loss is None:
        raise UnsupportedError("this graph has no loss to minimise: build it with Graph(nodes, loss=...)")
    lowering = Lowering(graph, graph.loss, training=True)
    lowering.forward()
    lowering.backward()
    return lowering.finish(None)


class Lowering:
    """The state of a lowering: steps so far, and which keys share a place."""

    def __init__(self, graph: Graph, end: str, *, training: bool) -> None:
        self.graph = graph
        self.training = training
        needed = _ancestors(graph, end)
        self.nodes = [node for node in graph.nodes if node.name in needed]
        for node in self.nodes:
            self._check(node)
        self.uses = Counter(name for node in self.nodes for name in node.inputs)
        self.consumer = {name: node for node in self.nodes for name in node.inputs}  # the last one of several
        self.differentiable = _dependents(self.nodes, {n.name for n in self.nodes if n.operation == "parameter"})
        self.streams = {node.name: i for i, node in enumerate(graph.of_kind("noise"))}
        self.data = tuple(node.name for node in self.nodes if node.operation == "data")
        self.homes: dict[Key, Key] = {}
        self.written: set[Key] = set()
        self.row_steps: list[Step] = []
        self.n_forward = 0
        self.fixed_forward: list[Step] = []
        self.fixed_backward: list[Step] = []
        self.reductions: list[Step] = []
        self.losses: list[Loss] = []
        self.labels: str | None = None
        self.coefficients = _coefficients(graph, self.nodes) if training else {}
        self.penalties: dict[str, float] = {}

    def by_rows(self, name: str) -> bool:
        """Whether a node has a row for each row of the batch."""
        return BATCH in self.graph.shape(name)[:1]

    def _check(self, node: Node) -> None:
        shape = self.graph.shape(node.name)
        if node.operation in ("labels", "weights"):
            return
        if BATCH in shape and (len(shape) != 2 or BATCH in shape[1:]):
            raise unsupported(node, f"has shape {show_shape(shape)}; kernels take (m, n) and fixed shapes")
        if node.operation == "data" and not self.by_rows(node.name):
            raise unsupported(node, f"has the fixed shape {show_shape(shape)}; kernels take data with a row per row")
        if not node.is_source and node.operation not in RULES:
            raise unsupported(node, "has no compiled kernel yet")
        for name in node.inputs[1:] if node.operation in ("dense", "scale") else ():
            if self.by_rows(name):
                raise unsupported(node, f"takes {name!r}, which has a row per row of the batch, as its weight")

    # forward

    def forward(self) -> None:
        """Emit what computes every value."""
        for node in self.nodes:
            if node.is_source or self.coefficients.get(node.name):  # a term of the loss: see backward
                continue
            rule = RULES[node.operation].forward
            if rule is not None:
                rule(self, node)
        self.n_forward = len(self.row_steps)

    def emit(self, node: str, code: Code, a: str, **more: Any) -> None:
        """Add the step that computes a node's value from ``a`` and more."""
        step = Step(code, Key(node), Key(a), **more)
        (self.row_steps if self.by_rows(node) else self.fixed_forward).append(step)

    def share(self, key: Key, place_of: Key) -> None:
        """Let ``key`` stand where ``place_of`` stands."""
        self.homes[key] = place_of

    def is_overwritable(self, name: str) -> bool:
        """Whether the one consumer of a node may write over its value: nothing else, backward included, reads it."""
        node = self.graph[name]
        keeps_output = self.training and (node.operation in ACTIVATIONS or node.operation == "softmax")
        return not (node.is_source or keeps_output) and self.uses[name] == 1 and name != self.graph.output

    # backward

    def backward(self) -> None:
        """Emit what computes every gradient, from the loss down."""
        for node in reversed(self.nodes):
            if node.is_source:
                continue
            rule = RULES[node.operation]
            if rule.forward is None or Key(node.name, True) in self.written:
                rule.backward(self, node)

    def needs_gradient(self, name: str) -> bool:
        """Whether a node's gradient is of use: parameters stand before it."""
        return name in self.differentiable

    def emit_gradient(self, of: str, code: Code, a: Key, *, sums_rows: bool = False, **more: Any) -> None:
        """Add the step that contributes to the gradient of a node."""
        if not self.needs_gradient(of):
            return
        step = Step(code, Key(of, True), a, **more)
        self.written.add(Key(of, True))
        if sums_rows:
            self.reductions.append(step)
        else:
            (self.row_steps if self.by_rows(of) else self.fixed_backward).append(step)

    def reuse_gradient(self, node: Node) -> None:
        """Let the gradient of a node's only input be made in place of the node's own."""
        (x, *_) = node.inputs
        if self.uses[x] == 1 and self.needs_gradient(x) and self.graph[x].operation != "parameter":
            self.share(Key(x, True), Key(node.name, True))

    # places

    def finish(self, output: str | None) -> Instructions:
        """Return the instructions, each key with its place."""
        places = self._places(output)
        written: set[Key] = set()

        def accumulates(step: Step) -> bool:
            """Whether it adds to its place: the first contribution to a gradient, in the order of running, does not."""
            if step.out is None or not step.out.is_gradient:
                return step.accumulate
            first = step.out not in written
            written.add(step.out)
            return not first

        def place(key: Key | None) -> Place:
            return NOWHERE if key is None else places[key]

        def placed(steps: Sequence[Step]) -> tuple[Instruction, ...]:
            return tuple(
                Instruction(
                    step.code,
                    place(step.out),
                    place(step.a),
                    place(step.b),
                    place(step.c),
                    accumulate=accumulates(step),
                    activation=step.activation,
                    stream=step.stream,
                    number=step.number,
                )
                for step in steps
            )

        rows = placed(self.row_steps)
        reductions = placed(self.reductions)
        fixed_backward = placed(self.fixed_backward)
        sizes = [
            place.offset + place.stride * max(place.rows, 1) for place in places.values() if place.space == Space.FIXED
        ]
        columns = [place.offset + place.stride for place in places.values() if place.space == Space.ROWS]
        return Instructions(
            data=self.data,
            labels=self.labels,
            output=NOWHERE if output is None else places[Key(output)],
            forward=rows[: self.n_forward],
            backward=rows[self.n_forward :],
            reductions=reductions,
            fixed_forward=placed(self.fixed_forward),
            fixed_backward=fixed_backward,
            losses=tuple(self.losses),
            penalties=tuple(self.penalties.items()),
            arena_columns=max(columns, default=0),
            fixed_size=max(sizes, default=0),
        )

    def _home(self, key: Key) -> Key:
        home = key
        while home in self.homes:
            home = self.homes[home]
        if home != key:
            self.homes[key] = home  # the next search is short
        return home

    def _places(self, output: str | None) -> dict[Key, Place]:
        """Return the place of every key; those whose lifetimes don't overlap share memory."""
        uses: dict[Key, Use] = {}
        ever = len(self.row_steps)
        for time, step in [*enumerate(self.row_steps), *((ever, step) for step in self.reductions)]:
            for key in step.named():
                home = self._home(key)
                if self.by_rows(home.node) and self.graph[home.node].operation != "data":
                    first = uses[home].first if home in uses else time
                    uses[home] = Use(first, time, self._stride(home.node))
        if output is not None:
            uses[self._home(Key(output))] = replace(uses[self._home(Key(output))], last=ever)
        offsets = allot(uses)
        places: dict[Key, Place] = {}
        fixed = 0
        steps = (*self.row_steps, *self.reductions, *self.fixed_forward, *self.fixed_backward)
        for key in dict.fromkeys(key for step in steps for key in step.named()):
            home = self._home(key)
            if home not in places:
                places[home] = self._place(home, offsets, fixed)
                if places[home].space == Space.FIXED:
                    fixed += places[home].stride * places[home].rows
            places[key] = replace(places[home], columns=self._columns(key.node))
        return places

    def _place(self, key: Key, offsets: dict[Key, int], fixed: int) -> Place:
        node, columns = self.graph[key.node], self._columns(key.node)
        if node.operation == "data":
            return Place(Space.DATA, self.data.index(node.name), 0, columns, self._stride(node.name))
        if self.by_rows(node.name):
            return Place(Space.ROWS, offsets[key], 0, columns, self._stride(node.name))
        rows = prod(int(extent) for extent in self.graph.shape(node.name)[:-1])
        if node.operation == "parameter":
            space = Space.GRADIENT if key.is_gradient else Space.PARAMETER
            return Place(space, self.graph.parameters.where(node.name).start, rows, columns, columns)
        return Place(Space.FIXED, fixed, rows, columns, columns)

    def _columns(self, name: str) -> int:
        return int((self.graph.shape(name) or (1,))[-1])

    def _stride(self, name: str) -> int:
        return max(-(-self._columns(name) // PADDING), 1) * PADDING


def _ancestors(graph: Graph, name: str) -> set[str]:
    """Return a node and all nodes it is computed from."""
    found, waiting = {name}, [name]
    while waiting:
        for source in graph[waiting.pop()].inputs:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _dependents(nodes: Sequence[Node], sources: set[str]) -> set[str]:
    """Return the sources and all nodes computed from them; ``nodes`` are in order."""
    found = set(sources)
    for node in nodes:
        if any(name in found for name in node.inputs):
            found.add(node.name)
    return found


def _coefficients(graph: Graph, nodes: Sequence[Node]) -> dict[str, float]:
    """Return how often each term counts in the loss, which must be a sum of cross-entropies and penalties."""
    coefficients: Counter[str] = Counter({str(graph.loss): 1})
    for node in reversed(nodes):
        if coefficients[node.name] == 0:
            continue
        if node.operation == "add":
            for term in node.inputs:
                coefficients[term] += coefficients[node.name]
        elif node.operation not in ("softmax_cross_entropy", "sigmoid_cross_entropy", "l2"):
            raise unsupported(node, "is no term of a loss that kernels cover (sums of cross-entropies and l2)")
    return {name: float(count) for name, count in coefficients.items()}

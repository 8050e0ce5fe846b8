"""Random graphs and arrays for the tests of ``chainrule.graph``."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from hypothesis import strategies as st

from chainrule.errors import ShapeError
from chainrule.graph import Graph, Node
from chainrule.graph.operation import Operation

ROWS = 4
SMOOTH = ("tanh", "sigmoid", "gelu", "silu")
# Values of attributes worth testing; an operation's other attributes keep their defaults.
ATTRIBUTES = {
    "class_weight": [None, (0.5, 2.0, 0.0, 1.5)],
    "label_smoothing": [0.0, 0.3],
    "slope": [0.01, 0.4],
    "rate": [0.0, 0.3, 0.9],
    "strength": [0.0, 0.7],
}


@dataclass(frozen=True)
class Example:
    """One way to call an operation: arrays for its inputs (None where absent) and attributes."""

    shapes: tuple[tuple[int | str, ...], ...]
    inputs: list[np.ndarray]
    attributes: dict[str, object]


def examples(record: Operation, rng: np.random.Generator) -> list[Example]:
    """Return calls of an operation with every number of inputs and every combination of attributes."""
    counts = (1, 2, 3) if record.variadic else range(record.required, len(record.roles) + 1)
    known = [name for name in record.attributes if name in ATTRIBUTES]
    found = []
    for count in counts:
        for values in product(*(ATTRIBUTES[name] for name in known)):
            attributes = {**record.attributes, **dict(zip(known, values, strict=True))}
            shapes = _fitting_shapes(record, count, attributes)
            roles = record.input_roles(count)
            inputs = [_array(role, shape, rng) for role, shape in zip(roles, shapes, strict=True)]
            found.append(Example(shapes, inputs, attributes))
    return found


def _fitting_shapes(record: Operation, count: int, attributes: dict[str, object]) -> tuple[tuple[int | str, ...], ...]:
    """Return the first shapes that the operation's rule accepts."""
    candidates = [("m", 4), (4, 3), (4,), (3,), ("m",), ()]
    for shapes in product(candidates, repeat=count):
        try:
            record.shape(*shapes, **attributes)
        except ShapeError:
            continue
        return shapes
    raise AssertionError(f"{record.name} accepts no combination of {candidates}: add the shapes it needs")


def concrete(shape: tuple[int | str, ...]) -> tuple[int, ...]:
    return tuple(ROWS if extent == "m" else int(extent) for extent in shape)


def _array(role: str, shape: tuple[int | str, ...], rng: np.random.Generator) -> np.ndarray:
    if role == "labels" and len(shape) == 2:  # a column of 0 and 1 per class
        return rng.integers(0, 2, size=concrete(shape))
    if role == "labels":
        return rng.permutation(4)[: concrete(shape)[0]]
    if role in ("weights", "noise"):
        return rng.random(concrete(shape))
    values = rng.normal(size=concrete(shape))
    return values + 0.2 * np.sign(values)  # 0.2 away from 0, where relu, leaky_relu and selu have their kinks


@dataclass
class Growing:
    """A graph in the making, and the widths of its batched nodes."""

    nodes: list[Node] = field(default_factory=list)
    width: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, operation: str, *inputs: str, width: int | None = None, **more: object) -> str:
        shape = more.pop("shape", None)
        self.nodes.append(Node(name, operation, inputs, more, shape))
        if width is not None:
            self.width[name] = width
        return name


@st.composite
def random_graphs(draw: st.DrawFn, most_nodes: int = 12) -> Graph:
    """Draw a classifier's graph: several data sources, fan-out, skip connections, tied weights, penalties."""
    growing = Growing()
    for i in range(draw(st.integers(1, 3))):
        size = draw(st.integers(1, 3))
        growing.add(f"X{i}", "data", width=size, shape=("m", size))
    weights: list[tuple[str, int, int]] = []
    for i in range(draw(st.integers(0, most_nodes))):
        x = draw(st.sampled_from(sorted(growing.width)))
        _grow(draw, growing, weights, x, i)
    # the last node has the longest way behind it, another one gives it company
    ends = [list(growing.width)[-1], draw(st.sampled_from(sorted(growing.width)))]
    for i, end in enumerate(ends):
        growing.add(f"V{i}", "parameter", shape=(growing.width[end], 3))
        growing.add(f"L{i}", "dense", end, f"V{i}", width=3)
    growing.add("Z", "add", "L0", "L1", width=3)
    growing.add("p", "softmax", "Z")
    growing.add("y", "labels", shape=("m",))
    growing.add("J", "softmax_cross_entropy", "Z", "y")
    loss = "J"
    penalised = draw(st.lists(st.sampled_from(["V0", "V1", *(name for name, *_ in weights)]), unique=True))
    for i, weight in enumerate(penalised):
        growing.add(f"R{i}", "l2", weight, strength=0.1)
    if penalised:
        loss = growing.add("objective", "add", "J", *(f"R{i}" for i in range(len(penalised))))
    order = draw(st.permutations(growing.nodes)) if draw(st.booleans()) else growing.nodes
    return Graph(order, loss=loss, output="p")


def _grow(draw: st.DrawFn, growing: Growing, weights: list[tuple[str, int, int]], x: str, i: int) -> None:
    width = growing.width[x]
    kind = draw(st.sampled_from(["dense", "tied", "activation", "add", "scale", "dropout"]))
    tied = [weight for weight, rows, _ in weights if rows == width]
    if kind == "dense" or (kind == "tied" and not tied):
        size = draw(st.integers(1, 3))
        growing.add(f"W{i}", "parameter", shape=(width, size))
        weights.append((f"W{i}", width, size))
        bias = [growing.add(f"b{i}", "parameter", shape=(size,))] if draw(st.booleans()) else []
        growing.add(f"Z{i}", "dense", x, f"W{i}", *bias, width=size)
    elif kind == "tied":
        weight = draw(st.sampled_from(tied))
        size = next(columns for name, _, columns in weights if name == weight)
        growing.add(f"Z{i}", "dense", x, weight, width=size)
    elif kind == "activation":
        growing.add(f"A{i}", draw(st.sampled_from(SMOOTH)), x, width=width)
    elif kind == "add":
        others = sorted(name for name, other in growing.width.items() if other == width)
        growing.add(f"S{i}", "add", x, *draw(st.lists(st.sampled_from(others), max_size=3)), width=width)
    elif kind == "scale":
        growing.add(f"g{i}", "parameter", shape=(width,))
        growing.add(f"G{i}", "scale", x, f"g{i}", width=width)
    else:
        growing.add(f"U{i}", "noise", shape=("m", width))
        growing.add(f"D{i}", "dropout", x, f"U{i}", width=width, rate=0.4)


def random_data(graph: Graph, rng: np.random.Generator, rows: int = ROWS) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return arrays for the data sources, and labels 0..2."""
    data = {node.name: rng.normal(size=(rows, graph.shape(node.name)[1])) for node in graph.of_kind("data")}
    return data, rng.integers(0, 3, size=rows)

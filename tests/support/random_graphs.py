"""Small random graphs of everything the registry has, with data to run them on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from chainrule._typing import Array
from chainrule.graph import ACTIVATIONS, Graph, Node, draw_noise


@dataclass(frozen=True)
class Case:
    graph: Graph
    parameters: Array
    X: Array
    y: Array
    sample_weight: Array | None
    noise: dict[str, Array]


class _Builder:
    """Adds nodes one after the other; ``wide`` are the batched ones so far, with their widths."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.nodes: list[Node] = []
        self.matrices: dict[str, tuple[int, int]] = {}
        self.wide: dict[str, int] = {}

    def add(self, operation: str, *inputs: str, **attributes: object) -> str:
        name = f"N{len(self.nodes)}"
        self.nodes.append(Node(name, operation, inputs, attributes))
        return name

    def source(self, kind: str, *shape: int | str) -> str:
        name = f"{kind[0].upper()}{len(self.nodes)}"
        self.nodes.append(Node(name, kind, given_shape=shape))
        return name

    def pick(self) -> str:
        return self.draw(st.sampled_from(sorted(self.wide)))

    def weight(self, rows: int, columns: int) -> str:
        """A matrix: one that is there already (a shared weight), a new one, or a product of two new ones."""
        fitting = sorted(name for name, shape in self.matrices.items() if shape == (rows, columns))
        kind = self.draw(st.sampled_from(["new", "new", "shared", "product", "bent"]))
        if kind == "shared" and fitting:
            return self.draw(st.sampled_from(fitting))
        if kind == "product":
            name = self.add("dense", self.source("parameter", rows, 2), self.source("parameter", 2, columns))
        elif kind == "bent":
            name = self.add("tanh", self.source("parameter", rows, columns))
        else:
            name = self.source("parameter", rows, columns)
        self.matrices[name] = (rows, columns)
        return name

    def dense(self, source: str, columns: int) -> str:
        inputs = [source, self.weight(self.wide[source], columns)]
        if self.draw(st.booleans()):
            inputs.append(self.source("parameter", columns))
        return self.add("dense", *inputs)

    def grow(self) -> None:
        kind = self.draw(st.sampled_from(["dense", "activation", "add", "scale", "dropout", "softmax"]))
        source = self.pick()
        width = self.wide[source]
        if kind == "dense":
            width = self.draw(st.integers(1, 4))
            name = self.dense(source, width)
        elif kind == "activation":
            name = self.add(self.draw(st.sampled_from(ACTIVATIONS)), source)
        elif kind == "add":
            others = sorted(other for other, extent in self.wide.items() if extent == width)
            name = self.add("add", source, *self.draw(st.lists(st.sampled_from(others), min_size=1, max_size=2)))
        elif kind == "scale":
            name = self.add("scale", source, self.source("parameter", width))
        elif kind == "dropout":
            name = self.add("dropout", source, self.source("noise", "m", width), rate=0.3)
        else:
            name = self.add("softmax", source)
        self.wide[name] = width

    def close(self, classes: int) -> Graph:
        source = list(self.wide)[-1]
        if self.draw(st.booleans()):
            logits = self.dense(source, classes)
        else:
            logits = self.add("reference_logit", self.dense(source, classes - 1))
        inputs = [logits, self.source("labels", "m"), self.source("weights", "m")]
        smoothing = self.draw(st.sampled_from([0.0, 0.1]))
        loss = self.add("softmax_cross_entropy", *inputs, label_smoothing=smoothing)
        penalised = self.draw(st.lists(st.sampled_from(sorted([*self.matrices, *self.wide])), max_size=2))
        if penalised:
            loss = self.add("add", loss, *(self.add("l2", name, strength=0.1) for name in penalised))
        return Graph(self.nodes, loss=loss)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    builder = _Builder(draw)
    rows, features, classes = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(2, 4))
    builder.wide[builder.source("data", "m", features)] = features
    for _ in range(draw(st.integers(0, 6))):
        builder.grow()
    graph = builder.close(classes)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Case(
        graph=graph,
        parameters=random.normal(size=graph.parameters.size),
        X=random.normal(size=(rows, features)),
        y=random.integers(classes, size=rows),
        sample_weight=random.uniform(0.5, 2.0, rows) if draw(st.booleans()) else None,
        noise=draw_noise(graph, rows, random),
    )

"""How one thing is computed, locally: a value from the node's inputs, a gradient from the gradients of its users.

A gradient is a sum of shares, one for each place in which the node is used; a value has one share. Formulas, numbers
and code are written share by share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainrule._typing import Array
from chainrule.graph import Graph, Node
from chainrule.graph.code import ALL, Code, Index
from chainrule.graph.formula import (
    Formula,
    Named,
    Number,
    Role,
    Word,
    largest_first,
    product_of,
    right_side,
    row,
    sum_of,
)
from chainrule.graph.operation import BATCH, Shape, show_shape
from chainrule.inspection.entries import Entry, entry_name
from chainrule.inspection.routes import differentiated

_PRODUCT = re.compile(r"\w+(\.T)?( [@+*] \w+(\.T)?)*")


@dataclass(frozen=True)
class Share:
    """One term of what is computed.

    Attributes
    ----------
    graph, node
        The operation: the node itself for a value, the user for a gradient.
    key
        ``out``, or the role in which the user takes the node.
    result
        The node that is computed, or whose gradient is.
    """

    graph: Graph
    node: Node
    key: str
    result: str

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the operation's inputs."""
        return self.node.record.input_roles(len(self.node.inputs))

    @property
    def attributes(self) -> dict[str, Any]:
        """The operation's attributes, the node's own first."""
        return {**self.node.record.attributes, **self.node.attributes}

    def node_of(self, role: str) -> str:
        """Return which node takes a role; the operation's own for the output and its gradient."""
        return self.node.name if role in ("out", "d_out") else self.node.inputs[self.roles.index(role)]

    def code(self, values: Mapping[str, Array] | None = None) -> Code:
        """Return the operation's code for the inputs that are there: without values, no weights and no noise."""
        there = [
            role
            for role in self.roles
            if (
                self.graph[self.node_of(role)].operation not in ("weights", "noise")
                if values is None
                else self.node_of(role) in values
            )
        ]
        return self.node.record.code(self.key, there, self.attributes)

    def formula(self, whole: bool = False) -> Formula:
        """Return what is computed, in symbols; the whole equation, or its right side."""
        record = self.node.record
        family = self.key.rstrip("0123456789")
        formulas = record.gradients
        formula = record.formula if self.key == "out" else formulas.get(self.key) or formulas[family]
        names = dict(zip(self.roles, self.node.inputs, strict=True)) | {"out": self.node.name}
        return Named(
            formula if whole else right_side(formula), names | ({family: self.result} if self.key != "out" else {})
        )

    def arithmetic(self, rows: int | None) -> str:
        """Return the shapes that go in, as they are multiplied and added: ``(m, 2)(2, 100) + (100,)``."""
        written = self.code()
        shapes = {
            role: _with_rows(self.graph.shape(self.node_of(role)), rows)
            for role in (*self.roles, "d_out")
            if written.uses(role) and not (role == "d_out" and self.graph.shape(self.node.name) == ())
        }
        line = written.lines[-1]
        summed = line.endswith(".sum(axis=0)")
        line = line.removesuffix(".sum(axis=0)").removeprefix("(" if summed and line[0] == "(" else "")
        line = line.removesuffix(")") if summed and line.count(")") > line.count("(") else line
        words = set(re.findall(r"[A-Za-z]\w*", line)) - {"T"}
        if len(written.lines) > 1 or not _PRODUCT.fullmatch(line) or not words <= set(shapes):
            return (" ⊙ " if self.node.record.elementwise else ", ").join(map(show_shape, shapes.values()))
        text = re.sub(
            r"([A-Za-z]\w*)(\.T)?", lambda found: show_shape(shapes[found[1]][:: -1 if found[2] else 1]), line
        )
        text = text.replace(" @ ", "").replace(" * ", " ⊙ ")
        over = BATCH if rows is None else "the rows"
        return f"{text} summed over {over}" if summed else text

    def inputs(self, values: Mapping[str, Array], gradients: Mapping[str, Array]) -> dict[str, Array]:
        """Return the whole inputs that the code uses, by role."""
        written = self.code(values)
        found = {role: values[self.node_of(role)] for role in self.roles if self.node_of(role) in values}
        if self.key != "out":
            found["d_out"] = gradients[self.node.name]
        return {role: array for role, array in found.items() if written.uses(role)}

    def written_out(
        self, index: Index, values: Mapping[str, Array], gradients: Mapping[str, Array], sample: int | None
    ) -> tuple[Formula | None, Formula]:
        """Return the entry at ``index`` in the symbols of entries, where that says something, and in numbers."""
        written = self.code(values)
        inputs = self.inputs(values, gradients)
        few = {role: array[written.cut(role, index, array.ndim)] for role, array in inputs.items()}
        if written.terms:
            return self._terms(written, index, few, sample)
        if written.numbers is not None:
            constants = written.constants_of(
                {role: values[self.node_of(role)] for role in self.roles if self.node_of(role) in values},
                self.attributes,
            )
            return None, written.numbers(index, few, constants, **self.attributes)
        if len(written.lines) == 1 and written.lines[0] in few:  # handed on as it is
            return self._entry(written.lines[0], index, sample), Number(few[written.lines[0]].item(), alone=True)
        record = self.node.record
        formula = right_side(record.formula if self.key == "out" else record.gradients[self.key])
        places = {role: index if written.axes.get(role, ALL) == ALL else () for role in (*few, "out")}
        if self.key == "out":
            places["out"] = index
        symbols: dict[str, str | Formula] = {role: self._entry(role, places[role], sample) for role in few}
        numbers: dict[str, str | Formula] = {role: Number(array.item()) for role, array in few.items()}
        out = values.get(self.node.name)
        if out is not None:
            place = index if out.ndim else ()
            symbols["out"], numbers["out"] = self._entry("out", place, sample), Number(out[place].item())
        numbers |= {letter: Number(float(self.attributes[name])) for name, letter in record.letters.items()} | {
            "⊙": Word("·")
        }
        return Named(formula, symbols | {"⊙": Word("·")}), Named(formula, numbers)

    def _terms(
        self, written: Code, index: Index, few: Mapping[str, Array], sample: int | None
    ) -> tuple[Formula, Formula]:
        """Write a sum of products, the largest first."""
        factors = [(roles, t) for roles in written.terms for t in range(max(few[role].size for role in roles))]
        sizes = [prod(few[role].ravel()[t] for role in roles) for roles, t in factors]
        shown, rest = largest_first(sizes)
        symbols, numbers = [], []
        for roles, t in (factors[i] for i in shown):
            symbols.append(product_of([self._entry(r, self._index_of(written, r, index, t), sample) for r in roles]))
            numbers.append(product_of([Number(float(few[r].ravel()[t]), alone=False) for r in roles]))
        return sum_of(symbols, None, len(rest)), sum_of(numbers, float(sum(sizes[i] for i in rest)), len(rest))

    def _index_of(self, written: Code, role: str, index: Index, t: int) -> Index:
        if written.axes[role] == ALL:
            return index
        fixed = dict(zip(written.axes["out"], index, strict=True))
        return tuple(fixed.get(letter, t) for letter in written.axes[role])

    def _entry(self, role: str, index: Index, sample: int | None) -> Formula:
        name = entry_name(self.graph, Entry(self.node_of(role), index), sample)
        return Named(Role("q", gradient=role == "d_out"), {"q": name})


def shares_of(graph: Graph, name: str, gradient: bool) -> tuple[Share, ...]:
    """Return what a value, or a gradient, is the sum of; nothing for what is given, and for the loss's own gradient."""
    node = graph[name]
    if not gradient:
        return () if node.is_source else (Share(graph, node, "out", name),)
    reached = differentiated(graph)
    if name not in reached or name == graph.loss:
        return ()
    found = []
    for user in dict.fromkeys(graph.consumers[name]):
        if user not in reached:
            continue
        record = graph[user].record
        for role, source in zip(record.input_roles(len(graph[user].inputs)), graph[user].inputs, strict=True):
            if source == name and record.carries_gradient(role):
                found.append(Share(graph, graph[user], role, name))
    return tuple(found)


def formula_of(graph: Graph, name: str, gradient: bool) -> Formula:
    """Return how a value or a gradient is computed, in symbols; of what is given, its name."""
    named = Named(Role("q", gradient=gradient), {"q": name})
    shares = shares_of(graph, name, gradient)
    if len(shares) == 1:
        return shares[0].formula(whole=True)
    if shares:
        return row(named, "=", sum_of([share.formula() for share in shares]))
    if not gradient:
        return named
    return row(named, "=", "1" if name == graph.loss else "0")


def _with_rows(shape: Shape, rows: int | None) -> Shape:
    return tuple(rows if extent == BATCH and rows is not None else extent for extent in shape)


def entry_of(array: Array, index: Index) -> float:
    """Return one number of an array."""
    return float(np.asarray(array)[index])

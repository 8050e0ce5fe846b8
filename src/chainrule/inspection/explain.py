"""One value or gradient, explained: formula, shapes, and the same formula with this network's numbers in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule._typing import Array
from chainrule.blas import in_one_thread
from chainrule.errors import InputError
from chainrule.graph import Graph
from chainrule.graph.formula import Formula, Named, Number, Role, Style, row, sum_of
from chainrule.graph.operation import show_shape
from chainrule.inspection.entries import Entry, entry_name, locate, parse_reference
from chainrule.inspection.meaning import meaning_of
from chainrule.inspection.paths import folded
from chainrule.inspection.routes import Edge, local_formula
from chainrule.inspection.shares import Share, entry_of, formula_of, shares_of
from chainrule.inspection.subject import Inspected, Rows, Subject, resolve

_FEW = 10
"""Numbers that are listed; of more the range is told."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a value or a gradient is, and how it comes about.

    Attributes
    ----------
    name
        As it is written: ``Z1[3]``, ``dW1[0, 3]``.
    kind
        Whether it is a node's value or its gradient.
    node, operation
        The node, and what computes it.
    sample
        The row it is about; None for the batch, or where no rows were given.
    formula
        How it is computed, in symbols: ``Z1 = X W1 + b1``.
    shapes
        The same in shapes: ``(m, 2)(2, 100) + (100,) -> (m, 100)``; with rows given, their number for m.
    steps
        Of one entry: in the symbols of entries, in numbers, and the number. Empty without numbers.
    local
        By symbol, ``dZ1/dW1``: the local derivatives, of the node by its inputs; for a gradient of its users by it.
    value
        The number, or the array; None without rows.
    meaning
        What an entry is about, where something names it: ``feature body_mass_g``, ``class Gentoo``.
    """

    name: str
    kind: Literal["value", "gradient"]
    node: str
    operation: str
    sample: int | None
    formula: Formula
    shapes: str
    steps: tuple[Formula, ...]
    local: Mapping[str, Formula]
    value: Array | float | None
    meaning: str = ""

    def lines(self, style: Style = "text") -> tuple[str, ...]:
        """Return the formula, and the steps with an equals sign before each, in a style."""
        named = Named(Role("q", gradient=self.kind == "gradient"), {"q": self.name.removeprefix(self._d)})
        steps = [row(named if place == 0 else "", "=", step) for place, step in enumerate(self.steps)]
        return tuple(_rendered(formula, style) for formula in (self.formula, *steps))

    @property
    def text(self) -> str:
        """Formula and steps as plain text."""
        return "\n".join(self.lines())

    @property
    def latex(self) -> str:
        """Formula and steps as LaTeX, a line each."""
        return "\n".join(self.lines("latex"))

    @property
    def mathml(self) -> str:
        """Formula and steps as MathML, an element each."""
        return "\n".join(self.lines("mathml"))

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data; formulas as text, LaTeX and MathML."""
        return {
            "name": self.name,
            "kind": self.kind,
            "node": self.node,
            "operation": self.operation,
            "sample": self.sample,
            "meaning": self.meaning,
            "shapes": self.shapes,
            "text": list(self.lines()),
            "latex": list(self.lines("latex")),
            "mathml": list(self.lines("mathml")),
            "local": {symbol: _rendered(formula, "text") for symbol, formula in self.local.items()},
            "value": self.value.tolist() if isinstance(self.value, np.ndarray) else self.value,
        }

    @property
    def _title(self) -> str:
        where = "" if self.sample is None else f", sample {self.sample} alone"
        about = f": {self.meaning}" if self.meaning else ""
        return f"({self.kind}, {self.operation}){where}{about}"

    @property
    def _d(self) -> str:
        return "d" if self.kind == "gradient" else ""

    def __str__(self) -> str:
        lines = [f"{self.name} {self._title}", f"  {self.lines()[0]}"]
        if self.shapes:
            lines += folded(f"  {self.shapes}", " + ", indent=4)
        for place, step in enumerate(self.steps):
            left = self.name if place == 0 else " " * len(self.name)
            lines += folded(f"  {left} = {_rendered(step, 'text')}", " + ", indent=len(left) + 5)
        if isinstance(self.value, np.ndarray):
            lines.append(f"  {_range(self.value)}")
        if self.local:
            local = ", ".join(f"{symbol} = {_rendered(formula, 'text')}" for symbol, formula in self.local.items())
            lines += folded(f"  local: {local}", ", ", indent=9)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from chainrule.display import html_block, html_facts
        from chainrule.markup import Html, element

        lines = [Html(line) for line in self.lines("mathml")]
        facts: list[tuple[Any, Any]] = [("formula", lines[0])]
        facts += [("shapes", self.shapes)] if self.shapes else []
        facts += [("with numbers" if place == 0 else "", line) for place, line in enumerate(lines[1:])]
        facts += [("value", _range(self.value))] if isinstance(self.value, np.ndarray) else []
        facts += [
            (symbol, element("span", Html(_rendered(formula, "mathml")))) for symbol, formula in self.local.items()
        ]
        title = element("p", element("b", self.name), f" {self._title}")
        return html_block(title, html_facts(facts, words=True))


@in_one_thread
def explain(
    model: Inspected,
    name: str,
    X: Rows = None,
    y: Any = None,
    *,
    sample: int | None = None,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
) -> Explanation:
    """Explain a node, its gradient, or one entry of either.

    Parameters
    ----------
    model, X, y
        See `chainrule.inspection.subject.resolve`. Without rows there are formulas and shapes, and a graph alone will
        do for a model.
    name
        ``"Z1"``, ``"Z1[3]"``, ``"dW1"``, ``"dW1[0, 3]"``: dQ is the gradient of the loss by Q.
    sample
        A row of ``X``: it alone, as if m were 1, and entries go without the row's index. None takes the batch, and
        entries of its nodes have it (``Z1[17, 3]``).
    sample_weight, noise
        As for `chainrule.graph.forward`.

    Returns
    -------
    Explanation
        ``print`` shows it; ``.text``, ``.latex`` and ``.mathml`` are its formulas.

    Raises
    ------
    GraphError
        If the graph has no such node.
    InputError
        If the entry doesn't exist, or a gradient is asked for that is not there.
    """
    subject = resolve(model, X, y, sample_weight=sample_weight, noise=noise, sample=sample)
    graph = subject.graph
    reference = parse_reference(graph, name)
    shares = shares_of(graph, reference.node, reference.gradient)
    rows = subject.n_samples if subject.X else None
    shape = show_shape(tuple(rows if extent == "m" and rows else extent for extent in graph.shape(reference.node)))
    shapes = " + ".join(share.arithmetic(rows) for share in shares)
    d = "d" if reference.gradient else ""
    steps: tuple[Formula, ...] = ()
    value: Array | float | None = None
    shown, meaning = reference.entry, ""
    if subject.X:
        values, gradients = computed(subject, reference.gradient)
        array = array_of(graph, reference.node, values, gradients, reference.gradient)
        value = array if array.ndim else float(array)
        if reference.index or not array.ndim:
            entry = locate(graph, reference.entry, sample, values)
            value = entry_of(array, entry.index)
            steps = _steps(shares, entry, values, gradients, sample, value)
            shown, meaning = entry_name(graph, entry, sample), meaning_of(subject, entry)
    return Explanation(
        name=d + shown,
        kind="gradient" if reference.gradient else "value",
        node=reference.node,
        operation=graph[reference.node].operation,
        sample=subject.sample,
        formula=formula_of(graph, reference.node, reference.gradient),
        shapes=f"{shapes} -> {shape}" if shapes else shape,
        steps=steps,
        local=_local(graph, reference.node, shares, reference.gradient),
        value=value,
        meaning=meaning,
    )


def computed(subject: Subject, gradient: bool) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return all values and, if asked for, all gradients; raises `InputError` without labels for these."""
    return subject.values, subject.gradients if gradient else {}


def array_of(
    graph: Graph, name: str, values: Mapping[str, Array], gradients: Mapping[str, Array], gradient: bool
) -> Array:
    """Return a value or a gradient; 0 where the loss doesn't depend on the node."""
    if name not in values:
        raise InputError(f"node {name!r} has no value here: " + _missing(graph, name))
    if not gradient:
        return values[name]
    return gradients.get(name, np.zeros(values[name].shape))


def _missing(graph: Graph, name: str) -> str:
    if graph[name].operation in ("weights", "noise"):
        return "none was given"
    return "it depends on labels: give y=, or a table that has the target"


def _steps(
    shares: tuple[Share, ...],
    entry: Entry,
    values: Mapping[str, Array],
    gradients: Mapping[str, Array],
    sample: int | None,
    value: float,
) -> tuple[Formula, ...]:
    written = [share.written_out(entry.index, values, gradients, sample) for share in shares]
    steps: list[Formula] = []
    symbols = [symbol for symbol, _ in written if symbol is not None]
    if written and len(symbols) == len(written):
        steps.append(sum_of(symbols))
    numbers, result = sum_of([numbers for _, numbers in written]), Number(value, alone=True)
    if written and _rendered(numbers, "text").strip("()") != _rendered(result, "text"):
        steps.append(numbers)
    return (*steps, result)


def _local(graph: Graph, name: str, shares: tuple[Share, ...], gradient: bool) -> dict[str, Formula]:
    """Return local derivatives: of the node by its inputs, or of its users by it."""
    edges = []
    for share in shares:
        for position, source in enumerate(share.node.inputs):
            if not gradient or (source == name and share.roles[position] == share.key):
                edges.append(Edge(source, share.node.name, position))
    found: dict[str, Formula] = {}
    for edge in edges:
        node = graph[edge.target]
        formula = local_formula(node, edge.position)
        if formula is not None:
            roles = node.record.input_roles(len(node.inputs))
            names = dict(zip(roles, node.inputs, strict=True)) | {"out": node.name}
            found[f"d{edge.target}/d{edge.source}"] = Named(formula, names)
    return found


def _rendered(formula: Formula, style: Style) -> str:
    from chainrule.graph.formula import render_mathml

    return render_mathml(formula, {}) if style == "mathml" else formula.render(style, {})


def _range(array: Array) -> str:
    if not array.size:
        return f"{show_shape(array.shape)}, empty"
    if array.size <= _FEW:
        return ", ".join(f"{value:.6g}" for value in array.ravel().tolist())
    return f"{array.size:,} numbers from {array.min():.6g} to {array.max():.6g}, mean {array.mean():.6g}"

"""Where the first NaN or infinity came from: the node, the entry, what went in, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from chainrule._typing import Array
from chainrule.blas import in_one_thread
from chainrule.graph import Graph
from chainrule.graph.operation import show_shape
from chainrule.inspection.entries import Entry, entry_name
from chainrule.inspection.figures import Figures
from chainrule.inspection.shares import Share, formula_of, shares_of
from chainrule.inspection.subject import Inspected, Rows, Subject, resolve


@dataclass(frozen=True)
class InputFigures:
    """What went into the entry.

    Attributes
    ----------
    name, shape
        The array: ``W1``, ``dZ2``.
    low, high
        Its range, of the finite numbers.
    entry, number
        The largest number that the entry was computed from: ``W1[0, 3]``.
    """

    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    entry: str
    number: float

    def __str__(self) -> str:
        span = f"{self.low:.6g} to {self.high:.6g}"
        return f"{self.name} {show_shape(self.shape)}: {span}; largest here {self.entry} = {self.number:.6g}"


@dataclass(frozen=True)
class NonFinite:
    """The first node whose value or gradient is not finite.

    Attributes
    ----------
    node, operation
        The node, and what computes it.
    kind
        Whether it is its value, or its gradient: then all values are finite.
    entry, number
        The first such entry, and what stands there.
    n_nonfinite, size
        How many of the node's numbers are such, of how many.
    formula
        How the node, or its gradient, is computed.
    inputs
        What the entry was computed from.
    dtype
        In which the model computes: where that is float32, numbers beyond 3.4e38 are not finite either.
    advice
        What to do.
    """

    node: str
    operation: str
    kind: Literal["value", "gradient"]
    entry: str
    number: float
    n_nonfinite: int
    size: int
    formula: str
    inputs: tuple[InputFigures, ...]
    dtype: str
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data; numbers as text where JSON has none."""
        return {
            **{key: value for key, value in vars(self).items() if key not in ("inputs", "number")},
            "number": f"{self.number:g}",
            "inputs": [{**vars(one), "shape": list(one.shape)} for one in self.inputs],
        }

    def _facts(self) -> list[tuple[str, str]]:
        beyond = f" (beyond {self.dtype})" if np.isfinite(self.number) else ""
        facts = [
            ("first", f"{self.entry} = {self.number:g}{beyond}, {self.n_nonfinite:,} of {self.size:,} numbers"),
            ("computed as", self.formula),
        ]
        facts += [("from" if place == 0 else "", str(one)) for place, one in enumerate(self.inputs)]
        return [*facts, ("advice", self.advice)]

    @property
    def _title(self) -> str:
        order = "in the order of computation" if self.kind == "value" else "going backward; all values are finite"
        return f"{'d' * (self.kind == 'gradient')}{self.node} ({self.operation}) is the first not finite, {order}"

    def __str__(self) -> str:
        from textwrap import fill

        lines = [self._title]
        for name, what in self._facts():
            lines.append(fill(what, 96, initial_indent=f"  {name:<13}", subsequent_indent=" " * 15))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from chainrule.display import html_block, html_facts
        from chainrule.markup import element

        return html_block(element("p", self._title, class_="bad"), html_facts(self._facts(), words=True))


@in_one_thread
def first_nonfinite(
    model: Inspected,
    X: Rows,
    y: Any = None,
    *,
    sample: int | None = None,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
) -> NonFinite | None:
    """Return the first node, in the order of computation and then backward, that is NaN or infinite.

    Parameters
    ----------
    model, X, y, sample, sample_weight, noise
        As for `chainrule.inspection.trace`. Without labels the gradients are not looked at.

    Returns
    -------
    NonFinite or None
        ``print`` shows it; None if all is finite.

    Notes
    -----
    All is computed in float64. For a model that computes in float32, numbers that are too large for float32 count as
    infinite, as they would be there.
    """
    subject = resolve(model, X, y, sample_weight=sample_weight, noise=noise, sample=sample)
    values = subject.values
    graph = subject.graph
    for node in graph.nodes:
        if node.name in values and (bad := _bad(values[node.name], subject.dtype)).any():
            return _found(subject, node.name, False, bad, values, {})
    if graph.loss not in values:
        return None
    gradients = subject.gradients
    for node in reversed(graph.nodes):
        if node.name in gradients and (bad := _bad(gradients[node.name], subject.dtype)).any():
            return _found(subject, node.name, True, bad, values, gradients)
    return None


def _bad(array: Array, dtype: str) -> Array:
    """Return where an array is NaN, infinite or too large for the dtype."""
    fine: Array = np.abs(array) <= np.finfo(dtype).max
    return ~fine


def _found(
    subject: Subject, name: str, gradient: bool, bad: Array, values: Mapping[str, Array], gradients: Mapping[str, Array]
) -> NonFinite:
    graph = subject.graph
    array = gradients[name] if gradient else values[name]
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    entry = entry_name(graph, Entry(name, index), subject.sample)
    inputs = [
        one
        for share in shares_of(graph, name, gradient)
        for one in _inputs(share, index, values, gradients, subject.sample)
    ]
    inputs = list({one.name: one for one in inputs}.values())
    found = NonFinite(
        node=name,
        operation=graph[name].operation,
        kind="gradient" if gradient else "value",
        entry="d" * gradient + entry,
        number=float(array[index]),
        n_nonfinite=int(bad.sum()),
        size=array.size,
        formula=formula_of(graph, name, gradient).render("text", {}),
        inputs=tuple(inputs),
        dtype=subject.dtype,
        advice="",
    )
    return replace(found, advice=_advice(graph, found, subject))


def _inputs(
    share: Share,
    index: tuple[int, ...],
    values: Mapping[str, Array],
    gradients: Mapping[str, Array],
    sample: int | None,
) -> list[InputFigures]:
    written = share.code(values)
    found = []
    for role, whole in share.inputs(values, gradients).items():
        cut = written.cut(role, index, whole.ndim)
        few = whole[cut]
        if not few.size:
            continue
        place = np.unravel_index(int(np.abs(few).argmax()), few.shape)
        where = tuple(int(i) + (part.start or 0) for i, part in zip(place, cut, strict=True))
        node, d = share.node_of(role), "d" if role == "d_out" else ""
        figures = Figures.of(whole)
        name = d + entry_name(share.graph, Entry(node, where), sample)
        found.append(InputFigures(d + node, whole.shape, figures.low, figures.high, name, float(few[place])))
    return found


def _advice(graph: Graph, found: NonFinite, subject: Subject) -> str:
    """Say what to do, by where it began."""
    if found.kind == "value" and graph[found.node].is_source:
        if found.operation == "parameter":
            return (
                "the parameters themselves are not finite: the training before this diverged. Go back to a step "
                "before it and take a smaller learning rate, or clip_norm=1.0."
            )
        return f"it came in like this: clean {found.node} (the first such entry is {found.entry})."
    largest = max(found.inputs, key=lambda one: abs(one.number), default=None)
    if largest is None:
        return "nothing went into it: look at the graph."
    kind = graph[largest.name.removeprefix("d") if largest.name not in graph else largest.name].operation
    reach = f"{largest.entry} = {largest.number:.3g} makes it larger than {subject.dtype} holds"
    if kind == "data":
        return f"{reach}: standardise the columns of {largest.name} (StandardScaler), or clean that entry."
    if kind == "parameter":
        return f"{reach}: the weights have grown. Take a smaller learning rate, clip_norm=1.0, or an l2 penalty."
    if found.kind == "gradient":
        return f"{reach}, going backward: smaller weights (initialization='auto'), fewer layers, or clip_norm=1.0."
    return f"{reach}: smaller weights (initialization='auto') or standardised columns keep it in range."

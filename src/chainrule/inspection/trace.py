"""Every value of a forward pass and every gradient of the backward pass, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chainrule._typing import Array
from chainrule.blas import in_one_thread
from chainrule.display import as_text, html_block, html_table, import_pandas, number, rich_table
from chainrule.graph import Graph
from chainrule.graph.formula import Formula, render_mathml
from chainrule.graph.operation import show_shape
from chainrule.inspection.figures import Figures
from chainrule.inspection.shares import formula_of
from chainrule.inspection.subject import Inspected, Rows, resolve

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_FIGURES = ("min", "mean", "max", "norm")
_ROOMY = 110
_LONGEST = 32, 20


@dataclass(frozen=True, eq=False)
class NodeTrace:
    """One node: what it is, its value and its gradient.

    Attributes
    ----------
    name, operation
        The node, and what computes it.
    value
        float64 (labels: int64).
    gradient
        The derivative of the loss by it, of the value's shape; None where the loss doesn't depend on it, or there are
        no labels.
    """

    graph: Graph
    name: str
    operation: str
    value: Array
    gradient: Array | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The value's shape."""
        return self.value.shape

    @property
    def formula(self) -> str:
        """How the value is computed: ``Z1 = X W1 + b1``; of what is given, its name."""
        return self.written(False).render("text", {})

    @property
    def gradient_formula(self) -> str:
        """How the gradient is computed: ``dW1 = Xᵀ dZ1``; nothing where there is none."""
        return "" if self.gradient is None else self.written(True).render("text", {})

    @cached_property
    def figures(self) -> Figures:
        """Least, mean and largest entry and norm of the value."""
        return Figures.of(self.value)

    @cached_property
    def gradient_figures(self) -> Figures | None:
        """The same of the gradient."""
        return None if self.gradient is None else Figures.of(self.gradient)

    def written(self, gradient: bool) -> Formula:
        """Return the formula of value or gradient, to be rendered in any style."""
        return formula_of(self.graph, self.name, gradient)

    def __repr__(self) -> str:
        with_gradient = "" if self.gradient is None else " and its gradient"
        return f"<{self.name} ({self.operation}) {show_shape(self.shape)}{with_gradient}>"


class Trace(Mapping[str, NodeTrace]):
    """Every node that has a value, in the order of computation: ``trace["Z1"].value``, ``trace["W1"].gradient``.

    ``print`` shows the figures of all.

    Attributes
    ----------
    graph
        What was computed.
    sample
        The row it is about; None for the batch.
    n_samples
        m, the rows of the batch.
    """

    def __init__(
        self,
        graph: Graph,
        values: Mapping[str, Array],
        gradients: Mapping[str, Array],
        sample: int | None,
        n_samples: int,
    ) -> None:
        self.graph, self.sample, self.n_samples = graph, sample, n_samples
        self._nodes = {
            node.name: NodeTrace(graph, node.name, node.operation, values[node.name], gradients.get(node.name))
            for node in graph.nodes
            if node.name in values
        }

    def __getitem__(self, name: str) -> NodeTrace:
        """Return a node; raises KeyError for one without a value, and `GraphError` for none of the graph's."""
        found = self._nodes.get(name)
        if found is None:
            raise KeyError(f"node {self.graph[name].name!r} has no value here: it depends on what was not given")
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """Return a node, or ``default`` where there is none."""
        return self._nodes.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} nodes, {self._over}>"

    @property
    def loss(self) -> float | None:
        """The graph's loss; None without labels."""
        loss = self.graph.loss
        return float(self[loss].value) if loss is not None and loss in self else None

    @property
    def n_nonfinite(self) -> int:
        """How many numbers are NaN or infinite, values and gradients together."""
        found = [figures for node in self.values() for figures in (node.figures, node.gradient_figures) if figures]
        return sum(figures.n_nonfinite for figures in found)

    @property
    def _over(self) -> str:
        if self.sample is not None:
            return f"sample {self.sample} alone"
        return f"{self.n_samples:,} row{'' if self.n_samples == 1 else 's'}"

    def to_frame(self) -> Any:
        """Return a pandas frame with a row for each node."""
        pandas = import_pandas("to_frame")
        rows = []
        for node in self.values():
            row: dict[str, Any] = {"operation": node.operation, "formula": node.formula, "shape": node.shape}
            row |= vars(node.figures)
            of_gradient = node.gradient_figures
            names = (f"gradient_{name}" for name in vars(node.figures))
            row |= dict(zip(names, vars(of_gradient).values() if of_gradient else (None,) * 5, strict=True))
            rows.append(row)
        return pandas.DataFrame(rows, index=pandas.Index(list(self), name="node"))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, without the arrays, as plain data."""
        return {
            "sample": self.sample,
            "n_samples": self.n_samples,
            "loss": self.loss,
            "nodes": {
                node.name: {
                    "operation": node.operation,
                    "formula": node.formula,
                    "gradient_formula": node.gradient_formula,
                    "shape": list(node.shape),
                    "value": _plain(node.figures),
                    "gradient": None if node.gradient_figures is None else _plain(node.gradient_figures),
                }
                for node in self.values()
            },
        }

    def __str__(self) -> str:
        return as_text(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show both passes; what computes a node only where there is room for it."""
        from rich.text import Text

        roomy = options.max_width >= _ROOMY
        for place, (caption, rows, has_bad) in enumerate(self._tables()):
            titles = ["node", "computed as", "shape", *_FIGURES, *(["bad"] if has_bad else [])]
            body = [[node.name, _short(node, formula, roomy), *rest] for node, formula, rest in rows]
            if roomy:
                titles.insert(1, "operation")
                body = [[first, self[first].operation, *rest] for first, *rest in body]
            if place:
                yield Text()
            yield rich_table(caption, titles, body, words=range(4 if roomy else 3))

    def _repr_html_(self) -> str:
        from chainrule.markup import Html

        tables = []
        for caption, rows, has_bad in self._tables():
            titles = ("node", "operation", "computed as", "shape", *_FIGURES, *(["not finite"] if has_bad else []))
            body = [
                [node.name, node.operation, Html(render_mathml(formula, {})), *rest] for node, formula, rest in rows
            ]
            tables.append(html_table(caption, titles, body, words=(0, 1, 2, 3)))
        return html_block(*tables)

    def _tables(self) -> Iterator[tuple[str, list[tuple[NodeTrace, Formula, list[str]]], bool]]:
        """Yield forward and backward pass: a caption, and by node formula, shape and figures."""
        passes = [(f"forward, {self._over}", list(self.values()), False)]
        backwards = [node for node in reversed(list(self.values())) if node.gradient is not None]
        if backwards:
            passes.append(("backward: the gradient of each", backwards, True))
        for caption, nodes, gradient in passes:
            figures = [node.gradient_figures if gradient else node.figures for node in nodes]
            has_bad = any(one is not None and one.n_nonfinite for one in figures)
            rows = [
                (node, node.written(gradient), [show_shape(node.shape), *_cells(one, has_bad)])
                for node, one in zip(nodes, figures, strict=True)
                if one is not None
            ]
            yield caption, rows, has_bad


@in_one_thread
def trace(
    model: Inspected,
    X: Rows,
    y: Any = None,
    *,
    sample: int | None = None,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
) -> Trace:
    """Run the forward pass and, with labels, the backward pass, and return every value and gradient.

    Parameters
    ----------
    model, X, y
        See `chainrule.inspection.subject.resolve`: a model, a file, a classifier or a pair (graph, parameters), its
        rows, and labels. Without labels there are no gradients.
    sample
        A row of ``X``, to be traced alone, as if m were 1; None traces the batch.
    sample_weight, noise
        As for `chainrule.graph.forward`.

    Returns
    -------
    Trace
        ``trace["Z1"].value``, ``.gradient``, ``.shape``, ``.formula``.

    Raises
    ------
    InputError
        If rows or labels don't fit the model.
    """
    subject = resolve(model, X, y, sample_weight=sample_weight, noise=noise, sample=sample)
    values = subject.values
    gradients = subject.gradients if subject.graph.loss in values else {}
    return Trace(subject.graph, values, gradients, subject.sample, subject.n_samples)


def _cells(figures: Figures, has_bad: bool) -> list[str]:
    shown = [number(value, 3) or "nan" for value in (figures.low, figures.mean, figures.high, figures.norm)]
    return shown + ([f"{figures.n_nonfinite:,}" if figures.n_nonfinite else ""] if has_bad else [])


def _plain(figures: Figures) -> dict[str, float | int | None]:
    """Return figures as JSON has them: None for NaN."""
    return {name: None if value != value else value for name, value in vars(figures).items()}


def _short(node: NodeTrace, formula: Formula, roomy: bool) -> str:
    """Return a formula's right side, cut to what a column holds; of what is given, what it is."""
    text = formula.render("text", {})
    right, most = text.split(" = ", 1)[-1], _LONGEST[0 if roomy else 1]
    if right == node.name:
        return f"({node.operation})"
    return right if len(right) <= most else right[: most - 1] + "…"

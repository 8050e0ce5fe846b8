"""The ledger of a gradient: every path from one entry to the loss, each factor in symbols and in numbers.

``W1[0, 3] → Z1[3] → A1[3] → Z2[k] → J``, one path for each k; their products add up to dJ/dW1[0, 3]. Deep
networks have more paths than could ever be listed, so the largest are found best first, and the rest is one
row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, prod
from typing import Any

from chainrule._typing import Array
from chainrule.blas import in_one_thread
from chainrule.errors import InputError, NonFiniteError
from chainrule.graph import Graph, first_nonfinite
from chainrule.graph.formula import Formula, Fraction, Named, Number, Role, product_of, render_mathml, row
from chainrule.inspection.entries import entry_name, locate
from chainrule.inspection.jacobians import EntryGraph
from chainrule.inspection.meaning import meaning_of
from chainrule.inspection.paths import elided, folded, grouped, show_count
from chainrule.inspection.search import PathSums, Step, largest_paths
from chainrule.inspection.subject import Inspected, Rows, resolve
from chainrule.inspection.symbols import entry_symbol


@dataclass(frozen=True)
class Factor:
    """A local derivative between two entries.

    Attributes
    ----------
    target, source
        The entries: d target / d source.
    expression
        What it is, in symbols, to be rendered in any style.
    value
        And in numbers.
    """

    target: str
    source: str
    expression: Formula
    value: float

    @property
    def symbol(self) -> str:
        """``dZ2[1]/dA1[3]``."""
        return f"d{self.target}/d{self.source}"

    @property
    def formula(self) -> str:
        """What it is, in symbols: ``W2[3, 1]``."""
        return self.expression.render("text", {})

    @property
    def equation(self) -> Formula:
        """Symbol, formula and number with equals signs between them."""
        return row(self.fraction, "=", self.expression, "=", Number(self.value, alone=True))

    @property
    def fraction(self) -> Formula:
        """The symbol as a fraction."""
        above, below = (Named(Role("q", gradient=True), {"q": name}) for name in (self.target, self.source))
        return Fraction(above, below)

    @property
    def latex(self) -> str:
        """The equation as LaTeX."""
        return self.equation.render("latex", {})

    @property
    def mathml(self) -> str:
        """The equation as MathML."""
        return render_mathml(self.equation, {})

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"symbol": self.symbol, "formula": self.formula, "value": self.value, "mathml": self.mathml}


@dataclass(frozen=True)
class LedgerRow:
    """One path.

    Attributes
    ----------
    entries
        From the entry to the loss.
    factors
        The local derivatives, in the order in which the chain rule is written: the loss's first.
    product
        The path's share of the derivative.
    """

    entries: tuple[str, ...]
    factors: tuple[Factor, ...]
    product: float

    @property
    def equations(self) -> tuple[Formula, ...]:
        """The product of the factors: as derivatives, in symbols, in numbers; and what it comes to."""
        products = (
            [factor.fraction for factor in self.factors],
            [_bracketed(factor.expression) for factor in self.factors],
            [Number(factor.value) for factor in self.factors],
        )
        return (*(product_of(factors) for factors in products if factors), Number(self.product, alone=True))

    @property
    def latex(self) -> str:
        """The equations as LaTeX, with equals signs between them."""
        return " = ".join(equation.render("latex", {}) for equation in self.equations)

    @property
    def mathml(self) -> str:
        """The equations as MathML, with equals signs between them."""
        parts: list[Formula | str] = []
        for equation in self.equations:
            parts += ["=", equation]
        return render_mathml(row(*parts[1:]), {})

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "entries": list(self.entries),
            "factors": [factor.to_dict() for factor in self.factors],
            "product": self.product,
            "mathml": self.mathml,
        }

    def __str__(self) -> str:
        path = " → ".join(elided(list(self.entries)))
        lines = folded(f"{self.product:+.6e}   {path}", " → ", indent=18)
        for what in (
            [factor.symbol for factor in self.factors],
            [grouped(factor.formula) for factor in self.factors],
            [show_number(factor.value) for factor in self.factors],
        ):
            if what:
                lines += folded(f"{'= ':>18}" + " · ".join(elided(what)), " · ", indent=18)
        return "\n".join(lines)


@dataclass(frozen=True)
class Ledger:
    """The derivative of the loss by one entry, as a sum over paths.

    Attributes
    ----------
    entry, loss
        Names: the derivative is d loss / d entry.
    sample
        The row whose loss it is; None for the whole batch.
    n_samples
        m, the rows of the batch; 1 for a sample.
    rows
        The largest paths, by absolute product; those with product 0 are left out, but for one where there are
        no others.
    n_paths
        How many paths there are, those with product 0 included.
    rest
        The sum over the paths that are not in ``rows``.
    total
        The sum over all paths.
    magnitude
        The sum of the paths' absolute products: far above ``|total|`` where paths cancel each other.
    gradient
        What the backward pass says.
    meaning
        What the entry is about, where something names it: ``feature body_mass_g``, ``class Gentoo``.
    """

    entry: str
    loss: str
    sample: int | None
    n_samples: int
    rows: tuple[LedgerRow, ...]
    n_paths: int
    rest: float
    total: float
    magnitude: float
    gradient: float
    meaning: str = ""

    @property
    def n_rest(self) -> int:
        """Paths that are not in ``rows``."""
        return self.n_paths - len(self.rows)

    @property
    def residual(self) -> float:
        """What the paths and the backward pass differ by."""
        return self.total - self.gradient

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; numbers of paths, which may be huge, as text."""
        figures = (
            "entry",
            "meaning",
            "loss",
            "sample",
            "n_samples",
            "rest",
            "total",
            "magnitude",
            "gradient",
            "residual",
        )
        return {
            **{name: getattr(self, name) for name in figures},
            "n_paths": str(self.n_paths),
            "n_rest": str(self.n_rest),
            "rows": [one.to_dict() for one in self.rows],
        }

    def _sums(self) -> list[tuple[str, str]]:
        sums = (
            [(f"{self.rest:+.6e}", _paths(self.n_rest, "other ") + (" together" if self.n_rest > 1 else ""))]
            if self.n_rest
            else []
        )
        return [
            *sums,
            (f"{self.total:+.6e}", f"sum; the sizes add up to {self.magnitude:.6e}"),
            (f"{self.gradient:+.6e}", "by the backward pass"),
            (f"{self.residual:+.6e}", "residual"),
        ]

    def _repr_html_(self) -> str:
        from chainrule.display import html_block, html_table
        from chainrule.markup import Html

        body = [(f"{one.product:+.6e}", " → ".join(elided(list(one.entries))), Html(one.mathml)) for one in self.rows]
        sums = [(figure, what, "") for figure, what in self._sums()]
        return html_block(html_table(self._title, ("product", "path", "chain rule"), [*body, *sums], words=(1, 2)))

    @property
    def _title(self) -> str:
        over = f"the mean over {self.n_samples} rows" if self.sample is None else f"sample {self.sample} alone"
        about = f" ({self.meaning})" if self.meaning else ""
        return f"d{self.loss}/d{self.entry}{about}, {over}: {_paths(self.n_paths)}"

    def __str__(self) -> str:
        lines = [self._title, *map(str, self.rows)]
        lines += [f"{figure}   {what}" for figure, what in self._sums()]
        return "\n".join(lines)


@in_one_thread
def ledger(
    model: Inspected,
    entry: str,
    X: Rows,
    y: Any = None,
    *,
    sample: int | None = None,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
    top: int = 10,
) -> Ledger:
    """Return the paths of the chain rule from one entry to the loss, with symbols and numbers.

    Parameters
    ----------
    model, X, y
        See `chainrule.inspection.subject.resolve`: a model, a file, a classifier or a pair (graph, parameters), its
        rows and labels.
    entry
        ``"W1[0, 3]"``; any node will do.
    sample_weight, noise
        As for `chainrule.graph.sweep`.
    sample
        A row of ``X``: the loss is that row's own, as if m were 1, and entries go without the row's index
        (``Z1[3]``). None takes the batch, whose mean brings the 1/m, and entries have it (``Z1[17, 3]``).
    top
        How many paths to list.

    Returns
    -------
    Ledger
        ``print`` shows it.

    Raises
    ------
    InputError
        If ``entry`` or ``sample`` doesn't exist, something given doesn't fit the graph, or the batch is too
        large to lay out.
    NonFiniteError
        If a value is NaN or infinite.

    Notes
    -----
    Local derivatives come from the operations' own backward (`chainrule.inspection.jacobians`). Sums over all
    paths are taken by going through the entries once in the graph's order, forwards, which is independent of
    the backward pass they are compared with; the largest paths are found as in `chainrule.inspection.search`.
    """
    if top < 0:
        raise InputError(f"top= must be at least 0, got {top!r}")
    subject = resolve(model, X, y, sample_weight=sample_weight, noise=noise, sample=sample)
    graph, values = subject.graph, subject.values
    _check_finite(graph, values)
    start = locate(graph, entry, sample, values)
    gradients = subject.gradients
    gradient = float(gradients[start.node][start.index]) if start.node in gradients else 0.0
    entries = EntryGraph(graph, values, start, str(graph.loss))
    sums = PathSums.of(entries)
    found = largest_paths(entries, top)
    listed_rows = sorted((_row(entries, steps, sample) for steps in found), key=lambda one: -abs(one.product))
    # Where every path is cut (a dead unit), one is enough to show where.
    rows = [one for one in listed_rows if one.product] or listed_rows[:1]
    listed = fsum(one.product for one in rows)
    complete = len(found) == sums.count
    return Ledger(
        entry=entry_name(graph, start, sample),
        loss=str(graph.loss),
        sample=sample,
        n_samples=subject.n_samples,
        rows=tuple(rows),
        n_paths=sums.count,
        rest=0.0 if complete else sums.total - listed,
        total=listed if complete else sums.total,
        magnitude=sums.magnitude,
        gradient=gradient,
        meaning=meaning_of(subject, start),
    )


def _check_finite(graph: Graph, values: Mapping[str, Array]) -> None:
    bad = first_nonfinite(graph, values)
    if bad is not None:
        raise NonFiniteError(
            f"node {bad!r} has NaN or infinite entries, the first node to have them: no ledger adds up"
        )


def _row(entries: EntryGraph, steps: tuple[Step, ...], sample: int | None) -> LedgerRow:
    names = [entry_name(entries.graph, entries.start, sample)]
    factors = []
    for step in steps:
        target = entry_name(entries.graph, step.target, sample)
        symbol = entry_symbol(entries, step, lambda entry: entry_name(entries.graph, entry, sample))
        factors.append(Factor(target, names[-1], symbol, step.value))
        names.append(target)
    product = prod(factor.value for factor in factors) + 0.0  # no -0
    return LedgerRow(tuple(names), tuple(reversed(factors)), product)


def _bracketed(formula: Formula) -> Formula:
    """Bracket a formula that would fall apart in a product."""
    text = formula.render("text", {})
    return row("(", formula, ")") if grouped(text) != text else formula


def _paths(count: int, which: str = "") -> str:
    return f"{show_count(count)} {which}path{'' if count == 1 else 's'}"


def show_number(value: float) -> str:
    """Return a factor as text: six digits, negative ones in brackets."""
    text = f"{value:.6g}"
    return f"({text})" if value < 0 else text

"""Summaries and marginal effects as tables: for a terminal by rich, for a notebook in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chainrule._typing import Array
from chainrule.display import html_block, html_facts, html_table, number, rich_table
from chainrule.markup import Html, element, shorten

if TYPE_CHECKING:
    from chainrule.inference.marginal import MarginalEffects
    from chainrule.inference.summary import Summary

NAME_LENGTH = 24


def p_value(value: float) -> str:
    """Return a p-value; the smallest ones by a bound."""
    if np.isnan(value):
        return ""
    return "<0.0001" if value < 1e-4 else f"{value:.4f}"


def summary_table(summary: Summary) -> RenderableType:
    """Return a summary for rich: facts, then a table for each class."""
    parts: list[RenderableType] = [_facts(_summary_facts(summary))]
    titles, rows = _summary_rows(summary)
    for label, body in zip(summary.classes, rows, strict=True):
        caption = f"log odds of {shorten(label, NAME_LENGTH)} against {shorten(summary.reference, NAME_LENGTH)}"
        parts += [Text(), _table(caption, titles, body)]
    return Group(*parts, *_noted(summary.notes))


def summary_html(summary: Summary) -> Html:
    """Return the same as HTML."""
    titles, rows = _summary_rows(summary, odds=True)
    tables = [
        html_table(f"log odds of {label} against {summary.reference}", titles, body)
        for label, body in zip(summary.classes, rows, strict=True)
    ]
    return _html(_summary_facts(summary), tables, summary.notes)


def effects_table(effects: MarginalEffects) -> RenderableType:
    """Return marginal effects for rich: a table for each class."""
    titles, rows = _effects_rows(effects)
    parts: list[RenderableType] = []
    for label, body in zip(effects.classes, rows, strict=True):
        parts += [_table(f"probability of {shorten(label, NAME_LENGTH)}", titles, body), Text()]
    parts.append(Text(_effects_note(effects)))
    return Group(*parts, *_noted(effects.notes))


def effects_html(effects: MarginalEffects) -> Html:
    """Return the same as HTML."""
    titles, rows = _effects_rows(effects)
    tables = [
        html_table(f"probability of {label}", titles, body) for label, body in zip(effects.classes, rows, strict=True)
    ]
    return _html([], [*tables, element("p", _effects_note(effects))], effects.notes)


def _summary_facts(summary: Summary) -> list[tuple[str, str]]:
    ratio_p = "" if summary.likelihood_ratio_p is None else f"  p {p_value(summary.likelihood_ratio_p)}"
    return [
        ("observations", f"{summary.n_observations:.10g}"),
        ("log-likelihood", number(summary.log_likelihood, 7)),
        ("without columns", number(summary.null_log_likelihood, 7)),
        ("McFadden's R2", number(summary.pseudo_r2)),
        ("likelihood ratio", f"{number(summary.likelihood_ratio, 6)}  df {summary.df_model}{ratio_p}"),
        ("AIC", number(summary.aic, 7)),
        ("BIC", number(summary.bic, 7)),
        ("effective df", f"{summary.effective_df:.6g}"),
        ("standard errors", summary.cov_type),
        ("condition number", number(summary.condition_number, 3)),
    ]


def _summary_rows(summary: Summary, odds: bool = False) -> tuple[list[str], list[list[list[str]]]]:
    percent = f"{100.0 * summary.confidence:g} %"
    titles = ["", "coef", "std err", "z", "p", f"{percent} from", "to", "odds ratio"]
    with np.errstate(over="ignore"):
        ratios = summary.odds_ratios
    columns: list[Array] = [
        summary.coefficients, summary.standard_errors, summary.z, summary.p_values, summary.lower, summary.upper,
        ratios,
    ]  # fmt: skip
    if odds:
        titles += ["from", "to"]
        with np.errstate(over="ignore"):
            columns += [np.exp(summary.lower), np.exp(summary.upper)]
    return titles, _rows(summary.names, columns)


def _effects_rows(effects: MarginalEffects) -> tuple[list[str], list[list[list[str]]]]:
    names = [
        f"{name} (0 to 1)" if moved else name for name, moved in zip(effects.names, effects.is_discrete, strict=True)
    ]
    titles = ["", "effect", "std err", "z", "p", f"{100.0 * effects.confidence:g} % from", "to"]
    columns = [effects.effects, effects.standard_errors, effects.z, effects.p_values, effects.lower, effects.upper]
    return titles, _rows(names, columns)


def _effects_note(effects: MarginalEffects) -> str:
    where = "averaged over the rows" if effects.kind == "average" else "at the columns' means"
    moved = "; columns of 0 and 1 go from 0 to 1" if effects.is_discrete.any() else ""
    return f"Change of the probability per unit of the column, {where}{moved}; standard errors by the delta method."


def _rows(names: Sequence[str], columns: Sequence[Array]) -> list[list[list[str]]]:
    """Cells of every class's table; the fourth column holds p-values."""
    return [
        [
            [name, *(p_value(c[k, j]) if i == 3 else number(c[k, j]) for i, c in enumerate(columns))]
            for j, name in enumerate(names)
        ]
        for k in range(len(columns[0]))
    ]


def _noted(notes: Sequence[str]) -> list[RenderableType]:
    return [part for note in notes for part in (Text(), Text(f"Note: {note}"))]


def _facts(facts: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(no_wrap=True)
    half = -(-len(facts) // 2)
    for i in range(half):
        right = facts[half + i] if half + i < len(facts) else ("", "")
        table.add_row(Text(facts[i][0], "dim"), facts[i][1], Text(right[0], "dim"), right[1])
    return table


def _table(caption: str, titles: Sequence[str], body: Sequence[Sequence[str]]) -> Table:
    return rich_table(caption, titles, [[shorten(name, NAME_LENGTH), *rest] for name, *rest in body])


def _html(facts: Sequence[tuple[str, str]], tables: Sequence[Html], notes: Sequence[str]) -> Html:
    return html_block(
        html_facts(facts) if facts else None,
        *tables,
        *(element("p", f"Note: {note}") for note in notes),
    )

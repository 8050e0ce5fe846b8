"""Results as tables: for a terminal by rich, for a notebook in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import MissingDependencyError
from chainrule.markup import Html, element, join

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

WIDTH = 80
_STYLE = """
.chainrule-table { font: 13px/1.45 system-ui, sans-serif; color: inherit; overflow-x: auto }
.chainrule-table table { border-collapse: collapse; margin: .4em 0 1em; font-variant-numeric: tabular-nums }
.chainrule-table th, .chainrule-table td { padding: .15em .6em; text-align: right; white-space: nowrap }
.chainrule-table th:first-child, .chainrule-table td:first-child { text-align: left; padding-left: 0 }
.chainrule-table td.words, .chainrule-table th.words { text-align: left }
.chainrule-table math { font-size: 1.15em; math-style: normal }
.chainrule-table thead th { border-bottom: 1px solid currentColor; font-weight: 600 }
.chainrule-table caption { text-align: left; font-weight: 600; padding: .3em 0; white-space: nowrap }
.chainrule-table pre { margin: .3em 0 .8em }
.chainrule-table .bad { color: #b3261e; font-weight: 600 }
.chainrule-table .scale span { display: inline-block; height: .75em; vertical-align: -.06em }
.chainrule-table .plus { background: #0072b2 } .chainrule-table .minus { background: #d55e00 }
"""


def number(value: float, digits: int = 4) -> str:
    """Return a number in so many significant digits, short enough for a column; nothing for NaN."""
    if np.isnan(value):
        return ""
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(value)
    if size != 0.0 and not 1e-4 <= size < 1e6:
        return f"{value:.{digits - 2}e}"
    decimals = digits - 1 if size == 0.0 else max(0, digits - 1 - int(np.floor(np.log10(size))))
    return f"{value:.{min(decimals, 5)}f}"


def as_text(renderable: RenderableType) -> str:
    """Return what rich would print, without colours, as lines of at most 80 characters."""
    from rich.console import Console

    stream = StringIO()
    Console(file=stream, width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False).print(renderable)
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip("\n").split("\n"))


def rich_table(
    caption: str,
    titles: Sequence[str],
    body: Sequence[Sequence[str]],
    *,
    words: Sequence[int] = (0,),
) -> Table:
    """Return a table for rich: the columns ``words`` hold text, the others figures."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(caption, "bold") if caption else None,
        title_justify="left",
        box=None,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )
    for i, title in enumerate(titles):
        table.add_column(title, justify="left" if i in words else "right", no_wrap=True, overflow="ellipsis")
    for row in body:
        table.add_row(*map(Text, row))
    return table


def html_table(
    caption: Any, titles: Sequence[Any], body: Sequence[Sequence[Any]], *, words: Sequence[int] = (0,)
) -> Html:
    """Return a table in HTML, for `html_block`."""
    head = element(
        "tr",
        join(
            *(
                element("th", title, scope="col", class_="words" if i in words else None)
                for i, title in enumerate(titles)
            )
        ),
    )
    rows = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            join(*(element("td", cell, class_="words" if i in words else None) for i, cell in enumerate(row[1:], 1))),
        )
        for row in body
    ]
    return element("table", element("caption", caption), element("thead", head), element("tbody", join(*rows)))


def html_facts(facts: Sequence[tuple[Any, Any]], *, words: bool = False) -> Html:
    """Return pairs of what and how as a table in HTML; ``words`` sets how flush left, as numbers are not."""
    class_ = "words" if words else None
    rows = [element("tr", element("th", name, scope="row"), element("td", how, class_=class_)) for name, how in facts]
    return element("table", element("tbody", join(*rows)))


def html_block(*parts: Any) -> Html:
    """Return parts as one block that brings its own style."""
    return element("div", element("style", Html(_STYLE)), join(*parts), class_="chainrule-table")


def import_pandas(what: str) -> Any:
    """Return pandas, or say what needs it."""
    try:
        import pandas  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependencyError(f"{what} needs pandas, which is not installed: pip install pandas") from error
    return pandas

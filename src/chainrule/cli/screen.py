"""What the commands show: tables on stdout, words on stderr.

Colours only where a terminal shows them and NO_COLOR (no-color.org) doesn't forbid them; through a pipe the
text is plain, and a message is never wrapped.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table


def be_forgiving() -> None:
    """Let a terminal that cannot show a letter show it escaped, rather than end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_colourful(stream: TextIO) -> bool:
    """Whether control sequences may be written to a stream."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def console(stream: TextIO) -> Console:
    """Return a rich console that writes to a stream, in colour if that may be."""
    from rich.console import Console

    if is_colourful(stream):
        return Console(file=stream, highlight=False)
    return Console(file=stream, highlight=False, color_system=None, force_terminal=False)


def show(*things: RenderableType) -> None:
    """Print results on stdout."""
    from rich.console import Group
    from rich.padding import Padding

    target = console(sys.stdout)
    # Rendered first and written by us: rich would turn a broken pipe into an exit of its own.
    with target.capture() as captured:
        target.print(Padding(Group(*things), (0, 1)))
    # Spaces that don't break have done their work now, and would be in the way of grep.
    lines = [line.replace("\u00a0", " ").rstrip() for line in captured.get().split("\n")[:-1]]
    sys.stdout.write("\n".join(lines) + "\n")


def show_json(facts: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    sys.stdout.write(json.dumps(facts, ensure_ascii=False, indent=2, allow_nan=False, default=str) + "\n")


def say(what: str, text: str, colour: str) -> None:
    """Print one message on stderr: ``Error: no such file``."""
    if not is_colourful(sys.stderr):
        sys.stderr.write((f"{what}: " if what else "") + text + "\n")
        return
    from rich.text import Text

    line = Text.assemble((f"{what}: ", f"bold {colour}"), text) if what else Text(text)
    console(sys.stderr).print(line)


def tell(text: str) -> None:
    """Print what was done on stderr, so that stdout stays free for results."""
    say("", text, "")


def warn(text: str) -> None:
    """Print a warning on stderr."""
    say("Warning", text, "yellow")


def facts(rows: Sequence[tuple[str, RenderableType]]) -> Table:
    """Return two columns: what, and how it is."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", min_width=12, no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> Table:
    """Return a table whose first column names and whose others are numbers."""
    from rich import box
    from rich.table import Table

    result = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        pad_edge=False,
        show_edge=False,
    )
    for place, name in enumerate(header):
        # Where the terminal is narrow, names fold and figures stay whole.
        widest = max((len(row[place]) for row in rows), default=1)
        is_figure = place > 0
        result.add_column(
            plain_text(name),
            justify="right" if is_figure else "left",
            overflow="fold",
            min_width=widest if is_figure else min(widest, 6),
        )
    for row in rows:
        result.add_row(*map(plain_text, row))
    return result


def heading(text: str) -> RenderableType:
    """Return a line that stands out."""
    from rich.text import Text

    return Text(text, style="bold")


def plain_text(text: str) -> RenderableType:
    """Return text in which brackets are brackets, not rich's markup."""
    from rich.text import Text

    return Text(text)

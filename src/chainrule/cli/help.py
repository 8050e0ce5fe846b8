"""A command's ``--help``: its options under headings, in plain text."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose options stand under the headings that they name as ``rich_help_panel``.

    Typer draws such panels as boxes, in colour and with rich only. These are headings: the same on a terminal and
    through a pipe. An option that names none stands under "Options", which come first.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        last: list[tuple[str, str]] = []  # --help and what else every command has
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            # A default in words comes in parentheses, which say nothing.
            record = (record[0], re.sub(r"\[default: \((.*)\)(?=[;\]])", r"[default: \1", record[1]))
            if parameter.param_type_name == "argument":
                panels["Arguments"].append(record)
            elif parameter.name == "help":
                last.append(record)
            else:
                panels.setdefault(getattr(parameter, "rich_help_panel", None) or "Options", []).append(record)
        panels["Options"] += last
        for title, records in panels.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

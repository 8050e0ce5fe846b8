"""All commands as one application.

The modules of the commands import little; what is heavy (NumPy, DuckDB, matplotlib) loads inside the commands
that use it. So the help is there at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Annotated, Any

import typer

from chainrule.cli import help, interrupts, outcome

COMMANDS = ("train", "predict", "evaluate", "info", "graph", "inspect", "check", "board", "lecture")


def build_application() -> typer.Typer:
    """Return the command line with every command: in module ``chainrule.cli.NAME`` the function ``NAME``."""
    application = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,  # help without boxes, the same on a terminal and through a pipe
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(chainrule)
    for name in COMMANDS:
        module = import_module(f"chainrule.cli.{name}")
        application.command(name, cls=help.Command)(_ending_well(getattr(module, name)))
    return application


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"chainrule {version('chainrule')}\n")
        raise typer.Exit


def chainrule(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Train softmax classifiers and neural networks on tables, and use, judge and look into them.

    A first walk: chainrule train penguins.csv --target species, then
    chainrule predict penguins.chainrule new.csv.
    """


def _ending_well(command: Callable[..., None]) -> Callable[..., None]:
    """Make whatever ends a command a line on stderr and an exit status."""

    @wraps(command)
    def guarded(*arguments: Any, **options: Any) -> None:
        try:
            outcome.begin()
            with interrupts.allowed():
                command(*arguments, **options)
                sys.stdout.flush()
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except BaseException as error:
            if os.environ.get("CHAINRULE_DEBUG") == "1":
                import traceback

                traceback.print_exc()
            raise typer.Exit(outcome.end(error)) from error

    return guarded

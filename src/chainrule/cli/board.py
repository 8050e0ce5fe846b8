"""``chainrule board``: a page on which a run can be watched, stopped, rewound and questioned."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli import interrupts, screen
from chainrule.cli.arguments import KINDS_OF_TABLE, Threads


def board(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[TABLE|MODEL]",
            help=f"A table ({KINDS_OF_TABLE}) or a model file; the lecture's spiral if left out.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", "-t", metavar="COLUMN", help="The column of the table to learn.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="TABLE", help="What to show a model on; by default what it was trained on."),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0 takes a free one.")] = 0,
    token: Annotated[
        str | None,
        typer.Option("--token", help="What the address ends with; made up if left out.", show_default=False),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Don't open a browser.")] = False,
    threads: Threads = 0,
) -> None:
    """Open the board: forward and backward propagation of a real run, number by number.

    It serves this machine alone, to whoever has the address that it prints. Ctrl-C ends it.
    """
    interrupts.load("numpy", "chainrule.board.server")
    from chainrule.board.open import SUFFIX, open_scene
    from chainrule.board.server import Server
    from chainrule.board.session import Session
    from chainrule.errors import InputError

    is_model = source is not None and Path(source).suffix == SUFFIX
    if source is not None and not is_model and target is None:
        raise InputError(f"'{source}' is a table: --target names the column to learn")
    if data is not None and not is_model:
        raise InputError("--data is what to show a model on: give a model file too")
    with Session(open_scene(source, data, target=target, n_threads=threads)) as session:
        server = Server(session, port=port, token=token)

        def ready() -> None:
            screen.show(f"The board is at {server.address}", "Ctrl-C ends it.")
            if not no_open:
                webbrowser.open(server.address)

        server.run(when_ready=ready)

"""``chainrule board``: a page on which a run can be watched, stopped, rewound and questioned."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli import interrupts, screen
from chainrule.cli.arguments import KINDS_OF_TABLE, Threads, check_outputs
from chainrule.cli.progress import Stages

if TYPE_CHECKING:
    from chainrule.board.session import Session

EXPORTED_STEPS = 400


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
    export: Annotated[
        Path | None,
        typer.Option(
            "--export", metavar="HTML", help="Write a recording as one file instead of serving.", show_default=False
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            min=1,
            max=100_000,
            metavar="N",
            help="Steps that --export trains; 400 if left out.",
            show_default=False,
        ),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Don't open a browser.")] = False,
    threads: Threads = 0,
) -> None:
    """Open the board: forward and backward propagation of a real run, number by number.

    It serves this machine alone, to whoever has the address that it prints. Ctrl-C ends it. With --export it trains,
    writes what would be seen at some of the steps as one file that opens from disk, and ends.
    """
    interrupts.load("numpy", "chainrule.board.session" if export else "chainrule.board.server")
    from chainrule.board.open import SUFFIX, open_scene
    from chainrule.board.session import Session
    from chainrule.errors import InputError

    is_model = source is not None and Path(source).suffix == SUFFIX
    if source is not None and not is_model and target is None:
        raise InputError(f"'{source}' is a table: --target names the column to learn")
    if data is not None and not is_model:
        raise InputError("--data is what to show a model on: give a model file too")
    if steps is not None and export is None:
        raise InputError("--steps is how long --export trains: give --export run.html too")
    if export is not None:
        check_outputs([export], [path for path in (source, data) if path is not None])
    with Session(open_scene(source, data, target=target, n_threads=threads)) as session:
        if export is not None:
            _export(session, export, steps or EXPORTED_STEPS)
            return
        from chainrule.board.server import Server

        server = Server(session, port=port, token=token)

        def ready() -> None:
            screen.show(f"The board is at {server.address}", "Ctrl-C ends it.")
            if not no_open:
                webbrowser.open(server.address)

        server.run(when_ready=ready)
        screen.tell("The board has ended.")


def _export(session: Session, path: Path, steps: int) -> None:
    from chainrule.board.export import STEPS, export

    with Stages() as stages:
        for taken in range(0, steps, size := max(1, steps // STEPS)):  # in pieces: each is measured for the timeline
            stages.begin(f"Training: step {taken:,} of {steps:,}")
            session.ask("step", count=min(size, steps - taken))
        stages.begin("Recording")
        export(session, path, progress=lambda done, of: stages.begin(f"Recording: {done} of {of} steps"))
    screen.tell(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB): open it in a browser.")

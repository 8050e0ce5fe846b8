"""``chainrule lecture``: the lecture, computed in front of you."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import screen
from chainrule.cli.arguments import AsJson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chainrule.lecture import Lecture
    from chainrule.lecture.sections import Grid


def lecture(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the pictures and the text go.")
    ] = Path("lecture"),
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, metavar="N", help="Seed of the spiral and of both starts.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Show backward propagation, from p - y to two trained models."""
    from chainrule.lecture import give_lecture

    _make(output)
    with _progress("Training the 2-100-3 network") as advance:
        told = give_lecture(seed, on_stride=advance)
    parts = _rendered(told)
    files = _write(output, told, parts)
    if as_json:
        screen.show_json(told.to_dict() | {"files": [str(path) for path in files]})
        return
    screen.show(*parts, screen.heading("10. Written"), *(f"  {path}" for path in files))


def _make(directory: Path) -> None:
    """Make the directory first: a name that can't be one shall not cost the training."""
    from chainrule.errors import InputError

    if directory.exists() and not directory.is_dir():
        raise InputError(f"--output '{directory}' is a file: name a directory for the pictures and the text")
    directory.mkdir(parents=True, exist_ok=True)


@contextmanager
def _progress(text: str) -> Iterator[Callable[[int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from chainrule.lecture.experiment import NETWORK_STEPS

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(
        *columns,
        console=screen.console(sys.stderr),
        transient=True,
        disable=not screen.is_colourful(sys.stderr),
    )
    with bar:
        task = bar.add_task(text, total=NETWORK_STEPS)
        yield lambda step: bar.update(task, completed=step)


def _rendered(told: Lecture) -> list[Any]:
    from chainrule.lecture.sections import Grid, lecture_sections

    parts: list[Any] = []
    for section in lecture_sections(told):
        parts += [screen.heading(section.title), ""]
        for part in section.parts:
            parts += [_grid(part) if isinstance(part, Grid) else screen.plain_text(part), ""]
    return parts


def _grid(part: Grid) -> Any:
    grid = screen.table(part.header, part.rows)
    if part.words:
        for column in grid.columns:
            column.justify = "left"
    return grid


def _write(directory: Path, told: Lecture, parts: list[Any]) -> list[Path]:
    """Write text, figures and pictures; without matplotlib, all but the pictures that need it."""
    import json

    from rich.console import Console

    from chainrule.errors import MissingDependencyError
    from chainrule.lecture import draw_pictures

    files = [directory / name for name in ("lecture.txt", "lecture.json", "graph.svg")]
    with files[0].open("w", encoding="utf-8") as stream:
        Console(file=stream, width=100, color_system=None, force_terminal=False).print(*parts, sep="\n")
    files[1].write_text(json.dumps(told.to_dict(), indent=2) + "\n", encoding="utf-8")
    files[2].write_text(told.network.graph.to_svg(), encoding="utf-8")
    try:
        files += draw_pictures(directory, told.softmax, told.network, told.X, told.y)
    except MissingDependencyError as error:
        screen.warn(str(error))
    return files

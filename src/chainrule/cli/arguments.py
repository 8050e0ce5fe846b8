"""Arguments that several commands take, and what typer does not check about them."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from chainrule.errors import InputError

KINDS_OF_TABLE = "CSV, TSV, JSON lines (each also .gz) or Parquet"

ModelPath: TypeAlias = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that train wrote.")]
TablePath: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help=f"{KINDS_OF_TABLE}; a quoted glob for several files.",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Print only warnings and errors.")]
Threads: TypeAlias = Annotated[
    int,
    typer.Option(
        "--threads",
        min=0,
        metavar="N",
        help="Threads to compute with; 0 is all cores. The result is the same.",
    ),
]


def split_names(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names in ``A,B`` or in an option given several times; ``"a,b"`` in quotes is one name."""
    names = [name.strip() for row in csv.reader(given or (), skipinitialspace=True) for name in row]
    return tuple(dict.fromkeys(name for name in names if name))


def check_outputs(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Raise InputError unless every output can be written and overwrites no input and no other output."""
    from chainrule.files.atomic import check_target

    files = [found for path in inputs for found in glob.glob(str(path)) or [str(path)]]  # noqa: PTH207 absolute too
    taken = {os.path.realpath(path): path for path in files}
    for path in outputs:
        check_target(path)
        real = os.path.realpath(path)
        if real in taken and not _is_device(path):
            raise InputError(
                f"'{path}' would overwrite '{taken[real]}', which this command uses too: choose another name."
            )
        taken[real] = str(path)


def _is_device(path: str | Path) -> bool:
    return Path(path).exists() and not Path(path).is_file()

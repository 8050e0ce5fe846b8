"""A table of predictions, written by DuckDB: it quotes right, streams, and knows Parquet."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chainrule._typing import Array
from chainrule.errors import InputError, TableError
from chainrule.files.atomic import failure, replacing

if TYPE_CHECKING:
    import duckdb

    from chainrule.tables import Table

PREDICTION = "prediction"
_CSV = "FORMAT csv, HEADER true"
_STYLES = {
    ".csv": _CSV,
    ".tsv": _CSV + ", DELIMITER '\\t'",
    ".jsonl": "FORMAT json",
    ".ndjson": "FORMAT json",
    ".parquet": "FORMAT parquet",
}


@dataclass(frozen=True)
class Kept:
    """Columns to carry along from the table, and where DuckDB finds them again."""

    table: str
    names: tuple[str, ...]
    n_rows: int


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is written.

    Attributes
    ----------
    classes, probabilities
        (K,) labels and (m, K) probabilities; the most probable class is the prediction.
    with_probabilities
        Whether each class gets a column ``p_CLASS``.
    kept
        Columns of the table that stand before them.
    """

    classes: Array
    probabilities: Array
    with_probabilities: bool = False
    kept: Kept | None = None

    @property
    def names(self) -> list[str]:
        """The new columns."""
        labels = self.classes.tolist() if self.with_probabilities else []
        return [PREDICTION, *(f"p_{_text(label)}" for label in labels)]


def style_of(target: Path | None) -> str:
    """Return DuckDB's options for a file name; None is stdout, which gets CSV."""
    if target is None:
        return _CSV
    packed = target.suffix.lower() == ".gz"
    suffix = Path(target.stem).suffix.lower() if packed else target.suffix.lower()
    if target.exists() and not target.is_file():  # /dev/null, a named pipe
        return _CSV
    if suffix not in _STYLES or (packed and suffix == ".parquet"):
        raise InputError(
            f"cannot write '{target}': its suffix must be one of {', '.join(_STYLES)}, the text ones also with .gz"
        )
    return _STYLES[suffix] + (", COMPRESSION gzip" if packed else "")


def plan_kept(table: str, names: Sequence[str], rows: Table) -> Kept | None:
    """Return what to carry along; a column that is not there raises TableError."""
    for name in names:
        rows[name]
    return Kept(table, tuple(names), len(rows)) if names else None


def write(target: Path | None, style: str, predictions: Predictions) -> None:
    """Write predictions in the order of the rows; a file appears whole or not at all.

    Parameters
    ----------
    target
        None is stdout.
    style
        From `style_of`.
    """
    _check_names(predictions)
    if target is not None:
        with replacing(target) as temporary:
            _copy(temporary, style, predictions, shown=target)
        return
    with tempfile.TemporaryDirectory(prefix="chainrule-") as folder:
        whole = Path(folder) / "predictions"
        _copy(whole, style, predictions, shown=whole)
        with whole.open("rb") as file:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()


def _copy(path: Path, style: str, predictions: Predictions, *, shown: Path) -> None:
    import duckdb

    from chainrule.tables.files import literal

    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    try:
        # It would show its own on stdout, in between the predictions.
        connection.execute("SET enable_progress_bar = false")
        select = _select(connection, predictions)
        connection.execute(f"COPY ({select}) TO {literal(str(path))} ({style})")
    except RuntimeError as error:
        if "interrupted" in str(error).lower():  # how DuckDB says Ctrl-C
            raise KeyboardInterrupt from error
        raise
    except duckdb.Error as error:
        raise failure(shown, " ".join(str(error).split())) from error
    finally:
        connection.close()


def _select(connection: duckdb.DuckDBPyConnection, predictions: Predictions) -> str:
    """Return the query for the whole table; the arrays become one that the query names."""
    from chainrule.tables.files import identifier

    probabilities, names = predictions.probabilities, predictions.names
    arrays = {"code": probabilities.argmax(axis=1).astype(np.int32)}
    arrays |= {f"p{k}": np.ascontiguousarray(probabilities[:, k]) for k in range(len(names) - 1)}
    connection.register("predicted", arrays)
    connection.execute("CREATE TABLE known AS SELECT ? AS labels", [predictions.classes.tolist()])
    chosen = [f"labels[code + 1] AS {identifier(names[0])}"]
    chosen += [f"p{k} AS {identifier(name)}" for k, name in enumerate(names[1:])]
    source = "predicted"
    if predictions.kept is not None:
        source = f"({_select_kept(connection, predictions.kept)}) AS kept POSITIONAL JOIN predicted"
        chosen.insert(0, "kept.*")
    return f"SELECT {', '.join(chosen)} FROM known, ({source})"


def _select_kept(connection: duckdb.DuckDBPyConnection, kept: Kept) -> str:
    """Return the query for the kept columns; those of a CSV come as text, so that 1.50 stays 1.50."""
    from chainrule.tables.files import SNIFFED_ROWS, find_files, identifier, scan

    files = find_files(kept.table)
    call = scan(connection, files, SNIFFED_ROWS)
    if files.format == "csv":
        call = call.removesuffix(")") + ", all_varchar = true)"
    select = f"SELECT {', '.join(map(identifier, kept.names))} FROM {call}"
    found = connection.execute(f"SELECT count(*) FROM ({select})").fetchone()
    if found is None or found[0] != kept.n_rows:
        raise TableError(f"'{kept.table}' changed while it was read. Try again.")
    return select


def _check_names(predictions: Predictions) -> None:
    """DuckDB tells columns apart ignoring case, so a kept one must not come again that way."""
    new = {name.casefold(): name for name in predictions.names}
    for name in predictions.kept.names if predictions.kept else ():
        if name.casefold() in new:
            raise InputError(
                f"--keep {name}: the predictions have a column {new[name.casefold()]!r} of their own. Leave it out."
            )


def _text(label: object) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)

"""Reading: files, queries and frames, all through one in-memory DuckDB.

Whatever the source, it becomes a relation; each column of it gets one SQL expression that delivers plain
numbers (codes for text, microseconds for dates), and NumPy arrays come out. So a CSV file, the same table in
Parquet and the same table as a pandas or polars frame encode to the same matrix, and no cell is touched in
Python. Neither pandas nor pyarrow is needed for files.
"""

from __future__ import annotations

import functools
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._typing import Array
from chainrule.errors import TableError
from chainrule.tables.faults import explain
from chainrule.tables.files import ALL_ROWS, SNIFFED_ROWS, FileSet, find_files, identifier, scan
from chainrule.tables.table import Column, Kind, Table, column_names, missing_column
from chainrule.tables.texts import recognise

if TYPE_CHECKING:
    import duckdb

_INTEGERS = {"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"}
_FLOATS = {"float", "double"}
_WIDE = {"hugeint", "uhugeint", "decimal", "bignum"}
_TEXTS = {"varchar", "enum", "uuid"}


@dataclass(frozen=True)
class _Plan:
    """How one column is fetched."""

    name: str
    kind: Kind
    sql: str
    empty: bool = False
    as_category: bool = False


def read_table(
    source: Any = None,
    *,
    query: str | None = None,
    drop: Iterable[str] = (),
) -> Table:
    """Read a table from files, from a query over them, or from a frame.

    Parameters
    ----------
    source : path, glob, list of paths, or frame
        CSV, TSV (.csv, .tsv, .txt), JSON lines (.jsonl, .ndjson, .json), each also .gz, or Parquet; or a
        pandas, polars or pyarrow frame (anything narwhals knows). Several files need the same columns, in any
        order. May be None if the query names its files itself.
    query : str, optional
        One SELECT in DuckDB's SQL. The source is the table ``data``; files can be named too, as in
        ``SELECT * FROM 'more.parquet'``, and are then read with DuckDB's own defaults.
    drop : iterable of str
        Columns to leave out before anything is read.

    Returns
    -------
    Table
        At least one row and one column. Rows keep the source's order, a query's rows the query's.

    Raises
    ------
    TableError
        If the source cannot be read; the message says where and what to do.

    Notes
    -----
    In a CSV file, empty fields and the tokens that ``pandas.read_csv`` takes as missing (NA, N/A, null, NaN
    ...) are missing. The first line is the header. Names are told apart ignoring case: the second of ``x,X``
    is read as ``X_1``. Times of day become dates of 1970-01-01, times with a zone become UTC, durations
    seconds. Columns of lists, structs or bytes are left out, and `Table.notes` says so.
    """
    import duckdb

    unwanted = column_names(drop)
    if source is None and query is None:
        raise TableError("nothing to read: give a source, a query, or both.")
    frame = None if source is None or _names_files(source) else source
    files = find_files(source) if source is not None and frame is None else None
    label = files.label if files else "the query's result" if frame is None else _frame_label(frame)
    for sniffed_rows in (SNIFFED_ROWS, ALL_ROWS):
        connection = _connect()
        try:
            work = functools.partial(_read, connection, files, frame, query, unwanted, label, sniffed_rows)
            return _interruptible(connection, work)
        except duckdb.ConversionException as error:
            # The first rows promised a type that a later row breaks: look at all rows, then decide.
            if files is None or files.format == "parquet" or sniffed_rows == ALL_ROWS:
                raise TableError(explain(error, label, files, query)) from error
        except duckdb.Error as error:
            raise TableError(explain(error, label, files, query)) from error
        finally:
            connection.close()
    raise TableError(f"{label} cannot be read: no types fit all rows.")


def as_table(data: Any) -> Table:
    """Return `data` as a table: a Table as it is, anything else through `read_table`."""
    return data if isinstance(data, Table) else read_table(data)


def _names_files(source: Any) -> bool:
    if isinstance(source, str | os.PathLike):
        return True
    return isinstance(source, list | tuple) and all(isinstance(one, str | os.PathLike) for one in source)


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb

    spill = Path(tempfile.gettempdir()) / f"chainrule-duckdb-{os.getpid()}"
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # A table name in a query must never reach a variable of the calling program.
            "python_enable_replacements": "false",
            "temp_directory": str(spill),
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # ours is the one that is shown
    return connection


def _interruptible(connection: duckdb.DuckDBPyConnection, read: Callable[[], Table]) -> Table:
    """Return ``read()``, which uses this connection; Ctrl-C stops it at once.

    DuckDB looks for Ctrl-C only between tasks, and a task can take minutes. So it works in a thread of its own,
    and the thread that Ctrl-C reaches waits and passes it on.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(read)
        try:
            # Not one long wait: a signal that another thread catches does not end it, and on Windows none does.
            while not wait([future], timeout=0.1).done:
                continue
        except KeyboardInterrupt:
            # Again and again: an interrupt between two statements stops neither.
            while not future.done():
                connection.interrupt()
                wait([future], timeout=0.05)
            raise
        return future.result()


def _read(
    connection: duckdb.DuckDBPyConnection,
    files: FileSet | None,
    frame: Any,
    query: str | None,
    drop: Sequence[str],
    label: str,
    sniffed_rows: int,
) -> Table:
    categories: frozenset[str] = frozenset()
    notes: list[str] = []
    if files is not None:
        connection.execute(f"CREATE VIEW data AS SELECT * FROM {scan(connection, files, sniffed_rows)}")
    elif frame is not None:
        categories, notes = _register(connection, frame, label)
    select = "SELECT * FROM data" if query is None else _one_select(connection, query)
    # The line breaks keep a comment at the query's end from swallowing the parenthesis.
    relation = connection.sql(f"SELECT * FROM (\n{select}\n)")
    for name in drop:
        if name not in relation.columns:
            raise TableError(missing_column(name, relation.columns, label))
    plans: list[_Plan] = []
    for name, type_ in zip(relation.columns, relation.types, strict=True):
        if name in drop:
            continue
        plan = _plan(name, type_.id, str(type_), name in categories)
        if plan is None:
            notes.append(f"column {name!r} left out: it holds {str(type_)[:60]}, and one value per row is needed.")
        else:
            plans.append(plan)
    if not plans:
        raise TableError(f"{label} has no column that can be used. {' '.join(notes)}".rstrip())
    names = ", ".join(identifier(plan.name) for plan in plans)
    connection.execute(f"CREATE TEMP TABLE kept AS SELECT {names} FROM (\n{select}\n)")
    n_rows = int(_one_value(connection, "SELECT count(*) FROM kept"))
    if n_rows == 0:
        header = "a header but " if files is not None else ""
        what = "the query returned" if query is not None else f"{label} has {header}".rstrip()
        raise TableError(f"{what} no rows. At least one is needed.")
    columns: list[Column] = []
    for position, plan in enumerate(plans):
        column = _fetch(connection, plan, position, n_rows)
        if column is None:
            notes.append(f"column {plan.name!r} left out: it holds nested JSON, and one plain value is needed.")
        else:
            columns.append(column)
    source = files.source if files is not None and query is None else label
    return Table(tuple(columns), n_rows, source, tuple(notes))


def _one_select(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Return the query without its semicolon, if it is one SELECT: reading must not change anything."""
    import duckdb

    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(str(statement.type).split(".")[-1] for statement in statements) or "nothing"
        raise TableError(f"the query must be one SELECT statement; it holds {kinds}.")
    return re.sub(r";\s*(--[^\n]*\s*)*$", "", statements[0].query.strip())


def _frame_label(frame: Any) -> str:
    return f"the {type(frame).__module__.split('.')[0]} frame"


def _register(connection: duckdb.DuckDBPyConnection, frame: Any, label: str) -> tuple[frozenset[str], list[str]]:
    """Make a frame the table ``data``; return its categorical columns and what was left out."""
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    try:
        wrapped = nw.from_native(frame)
        if isinstance(wrapped, nw.LazyFrame):
            wrapped = wrapped.collect()
        schema = dict(wrapped.schema.items())
    except DuplicateError as error:
        raise TableError(f"{label} has two columns of the same name. Rename one of them.") from error
    except TypeError as error:
        raise TableError(
            f"a table cannot be read from {type(frame).__name__!r}. Give the path of a CSV, Parquet or JSON "
            "lines file, or a pandas, polars or pyarrow frame."
        ) from error
    if not schema:
        raise TableError(f"{label} has no columns.")
    # What narwhals cannot name, DuckDB may know (mixed values of pandas, say): ask it column by column.
    unusable = [
        name
        for name, dtype in schema.items()
        if dtype in (nw.Unknown, nw.Object) and not _scannable(connection, wrapped.select(name).to_native())
    ]
    notes = [
        f"column {str(name)!r} left out: {label} keeps it as {schema[name]} values, "
        "and numbers, text or dates are needed."
        for name in unusable
    ]
    if len(unusable) == len(schema):
        raise TableError(f"{label} has no column that can be used. {' '.join(notes)}")
    if unusable:
        wrapped = wrapped.drop(unusable)
    native = wrapped.to_native()
    known = wrapped.implementation.is_pandas() or wrapped.implementation.is_polars()
    connection.register("data", native if known else wrapped.to_arrow())
    categories = frozenset(str(name) for name, dtype in schema.items() if dtype == nw.Categorical or dtype == nw.Enum)
    return categories, notes


def _scannable(connection: duckdb.DuckDBPyConnection, frame: Any) -> bool:
    import duckdb

    try:
        connection.register("probe", frame)
        connection.sql("SELECT * FROM probe LIMIT 1").fetchnumpy()
    except duckdb.Error:
        return False
    return True


def _plan(name: str, type_id: str, type_text: str, as_category: bool) -> _Plan | None:
    """Return how a column of this DuckDB type is fetched, or None if it cannot be used."""
    quoted = identifier(name)
    if type_text == "JSON":
        return _Plan(name, "category", f"({quoted} ->> '$')")
    if type_id in _INTEGERS or type_id in _FLOATS:
        return _Plan(name, "number", quoted, as_category=as_category)
    if type_id in _WIDE:
        return _Plan(name, "number", f"{quoted}::DOUBLE", as_category=as_category)
    if type_id == "interval":
        return _Plan(name, "number", f"epoch({quoted})")
    if type_id == "boolean":
        return _Plan(name, "boolean", f"coalesce({quoted}::TINYINT, -1::TINYINT)", as_category=as_category)
    if type_id in _TEXTS:
        return _Plan(name, "category", f"{quoted}::VARCHAR")
    if type_id == "null":
        return _Plan(name, "category", quoted, empty=True)
    if type_id == "timestamp with time zone":
        moment = f"({quoted} AT TIME ZONE 'UTC')"
    elif type_id.startswith("timestamp") or type_id == "date":
        moment = f"{quoted}::TIMESTAMP"
    elif type_id.startswith("time"):
        return _Plan(name, "date", f"DATE '1970-01-01' + {quoted}::TIME", as_category=as_category)
    else:
        return None
    return _Plan(name, "date", f"CASE WHEN isfinite({quoted}) THEN {moment} END", as_category=as_category)


def _fetch(connection: duckdb.DuckDBPyConnection, plan: _Plan, position: int, n_rows: int) -> Column | None:
    if plan.empty:
        return Column(plan.name, "category", np.full(n_rows, -1, dtype=np.int32))
    if plan.kind == "category":
        return _fetch_category(connection, plan, position, n_rows)
    values = _one_array(connection, f"SELECT {plan.sql} AS v FROM kept")
    if plan.kind == "number":
        if isinstance(values, np.ma.MaskedArray):
            floats = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
            values = np.ma.filled(values.astype(floats), np.nan)
    elif plan.kind == "date":
        values = np.ma.filled(values, np.datetime64("NaT")).astype("datetime64[us]")
    column = Column(plan.name, plan.kind, np.ascontiguousarray(values))
    return column.as_category() if plan.as_category else column


def _fetch_category(connection: duckdb.DuckDBPyConnection, plan: _Plan, position: int, n_rows: int) -> Column | None:
    """Fetch text as codes: its distinct values become an ENUM, and the ENUM's code is what is fetched."""
    if plan.sql.endswith("->> '$')") and _one_value(
        connection,
        f"SELECT count(*) FROM kept WHERE json_type({identifier(plan.name)}) IN ('OBJECT', 'ARRAY')",
    ):
        return None
    distinct, enum = f"distinct_{position}", f"levels_{position}"
    connection.execute(f"CREATE TEMP TABLE {distinct} AS SELECT DISTINCT {plan.sql} AS v FROM kept")
    levels = _one_array(connection, f"SELECT v FROM {distinct} WHERE v IS NOT NULL ORDER BY v")
    if len(levels) == 0:
        return Column(plan.name, "category", np.full(n_rows, -1, dtype=np.int32))
    connection.execute(f"CREATE TYPE {enum} AS ENUM (SELECT v FROM {distinct} WHERE v IS NOT NULL ORDER BY v)")
    codes = _one_array(connection, f"SELECT coalesce(enum_code({plan.sql}::{enum})::INTEGER, -1) AS v FROM kept")
    column = Column(plan.name, "category", codes.astype(np.int32, copy=False), tuple(levels.tolist()))
    return recognise(column)


def _one_array(connection: duckdb.DuckDBPyConnection, sql: str) -> Array:
    values: Array = connection.execute(sql).fetchnumpy()["v"]
    return values


def _one_value(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else 0

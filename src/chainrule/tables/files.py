"""Which files a source names, and the DuckDB call that reads them.

DuckDB's sniffer finds a CSV's delimiter, quoting and types. What it does not do is mistrust itself: a ragged
file makes it fall back to one wide text column, an empty one to a column named ``column0``. The checks around
it are here, and they are cheap: they look at the head of a file, and at the whole only to explain a failure.
"""

from __future__ import annotations

import csv
import glob
import gzip
import io
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, TypeAlias, cast

from chainrule.errors import TableError
from chainrule.tables.table import listing, nearest, plural

if TYPE_CHECKING:
    import duckdb

Format: TypeAlias = Literal["csv", "parquet", "json"]

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}

# What pandas.read_csv takes as missing too, so that a file means the same in both; first, the empty field.
MISSING_TOKENS = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip

# Rows whose values decide the types of a CSV's columns; if a later row disagrees, all rows are looked at.
SNIFFED_ROWS = 20_480
ALL_ROWS = -1

_DELIMITERS = ",;\t|"
_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class FileSet:
    """Files of one format that are read as one table."""

    paths: tuple[Path, ...]
    format: Format

    @property
    def source(self) -> str:
        """What the table remembers as its source."""
        return str(self.paths[0]) if len(self.paths) == 1 else f"{self.paths[0]} and {len(self.paths) - 1} more"

    @property
    def label(self) -> str:
        """What messages call the files."""
        if len(self.paths) == 1:
            return f"'{self.paths[0]}'"
        return f"{len(self.paths)} files ('{self.paths[0]}' and others)"


def find_files(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> FileSet:
    """Return the files that a path, a glob or a list of paths and globs names.

    Raises
    ------
    TableError
        If a file is missing, a directory, empty or unreadable, if a glob matches nothing, or if the formats
        are unknown or mixed.
    """
    given = [source] if isinstance(source, str | os.PathLike) else list(source)
    if not given:
        raise TableError("the list of files is empty. Give at least one path.")
    paths = [path for one in given for path in _expand(os.fspath(one))]
    for path in paths:
        _check_readable(path)
    formats = {path: _format(path) for path in paths}
    first = formats[paths[0]]
    for path, other in formats.items():
        if other != first:
            raise TableError(f"'{paths[0]}' is {first} and '{path}' is {other}: a table needs files of one format.")
    return FileSet(tuple(paths), first)


def _expand(text: str) -> list[Path]:
    if not text.strip():
        raise TableError("the path is empty. Give the path of a CSV, Parquet or JSON lines file.")
    if "\0" in text:
        raise TableError(f"{text!r} is not a path: it holds a null character.")
    if re.match(r"[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        raise TableError(f"'{text}' is not a local file. Download it first, then give its path.")
    path = Path(text).expanduser()
    if path.exists():
        return [path]
    if glob.has_magic(text):
        # Path.glob takes no absolute pattern, and this one comes as a whole.
        names = glob.glob(str(path), recursive=True)  # noqa: PTH207
        found = sorted(Path(name) for name in names if Path(name).is_file())
        if not found:
            raise TableError(f"no file matches '{text}' (looked from '{Path.cwd()}').")
        return found
    raise TableError(_no_such_file(path))


def _no_such_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"no such file: '{path}'. The folder '{folder}' does not exist either."
    tables = [entry.name for entry in folder.iterdir() if entry.is_file() and _suffix(entry) in FORMATS]
    near = nearest(path.name, tables)
    if near is not None:
        return f"no such file: '{path}'. Did you mean '{folder / near}'?"
    if tables:
        return f"no such file: '{path}'. Tables in that folder: {listing(sorted(tables))}."
    return f"no such file: '{path}'. There is no table in '{folder.resolve()}'."


def _check_readable(path: Path) -> None:
    if path.is_dir():
        raise TableError(
            f"'{path}' is a directory, not a file. Name its files with a glob, such as '{path / '*.csv'}'."
        )
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise TableError(f"'{path}' cannot be opened: {(error.strerror or str(error)).lower()}.") from error
    if empty:
        raise TableError(f"'{path}' is empty (0 bytes). A table needs a header line and at least one row.")


def _suffix(path: Path) -> str:
    """Return the suffix that tells the format, lower case: ``.csv`` of ``a.csv.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _format(path: Path) -> Format:
    suffix = _suffix(path)
    compressed = path.suffix.lower() == ".gz"
    if suffix not in FORMATS or (compressed and FORMATS[suffix] == "parquet"):
        raise TableError(
            f"'{path}': unknown kind of file '{''.join(path.suffixes[-2:]) if compressed else path.suffix}'. "
            "Known are .csv, .tsv, .txt, .jsonl, .ndjson, .json (each also .gz) and .parquet."
        )
    return FORMATS[suffix]


def scan(connection: duckdb.DuckDBPyConnection, files: FileSet, sniffed_rows: int) -> str:
    """Return the DuckDB call that reads these files as one table, such as ``read_csv([...], ...)``."""
    if files.format == "parquet":
        call = _call("read_parquet", files, {"union_by_name": "true", "hive_partitioning": "false"})
    elif files.format == "json":
        # Without the threshold a wide flat record would be taken for one column, a map.
        options = {"union_by_name": "true", "map_inference_threshold": "-1", "hive_partitioning": "false"}
        call = _call("read_json", files, {**options, "sample_size": str(sniffed_rows)})
    else:
        for path in files.paths:
            _check_text(path)
        call = _csv_call(connection, files, sniffed_rows)
    if len(files.paths) > 1 and files.format != "json":
        # JSON lines may leave a key out wherever its value is missing, so there the columns may differ.
        _check_same_columns(connection, files, sniffed_rows)
    return call


def _csv_call(connection: duckdb.DuckDBPyConnection, files: FileSet, sniffed_rows: int) -> str:
    import duckdb

    options = {
        "header": "true",
        # A header is the first line that is not empty; the sniffer would skip lines and guess comments.
        "skip": "0",
        "comment": "''",
        "strict_mode": "true",
        "nullstr": "[" + ", ".join(literal(token) for token in MISSING_TOKENS) + "]",
        "sample_size": str(sniffed_rows),
        # Without BOOLEAN: it would take yes and no too, and a label's own words would be lost.
        "auto_type_candidates": "['NULL', 'BIGINT', 'DOUBLE', 'TIME', 'DATE', 'TIMESTAMP', 'TIMESTAMPTZ', 'VARCHAR']",
        "union_by_name": "true",
        "hive_partitioning": "false",
    }
    delimiter = header_delimiter(files.paths[0])
    call = _call("read_csv", files, options)
    try:
        types = column_types(connection, call)
    except duckdb.Error:
        for path in files.paths:
            check_ragged(path)
        if delimiter is None:
            raise
        return _call("read_csv", files, {**options, "delim": literal(delimiter)})
    if len(types) == 1 and delimiter is not None:
        for path in files.paths:
            check_ragged(path)
        return _call("read_csv", files, {**options, "delim": literal(delimiter)})
    if delimiter == ";":
        # Where the comma is the decimal sign, the semicolon is the delimiter.
        comma = _call("read_csv", files, {**options, "delim": "';'", "decimal_separator": "','"})
        if _numeric_columns(column_types(connection, comma)) > _numeric_columns(types):
            return comma
    return call


def _numeric_columns(types: dict[str, str]) -> int:
    return sum(type_.startswith(_NUMERIC) for type_ in types.values())


def _call(function: str, files: FileSet, options: dict[str, str]) -> str:
    paths = ", ".join(literal(_without_glob(path)) for path in files.paths)
    return f"{function}([{paths}], " + ", ".join(f"{name} = {value}" for name, value in options.items()) + ")"


def _without_glob(path: Path) -> str:
    """Return the path so that DuckDB takes it as it stands, not as a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _check_same_columns(connection: duckdb.DuckDBPyConnection, files: FileSet, sniffed_rows: int) -> None:
    """Raise TableError unless every file has the columns of the first, in any order."""
    expected: tuple[str, ...] = ()
    for path in files.paths:
        one = replace(files, paths=(path,))
        names = tuple(column_types(connection, scan(connection, one, sniffed_rows)))
        expected = expected or names
        lost = [name for name in expected if name not in names]
        extra = [name for name in names if name not in expected]
        if lost or extra:
            what = " and ".join(
                part
                for part in (
                    f"lacks {listing(lost)}" if lost else "",
                    f"has {listing(extra)} besides" if extra else "",
                )
                if part
            )
            raise TableError(
                f"the columns of '{path}' differ from those of '{files.paths[0]}': it {what}. "
                "Several files need the same columns."
            )


def column_types(connection: duckdb.DuckDBPyConnection, call: str) -> dict[str, str]:
    """Return name -> DuckDB type of what a FROM clause delivers."""
    rows = connection.execute(f"DESCRIBE SELECT * FROM {call}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def literal(text: str) -> str:
    """Return the text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return the name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacked if its name ends in .gz."""
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _check_text(path: Path) -> None:
    """Raise TableError if the head of the file shows that it is not a CSV."""
    try:
        with open_bytes(path) as file:
            head = file.read(65_536)
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(
            f"'{path}' cannot be unpacked: it is not a whole gzip file. Rename it or make it again."
        ) from error
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableError(
            f"'{path}' is not UTF-8 but UTF-16. Save it as UTF-8, or run: iconv -f UTF-16 -t UTF-8 '{path}' > utf8.csv"
        )
    if b"\0" in head:
        raise TableError(f"'{path}' is not text: byte {head.index(0) + 1:,} is zero. A CSV is needed.")
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise TableError(f"'{path}' holds only blank lines. A table needs a header line and at least one row.")


def header_delimiter(path: Path) -> str | None:
    """Return the delimiter that occurs most in the first line outside quotes, or None."""
    with open_bytes(path) as file:
        for line in file:
            if line.strip():
                bare = re.sub(r'"[^"]*"', "", line.decode("utf-8", "replace"))
                best = max(_DELIMITERS, key=bare.count)
                return best if best in bare else None
    return None


def check_ragged(path: Path) -> None:
    """Raise TableError if a record of the CSV has more or fewer fields than its header.

    Reads the file record by record: it is called only to explain why the sniffer gave up.
    """
    delimiter = header_delimiter(path)
    if delimiter is None:
        return
    with open_bytes(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter)
        width = 0
        start = 1
        try:
            for record in reader:
                width = width or len(record)
                if record and len(record) != width:
                    raise TableError(ragged_line(str(path), start, len(record), width))
                start = reader.line_num + 1
        except csv.Error:
            # Not even Python's reader understands it; the caller has DuckDB's own reason.
            return


def ragged_line(path: str, line: int, found: int, expected: int) -> str:
    """Return the sentence that a line has the wrong number of fields."""
    return (
        f"'{path}', line {line:,}: {plural(found, 'field')} where the header has {expected:,}. "
        'Repair that line; a field that holds the delimiter or a line break must stand in "double quotes".'
    )


def bad_utf8_line(path: Path) -> str | None:
    """Return the sentence that says where the file is not UTF-8, or None if it is."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = f"0x{line[error.start]:02X}"
                return (
                    f"'{path}' is not UTF-8: line {number:,} holds the byte {byte}. Save it as "
                    f"UTF-8, or if it is Latin-1 run: iconv -f LATIN1 -t UTF-8 '{path}' > utf8.csv"
                )
    return None

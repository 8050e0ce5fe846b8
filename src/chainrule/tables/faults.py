"""What DuckDB says when it cannot read, in one or two lines that tell what to do."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from chainrule.tables.files import FileSet, bad_utf8_line, ragged_line

_LONGEST = 300


def explain(error: Exception, label: str, files: FileSet | None, query: str | None) -> str:
    """Return a message for an error of DuckDB.

    Parameters
    ----------
    error : Exception
        What DuckDB raised.
    label : str
        What was read, as messages call it.
    files : FileSet or None
        The files that were read, if there were any.
    query : str or None
        The user's query, if there was one.
    """
    text = str(error)
    if re.search(r"unicode|utf-8|utf8", text, re.IGNORECASE):
        for path in files.paths if files else ():
            sentence = _bad_utf8(path)
            if sentence:
                return sentence
    return (
        _explain_line(text, label)
        or _explain_extension(text)
        or (_explain_parquet(text, label) if files and files.format == "parquet" else None)
        or (f"the query cannot be run: {_first_words(text)}" if query is not None else None)
        or f"{label} cannot be read: {_first_words(text)}"
    )


def _bad_utf8(path: Path) -> str | None:
    try:
        return bad_utf8_line(path)
    except (OSError, EOFError, zlib.error):
        return None


def _explain_line(text: str, label: str) -> str | None:
    """Explain an error that has a line number."""
    name = re.search(r"""file = (.*)|in file "([^"]*)\"""", text)
    path = next((group for group in name.groups() if group), label.strip("'")) if name else label.strip("'")
    ragged = re.search(r"CSV Error on Line: (\d+).*Expected Number of Columns: (\d+) Found: (\d+)", text, re.DOTALL)
    if ragged:
        line, expected, found = (int(group) for group in ragged.groups())
        return ragged_line(path, line, found, expected)
    conversion = re.search(
        r'CSV Error on Line: (\d+).*converting column "(.*?)"\. '
        r"""Could not convert string "(.*?)" to '(\w+)'""",
        text,
        re.DOTALL,
    )
    if conversion:
        number, column, value, type_ = conversion.groups()
        return f"'{path}', line {int(number):,}: column {column!r} holds {value!r}, which is no {type_.lower()}."
    json = re.search(r"Malformed JSON .*?in line (\d+): (.*)", text)
    if json:
        reason = json[2].strip(" .")
        return f"'{path}', line {int(json[1]):,}: not JSON ({reason}). Each line needs one whole object."
    quote = re.search(r"CSV Error on Line: (\d+)", text)
    if quote:
        said = re.search(r"Original Line:.*\n(.*)", text)
        why = said[1].strip(" .") if said else "it cannot be parsed"
        return f"'{path}', line {int(quote[1]):,}: {why[:_LONGEST]}."
    if "automatically detect the CSV" in text:
        return (
            f"'{path}' cannot be taken apart as CSV: no delimiter (, ; tab |) and quoting fit all lines. "
            "Look for a quote that is never closed."
        )
    return None


def _explain_extension(text: str) -> str | None:
    found = re.search(r"extension '?\"?(\w+)", text)
    if found and "load" in text:
        return (
            f"this needs DuckDB's extension {found[1]!r}, and chainrule loads nothing from the network. "
            "Download the data or convert it to Parquet first."
        )
    return None


def _explain_parquet(text: str, label: str) -> str | None:
    if re.search(r"magic bytes|parquet|thrift|too small|corrupt|snappy|zstd|invalid|footer", text, re.IGNORECASE):
        return (
            f"{label} is not a whole Parquet file ({_first_words(text)[:120].rstrip('.')}). "
            "Copy or write it again, or give it the suffix of what it is."
        )
    return None


def _first_words(text: str) -> str:
    """Return DuckDB's own reason: without its kind, its picture of the statement and its candidates."""
    text = re.split(r"\n\s*\nLINE \d+:|\nLINE \d+:|\n\s*Candidate functions:|Possible fixes:", text)[0]
    text = re.sub(r"^(\w+ )*Error: ", "", text.strip())
    # The suggestion would be one of DuckDB's own catalogs.
    text = re.sub(r'Did you mean "pg_.*', "The files given are the table 'data'.", text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."

"""A table as plain arrays: one `Column` per column, each of one of four kinds."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from chainrule._typing import Array
from chainrule.errors import TableError

Kind: TypeAlias = Literal["number", "boolean", "category", "date"]
Level: TypeAlias = str | int | float | bool | datetime.date | datetime.datetime


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        The column's name.
    kind : {"number", "boolean", "category", "date"}
        What the values mean.
    values : ndarray, shape (n_rows,)
        - number: integers as they were read, or floats with NaN where a value is missing;
        - boolean: int8, 0 or 1, and -1 where missing;
        - category: int32 codes into `levels`, and -1 where missing;
        - date: datetime64[us] (UTC where the source had a time zone), and NaT where missing.
    levels : tuple
        The distinct values of a category column, sorted; usually text. Empty for the other kinds.
    """

    name: str
    kind: Kind
    values: Array
    levels: tuple[Level, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def missing(self) -> Array:
        """bool, shape (n_rows,): True where there is no value."""
        if self.kind == "date":
            return np.isnat(self.values)
        if self.kind == "number":
            if self.values.dtype.kind == "f":
                return np.isnan(self.values)
            return np.zeros(len(self.values), dtype=bool)
        return self.values < 0

    def take(self, rows: Array) -> Column:
        """Return the column of these rows only (indices or a mask)."""
        return replace(self, values=self.values[rows])

    def objects(self) -> Array:
        """Return the values as Python objects, None where missing; object array of shape (n_rows,)."""
        if self.kind == "category":
            # The last slot is None, so that the code -1 finds it.
            lookup = np.empty(len(self.levels) + 1, dtype=object)
            lookup[:-1] = self.levels
            return lookup[self.values]
        if self.kind == "boolean":
            return np.array([False, True, None], dtype=object)[self.values]
        objects = self.values.astype(object)
        objects[self.missing] = None
        return objects

    def as_category(self) -> Column:
        """Return the column as a category: its distinct values become sorted levels of their own type."""
        if self.kind == "category":
            return self
        if self.kind == "boolean":
            return replace(self, kind="category", values=self.values.astype(np.int32), levels=(False, True))
        present = ~self.missing
        distinct, inverse = np.unique(restored_integers(self.values[present], bool(present.all())), return_inverse=True)
        codes = np.full(len(self.values), -1, dtype=np.int32)
        codes[present] = inverse
        return replace(self, kind="category", values=codes, levels=tuple(distinct.tolist()))


def restored_integers(present: Array, complete: bool) -> Array:
    """Return values as integers if only a missing value beside them made floats of them."""
    if complete or present.dtype.kind != "f" or not integral(present):
        return present
    return present.astype(np.int64)


def integral(values: Array) -> bool:
    """Tell whether all numbers are integers that a double holds exactly."""
    # Beyond 2**53 a double no longer tells neighbouring integers apart.
    return bool((np.abs(values) < 2.0**53).all()) and bool((np.floor(values) == values).all())


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of the same length, in order.

    Attributes
    ----------
    columns : tuple of Column
        Names are unique.
    n_rows : int
        Number of rows.
    source : str
        Where the table came from, for messages: a path, ``"query"`` or ``"pandas frame"``.
    notes : tuple of str
        What the reader left out, one sentence each.
    """

    columns: tuple[Column, ...]
    n_rows: int
    source: str = "table"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise TableError(f"{self.source} has two columns named {column.name!r}. Rename one of them.")
            seen.add(column.name)
            if len(column) != self.n_rows:
                raise TableError(f"column {column.name!r} of {self.source} has {len(column)} rows, not {self.n_rows}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def __len__(self) -> int:
        return self.n_rows

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise TableError(missing_column(name, self.names, self.source))

    def drop(self, names: Iterable[str]) -> Table:
        """Return the table without these columns; a name that is not there raises TableError."""
        unwanted = set(column_names(names))
        for name in sorted(unwanted):
            self[name]
        return replace(self, columns=tuple(c for c in self.columns if c.name not in unwanted))

    def take(self, rows: Any) -> Table:
        """Return these rows only.

        Parameters
        ----------
        rows : array_like
            Row indices (from 0), or a mask of shape (n_rows,).
        """
        index = np.asarray(rows)
        if index.dtype == bool:
            if index.shape != (self.n_rows,):
                raise TableError(f"a mask over {self.source} needs {self.n_rows} entries, not {index.size}.")
            index = np.flatnonzero(index)
        elif index.size == 0:
            index = index.astype(np.intp)
        columns = tuple(column.take(index) for column in self.columns)
        return replace(self, columns=columns, n_rows=len(index))


def column_names(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return names as a tuple; one text is one name, not its letters."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most like `name` (ignoring case), or None if none is near."""
    by_fold = {candidate.casefold(): candidate for candidate in candidates}
    folded = str(name).casefold()
    matches = difflib.get_close_matches(folded, by_fold, n=1, cutoff=0.6)
    if not matches and len(folded) >= 3:
        # 'bill_len' for 'bill_length_mm': a prefix is near, however long the rest.
        matches = [other for other in by_fold if len(other) >= 3 and (folded in other or other in folded)][:1]
    return by_fold[matches[0]] if matches else None


def missing_column(name: str, names: Iterable[str], source: str) -> str:
    """Return the sentence that a column is not there, with what may have been meant."""
    names = tuple(names)
    near = nearest(name, names)
    if near is not None:
        return f"column {name!r} is missing in {source}; there is {near!r}."
    return f"column {name!r} is missing in {source}. Its columns: {listing(names)}."


def listing(names: Iterable[str], most: int = 8) -> str:
    """Return names for a message: quoted, at most `most` of them."""
    names = list(names)
    text = ", ".join(repr(name) for name in names[:most])
    return text + (f" and {len(names) - most:,} more" if len(names) > most else "")


def plural(count: int, noun: str) -> str:
    """Return ``'1 row'``, ``'2 rows'``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}es" if noun.endswith("ss") else f"{count:,} {noun}s"

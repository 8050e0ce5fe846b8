"""One record per kind of column: what was learned of it, and how its values become features.

Each rule reads a column (`read`: checks it, forgives what can be forgiven) and writes a block of rows into
its own slice of the matrix (`write`). The slice comes in as zeros.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from chainrule._typing import Array, FloatArray
from chainrule.errors import InputError, TableError
from chainrule.tables import plain
from chainrule.tables.levels import MISSING, OTHER, find_levels
from chainrule.tables.table import Column, plural

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Two numbers whose halves differ by more cannot be subtracted.
_LARGEST_HALF = float(np.finfo(np.float64).max) / 2
_TRUTHS = ("true or false (or 1 or 0)",) * 2
_TRUTH = {"true": 1, "false": 0, "1": 1, "0": 0, "t": 1, "f": 0, "yes": 1, "no": 0, "1.0": 1, "0.0": 0}


@dataclass(frozen=True)
class NumberRule:
    """A number: missing values become the median, then ``(x - mean) / scale``; a flag where it was missing.

    `mean` and `scale` are the mean and the standard deviation of the training column after filling in. With
    `clip` the feature stays within -clip and +clip.
    """

    kind: ClassVar[str] = "number"
    column: str
    median: float
    mean: float
    scale: float
    missing: bool
    clip: float | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per feature."""
        return (self.column, f"{self.column}={MISSING}") if self.missing else (self.column,)

    def read(self, column: Column, largest: float) -> Array:
        """Return the numbers, NaN where missing; shape (n_rows,).

        Parameters
        ----------
        column : Column
            The column as it came.
        largest : float
            The largest feature that the matrix can hold.
        """
        values = numbers_of(column)
        low, high = finite_range(column.name, values)
        # In halves, so that the difference of two huge numbers stays finite.
        reach = max(abs(low / 2 - self.mean / 2), abs(high / 2 - self.mean / 2))
        if not reach / self.scale <= largest / 2 or reach > _LARGEST_HALF:
            row = int(np.nanargmax(np.abs(values.astype(np.float64) / 2 - self.mean / 2)))
            raise TableError(
                f"column {self.column!r} holds {values[row]:g} in row {row + 1:,}: too far from its training "
                f"mean {self.mean:g} to be computed with. Correct or remove that row."
            )
        return values

    def write(self, values: Array, block: FloatArray) -> None:
        """Write the features of some rows into zeros of shape (rows, features)."""
        numbers = values.astype(np.float64)
        missing = np.isnan(numbers) if values.dtype.kind == "f" else False
        if missing is not False:
            numbers[missing] = self.median
        numbers -= self.mean
        numbers /= self.scale
        if self.clip is not None:
            np.maximum(numbers, -self.clip, out=numbers)
            np.minimum(numbers, self.clip, out=numbers)
        block[:, 0] = numbers
        if self.missing:
            block[:, 1] = missing

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        numbers = {"median": self.median, "mean": self.mean, "scale": self.scale}
        clip = {} if self.clip is None else {"clip": self.clip}  # left out where there is none, as files had it before
        return {"kind": self.kind, "column": self.column, **numbers, "missing": self.missing, **clip}

    @classmethod
    def from_dict(cls, data: Any, where: str) -> NumberRule:
        """Return the rule of plain data; raise InputError if it is none."""
        clipped = isinstance(data, dict) and "clip" in data
        keys = ("kind", "column", "median", "mean", "scale", "missing", *(["clip"] if clipped else []))
        data = plain.mapping(data, where, keys)
        return cls(
            column=plain.text(data["column"], f"{where}.column"),
            median=plain.finite(data["median"], f"{where}.median"),
            mean=plain.finite(data["mean"], f"{where}.mean"),
            scale=plain.positive(data["scale"], f"{where}.scale"),
            missing=plain.flag(data["missing"], f"{where}.missing"),
            clip=plain.positive(data["clip"], f"{where}.clip") if clipped else None,
        )


@dataclass(frozen=True)
class BooleanRule:
    """A boolean: 0 or 1; missing values become the more frequent one, and a flag where it was missing."""

    kind: ClassVar[str] = "boolean"
    column: str
    frequent: int
    missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per feature."""
        return (self.column, f"{self.column}={MISSING}") if self.missing else (self.column,)

    def read(self, column: Column, largest: float) -> Array:
        """Return 0, 1 or -1 where missing; shape (n_rows,)."""
        if column.kind == "boolean":
            return column.values
        if column.kind == "number":
            values = column.values
            truth = np.full(len(values), -1, dtype=np.int8)
            truth[values == 0] = 0
            truth[values == 1] = 1
            return _checked(column, truth, *_TRUTHS)
        if column.kind == "category":
            codes = [_TRUTH.get(str(level).strip().casefold(), -1) for level in column.levels]
            truth = np.array([*codes, -1], dtype=np.int8)[column.values]
            return _checked(column, truth, *_TRUTHS)
        truth = np.full(len(column.values), -1, dtype=np.int8)
        return _checked(column, truth, *_TRUTHS)

    def write(self, values: Array, block: FloatArray) -> None:
        """Write the features of some rows into zeros of shape (rows, features)."""
        missing = values < 0
        block[:, 0] = np.where(missing, self.frequent, values)
        if self.missing:
            block[:, 1] = missing

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": self.kind,
            "column": self.column,
            "frequent": self.frequent,
            "missing": self.missing,
        }

    @classmethod
    def from_dict(cls, data: Any, where: str) -> BooleanRule:
        """Return the rule of plain data; raise InputError if it is none."""
        data = plain.mapping(data, where, ("kind", "column", "frequent", "missing"))
        return cls(
            column=plain.text(data["column"], f"{where}.column"),
            frequent=plain.integer(data["frequent"], f"{where}.frequent", 0, 1),
            missing=plain.flag(data["missing"], f"{where}.missing"),
        )


@dataclass(frozen=True)
class CategoryRule:
    """A category: one feature per level kept, one for all others, one for missing; 1 where it applies.

    An unseen level counts as ``(other)``; where training had no rare levels and so no such feature, all
    features of the column are 0: the column then says nothing and the rest of the row decides. A missing
    value where training had none is treated in the same way.
    """

    kind: ClassVar[str] = "category"
    column: str
    levels: tuple[str, ...]
    other: bool
    missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per feature; a level that is called like a group is quoted."""
        names = [
            f"{self.column}={level!r}" if level in (OTHER, MISSING) else f"{self.column}={level}"
            for level in self.levels
        ]
        if self.other:
            names.append(f"{self.column}={OTHER}")
        if self.missing:
            names.append(f"{self.column}={MISSING}")
        return tuple(names)

    def read(self, column: Column, largest: float) -> Array:
        """Return the feature that is 1, or -1 for none; int32, shape (n_rows,)."""
        came_as = column.kind
        column = column.as_category()
        known = {level: position for position, level in enumerate(self.levels)}
        found = find_levels(column.levels, known)
        unknown = len(self.levels) if self.other else -1
        if came_as != "category" and column.levels and all(position is None for position in found):
            shown = ", ".join(repr(level) for level in self.levels[:3])
            raise TableError(
                f"column {self.column!r} holds {came_as}s (first: {column.levels[0]!r}), none of which the "
                f"model knows; in training it held {shown}. Look whether it is the same column."
            )
        absent = len(self.levels) + self.other if self.missing else unknown
        targets = [unknown if position is None else position for position in found]
        return np.array([*targets, absent], dtype=np.int32)[column.values]

    def write(self, values: Array, block: FloatArray) -> None:
        """Write the features of some rows into zeros of shape (rows, features)."""
        rows = np.flatnonzero(values >= 0)
        block[rows, values[rows]] = 1

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": self.kind,
            "column": self.column,
            "levels": list(self.levels),
            "other": self.other,
            "missing": self.missing,
        }

    @classmethod
    def from_dict(cls, data: Any, where: str) -> CategoryRule:
        """Return the rule of plain data; raise InputError if it is none."""
        data = plain.mapping(data, where, ("kind", "column", "levels", "other", "missing"))
        levels = plain.texts(data["levels"], f"{where}.levels")
        plain.unique(levels, f"{where}.levels")
        rule = cls(
            column=plain.text(data["column"], f"{where}.column"),
            levels=levels,
            other=plain.flag(data["other"], f"{where}.other"),
            missing=plain.flag(data["missing"], f"{where}.missing"),
        )
        if not rule.feature_names:
            raise InputError(f"{where} has no feature.")
        return rule


@dataclass(frozen=True)
class DateRule:
    """A moment: its year as a number, and one feature per month, weekday and hour that training saw.

    Only parts that varied in training are there. Months, weekdays and hours are one-hot because a linear
    model can give each its own weight so; one sine and cosine would force one smooth wave on, say, weekdays.
    A part that training never saw, and a missing moment, leave the features 0 (the year: its mean).
    """

    kind: ClassVar[str] = "date"
    column: str
    year: tuple[float, float] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    hours: tuple[int, ...]
    missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name per feature, such as ``when:weekday=Mon``."""
        names = [f"{self.column}:year"] if self.year else []
        names += [f"{self.column}:month={MONTHS[month - 1]}" for month in self.months]
        names += [f"{self.column}:weekday={WEEKDAYS[day]}" for day in self.weekdays]
        names += [f"{self.column}:hour={hour:02d}" for hour in self.hours]
        if self.missing:
            names.append(f"{self.column}={MISSING}")
        return tuple(names)

    def read(self, column: Column, largest: float) -> Array:
        """Return the moments; datetime64[us], NaT where missing, shape (n_rows,)."""
        if column.kind == "date":
            return column.values
        moments = np.full(len(column.values), "NaT", dtype="datetime64[us]")
        if column.kind == "category":
            parsed = np.array([*(_moment(str(level)) for level in column.levels), None], dtype="M8[us]")
            moments = parsed[column.values]
        return _checked(column, moments, "a date", "dates")

    def write(self, values: Array, block: FloatArray) -> None:
        """Write the features of some rows into zeros of shape (rows, features)."""
        present = np.flatnonzero(~np.isnat(values))
        year, month, weekday, hour = date_parts(values[present])
        start = 0
        if self.year:
            mean, scale = self.year
            block[present, 0] = (year - mean) / scale
            start = 1
        for levels, part in ((self.months, month), (self.weekdays, weekday), (self.hours, hour)):
            if levels:
                # 24 is above every month, weekday and hour.
                position = np.full(25, -1)
                position[list(levels)] = start + np.arange(len(levels))
                feature = position[part]
                seen = feature >= 0
                block[present[seen], feature[seen]] = 1
                start += len(levels)
        if self.missing:
            block[:, start] = 1
            block[present, start] = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": self.kind,
            "column": self.column,
            "year": list(self.year) if self.year else None,
            "months": list(self.months),
            "weekdays": list(self.weekdays),
            "hours": list(self.hours),
            "missing": self.missing,
        }

    @classmethod
    def from_dict(cls, data: Any, where: str) -> DateRule:
        """Return the rule of plain data; raise InputError if it is none."""
        keys = ("kind", "column", "year", "months", "weekdays", "hours", "missing")
        data = plain.mapping(data, where, keys)
        year = None
        if data["year"] is not None:
            pair = plain.sequence(data["year"], f"{where}.year")
            if len(pair) != 2:
                raise InputError(f"{where}.year must be a mean and a scale.")
            year = (
                plain.finite(pair[0], f"{where}.year[0]"),
                plain.positive(pair[1], f"{where}.year[1]"),
            )
        rule = cls(
            column=plain.text(data["column"], f"{where}.column"),
            year=year,
            months=_part(data["months"], f"{where}.months", 1, 12),
            weekdays=_part(data["weekdays"], f"{where}.weekdays", 0, 6),
            hours=_part(data["hours"], f"{where}.hours", 0, 23),
            missing=plain.flag(data["missing"], f"{where}.missing"),
        )
        if not rule.feature_names:
            raise InputError(f"{where} has no feature.")
        return rule


Rule: TypeAlias = NumberRule | BooleanRule | CategoryRule | DateRule
RULES: dict[str, type[Rule]] = {rule.kind: rule for rule in (NumberRule, BooleanRule, CategoryRule, DateRule)}


def date_parts(moments: Array) -> tuple[Array, Array, Array, Array]:
    """Return year, month (1 to 12), weekday (0 is Monday) and hour of moments without NaT; int64 each."""
    year = moments.astype("datetime64[Y]").astype(np.int64) + 1970
    month = moments.astype("datetime64[M]").astype(np.int64) % 12 + 1
    # 1970-01-01 was a Thursday.
    weekday = (moments.astype("datetime64[D]").astype(np.int64) + 3) % 7
    hour = moments.astype("datetime64[h]").astype(np.int64) % 24
    return year, month, weekday, hour


def numbers_of(column: Column) -> Array:
    """Return a column's numbers, NaN where missing; raise TableError naming values that are none."""
    if column.kind == "number":
        return column.values
    numbers = np.full(len(column.values), np.nan)
    if column.kind == "boolean":
        numbers = np.array([0.0, 1.0, np.nan])[column.values]
    elif column.kind == "category":
        parsed = [_number(level) for level in column.levels]
        numbers = np.array([*parsed, np.nan])[column.values]
    return _checked(column, numbers, "a number", "numbers")


def finite_range(name: str, values: Array) -> tuple[float, float]:
    """Return the least and the largest number (0 and 0 if all are missing); raise TableError at infinity."""
    if len(values) == 0:
        return 0.0, 0.0
    low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    if math.isnan(low):
        return 0.0, 0.0
    if math.isinf(low) or math.isinf(high):
        rows = np.flatnonzero(np.isinf(values))
        raise TableError(
            f"column {name!r} is infinite in {plural(len(rows), 'row')} (first: {values[rows[0]]}, "
            f"row {rows[0] + 1:,}). Replace infinity by a number or leave it empty."
        )
    return low, high


def _checked(column: Column, values: Array, one: str, several: str) -> Array:
    """Return `values` unless something that was there in the column is missing in them."""
    empty = (
        np.isnat(values) if values.dtype.kind == "M" else np.isnan(values) if values.dtype.kind == "f" else values < 0
    )
    lost = np.flatnonzero(empty & ~column.missing)
    if len(lost) == 0:
        return values
    first = column.take(lost[:1]).objects()[0]
    shown = repr(first) if isinstance(first, str | int | float) else f"'{first}'"
    what = f"1 value that is not {one}" if len(lost) == 1 else f"{len(lost):,} values that are not {several}"
    raise TableError(
        f"column {column.name!r} has {what} (first: {shown}, row {lost[0] + 1:,}). The model was trained on "
        f"{several} there: clean it, or train again{_or_as_levels(several)}."
    )


def _or_as_levels(needed: str) -> str:
    return " with it named in categorical=[...]" if needed == "numbers" else ""


def _number(level: object) -> float:
    try:
        return float(str(level).strip())
    except ValueError:
        return math.nan


def _moment(text: str) -> datetime.datetime | None:
    """Return the moment that ISO 8601 text names, in UTC if it has a zone; None if it names none."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment


def _part(value: Any, where: str, low: int, high: int) -> tuple[int, ...]:
    levels = tuple(plain.integer(one, f"{where}[{i}]", low, high) for i, one in enumerate(plain.sequence(value, where)))
    plain.unique(levels, where)
    return levels

"""Learning a rule from a column of the training table, or the reason why there is none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array
from chainrule.errors import TableError
from chainrule.tables.levels import level_text
from chainrule.tables.rules import (
    BooleanRule,
    CategoryRule,
    DateRule,
    NumberRule,
    Rule,
    date_parts,
    finite_range,
)
from chainrule.tables.table import Column, integral, plural

# Text is an identifier if fewer of its rows than this share a level with another row, or, since a table may hold rows
# twice, if there are more levels than this per row.
SHARED_ROWS = 0.1
LEVELS_PER_ROW = 0.5
FEW_ROWS = 50  # too few to tell by the second rule
# n distinct integers drawn from a range of 2 n without a repetition: the chance is sqrt(2) (2 / e)^n, below
# 4e-7 from 50 rows on. So such a column was counted, not measured, whatever the order of the rows. A range of
# 2 n, not n, lets a counter be recognised in the half of the rows that a split leaves.
COUNTED_ROWS = 50
COUNTED_RANGE = 2
_IDENTIFIER_NAME = re.compile(r"(^|[\W_])(id|uuid|guid|key|index|rowid|rownum|row_number)$", re.IGNORECASE)


@dataclass(frozen=True)
class Left:
    """A column left out."""

    reason: str


@dataclass(frozen=True)
class Learned:
    """A column's rule, and a sentence on what was grouped, if anything was."""

    rule: Rule
    note: str | None = None


def learn_column(
    column: Column, *, max_levels: int, min_count: int, keep: bool, clip: float | None = None
) -> Learned | Left:
    """Return the rule of a column.

    Parameters
    ----------
    column : Column
        The training column.
    max_levels, min_count : int
        Levels of a category that get a feature: at most so many, each in at least so many rows.
    keep : bool
        Keep the column even if it looks like an identifier.
    clip : float, optional
        Hold standardised numbers within -clip and +clip.
    """
    missing = column.missing
    if missing.all():
        return Left("every value is missing")
    if column.kind == "number":
        return _learn_number(column, missing, keep, clip)
    if column.kind == "boolean":
        return _learn_boolean(column, missing)
    if column.kind == "date":
        return _learn_date(column, missing)
    return _learn_category(column, missing, max_levels, min_count, keep)


def _learn_number(column: Column, missing: Array, keep: bool, clip: float | None) -> Learned | Left:
    some_missing = bool(missing.any())
    values = column.values[~missing] if some_missing else column.values
    low, high = finite_range(column.name, values)
    if low == high and not some_missing:
        return Left(f"constant: every value is {level_text(values[0].item())}")
    if not keep and _counts_rows(column.name, values, low, high):
        return Left(f"{len(values):,} different integers in {len(column):,} rows: it looks like an identifier")
    median = float(np.median(values.astype(np.float64, copy=False)))
    if not math.isfinite(median):
        median = low / 2 + high / 2
    # About the median, so that the digits of large, close numbers (years, timestamps) are not lost; in units
    # of the reach, so that squares stay finite.
    reach = max(high - median, median - low)
    if not math.isfinite(reach):
        raise TableError(
            f"column {column.name!r} spans {low:g} to {high:g}, more than a double can hold. "
            "Rescale it or leave it out."
        )
    mean, scale = median, 1.0
    if reach > 0:
        offsets = (values.astype(np.float64) - median) / reach
        # Missing values are filled with the median: offset 0.
        n = len(column)
        shift = float(offsets.sum()) / n
        squares = float(np.square(offsets - shift).sum()) + (n - len(values)) * shift**2
        mean = median + reach * shift
        scale = reach * math.sqrt(squares / n)
        if scale == 0 or math.isinf(1.0 / scale):
            if not some_missing:
                return Left("constant up to rounding")
            mean, scale = median, 1.0
    return Learned(NumberRule(column.name, median, mean, scale, some_missing, clip))


def _counts_rows(name: str, values: Array, low: float, high: float) -> bool:
    """Tell whether numbers are an identifier: distinct integers that are nearly consecutive or named so."""
    n = len(values)
    spread = high - low + 1
    named = _IDENTIFIER_NAME.search(name) is not None
    if spread < n or n < COUNTED_ROWS or not (named or spread <= COUNTED_RANGE * n):
        return False
    if values.dtype.kind == "f" and not integral(values):
        return False
    return len(np.unique(values)) == n


def _learn_boolean(column: Column, missing: Array) -> Learned | Left:
    values = column.values[~missing]
    share = float(values.mean())
    some_missing = len(values) < len(column)
    if share in (0.0, 1.0) and not some_missing:
        return Left(f"constant: every value is {'true' if share else 'false'}")
    return Learned(BooleanRule(column.name, int(share > 0.5), some_missing))


def _learn_category(column: Column, missing: Array, max_levels: int, min_count: int, keep: bool) -> Learned | Left:
    counts = np.bincount(column.values[~missing], minlength=len(column.levels))
    seen = np.flatnonzero(counts)
    present = int(counts.sum())
    some_missing = present < len(column)
    if len(seen) == 1 and not some_missing:
        return Left(f"constant: every value is {column.levels[seen[0]]!r}")
    shared = int(counts[counts > 1].sum())
    # One level is a constant beside missing values, not an identifier.
    crowded = present >= FEW_ROWS and len(seen) > LEVELS_PER_ROW * present
    if not keep and len(seen) > 1 and (shared < SHARED_ROWS * present or crowded):
        return Left(f"{plural(len(seen), 'level')} in {plural(present, 'row')}, it looks like an identifier")
    # Most rows first; among equals by level, so that the order of the rows does not matter.
    by_count = seen[np.argsort(-counts[seen], kind="stable")]
    least = 1 if keep and shared == 0 else min_count
    often = by_count[counts[by_count] >= least]
    if len(often) == 0:
        return Left(f"no level occurs in {plural(min_count, 'row')} or more")
    kept = often[:max_levels]
    grouped = len(seen) - len(kept)
    levels = tuple(level_text(column.levels[code]) for code in sorted(kept.tolist()))
    rule = CategoryRule(column.name, levels, other=grouped > 0, missing=some_missing)
    if not grouped:
        return Learned(rule)
    rows = present - int(counts[kept].sum())
    return Learned(
        rule,
        f"column {column.name!r}: {len(kept):,} of {len(seen):,} levels kept by count; the others "
        f"({plural(rows, 'row')}, {100 * rows / present:.1f} %) are '(other)'",
    )


def _learn_date(column: Column, missing: Array) -> Learned | Left:
    some_missing = bool(missing.any())
    year, month, weekday, hour = date_parts(column.values[~missing])
    months, weekdays, hours = (_varying(part) for part in (month, weekday, hour))
    scaled = None
    if year.min() != year.max():
        scaled = (float(year.mean()), float(year.std()))
    if not (scaled or months or weekdays or hours or some_missing):
        return Left("constant: its year, month, weekday and hour do not vary")
    return Learned(DateRule(column.name, scaled, months, weekdays, hours, some_missing))


def _varying(part: Array) -> tuple[int, ...]:
    distinct = np.flatnonzero(np.bincount(part)).tolist()
    return tuple(distinct) if len(distinct) > 1 else ()

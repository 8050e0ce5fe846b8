"""Levels as text, and how strictly they are compared when a column comes back as another kind."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence

from chainrule.tables.table import Level

OTHER = "(other)"
MISSING = "(missing)"


def level_text(level: Level) -> str:
    """Return the one text of a level: ``3`` for 3 and 3.0, ``true``, ``2024-05-01``, text as it is."""
    if isinstance(level, str):
        return level
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, float):
        return str(int(level)) if math.isfinite(level) and level == int(level) else repr(level)
    if isinstance(level, datetime.datetime):
        midnight = level.time() == datetime.time()
        return level.date().isoformat() if midnight else level.isoformat(sep=" ")
    if isinstance(level, datetime.date):
        return level.isoformat()
    return str(level)


def find_levels(levels: Sequence[Level], known: Mapping[str, int]) -> list[int | None]:
    """Return for each level the position of the known level it means, or None.

    The same text means the same. Where a column's kind changed between files (codes that were text and now
    are numbers, ``02134`` read as 2134, ``TRUE`` read as a boolean), the value decides: numbers match levels
    of the same numeric value, booleans match in any spelling of case, provided that only one level matches.
    """
    found = [known.get(level_text(level)) for level in levels]
    if all(position is not None for position in found) or not levels:
        return found
    if isinstance(levels[0], bool):
        by_value: dict[object, int | None] = _unambiguous((text.casefold(), i) for text, i in known.items())
        keys: list[object] = [level_text(level) for level in levels]
    elif isinstance(levels[0], int | float):
        by_value = _unambiguous((_number(text), i) for text, i in known.items())
        keys = [_number(level_text(level)) for level in levels]
    else:
        return found
    return [
        by_value.get(key) if position is None and key is not None else position
        for position, key in zip(found, keys, strict=True)
    ]


def _unambiguous(pairs: Iterable[tuple[object, int]]) -> dict[object, int | None]:
    by_value: dict[object, int | None] = {}
    for key, position in pairs:
        by_value[key] = None if key in by_value else position
    return by_value


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

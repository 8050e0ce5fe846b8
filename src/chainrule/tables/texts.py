"""Text that holds something else: truth values, and numbers as people write them."""

from __future__ import annotations

import re

import numpy as np

from chainrule.tables.table import Column

_INFINITY = r"[-+]?inf(inity)?"
_PLAIN = r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?"
_POINT = re.compile(rf"{_PLAIN}|[-+]?\d{{1,3}}(,\d{{3}})+(\.\d+)?|{_INFINITY}", re.IGNORECASE)
_COMMA = re.compile(rf"[-+]?\d+(,\d+)?|[-+]?\d{{1,3}}(\.\d{{3}})+(,\d+)?|{_INFINITY}", re.IGNORECASE)
_MARKS = re.compile(r"^[$€£¥]\s*|\s*[$€£¥%]$")


def recognise(column: Column) -> Column:
    """Return a text column as what its values are, all of them: true/false, or numbers.

    Numbers may have thousands separators and a decimal sign of either habit, and a currency or percent sign. A column
    of plain digits stays text: whoever stored digits as text means a code, such as ``007``.
    """
    levels = [str(level).strip() for level in column.levels]
    if levels and {level.casefold() for level in levels} <= {"true", "false"}:
        truth = np.array([level.casefold() == "true" for level in levels] + [-1], dtype=np.int8)
        return Column(column.name, "boolean", truth[column.values])
    numbers = _numbers(levels)
    return column if numbers is None else Column(column.name, "number", np.append(numbers, np.nan)[column.values])


def _numbers(levels: list[str]) -> list[float] | None:
    if all(level.lstrip("-+").isdigit() for level in levels):
        return None
    bare = [_MARKS.sub("", level) for level in levels]
    for style, thousands, decimal in ((_POINT, ",", "."), (_COMMA, ".", ",")):
        if all(style.fullmatch(level) for level in bare):
            return [float(level.replace(thousands, "").replace(decimal, ".")) for level in bare]
    return None

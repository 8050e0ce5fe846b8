"""Strict reading of plain data (what JSON gives): nothing is trusted before its type and range are known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from chainrule.errors import InputError

LONGEST_LIST: Final = 1_000_000


def mapping(value: Any, where: str, keys: Iterable[str]) -> dict[str, Any]:
    """Return `value` if it is a dict with exactly these keys."""
    if not isinstance(value, dict):
        raise InputError(f"{where} must be an object, not {_kind(value)}.")
    wanted = set(keys)
    lost = sorted(wanted - value.keys())
    extra = sorted(repr(key)[:40] for key in value.keys() - wanted)
    if lost or extra:
        what = "lacks " + ", ".join(lost) if lost else "has unknown entries " + ", ".join(extra[:4])
        raise InputError(f"{where} {what}.")
    return value


def text(value: Any, where: str) -> str:
    """Return `value` if it is text that UTF-8 can hold."""
    if not isinstance(value, str):
        raise InputError(f"{where} must be text, not {_kind(value)}.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InputError(f"{where} holds half a surrogate pair, which is no text.")
    return value


def flag(value: Any, where: str) -> bool:
    """Return `value` if it is true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{where} must be true or false, not {_kind(value)}.")
    return value


def finite(value: Any, where: str) -> float:
    """Return `value` as a float if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where} must be a number, not {_kind(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{where} must be a finite number.")
    return number


def positive(value: Any, where: str) -> float:
    """Return `value` as a float if it is a finite number above zero, and its reciprocal is finite too."""
    number = finite(value, where)
    if number <= 0 or math.isinf(1.0 / number):
        raise InputError(f"{where} must be above zero, not {number!r}.")
    return number


def integer(value: Any, where: str, low: int, high: int) -> int:
    """Return `value` if it is an integer from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{where} must be an integer, not {_kind(value)}.")
    if not low <= value <= high:
        raise InputError(f"{where} must lie between {low} and {high}.")
    return value


def sequence(value: Any, where: str) -> list[Any]:
    """Return `value` if it is a list of bearable length."""
    if not isinstance(value, list):
        raise InputError(f"{where} must be a list, not {_kind(value)}.")
    if len(value) > LONGEST_LIST:
        raise InputError(f"{where} has {len(value):,} entries; at most {LONGEST_LIST:,} are read.")
    return value


def texts(value: Any, where: str) -> tuple[str, ...]:
    """Return `value` as a tuple if it is a list of text."""
    return tuple(text(one, f"{where}[{i}]") for i, one in enumerate(sequence(value, where)))


def unique(values: Iterable[Any], where: str) -> None:
    """Raise InputError if a value occurs twice."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise InputError(f"{where} holds {str(value)[:60]!r} twice.")
        seen.add(value)


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__

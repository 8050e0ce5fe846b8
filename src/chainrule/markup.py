"""HTML by functions that escape whatever is not HTML already: no name from a table can become markup."""

from __future__ import annotations

from html import escape
from typing import Any, TypeAlias


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


Child: TypeAlias = Any
_VOID = ("br", "meta")


def text(value: Any) -> Html:
    """Return a value as HTML text, also within quotes; `Html` as it is."""
    return value if isinstance(value, Html) else Html(escape(_printable(str(value)), quote=True))


def element(tag: str, *children: Child, between: str = "", **attributes: Any) -> Html:
    """Return an element.

    Parameters
    ----------
    tag
        Its name.
    children
        Escaped unless they are `Html`; None is left out.
    between
        Put between the children.
    attributes
        ``class_`` stands for class, ``aria_label`` for aria-label; None and False leave one out, True writes its
        name alone.
    """
    written = [tag]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip("_").replace("_", "-")
        written.append(name if value is True else f'{name}="{text(value)}"')
    opening = f"<{' '.join(written)}>"
    if tag in _VOID:
        return Html(opening)
    return Html(f"{opening}{join(*children, between=between)}</{tag}>")


def join(*children: Child, between: str = "") -> Html:
    """Return children one after the other, None left out."""
    return Html(text(between).join(text(child) for child in children if child is not None))


def shorten(value: Any, most: int) -> str:
    """Return a value's text on one line, at most so many characters of it."""
    line = " ".join(_printable(str(value)).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _printable(string: str) -> str:
    """Replace what a page cannot hold, or what would rearrange the text around it."""
    return string if string.isprintable() else "".join(c if _is_harmless(c) else "\ufffd" for c in string)


def _is_harmless(character: str) -> bool:
    if character.isprintable() or character in "\n\t\u00a0":
        return True
    # Control characters, halves of surrogate pairs, and controls that turn the direction of what follows.
    turns = "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"
    return character > "\u00a0" and not turns and not "\ud800" <= character <= "\udfff"

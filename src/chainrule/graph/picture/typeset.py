"""Lines of mathematical text for SVG: how wide they are, where they break, how they are written.

A line comes as the small HTML that formulas render to (``<i>``, ``<sub>``, ``<sup>``). SVG measures no text and
breaks no lines, and nothing here may ask a browser, so widths are estimated from those of Times and Helvetica, a
little on the safe side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Literal, TypeAlias
from unicodedata import east_asian_width

Family: TypeAlias = Literal["serif", "sans"]

SCRIPT_SIZE = 0.72
SUB_SHIFT = 0.24  # of the size of what carries the script
SUP_SHIFT = -0.38
SAFETY = 1.06
STRETCH = 1.3  # a line may be so much too wide before brackets are broken

# Advance widths in 1/1000 em of the faces that most others are measured by.
_SERIF = {
    220: "|'",
    280: "ijlt,.;:/ f!\u2009",
    340: "()[]Irs-",
    400: "acezJ",
    500: "bdghknopquvxy0123456789_αλσ?…",
    610: "ABCEFLPSTZ=+−≥≤<>Σφ×",
    700: "mwDGHKNOQRUVXYΦ⊙∥",
    860: "MW",
}
_SANS = {
    230: "ijl,.;:|'",
    300: "ft/ ()[]rI!-\u2009",
    510: "ckszvxyJ",
    560: "abdeghnopqu0123456789_?αλ…",
    620: "FLTZ=+−≥≤<>",
    690: "ABEKPSVXYC",
    760: "DGHNOQRUwΣ",
    850: "mMW",
}
_WIDTHS = {
    family: {character: width / 1000 for width, characters in table.items() for character in characters}
    for family, table in (("serif", _SERIF), ("sans", _SANS))
}
_TAG = re.compile(r"(</?(?:i|sub|sup)>)")


@dataclass(frozen=True)
class Run:
    """Text of one style: slanted or not, within sub- and superscripts, outermost first."""

    text: str
    slanted: bool = False
    scripts: tuple[str, ...] = ()

    @property
    def scale(self) -> float:
        """Size relative to the line's."""
        return SCRIPT_SIZE ** len(self.scripts)

    @property
    def shift(self) -> float:
        """How far below the line's baseline, relative to the line's size."""
        shifts = (SUB_SHIFT if script == "sub" else SUP_SHIFT for script in self.scripts)
        return sum(shift * SCRIPT_SIZE**depth for depth, shift in enumerate(shifts))


Line: TypeAlias = tuple[Run, ...]


def parse(html: str) -> Line:
    """Return the runs of a line of HTML that holds only ``<i>``, ``<sub>`` and ``<sup>``."""
    runs: list[Run] = []
    open_tags: list[str] = []
    for piece in _TAG.split(html):
        if piece.startswith("</") and _TAG.fullmatch(piece):
            open_tags.pop()
        elif _TAG.fullmatch(piece):
            open_tags.append(piece[1:-1])
        elif piece:
            scripts = tuple(tag for tag in open_tags if tag != "i")
            runs.append(Run(unescape(piece), "i" in open_tags, scripts))
    return tuple(runs)


def text_width(text: str, size: float, family: Family) -> float:
    """Return about how wide a text is."""
    table = _WIDTHS[family]
    em = sum(table.get(c) or (1.0 if east_asian_width(c) in "WF" else 0.7) for c in text)
    return em * size * SAFETY


def line_width(line: Iterable[Run], size: float, family: Family = "serif") -> float:
    """Return about how wide a line is."""
    return sum(text_width(run.text, size * run.scale, family) for run in line)


def wrap(line: Line, size: float, most: float) -> list[Line]:
    """Break a line so that no part is much wider than ``most``: before an operator, outside brackets if it can be."""
    if line_width(line, size) <= most:
        return [line]
    words = _words(line)
    depth, opened = [], 0
    for word in words:
        depth.append(opened)
        text = "".join(run.text for run in word)
        opened += text.count("(") - text.count(")")
    lines = [line]
    for deepest in range(max(depth, default=0) + 1):
        lines = _fill(words, [d <= deepest and _is_operator(w) for d, w in zip(depth, words, strict=True)], size, most)
        if max(line_width(part, size) for part in lines) <= STRETCH * most:
            break
    return lines


def _words(line: Line) -> list[list[Run]]:
    """Split a line at the spaces outside its scripts."""
    words: list[list[Run]] = [[]]
    for run in line:
        if run.scripts:
            words[-1].append(run)
            continue
        for i, text in enumerate(run.text.split(" ")):
            if i:
                words.append([])
            if text:
                words[-1].append(Run(text, run.slanted))
    return words


def _is_operator(word: list[Run]) -> bool:
    return len(word) == 1 and word[0].text in ("⊙", "+", "−")


def _fill(words: Sequence[list[Run]], breaks: Sequence[bool], size: float, most: float) -> list[Line]:
    """Fill lines with words as far as they go, with breaks only before words where they are allowed."""
    chunks: list[list[Run]] = []
    for word, may_break in zip(words, breaks, strict=True):
        if may_break or not chunks:
            chunks.append(list(word))
        else:
            chunks[-1] += [Run(" "), *word]
    lines = [chunks[0]]
    for chunk in chunks[1:]:
        joined = [*lines[-1], Run(" "), *chunk]
        if line_width(joined, size) > most:
            lines.append(chunk)
        else:
            lines[-1] = joined
    return [tuple(runs) for runs in lines]


def shorten(line: Line, size: float, most: float, family: Family = "serif") -> Line:
    """Cut a line that is wider than ``most`` and end it with an ellipsis."""
    if line_width(line, size, family) <= most:
        return line
    kept: list[Run] = []
    room = most - text_width("…", size, family)
    for run in line:
        text = run.text
        while text and text_width(text, size * run.scale, family) > room:
            text = text[:-1]
        room -= text_width(text, size * run.scale, family)
        if text:
            kept.append(Run(text, run.slanted, run.scripts))
        if text != run.text:
            break
    return (*kept, Run("…"))


def to_tspans(line: Sequence[Run], size: float) -> str:
    """Return a line as ``<tspan>`` elements; the baseline moves by dy, which all renderers know."""
    parts = []
    height = 0.0
    for run in line:
        attributes = ""
        if run.scripts:
            attributes += f' font-size="{size * run.scale:.1f}"'
        step = size * run.shift - height
        if abs(step) > 0.05:
            attributes += f' dy="{step:.1f}"'
            height += round(step, 1)
        if run.slanted:
            attributes += ' font-style="italic"'
        text = escape(run.text).replace(" ", "\u00a0")  # some renderers drop spaces between elements
        parts.append(f"<tspan{attributes}>{text}</tspan>" if attributes else text)
    return "".join(parts)

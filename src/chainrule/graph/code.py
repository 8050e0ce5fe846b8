"""An operation as NumPy code over its roles, and what one entry of the result needs of each input.

``x.T @ d_out`` with the axes ``x: mi, d_out: mo -> io`` says it all: entry [0, 3] of the result needs column 0 of
x and column 3 of d_out. So a single number of a graph can be computed from a few others, and written out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule._typing import Array
from chainrule.graph.formula import Formula

ALL = "..."
"""Axes of an operation on single entries: whatever they are, the result's entry needs the entry in its place."""

Index = tuple[int, ...]


@dataclass(frozen=True)
class Code:
    """How to compute one thing of an operation: its output, or its share of an input's gradient.

    Attributes
    ----------
    lines
        NumPy over the roles (``d_out`` is the gradient of the output) and the attributes; the last line is the
        result, those before it assign.
    axes
        A letter per axis, by role and for the result, ``out``. Along an axis whose letter the result has, an entry of
        the result needs that index alone, along others all of them.
    terms
        Where the result is a sum of products of single entries: the roles multiplied, product by product.
    numbers
        ``numbers(index, inputs, constants, **attributes) -> Formula``: the entry at ``index`` with numbers in it,
        where neither terms nor the record's formula say it. The inputs are those that the entry needs.
    constants
        Numbers that the lines need of the whole inputs: ``f(inputs, **attributes)``.
    imports
        Beside NumPy.
    """

    lines: tuple[str, ...]
    axes: Mapping[str, str]
    terms: tuple[tuple[str, ...], ...] = ()
    numbers: Callable[..., Formula] | None = None
    constants: Mapping[str, Callable[..., float]] = field(default_factory=dict)
    imports: tuple[str, ...] = ()

    def uses(self, name: str) -> bool:
        """Return whether a role or an attribute occurs in the lines."""
        return any(re.search(rf"\b{name}\b", line) for line in self.lines)

    @property
    def own_names(self) -> tuple[str, ...]:
        """What the lines assign."""
        return tuple(line.split(" ", 1)[0] for line in self.lines[:-1])

    def cut(self, role: str, index: Index, rank: int) -> tuple[slice, ...]:
        """Return the part of an input that the result's entry at ``index`` needs; its axes stay."""
        if self.axes[role] == ALL:
            return tuple(slice(i, i + 1) for i in index)
        places = {} if self.axes["out"] == ALL else dict(zip(self.axes["out"], index, strict=True))
        letters = self.axes[role] if self.axes[role] != "*" else "*" * rank
        return tuple(slice(places[c], places[c] + 1) if c in places else slice(None) for c in letters)

    def place(self, index: Index) -> Index:
        """Return where the entry at ``index`` stands in the result of the cut inputs."""
        if self.axes["out"] == ALL:
            return (0,) * len(index)
        return tuple(0 if c in self._shared else i for c, i in zip(self.axes["out"], index, strict=True))

    @property
    def is_single(self) -> bool:
        """Whether the cut inputs of an entry give that entry alone."""
        return self.axes["out"] == ALL or set(self.axes["out"]) <= self._shared

    @property
    def _shared(self) -> set[str]:
        return {letter for role, letters in self.axes.items() if role != "out" for letter in letters}

    def written(self, names: Mapping[str, str]) -> tuple[str, ...]:
        """Return the lines with other names in them."""
        if not names:
            return self.lines
        pattern = re.compile(rf"\b({'|'.join(sorted(map(re.escape, names), key=len, reverse=True))})\b")
        return tuple(pattern.sub(lambda found: names[found[0]], line) for line in self.lines)

    def constants_of(self, inputs: Mapping[str, Array], attributes: Mapping[str, Any]) -> dict[str, float]:
        """Return the constants, from whole inputs."""
        return {name: float(function(inputs, **attributes)) for name, function in self.constants.items()}


def code(*lines: str, **options: Any) -> Code:
    """Return a `Code`, its axes as keywords: ``code("x.T @ d_out", x="mi", d_out="mo", out="io")``."""
    known = {name: options.pop(name) for name in ("terms", "numbers", "constants", "imports") if name in options}
    return Code(lines, options, **known)


def same_place(*lines: str, roles: tuple[str, ...] = ("x",), **more: Any) -> Code:
    """Return the code of an operation on single entries."""
    return code(*lines, **dict.fromkeys((*roles, "out"), ALL), **more)

"""A small picture of an array of levels between 0 and 1, as SVG."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.markup import Html, text

MOST_CELLS = 4096
_CELL = 7
_WIDEST, _HIGHEST = 320, 160
_GREEN, _RED, _NONE = (0, 138, 100), (179, 38, 30), "#c9ced6"


def heat_map(levels: Float64Array, marked: Array, label: str) -> Html:
    """Return a cell for each entry, green at 0 to red at 1; grey for NaN, with a dot where it is marked.

    Parameters
    ----------
    levels
        One or two axes; of larger ones the first 4,096 entries.
    marked
        bool, of the same shape.
    label
        What it shows, for those who don't see it.
    """
    grid = np.atleast_2d(levels)
    dots = np.atleast_2d(marked)
    if grid.ndim > 2 or not grid.size:
        return Html("")
    columns = min(grid.shape[1], MOST_CELLS)
    rows = max(1, min(grid.shape[0], MOST_CELLS // columns))
    cells = []
    for i in range(rows):
        for j in range(columns):
            place = f'x="{j * _CELL}" y="{i * _CELL}"'
            cells.append(
                f'<rect {place} width="{_CELL - 1}" height="{_CELL - 1}" fill="{_colour(float(grid[i, j]))}"/>'
            )
            if dots[i, j]:
                centre = f'cx="{j * _CELL + 3}" cy="{i * _CELL + 3}"'
                cells.append(f'<circle {centre} r="1.5" fill="#30363d"/>')
    width, height = columns * _CELL, rows * _CELL
    scale = min(1.0, _WIDEST / width, _HIGHEST / height)
    size = f'width="{scale * width:.0f}" height="{max(1, scale * height):.0f}" viewBox="0 0 {width} {height}"'
    return Html(f'<svg {size} role="img" aria-label="{text(label)}">{"".join(cells)}</svg>')


def _colour(level: float) -> str:
    if np.isnan(level):
        return _NONE
    mixed = (round(low + (high - low) * level) for low, high in zip(_GREEN, _RED, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)

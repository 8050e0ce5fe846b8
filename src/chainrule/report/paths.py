"""Plots of a softmax classifier's coefficients and scores over the penalty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.errors import InputError, MissingDependencyError
from chainrule.markup import shorten
from chainrule.report.style import LINES, MARKERS, PALETTE

GREY = "#9aa4ae"
INK = "#30363d"
NAME_LENGTH = 22
PANEL = (4.6, 3.4)  # inches
GAP = 0.055  # of the axes' height: between two names


def plot_path(path: Any, *, highlight: int, C: float | None, ax: Any) -> Sequence[Any]:
    """Draw every column's coefficient over log C, a panel for each class; see `SoftmaxPath.plot`."""
    classes = path.classifiers[0].classes_
    shown = classes[1:] if len(classes) == 2 else classes
    axes = _axes(len(shown), ax)
    for k, (panel, label) in enumerate(zip(axes, shown, strict=True)):
        coefs = path.coefs[:, k]
        largest = np.abs(coefs).max(axis=0)
        named = np.argsort(-largest, kind="stable")[: max(0, highlight)]
        named = named[largest[named] > 0.0]
        rest = np.setdiff1d(np.arange(coefs.shape[1]), named)
        if len(rest):
            panel.plot(path.Cs, coefs[:, rest], color=GREY, linewidth=0.7, alpha=0.5)
        ends = []
        for i, j in enumerate(named):
            colour, line = PALETTE[i % len(PALETTE)], LINES[i // len(PALETTE) % len(LINES)]
            panel.plot(path.Cs, coefs[:, j], color=colour, linestyle=line, linewidth=1.8)
            ends.append((float(coefs[-1, j]), shorten(path.feature_names[j], NAME_LENGTH), colour))
        _name_ends(panel, ends)
        _over_C(panel, C)
        panel.set_ylabel("Coefficient")
        panel.set_title(shorten(str(label), NAME_LENGTH), loc="left", fontsize=11, color=INK)
    return axes


def plot_scores(
    Cs: Float64Array, scores: Array, names: Sequence[str], score: str, chosen: tuple[int, int], ax: Any
) -> Any:
    """Draw mean scores over log C with a standard error each way, a line for each l1_ratio.

    Parameters
    ----------
    Cs
        (n,).
    scores
        (n_folds, n_lines, n).
    names
        Of the lines.
    score
        What was measured.
    chosen
        Line and value of C that were taken.
    ax
        Where to draw; None for a new figure.
    """
    (panel,) = _axes(1, ax)
    mean, error = scores.mean(axis=0), scores.std(axis=0, ddof=1) / np.sqrt(len(scores))
    for i, name in enumerate(names):
        colour = PALETTE[i % len(PALETTE)]
        panel.fill_between(Cs, mean[i] - error[i], mean[i] + error[i], color=colour, alpha=0.15, linewidth=0)
        panel.plot(Cs, mean[i], color=colour, linestyle=LINES[i % len(LINES)], linewidth=1.8, label=name)
    at = mean[chosen]
    panel.plot(Cs[chosen[1]], at, MARKERS[0], color=PALETTE[chosen[0] % len(PALETTE)], markersize=8, mec="white")
    _over_C(panel, float(Cs[chosen[1]]))
    panel.set_ylabel(f"{score}, mean of {len(scores)} folds")
    if len(names) > 1:
        panel.legend(frameon=False, loc="best")
    return panel


def _axes(n: int, ax: Any) -> Sequence[Any]:
    if ax is not None:
        given: Sequence[Any] = np.atleast_1d(np.asarray(ax, dtype=object)).ravel().tolist()
        if len(given) != n:
            raise InputError(f"ax must hold {n} axes, one for each panel, got {len(given)}")
        return given
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingDependencyError(
            'plots need matplotlib, which is not installed: pip install "chainrule[plot]"'
        ) from error
    columns = min(n, 3)
    rows = -(-n // columns)
    size = (PANEL[0] * columns, PANEL[1] * rows)
    _, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, sharex=True, layout="constrained")
    for unused in panels.ravel()[n:]:
        unused.remove()
    drawn: Sequence[Any] = panels.ravel()[:n].tolist()
    return drawn


def _over_C(panel: Any, C: float | None) -> None:
    panel.set_xscale("log")
    panel.set_xlabel("C")
    panel.spines[["top", "right"]].set_visible(False)
    if C is not None and np.isfinite(C):
        panel.axvline(C, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))


def _name_ends(panel: Any, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write each line's name at its right end, apart from one another."""
    low, high = panel.get_ylim()
    gap = GAP * (high - low)
    placed = low - gap
    for value, name, colour in sorted(ends):
        placed = max(value, placed + gap)
        panel.annotate(
            name, (1.0, placed), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            color=colour, fontsize=9, va="center", annotation_clip=False,
        )  # fmt: skip

"""Suboptimality over time, a panel for each set: the best that a solver has reached by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.softmax.solvers import OURS, PROVEN, SOLVERS

COLOURS = (
    "#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#8c4d00", "#009e73", "#66c2a5", "#cc79a7", "#999999", "#4d4d4d",
    "#882255", "#aa4499", "#6a3d9a", "#117733",
)  # fmt: skip
FLOOR = 1e-10  # what is nearer the optimum is drawn here
MARKERS = "os^Dv<>PXp*hd8"


def draw(cells: Sequence[Mapping[str, Any]], folder: Path, C: float = 1.0) -> list[Path]:
    """Write a figure for each penalty: relative suboptimality over seconds, raw and scaled, at one C."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    written = []
    for penalty in ("l2", "elastic-net", "l1"):
        held = [cell for cell in cells if cell["penalty"] == penalty and cell["C"] == C]
        names = list(dict.fromkeys(cell["set"] for cell in held))
        if not held:
            continue
        figure = Figure(figsize=(11, 2.9 * len(names)), layout="constrained")
        panels = figure.subplots(len(names), 2, squeeze=False)
        lines: dict[str, Any] = {}
        for row, name in zip(panels, names, strict=True):
            for panel, scaling in zip(row, ("raw", "scaled"), strict=True):
                for cell in held:
                    if (cell["set"], cell["scaling"]) == (name, scaling):
                        lines |= _curves(panel, cell)
                if not panel.has_data():
                    panel.remove()
                    continue
                panel.set_title(f"{name}, {scaling}", loc="left", fontsize=10)
        figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=4, frameon=False, fontsize=9)
        path = folder / f"softmax-{penalty}.svg"
        figure.savefig(path, metadata={"Date": None})
        written.append(path)
    return written


def _curves(panel: Any, cell: Mapping[str, Any]) -> dict[str, Any]:
    from matplotlib.ticker import NullFormatter

    lines = {}
    order = list(SOLVERS)
    for name, points in cell["curves"].items():
        in_time = sorted((point["seconds"], max(point["away"], FLOOR)) for point in points)
        seconds = [second for second, _ in in_time]
        away = list(accumulate((distance for _, distance in in_time), min))  # the best by then
        i = order.index(name)
        (lines[name],) = panel.plot(
            seconds, away, color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)],
            markersize=7 if name in (OURS, PROVEN) else 4,
            linewidth=2.4 if name == OURS else 1.1, zorder=3 if name == OURS else 2,
        )  # fmt: skip
    panel.axhline(1e-6, color="#666666", linewidth=0.8, linestyle=(0, (1, 2)))
    panel.set(xscale="log", yscale="log", xlabel="seconds", ylabel="(F - F*) / F*", ylim=(FLOOR / 3, 30))
    panel.xaxis.set_minor_formatter(NullFormatter())  # a panel of less than a decade would crowd them
    panel.spines[["top", "right"]].set_visible(False)
    return lines

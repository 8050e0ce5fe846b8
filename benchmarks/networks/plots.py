"""The grid as pictures: where ours is faster, and what an epoch takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.networks.figures import compare, median_seconds, peers_in, summarize
from benchmarks.networks.peers import JAX, OURS, SKLEARN, TORCH
from benchmarks.networks.tables import milliseconds

# After Okabe and Ito 2008, "Color universal design", as in the reports; hatches tell the bars apart in grey too.
LOOKS = {
    OURS: ("#0072b2", ""),
    TORCH: ("#d55e00", "///"),
    JAX: ("#35a37c", "..."),
    SKLEARN: ("#e0b04a", "\\\\\\"),
}
OTHER_LOOK = ("#8c969f", "xx")
SHORT = {TORCH: "torch", SKLEARN: "sklearn"}
INK, MUTED = "#1b1f23", "#57606a"
LIMIT = 4.0
"""The colours end where one side is so many times faster."""


def draw(cells: Sequence[Mapping[str, Any]], folder: Path, kind: str = "svg") -> list[Path]:
    """Write ``ratio`` and ``epochs`` into a folder and return their paths."""
    import matplotlib

    single = [cell for cell in cells if cell["dtype"] == "float32"]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    look = {"font.family": "DejaVu Sans", "font.size": 10, "svg.hashsalt": "chainrule", "hatch.linewidth": 0.6}
    with matplotlib.rc_context({**look, "text.color": INK, "axes.labelcolor": INK}):
        for name, figure in (("ratio", draw_ratios(single)), ("epochs", draw_epochs(single))):
            path = folder / f"{name}.{kind}"
            figure.savefig(path, facecolor="white", dpi=150, metadata={"Date": None} if kind == "svg" else {})
            paths.append(path)
    return paths


def draw_ratios(cells: Sequence[Mapping[str, Any]]) -> Any:
    """Return a heat map of ours over the fastest peer: nets down, batches across, a panel per number of threads."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    threads = sorted({cell["threads"] for cell in cells})
    nets = list(dict.fromkeys(cell["net"] for cell in cells))
    batches: list[Any] = [*sorted({cell["batch"] for cell in cells if not cell["full"]}), "full"]
    figure = Figure(figsize=(1.9 + 4.6 * len(threads), 1.5 + 0.58 * len(nets)), layout="constrained")
    panels = figure.subplots(1, len(threads), sharey=True, squeeze=False)[0]
    colours, image = _diverging(), None
    for panel, count in zip(panels, threads, strict=True):
        found = {
            (cell["net"], "full" if cell["full"] else cell["batch"]): comparison
            for cell in cells
            if cell["threads"] == count and (comparison := compare(cell)) is not None
        }
        shown = [[found[n, b].over_fastest if (n, b) in found else math.nan for b in batches] for n in nets]
        image = panel.imshow(shown, cmap=colours, norm=LogNorm(1 / LIMIT, LIMIT), aspect="auto")
        for (net, batch), comparison in found.items():
            ratio = comparison.over_fastest
            place = (batches.index(batch), nets.index(net))
            ink = _ink_on(image.cmap(image.norm(ratio)))
            panel.annotate(
                f"{ratio:.2f}", place, (0, 1), textcoords="offset points", ha="center", color=ink, weight="bold"
            )
            who = SHORT.get(comparison.fastest, comparison.fastest)
            panel.annotate(who, place, (0, -10), textcoords="offset points", ha="center", color=ink, fontsize=7.5)
        panel.set_title(f"{count} thread{'s' * (count > 1)}", fontsize=11)
        panel.set_xticks(range(len(batches)), batches)
        panel.set_yticks(range(len(nets)), nets)
        panel.set_xlabel("batch")
        panel.set_xticks([i + 0.5 for i in range(len(batches) - 1)], minor=True)
        panel.set_yticks([i + 0.5 for i in range(len(nets) - 1)], minor=True)
        panel.grid(which="minor", color="white", linewidth=1.5)
        panel.tick_params(which="both", length=0)
        panel.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=list(panels), shrink=0.85, pad=0.02)
    ticks = [0.25, 0.5, 1, 2, 4]
    bar.set_ticks(ticks, labels=["≤ ¼", "½", "1", "2", "≥ 4"])
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    summary = summarize(cells)
    told = "" if summary is None else f": geometric mean {summary.geometric_mean:.2f}, worst {summary.worst:.2f}"
    figure.suptitle(
        f"chainrule's epoch over the fastest peer's{told}\nbelow 1 (blue) ours is faster; the peer is named",
        fontsize=11.5,
    )
    return figure


def _ink_on(colour: Sequence[float]) -> str:
    """Return what can be read on a colour, by its relative luminance (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "white" if luminance < 0.2 else INK


def _diverging() -> Any:
    """Return blue - near white - orange: told apart with any colour vision, the middle by its lightness."""
    from matplotlib.colors import LinearSegmentedColormap

    made = LinearSegmentedColormap.from_list("ratio", ["#08407a", "#5a9bd0", "#f4f4f2", "#f0a35e", "#9c3f00"])
    return made.with_extremes(bad="#e3e5e8")


def draw_epochs(cells: Sequence[Mapping[str, Any]]) -> Any:
    """Return bars of the epoch at batch 128 (else the first batch there is) on most threads, logarithmic."""
    from matplotlib.figure import Figure

    most = max(cell["threads"] for cell in cells)
    here = [cell for cell in cells if cell["threads"] == most]
    batch = 128 if sum(cell["batch"] == 128 for cell in here) > 1 else here[0]["batch"]
    here = [cell for cell in here if cell["batch"] == batch]
    peers = [peer for peer in peers_in(here, everywhere=True) if any(peer in cell["peers"] for cell in here)]
    figure = Figure(figsize=(10.5, 4.4), layout="constrained")
    axes = figure.subplots()
    width = 0.84 / len(peers)
    for i, peer in enumerate(peers):
        colour, hatch = LOOKS.get(peer, OTHER_LOOK)
        at = [j for j, cell in enumerate(here) if peer in cell["peers"]]
        seconds = [median_seconds(here[j], peer) for j in at]
        bars = axes.bar(
            [j + (i - (len(peers) - 1) / 2) * width for j in at],
            [1e3 * value for value in seconds],
            width * 0.94,
            label=peer,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
        )
        axes.bar_label(bars, [milliseconds(value) for value in seconds], padding=2, fontsize=7.5, rotation=90)
    axes.set_yscale("log")
    lowest, highest = axes.get_ylim()
    axes.set_ylim(lowest, highest * 4)
    axes.set_xticks(range(len(here)), [f"{cell['net']}\n{cell['rows']:,} rows" for cell in here], fontsize=8.5)
    axes.set_ylabel("ms an epoch (logarithmic)")
    axes.set_title(
        f"An epoch of Adam, float32, batch {batch}, {most} thread{'s' * (most > 1)}: lower is better", fontsize=11.5
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.grid(color="#d0d7de", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0)
    axes.legend(frameon=False, ncols=len(peers), loc="upper left")
    return figure

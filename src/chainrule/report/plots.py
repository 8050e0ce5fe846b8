"""The report's plots, each an ``<svg>`` element and its description in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.evaluation import Calibration, ClassCurves, thin_curve
from chainrule.markup import Html, shorten
from chainrule.report.facts import percent, significant, wilson_interval
from chainrule.report.style import INK, LINES, MARKERS, MUTED, PAPER, RULE, SERIES, new_figure, plot_style, to_svg

# Beyond six lines nobody tells one from the other: then the weakest four are drawn in colour over the rest.
MOST_LINES = len(SERIES)
_HIGHLIGHTED = 4
_LABEL_LENGTH = 18


def plot_roc(curves: Sequence[ClassCurves], prefix: str) -> Html:
    """Return every class's ROC curve: hits against false alarms."""
    drawn = [curve for curve in curves if curve.auc is not None]
    words = _worded(drawn, "area under the ROC curve", "auc")
    with plot_style():
        figure, axes = new_figure(340, 320)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        axes.annotate("guessing", (0.30, 0.30), (3, -4), textcoords="offset points", va="top", color=MUTED, fontsize=10)
        _draw_curves(axes, drawn, "roc", "auc")
        axes.set(xlabel="False positive rate", ylabel="True positive rate")
        _place_key(axes, "lower right", "AUC")
        return to_svg(figure, prefix=prefix, label=f"ROC curves. {words}")


def plot_precision_recall(curves: Sequence[ClassCurves], prefix: str) -> Html:
    """Return every class's precision-recall curve."""
    drawn = [curve for curve in curves if curve.average_precision is not None]
    words = _worded(drawn, "average precision", "average_precision")
    with plot_style():
        figure, axes = new_figure(340, 320)
        if len(drawn) == 1:
            share = drawn[0].prevalence
            axes.plot([0, 1], [share, share], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
            # The curve comes down to the line's right end from above: below there is room, if anywhere.
            side, offset = ("top", -3) if share > 0.1 else ("bottom", 3)
            axes.annotate(
                "guessing",
                (1, share),
                (0, offset),
                textcoords="offset points",
                ha="right",
                va=side,
                color=MUTED,
                fontsize=10,
            )
        _draw_curves(axes, drawn, "precision_recall", "average_precision")
        axes.set(xlabel="Recall", ylabel="Precision")
        _place_key(axes, "lower left", "Average precision")
        return to_svg(figure, prefix=prefix, label=f"Precision-recall curves. {words}")


def plot_calibration(calibration: Calibration, prefix: str) -> Html:
    """Return observed frequency against predicted probability, with intervals, and where the rows are."""
    predicted = np.array([b.predicted for b in calibration.bins])
    observed = np.array([b.observed for b in calibration.bins])
    counts = np.array([b.count for b in calibration.bins])
    bounds = [wilson_interval(round(b.observed * b.count), b.count) for b in calibration.bins]
    low, high = (np.array(side) for side in zip(*bounds, strict=True))
    words = "; ".join(
        f"predicted {percent(b.predicted)}, observed {percent(b.observed)} in {b.count:,} rows"
        for b in calibration.bins
    )
    said = "the predicted class" if calibration.label is None else shorten(calibration.label, _LABEL_LENGTH)
    with plot_style():
        figure, (top, bottom) = new_figure(
            340, 360, nrows=2, sharex=True, gridspec_kw={"height_ratios": [5, 1], "hspace": 0.06}
        )
        top.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        top.vlines(predicted, low, high, color=SERIES[0], linewidth=1, alpha=0.7)
        top.plot(predicted, observed, color=SERIES[0], linewidth=1, alpha=0.5)
        top.plot(
            predicted, observed, color=SERIES[0], linestyle="none", marker="o", markersize=6, markeredgecolor=PAPER
        )
        _unit_axes(top)
        top.set(ylabel="Observed share")
        bottom.bar(predicted, counts, width=0.045, color=SERIES[0], alpha=0.7)
        bottom.set(xlabel=f"Probability of {said}", ylabel="Rows", xlim=(-0.02, 1.02))
        bottom.set_yticks([int(counts.max())], [f"{counts.max():,}"])
        return to_svg(figure, prefix=prefix, label=f"Calibration: {words}")


def plot_loss(loss_curve: Sequence[float], prefix: str) -> Html:
    """Return the objective over the iterations."""
    losses = np.asarray(loss_curve, dtype=float)
    steps = np.arange(len(losses))
    height = float(np.ptp(losses)) or 1.0
    keep = thin_curve(steps, losses, extent=(max(len(losses) - 1, 1), height))
    words = (
        f"Objective over {len(losses) - 1:,} iterations: from {significant(losses[0], 4)} "
        f"to {significant(losses[-1], 4)} nats"
    )
    with plot_style():
        from matplotlib.ticker import MaxNLocator

        figure, axes = new_figure(340, 240)
        marker = "o" if len(losses) <= 40 else None
        axes.plot(steps[keep], losses[keep], color=SERIES[0], marker=marker, markersize=4, markeredgecolor=PAPER)
        axes.margins(0.04, 0.08)
        axes.set(xlabel="Iteration", ylabel="Objective (nats)")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.annotate(
            significant(losses[-1], 4),
            (steps[-1], losses[-1]),
            (0, 7),
            textcoords="offset points",
            ha="right",
            color=INK,
        )
        return to_svg(figure, prefix=prefix, label=words)


def plot_epochs(losses: Sequence[float], watched: Sequence[float] | None, best_epoch: int | None, prefix: str) -> Html:
    """Return the loss of the rows trained on and of those watched, by epoch, and which epoch was taken.

    Parameters
    ----------
    losses
        Mean loss of each epoch, penalties included.
    watched
        Loss of the rows watched after each; None where there were none.
    best_epoch
        The epoch whose parameters were taken, from 1; None for the last.
    """
    n = len(losses)
    curves = [("rows trained on", np.asarray(losses, dtype=float))]
    if watched is not None:
        curves.append(("rows watched", np.asarray(watched, dtype=float)))
    words = "; ".join(
        f"loss of the {name} from {significant(curve[0], 4)} to {significant(curve[-1], 4)} nats"
        for name, curve in curves
    )
    taken = "" if best_epoch is None else f"; epoch {best_epoch:,} was taken"
    with plot_style():
        from matplotlib.ticker import MaxNLocator

        figure, axes = new_figure(340, 280)
        top = _upper_end([curve for _, curve in curves])
        for k, (name, curve) in enumerate(curves):
            epochs = np.arange(1, n + 1)
            keep = thin_curve(epochs, curve, extent=(max(n - 1, 1), top or 1.0))
            axes.plot(epochs[keep], curve[keep], color=SERIES[k], linestyle=LINES[k], label=name)
        if best_epoch is not None and watched is not None:
            axes.plot(
                best_epoch,
                watched[best_epoch - 1],
                color=SERIES[1],
                marker=MARKERS[1],
                markersize=8,
                markeredgecolor=PAPER,
                linestyle="none",
                label=f"epoch {best_epoch:,}: taken",
            )
        axes.set(xlabel="Epoch", ylabel="Loss (nats)", ylim=(0, top * 1.08 or 1.0))
        axes.margins(x=0.03)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="y", color=RULE, linewidth=0.6, alpha=0.6)
        axes.legend(loc="upper right", handlelength=2.6, labelspacing=0.35)
        return to_svg(figure, prefix=prefix, label=f"Over {n:,} epochs: {words}{taken}")


def _upper_end(curves: Sequence[Any]) -> float:
    """Return where the axis ends: what all but a twentieth of the points stay below, so that the start, or a curve that
    leaves, does not press the rest into a line."""
    return max(float(np.quantile(curve, 0.95)) if len(curve) > 20 else float(curve.max()) for curve in curves)


def _draw_curves(axes: Any, curves: Sequence[ClassCurves], which: str, score: str) -> None:
    _unit_axes(axes)
    coloured = _highlighted(curves, score)
    place = 0
    for i, curve in enumerate(curves):
        points = getattr(curve, which)
        if i not in coloured:
            axes.plot(points.x, points.y, color=MUTED, linewidth=0.8, alpha=0.45, zorder=1)
            continue
        # The markers of one curve stand between those of the others, so that curves on top of each other show.
        every = (0.04 + 0.21 * place / max(len(coloured), 1), 0.21)
        axes.plot(
            points.x,
            points.y,
            color=SERIES[place],
            linestyle=LINES[place],
            marker=MARKERS[place],
            markevery=every,
            markeredgecolor=PAPER,
            markeredgewidth=0.8,
            label=f"{shorten(curve.label, _LABEL_LENGTH)} {getattr(curve, score):.3f}",
            clip_on=False,
        )
        place += 1


def _highlighted(curves: Sequence[ClassCurves], score: str) -> list[int]:
    if len(curves) <= MOST_LINES:
        return list(range(len(curves)))
    return sorted(range(len(curves)), key=lambda i: getattr(curves[i], score))[:_HIGHLIGHTED]


def _place_key(axes: Any, corner: str, title: str) -> None:
    """Name the lines in the corner that good curves leave free."""
    if not axes.get_legend_handles_labels()[0]:
        axes.text(0.5, 0.5, "not defined: no rows of one side", ha="center", color=MUTED)
        return
    grey = sum(line.get_color() == MUTED and line.get_linewidth() < 1 for line in axes.lines)
    title = f"{title}: the lowest of {grey + _HIGHLIGHTED}" if grey else title
    key = axes.legend(loc=corner, title=title, alignment="left", handlelength=2.6, borderpad=0, labelspacing=0.35)
    key.get_title().set(color=MUTED, fontsize=10.5)


def _unit_axes(axes: Any) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0", "", ".5", "", "1"])
    axes.grid(color=RULE, linewidth=0.6, alpha=0.6)


def _worded(curves: Sequence[ClassCurves], what: str, score: str) -> str:
    """Describe curves by their scores: all of few, the lowest of many."""
    if not curves:
        return "Not defined: no rows of one side."
    chosen = [curves[i] for i in _highlighted(curves, score)]
    scores = ", ".join(f"{shorten(c.label, 40)} {getattr(c, score):.3f}" for c in chosen)
    return f"{what.capitalize()}{', lowest first' if len(chosen) < len(curves) else ''}: {scores}."

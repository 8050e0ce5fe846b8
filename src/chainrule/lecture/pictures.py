"""The lecture's pictures: straight regions, bent regions, and how the loss came down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chainrule._typing import Array
from chainrule.errors import MissingDependencyError
from chainrule.lecture.descent import Descent
from chainrule.lecture.experiment import NETWORK_LOSS, SOFTMAX_LOSS
from chainrule.report.regions import INK, plot_decision_regions
from chainrule.report.style import MARKERS, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")


def draw_pictures(
    directory: Path,
    softmax: Descent,
    network: Descent,
    X: Array,
    y: Array,
    formats: tuple[str, ...] = FORMATS,
) -> list[Path]:
    """Write the three pictures and return their paths.

    Parameters
    ----------
    directory
        Made if it isn't there.
    softmax, network
        The two trained models.
    X, y
        The spiral.
    formats
        File formats, each picture in every one.

    Raises
    ------
    MissingDependencyError
        If matplotlib isn't installed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _style():
        figures = {
            "softmax-regions": _regions(softmax, X, y, "Softmax classifier: straight boundaries"),
            "network-regions": _regions(network, X, y, "2-100-3 network: bent boundaries"),
            "loss-curves": _loss_curves({"softmax classifier": softmax, "2-100-3 network": network}),
        }
        facts = {
            name: f"loss {model.loss_curve[-1]:.4f}, accuracy {model.accuracy(X, y):.4f}"
            for name, model in (("softmax", softmax), ("network", network))
        }
        written = []
        for name, figure in figures.items():
            for suffix in formats:
                path = directory / f"{name}.{suffix}"
                about = "; ".join(f"{model} {fact}" for model, fact in facts.items())
                # No date: the same numbers make the same file.
                metadata = {"Description": about} | ({"Date": None} if suffix == "svg" else {})
                figure.savefig(path, metadata=metadata, dpi=160)
                written.append(path)
    return written


@contextmanager
def _style() -> Iterator[None]:
    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependencyError(
            'the lecture\'s pictures need matplotlib, which is not installed: pip install "chainrule[plot]"'
        ) from error
    with matplotlib.rc_context(
        {
            "axes.edgecolor": INK,
            "axes.labelsize": 12,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 13,
            "font.family": "DejaVu Sans",
            "font.size": 11,
            "svg.fonttype": "path",
            "svg.hashsalt": "chainrule",
        }
    ):
        yield


def _regions(model: Descent, X: Array, y: Array, title: str) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

    figure = Figure(figsize=(7.6, 5.4), layout="constrained")
    axes = plot_decision_regions(
        model.predict_proba,
        X,
        y,
        class_names=[f"class {k}" for k in range(int(y.max()) + 1)],
        ax=figure.subplots(),
        title=f"{title}\naccuracy {model.accuracy(X, y):.1%} on the {len(X)} points",
    )
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(0.5))
    return figure


def _loss_curves(models: Mapping[str, Descent]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 4.4), layout="constrained")
    axes = figure.subplots()
    bands = (SOFTMAX_LOSS, NETWORK_LOSS)
    names = ((1.3, 0.87, "left"), (110.0, 0.64, "right"))  # where they are free of the curves
    for k, ((name, model), line, band) in enumerate(zip(models.items(), ("--", "-"), bands, strict=True)):
        last, end = len(model.loss_curve) - 1, float(model.loss_curve[-1])
        steps, lowest, middle, highest = _windows(model.loss_curve)
        axes.fill_between(steps, lowest, highest, color=PALETTE[k], alpha=0.3, linewidth=0)
        axes.plot(steps, middle, line, color=PALETTE[k], linewidth=2)
        axes.plot(2 * [last], [band.lowest, band.highest], "_-", color=INK, markersize=12, linewidth=1)
        axes.plot(last, end, MARKERS[k], color=PALETTE[k], markersize=8)
        axes.annotate(f"{end:.3f}", (last, end), (10, 0), textcoords="offset points", va="center")
        x, y, align = names[k]
        axes.text(x, y, name, color=PALETTE[k], ha=align, va="top")
    even = float(np.log(3))
    axes.axhline(even, color=INK, linewidth=0.8, linestyle=":")
    axes.annotate("ln 3: every class equally likely", (1.1, even), (0, 4), textcoords="offset points")
    axes.set_xscale("log")
    axes.set(xlabel="step of gradient descent", ylabel="loss (nats)", xlim=(1, 3e4), ylim=(0, 1.25))
    axes.set_xticks([1, 10, 100, 1000, 10_000], ["1", "10", "100", "1,000", "10,000"])
    axes.set_title(
        "How the loss came down\nline: median of nearby steps; shade: lowest to highest; bar: where it should end",
        loc="left",
        fontsize=11,
    )
    return figure


def _windows(curve: Array) -> tuple[Array, Array, Array, Array]:
    """Return steps, even on a logarithmic axis, and the lowest, median and highest loss around each.

    With a learning rate of 1 single steps overshoot: drawn one by one, they would hide the course.
    """
    edges = np.unique(np.geomspace(1, len(curve), 240).astype(int))
    pieces = [curve[low:high] for low, high in pairwise(edges)]
    steps = np.array([np.sqrt(low * (high - 1)) for low, high in pairwise(edges)])
    lowest, middle, highest = (np.array([of(piece) for piece in pieces]) for of in (np.min, np.median, np.max))
    return steps, lowest, middle, highest

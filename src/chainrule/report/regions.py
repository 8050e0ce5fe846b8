"""Decision regions: which class a model predicts where in the plane, with the data on top.

A class is told by colour, by marker and by how light its region is, so the picture survives colour-blind eyes
and a grey printer. Boundaries are lines of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.errors import InputError, MissingDependencyError
from chainrule.report.style import MARKERS, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRID = 241
"""Points per side at which the model is asked."""

TINT = (0.36, 0.14, 0.24, 0.30, 0.18, 0.10)
"""How much of a class's colour its region has, by class: neighbours differ in grey too."""

INK = "#1a1a1a"
BOUNDARY = 1.3
"""Width of a boundary, in points."""


def plot_decision_regions(
    predict: Callable[[Float64Array], Array],
    X: Array,
    y: Array,
    *,
    feature_names: Sequence[str] = ("x₁", "x₂"),
    class_names: Sequence[str] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a model's decision regions in the plane of two columns, its boundaries, and the data.

    Parameters
    ----------
    predict
        The model: takes (points, 2) and returns probabilities (points, K), or a class index for each point.
        With probabilities the boundaries are smooth.
    X
        (m, 2), the data.
    y
        (m,) class indices 0..K-1.
    feature_names
        Labels of the two axes.
    class_names
        K names for the legend; ``class 0``, ``class 1``, ... by default.
    ax
        Where to draw; a new figure's axes by default (``ax.figure.savefig(path)`` writes it).
    title
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the data are not in a plane, or the model answers in another shape.
    MissingDependencyError
        If matplotlib isn't installed.
    """
    X, y = _checked(X, y, feature_names)
    xs, ys = (_padded_range(column) for column in X.T)
    margins = _margins(predict, xs, ys, n_classes=int(y.max()) + 1)
    names = class_names or [f"class {k}" for k in range(len(margins))]
    if len(names) != len(margins):
        raise InputError(f"class_names has {len(names)} names for {len(margins)} classes: give one for each")
    axes = _new_axes() if ax is None else ax
    axes.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]), xlabel=feature_names[0], ylabel=feature_names[1])
    for k, margin in enumerate(margins):
        if (margin > 0).any():
            _thin(axes.contourf(xs, ys, margin, levels=[0.0, np.inf], colors=[_tint(k)], zorder=0), axes)
        if (margin > 0).any() and (margin < 0).any():
            _thin(axes.contour(xs, ys, margin, levels=[0.0], colors=[INK], linewidths=BOUNDARY, zorder=1), axes)
    for k in range(len(names)):
        axes.scatter(
            X[y == k, 0],
            X[y == k, 1],
            s=26,
            color=_colour(k),
            marker=_marker(k),
            edgecolors="white",
            linewidths=0.5,
            zorder=2,
        )
    if title:
        axes.set_title(title, loc="left")
    _add_legend(axes, names)
    return axes


def _thin(contours: Any, axes: Axes) -> None:
    """Leave out the points of straight stretches, which contours have at every line of the grid."""
    from matplotlib.path import Path

    to_screen = axes.transData
    paths = []
    for path in contours.get_paths():
        thinned = path.cleaned(transform=to_screen, simplify=True)
        kept = thinned.codes != Path.STOP
        paths.append(Path(to_screen.inverted().transform(thinned.vertices[kept]), thinned.codes[kept]))
    contours.set_paths(paths)


def _add_legend(axes: Axes, names: Sequence[str]) -> None:
    """Show each class's marker on its region's tint, outside the data."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    keys: list[Any] = [
        (
            Patch(facecolor=_tint(k), edgecolor=INK, linewidth=0.5),
            Line2D([], [], linestyle="", marker=_marker(k), color=_colour(k), markersize=6),
        )
        for k in range(len(names))
    ]
    keys.append(Line2D([], [], color=INK, linewidth=BOUNDARY))
    axes.legend(
        keys,
        [*names, "boundary"],
        title="point: true class\nregion: predicted class",
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        frameon=False,
        handleheight=1.3,
        labelspacing=0.6,
    )


def _checked(X: Array, y: Array, feature_names: Sequence[str]) -> tuple[Float64Array, Array]:
    points, labels = np.asarray(X, dtype=np.float64), np.asarray(y)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise InputError(f"decision regions are drawn in a plane: X must be (rows, 2), got shape {points.shape}")
    if not np.isfinite(points).all():
        raise InputError("decision regions: X has NaN or infinite entries; leave those rows out")
    if labels.shape != (len(points),) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise InputError(
            f"decision regions: y must be class indices >= 0, one for each of the {len(points)} rows; got "
            f"shape {labels.shape}, dtype {labels.dtype}"
        )
    if len(feature_names) != 2:
        raise InputError(f"decision regions have two axes: feature_names must be two names, got {feature_names!r}")
    return points, labels


def _padded_range(column: Float64Array) -> Float64Array:
    low, high = float(column.min()), float(column.max())
    pad = 0.08 * (high - low) or 1.0
    return np.linspace(low - pad, high + pad, GRID)


def _margins(
    predict: Callable[[Float64Array], Array], xs: Float64Array, ys: Float64Array, n_classes: int
) -> list[Float64Array]:
    """By class, on the grid: positive where it is predicted; 0 on its boundary."""
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    answer = np.asarray(predict(grid))
    if answer.ndim == 2 and len(answer) == len(grid) and answer.shape[1] >= max(2, n_classes):
        # Differences of log-probabilities are differences of logits: linear for a softmax classifier, so its
        # boundaries come out straight between the grid's points.
        scores = np.log(np.maximum(answer, np.finfo(np.float64).tiny))
        others = [np.delete(scores, k, axis=1).max(axis=1) for k in range(scores.shape[1])]
        margins = [scores[:, k] - other for k, other in enumerate(others)]
    elif answer.shape == (len(grid),) and answer.dtype.kind in "iu":
        margins = [(answer == k) - 0.5 for k in range(max(n_classes, int(answer.max()) + 1))]
    else:
        raise InputError(
            f"decision regions: for {len(grid)} points the model must return probabilities ({len(grid)}, K) "
            f"or class indices ({len(grid)},), got shape {answer.shape}, dtype {answer.dtype}"
        )
    return [margin.reshape(len(ys), len(xs)) for margin in margins]


def _new_axes() -> Axes:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            'pictures need matplotlib, which is not installed: pip install "chainrule[plot]"'
        ) from error
    axes: Axes = Figure(figsize=(6.4, 4.8), layout="constrained").subplots()
    return axes


def _colour(k: int) -> str:
    return PALETTE[k % len(PALETTE)]


def _marker(k: int) -> str:
    lap = k // len(PALETTE)  # past the palette's end colours come again, with other markers
    return MARKERS[(k + lap) % len(MARKERS)]


def _tint(k: int) -> tuple[float, float, float]:
    """Mix a class's colour with white: a colour of its own, so that print has no transparency to flatten."""
    share = TINT[k % len(TINT)]
    red, green, blue = (1.0 - share * (1.0 - int(_colour(k)[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return red, green, blue

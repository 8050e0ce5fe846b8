"""Probabilities against the truth, with NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError, NonFiniteError
from chainrule.evaluation.record import (
    Baseline,
    Calibration,
    CalibrationBin,
    ClassCurves,
    ClassScores,
    Curve,
    Evaluation,
    Label,
)

N_BINS = 10
MOST_POINTS = 200
# All curves of an evaluation together: 26 classes get 153 points each, a thousand get 20.
_POINT_BUDGET = 4000
_FEWEST_POINTS = 20


def evaluate(probabilities: Array, labels: IntArray, classes: Array, *, baseline: Float64Array) -> Evaluation:
    """Compare probabilities with the truth.

    Parameters
    ----------
    probabilities
        (m, K) float32 or float64, rows adding up to 1.
    labels
        (m,) int, the true class of each row as an index into ``classes``. A class may have no rows here.
    classes
        (K,) labels.
    baseline
        (K,) the classes' frequencies in training.

    Raises
    ------
    InputError
        If there are no rows, or shapes or labels don't fit.
    NonFiniteError
        If a probability is NaN or infinite.
    """
    K = len(classes)
    _check_input(probabilities, labels, K, baseline)
    m = len(labels)
    p = probabilities.astype(np.float64)
    smallest = float(np.finfo(probabilities.dtype).eps)
    truth = p[np.arange(m), labels]
    confusion = np.bincount(labels * K + p.argmax(axis=1), minlength=K * K).reshape(K, K)
    majority = int(np.argmax(baseline))
    always = np.zeros_like(confusion)
    always[:, majority] = confusion.sum(axis=1)
    # sum_k (p_k - [y = k])^2 = sum_k p_k^2 - 2 p_y + 1
    squared = float(np.mean(np.einsum("ik,ik->i", p, p) - 2.0 * truth + 1.0))
    names = [_plain_label(label) for label in classes]
    return Evaluation(
        n_rows=m,
        classes=tuple(names),
        accuracy=float(np.trace(confusion) / m),
        log_loss=float(-np.log(np.clip(truth, smallest, None)).mean()),
        macro_f1=_macro_f1(confusion),
        brier_score=max(squared, 0.0) / (2.0 if K == 2 else 1.0),
        baseline=Baseline(
            label=names[majority],
            accuracy=float(np.trace(always) / m),
            log_loss=float(-np.log(np.clip(baseline[labels], smallest, None)).mean()),
            macro_f1=_macro_f1(always),
        ),
        per_class=_class_scores(confusion, names),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        curves=tuple(
            _class_curves(probabilities[:, k], labels == k, names[k], most=_points_per_curve(K))
            for k in ([1] if K == 2 else range(K))
        ),
        calibration=_calibrate(p, labels, names),
    )


def thin_curve(
    x: Array,
    y: Array,
    *,
    most: int = MOST_POINTS,
    extent: tuple[float, float] = (1.0, 1.0),
    tolerance: float = 1e-3,
) -> IntArray:
    """Return which points of a curve to keep so that it looks the same.

    Douglas and Peucker 1973, the worst deviation first: a point is added where the kept ones miss the curve
    by most, until they miss it by ``tolerance`` nowhere (half a pixel of a plot 500 pixels wide) or there are
    ``most``.

    Parameters
    ----------
    x, y
        (n,) finite, n at least 1; in the order in which they are joined.
    most
        Points to keep at most.
    extent
        The plot's width and height in units of x and y.
    tolerance
        In units of the plot.

    Returns
    -------
    ndarray
        Sorted indices, the first and the last point among them.
    """
    points = np.column_stack([np.asarray(x, float) / extent[0], np.asarray(y, float) / extent[1]])
    # Of neighbours within half the tolerance the first will do: a million points become a few thousand.
    cells = np.floor(points * (2.0 / tolerance))
    moved = np.flatnonzero((np.diff(cells, axis=0) != 0).any(axis=1)) + 1
    candidates = np.unique(np.concatenate([[0], moved, [len(points) - 1]]).astype(np.int64))
    points = points[candidates]
    last = len(points) - 1
    kept = {0, last}
    queue: list[tuple[float, int, int, int]] = []
    _push_farthest(queue, points, 0, last)
    while queue and len(kept) < most:
        negative_distance, middle, start, end = heappop(queue)
        if -negative_distance <= tolerance:
            break
        kept.add(middle)
        _push_farthest(queue, points, start, middle)
        _push_farthest(queue, points, middle, end)
    return candidates[sorted(kept)]


def _push_farthest(queue: list[tuple[float, int, int, int]], points: Float64Array, start: int, end: int) -> None:
    """Queue the point between two kept ones that is farthest from the line segment joining them."""
    if end - start < 2:
        return
    offset = points[start + 1 : end] - points[start]
    chord = points[end] - points[start]
    squared_length = float(chord @ chord)
    along = np.clip(offset @ chord / squared_length, 0.0, 1.0) if squared_length else np.zeros(len(offset))
    distance = np.linalg.norm(offset - along[:, None] * chord, axis=1)
    middle = int(distance.argmax())
    heappush(queue, (-float(distance[middle]), start + 1 + middle, start, end))


def _points_per_curve(n_classes: int) -> int:
    return int(np.clip(_POINT_BUDGET // n_classes, _FEWEST_POINTS, MOST_POINTS))


def _check_input(probabilities: Array, labels: IntArray, n_classes: int, baseline: Float64Array) -> None:
    if n_classes < 2:
        raise InputError(f"an evaluation needs at least 2 classes, got {n_classes}")
    if not len(labels):
        raise InputError("there are no rows to evaluate: hold some out, or give a table with rows")
    if probabilities.shape != (len(labels), n_classes):
        raise InputError(
            f"probabilities must be ({len(labels)}, {n_classes}): rows x classes, got {probabilities.shape}"
        )
    if baseline.shape != (n_classes,):
        raise InputError(f"baseline must have one frequency per class, ({n_classes},), got {baseline.shape}")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise InputError(f"labels must be in 0..{n_classes - 1}, got {labels.min()}..{labels.max()}")
    finite = np.isfinite(probabilities).all(axis=1)
    if not finite.all():
        raise NonFiniteError(f"the probabilities of row {int(np.argmin(finite))} are not finite")


def _ratios(numerator: Array, denominator: Array) -> list[float | None]:
    return [float(n) / float(d) if d else None for n, d in zip(numerator, denominator, strict=True)]


def _f1(confusion: IntArray) -> list[float | None]:
    return _ratios(2 * confusion.diagonal(), confusion.sum(axis=0) + confusion.sum(axis=1))


def _macro_f1(confusion: IntArray) -> float:
    return float(np.mean([value for value in _f1(confusion) if value is not None]))


def _class_scores(confusion: IntArray, names: Sequence[Label]) -> tuple[ClassScores, ...]:
    hits = confusion.diagonal()
    support = confusion.sum(axis=1)
    columns = (
        names,
        _ratios(hits, confusion.sum(axis=0)),
        _ratios(hits, support),
        _f1(confusion),
        support.tolist(),
    )
    return tuple(ClassScores(*row) for row in zip(*columns, strict=True))


def _class_curves(scores: Array, is_class: Array, label: Label, *, most: int) -> ClassCurves:
    """Walk the thresholds from the highest score down; rows with the same score pass together."""
    order = np.argsort(-scores)
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true_positives = np.cumsum(is_class[order])[ends]
    false_positives = ends + 1 - true_positives
    positives, negatives = int(true_positives[-1]), int(false_positives[-1])
    roc, precision_recall, auc, average_precision = Curve((), ()), Curve((), ()), None, None
    if positives:
        recall = np.append(0.0, true_positives / positives)
        # By convention the curve starts at precision 1.
        precision = np.append(1.0, true_positives / (ends + 1))
        average_precision = float(np.diff(recall) @ precision[1:])
        precision_recall = _thinned(recall, precision, most)
        if negatives:
            fall_out = np.append(0.0, false_positives / negatives)
            auc = float(np.trapezoid(recall, fall_out))
            roc = _thinned(fall_out, recall, most)
    return ClassCurves(label, positives / len(scores), roc, precision_recall, auc, average_precision)


def _thinned(x: Float64Array, y: Float64Array, most: int) -> Curve:
    keep = thin_curve(x, y, most=most)
    # Five digits are a hundredth of a pixel, and a third of the model file's bytes for them.
    return Curve(tuple(np.round(x[keep], 5).tolist()), tuple(np.round(y[keep], 5).tolist()))


def _calibrate(p: Float64Array, labels: IntArray, names: Sequence[Label]) -> Calibration:
    if len(names) == 2:
        label, said, happened = names[1], p[:, 1], labels == 1
    else:
        label, said, happened = None, p.max(axis=1), p.argmax(axis=1) == labels
    which = np.minimum((said * N_BINS).astype(np.int64), N_BINS - 1)
    counts = np.bincount(which, minlength=N_BINS)
    filled = counts > 0
    predicted = np.bincount(which, weights=said, minlength=N_BINS)[filled] / counts[filled]
    observed = np.bincount(which, weights=happened, minlength=N_BINS)[filled] / counts[filled]
    # float32 probabilities may exceed 1 by rounding, and so may their mean.
    predicted = np.minimum(predicted, 1.0)
    return Calibration(
        label=label,
        bins=tuple(
            CalibrationBin(*row)
            for row in zip(counts[filled].tolist(), predicted.tolist(), observed.tolist(), strict=True)
        ),
        expected_error=float(counts[filled] @ np.abs(predicted - observed) / len(labels)),
    )


def _plain_label(label: Any) -> Label:
    """Return a class label as JSON has it; what JSON lacks (a date) as text."""
    value = label.item() if isinstance(label, np.generic) else label
    return value if isinstance(value, (str, int, float, bool)) else str(value)

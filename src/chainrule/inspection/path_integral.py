"""The gradient's integral along the line from a baseline to each row, until it adds up.

By the fundamental theorem the integral over any piece of the line must equal the difference of F at its ends, so
every piece knows its own error. Pieces that miss are cut: at the kinks of a ReLU network where they have some, else
in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.inspection.output import Output

FIRST_PIECES = 4
POINTS = 4
"""Of the Gauss-Legendre rule on a piece: exact for polynomials of degree 7."""

MOST_ROUNDS = 48
"""Cuts of a piece: beyond, it is shorter than the rounding of its ends."""

NEAR_END = 1e-9
"""Of a piece: a kink nearer to one of its ends is at the end."""

BLOCK = 2**14
"""Numbers of the rows that are integrated together; each comes to have some hundred pieces."""


def integrate(
    output: Output,
    start: Float64Array,
    end: Float64Array,
    targets: IntArray,
    steps: int | None,
    tolerance: float,
) -> Float64Array:
    """Return, (m, d), the integral of dF/dx dx along the line from ``start`` to ``end``, feature by feature.

    Parameters
    ----------
    output, targets
        F.
    start, end
        (m, d).
    steps
        Points on the whole line; None takes pieces until the sums over features are within ``tolerance`` of F(end) -
        F(start), relative to it.
    """
    if steps is not None:
        return _fixed(output, start, end, targets, steps)
    rows = max(1, BLOCK // end.shape[1])
    blocks = [slice(first, first + rows) for first in range(0, len(end), rows)]
    return np.concatenate([_adaptive(output, start[b], end[b], targets[b], tolerance) for b in blocks])


def _fixed(output: Output, start: Float64Array, end: Float64Array, targets: IntArray, steps: int) -> Float64Array:
    points, weights = _rule(steps)
    mean = np.zeros(end.shape)
    for point, weight in zip(points, weights, strict=True):
        mean += weight * output.value_and_slope(start + point * (end - start), targets)[1]
    result: Float64Array = mean * (end - start)
    return result


def _rule(n: int) -> tuple[Float64Array, Float64Array]:
    """Return points and weights of the Gauss-Legendre rule on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(n)
    return 0.5 * (points + 1.0), 0.5 * weights


@dataclass(frozen=True, eq=False)
class _Points:
    """Points on the lines, (n,): of which row, how far along, F there, and what goes into activations with a kink."""

    row: Array
    place: Float64Array
    value: Float64Array
    kinked: Float64Array

    def take(self, which: Array) -> _Points:
        return _Points(self.row[which], self.place[which], self.value[which], self.kinked[which])

    def with_more(self, more: _Points) -> _Points:
        return _Points(
            np.concatenate([self.row, more.row]),
            np.concatenate([self.place, more.place]),
            np.concatenate([self.value, more.value]),
            np.concatenate([self.kinked, more.kinked]),
        )


def _adaptive(
    output: Output, start: Float64Array, end: Float64Array, targets: IntArray, tolerance: float
) -> Float64Array:
    m = len(end)
    total, step = np.zeros(end.shape), end - start

    def points(row: Array, place: Float64Array) -> _Points:
        return _Points(row, place, *output.value_and_kinks(start[row] + place[:, None] * step[row], targets[row]))

    first = points(np.repeat(np.arange(m), FIRST_PIECES + 1), np.tile(np.linspace(0.0, 1.0, FIRST_PIECES + 1), m))
    is_end = first.place == 1.0
    low, high = first.take(~is_end), first.take(np.flatnonzero(~is_end) + 1)
    whole = first.value[is_end] - first.value[first.place == 0.0]
    # Rounding of F itself is all that is left where a row hardly differs from its baseline.
    allowed = tolerance * np.abs(whole) + 1e-14
    accepted, counts = np.zeros(m), np.full(m, FIRST_PIECES)
    for rounds in range(MOST_ROUNDS):
        shares = _piece(output, start, step, targets, low, high)
        error = np.abs(shares.sum(axis=1) - (high.value - low.value))
        missed = accepted + np.bincount(low.row, weights=error, minlength=m)
        cut = (missed > 0.5 * allowed)[low.row] & (error > (0.25 * allowed / counts)[low.row])
        if rounds == MOST_ROUNDS - 1:
            cut[:] = False
        np.add.at(total, low.row[~cut], shares[~cut])
        accepted += np.bincount(low.row[~cut], weights=error[~cut], minlength=m)
        if not cut.any():
            break
        low, high = low.take(cut), high.take(cut)
        piece, share = _cuts(low, high, output.layers)
        more = points(low.row[piece], low.place[piece] + share * (high.place - low.place)[piece])
        counts += np.bincount(more.row, minlength=m)
        everything = low.with_more(more).with_more(high)
        of = np.concatenate([np.arange(len(low.row)), piece, np.arange(len(high.row))])
        order = np.lexsort((np.concatenate([np.zeros(len(low.row)), share, np.ones(len(high.row))]), of))
        joined = of[order][:-1] == of[order][1:]
        low, high = everything.take(order[:-1][joined]), everything.take(order[1:][joined])
    return total


def _cuts(low: _Points, high: _Points, layers: IntArray) -> tuple[Array, Float64Array]:
    """Return where to cut each piece: its number, and how far along.

    At the kinks of the first layer that has one in the piece, each found by a straight line between the ends, which
    is exact up to there in a ReLU network; in the middle where there is no kink.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = low.kinked / (low.kinked - high.kinked)
    crosses = (low.kinked * high.kinked < 0.0) & (share > NEAR_END) & (share < 1.0 - NEAR_END)
    of_layer = np.where(crosses, layers, np.iinfo(np.int64).max)
    crosses &= of_layer == of_layer.min(axis=1, initial=np.iinfo(np.int64).max, keepdims=True)
    piece, unit = np.nonzero(crosses)
    smooth = np.flatnonzero(~crosses.any(axis=1))
    return np.concatenate([piece, smooth]), np.concatenate([share[piece, unit], np.full(len(smooth), 0.5)])


def _piece(
    output: Output, start: Float64Array, step: Float64Array, targets: IntArray, low: _Points, high: _Points
) -> Float64Array:
    """Return each piece's integral, feature by feature."""
    points, weights = _rule(POINTS)
    row, length = low.row, high.place - low.place
    steps = step[row]
    slope = np.zeros(steps.shape)
    for point, weight in zip(points, weights, strict=True):
        X = start[row] + (low.place + point * length)[:, None] * steps
        slope += weight * output.value_and_slope(X, targets[row])[1]
    integral: Float64Array = slope * length[:, None] * steps
    return integral

"""Choosing the rows that a sum rests on, so that a fraction of them stands for all."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Float64Array, IntArray


def threshold_for(weights: Float64Array, n: float) -> float:
    """Return t with sum_i min(1, w_i / t) = n, for weights >= 0 of any shape; 0 if no more than n are above 0."""
    if np.count_nonzero(weights) <= n:
        return 0.0
    threshold = float(weights.sum()) / n
    while True:  # from above: the set of weights that exceed it only grows
        above = weights >= threshold
        places = n - np.count_nonzero(above)
        rest = float(weights[~above].sum())
        if places <= 0.0 or rest >= threshold * places * (1.0 - 1e-3):
            return threshold
        threshold = rest / places


def in_proportion(weights: Float64Array, threshold: float) -> tuple[IntArray, Float64Array]:
    """Return indices and new weights of a sample that adds up to about what all do.

    Weights above the threshold are kept as they are; of those below a fraction w / threshold, each with the threshold's
    weight: systematic sampling with probability proportional to size (Madow 1949, "On the theory of systematic
    sampling, II"), evenly spaced instead of drawn.

    Parameters
    ----------
    weights
        (m,), at least 0.
    threshold
        See `threshold_for`.
    """
    if threshold == 0.0:
        chosen = np.flatnonzero(weights)
        return chosen, weights[chosen]
    heavy = weights >= threshold
    places = np.floor(np.cumsum(np.where(heavy, 0.0, weights / threshold)) + 0.5)
    chosen = np.flatnonzero(heavy | (np.diff(places, prepend=0.0) > 0.0))
    return chosen, np.maximum(weights[chosen], threshold)

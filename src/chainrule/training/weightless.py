"""Classes none of whose rows counts: the problem is solved without them, and they come back where they cost nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._typing import Float64Array, IntArray

GONE = 40.0  # nats below the likeliest class in every row: e^-40 is under the rounding of 1
_ROWS = 8192  # at a time


def classes_with_weight(labels: IntArray, shares: Float64Array, n_classes: int) -> IntArray:
    """Return which classes have a row that counts, ascending.

    Why the others may be left out, where there is an intercept and at least two classes remain: for any weights and
    intercepts the loss over all classes is at least that over those that count, each row's sum of exponentials having
    fewer terms there, and so is the penalty. What bounds the smaller problem's optimum from below bounds that of
    the whole. From above: with weights of 0 and an intercept far enough down a class adds ``log(1 + e^-GONE)`` at most
    to a row's loss and nothing to the penalty. So both problems have the same infimum, which the whole one reaches
    only in the limit of intercepts that fall for ever: its own certificate can't close before.

    Parameters
    ----------
    labels, shares
        (m,) of 0..n_classes-1; (m,) weights that sum to 1.
    """
    return np.flatnonzero(np.bincount(labels[shares > 0.0], minlength=n_classes))


def put_back(
    X: Any, weights: Float64Array, bias: Float64Array, kept: IntArray, n_classes: int
) -> tuple[Float64Array, Float64Array, float]:
    """Return weights and bias of all classes, and what the others add to the objective at most.

    Parameters
    ----------
    X
        (m, d) rows, dense or CSR.
    weights, bias
        (d, k), (k,) of the classes that count.
    kept
        (k,) which ones they are.
    n_classes
        K.

    Returns
    -------
    tuple of ndarray (d, K), ndarray (K,), float
        The biases add up to 0.
    """
    floor = min(
        float(np.asarray(X[first : first + _ROWS] @ weights + bias).max(axis=1).min())
        for first in range(0, X.shape[0], _ROWS)
    )
    all_weights = np.zeros((weights.shape[0], n_classes))
    all_weights[:, kept] = weights
    all_bias = np.full(n_classes, floor - GONE)
    all_bias[kept] = bias
    return all_weights, all_bias - all_bias.mean(), float(np.log1p((n_classes - len(kept)) * np.exp(-GONE)))

"""Rows that are the same as others: a held-out row with a copy among the training rows is no test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule._typing import Array

Keys = NDArray[np.uint64]
# The constants of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
_START, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_BLOCK = 4096  # rows that stay in the cache while their columns are mixed in


def row_keys(features: Array) -> Keys:
    """Return a number per row, (m,): equal rows have the same, others by chance only (one pair in 2^64).

    Parameters
    ----------
    features
        (m, d) float32 or float64.
    """
    bits: Any = np.uint32 if features.dtype == np.float32 else np.uint64
    keys: Keys = np.empty(len(features), dtype=np.uint64)
    for first in range(0, len(features), _BLOCK):
        # + 0.0 makes one zero of both.
        block = np.ascontiguousarray((features[first : first + _BLOCK] + 0.0).T).view(bits)
        mixed = np.full(block.shape[1], _START)
        for column in block:
            mixed ^= column
            mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
            mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        keys[first : first + _BLOCK] = mixed
    return keys


def count_copies(train: Keys, train_labels: Array, test: Keys, test_labels: Array) -> tuple[int, int]:
    """Return how many test rows are also among the training rows, and how many of them with the same label there.

    Parameters
    ----------
    train, test
        Keys of the rows, as `row_keys` gives them.
    train_labels, test_labels
        Their class indices.
    """
    again = np.isin(test, train)
    # A label shifts a key far from where any other label would put it.
    shift = np.uint64(0xD1342543DE82EF95)
    with_label = [
        keys + (labels.astype(np.uint64) + np.uint64(1)) * shift
        for keys, labels in ((train, train_labels), (test, test_labels))
    ]
    return int(again.sum()), int((np.isin(with_label[1], with_label[0]) & again).sum())

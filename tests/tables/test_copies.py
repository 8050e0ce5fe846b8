"""Rows that are the same as others are found, whatever their width; others are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.tables.copies import count_copies, row_keys


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 5), st.sampled_from([np.float32, np.float64]))
def test_counts_are_those_of_comparing_every_pair(seed: int, m: int, d: int, dtype: type) -> None:
    rng = np.random.default_rng(seed)
    train, test = (rng.integers(-1, 2, size=(m, d)).astype(dtype) for _ in range(2))
    labels, test_labels = (rng.integers(3, size=m) for _ in range(2))
    same = (test[:, None, :] == train[None, :, :]).all(axis=2)
    with_label = same & (test_labels[:, None] == labels[None, :])
    found = count_copies(row_keys(train), labels, row_keys(test), test_labels)
    assert found == (same.any(axis=1).sum(), with_label.any(axis=1).sum())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_differences_are_differences(dtype: type) -> None:
    rows = np.zeros((9000, 40), dtype=dtype)  # more than a block
    rows[np.arange(9000), np.arange(9000) % 40] = np.arange(9000)
    rows[:40, :] = np.eye(40) * np.finfo(dtype).tiny
    assert len(np.unique(row_keys(rows))) == 9000


def test_columns_are_told_apart_and_zeros_are_not() -> None:
    assert row_keys(np.array([[1.0, 0.0]])) != row_keys(np.array([[0.0, 1.0]]))
    assert row_keys(np.array([[-0.0, 2.0]])) == row_keys(np.array([[0.0, 2.0]]))
    assert len(row_keys(np.zeros((0, 3)))) == 0

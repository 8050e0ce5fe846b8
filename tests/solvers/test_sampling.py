"""Samples of rows in proportion to their weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.solvers.sampling import in_proportion, threshold_for


def _weights(seed, m, spread):
    rng = np.random.default_rng(seed)
    return np.exp(spread * rng.standard_normal(m)) * (rng.random(m) < 0.8)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300), st.sampled_from([0.0, 1.0, 5.0, 20.0]), st.floats(0.01, 1.2))
def test_a_sample_has_the_size_asked_for_and_the_sum_of_all(seed, m, spread, part):
    weights = _weights(seed, m, spread)
    n = part * m
    threshold = threshold_for(weights, n)
    chosen, kept = in_proportion(weights, threshold)
    assert (np.diff(chosen) > 0).all()
    assert (weights[chosen] > 0.0).all()
    if np.count_nonzero(weights) <= n:
        np.testing.assert_array_equal(chosen, np.flatnonzero(weights))
        np.testing.assert_array_equal(kept, weights[chosen])
        return
    # The threshold is found to a thousandth; a systematic sample is off by less than one row, here the last.
    assert abs(len(chosen) - n) <= 1.0 + 2e-3 * n
    assert abs(kept.sum() - weights.sum()) <= threshold * 1.01 + 1e-13 * weights.sum()
    heavy = np.flatnonzero(weights >= threshold)
    assert np.isin(heavy, chosen).all()
    np.testing.assert_array_equal(kept, np.maximum(weights[chosen], threshold))


def test_any_part_of_the_rows_is_sampled_evenly():
    weights = np.ones(1000)
    chosen, kept = in_proportion(weights, threshold_for(weights, 100))
    assert set(np.diff(chosen)) <= {9, 10, 11}
    assert kept == pytest.approx(10.0, rel=2e-3)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.datasets import make_spiral
from chainrule.errors import InputError


def test_the_lectures_data() -> None:
    X, y = make_spiral(random_state=0)
    assert X.shape == (300, 2)
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [100, 100, 100]


@given(n_classes=st.integers(1, 7), extra=st.integers(0, 40), seed=st.integers(0, 2**32 - 1))
def test_samples_are_split_evenly_and_the_remainder_goes_to_the_first_classes(
    n_classes: int, extra: int, seed: int
) -> None:
    X, y = make_spiral(n_classes + extra, n_classes, random_state=seed)
    counts = np.bincount(y, minlength=n_classes)
    assert len(X) == len(y) == n_classes + extra
    assert counts.max() - counts.min() <= 1
    assert (np.diff(counts) <= 0).all()
    assert (np.diff(y) >= 0).all()
    # sin^2 + cos^2 is 1 up to a few roundings, so the radius cannot pass 1 by more
    assert np.hypot(*X.T).max() <= 1.0 + 1e-15


def test_without_noise_radius_and_angle_are_the_definition() -> None:
    X, y = make_spiral(30, 3, noise=0.0, random_state=0)
    for arm in range(3):
        radius, angle = np.hypot(*X[y == arm].T), np.linspace(4 * arm, 4 * arm + 4, 10)
        np.testing.assert_allclose(radius, np.linspace(0, 1, 10), atol=1e-15)  # a rounding of numbers up to 1
        np.testing.assert_allclose(X[y == arm, 0], radius * np.sin(angle), atol=1e-15)
        np.testing.assert_allclose(X[y == arm, 1], radius * np.cos(angle), atol=1e-15)


def test_the_seed_decides() -> None:
    same = [
        make_spiral(random_state=5)[0],
        make_spiral(random_state=np.int64(5))[0],
        make_spiral(random_state=np.random.default_rng(5))[0],
        make_spiral(random_state=np.random.SeedSequence(5))[0],
    ]
    for X in same:
        np.testing.assert_array_equal(X, same[0])
    assert not np.array_equal(make_spiral(random_state=6)[0], same[0])
    assert not np.array_equal(make_spiral()[0], make_spiral()[0])


def test_generators_and_random_states_move_on() -> None:
    for source in (np.random.default_rng(0), np.random.RandomState(0)):
        assert not np.array_equal(make_spiral(random_state=source)[0], make_spiral(random_state=source)[0])
    first, second = (make_spiral(random_state=np.random.RandomState(3))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"n_samples": 2}, "n_samples"),
        ({"n_samples": 300.0}, "n_samples"),
        ({"n_samples": True}, "n_samples"),
        ({"n_classes": 0}, "n_classes"),
        ({"n_classes": "3"}, "n_classes"),
        ({"noise": -0.1}, "noise"),
        ({"noise": float("nan")}, "noise"),
        ({"noise": "much"}, "noise"),
        ({"random_state": -1}, "random_state"),
        ({"random_state": "seed"}, "random_state"),
    ],
)
def test_nonsense_is_refused_by_name(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        make_spiral(**arguments)  # type: ignore[arg-type]

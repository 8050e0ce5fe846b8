"""Data to learn with: the lecture's spiral."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from chainrule._typing import Float64Array, IntArray
from chainrule.errors import InputError


def make_spiral(
    n_samples: int = 300, n_classes: int = 3, noise: float = 0.2, random_state: Any = None
) -> tuple[Float64Array, IntArray]:
    """Return points on interleaved spirals in the plane, one arm per class.

    Along arm k the radius r grows from 0 to 1 and the angle t from 4k to 4(k + 1) radians, to which normal
    noise is added; a point is (r sin t, r cos t). No straight line separates the arms.

    Parameters
    ----------
    n_samples
        Points in all, split evenly over the classes; what doesn't divide goes to the first classes, one each.
    n_classes
        Number of arms.
    noise
        Standard deviation of the angle, in radians.
    random_state
        None for a fresh start, an int or whatever `numpy.random.default_rng` takes as a seed, a
        `numpy.random.Generator` or a `numpy.random.RandomState` (these two are drawn from, and move on).

    Returns
    -------
    X
        (n_samples, 2) float64, arm by arm, each from the centre outwards.
    y
        (n_samples,) int64, the arm: 0..n_classes-1.

    Raises
    ------
    InputError
        For numbers that make no spiral.

    Notes
    -----
    The construction is that of Stanford's CS231n notes, "Putting it together: minimal neural network case
    study".
    """
    _check_count("n_classes", n_classes, least=1)
    _check_count("n_samples", n_samples, least=n_classes)
    _check_noise(noise)
    generator = _generator(random_state)

    share, remainder = divmod(int(n_samples), int(n_classes))
    points, labels = [], []
    for arm in range(n_classes):
        size = share + (arm < remainder)
        radius = np.linspace(0.0, 1.0, size)
        angle = np.linspace(4.0 * arm, 4.0 * (arm + 1), size) + noise * generator.standard_normal(size)
        points.append(np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]))
        labels.append(np.full(size, arm, dtype=np.int64))
    return np.concatenate(points), np.concatenate(labels)


def _check_count(name: str, value: Any, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(f"make_spiral: {name} must be an integer >= {least}, got {value!r}")


def _check_noise(noise: Any) -> None:
    if isinstance(noise, bool) or not isinstance(noise, Real) or not 0.0 <= float(noise) < np.inf:
        raise InputError(f"make_spiral: noise must be a finite number >= 0 (radians), got {noise!r}")


def _generator(random_state: Any) -> np.random.Generator | np.random.RandomState:
    if isinstance(random_state, np.random.Generator | np.random.RandomState):
        return random_state
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise InputError(
            "make_spiral: random_state must be None, an integer >= 0, a numpy Generator or RandomState, "
            f"got {random_state!r}"
        ) from error

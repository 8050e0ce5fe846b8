"""An array in a few figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array


@dataclass(frozen=True)
class Figures:
    """What an array is like; of its finite numbers, and how many others there are.

    Attributes
    ----------
    low, mean, high
        NaN where no number is finite.
    norm
        Euclidean.
    n_nonfinite
        NaNs and infinities.
    """

    low: float
    mean: float
    high: float
    norm: float
    n_nonfinite: int

    @classmethod
    def of(cls, array: Array) -> Figures:
        """Return the figures of an array of any shape."""
        finite = array[np.isfinite(array)].astype(np.float64)
        if not finite.size:
            return cls(np.nan, np.nan, np.nan, np.nan, array.size)
        largest = float(np.abs(finite).max())
        scaled = finite / (largest or 1.0)  # squares of large numbers would overflow
        return cls(
            low=float(finite.min()),
            mean=largest * float(scaled.mean()),
            high=float(finite.max()),
            norm=largest * float(np.linalg.norm(scaled)),
            n_nonfinite=array.size - finite.size,
        )

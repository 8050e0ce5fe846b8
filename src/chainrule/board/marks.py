"""What a run looks like from outside, at some of its steps: accuracy, gradient norms, update-to-weight ratios."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Float64Array, IntArray

MOST = 2000  # marks; beyond, every other one goes


@dataclass(frozen=True, eq=False)
class Mark:
    """What was measured at a step.

    Attributes
    ----------
    accuracy
        Of the rows that are looked at.
    gradient_norms
        (layers,) Euclidean norms of the gradient by each weight, over the step's batch.
    update_ratios
        (layers,) norm of what the step adds to each weight, over the weight's own.
    """

    accuracy: float
    gradient_norms: Float64Array
    update_ratios: Float64Array


class Marks:
    """Marks by step, thinned where they become many."""

    def __init__(self) -> None:
        self._steps: list[int] = []  # ascending
        self._marks: dict[int, Mark] = {}

    def __contains__(self, step: int) -> bool:
        return step in self._marks

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: int, mark: Mark) -> None:
        """Write a mark down."""
        self._steps.insert(bisect_left(self._steps, step), step)
        self._marks[step] = mark
        if len(self._steps) > MOST:
            kept = self._steps[::2]
            self._marks = {at: self._marks[at] for at in kept}
            self._steps = kept

    def forget_from(self, step: int) -> None:
        """Drop the marks at this step and later ones."""
        for gone in self._steps[bisect_left(self._steps, step) :]:
            del self._marks[gone]
        self._steps = self._steps[: bisect_left(self._steps, step)]

    def at_most(self, step: int) -> Mark | None:
        """Return the last mark up to a step."""
        found = bisect_right(self._steps, step)
        return self._marks[self._steps[found - 1]] if found else None

    def arrays(self) -> tuple[IntArray, Float64Array, Float64Array, Float64Array]:
        """Return steps (n,), accuracies (n,), gradient norms and update ratios (n, layers)."""
        marks = [self._marks[step] for step in self._steps]
        return (
            np.array(self._steps, dtype=np.int64),
            np.array([mark.accuracy for mark in marks]),
            np.array([mark.gradient_norms for mark in marks]),
            np.array([mark.update_ratios for mark in marks]),
        )

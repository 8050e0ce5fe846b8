"""How much damping a Newton step needs, learned from how the last ones went (Levenberg 1944, Marquardt 1963)."""

from __future__ import annotations

from typing import Protocol

import numpy as np

GOOD_RATIO = 0.6  # of a decrease to what was promised: less damping
POOR_RATIO = 0.25  # more damping
LESS, MORE = 0.2, 4.0
FIRST = 1e-2  # of the mean curvature, where steps are cheap
RESCUE = 1e-3  # of the mean curvature, where steps went without
SHORTEN = 0.4  # a step that is too long
MAX_SHORTENINGS = 10
MAX_FAILURES = 12  # line searches in a row that found nothing


class Sizes(Protocol):
    """What damping has to know of a curvature; it rarely asks."""

    @property
    def scale(self) -> float:
        """Mean curvature along the weights."""

    @property
    def least(self) -> float:
        """Damping well below changes nothing."""

    @property
    def felt(self) -> float:
        """Damping of this size shortens a step along every weight."""


class Damping:
    """What is added to the curvature along each weight.

    Parameters
    ----------
    strength
        To begin with.
    """

    def __init__(self, strength: float = 0.0) -> None:
        self.strength = strength
        self._failures = 0

    def accept(self, length: float, ratio: float, curvature: Sizes, *, drowned: bool) -> None:
        """Learn from a step that was taken.

        Parameters
        ----------
        length
            Which part of it.
        ratio
            Of the decrease to what the model promised.
        curvature
            What the step was taken with.
        drowned
            Whether the decrease was too small to see.
        """
        self._failures = 0
        if length >= 1.0 and (ratio >= GOOD_RATIO or drowned):
            self.strength *= LESS
            if self.strength > 0.0 and self.strength <= max(0.1 * curvature.least, 1e-12 * curvature.scale):
                self.strength = 0.0
        elif length < SHORTEN or ratio < POOR_RATIO:
            # A step that had to be made 1 / length times shorter lacked about as much curvature.
            self.strength = max(MORE * self.strength, max(self.strength, self._first(curvature)) / length)

    def strengthen(self, curvature: Sizes) -> None:
        """Learn from a model that promises more than there is."""
        self.strength = max(MORE * self.strength, self._first(curvature))

    def reject(self, curvature: Sizes) -> bool:
        """Learn from a step no part of which could be taken; return whether there is any use in another one."""
        self._failures += 1
        least = max(MORE * self.strength, self._first(curvature), float(np.finfo(np.float64).tiny ** 0.5))
        self.strength = least / SHORTEN**MAX_SHORTENINGS
        return self._failures <= MAX_FAILURES

    def _first(self, curvature: Sizes) -> float:
        return curvature.felt if self.strength > 0.0 else RESCUE * curvature.scale

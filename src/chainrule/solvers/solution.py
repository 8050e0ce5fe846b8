"""What a solver asks of an objective, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from chainrule._typing import Float64Array

LinearMap: TypeAlias = Callable[[Float64Array], Float64Array]
Status: TypeAlias = Literal["converged", "max_iter", "precision", "interrupted"]


class Objective(Protocol):
    """A smooth function of a flat vector; where its rows are is its own business."""

    @property
    def size(self) -> int:
        """Length of the flat vector."""

    def value_and_gradient(self, w: Float64Array) -> tuple[float, Float64Array]:
        """Return value and gradient at ``w``, which becomes the current point."""


class SecondOrderObjective(Objective, Protocol):
    """An objective that also knows its curvature at the current point."""

    def hessian_vector(self, v: Float64Array) -> Float64Array:
        """Return the Hessian at the current point times ``v``."""

    def preconditioner(self) -> LinearMap:
        """Return an approximate inverse of the Hessian at the current point, symmetric and positive definite."""


@dataclass(frozen=True)
class Progress:
    """Where a solver is: handed to the callback after every iteration."""

    iteration: int
    max_iter: int
    value: float
    decrement: float | None = None
    passes: int | None = None


Callback: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True)
class Solution:
    """Where a solver stopped, and why.

    Attributes
    ----------
    parameters
        The flat vector.
    value
        The objective there, in nats.
    loss_curve
        The objective at the start and after every iteration.
    n_iter
        Iterations done.
    status
        ``converged``; ``max_iter``: the budget ran out; ``precision``: rounding allows no further descent;
        ``interrupted``: Ctrl-C between two steps, the parameters are the last ones.
    """

    parameters: Float64Array
    value: float
    loss_curve: tuple[float, ...]
    n_iter: int
    status: Status

    @property
    def converged(self) -> bool:
        """Whether the tolerance was reached, or all that rounding allows."""
        return self.status in ("converged", "precision")

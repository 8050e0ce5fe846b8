"""What a solver asks of an objective, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np

from chainrule._typing import Float64Array
from chainrule.solvers.damping import Sizes

ROUNDING = float(np.finfo(np.float64).eps)

LinearMap: TypeAlias = Callable[[Float64Array], Float64Array]
Status: TypeAlias = Literal["converged", "max_iter", "precision", "interrupted", "separable"]


def gap_allowed(tol: float, value: float) -> float:
    """Return how far (nats) the optimum may be below ``value``: ``tol`` times it, and what rounding hides of ln 1."""
    return max(tol * abs(value), ROUNDING)


class Curvature(Sizes, Protocol):
    """The Hessian at a point, or a part of it.

    Attributes
    ----------
    exact
        Whether `factor` inverts all of it.
    cost
        Of making another one, in passes over the rows.
    """

    exact: bool
    cost: float

    def factor(self, strength: float, damping: float) -> LinearMap:
        """Return the inverse, symmetric and positive definite, of the loss's curvature and what comes to its diagonal.

        That is an l2 penalty of ``strength``, and ``damping`` times `SecondOrderObjective.damped`.
        """


class Objective(Protocol):
    """A smooth function of a flat vector; where its rows are is its own business."""

    @property
    def size(self) -> int:
        """Length of the flat vector."""

    def value_and_gradient(self, w: Float64Array) -> tuple[float, Float64Array]:
        """Return value and gradient at ``w``, which becomes the current point."""


class BoundedObjective(Objective, Protocol):
    """An objective that can say how far from its optimum it is."""

    def gap(self, value: float, gradient: Float64Array, wanted: float) -> float | None:
        """Return an upper bound of value minus optimum at the current point; a poor one if it is above ``wanted``.

        None: there is no such bound.
        """


class SecondOrderObjective(BoundedObjective, Protocol):
    """An objective that also knows its curvature at the current point."""

    @property
    def passes(self) -> int:
        """Passes over the rows so far."""

    @property
    def strength(self) -> float:
        """lambda of the penalty lambda/2 ||W||^2, 0 without."""

    @property
    def damped(self) -> Float64Array:
        """How strongly damping holds each entry of the flat vector, the penalised ones with 1."""

    def hessian_vector(self, v: Float64Array) -> Float64Array:
        """Return the Hessian at the current point times ``v``."""

    def curvature(self) -> Curvature:
        """Return what can be had of the Hessian at the current point."""

    def is_separated(self) -> bool:
        """Return whether there is no penalty and the current point takes every row for its class: no optimum exists."""

    def residual_size(self, residual: Float64Array) -> float:
        """Return how large a residual of the gradient is where `residual_for` says what is small enough."""

    def residual_for(self, gap: float) -> float:
        """Return the largest size of a residual with which the next point's gap may be as small as this."""


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
        ``separable``: without a penalty there is no optimum, ever larger weights do ever better; ``interrupted``:
        Ctrl-C between two steps, the parameters are the last ones.
    gap
        Upper bound of value minus optimum, in nats; None where nothing is proven.
    """

    parameters: Float64Array
    value: float
    loss_curve: tuple[float, ...]
    n_iter: int
    status: Status
    gap: float | None = None

    @property
    def converged(self) -> bool:
        """Whether the tolerance was reached, or all that rounding allows."""
        return self.status in ("converged", "precision")

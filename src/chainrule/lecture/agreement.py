"""How far the compiled engine is from the readable sweep: the figures that let the lecture trust its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.engine import compile_graph
from chainrule.graph import sweep
from chainrule.lecture.descent import Descent, gradient_descent

Place = tuple[int, Float64Array]
"""A step of the descent, and the flat parameters before it."""


@dataclass(frozen=True)
class Agreement:
    """Largest differences between engine and readable sweep, both in float64.

    Attributes
    ----------
    n_places
        Points of the descent at which loss and gradient were computed both ways.
    loss
        Largest difference of the loss, in nats.
    gradient
        Largest difference of an entry of the gradient.
    largest_gradient
        The largest entry of any of these gradients, for comparison.
    n_retraced
        Steps from the start that the readable sweep took again by itself.
    retraced
        Largest difference of a parameter after them.
    """

    n_places: int
    loss: float
    gradient: float
    largest_gradient: float
    n_retraced: int
    retraced: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self)


def compare_with_sweep(
    trained: Descent, places: Sequence[Place], X: Array, y: Array, *, learning_rate: float
) -> Agreement:
    """Compute again with the readable sweep what the engine computed on its way down.

    Parameters
    ----------
    trained
        What the engine left; its loss curve is what it met in each step.
    places
        Points of the way, the start first, the end last, as `engine_descent` tells them.
    X, y
        The rows.
    learning_rate
        Of the descent.
    """
    program = compile_graph(trained.graph)
    losses, gradients, sizes = [0.0], [0.0], [0.0]
    for step, parameters in places:
        readable = sweep(trained.graph, parameters, X, y)
        gradient = readable.parameter_gradient()
        _, compiled = program.value_and_gradient(parameters, np.ascontiguousarray(X, np.float64), y)
        losses.append(abs(readable.loss - float(trained.loss_curve[step])))
        gradients.append(float(np.abs(compiled - gradient).max()))
        sizes.append(float(np.abs(gradient).max()))
    (_, start), (end, after) = places[0], places[min(1, len(places) - 1)]
    again = gradient_descent(trained.graph, start, X, y, learning_rate=learning_rate, n_steps=end)
    return Agreement(
        n_places=len(places),
        loss=max(losses),
        gradient=max(gradients),
        largest_gradient=max(sizes),
        n_retraced=end,
        retraced=float(np.abs(again.parameters - after).max()),
    )

"""The lecture in one loop: forward, backward, update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.errors import InputError, NonFiniteError
from chainrule.graph import Graph, Sweep, forward, sweep


@dataclass(frozen=True, eq=False)
class Descent:
    """What gradient descent leaves.

    Attributes
    ----------
    graph
        What was trained.
    parameters
        The flat vector at the end.
    loss_curve
        (n_steps + 1,) the loss before each step, and at the end.
    """

    graph: Graph
    parameters: Float64Array
    loss_curve: Float64Array

    def predict_proba(self, X: Array) -> Array:
        """Return the class probabilities, (m, K): the forward pass alone."""
        return forward(self.graph, self.parameters, X)[str(self.graph.output)]

    def accuracy(self, X: Array, y: Array) -> float:
        """Return the share of rows whose most probable class is the right one."""
        return float((self.predict_proba(X).argmax(axis=1) == y).mean())


def gradient_descent(
    graph: Graph,
    start: Float64Array,
    X: Array,
    y: Array,
    *,
    learning_rate: float,
    n_steps: int,
    on_step: Callable[[Sweep], None] | None = None,
) -> Descent:
    """Train a graph with the readable sweep: ``W = W - alpha dW``, for every parameter, n_steps times.

    Parameters
    ----------
    graph
        With a loss and an output.
    start
        The flat vector of parameters to begin with; it is left as it is.
    X, y
        (m, d) and (m,), all of them in every step.
    learning_rate
        alpha.
    n_steps
        How many steps.
    on_step
        Called in each step, before the update, with all values and gradients.

    Raises
    ------
    InputError
        If n_steps is negative, or what is given doesn't fit the graph.
    NonFiniteError
        If the loss becomes NaN or infinite: the learning rate is too large.
    """
    if n_steps < 0:
        raise InputError(f"n_steps must be at least 0, got {n_steps!r}")
    w = np.array(start, dtype=np.float64)
    loss_curve = []
    for step in range(n_steps):
        now = sweep(graph, w, X, y)  # forward, then backward
        if not np.isfinite(now.loss):
            raise NonFiniteError(
                f"gradient descent: the loss is {now.loss} in step {step}; take a learning_rate below {learning_rate:g}"
            )
        loss_curve.append(now.loss)
        if on_step is not None:
            on_step(now)
        w = w - learning_rate * now.parameter_gradient()  # W = W - alpha dW and b = b - alpha db
    loss_curve.append(float(forward(graph, w, X, y)[str(graph.loss)]))
    return Descent(graph, w, np.array(loss_curve))

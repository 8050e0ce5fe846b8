"""The lecture in one loop: forward, backward, update; readable, and the same through the compiled engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.engine import Program, Trainer, UpdateRule
from chainrule.errors import InputError, NonFiniteError
from chainrule.graph import Graph, Sweep, forward, sweep

STRIDE = 100
"""Steps between two tellings of where a descent through the engine stands."""


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
    _check_steps(n_steps)
    w = np.array(start, dtype=np.float64)
    loss_curve = []
    for step in range(n_steps):
        now = sweep(graph, w, X, y)  # forward, then backward
        if not np.isfinite(now.loss):
            raise _left_the_numbers(now.loss, step, learning_rate)
        loss_curve.append(now.loss)
        if on_step is not None:
            on_step(now)
        w = w - learning_rate * now.parameter_gradient()  # W = W - alpha dW and b = b - alpha db
    loss_curve.append(float(forward(graph, w, X, y)[str(graph.loss)]))
    return Descent(graph, w, np.array(loss_curve))


def engine_descent(
    program: Program,
    start: Float64Array,
    X: Array,
    y: Array,
    *,
    learning_rate: float,
    n_steps: int,
    on_stride: Callable[[int, Float64Array], None] | None = None,
) -> Descent:
    """Do what `gradient_descent` does, step by step the same, with the kernels that train every network.

    Parameters
    ----------
    program
        The compiled graph.
    start, X, y, learning_rate, n_steps
        As there; X in float64, so that the figures can be compared.
    on_stride
        Called at the start, every `STRIDE` steps and at the end: steps taken, and a copy of the flat parameters.

    Raises
    ------
    InputError
        If n_steps is negative.
    NonFiniteError
        If the loss becomes NaN or infinite: the learning rate is too large.
    """
    _check_steps(n_steps)
    X = np.ascontiguousarray(X, dtype=np.float64)
    trainer = Trainer(
        program,
        X,
        np.asarray(y, dtype=np.int64),
        parameters=np.array(start, dtype=np.float64),
        rule=UpdateRule("sgd"),  # without momentum: W = W - alpha dW
        batch_size=len(X),
    )
    everything = np.arange(len(X))  # one batch: all rows, in their order
    losses: list[float] = []
    for step in range(n_steps):
        if on_stride is not None and step % STRIDE == 0:
            on_stride(step, np.array(trainer.parameters))
        taken = trainer.steps(everything, 0, np.array([learning_rate]), step)
        losses += taken.losses.tolist()
        if taken.nonfinite:
            raise _left_the_numbers(losses[-1], step, learning_rate)
    w = np.array(trainer.parameters)
    if on_stride is not None:
        on_stride(n_steps, w.copy())
    losses.append(program.value_and_gradient(w, X, np.asarray(y, dtype=np.int64))[0])
    return Descent(program.graph, w, np.array(losses))


def _check_steps(n_steps: int) -> None:
    if n_steps < 0:
        raise InputError(f"n_steps must be at least 0, got {n_steps!r}")


def _left_the_numbers(loss: float, step: int, learning_rate: float) -> NonFiniteError:
    return NonFiniteError(
        f"gradient descent: the loss is {loss} in step {step}; take a learning_rate below {learning_rate:g}"
    )

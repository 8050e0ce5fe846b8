"""The lecture's experiment: a softmax classifier and a network with a hidden layer on the spiral.

The settings, and the figures to compare with, are those of Stanford's CS231n notes, "Putting it together:
minimal neural network case study". Their runs are unseeded, so their figures stand here as bands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.engine import compile_graph
from chainrule.graph import build
from chainrule.lecture.descent import Descent, engine_descent

LEARNING_RATE = 1.0
L2 = 1e-3
START = 0.01
"""Standard deviation of the weights to start with."""

SOFTMAX_STEPS = 200
NETWORK_STEPS = 10_000
HIDDEN = 100


@dataclass(frozen=True)
class Band:
    """Where a figure of the experiment should lie, whatever the seed: lowest and highest."""

    lowest: float
    highest: float

    def __contains__(self, figure: float) -> bool:
        return self.lowest <= figure <= self.highest


SOFTMAX_LOSS, SOFTMAX_ACCURACY = Band(0.70, 0.82), Band(0.45, 0.60)
NETWORK_LOSS, NETWORK_ACCURACY = Band(0.0, 0.30), Band(0.97, 1.0)
PUBLISHED = {"softmax": (0.7863, 0.49), "network": (0.2453, 0.98)}
"""CS231n's own loss and accuracy."""


def train_softmax(X: Array, y: Array, seed: int) -> Descent:
    """Train the softmax classifier 2-3 with the compiled kernel, as a user would.

    Parameters
    ----------
    X, y
        The spiral, (m, 2) and (m,).
    seed
        Of the random start.
    """
    from chainrule.estimators import SoftmaxClassifier

    classifier = SoftmaxClassifier(
        solver="gradient_descent",
        learning_rate=LEARNING_RATE,
        max_iter=SOFTMAX_STEPS,
        C=1.0 / (L2 * len(X)),  # lambda = 1 / (C m)
        tol=0.0,
        random_state=seed,
    ).fit(X, y)
    graph = build.softmax_classifier(X.shape[1], len(classifier.classes_), l2=L2)
    parameters = graph.parameters.flatten({"W": classifier.coef_.T, "b": classifier.intercept_})
    return Descent(graph, parameters, np.array(classifier.loss_curve_))


def train_network(
    X: Array, y: Array, seed: int, on_stride: Callable[[int, Float64Array], None] | None = None
) -> Descent:
    """Train the network 2-100-3 with ReLU through the compiled engine, all rows in every step.

    Parameters
    ----------
    X, y
        The spiral, (m, 2) and (m,).
    seed
        Of the random start.
    on_stride
        Told now and then where it stands: the number of steps taken and the flat parameters.
    """
    graph = build.mlp(X.shape[1], [HIDDEN], int(y.max()) + 1, l2=L2)
    start = build.initialize(graph, np.random.default_rng(seed), scale=START)
    return engine_descent(
        compile_graph(graph), start, X, y, learning_rate=LEARNING_RATE, n_steps=NETWORK_STEPS, on_stride=on_stride
    )

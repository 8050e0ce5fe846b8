"""A graph of one's own with scikit-learn's contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chainrule._typing import Array
from chainrule.errors import InputError
from chainrule.estimators.network_estimator import NetworkEstimator
from chainrule.estimators.targets import TargetKind
from chainrule.estimators.trained import TrainedNetwork, logits_of
from chainrule.graph import Graph
from chainrule.graph.operation import show_shape
from chainrule.training import NetworkOptions


class NetworkClassifier(NetworkEstimator):
    """Any graph with one softmax_cross_entropy, trained and used as `MLPClassifier` is.

    What the graph says is the graph's: layers, activations, penalties (``l2`` nodes), dropout, label smoothing.
    Everything else means what it means there.

    Parameters
    ----------
    build : callable (n_features, n_classes) -> Graph
        Makes the graph: a loss, an output of class probabilities (m, n_classes), one data node (m, n_features). A
        function of a module can be pickled with the estimator, a lambda can't.
    solver, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose, \
warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon, \
n_iter_no_change, max_fun, class_weight, initialization, schedule, weight_decay, clip_norm, monitor, callbacks, \
checkpoint, checkpoint_every, resume, n_threads
        As in `MLPClassifier`.

    Attributes
    ----------
    graph_ : Graph
        What was built.
    parameters_ : dict of ndarray
        The graph's parameters by name, in the dtype of the data. They may be written to and replaced: predictions and
        ``partial_fit`` follow.
    classes_, loss_, loss_curve_, best_loss_, validation_scores_, validation_losses_, best_validation_score_, \
best_epoch_, status_, t_, n_iter_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in `MLPClassifier`.

    Examples
    --------
    Two branches of different activations that meet:

    >>> from sklearn.datasets import load_iris
    >>> from chainrule import Graph, NetworkClassifier, Node
    >>> def two_branches(d, k):
    ...     return Graph(
    ...         [
    ...             Node("X", "data", given_shape=("m", d)),
    ...             Node("y", "labels", given_shape=("m",)),
    ...             Node("W1", "parameter", given_shape=(d, 8)),
    ...             Node("W2", "parameter", given_shape=(d, 8)),
    ...             Node("W3", "parameter", given_shape=(8, k)),
    ...             Node("Z1", "dense", ("X", "W1")),
    ...             Node("Z2", "dense", ("X", "W2")),
    ...             Node("A1", "relu", ("Z1",)),
    ...             Node("A2", "tanh", ("Z2",)),
    ...             Node("S", "add", ("A1", "A2")),
    ...             Node("Z3", "dense", ("S", "W3")),
    ...             Node("p", "softmax", ("Z3",)),
    ...             Node("J", "softmax_cross_entropy", ("Z3", "y")),
    ...         ],
    ...         loss="J",
    ...         output="p",
    ...     )
    >>> X, y = load_iris(return_X_y=True)
    >>> network = NetworkClassifier(two_branches, solver="lbfgs", random_state=0).fit(X, y)
    >>> network.score(X, y) > 0.95
    True
    >>> sorted(network.parameters_)
    ['W1', 'W2', 'W3']
    """

    def __init__(
        self,
        build: Callable[[int, int], Graph],
        *,
        solver: str = "adam",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        initialization: str = "auto",
        schedule: str | Mapping[str, Any] | Callable[[int], float] | None = None,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        monitor: str | Callable[..., float] = "accuracy",
        callbacks: Any = None,
        checkpoint: str | Path | None = None,
        checkpoint_every: int = 1,
        resume: bool = False,
        n_threads: int = 0,
    ) -> None:
        self.build = build
        self.solver = solver
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.initialization = initialization
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.monitor = monitor
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.resume = resume
        self.n_threads = n_threads

    def _make_graph(
        self, options: NetworkOptions, n_features: int, n_classes: int, kind: TargetKind, mass: float
    ) -> Graph:
        if kind == "multilabel" or n_classes < 2:
            raise InputError(f"a NetworkClassifier needs one label a row and at least 2 classes, got {n_classes} class")
        graph = self.build(n_features, n_classes)
        if not isinstance(graph, Graph):
            raise InputError(f"build must return a Graph, it returned {graph!r}")
        _check_graph(graph, n_features, n_classes)
        return graph

    def _parameter_names(self, graph: Graph) -> list[str]:
        return list(graph.parameters)

    def _shown(self) -> Sequence[Array]:
        return tuple(self.parameters_.values())

    def _show(self, network: TrainedNetwork) -> dict[str, Any]:
        return {"graph_": network.graph, "parameters_": dict(zip(network.names, network.views, strict=True))}


def _check_graph(graph: Graph, n_features: int, n_classes: int) -> None:
    """Raise `InputError` unless the graph takes the rows, ends in a loss and gives a column per class."""
    data = [node.name for node in graph.of_kind("data")]
    if len(data) != 1 or graph.shape(data[0]) != ("m", n_features):
        raise InputError(f"the graph must have one data node of shape (m, {n_features}), it has {data or 'none'}")
    if graph.of_kind("sigmoid_cross_entropy"):
        raise InputError("the graph must have a softmax_cross_entropy, it has a sigmoid_cross_entropy")
    logits = logits_of(graph)
    for what, name in (("logits", logits), ("output", graph.output)):
        if name is None or graph.shape(name) != ("m", n_classes):
            found = "none" if name is None else f"{name!r} of shape {show_shape(graph.shape(name))}"
            raise InputError(f"the graph's {what} must have shape (m, {n_classes}), it has {found}")
    if graph.loss is None:
        raise InputError("the graph has no loss: build it with Graph(nodes, loss=..., output=...)")

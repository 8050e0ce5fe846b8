"""What is on the board: rows, a network over them, and how it learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.board.course import Recipe
from chainrule.datasets import make_spiral
from chainrule.engine import RULES, UpdateRule
from chainrule.errors import InputError
from chainrule.graph import ACTIVATIONS, INITIALIZATIONS, Graph, build, initialize

MOST_UNITS = 4096  # of a layer
MOST_LAYERS = 16
MOST_PARAMETERS = 20_000_000


@dataclass(frozen=True)
class Network:
    """What can be chosen on the board; plain data.

    Attributes
    ----------
    hidden_layer_sizes
        Units of each hidden layer; none for the softmax classifier.
    activation
        Of the hidden layers.
    solver
        A rule of `chainrule.engine.UpdateRule`.
    learning_rate
        Of every step.
    batch_size
        Rows of a step.
    l2
        lambda of the penalty lambda/2 ||W||^2.
    dropout
        Rate at which hidden activations are dropped.
    initialization
        ``small``, the lecture's 0.01 times normal numbers, or one of `chainrule.graph.INITIALIZATIONS`.
    seed
        Of the start, the order of the rows and dropout.
    """

    hidden_layer_sizes: tuple[int, ...] = (100,)
    activation: str = "relu"
    solver: str = "sgd"
    learning_rate: float = 1.0
    batch_size: int = 300
    l2: float = 1e-3
    dropout: float = 0.0
    initialization: str = "small"
    seed: int = 0

    def __post_init__(self) -> None:
        sizes = tuple(self.hidden_layer_sizes)
        object.__setattr__(self, "hidden_layer_sizes", sizes)
        _need(len(sizes) <= MOST_LAYERS, f"a network may have {MOST_LAYERS} hidden layers, got {len(sizes)}")
        for size in sizes:
            _need(_is_whole(size) and 1 <= size <= MOST_UNITS, f"a layer has 1 to {MOST_UNITS} units, got {size!r}")
        known = (*ACTIVATIONS, "identity")
        _need(self.activation in known, f"no activation {self.activation!r}; there are {', '.join(known)}")
        _need(self.solver in RULES, f"no optimizer {self.solver!r}; there are {', '.join(RULES)}")
        starts = ("small", *INITIALIZATIONS)
        _need(self.initialization in starts, f"no start {self.initialization!r}; there are {', '.join(starts)}")
        for name, least, below in (("learning_rate", 0.0, 1e6), ("l2", 0.0, 1e6), ("dropout", 0.0, 1.0)):
            value = getattr(self, name)
            fits = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value < below
            _need(fits, f"{name} must be a number in [{least:g}, {below:g}), got {value!r}")
        _need(
            _is_whole(self.batch_size) and self.batch_size >= 1, f"batch_size must be at least 1: {self.batch_size!r}"
        )
        _need(_is_whole(self.seed) and 0 <= self.seed < 2**63, f"seed must be a whole number >= 0, got {self.seed!r}")

    @classmethod
    def from_request(cls, before: Network, changes: Mapping[str, Any]) -> Network:
        """Return ``before`` with some fields changed, as a page asks for it."""
        known = [entry.name for entry in fields(cls)]
        for name in changes:
            _need(name in known, f"a network has no {name!r}; it has {', '.join(known)}")
        chosen: Any = {name: tuple(v) if isinstance(v, list) else v for name, v in changes.items()}
        return replace(before, **chosen)

    def recipe(self, n_rows: int, n_threads: int) -> Recipe:
        """Return how a run over so many rows goes."""
        return Recipe(
            rule=UpdateRule(self.solver), learning_rate=float(self.learning_rate),
            batch_size=min(self.batch_size, n_rows), seed=self.seed, n_threads=n_threads,
        )  # fmt: skip

    def has_same_graph(self, other: Network) -> bool:
        """Return whether only the recipe differs."""
        names = ("hidden_layer_sizes", "activation", "l2", "dropout", "initialization", "seed")
        return all(getattr(self, name) == getattr(other, name) for name in names)


@dataclass(frozen=True, eq=False)
class Scene:
    """Rows, labels and a network.

    Attributes
    ----------
    title
        Where the rows come from.
    X, labels
        (m, d) float32 or float64, (m,) int64 in 0..K-1.
    classes, feature_names
        Their names, as text.
    network
        What was chosen; None where the graph is a model's own.
    graph, start
        The graph, and the parameters at step 0.
    recipe
        How it learns.
    """

    title: str
    X: Array
    labels: Array
    classes: tuple[str, ...]
    feature_names: tuple[str, ...]
    network: Network
    graph: Graph
    start: Float64Array
    n_threads: int = 0

    @property
    def recipe(self) -> Recipe:
        """How the network learns."""
        return self.network.recipe(len(self.X), self.n_threads)

    def with_recipe(self, network: Network) -> Scene:
        """Return the same graph and start, learning in another way."""
        return replace(self, network=network)

    def with_network(self, network: Network) -> Scene:
        """Return the same rows with another network, at its start."""
        graph = _build(self.X.shape[1], len(self.classes), network)
        return replace(self, network=network, graph=graph, start=_start(graph, network))


def spiral(network: Network | None = None, *, seed: int = 0, n_threads: int = 0) -> Scene:
    """Return the lecture's scene: 300 points on three arms, and the network 2-100-3 of the CS231n notes."""
    X, labels = make_spiral(random_state=seed)
    network = network or Network(seed=seed)
    graph = _build(2, 3, network)
    return Scene(
        title="the spiral: 300 points, 3 arms", X=X, labels=labels, classes=("0", "1", "2"), feature_names=("x0", "x1"),
        network=network, graph=graph, start=_start(graph, network), n_threads=n_threads,
    )  # fmt: skip


def of_table(data: Any, target: str, *, n_threads: int = 0, **options: Any) -> Scene:
    """Return the scene of a table: every row that has a label, encoded as `chainrule.train` does it."""
    from chainrule.training.prepare import prepare_table
    from chainrule.training.table import NETWORK_CLIP

    prepared = prepare_table(
        data, target, drop=(), categorical=(), keep=(), test_size=0.0, seed=0, clip=NETWORK_CLIP
    )  # fmt: skip
    name = Path(data).name if isinstance(data, (str, Path)) else "a table"
    return _scene(
        f"{name}, target {target}", np.asarray(prepared.X, dtype=np.float64), prepared.y_train,
        tuple(map(str, prepared.labels.classes)), tuple(prepared.encoding.feature_names), n_threads, options,
    )  # fmt: skip


def of_rows(X: Array, y: Array, *, n_threads: int = 0, **options: Any) -> Scene:
    """Return the scene of rows (m, d) and their labels (m,), of any type."""
    fits = X.ndim == 2 and X.shape[1] >= 1 and y.shape == (len(X),) and X.dtype.kind in "fiub"
    _need(fits, f"rows must be numbers (m, d) with m labels, got shapes {X.shape} and {y.shape}")
    rows = np.ascontiguousarray(X, dtype=X.dtype if X.dtype in (np.float32, np.float64) else np.float64)
    _need(bool(np.isfinite(rows).all()), "X has NaN or infinite entries: clean them")
    classes, labels = np.unique(y, return_inverse=True)
    _need(len(classes) >= 2, f"labels must be of at least 2 classes, got {classes.tolist()}")
    names = tuple(f"x{i}" for i in range(X.shape[1]))
    title = f"{len(X):,} rows of {X.shape[1]:,} columns"
    return _scene(title, rows, labels.ravel(), tuple(map(str, classes.tolist())), names, n_threads, options)


def _scene(
    title: str,
    X: Array,
    labels: Array,
    classes: tuple[str, ...],
    feature_names: tuple[str, ...],
    n_threads: int,
    options: dict[str, Any],
) -> Scene:
    usual = Network(
        hidden_layer_sizes=(32,), solver="adam", learning_rate=0.01, batch_size=min(64, len(X)), l2=1e-4,
        initialization="auto",
    )  # fmt: skip
    network = Network.from_request(usual, options)
    graph = _build(X.shape[1], len(classes), network)
    return Scene(
        title=title, X=X, labels=np.asarray(labels, dtype=np.int64), classes=classes, feature_names=feature_names,
        network=network, graph=graph, start=_start(graph, network), n_threads=n_threads,
    )  # fmt: skip


def _build(n_features: int, n_classes: int, network: Network) -> Graph:
    sizes = (n_features, *network.hidden_layer_sizes, n_classes)
    n_parameters = sum((before + 1) * after for before, after in pairwise(sizes))
    _need(
        n_parameters <= MOST_PARAMETERS,
        f"a network on the board may have {MOST_PARAMETERS:,} parameters, this one would have {n_parameters:,}",
    )
    return build.mlp(
        n_features, network.hidden_layer_sizes, n_classes, activation=network.activation, l2=float(network.l2),
        dropout=float(network.dropout),
    )  # fmt: skip


def _start(graph: Graph, network: Network) -> Float64Array:
    if network.initialization == "small":
        return build.initialize(graph, np.random.default_rng(network.seed))
    return initialize(graph, network.initialization, network.seed)


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

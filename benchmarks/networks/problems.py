"""What is trained: a net, its rows, its start. Every peer's process makes the same ones from the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

LEARNING_RATE = 1e-3
"""Adam's; the other constants are beta 0.9 and 0.999, epsilon 1e-8 for all."""

ROWS = {
    (2, 100, 3): 300,
    (16, 64, 26): 8192,
    (64, 128, 10): 8192,
    (36, 256, 256, 6): 8192,
    (784, 256, 128, 10): 8192,
    (784, 512, 512, 10): 4096,
    (100, 1024, 1024, 1024, 10): 2048,
}
"""The grid's nets with as many rows as let an epoch of the slowest peer end within a second or a few."""

BATCHES = (32, 64, 128, 256, 1024)
"""The grid's batch sizes; all rows at once come last."""


@dataclass(frozen=True)
class Problem:
    """One cell: relu hidden layers, softmax and cross-entropy, Adam.

    Attributes
    ----------
    sizes
        Features, width of each hidden layer, classes.
    rows
        Rows of X; an epoch sees each once.
    batch
        Rows a step; ``rows`` for the full batch, then nobody shuffles.
    dtype
        float32 or float64.
    threads
        How many cores each peer may use.
    """

    sizes: tuple[int, ...]
    rows: int
    batch: int
    dtype: str = "float32"
    threads: int = 1

    @property
    def net(self) -> str:
        return "-".join(map(str, self.sizes))

    @property
    def full(self) -> bool:
        return self.batch >= self.rows

    @property
    def steps(self) -> int:
        """Updates in an epoch."""
        return -(-self.rows // self.batch)

    def __str__(self) -> str:
        batch = f"full batch of {self.rows}" if self.full else f"batch {self.batch}"
        return f"{self.net}, {batch}, {self.dtype}, {self.threads} thread{'s' * (self.threads > 1)}"


def make_rows(problem: Problem) -> tuple[Any, Any]:
    """Return X (rows, d) and labels (rows,) int64.

    Two features are the lecture's spiral. Else X is normal, and a row's label the largest of K noisy linear scores:
    there is something to learn, and no net learns all of it.
    """
    d, classes = problem.sizes[0], problem.sizes[-1]
    if d == 2:
        from chainrule.datasets import make_spiral

        X, labels = make_spiral(problem.rows, classes, random_state=0)
        return X.astype(problem.dtype, copy=False), labels
    rng = np.random.default_rng(0)
    X = rng.standard_normal((problem.rows, d), dtype=np.float32)
    teacher = rng.standard_normal((d, classes), dtype=np.float32) / np.float32(np.sqrt(d))
    scores = X @ teacher + 0.5 * rng.standard_normal((problem.rows, classes), dtype=np.float32)
    return X.astype(problem.dtype, copy=False), scores.argmax(axis=1).astype(np.int64)


def make_start(problem: Problem) -> Any:
    """Return the flat start, W1, b1, W2, ..., (P,): weights after He et al. 2015, biases zero."""
    rng = np.random.default_rng(1)
    flat = np.zeros(count_parameters(problem.sizes), problem.dtype)
    for W, _ in layers_of(flat, problem.sizes):
        W[...] = rng.uniform(-1, 1, W.shape) * np.sqrt(6 / W.shape[0])
    return flat


def first_order(problem: Problem) -> Any:
    """Return the order (rows,) in which everybody sees the rows in the epoch that is compared."""
    if problem.full:
        return np.arange(problem.rows)
    return np.random.default_rng(2).permutation(problem.rows)


def count_parameters(sizes: tuple[int, ...]) -> int:
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))


def layers_of(flat: Any, sizes: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """Return each layer's W (n_in, n_out) and b (n_out,), as views of the flat vector."""
    layers, at = [], 0
    for n_in, n_out in pairwise(sizes):
        W = flat[at : at + n_in * n_out].reshape(n_in, n_out)
        b = flat[at + n_in * n_out : at + (n_in + 1) * n_out]
        layers.append((W, b))
        at += (n_in + 1) * n_out
    return layers


def flatten(layers: list[tuple[Any, Any]]) -> Any:
    """Return the flat vector of layers: `layers_of` backwards."""
    return np.concatenate([np.ravel(part) for layer in layers for part in layer])


def forward(flat: Any, X: Any, sizes: tuple[int, ...]) -> Any:
    """Return class probabilities (m, K), as one writes it by hand."""
    *hidden, (W, b) = layers_of(flat, sizes)
    A = X
    for hidden_W, hidden_b in hidden:
        A = np.maximum(A @ hidden_W + hidden_b, 0)
    Z = A @ W + b
    np.exp(Z - Z.max(axis=1, keepdims=True), out=Z)
    Z /= Z.sum(axis=1, keepdims=True)
    return Z


def mean_cross_entropy(flat: Any, X: Any, labels: Any, sizes: tuple[int, ...]) -> float:
    """Return the loss over all rows in nats, in float64: the one judge of everybody's parameters."""
    p = forward(np.asarray(flat, np.float64), np.asarray(X, np.float64), sizes)
    return float(-np.log(np.maximum(p[np.arange(len(labels)), labels], 1e-300)).mean())


def grid(threads: tuple[int, ...] = (1, 2)) -> list[Problem]:
    """Return every cell of the grid in float32; batches larger than the rows are the full batch."""
    return [
        Problem(sizes, rows, batch, "float32", n)
        for n in threads
        for sizes, rows in ROWS.items()
        for batch in (*(b for b in BATCHES if b < rows), rows)
    ]

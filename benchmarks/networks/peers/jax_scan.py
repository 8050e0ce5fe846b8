"""JAX: the whole run of epochs is one compiled call, a scan over the batches inside a loop over the epochs."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from benchmarks.networks.problems import LEARNING_RATE, Problem, flatten, layers_of

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def logits(layers: Any, X: Any) -> Any:
    for W, b in layers[:-1]:
        X = jax.nn.relu(X @ W + b)
    W, b = layers[-1]
    return X @ W + b


def mean_loss(layers: Any, X: Any, labels: Any) -> Any:
    log_p = jax.nn.log_softmax(logits(layers, X))
    return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()


def adam_step(state: Any, X: Any, labels: Any) -> tuple[Any, Any]:
    layers, m, v, t = state
    loss, g = jax.value_and_grad(mean_loss)(layers, X, labels)
    t = t + 1
    m = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, m, g)
    v = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, v, g)
    scale_1, scale_2 = 1 / (1 - BETA_1**t), 1 / (1 - BETA_2**t)
    layers = jax.tree.map(
        lambda w, m, v: w - LEARNING_RATE * (m * scale_1) / (jnp.sqrt(v * scale_2) + EPSILON), layers, m, v
    )
    return (layers, m, v, t), loss


@partial(jax.jit, static_argnames="batch", donate_argnames="state")
def run_epochs(state: Any, X: Any, labels: Any, orders: Any, *, batch: int) -> tuple[Any, Any]:
    """Return state and mean loss of each epoch; ``orders`` (epochs, rows), without columns for the full batch."""

    def step(state: Any, rows: Any) -> tuple[Any, Any]:
        return adam_step(state, *rows)

    def epoch(state: Any, order: Any) -> tuple[Any, Any]:
        m = len(X)
        if not order.size:
            return adam_step(state, X, labels)
        shuffled, theirs, whole = X[order], labels[order], m - m % batch
        batches = shuffled[:whole].reshape(-1, batch, X.shape[1]), theirs[:whole].reshape(-1, batch)
        state, losses = jax.lax.scan(step, state, batches)
        total = losses.sum() * batch
        if whole < m:
            state, loss = step(state, (shuffled[whole:], theirs[whole:]))
            total = total + loss * (m - whole)
        return state, total / m

    return jax.lax.scan(epoch, state, orders)


class Scan:
    versions: ClassVar = {"jax": jax.__version__}

    def prepare(self, problem: Problem, X: Any, labels: Any, start: Any) -> None:
        jax.config.update("jax_enable_x64", problem.dtype == "float64")
        self.problem, self.start = problem, start
        self.X, self.labels = jnp.asarray(X), jnp.asarray(labels.astype(np.int32))
        self.rng = np.random.default_rng(0)

    def first_epoch(self, order: Any) -> Any:
        self.reset()
        self._run(np.array([() if self.problem.full else order], np.int32))
        return flatten([(np.asarray(W), np.asarray(b)) for W, b in self.state[0]])

    def reset(self) -> None:
        layers = [(jnp.array(W), jnp.array(b)) for W, b in layers_of(self.start, self.problem.sizes)]
        zeros = jax.tree.map(jnp.zeros_like, layers)
        self.state = (layers, zeros, jax.tree.map(jnp.zeros_like, layers), jnp.zeros((), self.X.dtype))

    def train(self, epochs: int) -> None:
        rows = 0 if self.problem.full else self.problem.rows
        orders = np.tile(np.arange(rows, dtype=np.int32), (epochs, 1))
        self._run(self.rng.permuted(orders, axis=1, out=orders))

    def _run(self, orders: Any) -> None:
        self.state, losses = run_epochs(self.state, self.X, self.labels, jnp.asarray(orders), batch=self.problem.batch)
        np.asarray(losses)  # waits for the end

    def prepare_prediction(self, problem: Problem, flat: Any) -> None:
        jax.config.update("jax_enable_x64", problem.dtype == "float64")
        self.layers = [(jnp.array(W), jnp.array(b)) for W, b in layers_of(flat, problem.sizes)]
        self.probabilities = jax.jit(lambda layers, X: jax.nn.softmax(logits(layers, X)))

    def predict_proba(self, X: Any) -> Any:
        return np.asarray(self.probabilities(self.layers, X))

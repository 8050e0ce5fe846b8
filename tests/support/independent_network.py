"""A network of dense layers in plain NumPy, and a run of it, written anew: what the board's page is compared with.

Nothing of chainrule is used; what follows from a seed (start, order of the rows, dropout) follows from it here too.
Rows of the batch are a mean, weights carry lambda/2 ||W||^2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.special import erf

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _sigmoid(z):
    return np.exp(-np.logaddexp(0.0, -z))


def _normal_cdf(z):
    return 0.5 * (1.0 + erf(z / np.sqrt(2.0)))


ACTIVATIONS = {
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0.0).astype(float)),
    "leaky_relu": (lambda z: np.maximum(z, 0.01 * z), lambda z: np.where(z > 0.0, 1.0, 0.01)),
    "tanh": (np.tanh, lambda z: 1.0 / np.cosh(z) ** 2),
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * _sigmoid(-z)),
    "gelu": (
        lambda z: z * _normal_cdf(z),
        lambda z: _normal_cdf(z) + z * np.exp(-z * z / 2.0) / np.sqrt(2.0 * np.pi),
    ),
    "silu": (lambda z: z * _sigmoid(z), lambda z: _sigmoid(z) + z * _sigmoid(z) * _sigmoid(-z)),
    "selu": (
        lambda z: SELU_SCALE * np.where(z > 0.0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0.0))),
        lambda z: SELU_SCALE * np.where(z > 0.0, 1.0, SELU_ALPHA * np.exp(np.minimum(z, 0.0))),
    ),
}


def philox(seed: int, stream: int, step: int, n_blocks: int) -> np.ndarray:
    """Return Philox4x32-10's blocks with counters 0, 1, ..., (n, 4) words; Salmon et al. 2011."""
    low, word = np.uint64(0xFFFFFFFF), np.uint64(32)
    key = [seed & 0xFFFFFFFF, seed >> 32]
    x = [np.full(n_blocks, part, np.uint64) for part in (0, stream, step & 0xFFFFFFFF, step >> 32)]
    x[0] = np.arange(n_blocks, dtype=np.uint64)
    for _ in range(10):
        a, b = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [(b >> word) ^ x[1] ^ np.uint64(key[0]), b & low, (a >> word) ^ x[3] ^ np.uint64(key[1]), a & low]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(x, axis=1)


def uniform(seed: int, stream: int, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return dropout's numbers in [0, 1): the upper 24 bits of each word."""
    size = int(np.prod(shape))
    words = philox(seed, stream, step, -(-size // 4)).reshape(-1)[:size]
    return ((words >> np.uint64(8)) * 2.0**-24).reshape(shape)


@lru_cache(maxsize=16)
def shuffled(n: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of the rows in an epoch: Fisher and Yates, from the end, 64 bits for each place."""
    words = philox(seed, 0xFFFFFFFF, epoch, n // 2 + 1).reshape(-1, 2).tolist()
    order = list(range(n))
    for drawn, i in enumerate(range(n - 1, 0, -1)):
        high, low = words[drawn]
        j = ((high << 32 | low) * (i + 1)) >> 64
        order[i], order[j] = order[j], order[i]
    return np.array(order)


@dataclass(frozen=True)
class Choices:
    """What is chosen on the board, by the same names."""

    hidden_layer_sizes: tuple[int, ...]
    activation: str = "relu"
    solver: str = "sgd"
    learning_rate: float = 1.0
    batch_size: int = 300
    l2: float = 0.0
    dropout: float = 0.0
    initialization: str = "small"
    seed: int = 0

    def start(self, n_features: int, n_classes: int) -> dict[str, np.ndarray]:
        """Return the parameters at step 0."""
        drawn, found = np.random.default_rng(self.seed), {}
        sizes = (n_features, *self.hidden_layer_sizes, n_classes)
        for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
            if self.initialization == "small":
                W = 0.01 * drawn.standard_normal((n_in, n_out))
            elif self.initialization == "lecun_normal":
                W = drawn.standard_normal((n_in, n_out)) / np.sqrt(n_in)
            else:
                assert self.initialization == "glorot_uniform"
                W = drawn.uniform(-np.sqrt(6.0 / (n_in + n_out)), np.sqrt(6.0 / (n_in + n_out)), (n_in, n_out))
            found[f"W{layer}"], found[f"b{layer}"] = W, np.zeros(n_out)
        return found


@dataclass(frozen=True)
class Stretch:
    """Steps with the same choices, from ``first`` on, where ``epoch`` begins; the optimizer counts from ``origin``."""

    choices: Choices
    first: int = 0
    epoch: int = 0
    origin: int = 0


@dataclass(frozen=True)
class State:
    """Where a run stands after some steps."""

    step: int
    parameters: dict[str, np.ndarray]
    slots: dict[str, tuple[np.ndarray, np.ndarray]]
    stretch: Stretch


class IndependentRun:
    """Rows, a network, and its run: every value and gradient of it, by the names of the graph."""

    def __init__(self, X: np.ndarray, y: np.ndarray, choices: Choices) -> None:
        self.X, self.y, self.K = X, y, int(y.max()) + 1
        self.begin(choices)

    def begin(self, choices: Choices) -> None:
        """Begin anew with a network."""
        self.choices = choices
        self.states = [State(0, choices.start(self.X.shape[1], self.K), {}, Stretch(choices))]
        self.state = self.states[0]

    @property
    def depth(self) -> int:
        return len(self.choices.hidden_layer_sizes) + 1

    @property
    def loss_name(self) -> str:
        return "objective" if self.choices.l2 > 0.0 else "J"

    def go(self, step: int) -> None:
        """Go to a step, taking those that have not been taken."""
        while len(self.states) <= step:
            self.states.append(self._after(self.states[-1]))
        self.state = self.states[step]

    def set(self, name: str, index: tuple[int, ...], value: float) -> None:
        """Set an entry; later steps are forgotten."""
        array = self.state.parameters[name].copy()
        array[index] = value
        self._replace(replace(self.state, parameters={**self.state.parameters, name: array}))

    def change(self, choices: Choices) -> bool:
        """Go on with another optimizer, learning rate or batch size; begin anew with another network, and say so."""
        fixed = ("hidden_layer_sizes", "activation", "l2", "dropout", "initialization", "seed")
        if any(getattr(choices, name) != getattr(self.choices, name) for name in fixed):
            self.begin(choices)
            return True
        state, goes_on = self.state, choices.solver == self.choices.solver
        epoch, place = self._epoch_and_place(state)
        stretch = Stretch(choices, state.step, epoch + (place > 0), state.stretch.origin if goes_on else state.step)
        self.choices = choices
        self._replace(replace(state, stretch=stretch, slots=state.slots if goes_on else {}))
        return False

    def _replace(self, state: State) -> None:
        self.states = [*self.states[: state.step], state]
        self.state = state

    def _epoch_and_place(self, state: State) -> tuple[int, int]:
        size = min(state.stretch.choices.batch_size, len(self.X))
        epochs, place = divmod(state.step - state.stretch.first, -(-len(self.X) // size))
        return state.stretch.epoch + epochs, place

    def batch(self, state: State) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the rows that the next step learns from, and dropout's noise."""
        choices, m = state.stretch.choices, len(self.X)
        size = min(choices.batch_size, m)
        epoch, place = self._epoch_and_place(state)
        order = np.arange(m) if size == m else shuffled(m, choices.seed, epoch)
        rows = order[place * size : (place + 1) * size]
        if not choices.dropout:
            return rows, {}
        t = state.step - state.stretch.origin
        return rows, {
            f"U{layer}": uniform(choices.seed, layer - 1, t, (len(rows), width))
            for layer, width in enumerate(choices.hidden_layer_sizes, start=1)
        }

    def sweep(
        self, state: State, rows: np.ndarray, noise: dict[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return every value and every gradient over some rows."""
        choices, P, N = self.choices, state.parameters, self.depth
        function, slope = ACTIVATIONS.get(choices.activation, (None, None))
        X, y, m = self.X[rows].astype(float), self.y[rows], len(rows)
        values: dict[str, np.ndarray] = {"X": X, "y": y.astype(float), **P, **noise}
        fed = X
        for layer in range(1, N + 1):
            fed = values[f"Z{layer}"] = fed @ P[f"W{layer}"] + P[f"b{layer}"]
            if layer < N and function is not None:
                fed = values[f"A{layer}"] = function(fed)
            if layer < N and choices.dropout:
                fed = values[f"D{layer}"] = fed * self.mask(values, layer)
        z = values[f"Z{N}"] - values[f"Z{N}"].max(axis=1, keepdims=True)
        e = np.exp(z)
        p = values["p"] = e / e.sum(axis=1, keepdims=True)
        values["J"] = np.array((np.log(e.sum(axis=1)) - z[np.arange(m), y]).mean())
        d: dict[str, np.ndarray] = {"J": np.array(1.0)}
        if choices.l2 > 0.0:
            for layer in range(1, N + 1):
                values[f"R{layer}"] = np.array(0.5 * choices.l2 * (P[f"W{layer}"] ** 2).sum())
                d[f"R{layer}"] = np.array(1.0)
            values["objective"] = values["J"] + sum(values[f"R{layer}"] for layer in range(1, N + 1))
            d["objective"] = np.array(1.0)
        dz = p.copy()
        dz[np.arange(m), y] -= 1.0
        dz /= m
        for layer in range(N, 0, -1):
            d[f"Z{layer}"] = dz
            below = self.below(layer)
            d[f"W{layer}"] = values[below].T @ dz + choices.l2 * P[f"W{layer}"]
            d[f"b{layer}"] = dz.sum(axis=0)
            back = d[below] = dz @ P[f"W{layer}"].T
            if below.startswith("D"):
                back = back * self.mask(values, layer - 1)
                if function is not None:
                    d[f"A{layer - 1}"] = back
            if layer > 1:
                dz = back if function is None else back * slope(values[f"Z{layer - 1}"])
        return values, d

    def below(self, layer: int) -> str:
        """Return what a layer is fed with."""
        if layer == 1:
            return "X"
        kind = "D" if self.choices.dropout else "Z" if self.choices.activation == "identity" else "A"
        return f"{kind}{layer - 1}"

    def mask(self, values: dict[str, np.ndarray], layer: int) -> np.ndarray:
        """Return what dropout multiplies with; without noise, 1."""
        noise, rate = values.get(f"U{layer}"), self.choices.dropout
        return np.ones_like(values[f"Z{layer}"]) if noise is None else np.where(noise < rate, 0.0, 1.0 / (1.0 - rate))

    def _after(self, state: State) -> State:
        choices = state.stretch.choices
        _, d = self.sweep(state, *self.batch(state))
        t, rate = state.step - state.stretch.origin + 1, choices.learning_rate
        parameters, slots = {}, {}
        for name, w in state.parameters.items():
            g = d[name]
            m, v = state.slots.get(name, (np.zeros_like(g), np.zeros_like(g)))
            match choices.solver:
                case "sgd":
                    move = g
                case "adam" | "adamw":
                    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
                    move = (m / (1.0 - 0.9**t)) / (np.sqrt(v / (1.0 - 0.999**t)) + 1e-8)
                case "rmsprop":
                    v = 0.999 * v + 0.001 * g * g
                    move = g / (np.sqrt(v) + 1e-8)
                case "adagrad":
                    v = v + g * g
                    move = g / (np.sqrt(v) + 1e-8)
                case "lion":
                    move = np.sign(0.9 * m + 0.1 * g)
                    m = 0.999 * m + 0.001 * g
                case _:
                    raise AssertionError(choices.solver)
            slots[name] = m, v
            parameters[name] = w - rate * move
        return State(state.step + 1, parameters, slots, state.stretch)

"""A network of dense layers in plain NumPy, written anew: what the board's page is compared with.

Nothing of chainrule is used. Rows of the batch are a mean, weights carry lambda/2 ||W||^2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SLOPES = {
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0.0).astype(float)),
    "tanh": (np.tanh, lambda z: 1.0 - np.tanh(z) ** 2),
    "sigmoid": (lambda z: 1.0 / (1.0 + np.exp(-z)), lambda z: np.exp(-z) / (1.0 + np.exp(-z)) ** 2),
}


@dataclass
class Independent:
    """Parameters by name (W1, b1, W2, ...), and what follows from them."""

    parameters: dict[str, np.ndarray]
    activation: str
    l2: float
    solver: str = "sgd"
    rate: float = 1.0
    moments: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    t: int = 0

    @property
    def depth(self) -> int:
        return len(self.parameters) // 2

    def sweep(self, X: np.ndarray, y: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Every value and every gradient, by the names of the graph."""
        function, slope = SLOPES[self.activation]
        m, P, N = len(X), self.parameters, self.depth
        values: dict[str, np.ndarray] = {"X": X, "y": y.astype(float), **P}
        a = X
        for layer in range(1, N + 1):
            values[f"Z{layer}"] = a @ P[f"W{layer}"] + P[f"b{layer}"]
            if layer < N:
                a = values[f"A{layer}"] = function(values[f"Z{layer}"])
        z = values[f"Z{N}"] - values[f"Z{N}"].max(axis=1, keepdims=True)
        e = np.exp(z)
        p = values["p"] = e / e.sum(axis=1, keepdims=True)
        values["J"] = np.array((np.log(e.sum(axis=1)) - z[np.arange(m), y]).mean())
        d: dict[str, np.ndarray] = {"J": np.array(1.0)}
        if self.l2 > 0.0:
            for layer in range(1, N + 1):
                values[f"R{layer}"] = np.array(0.5 * self.l2 * (P[f"W{layer}"] ** 2).sum())
                d[f"R{layer}"] = np.array(1.0)
            values["objective"] = values["J"] + sum(values[f"R{layer}"] for layer in range(1, N + 1))
            d["objective"] = np.array(1.0)
        dz = p.copy()
        dz[np.arange(m), y] -= 1.0
        dz /= m
        for layer in range(N, 0, -1):
            d[f"Z{layer}"] = dz
            below = values[f"A{layer - 1}"] if layer > 1 else X
            d[f"W{layer}"] = below.T @ dz + self.l2 * P[f"W{layer}"]
            d[f"b{layer}"] = dz.sum(axis=0)
            back = dz @ P[f"W{layer}"].T
            if layer > 1:
                d[f"A{layer - 1}"] = back
                dz = back * slope(values[f"Z{layer - 1}"])
            else:
                d["X"] = back
        return values, d

    @property
    def loss_name(self) -> str:
        return "objective" if self.l2 > 0.0 else "J"

    def step(self, X: np.ndarray, y: np.ndarray) -> None:
        """One update on all rows."""
        _, d = self.sweep(X, y)
        self.t += 1
        for name, w in self.parameters.items():
            g = d[name]
            if self.solver == "sgd":
                self.parameters[name] = w - self.rate * g
                continue
            m, v = self.moments.get(name, (np.zeros_like(g), np.zeros_like(g)))
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            self.moments[name] = m, v
            self.parameters[name] = w - self.rate * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)

    def copy(self) -> Independent:
        return Independent(
            dict(self.parameters), self.activation, self.l2, self.solver, self.rate, dict(self.moments), self.t
        )

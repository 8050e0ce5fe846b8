"""What BLAS alone takes for an epoch's matrix products, and prediction written by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import threadpoolctl
from benchmarks.networks.problems import Problem, forward, layers_of


def versions() -> dict[str, str]:
    blas = next((pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"), None)
    named = f"{blas['internal_api']} {blas['version']} ({blas.get('architecture')})" if blas else "unknown"
    return {"numpy": np.__version__, "its BLAS": named}


class Products:
    """Three products a layer and step: A W, A^T dZ, dZ W^T; two for the first, whose rows need no gradient.

    Batches stand one after the other and are not shuffled; results go to arrays made beforehand. No bias, no
    activation, no update: the least that any training by matrix products must do.
    """

    versions: ClassVar = versions()

    def prepare(self, problem: Problem, X: Any, labels: Any, start: Any) -> None:
        self.batches = [X[at : at + problem.batch] for at in range(0, problem.rows, problem.batch)]
        sizes, batch, dtype = problem.sizes, problem.batch, problem.dtype
        rng = np.random.default_rng(0)
        self.weights = [W.copy() for W, _ in layers_of(start, sizes)]
        self.d_weights = [np.empty_like(W) for W in self.weights]
        self.outputs = [np.empty((batch, n_out), dtype) for _, n_out in pairwise(sizes)]
        self.d_outputs = [rng.standard_normal((batch, n_out)).astype(dtype) for _, n_out in pairwise(sizes)]
        self.inputs = [rng.standard_normal((batch, n)).astype(dtype) for n in sizes[:-1]]
        self.d_inputs = [np.empty((batch, n), dtype) for n in sizes[:-1]]

    def reset(self) -> None:
        """Nothing moves."""

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            for X in self.batches:
                self._step(X)

    def _step(self, X: Any) -> None:
        m = len(X)
        for i, W in enumerate(self.weights):
            np.matmul(self.inputs[i][:m] if i else X, W, out=self.outputs[i][:m])
        for i in reversed(range(len(self.weights))):
            dZ = self.d_outputs[i][:m]
            np.matmul((self.inputs[i][:m] if i else X).T, dZ, out=self.d_weights[i])
            if i:
                np.matmul(dZ, self.weights[i].T, out=self.d_inputs[i][:m])


class ByHand:
    versions: ClassVar = versions()

    def prepare_prediction(self, problem: Problem, flat: Any) -> None:
        self.flat, self.sizes = flat, problem.sizes
        self.layers = layers_of(flat, problem.sizes)

    def predict_proba(self, X: Any) -> Any:
        return forward(self.flat, X, self.sizes)

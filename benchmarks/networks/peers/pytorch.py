"""PyTorch: eager with a fused Adam, and the same loop with the loss compiled by torch.compile."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from benchmarks.networks.problems import LEARNING_RATE, Problem, flatten, layers_of
from torch import nn


def make_net(sizes: tuple[int, ...], dtype: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, dtype=getattr(torch, dtype)), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def load_layers(net: nn.Module, flat: Any, sizes: tuple[int, ...]) -> None:
    """Copy the flat vector into a net's Linear layers, in place."""
    linear = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer, (W, b) in zip(linear, layers_of(flat, sizes), strict=True):
            layer.weight.copy_(torch.from_numpy(np.array(W.T)))
            layer.bias.copy_(torch.from_numpy(np.array(b)))


def read_layers(net: nn.Module) -> Any:
    linear = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    return flatten([(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in linear])


class Eager:
    """The plain loop: index_select the rows, forward, backward, one fused update of all parameters.

    Attributes
    ----------
    gathers_epoch
        Whether an epoch's rows are put in order at once, which is up to 15 % faster than batch by batch and costs a
        second X.
    """

    versions: ClassVar = {"torch": torch.__version__}
    gathers_epoch = True

    def prepare(self, problem: Problem, X: Any, labels: Any, start: Any) -> None:
        torch.set_num_threads(problem.threads)
        self.problem, self.start = problem, start
        self.X, self.labels = torch.from_numpy(X), torch.from_numpy(labels)
        self.net = make_net(problem.sizes, problem.dtype)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=LEARNING_RATE, fused=True)
        self.loss = self._loss

    def _loss(self, X: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(self.net(X), labels)

    def first_epoch(self, order: Any) -> Any:
        self.reset()
        self._epoch(torch.from_numpy(order))
        return read_layers(self.net)

    def reset(self) -> None:
        load_layers(self.net, self.start, self.problem.sizes)
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            self._epoch(None if self.problem.full else torch.randperm(self.problem.rows))

    def _epoch(self, order: torch.Tensor | None) -> float:
        if order is None:
            return self._step(self.X, self.labels).item()
        batch, total = self.problem.batch, torch.zeros(())
        if self.gathers_epoch:
            shuffled = self.X.index_select(0, order), self.labels.index_select(0, order)
            batches = zip(shuffled[0].split(batch), shuffled[1].split(batch), strict=True)
        else:
            batches = ((self.X.index_select(0, at), self.labels.index_select(0, at)) for at in order.split(batch))
        for X, labels in batches:
            total += self._step(X, labels) * len(X)
        return total.item() / self.problem.rows

    def _step(self, X: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss = self.loss(X, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def prepare_prediction(self, problem: Problem, flat: Any) -> None:
        torch.set_num_threads(problem.threads)
        self.net = make_net(problem.sizes, problem.dtype)
        load_layers(self.net, flat, problem.sizes)

    def predict_proba(self, X: Any) -> Any:
        with torch.inference_mode():
            return torch.softmax(self.net(torch.from_numpy(X)), dim=1).numpy()


class Compiled(Eager):
    """Forward, loss and backward compiled by Inductor; the update is the fused one."""

    def prepare(self, problem: Problem, X: Any, labels: Any, start: Any) -> None:
        super().prepare(problem, X, labels, start)
        torch.compiler.reset()
        self.loss = torch.compile(self._loss)

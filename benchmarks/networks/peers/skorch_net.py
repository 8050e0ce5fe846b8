"""skorch: scikit-learn's face on PyTorch, its callbacks off."""

from __future__ import annotations

from typing import Any, ClassVar

import skorch
import torch
from benchmarks.networks.peers.pytorch import load_layers, make_net, read_layers
from benchmarks.networks.problems import LEARNING_RATE, Problem
from torch import nn


class Skorch:
    versions: ClassVar = {"skorch": skorch.__version__}

    def prepare(self, problem: Problem, X: Any, labels: Any, start: Any) -> None:
        torch.set_num_threads(problem.threads)
        self.problem, self.X, self.labels, self.start = problem, X, labels, start
        self.net = self._make(shuffle=not problem.full)

    def _make(self, *, shuffle: bool) -> Any:
        return skorch.NeuralNetClassifier(
            make_net(self.problem.sizes, self.problem.dtype),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            lr=LEARNING_RATE,
            batch_size=self.problem.batch,
            iterator_train__shuffle=shuffle,
            train_split=None,
            verbose=0,
            callbacks="disable",
        )

    def first_epoch(self, order: Any) -> Any:
        in_order = self._start_anew(self._make(shuffle=False))
        in_order.partial_fit(self.X[order], self.labels[order], epochs=1)
        return read_layers(in_order.module_)

    def _start_anew(self, net: Any) -> Any:
        net.initialize()
        load_layers(net.module_, self.start, self.problem.sizes)
        return net

    def reset(self) -> None:
        self._start_anew(self.net)

    def train(self, epochs: int) -> None:
        self.net.partial_fit(self.X, self.labels, epochs=epochs)

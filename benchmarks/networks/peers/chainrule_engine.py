"""chainrule's engine: one call an epoch."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from benchmarks.networks.problems import LEARNING_RATE, Problem

import chainrule
from chainrule.engine import Trainer, UpdateRule, compile_graph, permutation
from chainrule.graph import build


def graph_of(problem: Problem) -> Any:
    return build.mlp(problem.sizes[0], problem.sizes[1:-1], problem.sizes[-1])


class Engine:
    versions: ClassVar = {"chainrule": chainrule.__version__}

    def prepare(self, problem: Problem, X: Any, labels: Any, start: Any) -> None:
        self.problem, self.start = problem, start
        self.trainer = Trainer(
            compile_graph(graph_of(problem)),
            X,
            labels,
            parameters=start.astype(np.float64),
            rule=UpdateRule("adam"),
            batch_size=problem.batch,
            n_threads=problem.threads,
        )
        self.rates = np.full(problem.steps, LEARNING_RATE)
        self.in_order = np.arange(problem.rows)
        self.epoch = 0

    def first_epoch(self, order: Any) -> Any:
        self.reset()
        self._steps(order)
        return np.array(self.trainer.parameters)

    def reset(self) -> None:
        self.trainer.parameters[...] = self.start
        self.trainer.slots[...] = 0
        self.epoch = 0

    def train(self, epochs: int) -> None:
        rows, full = self.problem.rows, self.problem.full
        for _ in range(epochs):
            self._steps(self.in_order if full else permutation(rows, 0, self.epoch))

    def _steps(self, order: Any) -> float:
        taken = self.trainer.steps(order, 0, self.rates, self.epoch * self.problem.steps)
        self.epoch += 1
        return float(taken.losses.mean())

    def prepare_prediction(self, problem: Problem, flat: Any) -> None:
        self.program, self.flat, self.threads = compile_graph(graph_of(problem)), flat, problem.threads

    def predict_proba(self, X: Any) -> Any:
        return self.program.predict(self.flat, X, self.threads)


class BareModel:
    """`chainrule.Model`: what predicts without scikit-learn."""

    versions = Engine.versions

    def prepare_prediction(self, problem: Problem, flat: Any) -> None:
        from chainrule.tables import LabelEncoding

        labels = LabelEncoding.from_classes(np.arange(problem.sizes[-1]))
        names = tuple(f"x{j}" for j in range(problem.sizes[0]))
        self.model = chainrule.Model(
            graph_of(problem), flat.astype(np.float64), labels, dtype=problem.dtype, feature_names=names
        )
        self.threads = problem.threads

    def predict_proba(self, X: Any) -> Any:
        return self.model.predict_proba(X, n_threads=self.threads)

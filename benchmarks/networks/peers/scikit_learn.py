"""scikit-learn's MLPClassifier, and ours behind the same contract: fit with warm_start and so many epochs."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
import sklearn
from benchmarks.networks.problems import LEARNING_RATE, Problem, flatten, layers_of


def _parameters(problem: Problem) -> dict[str, Any]:
    return dict(
        hidden_layer_sizes=problem.sizes[1:-1],
        alpha=0.0,
        batch_size=problem.batch,
        learning_rate_init=LEARNING_RATE,
        shuffle=not problem.full,
        tol=0.0,
        n_iter_no_change=10**9,
        random_state=0,
    )


class Peer:
    """One ``fit`` of n epochs from hand-set parameters: its checks are paid once a fit, as its users pay them.

    With ``warm_start`` a fit begins at ``coefs_`` with a new optimizer, so that setting these is going back to the
    start. No penalty, no stopping before the last epoch.
    """

    versions: ClassVar = {"scikit-learn": sklearn.__version__}

    def _make(self, **parameters: Any) -> Any:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(**parameters)

    def prepare(self, problem: Problem, X: Any, labels: Any, start: Any) -> None:
        # It warns of ending at max_iter and of batches larger than the rows it is initialised with: both are meant.
        warnings.simplefilter("ignore")
        self.problem, self.X, self.labels, self.start = problem, X, labels, start
        self.classifier = self._make(**_parameters(problem), max_iter=1, warm_start=True)
        self.some = np.unique(labels, return_index=True)[1]  # a row of each class: makes coefs_ to write to
        self.classifier.fit(X[self.some], labels[self.some])

    def first_epoch(self, order: Any) -> Any:
        self.reset()
        self.classifier.set_params(shuffle=False, max_iter=1).fit(self.X[order], self.labels[order])
        self.classifier.set_params(shuffle=not self.problem.full)
        return flatten(list(zip(self.classifier.coefs_, self.classifier.intercepts_, strict=True)))

    def reset(self) -> None:
        self._set_layers(self.start, self.problem.sizes)

    def _set_layers(self, flat: Any, sizes: tuple[int, ...]) -> None:
        layers = layers_of(flat, sizes)
        self.classifier.coefs_ = [W.copy() for W, _ in layers]
        self.classifier.intercepts_ = [b.copy() for _, b in layers]

    def train(self, epochs: int) -> None:
        self.classifier.set_params(max_iter=epochs).fit(self.X, self.labels)

    def fit_anew(self, problem: Problem, X: Any, labels: Any, epochs: int) -> None:
        """Fit as a user does, from a start of its own."""
        warnings.simplefilter("ignore")
        self._make(**_parameters(problem), max_iter=epochs).fit(X, labels)

    def prepare_prediction(self, problem: Problem, flat: Any) -> None:
        warnings.simplefilter("ignore")
        K = problem.sizes[-1]
        X = np.zeros((K, problem.sizes[0]), problem.dtype)
        self.classifier = self._make(hidden_layer_sizes=problem.sizes[1:-1], max_iter=1, random_state=0)
        self.classifier.fit(X, np.arange(K))
        self._set_layers(flat, problem.sizes)

    def predict_proba(self, X: Any) -> Any:
        return self.classifier.predict_proba(X)


class OurEstimator(Peer):
    """Ours goes on with the last fit's optimizer if it is the same; after a fit by another one, Adam begins anew."""

    def __init__(self) -> None:
        import chainrule
        from chainrule.estimators import MLPClassifier

        self.kind = MLPClassifier
        self.versions = {"chainrule": chainrule.__version__}

    def _make(self, **parameters: Any) -> Any:
        return self.kind(**parameters)

    def prepare(self, problem: Problem, X: Any, labels: Any, start: Any) -> None:
        super().prepare(problem, X, labels, start)
        self.classifier.set_params(n_threads=problem.threads)

    def reset(self) -> None:
        self.classifier.set_params(solver="sgd", max_iter=1).fit(self.X[self.some], self.labels[self.some])
        self.classifier.set_params(solver="adam")
        super().reset()

    def prepare_prediction(self, problem: Problem, flat: Any) -> None:
        super().prepare_prediction(problem, flat)
        self.classifier.set_params(n_threads=problem.threads)

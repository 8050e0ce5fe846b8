"""The whole lecture, computed once: what the command shows, writes and gives to machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._typing import Float64Array, IntArray
from chainrule.datasets import make_spiral
from chainrule.graph import Sweep, build, sweep
from chainrule.inspection import Entry, GradientCheck, Ledger, check, ledger
from chainrule.lecture import experiment
from chainrule.lecture.agreement import Agreement, Place, compare_with_sweep
from chainrule.lecture.descent import Descent, gradient_descent
from chainrule.lecture.experiment import Band, train_network, train_softmax
from chainrule.lecture.worked import WorkedExample, work_example

FIRST_STEPS = 3


@dataclass(frozen=True, eq=False)
class Lecture:
    """Everything the lecture shows that has to be computed.

    Attributes
    ----------
    seed
        Of the spiral and of both starts.
    X, y
        The spiral, (300, 2) and (300,).
    example
        p - y on three classes.
    steps
        The first steps of gradient descent on the softmax classifier, without penalty, and the forward and
        backward pass after them.
    mean_of_samples
        How far the mean of the 300 single rows' gradients is from the batch's, at the start: rounding.
    softmax, network
        The two trained models, both through the compiled engine.
    agreement
        How far the engine is from the readable sweep along the network's way down.
    check
        The network's gradient against central differences, where it was trained to.
    ledger
        The chain rule written out for the network's largest gradient entry in W1, for the row with the
        largest loss.
    """

    seed: int
    X: Float64Array
    y: IntArray
    example: WorkedExample
    steps: tuple[Sweep, ...]
    mean_of_samples: float
    softmax: Descent
    network: Descent
    agreement: Agreement
    check: GradientCheck
    ledger: Ledger

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "seed": self.seed,
            "n_samples": len(self.X),
            "worked_example": {
                "p": self.example.p.tolist(),
                "y": self.example.y.tolist(),
                "dZ": self.example.d_logits.tolist(),
                "dZ_by_chain_rule": self.example.by_chain_rule.tolist(),
            },
            "first_steps": [
                {
                    name: value.tolist()
                    for name, value in {
                        "J": now.values["J"],
                        "W": now.values["W"],
                        "b": now.values["b"],
                        "dW": now.gradients["W"],
                        "db": now.gradients["b"],
                    }.items()
                }
                for now in self.steps
            ],
            "mean_of_samples_difference": self.mean_of_samples,
            "softmax": _figures(self, self.softmax, "softmax"),
            "network": _figures(self, self.network, "network"),
            "engine_and_sweep": self.agreement.to_dict(),
            "gradient_check": {
                "n_checked": self.check.n_checked,
                "n_at_a_kink": self.check.n_kinks,
                "max_relative_error": self.check.max_relative_error,
                "worst": self.check.worst,
                "passed": self.check.passed(),
            },
            "ledger": {
                "entry": self.ledger.entry,
                "sample": self.ledger.sample,
                "n_paths": self.ledger.n_paths,
                "paths": [{"entries": row.entries, "product": row.product} for row in self.ledger.rows],
                "rest": self.ledger.rest,
                "sum": self.ledger.total,
                "gradient": self.ledger.gradient,
            },
        }


BANDS: dict[str, tuple[Band, Band]] = {
    "softmax": (experiment.SOFTMAX_LOSS, experiment.SOFTMAX_ACCURACY),
    "network": (experiment.NETWORK_LOSS, experiment.NETWORK_ACCURACY),
}
"""By model, where loss and accuracy should end."""


def give_lecture(seed: int = 0, on_stride: Callable[[int], None] | None = None) -> Lecture:
    """Compute the lecture: a second or two.

    Parameters
    ----------
    seed
        Of the spiral and of both starts.
    on_stride
        Told now and then how many of the network's steps are taken.

    Raises
    ------
    InputError
        If the seed is none.
    """
    X, y = make_spiral(random_state=seed)
    plain = build.softmax_classifier(2, 3)
    start = build.initialize(plain, np.random.default_rng(seed), scale=experiment.START)
    steps: list[Sweep] = []
    gradient_descent(
        plain,
        start,
        X,
        y,
        learning_rate=experiment.LEARNING_RATE,
        n_steps=FIRST_STEPS + 1,
        on_step=steps.append,
    )
    singles = [sweep(plain, start, X[i : i + 1], y[i : i + 1]).parameter_gradient() for i in range(len(X))]
    places: list[Place] = []

    def note(step: int, parameters: Float64Array) -> None:
        places.append((step, parameters))
        if on_stride is not None:
            on_stride(step)

    network = train_network(X, y, seed, note)
    return Lecture(
        seed=seed,
        X=X,
        y=y,
        example=work_example(),
        steps=tuple(steps),
        mean_of_samples=float(np.abs(np.mean(singles, axis=0) - steps[0].parameter_gradient()).max()),
        softmax=train_softmax(X, y, seed),
        network=network,
        agreement=compare_with_sweep(network, places, X, y, learning_rate=experiment.LEARNING_RATE),
        check=check((network.graph, network.parameters), X, y),
        ledger=_largest_share(network, X, y),
    )


def _largest_share(network: Descent, X: Float64Array, y: IntArray) -> Ledger:
    now = sweep(network.graph, network.parameters, X, y)
    shares = X[:, :, None] * now.gradients["Z1"][:, None, :]  # row i's share of dW1 is x_i times dZ1_i
    row, *index = (int(i) for i in np.unravel_index(int(np.abs(shares).argmax()), shares.shape))
    return ledger((network.graph, network.parameters), str(Entry("W1", tuple(index))), X, y, sample=row)


def _figures(told: Lecture, model: Descent, name: str) -> dict[str, Any]:
    loss, accuracy = float(model.loss_curve[-1]), model.accuracy(told.X, told.y)
    loss_band, accuracy_band = BANDS[name]
    return {
        "n_steps": len(model.loss_curve) - 1,
        "loss_at_start": float(model.loss_curve[0]),
        "loss": loss,
        "loss_band": [loss_band.lowest, loss_band.highest],
        "accuracy": accuracy,
        "accuracy_band": [accuracy_band.lowest, accuracy_band.highest],
        "published": dict(zip(("loss", "accuracy"), experiment.PUBLISHED[name], strict=True)),
        "within_bands": loss in loss_band and accuracy in accuracy_band,
    }

"""How a network is trained on a table where nobody says: options that follow from the table's size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from chainrule.errors import InputError
from chainrule.training.network_options import NetworkOptions

# Measured with 256,128 on penguins, german credit, churn, diamonds, letter, satellite and MNIST: peaks of 1e-3 to
# 3e-3, weight decay of 0.01 and 0.1, batches of 64 to 256, 20 to 60 epochs, dropout of 0 to 0.3. A one-cycle with a
# high peak and strong decoupled decay was best or next to best on all of them. The epoch with the least loss on
# watched rows matters most where the noise is: on churn a log-loss of 0.43 instead of 0.78 at the end of the run.
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.1
SMALL_BATCH, LARGE_BATCH = 64, 128
LARGE_TABLE = 20_000
"""Rows from which the larger batch is taken."""
FEWEST_EPOCHS, MOST_EPOCHS, STEPS = 20, 60, 12_000
"""As many epochs as make so many steps, within bounds."""
FEWEST_STEPS = 3_000
"""A small table is gone through as often as it takes to make so many."""
DROPOUT, TINY_TABLE = 0.1, 1_000
"""From so many rows on; with fewer its noise is larger than what it prevents (three spirals, 300 points)."""
FEWEST_WATCHED = 20
"""Rows that a tenth must hold to say which epoch was best."""


@dataclass(frozen=True)
class NetworkRecipe:
    """Options of a network of which only some are chosen.

    The others are those of `chainrule train`: adamw on a one-cycle schedule, batches and epochs by the table's size. A
    tenth of the training rows is watched, and the parameters of the epoch with the lowest loss there are taken; the
    run itself goes to its end, because a schedule that is cut off has not yet brought its rate down.
    `NetworkOptions` alone has scikit-learn's defaults instead.

    Attributes
    ----------
    chosen
        Fields of `NetworkOptions` by name.
    """

    chosen: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = [entry.name for entry in fields(NetworkOptions)]
        for name in self.chosen:
            if name not in known:
                raise InputError(f"a network has no option {name!r}; it has {', '.join(known)}")
        self.options(TINY_TABLE)  # what can't be is said now, not after a table is read

    def options(self, n_rows: int, *, seed: int = 0) -> NetworkOptions:
        """Return all options for a table with so many rows to train on."""
        return NetworkOptions(**self._defaults(n_rows) | {"seed": seed} | dict(self.chosen))

    def _defaults(self, n_rows: int) -> dict[str, Any]:
        chosen = self.chosen
        solver = chosen.get("solver", "adamw")
        watched = chosen.get("early_stopping", n_rows * chosen.get("validation_fraction", 0.1) >= FEWEST_WATCHED)
        common = {"solver": solver, "alpha": 0.0, "early_stopping": watched, "monitor": "loss"}
        if solver == "lbfgs":  # full batches, no rate: a penalty is what holds it
            return common | {"early_stopping": False, "alpha": 1e-2, "tol": 1e-6}
        batch = SMALL_BATCH if n_rows < LARGE_TABLE else LARGE_BATCH
        size = chosen.get("batch_size", batch)
        steps_of_an_epoch = -(-n_rows // size) if isinstance(size, int) and size > 0 else 1
        epochs = chosen.get("max_iter", _epochs(steps_of_an_epoch))
        return common | {
            "batch_size": min(batch, n_rows),
            "learning_rate_init": _learning_rate(solver),
            # Of scikit-learn's own schedules an explicit one is taken as it is.
            "schedule": None if "learning_rate" in chosen else "one_cycle",
            "weight_decay": WEIGHT_DECAY if solver == "adamw" else 0.0,
            "dropout": DROPOUT if n_rows >= TINY_TABLE else 0.0,
            "max_iter": epochs,
            "n_iter_no_change": epochs,
            "tol": 0.0,
        }


def _epochs(steps: int) -> int:
    """Return how many epochs of so many steps to go through."""
    return max(FEWEST_EPOCHS, min(MOST_EPOCHS, -(-STEPS // steps)), -(-FEWEST_STEPS // steps))


def _learning_rate(solver: str) -> float:
    """Return the peak rate for an optimizer, whose steps differ in size by nature.

    sgd's is as long as the gradient; lion's has the same size for every parameter and needs a tenth to a third of
    adam's (Chen et al. 2023).
    """
    return {"sgd": 0.1, "adagrad": 3e-2, "lion": 1e-3}.get(solver, LEARNING_RATE)

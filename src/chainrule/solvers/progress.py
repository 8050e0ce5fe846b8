"""What a run tells others as it goes, and what it asks of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from chainrule._typing import Array
from chainrule.solvers.run_state import RunState


@dataclass(frozen=True)
class EpochProgress:
    """Where a run is: handed to the callback after every epoch, and now and then within a long one.

    Attributes
    ----------
    epoch, max_iter
        The epoch, 1-based, of how many at most.
    step, n_steps
        Steps done in the epoch, of how many; equal after the epoch.
    loss
        Mean loss of the epoch so far, in nats, penalties included.
    validation_loss, validation_score
        Of the validation rows after the epoch; None within it or where there are none.
    learning_rate
        Of the last step.
    rows_per_second
        Rows trained on, validation included in the time.
    seconds_left
        Until ``max_iter`` is reached, at this pace.
    parameters
        (P,) a read-only view of where they stand; copy it to keep it.
    """

    epoch: int
    max_iter: int
    step: int
    n_steps: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    learning_rate: float
    rows_per_second: float
    seconds_left: float
    parameters: Array

    @property
    def epoch_done(self) -> bool:
        """Whether this is the end of an epoch."""
        return self.step == self.n_steps


EpochCallback: TypeAlias = Callable[[EpochProgress], Any]
Watch: TypeAlias = Callable[[Array], tuple[float, float]]
"""Parameters -> loss (lower is better) and score (higher is better) of rows that are not trained on."""


class Keeper(Protocol):
    """Something that keeps states safe, such as a checkpoint file."""

    def due(self, epochs: int, seconds: float) -> bool:
        """Return whether to keep one now, so many epochs and seconds after the last."""

    def keep(self, run: RunState) -> None:
        """Keep this one."""

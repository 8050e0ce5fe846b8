"""States of a run at some of its steps, thinned so that they fit into a budget."""

from __future__ import annotations

from bisect import bisect_right
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows its size."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""


State = TypeVar("State", bound=Sized)


class Snapshots(Generic[State]):
    """States by step; where they grow beyond the budget every other one goes.

    What is kept lies on a grid: every ``spacing`` steps, and always step 0. So any step is at most ``spacing`` steps
    from one that is kept, however long the run, and which ones are kept does not depend on the order of events.

    Parameters
    ----------
    budget
        Bytes that all states together may take.
    spacing
        Steps between two of them, as long as the budget lasts.
    """

    def __init__(self, budget: int, spacing: int = 1) -> None:
        self.budget = budget
        self.spacing = spacing
        self.nbytes = 0
        self._states: dict[int, State] = {}
        self._steps: list[int] = []  # ascending

    def __len__(self) -> int:
        return len(self._steps)

    def is_due(self, step: int) -> bool:
        """Whether the state at a step is to be kept, and is not yet."""
        return step % self.spacing == 0 and step not in self._states

    def keep(self, step: int, state: State) -> None:
        """Keep the state at a step; it belongs to the snapshots from now on."""
        at = bisect_right(self._steps, step)
        self._steps.insert(at, step)
        self._states[step] = state
        self.nbytes += state.nbytes
        while self.nbytes > self.budget and len(self._steps) > 2:
            self.spacing *= 2
            for gone in [step for step in self._steps if step % self.spacing]:
                self._remove(gone)

    def latest(self, step: int) -> tuple[int, State]:
        """Return the last step up to this one whose state is kept, and the state."""
        found = self._steps[bisect_right(self._steps, step) - 1]
        return found, self._states[found]

    def next_due(self, step: int) -> int:
        """Return the first step after this one whose state is to be kept."""
        return (step // self.spacing + 1) * self.spacing

    def forget_from(self, step: int) -> None:
        """Drop the states at this step and later ones."""
        for gone in [kept for kept in self._steps if kept >= step]:
            self._remove(gone)

    def _remove(self, step: int) -> None:
        self._steps.remove(step)
        self.nbytes -= self._states.pop(step).nbytes

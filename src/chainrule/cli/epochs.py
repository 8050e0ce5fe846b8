"""Where the training of a network is, as words and as a bar."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import RenderableType


class Epoch(Protocol):
    """What training tells of a network (`chainrule.solvers.EpochProgress`)."""

    @property
    def epoch(self) -> int:
        """The epoch under way or just done, from 1."""

    @property
    def max_iter(self) -> int:
        """Epochs in all."""

    @property
    def step(self) -> int:
        """Steps done in it."""

    @property
    def n_steps(self) -> int:
        """Steps in an epoch."""

    @property
    def loss(self) -> float:
        """Mean loss of the epoch so far, in nats."""

    @property
    def validation_loss(self) -> float | None:
        """Of the rows watched, after an epoch."""

    @property
    def validation_score(self) -> float | None:
        """Likewise; larger is better."""

    @property
    def rows_per_second(self) -> float:
        """Rows trained on per second."""

    @property
    def seconds_left(self) -> float:
        """Until all epochs are done."""


@dataclass
class Run:
    """A run as it is shown: the latest that was told, and what the rows watched said after the epochs so far."""

    latest: Epoch
    watched: str | None = None
    latest_score: float = 0.0
    best_score: float = 0.0
    best_epoch: int = 0

    def follow(self, progress: Epoch) -> None:
        """Take in what training tells."""
        self.latest = progress
        score = progress.validation_score
        if score is None:
            return
        # What is watched is the loss, turned round, or a score of its own.
        is_loss = progress.validation_loss is not None and score == -progress.validation_loss
        first = self.watched is None
        self.watched = "validation loss" if is_loss else "validation accuracy"
        self.latest_score = score
        if first or score > self.best_score:
            self.best_score, self.best_epoch = score, progress.epoch

    @property
    def done(self) -> float:
        """Share of all epochs."""
        now = self.latest
        return (now.epoch - 1 + now.step / max(now.n_steps, 1)) / max(now.max_iter, 1)

    def figures(self) -> list[str]:
        """Return loss, validation and speed, each as a few words."""
        words = [f"loss {self.latest.loss:.4f}"]
        if self.watched is not None:
            now, best = abs(self.latest_score), abs(self.best_score)
            words.append(f"{self.watched} {now:.4f}, best {best:.4f} in epoch {self.best_epoch}")
        return [*words, f"{_round(self.latest.rows_per_second)} rows/s"]

    def line(self) -> str:
        """Return all of it as one line."""
        now = self.latest
        return "; ".join([f"epoch {now.epoch} of {now.max_iter}", *self.figures(), f"{clock(now.seconds_left)} left"])

    def picture(self, width: int) -> RenderableType:
        """Return a bar with the time left, and the figures below it, for a terminal of so many columns."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = self.latest
        head = Table.grid(padding=(0, 1))
        where = f"epoch {now.epoch:,} of {now.max_iter:,}"
        left = f"{clock(now.seconds_left)} left"
        room = max(width - len("Training") - len(where) - len(left) - 6, 4)
        bar = ProgressBar(total=1.0, completed=self.done, width=min(room, 40), complete_style="green")
        head.add_row(Text("Training", style="bold"), bar, where, Text(left, style="cyan"))
        rest = Text("   ".join(self.figures()), style="dim", overflow="ellipsis", no_wrap=True)
        whole = Table.grid()
        whole.add_row(head)
        whole.add_row(rest)
        return whole


class Lines:
    """Says when the next plain line is due, so that a fast run does not fill the screen."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Tell whether enough time has passed since the last one; if so, this one is it."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


def clock(seconds: float) -> str:
    """Return a time as ``0:07``, ``12:30`` or ``1:02:03``."""
    minutes, rest = divmod(max(round(min(seconds, 360_000_000.0)), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _round(number: float) -> str:
    """Return three digits of a number: ``1,230,000``; the others only flicker."""
    return f"{float(f'{number:.3g}'):,.0f}"

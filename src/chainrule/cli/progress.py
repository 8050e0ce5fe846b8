"""What a command is at, on the terminal, once it takes longer than a second."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from chainrule.cli import screen

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0  # seconds before anything is shown


class Iteration(Protocol):
    """What a solver tells after each iteration (`chainrule.solvers.Progress`)."""

    @property
    def iteration(self) -> int:
        """Iterations done."""

    @property
    def value(self) -> float:
        """The objective, in nats."""


class Stages:
    """Shows the stage a command is at: ``Reading table.csv``, ``Training: iteration 7, objective 0.1234``.

    On stderr, only on a terminal, gone at the end. Where control sequences are not wanted (NO_COLOR) each
    stage is one plain line.

    Parameters
    ----------
    wanted
        False shows nothing.
    """

    def __init__(self, wanted: bool = True) -> None:
        self._wanted = wanted and sys.stderr.isatty()
        self._stage = ""
        self._text = ""
        self._plain = False
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._wanted = False
            if self._timer is not None:
                self._timer.cancel()
            if self._live is not None:
                self._live.stop()

    def begin(self, text: str) -> None:
        """Begin a stage."""
        if not self._wanted:
            return
        self._paint(text)
        with self._lock:
            self._stage = text
            if self._plain:
                self._write_line()
        if self._timer is None:
            self._timer = threading.Timer(PATIENCE, self._appear)
            self._timer.daemon = True
            self._timer.start()

    def iterate(self, progress: Iteration) -> None:
        """Show where the solver is; a callback for training."""
        self._stage = "Training"
        self._paint(f"Training: iteration {progress.iteration:,}, objective {progress.value:.6g}")

    def _appear(self) -> None:
        """Show the stage; runs in the timer's thread."""
        with self._lock:
            if not self._wanted:
                return
            if not screen.is_colourful(sys.stderr):
                self._plain = True
                self._write_line()
                return
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns: tuple[Any, ...] = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
            )
            self._live = Progress(*columns, console=screen.console(sys.stderr), transient=True)
            self._task = self._live.add_task(self._text, total=None)
            self._live.start()

    def _write_line(self) -> None:
        sys.stderr.write(f"{self._stage} ...\n")
        sys.stderr.flush()

    def _paint(self, text: str) -> None:
        with self._lock:
            self._text = text
            if self._live is not None and self._task is not None:
                self._live.update(self._task, description=text)

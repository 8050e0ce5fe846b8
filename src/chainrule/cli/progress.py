"""What a command is at, on the terminal, once it takes longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from chainrule.cli import screen
from chainrule.cli.epochs import Epoch, Lines, Run, clock

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.spinner import Spinner

PATIENCE = 1.0  # seconds before anything is shown
LOGGED = 10.0  # seconds between two lines in a log


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

    On stderr, only on a terminal, gone at the end; a network's epochs as a bar with figures. Where control sequences
    are not wanted (NO_COLOR) each stage is one plain line, and an epoch another, one a second at most. Where stderr is
    no terminal (a log) nothing is said, but a network that takes long tells every ten seconds where it is.

    Parameters
    ----------
    wanted
        False shows nothing.
    """

    def __init__(self, wanted: bool = True) -> None:
        self._logged = wanted and not sys.stderr.isatty()
        self._wanted = wanted and not self._logged
        self._stage = ""
        self._text = ""
        self._began = time.monotonic()
        self._plain = False
        self._lines = Lines(LOGGED if self._logged else PATIENCE)
        self._run: Run | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._live: Live | None = None
        self._spinner: Spinner | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._wanted = False
            if self._timer is not None:
                self._timer.cancel()
            live, self._live = self._live, None
        if live is not None:  # without the lock: its thread may be waiting for it
            live.stop()

    def begin(self, text: str) -> None:
        """Begin a stage."""
        if not self._wanted:
            return
        with self._lock:
            self._stage = self._text = text
            self._run = None
            if self._plain:
                self._write_line(f"{text} ...")
        if self._timer is None:
            self._timer = threading.Timer(PATIENCE, self._appear)
            self._timer.daemon = True
            self._timer.start()

    def iterate(self, progress: Iteration) -> None:
        """Show where the solver is; a callback for training a softmax classifier."""
        with self._lock:
            self._stage = "Training"
            self._text = f"Training: iteration {progress.iteration:,}, objective {progress.value:.6g}"

    def follow(self, progress: Epoch) -> None:
        """Show which epoch it is and how it goes; a callback for training a network."""
        with self._lock:
            self._run = self._run or Run(progress)
            self._run.follow(progress)
            self._stage = "Training"
            is_end = progress.step == progress.n_steps
            if (self._logged or self._plain) and is_end and self._lines.due():
                self._write_line(self._run.line())

    def _appear(self) -> None:
        """Show the stage; runs in the timer's thread."""
        with self._lock:
            if not self._wanted:
                return
            if not screen.is_colourful(sys.stderr):
                self._plain = True
                self._write_line(f"{self._stage} ...")
                return
            from rich.live import Live

            console = screen.console(sys.stderr)
            self._live = Live(console=console, transient=True, refresh_per_second=10, get_renderable=self._picture)
            live = self._live
        live.start()

    def _picture(self) -> RenderableType:
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        if self._run is not None:
            return self._run.picture(screen.console(sys.stderr).width)
        line = Table.grid(padding=(0, 1))
        self._spinner = self._spinner or Spinner("dots", style="green")
        line.add_row(self._spinner, Text(self._text), Text(clock(time.monotonic() - self._began), style="yellow"))
        return line

    def _write_line(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

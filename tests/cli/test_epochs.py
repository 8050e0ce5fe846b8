"""What is shown while a network trains: figures, a bar that fits the terminal, plain lines for logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from chainrule.cli.epochs import Lines, Run, clock


@dataclass
class Told:
    epoch: int
    max_iter: int = 30
    step: int = 10
    n_steps: int = 10
    loss: float = 0.12345
    validation_loss: float | None = None
    validation_score: float | None = None
    rows_per_second: float = 123_456.0
    seconds_left: float = 75.0


def run_of(*told: Told) -> Run:
    run = Run(told[0])
    for progress in told:
        run.follow(progress)
    return run


def test_the_line_says_all() -> None:
    run = run_of(
        Told(1, validation_loss=0.5, validation_score=-0.5), Told(2, validation_loss=0.6, validation_score=-0.6)
    )
    expected = "epoch 2 of 30; loss 0.1235; validation loss 0.6000, best 0.5000 in epoch 1; 123,000 rows/s; 1:15 left"
    assert run.line() == expected.replace("0.1235", f"{0.12345:.4f}")


def test_a_score_that_is_no_loss_is_called_accuracy() -> None:
    run = run_of(Told(1, validation_loss=0.5, validation_score=0.8), Told(2, validation_loss=0.5, validation_score=0.9))
    assert "validation accuracy 0.9000, best 0.9000 in epoch 2" in run.line()
    # Within an epoch nothing new is known of the rows watched.
    run.follow(Told(3, step=4))
    assert "validation accuracy 0.9000, best 0.9000 in epoch 2" in run.line()
    assert run.done == pytest.approx(2.4 / 30)


def test_nothing_watched() -> None:
    assert "validation" not in run_of(Told(1)).line()


@pytest.mark.parametrize("columns", [40, 80, 160])
def test_the_picture_fits(columns: int) -> None:
    from rich.console import Console

    run = run_of(Told(12, max_iter=200, validation_loss=0.5, validation_score=-0.5))
    console = Console(width=columns, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(run.picture(columns))
    lines = captured.get().splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= columns
    assert "epoch 12 of 200" in lines[0]
    assert "1:15 left" in lines[0]
    assert "loss 0.12" in lines[1]


def test_lines_come_at_their_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("chainrule.cli.epochs.time.monotonic", lambda: now[0])
    lines = Lines(10.0)
    seen: list[Any] = []
    for second in range(35):
        now[0] = float(second)
        if lines.due():
            seen.append(second)
    assert seen == [10, 20, 30]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0:00"), (7.4, "0:07"), (750, "12:30"), (3723, "1:02:03"), (float("inf"), "100000:00:00")],
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown

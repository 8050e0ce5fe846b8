"""One lesson, told through the page, a notebook or a file: every number on the board is compared with NumPy's."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Any

from independent_network import Choices, IndependentRun
from test_truth import Oracle, check_numbers, read

SETTLED = """root => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
    done(Boolean(root.dataset.moment)))))"""
STEPS = (0, 100, 101, 102, 103)  # where the lesson goes
ROW = 7
ENTRIES = ("W1[0, 3]", "b1[3]", "W2[3, 1]")


class Lesson:
    """A board in a browser, and an oracle that does the same."""

    def __init__(self, page: Any, scene: Any) -> None:
        self.page = page
        self.root = page.locator(".chainrule-board").first
        choices = Choices(**{field.name: getattr(scene.network, field.name) for field in fields(Choices)})
        self.oracle = Oracle(IndependentRun(scene.X, scene.labels, choices))
        self.log: list[str] = []
        self.compared = 0
        self.settle()

    def settle(self) -> None:
        """Wait until all that is shown is of one moment."""
        deadline = time.monotonic() + 60.0
        while not self.root.evaluate(SETTLED):
            assert time.monotonic() < deadline, "the board does not settle"

    def press(self, key: str) -> None:
        """Press a key as one who has clicked on the board."""
        self.root.locator("h1").click()
        self.page.keyboard.press(key)
        self._read(f"key {key}")

    def seek(self, step: int) -> None:
        """Pull the scrubber."""
        self.root.locator(".scrubber").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})) }", str(step)
        )
        self.oracle.go(step)
        self._read(f"seek {step}")

    def select(self, entry: str) -> None:
        """Find an entry."""
        field = self.root.locator(".find input")
        field.fill(entry)
        field.press("Enter")
        self.oracle.edited = None
        shown = self._read(f"select {entry}")
        name = entry.removeprefix("d")
        for of in (f"value {name}", f"gradient {name}", "ledger total", "ledger gradient"):
            told = of if not entry.startswith("d") else of.replace(f" {name}", f" {entry}")
            assert told in shown, f"{told} is not shown: {sorted(shown)}"

    def _read(self, what: str) -> set[str]:
        self.log.append(what)
        self.settle()
        if what.startswith("key ") and what[4:] in MOVES:
            MOVES[what[4:]](self.oracle)
        shown = read(self.page)
        self.compared += check_numbers(self.oracle, shown, self.log)
        return set(shown)


def _batch(oracle: Oracle) -> None:
    oracle.look(None)


MOVES: dict[str, Any] = {
    ".": lambda oracle: oracle.go(oracle.run.state.step + 1),
    ",": lambda oracle: oracle.go(oracle.run.state.step - 1),
    "m": _batch,
}


def tell(lesson: Lesson, *, live: bool) -> int:
    """Train, step back, look at weights and a row, read their paths, check; return how many numbers were compared."""
    root = lesson.root
    if not live:  # the timeline of a recording tells of all of it from the beginning
        lesson.oracle.go(STEPS[-1])
        lesson.oracle.go(0)
    lesson._read("as it opens")
    if live:
        root.get_by_role("button", name="100 steps").click()
        lesson.oracle.go(100)
        lesson._read("100 steps")
    else:
        lesson.seek(100)
    for key in (".", ".", ".", ","):
        lesson.press(key)
    for entry in (*ENTRIES, "dW1[0, 3]"):
        lesson.select(entry)
    root.locator(".samples select").select_option("row")
    lesson.settle()
    root.locator(f"[data-row='{ROW}']").first.click()
    lesson.oracle.look(ROW)
    lesson._read(f"sample {ROW}")
    lesson.select("W1[0, 3]")
    root.locator("[data-node=W2]").dblclick()
    lesson._read("numbers of W2")
    lesson.seek(101)
    lesson.press("m")
    lesson.seek(103)
    lesson.press("g")
    root.locator(".verdict").wait_for()
    worst = read(lesson.page)["worst error"]
    assert float(worst) <= 1e-6
    assert "agree" in root.locator(".verdict").inner_text()
    return lesson.compared

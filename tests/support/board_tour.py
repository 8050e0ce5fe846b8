"""A walk through all that the board's page can show, with fixed seeds: for tests of access and for pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

CHECKED = "() => document.querySelector('.verdict') !== null"


def find(page: Any, entry: str) -> None:
    page.fill("#find", entry)
    page.press("#find", "Enter")


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def train(watched: Any, hundreds: int) -> None:
    for _ in range(hundreds):
        press(watched.page, "100 steps")
        watched.settle()


def answer(session: Any) -> str:
    """Return what is right for the question that was asked last."""
    return repr(session._asked[max(session._asked)].value)


def tour(watched: Any, server: Any) -> Iterator[str]:
    """Bring the page from state to state; yield each one's name when it is there."""
    for name in _states(watched, server):
        watched.settle()
        yield name


def _states(watched: Any, server: Any) -> Iterator[str]:
    page, session = watched.page, server.session
    session._random = np.random.default_rng(3)  # of the questions
    yield "at the start"
    page.keyboard.press("h")
    page.keyboard.press("h")
    yield "a phase"
    page.keyboard.press(".")
    train(watched, 2)
    yield "after training"
    press(page, "Whole batch")
    page.locator("[data-node=Z2]").click()
    watched.settle()
    page.locator("[data-node=Z2]").click()
    page.locator(".measured summary").click()
    yield "a node and its numbers"
    page.locator("[data-row]").first.click()
    find(page, "W1[0, 3]")
    page.locator(".numpy summary").click()
    yield "an entry and its ledger"
    press(page, "Check the gradients")
    page.wait_for_function(CHECKED)
    yield "checked"
    page.locator("input[name=value]").fill("0.5")
    press(page, "Set")
    yield "edited"
    press(page, "Network")
    yield "the network's form"
    press(page, "Quiz")
    press(page, "Ask me")
    page.wait_for_selector(".quiz form")
    yield "asked"
    page.fill("input[name=answer]", "7")
    page.press("input[name=answer]", "Enter")
    yield "answered wrong"
    page.fill("input[name=answer]", answer(session))
    page.press("input[name=answer]", "Enter")
    page.wait_for_selector(".quiz .good")
    yield "answered right"
    press(page, "Keys")
    yield "the keys"
    find(page, "Q9")
    yield "an error"
    session.ask("network", changes={"hidden_layer_sizes": [6, 5], "activation": "tanh", "learning_rate": 0.5})
    session.ask("step", count=50)
    yield "another network"
    session.ask("network", changes={"hidden_layer_sizes": [4], "activation": "relu", "learning_rate": 1e5})
    session.ask("step", count=100)
    page.get_by_text("no longer a number").wait_for()
    yield "stopped at NaN"
    server.stop()
    page.get_by_text("Waiting for the board").wait_for()
    yield "disconnected"
    page.close()  # it would try again and again, and the browser complains each time
    watched.complaints.clear()

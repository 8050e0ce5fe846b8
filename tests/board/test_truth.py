"""The page tells the truth: after random commands in a real browser every number on it equals an independent one.

`independent_network` computes anew, in plain NumPy, what the page should show, from the seeds and the commands alone.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from independent_network import Independent

from chainrule.board.scene import Network, spiral

# Both sides compute in float64 but sum in other orders; some hundred steps let roundings grow.
RELATIVE, ABSOLUTE = 1e-7, 1e-10
SEQUENCES = int(os.environ.get("CHAINRULE_TRUTH_SEQUENCES", "12"))  # 300 in the slow tests
READ = """() => [...document.querySelectorAll('[data-exact]')].map(e => [e.dataset.of, e.dataset.exact])"""


class Oracle:
    """What the page should show, by what its numbers say they are."""

    def __init__(self, scene: Any) -> None:
        self.X, self.y = scene.X, scene.labels
        self.begin(scene)

    def begin(self, scene: Any) -> None:
        views = scene.graph.parameters.views(scene.start.copy())
        n = scene.network
        self.net = Independent({name: view.copy() for name, view in views.items()}, n.activation, n.l2, n.solver,
                               n.learning_rate)  # fmt: skip
        self.states = [self.net.copy()]
        self.step, self.phase, self.focus, self.edited = 0, 0, None, None

    def go(self, step: int) -> None:
        self.edited, self.phase = None, 0
        while len(self.states) <= step:
            following = self.states[-1].copy()
            following.step(self.X, self.y)
            self.states.append(following)
        self.step, self.net = step, self.states[step]

    def edit(self, name: str, index: tuple[int, ...], value: float) -> None:
        before, d = self.sweep()
        self.phase = 0
        changed = self.net.copy()
        changed.parameters[name] = changed.parameters[name].copy()
        old = float(changed.parameters[name][index])
        changed.parameters[name][index] = value
        self.states = [*self.states[: self.step], changed]
        self.net = changed
        after, _ = self.sweep()
        loss = changed.loss_name
        self.edited = {
            "dw": value - old, "predicted": float(d[name][index]) * (value - old), "before": float(before[loss]),
            "after": float(after[loss]), "happened": float(after[loss] - before[loss]),
        }  # fmt: skip

    def sweep(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        rows = slice(None) if self.focus is None else slice(self.focus, self.focus + 1)
        return self.net.sweep(self.X[rows], self.y[rows])

    def array(self, name: str, values: dict[str, np.ndarray], d: dict[str, np.ndarray]) -> np.ndarray:
        return values[name] if name in values else d[name[1:]]

    def entry(self, text: str, values: dict[str, np.ndarray], d: dict[str, np.ndarray]) -> float:
        name, _, inside = text.partition("[")
        array = self.array(name, values, d)
        if not inside:
            return float(array)
        index = tuple(int(i) for i in inside.rstrip("]").split(","))
        if self.focus is not None and len(index) < array.ndim:  # a row alone goes without its index
            index = (0, *index)
        return float(array[index])

    def expected(self, of: str) -> float | None:
        """Return the number; None for one that is no number of the network's."""
        what, _, rest = of.partition(" ")
        values, d = self.sweep()
        whole, _ = self.net.sweep(self.X, self.y)
        match what:
            case "step":
                return float(self.step)
            case "loss":
                return float(values[self.net.loss_name])
            case "accuracy":
                return float((whole["p"].argmax(axis=1) == self.y).mean())
            case "least" | "most" | "only":
                return float({"least": np.min, "most": np.max, "only": np.max}[what](self.array(rest, values, d)))
            case "entry" | "value" | "gradient":
                name = rest if what != "gradient" or rest.startswith("d") else f"d{rest}"
                name = name[1:] if what == "value" and rest.startswith("d") else name
                return self.entry(name, values, d)
            case "p" | "y" | "p-y":
                k, label = int(rest), self.y[self.focus]
                p, y = float(values["p"][0, k]), float(k == label)
                return {"p": p, "y": y, "p-y": p - y}[what]
            case "sample":
                return float(values[self.net.loss_name])
            case "mean":
                return float(whole["J"])
            case "row":
                kind, _, row = rest.partition(" ")
                p = float(whole["p"][int(row), self.y[int(row)]])
                return p if kind == "p" else -np.log(p)
            case "edit":
                return self.edited[rest]
            case "ledger":
                if rest in ("total", "gradient"):
                    return self.entry(f"d{self.selected.removeprefix('d')}", values, d)
                return 0.0 if rest == "residual" else None
            case "product" | "factor":
                return self.path(of, values, d)
            case "held" | "marked" | "norm" | "ratio":
                return None  # checked where they are measured, in test_session
        raise AssertionError(f"the page shows {of!r}, which nobody knows")

    def path(self, of: str, values: dict[str, np.ndarray], d: dict[str, np.ndarray]) -> float | None:
        """Return the product along a path of one row, or None for a single factor of it."""
        what, _, path = of.partition(" of ")
        names = path.split(" → ")
        product = 1.0
        for source, target in pairwise(names):
            factor = self.slope(source, target, values)
            if what == f"factor d{target}/d{source}":
                return factor
            product *= factor
        return product

    def slope(self, source: str, target: str, values: dict[str, np.ndarray]) -> float:
        """Return d target / d source between two entries."""
        P, m = self.net.parameters, len(values["X"])
        s, _, si = source.partition("[")
        t, _, ti = target.partition("[")
        i = tuple(int(x) for x in si.rstrip("]").split(",")) if si else ()
        j = tuple(int(x) for x in ti.rstrip("]").split(",")) if ti else ()
        if t == "objective":
            return 1.0
        if t.startswith("R"):
            return float(self.net.l2 * P[s][i])
        row = 0 if self.focus is not None else (j or i)[0]
        j = j if self.focus is not None or len(j) < 2 else j[1:]
        if t == "J":
            k = i[-1]
            return float((values["p"][row if self.focus is None else 0, k] - float(k == self.label(row))) / m)
        layer = int(t[1:])
        if t.startswith("A"):
            from independent_network import SLOPES

            return float(SLOPES[self.net.activation][1](values[f"Z{layer}"][row, j[-1]]))
        if s.startswith("W"):
            below = values[f"A{layer - 1}"] if layer > 1 else values["X"]
            return float(below[row, i[0]])
        if s.startswith("b"):
            return 1.0
        return float(P[f"W{layer}"][i[-1], j[-1]])

    def label(self, row: int) -> int:
        return int(self.y[row if self.focus is None else self.focus])

    selected = ""


def compare(oracle: Oracle, shown: list[tuple[str, str]], log: list[str]) -> int:
    checked = 0
    for of, text in shown:
        expected = oracle.expected(of)
        if expected is None:
            continue
        found = float(text.replace("Infinity", "inf"))
        scale = 1.0 if of == "ledger residual" else max(abs(expected), 0.0)
        is_true = abs(found - expected) <= RELATIVE * scale + ABSOLUTE
        assert is_true, f"{of}: {found} on the page, {expected} by NumPy; {log}"
        checked += 1
    return checked


def play(page: Any, oracle: Oracle, scene: Any, chance: random.Random, log: list[str]) -> Any:
    """Do one random thing to the page and to the oracle; return the scene."""
    names = list(oracle.net.parameters)
    act = chance.choice(["step", "steps", "back", "seek", "sample", "batch", "select", "select", "edit", "phase"])
    body = page.locator("body")
    if act == "step":
        body.press(".")
        oracle.go(oracle.step + 1)
    elif act == "steps":
        page.get_by_role("button", name="100 steps").click()
        oracle.go(oracle.step + 100)
    elif act == "back":
        body.press(",")
        oracle.go(oracle.step if oracle.phase else max(0, oracle.step - 1))
    elif act == "seek":
        step = chance.randrange(len(oracle.states))
        page.locator(".scrubber").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})) }", str(step)
        )
        oracle.go(step)
    elif act == "sample":
        rows = page.locator("[data-row]")
        button = rows.nth(chance.randrange(rows.count()))
        oracle.focus, oracle.edited = int(button.get_attribute("data-row") or 0), None
        button.click()
    elif act == "batch":
        page.get_by_role("button", name="Whole batch").click()
        oracle.focus = oracle.edited = None
    elif act == "select":
        name = chance.choice(names)
        shape = oracle.net.parameters[name].shape
        index = ", ".join(str(chance.randrange(size)) for size in shape)
        entry = f"{chance.choice(['', 'd'])}{name}[{index}]"
        page.fill("#find", entry)
        page.press("#find", "Enter")
        oracle.selected, oracle.edited = entry, None
        act = f"select {entry}"
    elif act == "edit" and oracle.selected:
        value = round(chance.uniform(-1.0, 1.0), 3)
        page.locator("input[name=value]").fill(str(value))
        page.get_by_role("button", name="Set", exact=True).click()
        name, _, inside = oracle.selected.removeprefix("d").partition("[")
        oracle.edit(name, tuple(int(i) for i in inside.rstrip("]").split(",")), value)
        act = f"edit {oracle.selected} {value}"
    elif act == "phase":
        body.press("h")
        oracle.phase += 1
        if oracle.phase == 4:
            oracle.go(oracle.step + 1)
    log.append(act)
    return scene


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_every_number_on_the_page_is_true(seed: int, serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    chance = random.Random(seed)
    network = Network(
        hidden_layer_sizes=chance.choice([(100,), (8,), (6, 5), ()]),
        activation=chance.choice(["relu", "tanh", "sigmoid"]),
        l2=chance.choice([0.0, 1e-3]), solver=chance.choice(["sgd", "adam"]),
        learning_rate=chance.choice([0.05, 0.01]), batch_size=300, seed=seed,
    )  # fmt: skip
    scene = spiral().with_network(network)
    oracle, log = Oracle(scene), [str(network)]
    server = serve(scene)
    watched = open_page(server.address)
    page, n_checked = watched.page, 0
    for _ in range(8):
        scene = play(page, oracle, scene, chance, log)
        watched.settle()
        n_checked += compare(oracle, page.evaluate(READ), log)
    assert n_checked > 100

"""The page tells the truth: after random commands in a real browser every number on it equals an independent one.

`independent_network` computes anew, in plain NumPy, what the page should show, from the rows, the choices, the seeds
and the commands alone. Only what is looked at is read from the page: which entry is selected, which rows are listed.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from independent_network import ACTIVATIONS, Choices, IndependentRun, State

from chainrule.board.open import open_scene
from chainrule.board.scene import spiral

# Both sides compute in float64 but sum in other orders. Beside the number itself what it is a sum of counts: the
# largest entry of its array. The networks are such as don't let roundings grow: steps are short, and deep networks
# don't begin near 0, where gradients are roundings that rmsprop and its kin blow up.
RELATIVE, OF_THE_LARGEST = 1e-8, 1e-11
COMMANDS = 8
QUICK, ALL = 12, 300
SEQUENCES = [pytest.param(seed, marks=() if seed < QUICK else pytest.mark.slow) for seed in range(ALL)]
READ = """root => [...root.querySelectorAll('[data-exact]')].map(e => [e.dataset.of, e.dataset.exact])"""
VIEW = """root => root.dataset.moment.replace(/^\\S+ /, '')"""
# All that is shown: the markup and the pictures.
SHOWN = """() => [document.querySelector('.chainrule-board').innerHTML,
    ...[...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL())]"""
PICTURES = """() => [...document.querySelectorAll('canvas.heat')].map(canvas => canvas.toDataURL())"""
DRAWN_AGAIN = """() => new Promise(done => {
    const root = document.querySelector('.chainrule-board');
    new MutationObserver((_, observer) => { observer.disconnect(); done(); })
        .observe(root, {attributeFilter: ['data-moment']});
    window.dispatchEvent(new Event('hashchange'));
})"""
BATCHED = re.compile(r"X|y|p|[ZADU]\d+")  # nodes with a row for each row of the batch
Expected = tuple[float, float]  # a number, and the size of what it is a sum of


class Sweep(NamedTuple):
    values: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]


class Oracle:
    """What the page should show, by what its numbers say they are."""

    def __init__(self, run: IndependentRun) -> None:
        self.run = run
        self.walking, self.phase, self.focus = True, 0, None
        self.edited: dict[str, float] | None = None
        self.quiz: dict[str, float] = {}
        self.before: dict[int, tuple[State, State]] = {}  # each step as it was taken
        self._sweeps: dict[Any, Sweep] = {}

    def go(self, step: int) -> None:
        self._show_all()
        first = len(self.run.states) - 1
        self.run.go(step)
        self.before |= dict(enumerate(pairwise(self.run.states[first:]), first))

    def look(self, focus: int | None) -> None:
        self.focus, self.edited = focus, None

    def edit(self, name: str, index: tuple[int, ...], value: float) -> None:
        before = self.sweep()
        old = float(before.values[name][index])
        self._forget()
        self.run.set(name, index, value)
        loss = self.run.loss_name
        was, now = float(before.values[loss]), float(self.sweep().values[loss])
        self.edited = {
            "dw": value - old, "predicted": float(before.gradients[name][index]) * (value - old), "before": was,
            "after": now, "happened": now - was,
        }  # fmt: skip

    def change(self, choices: Choices) -> None:
        self._forget()
        self.walking = self.run.change(choices)

    def walk(self) -> None:
        """Go on by a phase."""
        if self.phase == 3:
            self.go(self.run.state.step + 1)
        elif self.walking:
            self.phase += 1
        self.walking = True

    def _show_all(self) -> None:
        self.walking, self.phase, self.edited = False, 0, None

    def _forget(self) -> None:
        self._show_all()
        self._sweeps.clear()
        self.before = {step: taken for step, taken in self.before.items() if step < self.run.state.step}

    def over(self, state: State, focus: int | str | None) -> Sweep:
        """Return values and gradients over a row, the batch of the next step, or all rows as they are judged."""
        key = id(state), focus
        if key not in self._sweeps:
            if focus is None:
                rows, noise = self.run.batch(state)
            else:
                rows, noise = (np.arange(len(self.run.X)) if focus == "all" else np.array([focus])), {}
            self._sweeps[key] = Sweep(*self.run.sweep(state, rows, noise))
        return self._sweeps[key]

    def sweep(self) -> Sweep:
        return self.over(self.run.state, self.focus)

    def array(self, name: str) -> np.ndarray:
        values, gradients = self.sweep()
        return values[name] if name in values else gradients[name[1:]]

    def entry(self, text: str) -> Expected:
        name, index = split(text)
        array = self.array(name)
        if self.focus is not None and BATCHED.fullmatch(name.removeprefix("d")):  # a row alone goes without its index
            index = (0, *index)
        assert len(index) == array.ndim, text
        return float(array[index]), self.size(name)

    def size(self, name: str) -> float:
        """Return the largest entry of an array, and of what moves a parameter."""
        parts = [name, re.sub(r"^d?[Wb]", "dZ", name)]
        return max(float(np.abs(self.array(part)).max()) for part in parts)

    def expected(self, of: str, shown: dict[str, str]) -> Expected:
        """Return the number that stands on the page as ``of``."""
        what, _, rest = of.partition(" ")
        run, state = self.run, self.run.state
        whole = self.over(state, "all").values
        match what:
            case "step":
                return state.step, 0.0
            case "loss":
                return float(self.sweep().values[run.loss_name]), 1.0
            case "accuracy":
                return float((whole["p"].argmax(axis=1) == run.y).mean()), 0.0
            case "least" | "most" | "only":
                array = self.array(rest)
                return float(array.min() if what == "least" else array.max()), self.size(rest)
            case "entry" | "value":
                return self.entry(rest.removeprefix("d") if what == "value" else rest)
            case "gradient":
                return self.entry(f"d{rest.removeprefix('d')}")
            case "p" | "y" | "p-y":
                p, y = float(self.sweep().values["p"][0, int(rest)]), float(int(rest) == run.y[self.focus])
                return {"p": p, "y": y, "p-y": p - y}[what], 1.0
            case "sample":
                return float(self.sweep().values[run.loss_name]), 1.0
            case "mean":
                return float(whole["J"]), 1.0
            case "row":
                kind, _, row = rest.partition(" ")
                p = float(whole["p"][int(row), run.y[int(row)]])
                return (p, 1.0) if kind == "p" else (-np.log(p), 1.0)
            case "edit":
                assert self.edited is not None
                return self.edited[rest], 1.0
            case "held":
                column = run.X[:, int(rest)]
                return float(column.mean() if self.focus is None else column[self.focus]), float(np.abs(column).max())
            case "marked" | "norm" | "ratio":
                return self.mark(what, rest, int(shown["marked step"]))
            case "given" | "answer":
                return self.quiz[rest], 1.0
            case "product" | "factor":
                return self.path(of)
            case "ledger":
                return self.ledger(rest, shown)
        raise AssertionError(f"the page shows {of!r}, which nobody knows")

    def mark(self, what: str, rest: str, step: int) -> Expected:
        """Return what the timeline measured at a step: as it was when the step was taken."""
        state, after = self.before[step]
        if what == "marked":
            values = self.over(state, "all").values
            return (step if rest == "step" else float((values["p"].argmax(axis=1) == self.run.y).mean())), 0.0
        if what == "norm":
            return float(np.sqrt((self.over(state, None).gradients[rest[1:]] ** 2).sum())), 0.0
        old, new = state.parameters[rest], after.parameters[rest]
        return float(np.sqrt(((new - old) ** 2).sum() / (old**2).sum())), 1e-4  # a difference of neighbours

    def ledger(self, rest: str, shown: dict[str, str]) -> Expected:
        paths = [self.path(of)[0] for of in shown if of.startswith("product of ")]
        total, size = self.entry(f"d{selected(shown).removeprefix('d')}")
        found = {"total": total, "gradient": total, "residual": 0.0, "rest": total - sum(paths)}
        return found[rest], max(size, *map(abs, paths))

    def path(self, of: str) -> Expected:
        """Return the product along a path, or one of its factors."""
        what, _, path = of.partition(" of ")
        factors = {f"d{target}/d{source}": self.slope(source, target) for source, target in pairwise(path.split(" → "))}
        return (float(np.prod(list(factors.values()))) if what == "product" else factors[what[7:]]), 0.0

    def slope(self, source: str, target: str) -> float:
        """Return d target / d source between two entries."""
        run, values, P = self.run, self.sweep().values, self.run.state.parameters
        (s, i), (t, j) = split(source), split(target)
        if t == "objective":
            return 1.0
        if t.startswith("R"):
            return float(run.choices.l2 * P[s][i])
        is_batch = self.focus is None
        if t == "J":
            row = i[0] if is_batch else 0
            label = run.y[run.batch(run.state)[0][row] if is_batch else self.focus]
            return float((values["p"][row, i[-1]] - float(i[-1] == label)) / len(values["p"]))
        row, unit, layer = (j[0] if is_batch else 0), j[-1], int(t[1:])
        if t.startswith("A"):
            return float(ACTIVATIONS[run.choices.activation][1](values[f"Z{layer}"])[row, unit])
        if t.startswith("D"):
            return float(run.mask(values, layer)[row, unit])
        if s.startswith("W"):
            return float(values[run.below(layer)][row, i[0]])
        return 1.0 if s.startswith("b") else float(P[f"W{layer}"][i[-1], unit])


def split(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a node's name and the index: ``W1[0, 3]``."""
    name, _, inside = text.partition("[")
    return name, tuple(int(i) for i in inside.rstrip("]").split(",")) if inside else ()


def selected(shown: dict[str, str]) -> str:
    return str(json.loads(shown["view"])["entry"])


def read(page: Any) -> dict[str, str]:
    """Return the numbers of the page by what they are; one that is there twice is the same both times."""
    root = page.locator(".chainrule-board").first
    found: dict[str, str] = {}
    for of, text in root.evaluate(READ):
        assert found.setdefault(of, text) == text, f"{of} is {found[of]} and {text}"
    return {**found, "view": root.evaluate(VIEW)}


def check_numbers(oracle: Oracle, shown: dict[str, str], log: list[str]) -> int:
    """Check every number that was read from the page; return how many there were."""
    compared = 0
    assert json.loads(shown["view"])["focus"] == oracle.focus, log
    for of, text in shown.items():
        if of in ("view", "worst error"):  # the check's errors are roundings: `play` looks at the verdict
            continue
        (expected, size), found = oracle.expected(of, shown), float(text)
        is_true = abs(found - expected) <= RELATIVE * abs(expected) + OF_THE_LARGEST * size
        assert is_true, f"{of}: {found} on the page, {expected} by NumPy; {log}"
        compared += 1
    products = [abs(float(text)) for of, text in shown.items() if of.startswith("product of ")]
    assert products == sorted(products, reverse=True), log
    return compared


def compare(oracle: Oracle, page: Any, log: list[str], tally: Counter[str]) -> None:
    """Check every number on the page, and that drawing it again changes nothing."""
    tally["numbers compared"] += check_numbers(oracle, read(page), log)
    before = page.evaluate(SHOWN)
    page.evaluate(DRAWN_AGAIN)
    assert page.evaluate(SHOWN) == before, f"drawn again, the page is another one; {log}"
    tally["pages drawn twice"] += 1


class Player:
    """Does random things to the page, and the same to the oracle."""

    def __init__(self, watched: Any, oracle: Oracle, chance: random.Random) -> None:
        self.watched, self.page, self.oracle, self.chance = watched, watched.page, oracle, chance
        self.acts: dict[str, tuple[int, Callable[[], str | None]]] = {
            "step": (2, self.step), "100 steps": (1, self.steps), "phase": (2, self.phase), "back": (2, self.back),
            "seek": (2, self.seek), "reset": (1, self.reset), "play": (1, self.play), "sample": (2, self.sample),
            "next sample": (1, self.next_sample), "batch": (2, self.batch), "parameter": (3, self.parameter),
            "entry": (4, self.entry), "node": (1, self.node), "expand": (2, self.expand), "cell": (2, self.cell),
            "edit": (4, self.edit), "recipe": (2, self.recipe), "network": (2, self.network), "order": (1, self.order),
            "reload": (1, self.reload), "quiz": (2, self.quiz), "check": (1, self.check),
        }  # fmt: skip

    def act(self) -> str:
        """Do one of them that can be done; return which."""
        while True:
            (name,) = self.chance.choices(list(self.acts), [weight for weight, _ in self.acts.values()])
            told = self.acts[name][1]()
            if told is not None:
                return f"{name} {told}".strip()

    def key(self, key: str) -> None:
        self.page.evaluate("document.activeElement.blur()")
        self.page.keyboard.press(key)

    def button(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def find(self, text: str) -> str:
        self.page.fill("#find", text)
        self.page.press("#find", "Enter")
        self.oracle.edited = None
        return text

    def step(self) -> str:
        self.key(".")
        self.oracle.go(self.oracle.run.state.step + 1)
        return ""

    def steps(self) -> str:
        self.button("100 steps")
        self.oracle.go(self.oracle.run.state.step + 100)
        return ""

    def phase(self) -> str:
        self.key("h")
        self.oracle.walk()
        return ""

    def back(self) -> str:
        self.key(",")
        step = self.oracle.run.state.step
        if self.oracle.phase:
            self.oracle.phase = 0
        elif step:
            self.oracle.go(step - 1)
        return ""

    def seek(self) -> str | None:
        if len(self.oracle.run.states) == 1:
            return None
        step = self.chance.randrange(len(self.oracle.run.states))
        self.page.locator(".scrubber").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})) }", str(step)
        )
        self.oracle.go(step)
        return str(step)

    def reset(self) -> str | None:
        if self.oracle.run.state.step == 0:
            return None
        self.button("To the start")
        self.oracle.go(0)
        return ""

    def play(self) -> str:
        self.page.locator(".tools select").select_option("20")
        self.key(" ")
        self.page.wait_for_timeout(self.chance.randrange(200, 500))
        self.key(" ")
        self.watched.settle()
        step = int(read(self.page)["step"])
        assert step - self.oracle.run.state.step < 200, "the pace is not kept"
        self.oracle.go(step)
        return f"to {step}"

    def sample(self) -> str:
        rows = self.page.locator("[data-row]")
        button = rows.nth(self.chance.randrange(rows.count()))
        self.oracle.look(int(button.get_attribute("data-row")))
        button.click()
        return str(self.oracle.focus)

    def next_sample(self) -> str:
        self.key("n")
        focus = self.oracle.focus
        self.oracle.look(0 if focus is None else (focus + 1) % len(self.oracle.run.X))
        return ""

    def batch(self) -> str:
        if self.chance.random() < 0.5:
            self.key("m")
        else:
            self.button("Whole batch")
        self.oracle.look(None)
        return ""

    def parameter(self) -> str:
        return self._find_in({name: self.oracle.array(name) for name in self.oracle.run.state.parameters})

    def entry(self) -> str:
        return self._find_in(self.oracle.sweep().values)

    def _find_in(self, arrays: dict[str, np.ndarray]) -> str:
        name = self.chance.choice(sorted(arrays))
        index = [self.chance.randrange(size) for size in arrays[name].shape]
        if self.oracle.focus is not None and BATCHED.fullmatch(name):
            index = index[1:]
        d = self.chance.choice(["", "d"]) if name in self.oracle.sweep().gradients else ""
        return self.find(f"{d}{name}[{', '.join(map(str, index))}]" if index else d + name)

    def _card(self) -> Any:
        cards = self.page.locator("button[data-node]")
        return cards.nth(self.chance.randrange(cards.count()))

    def node(self) -> str:
        card = self._card()
        card.click()
        self.oracle.edited = None
        return str(card.get_attribute("data-node"))

    def expand(self) -> str:
        card = self._card()
        card.dblclick()
        self.oracle.edited = None
        self.watched.settle()
        later = self.page.get_by_role("button", name="Later rows")
        if later.count() and later.is_enabled() and self.chance.random() < 0.5:
            later.click()
        return str(card.get_attribute("data-node"))

    def cell(self) -> str | None:
        cells = self.page.locator("button[data-entry]")
        if not cells.count():
            return None
        cell = cells.nth(self.chance.randrange(cells.count()))
        told = str(cell.get_attribute("data-entry"))
        cell.click()
        self.oracle.edited = None
        self.watched.settle()
        shown = read(self.page)
        assert selected(shown) == told
        assert {f"value {told}", f"gradient {told}"} & set(shown), f"{told} is not inspected"
        return told

    def edit(self) -> str | None:
        field = self.page.locator("input[name=value]")
        if not field.count():
            return None
        value = round(self.chance.uniform(-1.0, 1.0), 3)
        name, index = split(selected(read(self.page)).removeprefix("d"))
        field.fill(str(value))
        self.button("Set")
        self.oracle.edit(name, index, value)
        self.watched.settle()
        assert self.page.locator(".outcome").count() == 1
        return f"{name} {index} {value}"

    def recipe(self) -> str | None:
        return self._change(random_recipe(self.chance))

    def network(self) -> str | None:
        return self._change({**random_network(self.chance), **random_recipe(self.chance)})

    def _change(self, changes: dict[str, Any]) -> str | None:
        choices = replace(self.oracle.run.choices, **changes)
        if choices == self.oracle.run.choices:
            return None
        self.button("Network")
        form = self.page.locator(".network form")
        for name, value in changes.items():
            field = form.locator(f"[name={name}]")
            if name in ("activation", "solver", "initialization"):
                field.select_option(value)
            else:
                field.fill(", ".join(map(str, value)) if isinstance(value, tuple) else str(value))
        form.get_by_role("button", name="Change").click()
        self.button("Network")
        self.oracle.change(choices)
        return str(changes)

    def order(self) -> str:
        order = self.chance.choice(["row", "loss"])
        self.page.locator(".samples select").select_option(order)
        return order

    def reload(self) -> str:
        """Asked for and drawn anew, the pictures are the same."""
        before = self.page.evaluate(PICTURES)
        self.page.reload()
        self.watched.settle()
        assert self.page.evaluate(PICTURES) == before
        self.oracle.edited = None
        return ""

    def quiz(self) -> str | None:
        """Ask, answer rightly, and close: of a row, whose numbers are known."""
        oracle, page = self.oracle, self.page
        if oracle.focus is None:
            return None
        self.key("q")
        page.locator(".quiz button").first.click()
        self.watched.settle()
        label = page.locator(".quiz label").text_content().split("=")[0].strip()
        names = {of.removeprefix("given ") for of in read(page) if of.startswith("given ")}
        oracle.quiz = {name: oracle.entry(name)[0] for name in {label, *names} if not name.startswith("y[")}
        oracle.quiz |= {f"y[{k}]": float(k == oracle.run.y[oracle.focus]) for k in range(oracle.run.K)}
        compare(oracle, page, [f"quiz {label}"], Counter())
        page.fill("input[name=answer]", repr(oracle.quiz[label]))
        self.button("Answer")
        page.locator(".quiz .good").wait_for()
        self.watched.settle()
        compare(oracle, page, [f"answer {label}"], Counter())
        self.key("q")
        return label

    def check(self) -> str:
        """The gradients are right, so that must be what the check says."""
        self.button("Check the gradients")
        self.watched.settle()
        self.page.locator(".check .verdict").wait_for(timeout=60_000)
        assert "The gradients agree" in self.page.locator(".check .verdict").text_content()
        return ""


def random_network(chance: random.Random) -> dict[str, Any]:
    chosen = {
        "hidden_layer_sizes": chance.choice([(100,), (8,), (6, 5), (4, 3, 3), ()]),
        "activation": chance.choice([*ACTIVATIONS, "identity"]), "l2": chance.choice([0.0, 1e-3]),
        "dropout": chance.choice([0.0, 0.0, 0.3]), "seed": chance.choice([0, 1, 2**40 + 5]),
        "initialization": chance.choice(["small", "lecun_normal", "glorot_uniform"]),
    }  # fmt: skip
    is_deep = len(chosen["hidden_layer_sizes"]) > 1
    return {**chosen, "initialization": "lecun_normal"} if is_deep and chosen["initialization"] == "small" else chosen


def random_recipe(chance: random.Random) -> dict[str, Any]:
    solver = chance.choice(["sgd", "sgd", "adam", "adamw", "rmsprop", "adagrad", "lion"])
    rate = chance.choice([0.1, 0.05]) if solver == "sgd" else chance.choice([0.01, 0.003])
    return {"solver": solver, "learning_rate": rate, "batch_size": chance.choice([300, 64, 7])}


def random_rows(chance: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Return 90 rows of four columns and four classes."""
    drawn = np.random.default_rng(chance.randrange(2**32))
    X = drawn.normal(size=(90, 4)) * [1.0, 3.0, 0.2, 1.0] + [0.0, 5.0, 0.0, -1.0]
    y = (X @ drawn.normal(size=(4, 4)) + drawn.normal(size=(90, 4))).argmax(axis=1)
    y[:4] = range(4)
    return X, y


@pytest.mark.parametrize("seed", SEQUENCES)
def test_every_number_on_the_page_is_true(
    seed: int, serve: Callable[..., Any], open_page: Callable[..., Any], tally: Counter[str]
) -> None:
    chance = random.Random(seed)
    choices = Choices(**random_network(chance), **random_recipe(chance))
    if chance.random() < 0.6:
        scene = open_scene(**asdict(choices))
        X, y = spiral().X, spiral().labels
    else:
        X, y = random_rows(chance)
        scene = open_scene(X, y, **asdict(choices))
    oracle, log = Oracle(IndependentRun(X, y, choices)), [str(choices)]
    watched = open_page(serve(scene).address)
    player = Player(watched, oracle, chance)
    before = tally["numbers compared"]
    for _ in range(COMMANDS):
        log.append(player.act())
        watched.settle()
        compare(oracle, watched.page, log, tally)
        tally["commands"] += 1
    tally["sequences"] += 1
    assert tally["numbers compared"] - before > 60 * COMMANDS


def digits(chance: random.Random) -> Any:
    """Return 64-32-16-10 on scikit-learn's digits."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return open_scene(X / 16.0, y, hidden_layer_sizes=(32, 16), learning_rate=0.003, seed=chance.randrange(1000))


LEDGERS = {"2-100-3": lambda chance: open_scene(seed=chance.randrange(1000)), "64-32-16-10": digits}


@pytest.mark.parametrize("net", LEDGERS)
def test_the_paths_add_up_to_the_stored_gradient(
    net: str, serve: Callable[..., Any], open_page: Callable[..., Any], worst: dict[str, float]
) -> None:
    """Within 1e-9 of it, as the session answers and as the page shows it, for a row and for the batch."""
    chance = random.Random(net)
    scene = LEDGERS[net](chance)
    server = serve(scene)
    session = server.session
    session.ask("step", count=150)
    names = list(scene.graph.parameters)

    def drawn() -> tuple[str, int | None]:
        name = chance.choice(names)
        index = [chance.randrange(size) for size in scene.graph.parameters[name]]
        return f"{name}[{', '.join(map(str, index))}]", chance.choice([None, chance.randrange(len(scene.X))])

    residuals = []
    for _ in range(40):
        entry, focus = drawn()
        told = session.ask("ledger", entry=entry, focus=focus)
        assert told["total"] == pytest.approx(sum(row["product"] for row in told["rows"]) + told["rest"], rel=1e-12)
        residuals.append(check_ledger(told["total"], told["gradient"], told["residual"]))
    watched = open_page(server.address)
    for _ in range(5):
        entry, focus = drawn()
        page = watched.page
        page.keyboard.press("m")
        if focus is not None:
            page.locator("[data-row]").nth(focus % 20).click()
        page.fill("#find", entry)
        page.press("#find", "Enter")
        watched.settle()
        shown = read(page)
        assert selected(shown) == entry
        total, gradient, residual = (float(shown[f"ledger {what}"]) for what in ("total", "gradient", "residual"))
        products = [float(text) for of, text in shown.items() if of.startswith("product of ")]
        assert sum(products) + float(shown.get("ledger rest", 0.0)) == pytest.approx(total, rel=1e-12, abs=1e-18)
        residuals.append(check_ledger(total, gradient, residual))
    worst[f"worst relative residual of {len(residuals)} ledgers of {net}"] = max(residuals)


def check_ledger(total: float, gradient: float, residual: float) -> float:
    """Return the residual relative to the gradient; a gradient of 0 has paths that add up to nothing."""
    assert residual == total - gradient
    relative = abs(residual) / abs(gradient) if gradient else abs(residual)
    assert relative <= 1e-9
    return relative

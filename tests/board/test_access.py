"""The page is for everyone: by axe, by keyboard alone, small, magnified, still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from board_tour import CHECKED, answer, find, press, tour, train

from chainrule.board.scene import spiral

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {  # the address's hash, and the browser
    "light": ("", {}),
    "dark, at 200 %": ("", {"viewport": {"width": 720, "height": 450}, "color_scheme": "dark"}),
    "projector": ("#projector", {"viewport": {"width": 1280, "height": 720}}),
    "projector, dark": ("#projector", {"viewport": {"width": 1280, "height": 720}, "color_scheme": "dark"}),
    "phone": ("", PHONE),
    "phone, dark": ("", {**PHONE, "color_scheme": "dark"}),
}
QUICK = {  # of the default run
    "light": {"an entry and its ledger"},
    "phone, dark": {"a phase", "a node and its numbers"},
}
RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


def violations(page: Any) -> list[str]:
    """Return what axe finds on the page, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]]


def audit(variant: str, only: set[str] | None, serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    hash_, options = VARIANTS[variant]
    server = serve(spiral())
    watched = open_page(server.address + hash_, **options)
    seen = set()
    for state in tour(watched, server):
        if only is None or state in only:
            assert violations(watched.page) == [], f"{variant}, {state}"
            assert overflow(watched.page) == [], f"{variant}, {state}"
            seen.add(state)
        if seen == only:
            return
    assert only is None


def overflow(page: Any) -> list[str]:
    """Return what makes the page wider than its window."""
    return page.evaluate("""() => {
      const page = document.documentElement;
      if (page.scrollWidth <= page.clientWidth) return [];
      return [...document.querySelectorAll('.chainrule-board *')]
        .filter(e => e.getBoundingClientRect().right > page.clientWidth + 0.5 && !e.closest('.scroll, .math, pre'))
        .map(e => e.outerHTML.slice(0, 120));
    }""")


@pytest.mark.parametrize("variant", QUICK)
def test_axe_finds_nothing_and_nothing_overflows(
    variant: str, serve: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    audit(variant, QUICK[variant], serve, open_page)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_axe_finds_nothing_in_any_state(variant: str, serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    audit(variant, None, serve, open_page)


def test_axe_would_find_something(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    """The audit is no check that cannot fail."""
    watched = open_page(serve(spiral()).address)
    watched.page.evaluate("document.querySelector('.controls button').textContent = ''")
    assert any(line.startswith("button-name") for line in violations(watched.page))
    watched.page.evaluate("document.querySelector('.panel').style.width = '3000px'")
    assert overflow(watched.page)


FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return 'nothing has the focus';
  const style = getComputedStyle(e);
  const isRinged = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  if (!e.matches(':focus-visible') || !isRinged) return 'not to be seen: ' + e.outerHTML;
  const box = e.getBoundingClientRect();
  const y = Math.max(1, Math.min(box.top + box.height / 2, innerHeight - 1));
  const there = document.elementFromPoint(Math.min(box.left + 6, innerWidth - 1), y);
  return there && (e.contains(there) || there.contains(e)) ? '' : 'covered or out of sight: ' + e.outerHTML;
}"""


class Keyboard:
    """Keys, and after each one a look for the focus."""

    def __init__(self, watched: Any) -> None:
        self.watched, self.page = watched, watched.page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.watched.settle()
            assert self.page.evaluate(FOCUS) == "", f"after {key}"

    def tab_to(self, selector: str, key: str = "Tab") -> None:
        for _ in range(40):
            self.press(key)
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"{key} does not come to {selector}")

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.watched.settle()

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.dataset.node ?? document.activeElement.dataset.entry"))

    def shown(self, of: str) -> float:
        return float(self.page.locator(f'[data-of="{of}"]').first.get_attribute("data-exact"))


def test_a_lesson_by_keyboard_alone(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    server = serve(spiral())
    watched = open_page(server.address)
    page, keys = watched.page, Keyboard(watched)
    page.evaluate("""() => {
      window.pointed = [];
      for (const kind of ['pointerdown', 'mousedown', 'touchstart'])
        addEventListener(kind, () => pointed.push(kind), true);
    }""")
    # Train and stop.
    keys.tab_to(".main")
    page.keyboard.press("Space")
    assert page.evaluate(FOCUS) == ""
    page.wait_for_function("() => Number(document.querySelector('[data-of=step]').dataset.exact) > 20")
    keys.press("Space")
    step = keys.shown("step")
    # Phases on, and back; a step back.
    keys.press("h", "h")
    assert page.locator(".phases [aria-current]").inner_text() == "loss"
    keys.press(",", ",")
    assert keys.shown("step") == step - 1
    # To the start the buttons that lead there keep the focus, though they lead nowhere.
    keys.tab_to(".jumps button:last-child")
    keys.press("Enter", "Enter")
    assert keys.shown("step") == 0
    keys.press(".")
    # A weight, and along the edges from it.
    keys.press("/")
    keys.type("W1[0, 3]")
    keys.press("Enter")
    assert keys.focused() == "W1"
    for key, node in [
        ("ArrowRight", "Z1"),
        ("ArrowRight", "A1"),
        ("ArrowDown", "dA1"),
        ("ArrowLeft", "dZ1"),
        ("ArrowUp", "Z1"),
    ]:
        keys.press(key)
        assert keys.focused() == node
    page.keyboard.press("Space")  # plays: the node has the focus and is selected already
    page.wait_for_function("step => Number(document.querySelector('[data-of=step]').dataset.exact) > step + 20", arg=1)
    keys.press("Space")
    assert keys.focused() == "Z1"
    assert not server.session.ask("state")["playing"]
    # Its numbers; one of them, and the ledger of a weight.
    keys.press("ArrowLeft")
    keys.press("Enter", "Tab")
    keys.press("/")
    keys.type("W1")
    keys.press("Enter", "Enter")
    keys.tab_to(".entries [data-entry]")
    keys.press("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowRight", "Enter")
    assert keys.focused() == "W1[1, 1]"
    assert keys.shown("ledger total") == pytest.approx(keys.shown("gradient W1[1, 1]"), rel=1e-9)
    # The weight is set to another number.
    keys.tab_to("input[name=value]")
    page.keyboard.press("Control+a")
    keys.type("0.25")
    keys.press("Enter")
    assert keys.shown("value W1[1, 1]") == 0.25
    assert page.get_by_text("foretold").is_visible()
    # The check.
    keys.tab_to("summary")
    keys.press("g")
    page.wait_for_function(CHECKED)
    watched.settle()
    assert page.evaluate(FOCUS) == ""
    assert "agree" in page.locator(".verdict").inner_text()
    # A sample, and the batch again.
    keys.press("n")
    assert "focus=0" in page.url
    keys.press("m")
    # A question.
    keys.press("q", "Enter")
    page.wait_for_selector("input[name=answer]")
    keys.type("1e9")
    keys.press("Enter")
    assert "Not yet" in page.locator(".quiz").inner_text()
    page.keyboard.press("Control+a")
    keys.type(answer(server.session))
    keys.press("Enter")
    assert "Right" in page.locator(".quiz").inner_text()
    keys.press("Escape")
    assert page.locator(".quiz").count() == 0
    # The keys, which the page tells of; and closed, the focus is where it was.
    keys.press("?")
    told = page.locator(".keys").inner_text()
    for key in ("Space", ".", ",", "h", "/", "Enter", "n", "m", "g", "q", "p", "Home", "?", "Esc"):
        assert key in told
    keys.press("Escape", "p", "p")
    assert page.evaluate("pointed") == []


def test_the_focus_outlasts_training(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    server = serve(spiral())
    watched = open_page(server.address)
    page = watched.page
    find(page, "W1[0, 3]")
    watched.settle()
    for selector in ("[data-node=W1]", "input[name=value]", ".rows button", ".scrubber", ".check button", ".main"):
        page.locator(selector).first.focus()
        page.evaluate("window.held = document.activeElement")
        for act in ({"cmd": "step", "count": 20}, {"cmd": "phase"}, {"cmd": "reset"}):
            server.session.ask(**act)
            watched.settle()
            assert page.evaluate("document.activeElement === held"), f"{selector}, {act}"


def test_motion_is_only_for_who_wants_it(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    server = serve(spiral())
    moving = """() => [...document.querySelectorAll('.chainrule-board, .chainrule-board *')].filter(e => {
        const s = getComputedStyle(e);
        return s.transitionDuration.split(',').some(t => parseFloat(t) > 0) || s.animationName !== 'none'
            || s.scrollBehavior === 'smooth';
    }).length"""
    assert open_page(server.address).page.evaluate(moving) > 0
    assert open_page(server.address, reduced_motion="reduce").page.evaluate(moving) == 0


def test_fingers_find_the_buttons(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    watched = open_page(serve(spiral()).address, **PHONE)
    find(watched.page, "W1[0, 3]")
    watched.settle()
    small = watched.page.evaluate("""() => [...document.querySelectorAll(
          'button:not(.card, .hint *, .aside *), select, input, summary'
        )].filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)""")
    assert small == []


def numbers(page: Any) -> dict[str, str]:
    read = "() => [...document.querySelectorAll('[data-exact]')].map(e => [e.dataset.of, e.dataset.exact])"
    return dict(page.evaluate(read))


def test_a_link_opens_what_was_looked_at(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    watched = open_page(serve(spiral()).address)
    page = watched.page
    train(watched, 1)
    page.locator("[data-row]").nth(2).click()
    page.get_by_label("by").select_option("row")
    find(page, "dW2[7, 1]")
    press(page, "Projector")
    press(page, "Quiz")
    watched.settle()
    hash_ = page.url.partition("#")[2]
    other = open_page(f"{serve(spiral()).address}#{hash_}")
    assert other.page.url.partition("#")[2] == hash_
    assert numbers(other.page) == numbers(page)
    assert other.page.locator(".projector .quiz").is_visible()
    # A link in the same tab leads there too, and what it does not name is as it was at first.
    other.page.evaluate("location.hash = '#step=20&entry=b1[2]'")
    other.settle()
    other.page.wait_for_function("() => document.querySelector('[data-of=step]').dataset.exact === '20'")
    other.settle()
    assert "value b1[2]" in numbers(other.page)
    assert other.page.locator(".projector, .quiz").count() == 0


def test_two_tabs_stay_in_step(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    server = serve(spiral())
    one, two = open_page(server.address), open_page(server.address)
    for act in ("Step", "Next phase", "Next phase", "100 steps", "Back"):
        press(one.page, act)
        one.settle()
        agree(one, two)
    find(two.page, "W1[0, 3]")
    two.settle()
    two.page.locator("input[name=value]").fill("0.5")
    press(two.page, "Set")
    two.settle()
    find(one.page, "W1[0, 3]")
    agree(one, two)
    press(one.page, "Network")
    one.page.get_by_label("Hidden layers").fill("4, 4")
    press(one.page, "Change")
    one.page.wait_for_selector("[data-node=A2]")
    agree(one, two)
    assert two.page.locator("[data-node=A2]").count() == 1


def agree(one: Any, two: Any) -> None:
    """Wait until both tabs show the same numbers, where both show them, and the same phase."""
    state = "() => document.querySelector('.chainrule-board').dataset.moment.split(' ')[0]"
    one.settle()
    two.page.wait_for_function(
        "m => document.querySelector('.chainrule-board').dataset.moment.split(' ')[0] === m",
        arg=one.page.evaluate(state),
    )
    first, second = numbers(one.page), numbers(two.page)
    common = {name for name in first.keys() & second.keys() if not name.startswith("edit")}
    assert len(common) > 20
    assert {name: first[name] for name in common} == {name: second[name] for name in common}
    phase = "() => document.querySelector('.phases [aria-current]')?.textContent ?? ''"
    assert one.page.evaluate(phase) == two.page.evaluate(phase)


def test_the_pace_is_kept(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    server = serve(spiral())
    watched = open_page(server.address)
    watched.page.get_by_label("Pace").select_option("4")
    press(watched.page, "Play")
    watched.settle()
    assert server.session.ask("state")["rate"] == 4


def test_the_scrubber_stands_where_the_run_does(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    watched = open_page(serve(spiral()).address)
    train(watched, 2)
    assert watched.page.locator(".scrubber").input_value() == "200"

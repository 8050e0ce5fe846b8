"""The board in a real JupyterLab, in Chromium."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scenario
from jupyter import JupyterLab, choose, run_all, wait_for_kernel
from scenario import Lesson

from chainrule.board.scene import spiral

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: pip install -e '.[notebook]'")
pytestmark = pytest.mark.slow

BOARD = "from chainrule import Board\nboard = Board()\nboard"
LEAST = 2000  # numbers that are compared in a lesson


@pytest.fixture(scope="module")
def lab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    lab = JupyterLab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


@pytest.fixture
def open_lab(browser: Any) -> Iterator[Callable[[str], Any]]:
    """Return a function that opens a notebook; nothing may fail in it, or ask for another host."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900})

    def look(request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            complaints.append(f"asked for {request.url}")

    def open_at(address: str) -> Any:
        page = context.new_page()
        page.on("request", look)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield open_at
    context.close()
    assert complaints == []


def board_in(page: Any, place: int = 0) -> Any:
    page.locator(".chainrule-board .panels").nth(place).wait_for(timeout=60_000)
    return page.locator(".chainrule-board").nth(place)


def test_the_lesson(lab: JupyterLab, open_lab: Callable[[str], Any]) -> None:
    page = open_lab(lab.write_notebook("lesson.ipynb", BOARD))
    run_all(page)
    board_in(page)
    assert scenario.tell(Lesson(page, spiral()), live=True) > LEAST


def test_keys_stay_on_the_side_that_has_the_focus(lab: JupyterLab, open_lab: Callable[[str], Any]) -> None:
    page = open_lab(lab.write_notebook("keys.ipynb", BOARD, "open('runs', 'a').write('once ')"))
    run_all(page)
    board_in(page)
    lesson = Lesson(page, spiral())
    cells = page.locator(".jp-Notebook .jp-Cell")
    lesson.press(".")
    for key in ("a", "b", "d", "d", "x", "y", "Shift+Enter", "ArrowDown"):  # the notebook would add, cut and run cells
        page.keyboard.press(key)
    field = lesson.root.locator(".find input")
    field.fill("")
    field.press_sequentially("dd m")
    assert field.input_value() == "dd m"
    assert cells.count() == 2
    assert (lab.folder / "runs").read_text() == "once "
    cells.nth(1).locator(".cm-content").click()
    page.keyboard.type(".,g ")  # in the cell: nothing moves on the board
    lesson.settle()
    assert lesson.root.locator("[data-of=step]").get_attribute("data-exact") == "1"
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    assert cells.count() == 3


def test_several_boards_the_theme_and_the_width(lab: JupyterLab, open_lab: Callable[[str], Any]) -> None:
    two = "Board(hidden_layer_sizes=(4, 4))"
    page = open_lab(lab.write_notebook("several.ipynb", BOARD, two, "board"))
    run_all(page)
    first, second, again = (board_in(page, place) for place in range(3))
    lesson = Lesson(page, spiral())
    lesson.press(".")
    steps = [board.locator("[data-of=step]").get_attribute("data-exact") for board in (first, second, again)]
    assert steps == ["1", "0", "1"]  # the third is the first once more
    assert second.locator("[data-node=W3]").count() == 1
    assert second.locator("datalist option[value=W3]").count() == 1
    assert first.evaluate("e => [e.scrollWidth <= e.clientWidth, getComputedStyle(e).colorScheme]") == [True, "light"]
    before = first.evaluate("e => getComputedStyle(e).backgroundColor")
    choose(page, "Settings", "Theme", "JupyterLab Dark")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    lesson.settle()
    assert first.evaluate("e => getComputedStyle(e).colorScheme") == "dark"
    assert first.evaluate("e => getComputedStyle(e).backgroundColor") != before
    page.set_viewport_size({"width": 800, "height": 900})  # the cell is narrower still: panels one below the other
    lesson.settle()
    inspector, ledger = (first.locator(f".{name}").bounding_box() for name in ("inspector", "ledger"))
    assert ledger["y"] >= inspector["y"] + inspector["height"]
    assert first.evaluate("e => e.scrollWidth <= e.clientWidth")


STOP = """import os, pathlib, signal
pathlib.Path("stopped").write_text(str(os.getpid()))
os.kill(os.getpid(), signal.SIGSTOP)"""


def test_a_kernel_that_does_not_answer_or_goes_is_told_of(lab: JupyterLab, open_lab: Callable[[str], Any]) -> None:
    page = open_lab(lab.write_notebook("restart.ipynb", BOARD, STOP))
    wait_for_kernel(page)
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    board = board_in(page)
    wait_for_kernel(page)
    choose(page, "Run", "Run Selected Cell")
    deadline = time.monotonic() + 30.0
    while not (lab.folder / "stopped").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    board.locator("h1").click()
    page.keyboard.press(".")
    board.get_by_text("No answer from the kernel").wait_for()
    os.kill(int((lab.folder / "stopped").read_text()), signal.SIGCONT)
    board.locator("[data-of=step][data-exact='1']").wait_for()
    board.get_by_text("No answer from the kernel").wait_for(state="detached")
    choose(page, "Kernel", "Restart Kernel…")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    board.get_by_text("run this cell again").wait_for()
    page.keyboard.press(".")
    assert board.locator("[data-of=step]").get_attribute("data-exact") == "1"


def test_a_saved_notebook_says_what_was_there(lab: JupyterLab, open_lab: Callable[[str], Any]) -> None:
    page = open_lab(lab.write_notebook("saved.ipynb", BOARD))
    run_all(page)
    board_in(page)
    page.locator(".jp-Notebook").press("Control+s")
    page.wait_for_function("!document.querySelector('.jp-mod-dirty')")
    saved = (lab.folder / "saved.ipynb").read_text(encoding="utf-8")
    assert "It lives with its kernel: run this cell again" in saved
    assert page.get_by_text("It lives with its kernel").is_hidden()  # the board is there
    choose(page, "Kernel", "Shut Down Kernel")
    page.get_by_text("No Kernel").first.wait_for()
    page.close()
    other = open_lab(lab.address("saved.ipynb", "another"))
    other.get_by_text("It lives with its kernel").wait_for()
    assert other.locator(".jp-OutputArea-output svg").count() == 1


def test_the_guides_picture(lab: JupyterLab, open_lab: Callable[[str], Any], tmp_path: Path) -> None:
    """Into the directory that CHAINRULE_PICTURES names."""
    where = Path(os.environ.get("CHAINRULE_PICTURES", tmp_path)) / "notebook.png"
    page = open_lab(lab.write_notebook("lecture.ipynb", BOARD))
    run_all(page)
    board_in(page)
    choose(page, "Settings", "Theme", "JupyterLab Light")
    page.keyboard.press("Control+b")  # the list of files goes
    lesson = Lesson(page, spiral())
    lesson.root.get_by_role("button", name="100 steps").click()
    lesson.settle()
    for _ in range(4):
        page.keyboard.press("h")  # to the update: every gradient is there
        lesson.settle()
    lesson.root.locator("[data-node=W1]").click()
    lesson.settle()
    page.locator(".jp-Notebook").evaluate("e => { for (; e; e = e.parentElement) e.scrollTop = 0; }")
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)
    page.screenshot(path=where)
    assert where.stat().st_size <= 300_000

"""`chainrule board` as a real process: tables that mean harm, and a server that dies and comes back."""

from __future__ import annotations

import csv
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import chainrule
from chainrule.cli.application import build_application

RUN = [sys.executable, "-c", "import sys; from chainrule.cli.main import run; sys.exit(run())", "board"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(chainrule.__file__).parents[1]), "COLUMNS": "1000"}

SCRIPT = "<script>window.harmed = 1</script>"
IMAGE = '<img src=x onerror="window.harmed = 1">'
DRAWING = '"><svg onload="window.harmed = 1">'
CLOSING = "</script><script>window.harmed = 1</script>"
FORMULA = "=cmd|' /C calc'!A0"
HARMED = """() => [window.harmed, document.querySelectorAll('script').length, document.querySelectorAll('img').length,
    document.querySelectorAll('[onload], [onerror]').length]"""


@pytest.fixture
def launch() -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Return a function that starts `chainrule board` and gives the process and the address it prints."""
    with ExitStack() as stack:

        def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
            process = subprocess.Popen(
                [*RUN, *arguments, "--no-open"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
            )
            stack.callback(process.wait, 20)
            stack.callback(process.kill)
            assert process.stdout is not None
            stack.callback(process.stdout.close)
            for line in process.stdout:
                if "http://" in line:
                    return process, line[line.index("http://") :].strip()
            raise AssertionError(f"no address was printed; exit status {process.wait(20)}")

        yield start


def write_hostile(where: Path) -> Path:
    chance = random.Random(0)
    path = where / f"{IMAGE.replace('/', '')}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([SCRIPT, FORMULA, IMAGE, DRAWING])
        for _ in range(60):
            cell, label = chance.choice([IMAGE, FORMULA, "plain"]), chance.choice([SCRIPT, CLOSING, "+1+1"])
            writer.writerow([chance.gauss(0.0, 1.0), cell, chance.gauss(0.0, 1.0), label])
    return path


def test_markup_and_formulas_in_a_table_are_shown_as_they_stand(
    tmp_path: Path, launch: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    """In headers, cells, classes and the file's name: on the page, in every panel, no script runs."""
    _, address = launch(str(write_hostile(tmp_path)), "--target", DRAWING)
    watched = open_page(address)
    page = watched.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.locator("[data-row]").first.click()
    watched.settle()
    page.fill("#find", "W1[0, 3]")
    page.press("#find", "Enter")
    watched.settle()
    page.keyboard.press("g")
    page.locator(".check .verdict").wait_for(timeout=60_000)
    page.keyboard.press(".")
    watched.settle()
    page.keyboard.press("q")
    page.locator(".quiz button").first.click()
    page.locator(".quiz form").wait_for()
    shown = page.locator("body").text_content()
    for text in (SCRIPT, CLOSING, IMAGE, FORMULA, DRAWING, IMAGE.replace("/", "")):
        assert text in shown, f"{text} does not stand on the page"
    assert page.evaluate(HARMED) == [None, 1, 0, 0]
    assert dialogs == []
    assert page.locator("[data-of=step]").get_attribute("data-exact") == "1"


def test_an_exported_file_of_a_hostile_table_is_harmless(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    from chainrule.board.export import export
    from chainrule.board.open import open_scene
    from chainrule.board.session import Session

    with Session(open_scene(write_hostile(tmp_path), target=DRAWING)) as session:
        export(session, tmp_path / "run.html")
    page = open_page((tmp_path / "run.html").as_uri()).page
    shown = page.locator("#board, .chainrule-board").first.text_content()
    for text in (SCRIPT, CLOSING, IMAGE, DRAWING):
        assert text in shown
    assert [page.evaluate(HARMED)[place] for place in (0, 2, 3)] == [None, 0, 0]


HALVES = "".join(f"{i},{'x' if i % 2 else 'y'}\n" for i in range(20))
REFUSED = {
    "ragged": ("a,b,c\n1,2,x\n3,y\n4,5,6,z\n", "line 3: 2 fields where the header has 3"),
    "one class": ("a,c\n" + "1,x\n2,x\n" * 10, "one class only: 'x'"),
    "no label": ("a,c\n" + "1,\n2,\n" * 10, "no value in any of the 20 rows"),
    "nothing but gaps": ("a,c\n" + ",x\n,y\n" * 10, "every value is missing"),
    "infinite": ("a,c\n" + HALVES.replace("3,", "inf,", 1), "infinite"),
    "only the target": ("c\n" + "x\ny\n" * 10, "no column besides the target 'c'"),
    "no such column": ("a,b\n" + HALVES, "column 'c'"),
    "empty": ("", "is empty"),
    "no rows": ("a,c\n", "no rows"),
    "not UTF-8": ("a,c\n1,é\n2,x\n".encode("latin-1"), "not UTF-8"),
    "not text": (bytes(range(256)) * 8, "not text"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_table_that_makes_no_run_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    content, told = REFUSED[kind]
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = CliRunner().invoke(build_application(), ["board", str(path), "--target", "c", "--no-open"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert told in " ".join(result.stderr.split())


def test_gaps_in_a_table_become_numbers_that_are_shown(
    tmp_path: Path, serve: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    from chainrule.board.open import open_scene

    path = tmp_path / "gaps.csv"
    rows = [f"{'' if i % 3 == 0 else i},{'NaN' if i % 4 == 0 else i * i},{'x' if i % 2 else 'y'}" for i in range(40)]
    path.write_text("\n".join(["a,b,c", *rows]) + "\n")
    watched = open_page(serve(open_scene(path, target="c")).address)
    watched.page.get_by_role("button", name="100 steps").click()
    watched.settle()
    exact = watched.page.evaluate("() => [...document.querySelectorAll('[data-exact]')].map(e => e.dataset.exact)")
    assert len(exact) > 50
    assert not {"NaN", "Infinity", "-Infinity", ""} & set(exact)


def test_a_killed_server_that_comes_back_is_found_by_its_page(
    launch: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    same = ("--port", port, "--token", "the-same-token")
    process, address = launch(*same)
    watched = open_page(address)
    page = watched.page
    page.fill("#find", "W1[0, 3]")
    page.press("#find", "Enter")
    watched.settle()  # the focus is on the node then, where a full stop is a step
    page.keyboard.press(".")
    watched.settle()
    seen = page.locator("[data-of='value W1[0, 3]']").get_attribute("data-exact")
    process.kill()
    page.get_by_text("Waiting for the board").wait_for()
    launch(*same)
    page.get_by_text("Waiting for the board").wait_for(state="detached", timeout=20_000)
    watched.settle()
    # The same scene from its start: the run is a function of its seed, so its first step gives the same number.
    assert page.locator("[data-of=step]").get_attribute("data-exact") == "0"
    page.keyboard.press(".")
    watched.settle()
    assert page.locator("[data-of=step]").get_attribute("data-exact") == "1"
    assert page.locator("[data-of='value W1[0, 3]']").get_attribute("data-exact") == seen
    assert all("WebSocket" in complaint for complaint in watched.complaints), watched.complaints
    watched.complaints.clear()  # that nobody answered while nobody was there


def test_ctrl_c_ends_the_board_as_it_says(launch: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    process, address = launch()
    watched = open_page(address)
    watched.page.keyboard.press(" ")  # a run that goes on, with a page that looks
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    watched.page.get_by_text("Waiting for the board").wait_for()
    watched.complaints.clear()  # that nobody answers any more

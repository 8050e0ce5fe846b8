"""The board as one file: whole or not at all, small, and honest about what it holds."""

from __future__ import annotations

import base64
import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from chainrule.board.export import export
from chainrule.board.scene import Network, of_rows, spiral
from chainrule.board.session import Session
from chainrule.cli.application import build_application
from chainrule.errors import InputError


def test_a_recording_leaves_the_run_alone_and_tells_how_far_it_is(tmp_path: Path) -> None:
    heard: list[dict[str, Any]] = []
    with Session(spiral()) as session:
        session.ask("step", count=30)
        session.ask("seek", step=10)
        session.ask("phase")
        before = session.ask("state"), session.ask("block", node="W1")["entries"]
        session.watch(heard.append)
        progress: list[tuple[int, int]] = []
        export(session, tmp_path / "run.html", steps=3, progress=lambda done, of: progress.append((done, of)))
        after = session.ask("state"), session.ask("block", node="W1")["entries"]
        assert session.ask("step", count=20)["step"] == 30
    assert progress == [(1, 3), (2, 3), (3, 3)]
    assert after[0] == before[0]
    np.testing.assert_array_equal(after[1], before[1])
    assert len(heard) == 1  # of the last step alone


def test_the_command_writes_one_and_says_so(tmp_path: Path) -> None:
    where = tmp_path / "run.html"
    done = CliRunner().invoke(build_application(), ["board", "--export", str(where), "--steps", "2"])
    assert done.exit_code == 0, done.stderr
    assert where.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"Wrote {where}" in done.stderr
    refused = CliRunner().invoke(build_application(), ["board", "--steps", "2"])
    assert refused.exit_code != 0
    assert "give --export run.html too" in refused.stderr


@pytest.mark.slow
def test_twenty_steps_of_the_lecture_take_less_than_two_megabytes(tmp_path: Path) -> None:
    with Session(spiral()) as session:
        for _ in range(20):
            session.ask("step", count=20)
        assert export(session, tmp_path / "run.html").stat().st_size < 2_000_000


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"steps": 0}, "at least 1"),
        ({"steps": [3, 99]}, "from 0 to 5"),
        ({"steps": []}, "from 0 to 5"),
        ({"samples": [300]}, "from 0 to 299"),
        ({"entries": ["W9[0, 0]"]}, "W9"),
        ({"entries": ["W1[0, 100]"]}, "W1"),
        ({"entries": ["Z1[0, 0]"]}, "of parameters"),
    ],
)
def test_what_cannot_be_recorded_is_said_and_nothing_is_written(
    tmp_path: Path, options: dict[str, Any], match: str
) -> None:
    with Session(spiral()) as session:
        session.ask("step", count=5)
        with pytest.raises(InputError, match=match):
            export(session, tmp_path / "run.html", **options)
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(InputError, match="there is no directory"):
            export(session, tmp_path / "nowhere" / "run.html")
        with pytest.raises(InputError, match="it is a directory"):
            export(session, tmp_path)


def test_a_run_that_is_changed_meanwhile_is_not_half_recorded(tmp_path: Path) -> None:
    where = tmp_path / "run.html"
    where.write_text("what was there")
    with Session(spiral()) as session:
        session.ask("step", count=5)
        with pytest.raises(InputError, match="was changed while it was recorded"):
            export(session, where, progress=lambda *_: session.ask("edit", entry="b2[0]", value=1.0))
    assert where.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [where]


def test_arrays_that_come_again_are_kept_once(tmp_path: Path) -> None:
    with Session(spiral()) as session:
        session.ask("step", count=5)
        text = export(session, tmp_path / "run.html", steps=2, check=0).read_text(encoding="utf-8")
    packed = re.search(r'id="record">([^<]*)<', text)
    assert packed is not None
    points = spiral().X.astype(np.float64).tobytes()
    assert gzip.decompress(base64.b64decode(packed[1])).count(points) == 1


def test_it_plays_steps_and_says_what_was_not_recorded(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    with Session(spiral(Network(hidden_layer_sizes=(20,)))) as session:
        session.ask("step", count=60)
        where = export(session, tmp_path / "run.html", steps=4, check=0)
    watched = open_page(where.as_uri() + "#step=20&entry=W1[0,3]")
    page = watched.page
    step = page.locator("[data-of=step]")
    assert step.get_attribute("data-exact") == "20"  # the link's
    assert page.locator(".ledger tfoot").is_visible()
    page.get_by_role("button", name="Play").click()
    page.locator("[data-of=step][data-exact='60']").wait_for()
    page.get_by_role("button", name="Play").wait_for()  # it has stopped at the end
    page.get_by_role("button", name="To the start").click()
    watched.settle()
    assert step.get_attribute("data-exact") == "0"
    for at in (("0", "forward"), ("0", "loss"), ("0", "backward"), ("0", "update"), ("20", "forward")):
        page.locator("body").press("h")
        watched.settle()
        assert (step.get_attribute("data-exact"), page.locator(".phases [aria-current]").inner_text()) == at
    page.fill("#find", "W1[1, 7]")
    page.press("#find", "Enter")
    watched.settle()
    assert page.get_by_text("W1[1, 7] was not recorded").count() == 3  # inspector, ledger and notice
    page.locator(".ledger .link").first.click()
    watched.settle()
    assert page.locator(".ledger tfoot").is_visible()
    names = set(page.get_by_role("button").all_inner_texts())
    assert not names & {"100 steps", "Network", "Quiz", "Set", "Check the gradients", "more"}
    assert page.get_by_text("No check was recorded").is_visible()
    for row in page.locator("[data-row]").all():  # every row that can be chosen is there
        row.click()
        watched.settle()
        assert page.locator(".residual").is_visible()
    assert page.locator(".hint", has_text="was not recorded").count() == 0


def test_markup_in_a_table_stays_text_in_a_file(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    chance = np.random.default_rng(0)
    evil = (
        "</script><script>document.title='taken'</script><img src=http://example.org/x onerror=document.title='taken'>"
    )
    labels = np.array([evil, "b"])[chance.integers(0, 2, 40)]
    with Session(of_rows(chance.normal(size=(40, 3)), labels, hidden_layer_sizes=(4,))) as session:
        session.ask("step", count=3)
        where = export(session, tmp_path / "run.html", steps=2)
    page = open_page(where.as_uri()).page
    assert page.title() == "chainrule board"
    assert page.get_by_text("onerror=").first.is_visible()


def test_it_can_be_held_in_a_hand(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    with Session(spiral(Network(hidden_layer_sizes=(20,)))) as session:
        where = export(session, tmp_path / "run.html", samples=[7], entries=["W1[0, 3]"])
    page = open_page(where.as_uri() + "#entry=W1[0,3]", viewport={"width": 390, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.slow
def test_the_guides_picture(tmp_path: Path, open_page: Callable[..., Any]) -> None:
    """Into the directory that CHAINRULE_PICTURES names."""
    where = Path(os.environ.get("CHAINRULE_PICTURES", tmp_path)) / "exported.png"
    with Session(spiral()) as session:
        for _ in range(20):
            session.ask("step", count=20)
        file = export(session, tmp_path / "run.html")
    watched = open_page(file.as_uri() + "#step=200&focus=150&entry=W1[0,3]", viewport={"width": 1440, "height": 1300})
    watched.page.locator(".graph .scroll, .ledger .scroll").first.wait_for()
    watched.settle()
    watched.page.screenshot(path=where)
    assert where.stat().st_size <= 300_000

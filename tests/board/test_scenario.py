"""The same lesson on the page, in a file opened from disk, and in JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scenario
from scenario import ENTRIES, ROW, STEPS, Lesson

from chainrule.board.export import export
from chainrule.board.scene import spiral
from chainrule.board.session import Session

LEAST = 2000  # numbers that are compared in a lesson


def test_on_the_page(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    scene = spiral()
    page = open_page(serve(scene).address).page
    assert scenario.tell(Lesson(page, scene), live=True) > LEAST


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that holds the lesson's steps, row and entries."""
    with Session(spiral()) as session:
        session.ask("goto", step=STEPS[-1])
        where = tmp_path_factory.mktemp("export") / "run.html"
        return export(session, where, steps=STEPS, samples=[ROW], entries=ENTRIES)


def test_in_a_file(recording: Path, open_page: Callable[..., Any]) -> None:
    page = open_page(recording.as_uri() + "#step=0").page
    assert scenario.tell(Lesson(page, spiral()), live=False) > LEAST

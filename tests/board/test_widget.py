"""What a notebook keeps of a board, and what goes through its kernel; JupyterLab itself is in test_jupyterlab."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chainrule import Board


def test_it_shows_itself_and_keeps_what_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.publish_display_data", lambda data, *_: published.append(data))
    board = Board(hidden_layer_sizes=(4,))
    try:
        board._ipython_display_()
    finally:
        board.close()
    kept, view = published
    assert "Board of the spiral: 300 points, 3 arms. It lives with its kernel" in kept["text/html"]
    assert "<svg" in kept["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in view


def test_requests_through_the_kernel_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(hidden_layer_sizes=(4,))
    sent: list[tuple[Any, Any]] = []
    monkeypatch.setattr(board, "send", lambda content, buffers: sent.append((content, buffers)))
    try:
        for content in ("nonsense", {"cmd": 3}, {"page": "a", "id": 1, "cmd": "dance"}):
            board._hear(board, content, [])
        board._hear(board, {"page": "a", "id": 2, "cmd": "block", "args": {"node": "W1"}}, [])
        deadline = time.monotonic() + 10.0
        while len(sent) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        board.close()
    (refused, _), (answer, buffers) = sent
    assert (refused["id"], refused["ok"]) == (1, False)
    assert "no command 'dance'" in refused["error"]
    assert (answer["page"], answer["id"], answer["ok"]) == ("a", 2, True)
    assert len(buffers[0]) == 8 * 2 * 4

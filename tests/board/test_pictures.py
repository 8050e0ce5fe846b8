"""The guide's pictures of the board: made from the page itself, of known states, and never stale."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import board_tour
import numpy as np
import pytest

from chainrule.board.answers import scene
from chainrule.board.messages import compose
from chainrule.board.scene import spiral
from chainrule.board.stage import Stage

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "docs" / "images" / "board"
STATIC = ROOT / "src" / "chainrule" / "board" / "static"
LARGEST = 250_000  # bytes
PAGES: dict[str, tuple[str, dict[str, Any]]] = {  # the whole page: the address's hash, and the browser
    "desktop": ("", {"viewport": {"width": 1440, "height": 900}}),
    "dark": ("", {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"}),
    "projector": ("#projector", {"viewport": {"width": 1280, "height": 720}}),
    "phone": ("", {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}),
}
PANELS = {  # in which state of the tour each is drawn
    "graph": "an entry and its ledger", "ledger": "an entry and its ledger", "samples": "an entry and its ledger",
    "plane": "an entry and its ledger", "timeline": "an entry and its ledger", "check": "checked",
    "inspector": "edited", "network": "the network's form", "quiz": "asked",
}  # fmt: skip
NAMES = sorted([*PAGES, *PANELS])


def sources() -> str:
    """Return a digest of what the pictures are made from: the page, the scene, the way through it."""
    stage = Stage(spiral())
    told = compose(scene(stage)).content
    parts = [
        (STATIC / "board.js").read_bytes(), (STATIC / "board.css").read_bytes(), json.dumps(told).encode(),
        np.round(stage.scene.X, 6).tobytes(), Path(board_tour.__file__).read_bytes(), repr((PAGES, PANELS)).encode(),
    ]  # fmt: skip
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def test_the_guides_pictures_are_of_this_page() -> None:
    told = json.loads((KEPT / "made_from.json").read_text())
    remake = "they are of another page: `make pictures` makes them anew"
    assert told["sources"] == sources(), remake
    assert sorted(told["pictures"]) == NAMES
    for name, digest in told["pictures"].items():
        picture = (KEPT / f"{name}.png").read_bytes()
        assert hashlib.sha256(picture).hexdigest() == digest, f"{name}.png is not the one that was made: {remake}"
        assert len(picture) <= LARGEST


@pytest.mark.slow
def test_the_pictures_are_made(serve: Callable[..., Any], open_page: Callable[..., Any], tmp_path: Path) -> None:
    """Into the directory that CHAINRULE_PICTURES names, as `make pictures` does it."""
    where = Path(os.environ.get("CHAINRULE_PICTURES", tmp_path))
    for name, (hash_, options) in PAGES.items():
        server = serve(spiral())
        watched = open_page(server.address + hash_, reduced_motion="reduce", **options)
        watched.page.evaluate("document.querySelector('.run').style.position = 'static'")  # not over the panels
        for state in board_tour.tour(watched, server):
            if state == "an entry and its ledger":
                watched.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
                still(watched.page)
                watched.page.screenshot(path=where / f"{name}.png")
            if name == "desktop":
                for panel in (panel for panel, at in PANELS.items() if at == state):
                    still(watched.page)
                    watched.page.locator(f".panel.{panel}").screenshot(path=where / f"{panel}.png")
            if state == "an entry and its ledger" and name != "desktop":
                break
    pictures = {name: (where / f"{name}.png").read_bytes() for name in NAMES}
    for name, picture in pictures.items():
        assert len(picture) <= LARGEST, name
    digests = {name: hashlib.sha256(picture).hexdigest() for name, picture in pictures.items()}
    told = json.dumps({"sources": sources(), "pictures": digests}, indent=2)
    (where / "made_from.json").write_text(told + "\n")


def still(page: Any) -> None:
    """Take the mouse away, and wait until the canvases are painted."""
    page.mouse.move(0, 0)
    page.evaluate("async () => { for (let i = 0; i < 5; ++i) await new Promise(requestAnimationFrame); }")

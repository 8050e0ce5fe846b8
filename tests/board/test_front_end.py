"""The page's files are what the sources make, and small."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from chainrule.board.scene import spiral

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src" / "chainrule" / "board" / "web"
STATIC = files("chainrule.board") / "static"
NAMES = ("board.js", "board.css", "widget.js", "recorded.js")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_takes_less_than_150_kilobytes(name: str) -> None:
    assert len((STATIC / name).read_bytes()) + len((STATIC / "board.css").read_bytes()) < 150_000


def has_tools() -> bool:
    return shutil.which("node") is not None and (WEB / "node_modules" / "esbuild").exists()


@pytest.mark.skipif(not has_tools(), reason="needs Node and `npm install` in src/chainrule/board/web")
def test_the_bundle_is_what_its_sources_make(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=WEB, check=True, timeout=120)
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (STATIC / name).read_bytes(), f"{name}: npm run build makes it anew"


@pytest.mark.skipif(not has_tools(), reason="needs Node and `npm install` in src/chainrule/board/web")
def test_the_sources_types_hold() -> None:
    told = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "-p", "jsconfig.json"], cwd=WEB, capture_output=True, text=True,
        timeout=240,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout


PAINTED = """() => [...document.querySelectorAll('canvas.heat, .axes canvas')].map(canvas => canvas.toDataURL())"""


def test_pictures_are_of_the_numbers_beside_them(serve: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    server = serve(spiral())
    watched = open_page(server.address)
    stop = server.session.watch(lambda _: time.sleep(0.3))  # the page draws before it is answered
    watched.page.get_by_role("button", name="100 steps").click()
    watched.page.locator("[data-of=step][data-exact='100']").wait_for()
    watched.settle()
    stop()
    before = watched.page.evaluate(PAINTED)
    watched.page.reload()
    watched.settle()
    watched.page.wait_for_timeout(200)
    assert before == watched.page.evaluate(PAINTED)

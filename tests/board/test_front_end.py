"""The page's files are what the sources make, and small."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

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

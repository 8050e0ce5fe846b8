"""The guide to inspection works as told: its code is executed, and prints what the page prints."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NUMBER = re.compile(r"[-+−]?\d+\.?\d*(?:e[-+]?\d+)?")


class Numbers(doctest.OutputChecker):
    """Compares words as words, and numbers to three digits: the last ones are a processor's own."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        if NUMBER.sub("#", want.replace("<BLANKLINE>", "")).split() != NUMBER.sub("#", got).split():
            return False
        pairs = zip(NUMBER.findall(want), NUMBER.findall(got), strict=True)
        return all(self._close(float(a.replace("−", "-")), float(b.replace("−", "-"))) for a, b in pairs)

    def _close(self, a: float, b: float) -> bool:
        return abs(a - b) <= 2e-3 * max(abs(a), abs(b)) or max(abs(a), abs(b)) < 1e-8  # what is 0 but for rounding


def test_the_page_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "inspection.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(blocks, {}, "inspection.md", "docs/inspection.md", 0)
    reports: list[str] = []
    result = doctest.DocTestRunner(checker=Numbers(), verbose=False).run(examples, out=reports.append)
    assert result.attempted > 25
    assert result.failed == 0, "".join(reports)

"""A trained model, and commands run in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chainrule.cli.application import build_application

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


def run_command(*arguments: str | Path) -> Any:
    """Run a command; the result has exit_code, stdout and stderr."""
    return CliRunner().invoke(build_application(), [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with penguins.csv and a model of it, made by the command line."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copy(PENGUINS, folder)
    model = folder / "penguins.chainrule"
    result = run_command("train", folder / "penguins.csv", "--target", "species", "-o", model, "--quiet")
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture
def here(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own copy of that folder, which is the current directory."""
    for path in trained.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    # So that tables have the same width wherever the tests run.
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def run(here: Path) -> Callable[..., Any]:
    """Run a command in that folder."""
    return run_command


@pytest.fixture
def fails(run: Callable[..., Any], here: Path) -> Callable[..., str]:
    """Run a command that must fail for its input, and return what it says: one line, nothing written."""

    def failing(*arguments: str | Path) -> str:
        before = sorted(path.name for path in here.iterdir())
        result = run(*arguments)
        assert result.exit_code == 1, (result.exit_code, result.stdout, result.stderr)
        assert result.stdout == ""
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.stderr
        assert len(result.stderr.splitlines()) <= 2
        assert sorted(path.name for path in here.iterdir()) == before
        return str(result.stderr)

    return failing

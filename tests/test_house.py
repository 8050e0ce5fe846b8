"""The house rules that a machine can check: import direction, types, style, what an import costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"),
        ("-m", "mypy"),
        ("-m", "ruff", "check", "."),
        ("-m", "ruff", "format", "--check", "."),
    ],
    ids=["imports", "types", "lint", "format"],
)
def test_house_rules(command):
    done = _run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_costs_numpy_and_the_kernels_only():
    heavy = ["sklearn", "scipy.linalg", "scipy.sparse", "duckdb", "narwhals", "matplotlib", "typer", "rich", "pandas"]
    code = f"import chainrule, chainrule.engine, sys; print([name for name in {heavy} if name in sys.modules])"
    done = _run("-c", code)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_every_public_name_is_there():
    import chainrule

    for name in chainrule.__all__:
        assert getattr(chainrule, name) is not None
    assert set(chainrule.__all__) <= set(dir(chainrule))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = chainrule.nothing


def test_the_error_tree_in_the_docstring_is_the_real_one():
    from chainrule import errors

    for name in ("InputError", "TableError", "GraphError", "ShapeError", "ModelFileError", "UnsupportedError"):
        kind = getattr(errors, name)
        assert issubclass(kind, errors.ChainruleError)
        assert issubclass(kind, ValueError)
        assert name in errors.__doc__

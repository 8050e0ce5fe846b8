"""Measurements that need a new process each: started with a name, answering with one line of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.networks.lineup import ROOT


def start(module: str, *arguments: str, threads: int | None = None) -> subprocess.Popen[str]:
    """Start ``python -m benchmarks.networks.<module> child ...`` with a pipe from its standard output."""
    counts = {} if threads is None else {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.networks.{module}", "child", *arguments],
        cwd=ROOT,
        env={**os.environ, **counts},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer_of(process: subprocess.Popen[str], patience: float = 300.0) -> dict[str, Any]:
    """Return what the process said last; raises `ChildFailed` with the last line of its errors."""
    try:
        said, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired as late:
        process.kill()
        process.communicate()
        raise ChildFailed(f"no answer within {patience:.0f} s") from late
    if process.returncode:
        raise ChildFailed((errors.strip().splitlines() or [f"status {process.returncode}"])[-1])
    answer: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    return answer


class ChildFailed(Exception):  # noqa: N818 - an outcome that the table names
    """The process ended with an error, or not in time."""

"""A real JupyterLab over loopback, and what a person does in it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE = 60_000  # milliseconds: a kernel starts


class JupyterLab:
    """A server in a folder of its own, with a token."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        homes = {f"JUPYTER_{name}_DIR": str(folder / "jupyter" / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        self.log = (folder / "jupyter.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}",
             "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={folder}",
             "--LabApp.extension_manager=readonly"],
            env={**os.environ, **homes, "IPYTHONDIR": str(folder / "ipython")}, cwd=folder, stdout=self.log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + 60.0
        while not self._is_up():
            assert self.process.poll() is None and time.monotonic() < deadline, (folder / "jupyter.log").read_text()
            time.sleep(0.2)

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/status?token={self.token}", timeout=2):
                return True
        except OSError:
            return False

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def write_notebook(self, name: str, *cells: str) -> str:
        """Write a notebook; return the address that opens it."""
        notebook = {
            "cells": [
                {"cell_type": "code", "id": f"cell{i}", "metadata": {}, "execution_count": None, "outputs": [],
                 "source": source}
                for i, source in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
            "nbformat": 4, "nbformat_minor": 5,
        }  # fmt: skip
        (self.folder / name).write_text(json.dumps(notebook), encoding="utf-8")
        return f"http://127.0.0.1:{self.port}/lab/tree/{name}?token={self.token}"


def run_all(page: Any) -> None:
    """Run every cell from the Run menu, once the kernel is there."""
    page.get_by_text("Python 3 (ipykernel) | Idle").first.wait_for(timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

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
        names = ("JUPYTER_CONFIG", "JUPYTER_DATA", "JUPYTER_RUNTIME", "JUPYTERLAB_SETTINGS", "JUPYTERLAB_WORKSPACES")
        homes = {f"{name}_DIR": str(folder / "jupyter" / name) for name in names}
        settings = folder / "jupyter" / "JUPYTERLAB_SETTINGS" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(
            '{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8"
        )
        self.log = (folder / "jupyter.log").open("wb")
        options = {
            "ip": "127.0.0.1", "port": self.port, "ServerApp.port_retries": 0, "ServerApp.root_dir": folder,
            "IdentityProvider.token": self.token, "LabApp.extension_manager": "readonly",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
            + [f"--{name}={value}" for name, value in options.items()],
            env={**os.environ, **homes, "IPYTHONDIR": str(folder / "ipython")},
            cwd=folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
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
        return self.address(name)

    def address(self, name: str, workspace: str = "") -> str:
        """Return what opens a notebook in a workspace of its own, where nothing else is open."""
        workspace = workspace or Path(name).stem
        return f"http://127.0.0.1:{self.port}/lab/workspaces/{workspace}/tree/{name}?token={self.token}"


def run_all(page: Any) -> None:
    """Run every cell, once the kernel is there."""
    wait_for_kernel(page)
    choose(page, "Run", "Run All Cells")


def wait_for_kernel(page: Any) -> None:
    page.get_by_text("Python 3 (ipykernel) | Idle").first.wait_for(timeout=PATIENCE)


def choose(page: Any, *path: str) -> None:
    """Choose from the menus."""
    page.get_by_role("menuitem", name=path[0], exact=True).click()
    for name in path[1:]:
        page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()

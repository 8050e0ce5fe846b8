"""A board that is served, and a real browser to open it in."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

TALLY: Counter[str] = Counter()
WORST: dict[str, float] = {}


@pytest.fixture(scope="session")
def tally() -> Counter[str]:
    """How much was compared: told at the end."""
    return TALLY


@pytest.fixture(scope="session")
def worst() -> dict[str, float]:
    """The largest errors by what they are of: told at the end."""
    return WORST


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = [f"{count:,} {what}" for what, count in sorted(TALLY.items())]
    told += [f"{what} {error:.1e}" for what, error in sorted(WORST.items())]
    if told:
        terminalreporter.write_line(f"The board's truth: {', '.join(told)}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    where = shutil.which("chromium") or shutil.which("google-chrome")
    if where is None:
        pytest.skip("there is no chromium on the PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=where, args=["--no-sandbox", "--disable-background-networking"]
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    """Return a function that serves a scene and gives the server; all of them end with the test."""
    from chainrule.board.server import Server
    from chainrule.board.session import Session

    with ExitStack() as stack:

        def start(scene: Any, **options: Any) -> Any:
            session = stack.enter_context(Session(scene))
            server = Server(session, **options)
            ready = threading.Event()
            thread = threading.Thread(target=server.run, kwargs={"when_ready": ready.set}, daemon=True)
            thread.start()
            assert ready.wait(20)
            stack.callback(thread.join, 10)
            stack.callback(server.stop)
            return server

        yield start


# Two frames on: what an event has set off has been drawn by then.
SETTLED = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
    done(Boolean(document.querySelector('.chainrule-board')?.dataset.moment)))))"""


class Watched:
    """A page, and whatever it should not have done."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._look)
        page.on("websocket", self._look)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _look(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "file:", "blob:")):
            self.complaints.append(f"asked for {request.url}")

    def settle(self) -> None:
        """Wait until all that is shown is of one moment."""
        deadline = time.monotonic() + 60.0
        while not self.page.evaluate(SETTLED):
            assert time.monotonic() < deadline, "the page does not settle"


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Return a function that opens an address; the test fails if a page complained or asked for another host."""
    contexts, pages = [], []

    def open_at(address: str, **options: Any) -> Watched:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        watched = Watched(context.new_page())
        pages.append(watched)
        watched.page.goto(address)
        watched.settle()
        return watched

    yield open_at
    for context in contexts:
        context.close()
    assert [complaint for watched in pages for complaint in watched.complaints] == []

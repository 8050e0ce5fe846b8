"""The board: what rewinding costs, what training loses to a page that watches, how long a click takes.

    python benchmarks/board.py [--quick] [--json FILE]

Rewind: 10,000 steps of 2-100-3 and a longer run of 784-256-128-10 with adam; bytes of the past, and the time of seeks
to random steps. Speed: steps a second of the same run without a page and with one that watches it, in turns. Click:
784-256-128-10 trains on random rows while a page watches; another connection asks about random entries, and in the
page's own Chromium a card is clicked and timed until the inspector shows it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from websockets.sync.client import connect

from chainrule.board.course import Course
from chainrule.board.open import open_scene
from chainrule.board.scene import Scene, spiral
from chainrule.board.server import Server
from chainrule.board.session import Session

# Counts the frames that the page has shown, by their loss.
WATCHING = """() => {
    const root = document.querySelector('.chainrule-board');
    const seen = new Set();
    new MutationObserver(() => seen.add(root.querySelector('[data-of=loss]')?.dataset.exact))
        .observe(root, {subtree: true, childList: true, characterData: true, attributes: true});
    window.framesShown = seen;
}"""
# Times a click on a card until the inspector names what was clicked.
CLICK = """name => new Promise(done => {
    const began = performance.now();
    const look = () => document.querySelector('.inspector .aside')?.textContent === name
        ? done(performance.now() - began) : requestAnimationFrame(look);
    document.querySelector(`[data-node="${name}"]`).click();
    look();
})"""


def digits_like() -> Scene:
    """Return rows like MNIST's in shape, and 784-256-128-10."""
    drawn = np.random.default_rng(0)
    X, y = drawn.random((20_000, 784), dtype=np.float32), drawn.integers(0, 10, 20_000)
    return open_scene(X, y, hidden_layer_sizes=(256, 128), batch_size=128, learning_rate=1e-3, solver="adam")


def course_of(scene: Scene) -> Course:
    return Course(scene.graph, scene.X, scene.labels, scene.recipe, scene.start)


def rewind(scene: Scene, n_steps: int, n_seeks: int) -> dict[str, float]:
    course = course_of(scene)
    course.advance(n_steps)
    chance, times = random.Random(0), []
    for _ in range(n_seeks):
        step = chance.randint(0, n_steps)
        began = time.perf_counter()
        course.seek(step)
        times.append(1e3 * (time.perf_counter() - began))
    return {"steps": n_steps, "megabytes": course.nbytes / 1e6, **summary("seek", times)}


def summary(name: str, milliseconds: list[float]) -> dict[str, float]:
    return {f"{name}_median_ms": statistics.median(milliseconds), f"{name}_worst_ms": max(milliseconds)}


@contextmanager
def watched(scene: Scene, chromium: Any) -> Iterator[tuple[Session, Server, Any]]:
    """A session, its server, and a page that watches it."""
    with Session(scene) as session:
        server, ready = Server(session), threading.Event()
        thread = threading.Thread(target=server.run, kwargs={"when_ready": ready.set}, daemon=True)
        thread.start()
        ready.wait(20)
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(server.address)
        page.locator(".card").first.wait_for()
        page.evaluate(WATCHING)
        yield session, server, page
        page.close()
        server.stop()
        thread.join(10)


def speed(scene: Scene, chromium: Any, seconds: float, rounds: int) -> dict[str, float]:
    """Return the share of its speed that a run keeps while a page watches."""
    course, shares, frames = course_of(scene), [], []
    with watched(scene, chromium) as (session, _, page):
        for _ in range(rounds):
            alone = steps_alone(course, seconds / 2)
            page.evaluate("() => window.framesShown.clear()")
            began, first = time.perf_counter(), session.ask("play")["step"]
            page.wait_for_timeout(1e3 * seconds)
            rate = (session.ask("pause")["step"] - first) / (time.perf_counter() - began)
            frames.append(page.evaluate("() => window.framesShown.size") / seconds)
            alone = (alone + steps_alone(course, seconds / 2)) / 2
            shares.append(rate / alone)
    return {
        "share": statistics.median(shares),
        "least_share": min(shares),
        "frames_a_second": statistics.median(frames),
    }


def steps_alone(course: Course, seconds: float) -> float:
    """Return steps a second without a page."""
    began, taken = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        taken += course.advance(10)
    return taken / (time.perf_counter() - began)


def clicks(scene: Scene, chromium: Any, n: int) -> dict[str, float]:
    """Return how long a click takes while the run plays, over the wire and in the page."""
    chance, asked, clicked = random.Random(0), [], []
    names = [f"{d}{node}" for node in ("W1", "W2", "W3", "Z1", "A1", "Z2", "A2", "Z3", "b1") for d in ("", "d")]
    with watched(scene, chromium) as (session, server, page):
        session.ask("play")
        where = server.address.replace("http", "ws").replace("/?", "/session?")
        with connect(where, origin=f"http://127.0.0.1:{server.port}", max_size=None) as socket:
            for i in range(n):
                entry = f"W1[{chance.randrange(784)}, {chance.randrange(256)}]"
                began = time.perf_counter()
                socket.send(json.dumps({"id": i, "cmd": "inspect", "args": {"entry": entry}}))
                while f'"id":{i},"ok":true'.encode() not in socket.recv(timeout=60):
                    pass
                asked.append(1e3 * (time.perf_counter() - began))
                time.sleep(0.02)
        for _ in range(n):
            name = chance.choice([name for name in names if name != names[-1]])
            names.append(names.pop(names.index(name)))  # not the same twice in a row
            clicked.append(page.evaluate(CLICK, name))
            page.wait_for_timeout(20)
    above = sum(one > 100.0 for one in clicked)
    return {**summary("asked", asked), **summary("clicked", clicked), "clicked_above_100_ms": above}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps, seeks and clicks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    options = parser.parse_args()
    few = options.quick
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        large = digits_like()
        measures = {
            "rewind 2-100-3": lambda: rewind(spiral(), 10_000, 30 if few else 200),
            "rewind 784-256-128-10": lambda: rewind(large, 500 if few else 3000, 10 if few else 100),
            "speed 2-100-3": lambda: speed(spiral(), chromium, 3.0, 2 if few else 5),
            "speed 784-256-128-10": lambda: speed(large, chromium, 3.0, 2 if few else 5),
            "click 784-256-128-10": lambda: clicks(large, chromium, 20 if few else 100),
        }
        figures = {}
        for name, measure in measures.items():
            figures[name] = measure()
            print(name + ":", ", ".join(f"{what} {value:.3g}" for what, value in figures[name].items()), flush=True)
        chromium.close()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

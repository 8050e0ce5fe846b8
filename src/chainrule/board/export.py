"""A run as one HTML file: some of its steps, recorded as the page would have asked for them; opens from disk."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.board.messages import compose
from chainrule.board.page import DOCUMENT
from chainrule.board.session import Session
from chainrule.errors import ChainruleError, InputError
from chainrule.files.atomic import replacing

LISTED = 30  # rows and paths that the page asks for as it opens
PATHS = 12


def export(
    session: Session,
    path: str | Path,
    *,
    steps: int | Sequence[int] = 20,
    samples: Sequence[int] | None = None,
    entries: Sequence[str] | None = None,
) -> Path:
    """Write a recording of a session's run.

    Parameters
    ----------
    session
        Whose run; it stands where it stood afterwards.
    path
        Where the HTML goes.
    steps
        Which steps to record, or how many of those that the run has been at.
    samples
        Rows that can drive the board, beside the batch; by default the first of each class.
    entries
        Entries with their paths, ``"W1[0, 3]"``; by default the first of each weight. Every node is recorded as a
        whole.

    Returns
    -------
    Path
        The file's.

    Raises
    ------
    InputError
        If a step was never reached, or a row or entry doesn't exist.
    """
    now = session.ask("state")
    chosen = sorted(set(_steps(steps, now["furthest"])))
    scene = session.ask("scene")
    rows = _first_of_each_class(session, scene) if samples is None else list(samples)
    wanted = _first_entries(scene) if entries is None else list(entries)
    answers: dict[str, Any] = {}
    try:
        for step in chosen:
            session.ask("seek", step=step)
            for question, args in _questions(scene, rows, wanted):
                key = f"{step} {question} {json.dumps(args, sort_keys=True, separators=(',', ':'))}"
                try:
                    answers[key] = session.ask(question, **args)
                except ChainruleError:
                    if question not in ("inspect", "ledger"):
                        raise
    finally:
        session.ask("seek", step=now["step"])
    record = {"scene": scene, "state": {**now, "playing": False}, "steps": chosen, "answers": answers}
    with replacing(Path(path)) as temporary:
        temporary.write_text(_document(record), encoding="utf-8")
    return Path(path)


def _steps(steps: int | Sequence[int], furthest: int) -> list[int]:
    if isinstance(steps, int):
        if steps < 1:
            raise InputError(f"steps must be at least 1, got {steps}")
        return [int(step) for step in np.linspace(0, furthest, min(steps, furthest + 1)).round()]
    return [int(step) for step in steps]


def _first_of_each_class(session: Session, scene: dict[str, Any]) -> list[int]:
    listed = session.ask("samples", order="row", count=200)
    _, places = np.unique(listed["labels"], return_index=True)
    return [int(listed["rows"][place]) for place in sorted(places)[:6]]


def _first_entries(scene: dict[str, Any]) -> list[str]:
    weights = [node for node in scene["nodes"] if node["parameter"] and len(node["shape"]) == 2]
    return [f"{node['name']}[{i}, {j}]" for node in weights for i in range(min(2, node["shape"][0]))
            for j in range(min(4, node["shape"][1]))]  # fmt: skip


def _questions(
    scene: dict[str, Any], rows: Sequence[int], entries: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the page asks at a step."""
    yield "timeline", {}
    for order in ("loss", "row"):
        yield "samples", {"order": order, "count": LISTED}
    names = [node["name"] for node in scene["nodes"]]
    for focus in (None, *rows):
        yield "frame", {"focus": focus}
        if focus is not None:
            yield "sample", {"row": focus}
        held = {"focus": focus} if scene["columns"] > 2 else {}
        yield "plane", {"x": scene["plane"][0], "y": scene["plane"][1], **held}
        for name in [*names, *(f"d{name}" for name in names)]:
            yield "inspect", {"entry": name, "focus": focus}
        for entry in entries:
            for name in (entry, f"d{entry}"):
                yield "inspect", {"entry": name, "focus": focus}
            yield "ledger", {"entry": entry, "focus": focus, "top": PATHS}


def _document(record: dict[str, Any]) -> str:
    static = files("chainrule.board") / "static"
    packed = base64.b64encode(gzip.compress(compose(record).to_bytes(), mtime=0)).decode()
    script = (static / "recorded.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    head = f"<style>{(static / 'board.css').read_text(encoding='utf-8')}</style>"
    body = (
        f'</main><script type="application/octet-stream" id="record">{packed}</script>'
        f'<script type="module">{script}</script><main hidden>'
    )
    return DOCUMENT.substitute(head=head, body=body)

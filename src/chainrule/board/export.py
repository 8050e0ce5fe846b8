"""A run as one HTML file: some of its steps, recorded as the page would have asked for them; opens from disk."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from chainrule._typing import Array
from chainrule.board import answers, entries
from chainrule.board.answers import Aside, as_focus
from chainrule.board.messages import compose
from chainrule.board.page import DOCUMENT
from chainrule.board.session import Session
from chainrule.board.stage import Stage
from chainrule.errors import ChainruleError, InputError
from chainrule.files.atomic import check_target, replacing
from chainrule.inspection import parse_entry

STEPS = 20
MOST_ROWS = 3  # that can drive the board, where none are named
MOST_ENTRIES = 12  # with their paths, where none are named
CHECKED = 1000  # entries
BLOCK = 12  # entries of a node's numbers, either way
CODE = 100  # numbers that code may hold: a batch's would be most of the file
LISTED = 30  # rows and paths that the page asks for as it opens
PATHS = 12

Progress: TypeAlias = Callable[[int, int], None]
Asked: TypeAlias = tuple[str, dict[str, Any], dict[str, Any]]


def export(
    session: Session,
    path: str | Path,
    *,
    steps: int | Sequence[int] = STEPS,
    samples: Sequence[int] | None = None,
    entries: Sequence[str] | None = None,
    check: int = CHECKED,
    progress: Progress | None = None,
) -> Path:
    """Write a recording of a session's run.

    The run stays where it stands, and whoever looks at it meanwhile sees nothing of it: a step is recorded between two
    slices of training.

    Parameters
    ----------
    session
        Whose run.
    path
        Where the HTML goes.
    steps
        Which steps to record, or how many of those that the run has been at, evenly spaced.
    samples
        Rows that can drive the board, beside the batch; by default one of each of three classes.
    entries
        Parameters' entries, ``"W1[0, 3]"``, with their formulas in numbers and their paths; by default a few of each
        weight and bias. Every node is recorded as a whole, and the first of its numbers.
    check
        How many entries of the gradient are compared with central differences, at the last of the steps; 0 for none.
    progress
        Told after each step how many are done, and of how many.

    Returns
    -------
    Path
        The file's.

    Raises
    ------
    InputError
        If a step was never reached, a row or entry doesn't exist, the file can't be written, or the run was changed
        meanwhile. What stood at ``path`` is then untouched.
    """
    check_target(path)
    state, scene = session.ask("state"), session.ask("scene")
    chosen = _steps(steps, state["furthest"])
    rows = session.do(_some_rows) if samples is None else list(dict.fromkeys(samples))
    wanted = _some_entries(scene) if entries is None else list(dict.fromkeys(entries))
    session.do(lambda stage: _check_wanted(stage, rows, wanted))
    record, formulas = _Record(chosen), dict[Any, Any]()
    asked = list(_questions(scene, state, rows, wanted))
    for done, step in enumerate(chosen):
        for (name, args, _), answer in zip(asked, session.do(_at(step, state, asked, formulas)), strict=True):
            record.add(step, name, args, answer)
        if progress is not None:
            progress(done + 1, len(chosen))
    checked_at = chosen[-1] if check else None
    if checked_at is not None:
        question: Asked = "check", {"focus": None}, {"entries": check}
        compare = session.do(_at(checked_at, state, [question], {}))[0]
        record.add(checked_at, "check", {"focus": None}, compare(lambda done, of: None))
    told = {
        "scene": scene, "state": {**state, "playing": False}, "steps": chosen, "rows": rows, "entries": wanted,
        "checked": checked_at, **record.to_dict(),
    }  # fmt: skip
    with replacing(Path(path)) as temporary:
        temporary.write_text(_document(told), encoding="utf-8")
    return Path(path)


def _steps(steps: int | Sequence[int], furthest: int) -> list[int]:
    if isinstance(steps, int):
        if steps < 1:
            raise InputError(f"steps must be at least 1, got {steps}")
        return [int(step) for step in np.linspace(0, furthest, min(steps, furthest + 1)).round()]
    chosen = sorted({int(step) for step in steps})
    if not chosen or chosen[0] < 0 or chosen[-1] > furthest:
        raise InputError(f"steps must be some from 0 to {furthest}, where the run has been, got {chosen}")
    return chosen


def _some_rows(stage: Stage) -> list[int]:
    """Return the row in the middle of each of some classes' rows."""
    labels = stage.scene.labels
    of_classes = [np.flatnonzero(labels == k) for k in np.unique(labels)[:MOST_ROWS]]
    return [int(rows[len(rows) // 2]) for rows in of_classes]


def _some_entries(scene: Mapping[str, Any]) -> list[str]:
    """Return entries of the first row of each weight, and the first of each bias."""
    parameters = {node["name"]: node["shape"] for node in scene["nodes"] if node["parameter"]}
    weights = [name for name, shape in parameters.items() if len(shape) == 2]
    each = max(1, min(4, MOST_ENTRIES // max(1, len(weights))))
    found = []
    for name, shape in parameters.items():
        if len(shape) == 2:
            found += [f"{name}[0, {j}]" for j in range(min(each, shape[1]))]
        elif len(shape) == 1:
            found.append(f"{name}[0]")
    return found


def _check_wanted(stage: Stage, rows: Sequence[int], wanted: Sequence[str]) -> None:
    for row in rows:
        stage.check_row(row)
    graph = stage.scene.graph
    for entry in wanted:
        if parse_entry(graph, entry).node not in graph.parameters:
            raise InputError(f"entries must be of parameters, such as 'W1[0, 3]', got {entry!r}")


def _questions(
    scene: Mapping[str, Any], state: Mapping[str, Any], rows: Sequence[int], wanted: Sequence[str]
) -> Iterator[Asked]:
    """Yield what the page asks at a step: the question, the page's arguments, and what is asked for beside these."""
    yield "timeline", {}, {}
    for order in ("loss", "row"):
        yield "samples", {"order": order, "count": LISTED}, {}
    x, y = scene["plane"]
    if scene["columns"] <= 2:
        yield "plane", {"x": x, "y": y}, {}
    for focus in (None, *rows):
        yield "frame", {"focus": focus}, {}
        if focus is not None:
            yield "sample", {"row": focus}, {}
        if scene["columns"] > 2:
            yield "plane", {"x": x, "y": y, "focus": focus}, {}
        if state["stopped_at"] is not None:
            yield "trouble", {"focus": focus}, {}
        for node in scene["nodes"]:
            name, code = node["name"], 0 if node["shape"] else CODE
            for gradient in (False, True):
                place = {"node": name, "gradient": gradient, "row": 0, "column": 0, "focus": focus}
                yield "block", place, {"size": BLOCK}
                yield "inspect", {"entry": f"{'d' * gradient}{name}", "focus": focus}, {"code": code}
        for entry in wanted:
            for shown in (entry, f"d{entry}"):
                yield "inspect", {"entry": shown, "focus": focus}, {"code": CODE}
            yield "ledger", {"entry": entry, "focus": focus, "top": PATHS}, {}


ANSWERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        answers.timeline, answers.samples, answers.plane, answers.frame, answers.sample, answers.block,
        entries.inspect, entries.ledger, entries.trouble, entries.check,
    )
}  # fmt: skip


def _at(
    step: int, state: Mapping[str, Any], asked: Sequence[Asked], formulas: dict[Any, Any]
) -> Callable[[Stage], list[Any]]:
    """Return what answers questions at a step of the run, and leaves the run where it stood.

    ``formulas`` remembers what is the same at every step.
    """

    def work(stage: Stage) -> list[Any]:
        if (stage.revision, stage.version) != (state["revision"], state["version"]):
            raise InputError("the run was changed while it was recorded: export it again")
        stood, shown = stage.course.step, (stage.phase, stage.walking)
        stage.seek(step)
        try:
            return [_answer(stage, formulas, *question) for question in asked]
        finally:
            stage.seek(stood)
            stage.phase, stage.walking = shown

    return work


def _answer(
    stage: Stage, formulas: dict[Any, Any], name: str, args: Mapping[str, Any], others: Mapping[str, Any]
) -> Any:
    key = None
    if others.get("code") == 0:  # a node as a whole: its formula and shapes have none of the step's numbers
        key = args["entry"], stage.subject(as_focus(stage, args["focus"])).n_samples
        if key in formulas:
            return formulas[key]
    try:
        answer = ANSWERS[name](stage, **args, **others)
        if isinstance(answer, Aside):
            answer = answer.work()
    except ChainruleError as error:  # the page says it, as it would have
        answer = {"error": str(error)}
    if key is not None:
        formulas[key] = answer
    return answer


class _Record:
    """Answers by question and step. What is told several times, an array or a whole answer, is kept once."""

    def __init__(self, steps: Sequence[int]) -> None:
        self._steps = steps
        self._asked: dict[str, dict[int, str]] = {}  # by question, step: an answer as JSON
        self._arrays: dict[tuple[str, tuple[int, ...], bytes], int] = {}
        self._kept: list[Array] = []

    def add(self, step: int, name: str, args: Mapping[str, Any], answer: Any) -> None:
        """Write an answer down; the key is what the page makes of a question."""
        key = f"{name} {json.dumps(args, sort_keys=True, separators=(',', ':'))}"
        text = json.dumps(compose(self._without_arrays(answer)).content, separators=(",", ":"))
        self._asked.setdefault(key, {})[step] = text

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data: each answer once, those to one question together, which packs well."""
        places: dict[str, int] = {}
        by_question = {
            key: [places.setdefault(told[step], len(places)) if step in told else None for step in self._steps]
            for key, told in self._asked.items()
        }
        return {"answers": by_question, "told": [json.loads(text) for text in places], "arrays": self._kept}

    def _without_arrays(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return {"$kept": self._place_of(_coarse(value) if value.dtype == np.float32 else value)}
        if isinstance(value, Mapping):
            return {name: self._without_arrays(entry) for name, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._without_arrays(entry) for entry in value]
        return value

    def _place_of(self, array: Array) -> int:
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._arrays:
            self._arrays[key] = len(self._kept)
            self._kept.append(array)
        return self._arrays[key]


def _coarse(picture: Array) -> Array:
    """Return a picture with 8 bits of each number's mantissa, which is more than colours show, and packs well."""
    bits = np.ascontiguousarray(picture).view(np.uint32)
    return np.where(np.isfinite(picture), bits + 0x8000 & 0xFFFF0000, bits).astype(np.uint32).view(np.float32)


def _document(record: Mapping[str, Any]) -> str:
    static = files("chainrule.board") / "static"
    style = (static / "board.css").read_text(encoding="utf-8")
    script = (static / "recorded.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    packed = base64.b64encode(gzip.compress(compose(record).to_bytes(), mtime=0)).decode()
    # The page may run this script and nothing else, and ask for nothing, whatever a table's cells hold.
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>'
    body = (
        f'</main><script type="application/octet-stream" id="record">{packed}</script>'
        f'<script type="module">{script}</script><main hidden>'
    )
    return DOCUMENT.substitute(head=head, body=body)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

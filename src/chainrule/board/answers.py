"""What a page asks of a board, one function for each question: numbers from the engine and the readable sweep.

Each takes the `Stage` and named arguments as JSON has them, and returns what `chainrule.board.messages.compose`
can say.
Arrays of float32 are pictures; whatever is read as a number is float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.blas import in_one_thread
from chainrule.board.picture import describe_layout
from chainrule.board.stage import BATCH, JUDGED, PHASES, Focus, Stage
from chainrule.engine import RULES
from chainrule.errors import InputError
from chainrule.graph import ACTIVATIONS, INITIALIZATIONS
from chainrule.graph.operation import BATCH as BATCH_AXIS

Answer: TypeAlias = dict[str, Any]


class Aside(NamedTuple):
    """The rest of an answer, which takes long and needs the stage no more: another thread may go on with it."""

    work: Callable[[], Answer]


Question: TypeAlias = Callable[..., Answer | Aside]

PICTURE_ROWS, PICTURE_COLUMNS = 32, 48  # entries that a heat map shows at most
BLOCK = 24  # entries of a block of numbers, either way
MOST_LISTED = 200  # samples at once
PLANE_WORK = 2e8  # multiply-adds of one picture of the plane
PLANE_SIZES = (32, 160)  # points along an edge, fewest and most
FEW_VALUES = 10  # of a column that makes no plane
MOST_BINS = 2000  # of the loss curve


@in_one_thread  # BLAS's own threads wait for the cores that train, however small a sum
def frame(stage: Stage, *, focus: int | None = None) -> Answer:
    """Return every node's picture and measures, for a row or the batch."""
    sweep = stage.sweep(as_focus(stage, focus))
    nodes = []
    for node in stage.scene.graph.nodes:
        value = sweep.values.get(node.name)
        if value is None:
            continue
        told: Answer = {"name": node.name, "shape": list(value.shape), "value": _portrait(value)}
        gradient = sweep.gradients.get(node.name)
        if gradient is not None:
            told["gradient"] = _portrait(gradient)
        nodes.append(told)
    rows = 1 if focus is not None else len(stage.course.batch().rows)
    return {"step": stage.course.step, "focus": focus, "rows": rows, "loss": sweep.loss, "nodes": nodes}


def block(
    stage: Stage,
    *,
    node: str,
    focus: int | None = None,
    row: int = 0,
    column: int = 0,
    gradient: bool = False,
    size: int = BLOCK,
) -> Answer:
    """Return neighbouring entries of a node's value or gradient as numbers."""
    sweep = stage.sweep(as_focus(stage, focus))
    held = (sweep.gradients if gradient else sweep.values).get(stage.scene.graph[node].name)
    if held is None:
        raise InputError(f"node {node!r} has no {'gradient' if gradient else 'value'} here")
    matrix = _as_matrix(held)
    row, column = (max(0, min(int(at), size - 1)) for at, size in zip((row, column), matrix.shape, strict=True))
    size = max(1, min(size, BLOCK))
    part = matrix[row : row + size, column : column + size]
    return {"node": node, "row": row, "column": column, "shape": list(held.shape), "entries": _float64(part)}


def samples(stage: Stage, *, order: str = "loss", first: int = 0, count: int = 50) -> Answer:
    """Return rows with their loss and probabilities, those of the largest loss first or as they stand."""
    if order not in ("loss", "row"):
        raise InputError(f"order must be 'loss' or 'row', got {order!r}")
    judged = stage.judge()
    places = np.argsort(-judged.losses, kind="stable") if order == "loss" else np.arange(len(judged.rows))
    shown = places[max(0, first) : max(0, first) + min(count, MOST_LISTED)]
    labels = stage.scene.labels[judged.rows[shown]]
    return {
        "of": len(judged.rows),
        "all": len(stage.scene.X),
        "accuracy": stage.accuracy(),
        "mean_loss": float(judged.losses.mean()),
        "rows": _int32(judged.rows[shown]),
        "labels": _int32(labels),
        "losses": judged.losses[shown],
        "probabilities": judged.probabilities[shown],
    }


def sample(stage: Stage, *, row: int) -> Answer:
    """Return one row: its columns, p, y and p - y."""
    stage.check_row(row)
    sweep = stage.sweep(Focus(row))
    p = sweep.values[str(stage.scene.graph.output)][0]
    y = np.zeros(len(p))
    y[stage.scene.labels[row]] = 1.0
    return {
        "row": row,
        "label": int(stage.scene.labels[row]),
        "loss": sweep.loss,
        "x": _float64(stage.scene.X[row]),
        "p": p,
        "y": y,
        "d": p - y,
    }


def plane(
    stage: Stage, *, x: int = 0, y: int = 1, held: Mapping[str, float] | None = None, focus: int | None = None
) -> Answer:
    """Return what is predicted over two columns, the others held: classes, confidence, and the rows as points.

    Confidence is the largest probability in 255ths: it is for a picture.
    """
    scene = stage.scene
    d = scene.X.shape[1]
    if not (0 <= x < d and 0 <= y < d and (x != y or d == 1)):
        raise InputError(f"x and y must be two of the columns 0..{d - 1}, got {x} and {y}")
    at = scene.X.mean(axis=0, dtype=np.float64) if focus is None else scene.X[focus].astype(np.float64)
    for column, value in (held or {}).items():
        if not (str(column).isdecimal() and int(column) < d):
            raise InputError(f"held names column {column!r}; there are 0..{d - 1}")
        at[int(column)] = float(value)
    size = int(np.clip(np.sqrt(PLANE_WORK / max(1, scene.graph.parameters.size)), *PLANE_SIZES))
    across, up = (_extent(scene.X[:, column]) for column in (x, y))
    grid = np.tile(at, (size * size, 1))
    grid[:, x] = np.tile(np.linspace(*across, size), size)
    grid[:, y] = np.repeat(np.linspace(*up, size), size)
    predicted = stage.course.program.predict(stage.course.parameters, grid.astype(scene.X.dtype))
    rows = stage.judged
    return {
        "step": stage.course.step, "x": x, "y": y, "size": size, "across": list(across), "up": list(up),
        "held": _float64(at),
        "classes": predicted.argmax(axis=1).astype(np.uint8).reshape(size, size),
        "confidence": np.nan_to_num(predicted.max(axis=1) * 255.0).round().astype(np.uint8).reshape(size, size),
        "rows": _int32(rows),
        "points": _float64(scene.X[rows][:, [x, y]]),
        "labels": _int32(scene.labels[rows]),
    }  # fmt: skip


def timeline(stage: Stage, *, bins: int = 600) -> Answer:
    """Return the loss curve, lowest and highest in each bin, and the marks."""
    losses = stage.course.losses
    bins = max(1, min(int(bins), MOST_BINS, max(1, len(losses))))
    edges = np.linspace(0, len(losses), bins + 1).astype(np.int64)
    lowest = np.minimum.reduceat(losses, edges[:-1]) if len(losses) else losses
    highest = np.maximum.reduceat(losses, edges[:-1]) if len(losses) else losses
    steps, accuracies, norms, ratios = stage.marks.arrays()
    return {
        "step": stage.course.step, "furthest": stage.course.furthest, "edges": _int32(edges),
        "lowest": _float64(lowest), "highest": _float64(highest), "layers": list(stage.weights),
        "marks": _int32(steps), "accuracies": _float64(accuracies), "gradient_norms": _float64(norms),
        "update_ratios": _float64(ratios),
    }  # fmt: skip


def state(stage: Stage) -> Answer:
    """Return where the run stands."""
    course = stage.course
    return {
        "revision": stage.revision, "version": stage.version, "step": course.step, "furthest": course.furthest,
        "phase": stage.phase, "walking": stage.walking, "stopped_at": course.stopped_at, "bytes": course.nbytes,
    }  # fmt: skip


def scene(stage: Stage) -> Answer:
    """Return what is on the board; how the network learns changes with the version, all else with the revision."""
    held = stage.scene
    network = held.network
    return {
        "revision": stage.revision, "version": stage.version, "title": held.title, "rows": len(held.X),
        "columns": held.X.shape[1],
        "classes": list(held.classes), "features": list(held.feature_names), "phases": list(PHASES),
        "network": {name: getattr(network, name) for name in network.__dataclass_fields__},
        "parameters": held.graph.parameters.size, "plane": _telling_columns(held.X, held.labels),
        "nodes": [
            {
                "name": node.name, "operation": node.operation, "inputs": list(node.inputs),
                "shape": list(held.graph.shape(node.name)),
                "batch": held.graph.shape(node.name)[:1] == (BATCH_AXIS,),
                "parameter": node.operation == "parameter",
            }
            for node in held.graph.nodes
        ],
        "output": held.graph.output, "loss": held.graph.loss, "layout": describe_layout(held.graph),
        "choices": {
            "activation": [*ACTIVATIONS, "identity"], "solver": list(RULES),
            "initialization": ["small", *INITIALIZATIONS],
        },
    }  # fmt: skip


def _telling_columns(X: Array, labels: IntArray) -> list[int]:
    """Return the two columns by which the classes' means differ most, columns of many values first."""
    rows = slice(None, None, max(1, len(X) // JUDGED[-1]))
    X, labels = X[rows].astype(np.float64), labels[rows]
    if X.shape[1] < 2:
        return [0, 0]
    means = np.array([X[labels == k].mean(axis=0) for k in np.unique(labels)])
    spread = np.array([len(np.unique(column)) for column in X.T]) > FEW_VALUES
    apart = means.std(axis=0) / np.maximum(X.std(axis=0), 1e-12) + 10.0 * spread
    return sorted(int(column) for column in np.argsort(-apart, kind="stable")[:2])


def as_focus(stage: Stage, focus: int | None) -> Focus:
    """Return what drives the board; raises `InputError` for a row that is not there."""
    if focus is None:
        return BATCH
    stage.check_row(focus)
    return Focus(focus)


def _portrait(array: Array) -> Answer:
    """Return measures of an array in float64 and a picture of some of its entries."""
    matrix = _as_matrix(array)
    finite = np.isfinite(array)
    sound = array[finite] if not finite.all() else array
    largest = float(np.abs(sound).max(initial=0.0)) or 1.0
    rows, columns = (
        _spread(size, most) for size, most in zip(matrix.shape, (PICTURE_ROWS, PICTURE_COLUMNS), strict=True)
    )
    return {
        "least": float(sound.min()) if sound.size else None,
        "most": float(sound.max()) if sound.size else None,
        "mean": float(sound.mean()) if sound.size else None,
        "norm": float(np.linalg.norm(sound)) if sound.size else 0.0,
        "size": int(array.size),
        "only": float(array.reshape(-1)[0]) if array.size == 1 else None,
        "nonfinite": int(array.size - finite.sum()),
        "rows": _int32(rows),
        "columns": _int32(columns),
        "picture": (matrix[np.ix_(rows, columns)] / largest).astype(np.float32),  # float32 holds shares of any size
    }


def _spread(size: int, most: int) -> IntArray:
    """Return indices of entries to show: all, or evenly spaced ones."""
    return np.arange(size) if size <= most else np.linspace(0, size - 1, most).astype(np.int64)


def _as_matrix(array: Array) -> Array:
    return array.reshape(array.shape[0] if array.ndim == 2 else 1, -1) if array.size else np.zeros((1, 0))


def _extent(column: Array) -> tuple[float, float]:
    low, high = float(column.min()), float(column.max())
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _float64(array: Array) -> Float64Array:
    return np.ascontiguousarray(array, dtype=np.float64)


def _int32(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.int32)

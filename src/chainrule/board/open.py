"""From whatever someone has, a scene: nothing, a table, rows, a model, a classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from chainrule._typing import Array
from chainrule.board.scene import Network, Scene, of_rows, of_table, spiral
from chainrule.errors import InputError
from chainrule.graph import ACTIVATIONS, Graph
from chainrule.inspection.subject import resolve
from chainrule.model import Model

SUFFIX = ".chainrule"


def open_scene(
    what: Any = None, X: Any = None, y: Any = None, *, target: str | None = None, n_threads: int = 0, **options: Any
) -> Scene:
    """Return the scene for what is given.

    Parameters
    ----------
    what
        None for the spiral; a `Model`, the path of its file or a fitted classifier, shown on ``X`` and ``y``; a table
        (a path, a DataFrame) with ``target``; rows (m, d) with their labels as ``X``.
    X, y
        For a model: a table it can be shown on, by default the one it was trained on, where that is still there; for a
        classifier rows and labels.
    target
        The column to learn from a table.
    n_threads
        0 uses all cores.
    options
        Fields of `chainrule.board.scene.Network`.

    Raises
    ------
    InputError
        If something is missing; the message says what to give.
    TableError
        If a table can't be read.
    """
    if what is None:
        return spiral(Network(**options) if options else None, n_threads=n_threads)
    if isinstance(what, (str, Path)) and Path(what).suffix == SUFFIX:
        from chainrule.files import load_model

        what = load_model(what)
    if isinstance(what, Model) or hasattr(what, "to_graph"):
        if options:
            raise InputError("a model brings its own network: change it on the board")
        return of_model(what, X, y, n_threads=n_threads)
    if target is not None:
        return of_table(what, target, n_threads=n_threads, **options)
    labels = X if y is None else y
    if labels is None:
        raise InputError("a table needs target=, the column to learn; rows need their labels: Board(X, y)")
    return of_rows(np.asarray(what), np.asarray(labels), n_threads=n_threads, **options)


def of_model(model: Any, X: Any = None, y: Any = None, *, n_threads: int = 0) -> Scene:
    """Return a model or a fitted classifier over rows, at its own parameters."""
    source = model.record.get("data", {}).get("source") if isinstance(model, Model) else None
    if X is None:
        if source is None or not Path(source).exists():
            gone = f", {source}, is not there any more" if source else " is not known"
            raise InputError(f"the table this model was trained on{gone}: give one to show it on")
        X = source
    subject = resolve(model, X, y)
    if subject.labels is None:
        raise InputError("a board needs labels: give y=, or a table that has the target")
    (rows,) = subject.X.values()
    kept = np.asarray(rows, dtype=subject.dtype)
    n_classes = int(subject.graph.shape(str(subject.graph.output))[1])
    if np.ndim(subject.labels) != 1:
        raise InputError("a board shows one label a row; this model has several")
    return Scene(
        title=f"a model on {Path(str(X)).name if isinstance(X, (str, Path)) else f'{len(kept):,} rows'}",
        X=np.ascontiguousarray(kept), labels=np.asarray(subject.labels, dtype=np.int64),
        classes=subject.class_names or tuple(map(str, range(n_classes))),
        feature_names=subject.feature_names or tuple(f"x{i}" for i in range(kept.shape[1])),
        network=_network_of(subject.graph, len(kept)), graph=subject.graph, start=subject.parameters.copy(),
        n_threads=n_threads,
    )  # fmt: skip


def _network_of(graph: Graph, n_rows: int) -> Network:
    """Return the choices that describe a graph, as far as they can."""
    dense = graph.of_kind("dense")
    shapes: list[Array] = [np.array(graph.parameters[node.inputs[1]]) for node in dense]
    used = [node.operation for node in graph.nodes if node.operation in ACTIVATIONS]
    penalties = graph.of_kind("l2")
    return Network(
        hidden_layer_sizes=tuple(int(shape[1]) for shape in shapes[:-1]),
        activation=used[0] if used else "relu", solver="adam", learning_rate=1e-3, batch_size=min(200, n_rows),
        l2=float(penalties[0].attributes.get("strength", 0.0)) if penalties else 0.0, initialization="auto",
    )  # fmt: skip

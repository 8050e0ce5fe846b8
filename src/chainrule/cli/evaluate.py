"""``chainrule evaluate``: how well a model foretells a table's labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli import interrupts, screen
from chainrule.cli.arguments import AsJson, ModelPath, TablePath, Threads
from chainrule.cli.progress import Stages

if TYPE_CHECKING:
    from chainrule._typing import Float64Array, IntArray
    from chainrule.evaluation import Evaluation
    from chainrule.model import Model
    from chainrule.tables import Table


def evaluate(model: ModelPath, table: TablePath, threads: Threads = 0, as_json: AsJson = False) -> None:
    """Judge a model on a table that has the target.

    Rows without a target are left out. A label that the model was not trained on is an error.
    """
    interrupts.load("chainrule.files", "chainrule.tables", "duckdb")
    from chainrule.cli.predict import require_encoding
    from chainrule.evaluation import evaluate as compare
    from chainrule.files import load_model
    from chainrule.tables import read_table

    loaded = load_model(model)
    require_encoding(loaded, model)
    with Stages() as stages:
        stages.begin(f"Reading {table}")
        rows = read_table(table)
        labels, labelled = labelled_rows(loaded, rows, "to evaluate")
        stages.begin(f"Predicting {len(labelled):,} rows")
        probabilities = loaded.predict_proba(labelled, n_threads=threads)
        stages.begin("Comparing")
        evaluation = compare(probabilities, labels, loaded.classes, baseline=_frequencies(loaded, labels))
    if as_json:
        screen.show_json({"model": str(model), "table": table, **evaluation.to_dict()})
    else:
        _show(evaluation, loaded, model, table, len(rows))


def labelled_rows(model: Model, rows: Table, purpose: str) -> tuple[IntArray, Table]:
    """Return the codes of the rows that have a label, and those rows; raise TableError where none has one."""
    from chainrule.errors import TableError

    target = model.labels.column
    if target not in rows:
        raise TableError(f"{purpose}, the table must hold the target. {_sentence(rows, target)}")
    codes, mask = model.labels.encode(rows[target])
    if not len(codes):
        raise TableError(f"{rows.source} has no value of the target {target!r} in any row: nothing to compare with.")
    return codes, rows.take(mask)


def _sentence(rows: Table, name: str) -> str:
    from chainrule.tables.table import missing_column

    text = missing_column(name, rows.names, rows.source)
    return text[0].upper() + text[1:]


def _frequencies(model: Model, labels: IntArray) -> Float64Array:
    """Return how frequent each class was in training; in this table, if the model does not know."""
    import numpy as np

    counts: Any = model.record.get("data", {}).get("class_counts")
    if counts is None:
        counts = np.bincount(labels, minlength=len(model.classes))
    total = np.asarray(counts, dtype=np.float64)
    frequencies: Float64Array = total / total.sum()
    return frequencies


def _show(evaluation: Evaluation, model: Model, path: Path, table: str, n_rows: int) -> None:
    from chainrule.cli import summary

    left_out = n_rows - evaluation.n_rows
    without = f" ({left_out:,} without {model.labels.column} left out)" if left_out else ""
    parts: list[Any] = [screen.heading(f"{path} on {table}"), ""]
    parts += [*summary.scores(evaluation, f"{evaluation.n_rows:,} rows{without}"), ""]
    parts += [*summary.class_scores(evaluation)]
    confusion = summary.confusion(evaluation)
    if confusion:
        parts += ["", *confusion]
    screen.show(*parts)

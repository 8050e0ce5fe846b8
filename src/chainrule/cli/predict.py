"""``chainrule predict``: a model file and a table in, predictions out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli import interrupts, outcome, screen
from chainrule.cli.arguments import ModelPath, Quiet, TablePath, Threads, check_outputs, split_names
from chainrule.cli.progress import Stages

if TYPE_CHECKING:
    from chainrule.model import Model


def predict(
    model: ModelPath,
    table: TablePath,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to: .csv, .tsv, .jsonl (each also .gz) or .parquet; - is stdout, as CSV.",
        ),
    ] = "-",
    proba: Annotated[
        bool, typer.Option("--proba", help="Add a column p_CLASS with the probability of each class.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="A,B", help="Columns of the table to carry along, such as an id."),
    ] = None,
    threads: Threads = 0,
    quiet: Quiet = False,
) -> None:
    """Predict a table's rows with a model.

    Writes one row per row of the table, in its order: the columns kept, then 'prediction'.
    """  # fmt: skip
    interrupts.load("chainrule.files", "chainrule.tables", "duckdb")
    from chainrule.cli import predictions
    from chainrule.cli.predictions import Predictions
    from chainrule.files import load_model
    from chainrule.tables import read_table

    target = None if output == "-" else Path(output)
    style = predictions.style_of(target)
    if target is not None:
        check_outputs([target], [model, table])
    loaded = load_model(model)
    require_encoding(loaded, model)
    with Stages(not quiet) as stages:
        stages.begin(f"Reading {table}")
        rows = read_table(table)
        kept = predictions.plan_kept(table, split_names(keep), rows)
        stages.begin(f"Predicting {len(rows):,} rows")
        probabilities = loaded.predict_proba(rows, n_threads=threads)
        stages.begin(f"Writing {output}")
        predictions.write(target, style, Predictions(loaded.classes, probabilities, proba, kept))
    if target is not None:
        outcome.wrote(target)
        if not quiet:
            screen.tell(f"{len(rows):,} predictions written to {target}")


def require_encoding(loaded: Model, path: Path) -> None:
    """Raise InputError for a model that was trained on arrays: it does not know a table's columns."""
    from chainrule.errors import InputError

    if loaded.encoding is None:
        raise InputError(
            f"the model '{path}' was trained on an array, so it knows no columns of a table. Use it in "
            f"Python: chainrule.load_model('{path}').predict(X)"
        )

"""``chainrule check``: is the gradient right, entry by entry?"""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule.cli import interrupts, screen
from chainrule.cli.arguments import AsJson, ModelPath, TablePath
from chainrule.cli.progress import Stages

MOST_ENTRIES = 1000
DIFFERS = 1


def check(
    model: ModelPath,
    table: TablePath,
    entries: Annotated[
        int,
        typer.Option("--entries", min=1, metavar="N", help="Entries to check; of more, so many are drawn at random."),
    ] = MOST_ENTRIES,
    rows: Annotated[
        int, typer.Option("--rows", min=1, metavar="N", help="Take the first N rows that have a label.")
    ] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of the drawing.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare a model's gradient with central differences of its loss, in float64.

    Entries whose step crosses a kink of a ReLU are shown, not judged. Exit status 1 if an entry differs.
    """
    interrupts.load("chainrule.files", "chainrule.tables", "duckdb")
    import numpy as np

    from chainrule.cli.evaluate import labelled_rows
    from chainrule.files import load_model
    from chainrule.inspection import check as compare
    from chainrule.tables import read_table

    loaded = load_model(model)
    with Stages() as stages:
        stages.begin(f"Reading {table}")
        _, labelled = labelled_rows(loaded, read_table(table), "to check gradients")
        taken = labelled.take(np.arange(min(rows, len(labelled))))
        stages.begin(f"Checking on {len(taken):,} rows")
        result = compare(loaded, taken, n_entries=entries, random_state=seed)
    if as_json:
        screen.show_json({"model": str(model), "table": table, "n_rows": len(taken), **result.to_dict()})
    else:
        screen.show(screen.heading(f"{model} on {len(taken):,} rows of {table}"), "", screen.plain_text(str(result)))
    if not result.passed():
        screen.warn("the gradient is not confirmed: " + str(result).splitlines()[-1])
        raise typer.Exit(DIFFERS)

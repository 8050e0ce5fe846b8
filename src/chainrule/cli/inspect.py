"""``chainrule inspect``: what a model computes for a row or for a table, and where each number comes from."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import interrupts, outcome, screen
from chainrule.cli.arguments import AsJson, ModelPath, TablePath
from chainrule.cli.progress import Stages

if TYPE_CHECKING:
    from chainrule.inspection import Attribution, Trace
    from chainrule.model import Model
    from chainrule.tables import Table


def inspect(
    model: ModelPath,
    table: TablePath,
    row: Annotated[
        int | None,
        typer.Option("--row", min=0, metavar="N", help="One row alone, counted from 0; all rows if left out."),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--path", metavar="ENTRY", help="The chain rule from an entry to the loss, path by path: 'W1[0, 3]'."
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(
            "--node", metavar="NAME", help="How a value or gradient comes about: Z1, 'Z1[3]', dW1, 'dW1[0, 3]'."
        ),
    ] = None,
    code: Annotated[bool, typer.Option("--code", help="With --node: print NumPy code that gives the number.")] = False,
    most: Annotated[
        int, typer.Option("--rows", min=1, metavar="N", help="Without --row: take the first N rows.")
    ] = 10_000,
    top: Annotated[int, typer.Option("--top", min=1, metavar="N", help="How many paths or rows to list.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show what a model computes for a row, or for all: every value and gradient, and what each column contributed.

    Gradients need the target in the table.
    """
    if path is not None and node is not None:
        raise typer.BadParameter("give --path or --node, not both")
    if code and (node is None or as_json):
        raise typer.BadParameter("--code goes with --node, and without --json")
    interrupts.load("chainrule.files", "chainrule.tables", "duckdb")
    from chainrule.files import load_model
    from chainrule.tables import read_table

    outcome.options_are({"sample": "--row"})
    loaded = load_model(model)
    with Stages() as stages:
        stages.begin(f"Reading {table}")
        whole = read_table(table)
        rows = _usable(loaded, whole if row is not None else whole.take(range(min(most, len(whole)))), row, path, node)
        stages.begin("Computing")
        facts, shown = _results(loaded, rows, row, path, node, code, top)
    if code:
        sys.stdout.write(facts["code"])
    elif as_json:
        screen.show_json(_finite({"model": str(model), "table": table, "row": row, **facts}))
    else:
        some = f"the first {len(rows):,} of {len(whole):,}" if len(rows) < len(whole) else f"{len(rows):,}"
        where = f"row {row} of {table}" if row is not None else f"{some} rows of {table}"
        screen.show(screen.heading(f"{model}, {where}"), "", *shown)


def _usable(model: Model, rows: Table, row: int | None, path: str | None, node: str | None) -> Table:
    """Return the table: without the target where the row has no label and none is needed."""
    from chainrule.cli.evaluate import labelled_rows
    from chainrule.errors import InputError
    from chainrule.inspection.entries import parse_reference

    if row is not None and row >= len(rows):
        raise InputError(f"--row must be 0..{len(rows) - 1} (rows count from 0), got {row}")
    target = model.labels.column
    is_gradient = node is not None and parse_reference(model.graph, node).gradient
    if path is not None or is_gradient:
        labelled_rows(model, rows, "for gradients")
        return rows
    if target not in rows or (rows[target].missing.all() if row is None else rows[target].missing[row]):
        return rows.drop([target]) if target in rows else rows
    return rows


def _results(
    model: Model, rows: Table, row: int | None, path: str | None, node: str | None, code: bool, top: int
) -> tuple[dict[str, Any], list[Any]]:
    """Return what was asked for, as plain data and to be shown."""
    from chainrule import inspection

    if path is not None:
        ledger = inspection.ledger(model, path, rows, sample=row, top=top)
        return {"ledger": ledger.to_dict()}, [screen.plain_text(str(ledger))]
    if node is not None and code:
        return {"code": inspection.as_numpy(model, node, rows, sample=row)}, []
    if node is not None:
        explanation = inspection.explain(model, node, rows, sample=row)
        return {"explanation": explanation.to_dict()}, [screen.plain_text(str(explanation))]
    trace = inspection.trace(model, rows, sample=row)
    bad = inspection.first_nonfinite(model, rows, sample=row)
    if bad is not None:
        return {"trace": trace.to_dict(), "first_nonfinite": bad.to_dict()}, [trace, "", screen.plain_text(str(bad))]
    contributions = inspection.attribution(
        model, rows, sample=row, method="gradient_x_input" if row is None else "integrated_gradients"
    )
    predicted = _one_row(model, trace) if row is not None else _largest_losses(model, rows, trace, top)
    facts: dict[str, Any] = {
        **predicted[0],
        "trace": trace.to_dict(),
        "first_nonfinite": None,
        **_contributed(contributions, row),
    }
    return facts, [*predicted[1], "", contributions, "", trace]


def _contributed(contributions: Attribution, row: int | None) -> dict[str, Any]:
    if row is None:
        return {"importance": contributions.importance}
    return {"contributions": contributions.to_dict()["rows"][0]}


def _one_row(model: Model, trace: Trace) -> tuple[dict[str, Any], list[Any]]:
    """Return probabilities, label and p - y of one row."""
    p = trace[str(model.graph.output)].value[0]
    names = [str(name) for name in model.classes.tolist()]
    labels = [node.name for node in model.graph.of_kind("labels") if node.name in trace]
    label = int(trace[labels[0]].value[0]) if labels else None
    facts = {
        "prediction": names[int(p.argmax())],
        "label": None if label is None else names[label],
        "loss": trace.loss,
        "probabilities": dict(zip(names, p.tolist(), strict=True)),
    }
    header = ("class", "p", *(("y", "p − y") if label is not None else ()))
    body = []
    for k, (name, share) in enumerate(zip(names, p.tolist(), strict=True)):
        rest = () if label is None else (str(int(k == label)), f"{share - (k == label):+.6f}")
        body.append((name, f"{share:.6f}", *rest))
    told = f"predicted {facts['prediction']}"
    if label is not None:
        told += f", labelled {names[label]}; loss {trace.loss:.6g} nats"
    return facts, [screen.plain_text(told), "", screen.table(header, body)]


def _largest_losses(model: Model, rows: Table, trace: Trace, top: int) -> tuple[dict[str, Any], list[Any]]:
    """Return the rows that the model does worst on."""
    import numpy as np

    labels = [node.name for node in model.graph.of_kind("labels") if node.name in trace]
    if not labels:
        return {}, [screen.plain_text(f"no {model.labels.column} in the table: values alone, no gradients")]
    p, codes = trace[str(model.graph.output)].value, trace[labels[0]].value
    numbers = np.flatnonzero(~rows[model.labels.column].missing)
    with np.errstate(divide="ignore"):
        losses = -np.log(p[np.arange(len(codes)), codes])
    names = [str(name) for name in model.classes.tolist()]
    worst = np.argsort(-losses, kind="stable")[:top]
    listed = [
        {
            "row": int(numbers[i]),
            "label": names[codes[i]],
            "prediction": names[int(p[i].argmax())],
            "p_label": float(p[i, codes[i]]),
            "loss": float(losses[i]),
        }
        for i in worst
    ]
    body = [
        (str(one["row"]), str(one["label"]), str(one["prediction"]), f"{one['p_label']:.4g}", f"{one['loss']:.4g}")
        for one in listed
    ]
    facts = {"loss": trace.loss, "largest_losses": listed}
    table = screen.table(("row", "label", "predicted", "p of the label", "loss, nats"), body, title="Largest losses")
    return facts, [screen.plain_text(f"loss {trace.loss:.6g} nats over {len(codes):,} rows"), "", table]


def _finite(facts: Any) -> Any:
    """Return plain data with None for what JSON has no number for."""
    if isinstance(facts, dict):
        return {key: _finite(value) for key, value in facts.items()}
    if isinstance(facts, list | tuple):
        return [_finite(value) for value in facts]
    return None if isinstance(facts, float) and not math.isfinite(facts) else facts

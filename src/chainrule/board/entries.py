"""What a page asks about a node or an entry: what it is, its paths, what becomes of J if it is another number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.board.answers import MOST_LISTED, Answer, Aside, as_focus
from chainrule.board.stage import Stage
from chainrule.errors import ChainruleError, InputError
from chainrule.inspection import Explanation, as_numpy, explain, first_nonfinite, parse_entry
from chainrule.inspection import check as compare
from chainrule.inspection import ledger as list_paths
from chainrule.inspection.as_numpy import MOST_NUMBERS
from chainrule.inspection.entries import parse_reference
from chainrule.inspection.paths import show_count


def subject(stage: Stage, focus: int | None) -> dict[str, Any]:
    """Return what drives the board as the functions of `chainrule.inspection` take it."""
    return {"model": stage.subject(as_focus(stage, focus)), "X": None, "sample": focus}


def inspect(stage: Stage, *, entry: str, focus: int | None = None, code: int = MOST_NUMBERS) -> Answer:
    """Return what a node, a gradient or an entry is: numbers, formulas with and without them, code.

    Code is left out where it would hold more than ``code`` numbers.
    """
    graph = stage.scene.graph
    reference = parse_reference(graph, entry)
    given = subject(stage, focus)
    base = entry.strip()[reference.gradient :].strip()
    kinds = [True, False] if reference.gradient else [False, True]
    told: Answer = {"entry": entry.strip(), "shape": list(graph.shape(reference.node)), "formulas": [], "numpy": ""}
    for gradient in kinds:
        if gradient and reference.node not in graph.gradient_nodes:
            continue
        found = explain(name=("d" if gradient else "") + base, **given)
        if gradient == reference.gradient:
            told["entry"], told["meaning"] = found.name, found.meaning
        # A parameter's value is just a number; the lines that say something are its gradient's.
        if gradient == (reference.gradient or reference.node in graph.parameters):
            told["numpy"] = _code(found.name, given, code)
        if isinstance(found.value, float):
            told["gradient" if gradient else "value"] = found.value
        told["formulas"] += _formulas(found)
    is_entry = "value" in told and reference.node in graph.parameters
    told["editable"] = reference.entry if is_entry else ""
    return told


def _code(name: str, given: dict[str, Any], most: int) -> str:
    """Return lines of NumPy that give the number; nothing where these would be a wall of digits."""
    try:
        return as_numpy(name=name, most=min(most, MOST_NUMBERS), **given)
    except ChainruleError:
        return ""


def _formulas(found: Explanation) -> list[Answer]:
    texts, mathml = found.lines("text"), found.lines("mathml")
    what = "Gradient" if found.kind == "gradient" else "Value"
    shown = [
        {
            "caption": what if place == 0 else "with this network's numbers" if place == 1 else "",
            "text": text,
            "mathml": drawn,
            "shapes": found.shapes if place == 0 else "",
        }
        for place, (text, drawn) in enumerate(zip(texts, mathml, strict=True))
    ]
    return [*shown, *(_local(found))]


def _local(found: Explanation) -> list[Answer]:
    from chainrule.graph.formula import render_mathml

    return [
        {
            "caption": f"local derivative {symbol}",
            "text": formula.render("text", {}),
            "mathml": render_mathml(formula, {}),
            "shapes": "",
        }
        for symbol, formula in found.local.items()
    ]


def ledger(stage: Stage, *, entry: str, focus: int | None = None, top: int = 12) -> Aside:
    """Return the paths of the chain rule from one entry to the loss: of this moment, the run may go on."""
    given = subject(stage, focus)
    return Aside(lambda: _paths(given, entry, focus, max(0, min(top, MOST_LISTED))))


def _paths(given: dict[str, Any], entry: str, focus: int | None, top: int) -> Answer:
    found = list_paths(entry=entry, top=top, **given)
    over = f"sample {focus} alone" if focus is not None else f"mean over {found.n_samples} rows"
    return {
        "entry": found.entry, "loss": found.loss, "over": over, "count": show_count(found.n_paths),
        "rows": [
            {
                "path": " → ".join(row.entries), "product": row.product,
                "factors": [
                    {"symbol": factor.symbol, "formula": factor.formula, "value": factor.value}
                    for factor in row.factors
                ],
            }
            for row in found.rows
        ],
        "rest_count": show_count(found.n_rest) if found.n_rest else "", "rest": found.rest, "total": found.total,
        "magnitude": found.magnitude, "gradient": found.gradient, "residual": found.residual,
    }  # fmt: skip


def trouble(stage: Stage, *, focus: int | None = None) -> Answer:
    """Return the first node that is not finite, with what went in and what to do; the entry is None if all is well."""
    found = first_nonfinite(**subject(stage, focus))
    if found is None:
        return {"entry": None, "text": ""}
    return {"entry": ("d" if found.kind == "gradient" else "") + found.node, "text": str(found)}


def edit(stage: Stage, *, entry: str, value: float, focus: int | None = None) -> Answer:
    """Set a parameter's entry; return what its gradient foretold for J, and what happened."""
    graph = stage.scene.graph
    found = parse_entry(graph, entry)
    if found.node not in graph.parameters:
        raise InputError(f"{found} is no parameter: what is computed can't be set")
    shape = graph.parameters[found.node]
    place = graph.parameters.where(found.node).start + (int(np.ravel_multi_index(found.index, shape)) if shape else 0)
    before = stage.sweep(as_focus(stage, focus))
    old = float(before.values[found.node][found.index])
    slope = float(before.gradients[found.node][found.index]) if found.node in before.gradients else 0.0
    stage.edit(place, value)
    after = stage.sweep(as_focus(stage, focus))
    change = float(after.values[found.node][found.index]) - old
    return {
        "entry": str(found), "old": old, "change": change, "gradient": slope, "predicted": slope * change,
        "before": before.loss, "after": after.loss, "happened": after.loss - before.loss,
    }  # fmt: skip


def check(stage: Stage, *, entries: int, focus: int | None) -> Callable[[Callable[[int, int], None]], Answer]:
    """Return the comparison of gradients with central differences as a job, which tells how far it is."""
    given = subject(stage, focus)  # of this moment: the run may go on

    def job(tell: Callable[[int, int], None]) -> Answer:
        found = compare(n_entries=entries, callback=tell, **given)
        states = {name: found.checked[name].astype(np.uint8) + found.crosses_kink[name] for name in found.analytic}
        figures = found.to_dict()["parameters"]
        return {
            "worst": found.worst, "worst_error": found.max_relative_error, "checked": found.n_checked,
            "kinks": found.n_kinks,
            "parameters": [
                {
                    "name": name, "checked": figures[name]["n_checked"], "kinks": figures[name]["n_at_a_kink"],
                    "worst": figures[name]["max_relative_error"], "errors": np.atleast_2d(found.relative_error[name]),
                    "states": np.atleast_2d(states[name]).astype(np.uint8),
                }
                for name in found.analytic
            ],
        }  # fmt: skip

    return job

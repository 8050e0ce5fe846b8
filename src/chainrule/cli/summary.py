"""A model and an evaluation as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule.cli import screen
from chainrule.report.facts import architecture, duration, encoded_as, is_network, percent, plural, significant

if TYPE_CHECKING:
    from rich.console import RenderableType

    from chainrule.evaluation import Evaluation
    from chainrule.model import Model

MOST_CLASSES = 8
MOST_DROPPED = 12
_CHARACTERS_FOR_CONFUSION = 76


def trained(model: Model) -> list[RenderableType]:
    """Return what was trained on what, for the end of ``train``."""
    data, split, fit = model.record["data"], model.record["split"], model.record["fit"]
    held_out = f", {split['n_test']:,} held out" if split["n_test"] else ", none held out"
    rows = f"{split['n_train']:,} to train{held_out}"
    if data["rows_without_target"]:
        rows += f", {data['rows_without_target']:,} left out: no {data['target']}"
    used = data["n_columns"] - 1 - len(data["dropped"])
    columns = f"{plural(used, 'column')} as {plural(model.n_features, 'feature')}"
    if model.encoding is not None:
        columns += f": {encoded_as(model.encoding)}"
    facts = [
        ("Rows", rows),
        ("Columns", columns),
        *dropped(data["dropped"]),
        *notes(data),
        ("Classes", classes(model)),
        *([("Network", architecture(model))] if is_network(model) else []),
        ("Fit", _network_fit(model) if is_network(model) else _softmax_fit(fit)),
    ]
    return [
        screen.heading(f"{data['target']} from {data['source']}"),
        "",
        screen.facts([(name, screen.plain_text(text)) for name, text in facts]),
    ]


def _softmax_fit(fit: Mapping[str, Any]) -> str:
    status = "converged" if fit["converged"] else "not converged"
    if fit.get("gap") is not None:
        status += f" (at most {significant(fit['gap'], 2)} nats above the optimum)"
    return f"{fit['solver']}, {plural(fit['n_iter'], 'iteration')} in {duration(fit['seconds'])}, {status}"


def _network_fit(model: Model) -> str:
    fit, split = model.record["fit"], model.record["split"]
    text = f"{fit['solver']}, {plural(fit['n_iter'], 'epoch')} in {duration(fit['seconds'])}"
    if fit["best_epoch"] is None:
        return text
    return f"{text}, the best on {split['n_validation']:,} of these rows was epoch {fit['best_epoch']:,}"


def dropped(columns: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return which columns are left out, each with the reason."""
    lines = [f"{name}: {why}" for name, why in list(columns.items())[:MOST_DROPPED]]
    if len(columns) > MOST_DROPPED:
        lines.append(f"and {len(columns) - MOST_DROPPED:,} more")
    return [("Left out" if place == 0 else "", line) for place, line in enumerate(lines)]


def notes(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what else there is to know of the columns and classes, a line each."""
    said = {f"column {name!r} left out: {why}" for name, why in data["dropped"].items()}
    lines = [note for note in data["notes"] if note.rstrip(".") not in said]
    if len(lines) > MOST_DROPPED:
        lines = [*lines[:MOST_DROPPED], f"and {len(lines) - MOST_DROPPED:,} more"]
    return [("Notes" if place == 0 else "", line) for place, line in enumerate(lines)]


def classes(model: Model) -> str:
    """Return the classes with their shares, where they are known."""
    names = [str(label) for label in model.classes.tolist()]
    counts: list[int] = model.record.get("data", {}).get("class_counts", [])
    total: int = sum(counts)
    if len(counts) == len(names) and total:
        names = [f"{name} {percent(count / total)}" for name, count in zip(names, counts, strict=True)]
    more = f" and {len(names) - MOST_CLASSES:,} more" if len(names) > MOST_CLASSES else ""
    return ", ".join(names[:MOST_CLASSES]) + more


def scores(evaluation: Evaluation, title: str) -> list[RenderableType]:
    """Return the figures beside those of always giving the most frequent answer."""
    e, base = evaluation, evaluation.baseline
    rows = [
        ("accuracy", f"{e.accuracy:.4f}", f"{base.accuracy:.4f}"),
        ("log-loss, nats", f"{e.log_loss:.4f}", f"{base.log_loss:.4f}"),
        ("macro F1", f"{e.macro_f1:.4f}", f"{base.macro_f1:.4f}"),
    ]
    shown: list[RenderableType] = [screen.table((title, "model", f"always {_short(base.label, 20)}"), rows)]
    if e.log_loss > base.log_loss:
        shown.append(" Its log-loss is worse than that of the classes' frequencies: trust its probabilities less.")
    return shown


def class_scores(evaluation: Evaluation) -> list[RenderableType]:
    """Return precision, recall and F1 of each class."""
    rows = [
        (_short(one.label, 30), _ratio(one.precision), _ratio(one.recall), _ratio(one.f1), f"{one.support:,}")
        for one in evaluation.per_class
    ]
    return [screen.table(("class", "precision", "recall", "F1", "rows"), rows)]


def confusion(evaluation: Evaluation) -> list[RenderableType]:
    """Return which class was taken for which; nothing where that would not fit a terminal."""
    names = [_short(label, 12) for label in evaluation.classes]
    width = 24 + sum(max(len(name), 5) + 2 for name in names)
    if width > _CHARACTERS_FOR_CONFUSION:
        return []
    rows = [
        (name, *(f"{count:,}" if count else "·" for count in counts))
        for name, counts in zip(names, evaluation.confusion, strict=True)
    ]
    return [screen.table(("true \\ predicted", *names), rows)]


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _short(label: Any, most: int) -> str:
    text = str(label)
    return text if len(text) <= most else text[: most - 1] + "…"

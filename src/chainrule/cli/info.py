"""``chainrule info``: what a model file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.cli import screen
from chainrule.cli.arguments import AsJson, ModelPath

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule.model import Model


def info(model: ModelPath, as_json: AsJson = False) -> None:
    """Show what a model was trained on, how, and how good it is."""
    from chainrule.files import load_model

    loaded = load_model(model)
    if as_json:
        screen.show_json(_as_json(loaded, model))
    else:
        _show(loaded, model)


def _as_json(model: Model, path: Path) -> dict[str, Any]:
    return {
        "model": str(path),
        "classes": model.classes.tolist(),
        "feature_names": list(model.feature_names),
        "n_parameters": len(model.parameters),
        "dtype": model.dtype,
        **model.record,
    }


def _show(model: Model, path: Path) -> None:
    from chainrule.cli import summary
    from chainrule.report.facts import data_facts, evaluation_of, fit_facts

    facts = [*data_facts(model), ("Classes", summary.classes(model))]
    facts += summary.dropped(model.record.get("data", {}).get("dropped", {}))
    parts: list[Any] = [screen.heading(str(path)), ""]
    for group in (facts, fit_facts(model)):
        parts += [screen.facts([(name, screen.plain_text(text)) for name, text in group]), ""]
    evaluation = evaluation_of(model)
    if evaluation is not None:
        parts += [*summary.scores(evaluation, f"{evaluation.n_rows:,} rows held out"), ""]
        parts += summary.class_scores(evaluation)
    screen.show(*parts)

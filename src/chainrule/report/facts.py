"""What a model's record says, in words: for the report, and for whoever prints the same facts elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import sqrt
from typing import TYPE_CHECKING, Any, TypeAlias

from chainrule.evaluation import Evaluation
from chainrule.report.markup import shorten

if TYPE_CHECKING:
    from chainrule.model import Model

Facts: TypeAlias = list[tuple[str, str]]

_STATUS = {
    "converged": "converged",
    "precision": "converged as far as rounding allows",
    "max_iter": "stopped at max_iter before it converged: raise max_iter",
    "interrupted": "interrupted: these are the last parameters",
}


def evaluation_of(model: Model) -> Evaluation | None:
    """Return the evaluation in a model's record; None where no rows were held out."""
    data = model.record.get("evaluation")
    return None if data is None else Evaluation.from_dict(data)


def part(model: Model, name: str) -> Mapping[str, Any]:
    """Return one part of a model's record; empty where it is missing, as for a model trained on arrays."""
    found = model.record.get(name)
    return found if isinstance(found, Mapping) else {}


def verdict(evaluation: Evaluation) -> list[str]:
    """Return how good a model is on the rows held out, in a few sentences."""
    e = evaluation
    hits = sum(row[k] for k, row in enumerate(e.confusion))
    low, high = wilson_interval(hits, e.n_rows)
    sentences = [
        f"Right on {hits:,} of {e.n_rows:,} rows that it was not trained on: {percent(e.accuracy)} "
        f"(95\u00a0% interval {percent(low)} to {percent(high)})."
    ]
    always, share = shorten(e.baseline.label, 40), percent(e.baseline.accuracy)
    if e.accuracy > e.baseline.accuracy:
        sentences.append(f"Always answering {always} would be right on {share}.")
    else:
        sentences.append(f"That is no better than always answering {always}: {share}.")
    if e.log_loss > e.baseline.log_loss:
        sentences.append("Its probabilities foretell less than the classes' frequencies do.")
    return sentences


def data_facts(model: Model) -> Facts:
    """Return what the model was trained on."""
    data, split = part(model, "data"), part(model, "split")
    facts: Facts = []
    if "source" in data:
        facts.append(("Source", str(data["source"])))
    if "target" in data:
        facts.append(("Target", f"{data['target']}, {plural(len(model.classes), 'class')}"))
    if "n_rows" in data:
        lost = data.get("rows_without_target", 0)
        note = f", {lost:,} of them left out: no target" if lost else ""
        facts.append(("Rows", f"{data['n_rows']:,}{note}"))
    if "n_columns" in data:
        facts.append(
            ("Columns", f"{data['n_columns']:,} with the target, encoded as {plural(model.n_features, 'feature')}")
        )
    else:
        facts.append(("Features", f"{model.n_features:,}"))
    if split.get("n_test"):
        how = "each class in proportion" if split.get("stratified") else "drawn at random"
        facts.append(
            ("Split", f"{split['n_train']:,} to train, {split['n_test']:,} held out, {how}, seed {split['seed']}")
        )
    elif "n_train" in split:
        facts.append(("Split", f"none: trained on all {split['n_train']:,} rows"))
    if "created" in model.record:
        facts.append(("Trained", _moment(str(model.record["created"]))))
    return facts


def fit_facts(model: Model) -> Facts:
    """Return how the model was trained."""
    fit, options = part(model, "fit"), part(model, "options")
    facts: Facts = []
    if "solver" in fit:
        facts.append(("Solver", str(fit["solver"])))
    if "status" in fit:
        facts.append(("Status", _STATUS.get(str(fit["status"]), str(fit["status"]))))
    if "n_iter" in fit:
        passes = f", {plural(fit['passes'], 'pass')} over the rows" if "passes" in fit else ""
        facts.append(("Iterations", f"{fit['n_iter']:,}{passes}"))
    if "objective" in fit:
        facts.append(("Objective", f"{significant(fit['objective'], 6)} nats (cross-entropy and penalty)"))
    if "seconds" in fit:
        facts.append(("Time", duration(fit["seconds"])))
    if "C" in options:
        facts.append(("Penalty", "none (C = inf)" if options["C"] == "inf" else f"C = {options['C']:g}"))
    if options.get("class_weight") is not None:
        facts.append(("Class weights", _weights(options["class_weight"])))
    facts.append(("Parameters", f"{len(model.parameters):,}, rows computed in {model.dtype}"))
    return facts


def wilson_interval(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return where a share lies with 95 % confidence, given ``hits`` of ``n`` (Wilson 1927)."""
    share, spread = hits / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    reach = z / (1 + spread) * sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


def percent(share: float) -> str:
    """Return a share as ``98.5 %`` (with a space that doesn't break); all but everything is not 100 %."""
    value = f"{100 * share:.1f}"
    if value == "100.0":
        value = "100" if share == 1 else "99.9"
    return f"{value}\u00a0%"


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits: ``0.0412``, ``1.30``."""
    shown = f"{value:#.{digits}g}".rstrip(".")
    return shown.replace("-", "−")


def duration(seconds: float) -> str:
    """Return a time as ``12 ms``, ``3.4 s`` or ``2 min 5 s``."""
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def plural(count: int, noun: str) -> str:
    """Return ``1 pass``, ``2 passes``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}es" if noun.endswith("ss") else f"{count:,} {noun}s"


def _moment(created: str) -> str:
    try:
        return datetime.fromisoformat(created).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return created


def _weights(class_weight: Any) -> str:
    if isinstance(class_weight, Mapping):
        return ", ".join(f"{label}: {factor:g}" for label, factor in class_weight.items())
    return str(class_weight)

"""What a model's record says, in words: for the report, and for whoever prints the same facts elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import sqrt
from typing import TYPE_CHECKING, Any, TypeAlias

from chainrule.evaluation import Evaluation
from chainrule.graph.ops import ACTIVATIONS
from chainrule.markup import shorten

if TYPE_CHECKING:
    from chainrule.graph import Graph
    from chainrule.model import Model
    from chainrule.tables import Encoding
    from chainrule.tables.rules import Rule

Facts: TypeAlias = list[tuple[str, str]]

_NETWORK_STATUS = {
    "converged": "stopped: no further improvement",
    "max_iter": "all epochs done",
    "stopped": "stopped from outside",
    "interrupted": "interrupted: these are the last parameters",
}
_STATUS = {
    "converged": "converged",
    "precision": "converged as far as rounding allows",
    "max_iter": "stopped at max_iter before it converged: raise max_iter",
    "separable": "no optimum: without a penalty ever larger weights do ever better",
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


def is_network(model: Model) -> bool:
    """Return whether a model has hidden layers."""
    return len(model.graph.of_kind("dense")) > 1


def architecture(model: Model) -> str:
    """Return a network's layers: ``16-256-128-26, relu``."""
    graph = model.graph
    layers = graph.of_kind("dense")
    widths = [model.n_features, *(graph.shape(layer.name)[1] for layer in layers[:-1]), len(model.classes)]
    kinds = list(dict.fromkeys(node.operation for node in graph.nodes if node.operation in ACTIVATIONS))
    extras = [what for kind, what in (("dropout", "dropout"), ("add", "skip connections")) if _has(graph, kind)]
    return ", ".join(["-".join(map(str, widths)), *kinds, *extras])


def _has(graph: Graph, kind: str) -> bool:
    """Return whether a node of a kind is part of what predicts; penalties are added too, but not there."""
    return any(node.operation == kind and node.name != graph.loss for node in graph.nodes)


def encoded_as(encoding: Encoding) -> str:
    """Return how a table's columns became features, by kind: ``5 numbers, 2 categories (6 levels)``."""
    rules: dict[str, list[Rule]] = {}
    for rule in encoding.rules:
        rules.setdefault(rule.kind, []).append(rule)
    counts = {kind: len(of_kind) for kind, of_kind in rules.items()}
    parts = [plural(counts["number"], "number")] if "number" in counts else []
    if "boolean" in counts:
        parts.append(plural(counts["boolean"], "boolean"))
    for kind, noun, what in (("category", "category", "level"), ("date", "date", "part")):
        if kind in counts:
            features = sum(len(rule.feature_names) - rule.missing for rule in rules[kind])
            parts.append(f"{plural(counts[kind], noun)} ({plural(features, what)})")
    flags = sum(rule.missing for rule in encoding.rules)
    return ", ".join([*parts, *([f"{plural(flags, 'flag')} of missing values"] if flags else [])])


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
        if model.encoding is not None:
            facts.append(("Encoding", encoded_as(model.encoding)))
    else:
        facts.append(("Features", f"{model.n_features:,}"))
    if split.get("n_test"):
        how = "each class in proportion" if split.get("stratified") else "drawn at random"
        facts.append(
            ("Split", f"{split['n_train']:,} to train, {split['n_test']:,} held out, {how}, seed {split['seed']}")
        )
    elif "n_train" in split:
        facts.append(("Split", f"none: trained on all {split['n_train']:,} rows"))
    if "n_validation" in split:
        facts.append(("Watched", f"{split['n_validation']:,} of the rows to train, to find the best epoch"))
    if "created" in model.record:
        facts.append(("Trained", _moment(str(model.record["created"]))))
    return facts


def fit_facts(model: Model) -> Facts:
    """Return how the model was trained."""
    if is_network(model):
        return _network_facts(model)
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
    if fit.get("gap") is not None:
        facts.append(("Certificate", f"at most {significant(fit['gap'], 2)} nats above the optimum, proven"))
    if "seconds" in fit:
        facts.append(("Time", duration(fit["seconds"])))
    if "C" in options:
        facts.append(("Penalty", "none (C = inf)" if options["C"] == "inf" else f"C = {options['C']:g}"))
    if options.get("class_weight") is not None:
        facts.append(("Class weights", _weights(options["class_weight"])))
    facts.append(("Parameters", f"{len(model.parameters):,}, rows computed in {model.dtype}"))
    return facts


def _network_facts(model: Model) -> Facts:
    fit, options = part(model, "fit"), part(model, "options")
    facts: Facts = [("Layers", architecture(model))]
    if "solver" in fit:
        facts.append(("Optimizer", str(fit["solver"])))
    if "status" in fit:
        facts.append(("Status", _NETWORK_STATUS.get(str(fit["status"]), str(fit["status"]))))
    if "n_iter" in fit:
        best = fit.get("best_epoch")
        kept = f"; kept is epoch {best:,}, the best on the rows watched" if best is not None else ""
        facts.append(("Epochs", f"{fit['n_iter']:,}, {plural(fit['n_steps'], 'step')}{kept}"))
    if fit.get("objective") is not None:
        facts.append(("Loss", f"{significant(fit['objective'], 4)} nats at the end, penalties included"))
    if fit.get("seconds"):
        facts.append(("Time", f"{duration(fit['seconds'])}, {fit['rows_per_second']:,.0f} rows a second"))
    facts += _network_options(options)
    if options.get("class_weight") is not None:
        facts.append(("Class weights", _weights(options["class_weight"])))
    facts.append(("Parameters", f"{len(model.parameters):,}, rows computed in {model.dtype}"))
    return facts


def _network_options(options: Mapping[str, Any]) -> Facts:
    """Return the options that say how a network learned; what is off is left out."""
    facts: Facts = []
    schedule = options.get("schedule")
    name = schedule.get("name") if isinstance(schedule, Mapping) else schedule
    if options.get("solver") != "lbfgs" and "learning_rate_init" in options:
        facts.append(("Learning rate", f"{options['learning_rate_init']:g}, {name or options['learning_rate']}"))
        facts.append(("Batches", f"{options['batch_size']} rows"))
    named = (
        ("Weight decay", "weight_decay"),
        ("Penalty", "alpha"),
        ("Dropout", "dropout"),
        ("Label smoothing", "label_smoothing"),
        ("Longest gradient", "clip_norm"),
    )
    return facts + [(what, _number(options[key])) for what, key in named if options.get(key)]


def _number(value: Any) -> str:
    """Return a number or a list of them as text."""
    return ", ".join(f"{entry:g}" for entry in value) if isinstance(value, list) else f"{value:g}"


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
    if noun.endswith("gory"):
        return f"{count:,} {noun[:-1]}ies"
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

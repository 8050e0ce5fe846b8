"""The page's head, and its sections on where the model comes from and how to use it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from chainrule.evaluation import Evaluation
from chainrule.markup import Html, element, join, shorten
from chainrule.report.facts import data_facts, fit_facts, is_network, part, percent, plural, significant, verdict
from chainrule.report.parts import MOST_CLASSES, Page, Section, facts_list, figure, figures, label, table
from chainrule.report.plots import plot_epochs, plot_loss

_MOST_DROPPED = 60


def title(page: Page) -> str:
    """Return what the page is about: ``Predicting species``."""
    target = part(page.model, "data").get("target")
    return f"Predicting {shorten(target, 60)}" if target else f"A model of {plural(len(page.model.classes), 'class')}"


def header(page: Page) -> Html:
    """Return title, verdict and the three figures that sum the model up."""
    data = part(page.model, "data")
    source = shorten(PurePath(str(data["source"])).name or data["source"], 60) if "source" in data else None
    kind = "Neural network" if is_network(page.model) else "Softmax classifier"
    above = f"{kind}, trained on {source}" if source else kind
    if page.evaluation is None:
        summary: tuple[Html | None, ...] = (element("p", _unevaluated(page), class_="verdict"),)
    else:
        summary = (
            element("p", " ".join(verdict(page.evaluation)), class_="verdict"),
            _figures(page.evaluation),
        )
    return element(
        "header",
        element("p", above, class_="above"),
        element(f"h{page.heading}", title(page)),
        *summary,
        between="\n",
    )


def data(page: Page) -> Section | None:
    """Return what the model was trained on: facts, classes, columns left out and why, remarks."""
    record = part(page.model, "data")
    parts: list[Html | None] = [facts_list(data_facts(page.model))]
    counts = record.get("class_counts")
    if isinstance(counts, list) and len(counts) == len(page.model.classes) and sum(counts):
        parts.append(_class_counts(page, counts))
    dropped = record.get("dropped")
    if isinstance(dropped, Mapping) and dropped:
        rows = list(dropped.items())
        more = f" (first {_MOST_DROPPED} of {len(rows):,})" if len(rows) > _MOST_DROPPED else ""
        parts.append(table(f"Columns left out{more}", ["Column", "Why"], rows[:_MOST_DROPPED], numbers=False))
    elif "n_columns" in record:
        parts.append(element("p", "No column was left out."))
    if record.get("notes"):
        remarks = [element("li", note) for note in record["notes"]]
        parts.append(element("div", element("p", "Remarks", class_="caption"), element("ul", *remarks)))
    note = "What the model has seen."
    return Section("data", "Data", note, join(*parts))


def training(page: Page) -> Section | None:
    """Return how the solver fared."""
    facts = facts_list(fit_facts(page.model))
    losses = part(page.model, "fit").get("loss_curve")
    if is_network(page.model):
        return _network_training(page, facts)
    if not isinstance(losses, list) or len(losses) < 2 or not np.isfinite(losses).all():
        return Section("training", "Training", "How the solver fared.", facts)
    plot = figure(plot_loss(losses, f"{page.prefix}loss-"), "What training minimises, after each iteration.")
    return Section("training", "Training", "How the solver fared.", figures(facts, plot))


def _network_training(page: Page, facts: Html) -> Section:
    """Return how the epochs went."""
    fit = part(page.model, "fit")
    losses, watched = _curve(fit.get("loss_curve")), _curve(fit.get("validation_losses"))
    note = "How the loss came down, epoch by epoch."
    if losses is None:
        return Section("training", "Training", note, facts)
    if watched is not None and len(watched) != len(losses):
        watched = None
    best = fit.get("best_epoch") if watched is not None else None
    caption = "Mean loss in each epoch; dropout and penalties raise that of the rows trained on."
    plot = figure(plot_epochs(losses, watched, best, f"{page.prefix}loss-"), caption)
    return Section("training", "Training", note, figures(facts, plot))


def _curve(losses: Any) -> list[float] | None:
    """Return losses that can be drawn as a curve; None for anything else."""
    numbers = isinstance(losses, list) and all(isinstance(loss, int | float) for loss in losses)
    return losses if numbers and len(losses) > 1 and np.isfinite(losses).all() else None


def use(page: Page) -> Section | None:
    """Return how to predict with the model."""
    path = page.model_path or "model.chainrule"
    lines = ["from chainrule import load_model", f"model = load_model({path!r})"]
    lines.append("model.predict('new.csv')" if page.model.encoding is not None else "model.predict(X)")
    parts: list[Html | None] = [element("pre", element("code", "\n".join(lines)), tabindex="0")]
    takes = f"X has {plural(page.model.n_features, 'column')}"
    if page.model.encoding is not None:
        takes = "a file, or a DataFrame, with the columns that it was trained on"
        command = f"chainrule predict {shlex.quote(path)} new.csv --proba"
        parts += [
            element("p", "Or from the shell:"),
            element("pre", element("code", command), tabindex="0"),
        ]
    if page.model_path is None:
        parts.append(element("p", "Save it first: ", element("code", f"model.save({path!r})"), ".", class_="quiet"))
    note = f"Predictions take {takes}; predict_proba gives a probability per class."
    return Section("use", "Use it", note, join(*parts))


def _unevaluated(page: Page) -> str:
    if part(page.model, "split").get("test_size") == 0:
        return "Trained on every row; no rows were held out, so nothing is known of how well it does on new ones."
    return "No rows were held out, so nothing is known of how well it does on new ones."


def _figures(e: Evaluation) -> Html:
    b = e.baseline
    shown = [
        ("Accuracy", percent(e.accuracy), f"majority class {percent(b.accuracy)}", "higher is better"),
        (
            "Log-loss",
            significant(e.log_loss),
            f"class frequencies {significant(b.log_loss)}",
            "in nats, lower is better",
        ),
        ("Macro F1", f"{e.macro_f1:.3f}", f"majority class {b.macro_f1:.3f}", "higher is better"),
    ]
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", name),
                element("dd", value, class_="value"),
                element("dd", base, class_="against"),
                element("dd", unit, class_="unit"),
            )
            for name, value, base, unit in shown
        ),
        class_="headline",
        between="\n",
    )


def _class_counts(page: Page, counts: list[Any]) -> Html:
    classes = page.model.classes.tolist()
    total, largest = sum(counts), max(counts)
    order = range(len(counts))
    caption = "Rows by class"
    if len(counts) > MOST_CLASSES:
        order = sorted(order, key=lambda k: -counts[k])[:MOST_CLASSES]  # type: ignore[assignment]
        caption += f", the {MOST_CLASSES} largest of {len(counts)}"
    rows = [
        [
            label(classes[k]),
            element(
                "span",
                element("span", class_="plain", style=f"width: {100 * counts[k] / largest:.1f}%"),
                class_="bar",
                aria_hidden="true",
            ),
            f"{counts[k]:,}",
            percent(counts[k] / total),
        ]
        for k in order
    ]
    header = ["Class", element("span", "Bar", class_="unseen"), "Rows", "Share"]
    return table(caption, header, rows, class_="shares")

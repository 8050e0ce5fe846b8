"""The page's sections on how well the model foretells rows that it was not trained on."""

from __future__ import annotations

from math import sqrt

from chainrule.evaluation import Evaluation
from chainrule.markup import Html, element, join, shorten
from chainrule.report.facts import percent, plural, significant
from chainrule.report.parts import MOST_CLASSES, Page, Section, figure, figures, label, scrolling, table
from chainrule.report.plots import MOST_LINES, plot_calibration, plot_precision_recall, plot_roc

_MOST_MISTAKES = 12
# Up to here the matrix shows its mistakes by itself.
_SURVEYABLE = 8
_LONG_LABEL = 9


def scores(page: Page) -> Section | None:
    """Return precision, recall and F1 of each class."""
    e = page.evaluation
    if e is None:
        return None
    shown = list(range(len(e.classes)))
    caption = "Scores by class"
    if len(shown) > MOST_CLASSES:
        shown = sorted(shown, key=lambda k: (e.per_class[k].f1 is None, e.per_class[k].f1))[:MOST_CLASSES]
        caption = f"Scores by class, the {MOST_CLASSES} of {len(e.classes)} classes with the lowest F1"
    curves = {curve.label: curve for curve in e.curves}
    rows = []
    for k in shown:
        s = e.per_class[k]
        curve = curves.get(s.label)
        ratios = [s.precision, s.recall, s.f1, curve and curve.auc, curve and curve.average_precision]
        rows.append([s.label, f"{s.support:,}", *(None if r is None else f"{r:.3f}" for r in ratios)])
    header = ["Class", "Rows", "Precision", "Recall", "F1", "AUC", "AP"]
    if len(e.classes) == 2:  # one curve for both: its areas are of the second class, and below in its plot
        rows, header = [row[:-2] for row in rows], header[:-2]
    note = (
        "Precision: of the rows called this class, the share that is. Recall: of the rows of this class, the "
        "share that is found. F1 is their harmonic mean. A dash: not defined on these rows."
    )
    if len(e.classes) > 2:
        note += " AUC and AP: the areas under the curves further down."
    return Section("scores", "By class", note, table(caption, header, rows, hide_caption=True))


def confusion(page: Page) -> Section | None:
    """Return which classes are taken for which."""
    e = page.evaluation
    if e is None:
        return None
    K = len(e.classes)
    parts: list[Html] = []
    note = "Rows: the true class. Columns: what the model says. Blue is right, orange is wrong; the deeper, the "
    note += "larger the share of the true class's rows."
    if K <= MOST_CLASSES:
        parts.append(_matrix(e))
    else:
        note = f"A matrix of {K} × {K} would not be readable; these are its largest entries."
    if K > _SURVEYABLE:
        parts.append(_mistakes(e))
    return Section("confusion", "Confusion", note, join(*parts))


def curves(page: Page) -> Section | None:
    """Return ROC and precision-recall curves."""
    e = page.evaluation
    if e is None:
        return None
    note = "Each class against the rest, over all thresholds on its probability."
    if len(e.classes) == 2:
        note = f"Class {shorten(e.curves[0].label, 30)}, over all thresholds on its probability."
    elif len(e.classes) > MOST_LINES:
        note += " In colour the lowest four, in grey all others."
    plots = figures(
        figure(plot_roc(e.curves, f"{page.prefix}roc-"), "ROC: hits against false alarms. Up and left is better."),
        figure(
            plot_precision_recall(e.curves, f"{page.prefix}pr-"),
            "Precision against recall. Up and right is better.",
        ),
    )
    return Section("curves", "Ranking", note, plots)


def calibration(page: Page) -> Section | None:
    """Return whether probabilities mean what they say."""
    e = page.evaluation
    if e is None:
        return None
    c = e.calibration
    of = "the predicted class" if c.label is None else f"class {shorten(c.label, 30)}"
    note = (
        f"Rows in bins by the probability of {of}: how often was it so? On the diagonal probabilities can be "
        "taken at their word. Upright lines: 95\u00a0% intervals."
    )
    rows = [[f"{b.predicted:.3f}", f"{b.observed:.3f}", f"{b.count:,}"] for b in c.bins]
    numbers = element(
        "div",
        element(
            "p",
            f"On average over the rows, said and seen differ by {percent(c.expected_error)} (expected calibration "
            f"error); the Brier score is {significant(e.brier_score)}.",
        ),
        table("By bin", ["Predicted", "Observed", "Rows"], rows),
    )
    plot = figure(plot_calibration(c, f"{page.prefix}calibration-"), "Above: observed share. Below: rows per bin.")
    return Section("calibration", "Calibration", note, figures(plot, numbers))


def _matrix(e: Evaluation) -> Html:
    narrow = len(e.classes) > _SURVEYABLE or max(len(str(name)) for name in e.classes) > _LONG_LABEL
    head = element(
        "tr",
        element(
            "th",
            element("span", element("span", "true ↓"), " ", element("span", "said →"), class_="corner"),
            scope="col",
        ),
        *(element("th", element("span", label(name, 18)), scope="col") for name in e.classes),
    )
    rows = []
    for i, counts in enumerate(e.confusion):
        cells = []
        for j, count in enumerate(counts):
            # A few mistakes among thousands would be invisible; the root keeps their order and shows them.
            depth = sqrt(count / sum(counts)) if count else 0.0
            kind = "right" if i == j else "wrong"
            style = f"--depth: {100 * depth:.0f}%" if count else None
            cells.append(element("td", f"{count:,}" if count else "·", class_=kind if count else "none", style=style))
        rows.append(element("tr", element("th", label(e.classes[i], 18), scope="row"), *cells))
    classes = "confusion numbers" + (" upright" if narrow else "") + (" dense" if len(e.classes) > 12 else "")
    caption = f"Confusion matrix of {plural(e.n_rows, 'row')}"
    return scrolling(
        element(
            "table",
            element("caption", caption, class_="unseen"),
            element("thead", head),
            element("tbody", *rows, between="\n"),
            class_=classes,
        ),
        caption,
    )


def _mistakes(e: Evaluation) -> Html:
    found = [
        (count, i, j) for i, counts in enumerate(e.confusion) for j, count in enumerate(counts) if i != j and count
    ]
    if not found:
        return element("p", "Not one mistake.")
    found.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
    rows = [
        [e.classes[i], label(e.classes[j]), f"{count:,}", percent(count / sum(e.confusion[i]))]
        for count, i, j in found[:_MOST_MISTAKES]
    ]
    return table("Most frequent mistakes", ["True class", "Said", "Rows", "Of the class"], rows)

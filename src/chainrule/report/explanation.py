"""The page's sections on what the model computes: its coefficients and its graph."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import exp

from chainrule.markup import Html, element, join, shorten
from chainrule.report.coefficients import ClassCoefficients, Coefficient, largest_coefficients
from chainrule.report.facts import plural, significant
from chainrule.report.parts import MOST_CLASSES, Page, Section, label, scrolling, table
from chainrule.report.style import prefix_ids

_PER_CLASS = 8
_ONE_LOGIT = 12
# Up to here each class has a table of its own; beyond, one line in a common one.
_MOST_CARDS = 6
_PER_LINE = 3
# A drawing of more nodes than this is a texture.
_MOST_NODES = 120


def coefficients(page: Page) -> Section | None:
    """Return the largest coefficients per class."""
    model = page.model
    many = len(model.classes) > _MOST_CARDS
    most = _ONE_LOGIT if len(model.classes) == 2 else model.n_features if many else _PER_CLASS
    found = largest_coefficients(model, most)
    if not found:
        return None
    note = [_meaning(found[0])]
    if page.model.encoding is not None:
        note.append(
            "Columns of numbers are standardised: one unit is one standard deviation. A feature named "
            "column=value is 1 where the column has that value, else 0."
        )
    else:
        note.append("One unit is one unit of the column as it was given.")
    body = (
        _in_lines(found)
        if many
        else element("div", *(_card(each, found) for each in found), class_="cards", between="\n")
    )
    return Section("coefficients", "Coefficients", " ".join(note), body)


def graph(page: Page) -> Section | None:
    """Return the graph's picture."""
    drawn = page.model.graph
    if len(drawn) > _MOST_NODES:
        return None
    svg = drawn.to_svg()
    svg = prefix_ids(svg[svg.index("<svg") :], f"{page.prefix}graph-")
    note = (
        "What is computed, forward; and how the loss's derivative comes back by the chain rule. "
        f"{plural(drawn.parameters.size, 'parameter')} in all."
    )
    return Section(
        "graph", "Graph", note, element("figure", scrolling(Html(svg), "Picture of the graph"), class_="graph")
    )


def _meaning(first: ClassCoefficients) -> str:
    if first.against is not None:
        towards, against = shorten(first.towards, 30), shorten(first.against, 30)
        return (
            f"By how much one unit more of a feature raises the log-odds of {towards} against {against}, the "
            f"others staying as they are. Positive speaks for {towards}, negative for {against}; the odds change "
            "by the factor in the last column."
        )
    return (
        "By how much one unit more of a feature raises a class's logit, the others staying as they are. Positive "
        "speaks for the class, negative against it. Only differences between classes count."
    )


def _card(each: ClassCoefficients, all_of_them: Sequence[ClassCoefficients]) -> Html:
    scale = max((abs(c.value) for one in all_of_them for c in one.largest), default=1.0)
    one_logit = each.against is not None
    caption, direction = label(each.towards), element("span", "Direction", class_="unseen")
    if one_logit:
        caption = "Largest coefficients"
        direction = join(label(each.against, 16), " ← → ", label(each.towards, 16))
    header = ["Feature", direction, "Coefficient", *(["Odds ×"] if one_logit else [])]
    rows = []
    for coefficient in each.largest:
        row = [_feature(coefficient.feature), _bar(coefficient.value / scale), _signed(coefficient.value)]
        rows.append([*row, _factor(coefficient.value)] if one_logit else row)
    if each.intercept is not None:
        rest = ["", _signed(each.intercept)]
        rows.append([element("span", "intercept", class_="quiet"), *rest, *([""] if one_logit else [])])
    left = each.n_features - len(each.largest)
    more = element("p", f"and {plural(left, 'smaller one')}", class_="quiet") if left else None
    return element("div", table(caption, header, rows, class_="coefficients"), more)


def _in_lines(found: Sequence[ClassCoefficients]) -> Html:
    rows = []
    for each in found[:MOST_CLASSES]:
        towards = [c for c in each.largest if c.value > 0][:_PER_LINE]
        away = [c for c in each.largest if c.value < 0][:_PER_LINE]
        rows.append([each.towards, _listed(towards), _listed(away)])
    caption = f"The {_PER_LINE} largest coefficients for and against each class"
    if len(found) > MOST_CLASSES:
        caption += f", first {MOST_CLASSES} of {len(found)} classes"
    return table(caption, ["Class", "For it", "Against it"], rows, numbers=False)


def _listed(coefficients: Sequence[Coefficient]) -> Html | None:
    if not coefficients:
        return None
    return element(
        "ul",
        *(element("li", _feature(c.feature), " ", element("b", _signed(c.value))) for c in coefficients),
        class_="inline",
        between=" ",
    )


def _feature(name: str) -> Html:
    """Return a feature's name, shortened, that may break after the signs that join its words."""
    short = shorten(name, 36)
    words = join(*re.split(r"(?<=[_=:/])", short), between=Html("<wbr>"))
    return words if short == name else element("span", words, title=name)


def _bar(share: float) -> Html:
    """Return a bar from the middle: right in blue where positive, left in orange where negative."""
    side = "plus" if share >= 0 else "minus"
    width = f"width: {50 * abs(share):.1f}%"
    return element("span", element("span", class_=side, style=width), class_="bar", aria_hidden="true")


def _signed(value: float) -> str:
    shown = significant(value)
    return shown if value < 0 else f"+{shown}"


def _factor(value: float) -> str:
    if abs(value) > 20:  # nobody reads more digits, and exp(710) is infinite
        return "> 10⁸" if value > 0 else "< 10⁻⁸"
    factor = exp(value)
    return f"{factor:,.0f}" if factor >= 1000 else significant(factor)

"""What the page's sections are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.evaluation import Evaluation
from chainrule.markup import Html, element, join, shorten
from chainrule.report.facts import Facts

if TYPE_CHECKING:
    from chainrule.model import Model

# A table of more classes than this says less than a list of what is remarkable in it.
MOST_CLASSES = 40


@dataclass(frozen=True)
class Page:
    """What a section is written from.

    Attributes
    ----------
    model, evaluation
        The evaluation is None where no rows were held out.
    model_path
        Where the model is saved, if known.
    heading
        Level of the page's title: 1, and in a notebook, which has its own, 2.
    prefix
        Of every id.
    """

    model: Model
    evaluation: Evaluation | None
    model_path: str | None
    heading: int
    prefix: str


@dataclass(frozen=True)
class Section:
    """One part of the page: its heading and a word on how to read it on the left, the facts on the right."""

    name: str
    title: str
    note: Any
    body: Html

    def to_html(self, page: Page) -> Html:
        """Return the section as HTML."""
        heading = f"{page.prefix}{self.name}"
        return element(
            "section",
            element(
                "div",
                element(f"h{page.heading + 1}", self.title, id=heading),
                element("p", self.note, class_="note") if self.note else None,
                class_="side",
            ),
            element("div", self.body, class_="content"),
            aria_labelledby=heading,
            between="\n",
        )


def table(
    caption: Any,
    header: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: bool = True,
    hide_caption: bool = False,
    class_: str | None = None,
) -> Html:
    """Return a table whose first column names the rows.

    Parameters
    ----------
    caption, header, rows
        Text or `Html`; a cell of None is shown as a dash.
    numbers
        Whether the columns after the first hold numbers (set flush right).
    hide_caption
        Keep the caption for those who hear the page; the eye has a heading that says it.
    class_
        Further classes.
    """
    head = element("tr", *(element("th", cell, scope="col") for cell in header))
    body = [
        element(
            "tr",
            element("th", label(first), scope="row"),
            *(element("td", "–" if cell is None else cell) for cell in rest),
        )
        for first, *rest in rows
    ]
    classes = " ".join(filter(None, ["numbers" if numbers else None, class_]))
    return scrolling(
        element(
            "table",
            element("caption", caption, class_="unseen" if hide_caption else None),
            element("thead", head),
            element("tbody", *body, between="\n"),
            class_=classes or None,
        ),
        caption,
    )


def scrolling(content: Html, name: Any) -> Html:
    """Return content that may be wider than the page: it scrolls by itself, by keyboard too."""
    return element("div", content, class_="scroll", role="region", aria_label=str(name), tabindex="0")


def label(value: Any, most: int = 40) -> Any:
    """Return a name cut to a length that a table can hold; the whole of it on hovering."""
    if isinstance(value, Html):
        return value
    short = shorten(value, most)
    return short if short == str(value) else element("span", short, title=str(value))


def facts_list(facts: Facts) -> Html:
    """Return pairs of what and how as a description list."""
    return element(
        "dl",
        *(element("div", element("dt", what), element("dd", how)) for what, how in facts),
        class_="facts",
        between="\n",
    )


def figure(svg: Html, caption: Any) -> Html:
    """Return a plot with its caption."""
    return element("figure", svg, element("figcaption", caption))


def figures(*each: Html) -> Html:
    """Return plots beside each other where there is room."""
    return element("div", *each, class_="figures", between="\n")


def paragraphs(*texts: Any) -> Html:
    """Return each text as a paragraph."""
    return join(*(element("p", text) for text in texts))

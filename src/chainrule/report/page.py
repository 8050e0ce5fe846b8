"""The report on a model: one HTML page that needs nothing else, and the same in a notebook."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.markup import Html, element
from chainrule.report import explanation, performance, provenance
from chainrule.report.facts import evaluation_of
from chainrule.report.parts import Page

if TYPE_CHECKING:
    from chainrule.model import Model

_SECTIONS = (
    performance.scores,
    performance.confusion,
    performance.curves,
    performance.calibration,
    explanation.coefficients,
    provenance.data,
    provenance.training,
    explanation.graph,
    provenance.use,
)
# Nothing is loaded and no script runs, whatever a table's names hold.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Report:
    """What was trained on what, how well it does and how to use it.

    Parameters
    ----------
    model
        Any model; what its record lacks is left out, and the page says so where a reader would look for it.
    model_path
        Where the model is saved, for the page's lines on how to use it.

    Notes
    -----
    The page is the same for the same model, byte for byte. The plots need matplotlib (the extra ``plot``):
    without it a page that has plots raises MissingDependencyError.
    """

    def __init__(self, model: Model, *, model_path: str | Path | None = None) -> None:
        self.model = model
        self.model_path = None if model_path is None else str(model_path)

    def to_html(self) -> str:
        """Return the page: one self-contained file that opens from disk."""
        page = self._page(heading=1)
        return "<!DOCTYPE html>\n" + element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
                element("title", provenance.title(page)),
                element(
                    "style",
                    Html("body { margin: 0; } .chainrule-report { min-height: 100vh !important; }\n" + _stylesheet()),
                ),
                between="\n",
            ),
            element("body", self._body(page, "main")),
            lang="en",
            between="\n",
        )

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, whole or not at all, and return its path.

        Raises
        ------
        InputError
            If the file can't be written; what stood there stays.
        """
        from chainrule.files.atomic import check_target, replacing

        check_target(path)
        page = self.to_html()
        with replacing(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
        return Path(path)

    def _repr_html_(self) -> str:
        """Return the same facts for a notebook; the style reaches nothing outside of them."""
        page = self._page(heading=2)
        return element("style", Html(_stylesheet())) + self._body(page, "div")

    def __repr__(self) -> str:
        return f"<Report on {self.model!r}: .save(path) writes it, a notebook shows it>"

    def _page(self, heading: int) -> Page:
        # Ids must not repeat where a notebook shows several reports.
        facts = repr((sorted(self.model.record.items()), self.model.parameters.tobytes(), self.model_path, heading))
        prefix = f"r{sha256(facts.encode('utf-8', 'replace')).hexdigest()[:8]}-"
        return Page(self.model, evaluation_of(self.model), self.model_path, heading, prefix)

    def _body(self, page: Page, tag: str) -> Html:
        written = [section for make in _SECTIONS if (section := make(page)) is not None]
        links = [element("a", section.title, href=f"#{page.prefix}{section.name}") for section in written]
        return element(
            tag,
            provenance.header(page),
            element("nav", *links, aria_label="Sections"),
            *(section.to_html(page) for section in written),
            class_="chainrule-report",
            between="\n",
        )


def _stylesheet() -> str:
    return files("chainrule.report").joinpath("report.css").read_text(encoding="utf-8")

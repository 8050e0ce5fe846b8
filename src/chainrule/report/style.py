"""How plots look: one palette with markers and line styles, and figures as SVG that takes the page's colours.

Matplotlib needs colours when it draws, the page knows them only when it is shown (light, dark, print). So figures
are drawn in placeholder colours that `to_svg` turns into the page's CSS variables.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

from chainrule.errors import MissingDependencyError
from chainrule.markup import Html, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# After Okabe and Ito 2008, "Color universal design": told apart with any colour vision. Darkened until each has a
# contrast of 3:1 with white, as WCAG 2.1 asks of graphics.
PALETTE = ("#0072b2", "#d55e00", "#008a64", "#b5508c", "#a87000", "#4d5a66")
PALETTE_ON_DARK = ("#5ab4ea", "#ff8d4d", "#35c795", "#e58fc5", "#e0b04a", "#a9b4c0")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 3)), (0, (9, 2)))

# Placeholders; nothing else draws in these near-blacks.
INK, MUTED, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = tuple(f"#0501{i:02x}" for i in range(len(PALETTE)))
_VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule", PAPER: "--paper"} | {
    colour: f"--series-{i}" for i, colour in enumerate(SERIES)
}

_RC: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": RULE,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.labelpad": 4.0,
    "axes.labelsize": 11.0,
    "axes.linewidth": 1.0,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 11.0,
    "legend.frameon": False,
    "legend.fontsize": 11.0,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "chainrule",
    "text.color": INK,
    # A class may be called "$x".
    "text.parse_math": False,
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 10.5,
    "xtick.major.size": 4.0,
    "ytick.color": RULE,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 10.5,
    "ytick.major.size": 4.0,
}


@contextmanager
def plot_style() -> Iterator[None]:
    """Draw in the page's style within this context.

    Raises
    ------
    MissingDependencyError
        If matplotlib isn't installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependencyError(
            'the report\'s plots need matplotlib, which is not installed: pip install "chainrule[plot]"'
        ) from error
    with matplotlib.rc_context(_RC), warnings.catch_warnings():
        # Text is written as text: the reader's fonts draw it, those that measure it here need not have each glyph.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def new_figure(width: float, height: float, **kwargs: Any) -> tuple[Figure, Any]:
    """Return a figure and its axes; width and height in CSS pixels, ``kwargs`` for ``Figure.subplots``.

    Figures are made without pyplot: no global state, no window system.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    # An SVG's unit is the point, which the page shows as one pixel.
    layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02)
    figure = Figure(figsize=(width / 72, height / 72), layout=layout)
    return figure, figure.subplots(**kwargs)


def to_svg(figure: Figure, *, prefix: str, label: str) -> Html:
    """Return a figure as an ``<svg>`` element for a page.

    Parameters
    ----------
    figure
        Drawn under `plot_style`.
    prefix
        Put before every id, so that no two plots of a page (or of a notebook) share one.
    label
        What the plot shows, in words, for those who don't see it.
    """
    buffer = StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawing = buffer.getvalue()
    body = drawing[drawing.index(">", drawing.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = body.replace("xlink:href=", "href=")
    # Sizes stay, families are the page's.
    body = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", body)
    for placeholder, variable in _VARIABLES.items():
        body = body.replace(placeholder, f"var({variable})")
    width, height = (float(inches) * 72 for inches in figure.get_size_inches())
    opening = (
        f'<svg class="plot" viewBox="0 0 {width:g} {height:g}" style="max-width: {width * 1.15:g}px" '
        f'role="img" aria-label="{text(label)}">'
    )
    return Html(opening + prefix_ids(body, prefix).strip())


def prefix_ids(svg: str, prefix: str) -> str:
    """Return SVG text with ``prefix`` before every id and every reference to one."""
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'\bhref="#', f'href="#{prefix}', svg)
    return re.sub(r"url\(#", f"url(#{prefix}", svg)

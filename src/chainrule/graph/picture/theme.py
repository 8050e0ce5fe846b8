"""How a graph's picture looks: the style sheet that goes into its SVG.

Colours are after Okabe and Ito 2008, "Color universal design", dark on light and light on dark; no two kinds of
things differ by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.graph.picture.cards import NOTE_SIZE, SHAPE_SIZE

CSS_CLASS = "chainrule-graph"
SERIF = "'STIX Two Text','Times New Roman','Liberation Serif','DejaVu Serif',serif"
SANS = "Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif"

_LIGHT = {
    "paper": "#ffffff", "ink": "#16191d", "muted": "#555d69", "rule": "#c3c9d2",
    "given": "#f3f4f6", "given-edge": "#6b7280",
    "value": "#eaf3fb", "value-edge": "#0b5f9e",
    "parameter": "#e4f5ee", "parameter-edge": "#00705a",
    "gradient": "#fdf0e6", "gradient-edge": "#b3470b",
}  # fmt: skip
_DARK = {
    "paper": "#14171b", "ink": "#eef1f5", "muted": "#aab2bf", "rule": "#454c57",
    "given": "#24282e", "given-edge": "#98a1ae",
    "value": "#14293b", "value-edge": "#62aef0",
    "parameter": "#102e27", "parameter-edge": "#3fc79f",
    "gradient": "#38210f", "gradient-edge": "#f59b5c",
}  # fmt: skip


def style_sheet() -> str:
    """Return the rules, all within one class, so that they touch nothing else on a page."""
    variables = [
        _variables(_LIGHT),
        f"@media (prefers-color-scheme:dark){{{_variables(_DARK)}}}",
        f"@media print{{{_variables(_LIGHT)}}}",
    ]
    rules = []
    for selectors, declarations in _rules().items():
        scoped = ",".join(f".{CSS_CLASS} {selector}".rstrip() for selector in selectors.split(","))
        rules.append(f"{scoped}{{{declarations}}}")
    return "".join([*variables, *rules])


def _variables(palette: Mapping[str, str]) -> str:
    return f".{CSS_CLASS}{{" + ";".join(f"--{name}:{value}" for name, value in palette.items()) + "}"


def _paint(name: str, *attributes: str) -> str:
    """Return declarations of a colour: plainly, then as a variable, for renderers that know no variables."""
    return ";".join(f"{attribute}:{_LIGHT[name]};{attribute}:var(--{name})" for attribute in attributes)


def _rules() -> dict[str, str]:
    return {
        "": f"max-width:100%;height:auto;font-family:{SANS}",
        ".paper": _paint("paper", "fill"),
        "text": _paint("ink", "fill"),
        ".name,.formula": f"font-family:{SERIF}",
        ".shape": f"font-size:{SHAPE_SIZE}px",
        ".note": f"font-size:{NOTE_SIZE}px;{_paint('muted', 'fill')}",
        ".elided": "font-size:15px",
        ".heading": "font-size:10.5px;letter-spacing:.08em;font-weight:bold",
        ".heading.forward": _paint("value-edge", "fill"),
        ".heading.backward": _paint("gradient-edge", "fill"),
        ".rule": f"fill:none;{_paint('rule', 'stroke')}",
        ".axis": f"fill:none;stroke-dasharray:1 4;stroke-linecap:round;{_paint('muted', 'stroke')}",
        ".line,.halo,.torn": "fill:none;stroke-width:1.5",
        ".torn": _paint("muted", "stroke"),
        ".halo": f"stroke-width:5.5;{_paint('paper', 'stroke')}",
        ".flow.forward .line": _paint("value-edge", "stroke"),
        ".flow.forward .head": _paint("value-edge", "fill"),
        ".flow.backward .line": f"stroke-dasharray:5 3;{_paint('gradient-edge', 'stroke')}",
        ".flow.backward .head": _paint("gradient-edge", "fill"),
        ".outline": "stroke-width:1.4",
        ".given .outline": f"{_paint('given', 'fill')};{_paint('given-edge', 'stroke')}",
        ".parameter .outline": f"{_paint('parameter', 'fill')};{_paint('parameter-edge', 'stroke')}",
        ".value .outline": f"{_paint('value', 'fill')};{_paint('value-edge', 'stroke')}",
        ".inner": f"fill:none;stroke-width:1;{_paint('value-edge', 'stroke')}",
        ".tag .outline": f"{_paint('paper', 'fill')};{_paint('value-edge', 'stroke')}",
        ".backward .outline": f"stroke-dasharray:5 3;{_paint('gradient', 'fill')};{_paint('gradient-edge', 'stroke')}",
        ".backward .inner": _paint("gradient-edge", "stroke"),
        ".tag.backward .outline": _paint("paper", "fill"),
    }

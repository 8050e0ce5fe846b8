from __future__ import annotations

import re
from importlib.resources import files

import pytest

from chainrule.markup import Html, element, join, shorten, text
from chainrule.report.facts import duration, percent, plural, significant, wilson_interval
from chainrule.report.style import LINES, MARKERS, PALETTE, PALETTE_ON_DARK, prefix_ids

CSS = files("chainrule.report").joinpath("report.css").read_text(encoding="utf-8")
BLOCKS = re.findall(r"\{([^{}]*--series-0:[^{}]*)\}", CSS)


def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


def contrast(a: str, b: str) -> float:
    """Contrast ratio of WCAG 2.1, 1 to 21."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def test_the_stylesheet_has_the_palette() -> None:
    light, dark, theme_light, theme_dark, printed = map(variables, BLOCKS)
    series = [f"series-{i}" for i in range(len(PALETTE))]
    assert tuple(light[name] for name in series) == PALETTE
    assert tuple(dark[name] for name in series) == PALETTE_ON_DARK
    assert (theme_light, theme_dark) == (light, dark)
    assert tuple(printed[name] for name in series) == PALETTE
    assert len(MARKERS) == len(LINES) == len(PALETTE) == len(PALETTE_ON_DARK)


@pytest.mark.parametrize("block", BLOCKS)
def test_contrasts_are_those_of_wcag_aa(block: str) -> None:
    colours = variables(block)
    for name in ("ink", "muted", "accent"):  # text
        for ground in ("paper", "shade"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for name in ("right", "wrong"):  # numbers stand on these
        assert contrast(colours["ink"], colours[name]) >= 4.5, name
    for i in range(len(PALETTE)):  # lines
        assert contrast(colours[f"series-{i}"], colours["paper"]) >= 3.0, i


def test_what_is_not_html_is_escaped() -> None:
    assert text("<a & \"b\" 'c'>") == "&lt;a &amp; &quot;b&quot; &#x27;c&#x27;&gt;"
    assert element("td", "<", Html("<b>!</b>"), None, title='"', class_="x", hidden=True, id=None) == (
        '<td title="&quot;" class="x" hidden>&lt;<b>!</b></td>'
    )
    assert join("<", Html("<br>"), between=", ") == "&lt;, <br>"
    assert text("a\x00b\ud800c\u202ed\u00a0e\nf") == "a\ufffdb\ufffdc\ufffdd\u00a0e\nf"


def test_shorten() -> None:
    assert shorten("a\n b", 5) == "a b"
    assert shorten("abcdef", 5) == "abcd…"
    assert shorten("abc  def", 5) == "abc…"


def test_ids_and_references_get_the_prefix() -> None:
    svg = '<g id="a"><use href="#a"/><path clip-path="url(#b)"/></g>'
    assert prefix_ids(svg, "x-") == '<g id="x-a"><use href="#x-a"/><path clip-path="url(#x-b)"/></g>'


def test_numbers_in_words() -> None:
    assert [percent(share) for share in (0, 0.985, 0.9999, 1)] == [
        f"{value}\u00a0%" for value in ("0.0", "98.5", "99.9", "100")
    ]
    assert [significant(value) for value in (0.04123, 1.3, -2.25, 123.4)] == ["0.0412", "1.30", "−2.25", "123"]
    assert [duration(seconds) for seconds in (0.0123, 3.456, 125.2)] == ["12.3 ms", "3.46 s", "2 min 5 s"]
    assert [plural(1, "pass"), plural(1200, "pass"), plural(2, "row")] == ["1 pass", "1,200 passes", "2 rows"]


def test_wilson_interval() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 of 263, 0 of 20.
    low, high = wilson_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = wilson_interval(0, 20)
    assert (round(low, 4), round(high, 4)) == (0.0, 0.1611)

"""Tables for a terminal and a notebook."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from chainrule.display import as_text, html_block, html_facts, html_table, number, rich_table


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.000"),
        (1.23456, "1.235"),
        (-0.0123456, "-0.01235"),
        (1234.5, "1234"),
        (1.5e-7, "1.50e-07"),
        (2.5e8, "2.50e+08"),
        (float("nan"), ""),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_table_is_text_and_html_and_no_cell_is_markup() -> None:
    cells = [["<b>", "[red]1[/red]"]]
    text = as_text(rich_table("caption", ["name", "figure"], cells))
    assert text.splitlines()[0] == "caption" and "[red]1[/red]" in text and "<b>" in text
    html = html_block(html_table("caption", ["name", "figure"], cells), html_facts([("a", "<i>")], words=True))
    root = ElementTree.fromstring(html)
    assert [cell.text for cell in root.iter("td")] == ["[red]1[/red]", "<i>"]
    assert root.find(".//b") is None

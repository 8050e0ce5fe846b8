from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import GraphError, InputError
from chainrule.graph import build
from chainrule.inspection import Entry, parse_entry

GRAPH = build.mlp(2, [100], 3)


@given(st.integers(0, 1), st.integers(0, 99))
def test_what_is_written_is_read(row: int, column: int) -> None:
    entry = Entry("W1", (row, column))
    assert parse_entry(GRAPH, str(entry)) == entry


@pytest.mark.parametrize("text", ["W1[0,3]", " W1 [ 0 , 3 ] ", "W1[0, 3]"])
def test_spaces_do_not_matter(text: str) -> None:
    assert str(parse_entry(GRAPH, text)) == "W1[0, 3]"


def test_scalars_need_no_index() -> None:
    assert parse_entry(GRAPH, "J") == Entry("J")
    assert str(Entry("J")) == "J"


def test_a_batch_takes_any_row() -> None:
    assert parse_entry(GRAPH, "Z1[1234, 5]").index == (1234, 5)


@pytest.mark.parametrize("text", ["W1", "W1[]", "W1[0]", "W1[0, 100]", "W1[-1, 0]", "W1[0, x]", "J[0]", "W1[0, 3, 1]"])
def test_a_wrong_index_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"name one of its entries as '(W1\[0, 0\]|J)'"):
        parse_entry(GRAPH, text)


def test_a_wrong_node_is_refused() -> None:
    with pytest.raises(GraphError, match="W9"):
        parse_entry(GRAPH, "W9[0, 0]")

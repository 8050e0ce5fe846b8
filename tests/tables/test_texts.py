"""Text columns that hold numbers or truth values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import train
from chainrule.tables import Column, read_table
from chainrule.tables.texts import recognise


def _column(values):
    levels = tuple(sorted({value for value in values if value is not None}))
    codes = np.array([-1 if value is None else levels.index(value) for value in values], dtype=np.int32)
    return Column("x", "category", codes, levels)


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["12,345.67", "3", "-1,000"], [12345.67, 3.0, -1000.0]),
        (["1.234,50", "12,5", "7"], [1234.5, 12.5, 7.0]),
        (["$12,346", "$5"], [12346.0, 5.0]),
        (["12.3%", "5 %", None], [12.3, 5.0, np.nan]),
        (["5,50 €", "1.000 €"], [5.5, 1000.0]),
        (["1.5", "inf"], [1.5, np.inf]),
    ],
)
def test_numbers_as_people_write_them(texts, numbers):
    found = recognise(_column(texts))
    assert found.kind == "number"
    np.testing.assert_array_equal(found.values, numbers)


@pytest.mark.parametrize(
    "texts",
    [["007", "012"], ["yes", "no"], ["1,2,3", "4"], ["12,34,567", "1"], ["a", "1"], ["2020-01-01"], ["1.2.3", "1.2.4"]],
)
def test_codes_and_words_stay_text(texts):
    assert recognise(_column(texts)).kind == "category"


def test_true_and_false_are_boolean_and_nothing_else_is():
    found = recognise(_column(["true", "FALSE", None]))
    assert (found.kind, found.values.tolist()) == ("boolean", [1, 0, -1])
    assert recognise(_column(["true", "maybe"])).kind == "category"


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1).filter(lambda xs: any(abs(x) >= 1000 for x in xs)))
def test_thousands_separators_read_back(integers):
    found = recognise(_column([f"{value:,}" for value in integers]))
    assert found.values.tolist() == integers


def test_a_labels_own_words_come_back(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,active\n" + "".join(f"{i},{'yes' if i > 20 else 'no'}\n" for i in range(40)))
    assert read_table(path)["active"].levels == ("no", "yes")
    assert set(train(path, "active").predict(path)) == {"no", "yes"}


def test_rows_there_twice_do_not_hide_an_identifier(tmp_path):
    from chainrule.tables import learn_encoding

    path = tmp_path / "t.csv"
    rows = [f"C{i:04d},{i % 7}\n" for i in range(200)]
    path.write_text("key,x\n" + "".join(rows + rows[:40]))
    assert "identifier" in learn_encoding(read_table(path)).dropped["key"]


def test_column_names_that_are_numbers():
    import pandas as pd

    frame = pd.DataFrame({0: [1.0, 2.0, 3.0, 4.0] * 5, 1: ["a", "b", "a", "b"] * 5})
    assert train(frame, target=1).classes.tolist() == ["a", "b"]

"""Labels: classes come back in the type they came in."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import InputError, TableError
from chainrule.tables import Column, LabelEncoding, learn_labels, read_table


def column_of(values):
    return read_table(pd.DataFrame({"y": values}))["y"]


@pytest.mark.parametrize(
    ("values", "type_", "classes"),
    [
        (["b", "a", "b", None], "text", np.array(["a", "b"], dtype=object)),
        ([3, 1, 3, 2, 1], "integer", np.array([1, 2, 3])),
        ([3, 1, None, 3], "integer", np.array([1, 3])),
        ([0.0, 1.0, 1.0], "number", np.array([0.0, 1.0])),
        ([0.5, 1.5, 0.5, 1.5, np.nan], "number", np.array([0.5, 1.5])),
        ([True, False, True], "boolean", np.array([False, True])),
        (pd.array([True, None, False], dtype="boolean"), "boolean", np.array([False, True])),
        (pd.Categorical([5, 3, 5, None]), "integer", np.array([3, 5])),
        (
            pd.to_datetime(["2020-01-02", "2020-01-01", "2020-01-02"]),
            "date",
            np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        ),
        (
            pd.to_datetime(["2020-01-02 10:00", "2020-01-01 00:00", "2020-01-01 00:00"]),
            "moment",
            np.array(["2020-01-01", "2020-01-02T10:00"], dtype="datetime64[us]"),
        ),
    ],
)
def test_classes_keep_their_type(values, type_, classes):
    column = column_of(values)
    labels, codes, mask = learn_labels(column)
    assert labels.type == type_
    assert labels.classes.dtype == classes.dtype
    np.testing.assert_array_equal(labels.classes, classes)
    assert codes.dtype == np.int64 and mask.dtype == bool
    present = [value for value in column.objects() if value is not None]
    assert [str(value) for value in np.array(labels.labels, dtype=object)[codes]] == [
        str(value.date() if type_ == "date" else int(value) if type_ == "integer" else value) for value in present
    ]
    again = LabelEncoding.from_dict(json.loads(json.dumps(labels.to_dict())))
    assert again == labels
    assert [type(label) for label in again.labels] == [type(label) for label in labels.labels]
    encoded, same_mask = labels.encode(column)
    np.testing.assert_array_equal(encoded, codes)
    np.testing.assert_array_equal(same_mask, mask)
    assert LabelEncoding.from_classes(labels.classes, "y").labels == labels.labels


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.none(), min_size=3, max_size=20))
def test_any_text_round_trips(values):
    levels = tuple(sorted({value for value in values if value is not None}))
    values = values + values
    codes = np.array([-1 if value is None else levels.index(value) for value in values], dtype=np.int32)
    column = Column("y", "category", codes, levels)
    if len(levels) < 2:
        with pytest.raises(TableError):
            learn_labels(column)
        return
    labels, codes, mask = learn_labels(column)
    labels = LabelEncoding.from_dict(json.loads(json.dumps(labels.to_dict())))
    assert labels.classes[codes].tolist() == [value for value in values if value is not None]
    assert mask.tolist() == [value is not None for value in values]


def test_levels_without_rows_are_no_classes():
    column = column_of(["a", "b", "c"] * 2)
    assert learn_labels(column.take(np.array([0, 1, 3, 4])))[0].labels == ("a", "b")


def test_rows_without_a_label_are_left_out_and_said():
    labels, codes, mask = learn_labels(column_of(["a", None, "b", None, "a"]))
    assert codes.tolist() == [0, 1, 0] and mask.tolist() == [True, False, True, False, True]
    assert labels.notes == ("2 rows without a value of 'y' left out",)


def test_labels_that_changed_kind_are_found():
    labels, *_ = learn_labels(column_of([0, 1, 1]))
    assert labels.encode(column_of(["1", "0"]))[0].tolist() == [1, 0]
    assert labels.encode(column_of([1.0, None]))[0].tolist() == [1]
    texts, *_ = learn_labels(column_of(["True", "False", "True"]))
    assert texts.encode(column_of([True, False]))[0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", "a", None], r"target 'y' has one class only: 'a' in all 2 rows that have a label"),
        ([True, True], r"one class only: 'true'"),
        ([None, None], r"target 'y' has no value in any of the 2 rows"),
        (
            np.linspace(0, 1, 50),
            r"target 'y' has 50 different numbers in 50 rows: predicting it is regression",
        ),
        ([1.0, np.inf, 2.0], r"target 'y' is infinite in row 2"),
        ([f"n{i}" for i in range(9)], r"a class of its own in each of 9 rows: it looks like an identifier"),
        (list(range(9)), r"a class of its own in each of 9 rows"),
    ],
)
def test_targets_that_cannot_be(values, message):
    with pytest.raises(TableError, match=message):
        learn_labels(column_of(values))


def test_labels_the_model_does_not_know():
    labels, *_ = learn_labels(column_of(["a", "b", "a"]))
    with pytest.raises(
        TableError, match=r"target 'y' holds 1 label that the model does not know: 'c'\. It knows 'a', 'b'"
    ):
        labels.encode(column_of(["a", "c"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "pickle"}, "labels.type must be one of text"),
        ({"labels": ["b", "a"]}, "must be sorted, each class once"),
        ({"labels": ["a", "a"]}, "must be sorted, each class once"),
        ({"labels": ["a"]}, "at least two classes, not 1"),
        ({"labels": ["a", 1]}, r"labels.labels\[1\] must be text, not int"),
        ({"labels": "ab"}, "labels.labels must be a list"),
        ({"type": "integer", "labels": [1, 2**63]}, r"labels.labels\[1\] must lie between"),
        ({"type": "integer", "labels": [False, True]}, r"labels.labels\[0\] must be an integer"),
        ({"type": "number", "labels": [1.0, float("nan")]}, r"labels.labels\[1\] must be a finite number"),
        ({"type": "date", "labels": ["2020-01-01", "soon"]}, r"must be a date in ISO 8601, not 'soon'"),
        ({"type": "moment", "labels": ["2020-01-01T00:00Z", "2021-01-01"]}, "without a time zone"),
        ({"notes": None}, "labels.notes must be a list"),
        ({"code": "import os"}, "unknown entries 'code'"),
    ],
)
def test_hostile_plain_data(change, message):
    data = {**learn_labels(column_of(["a", "b", "a"]))[0].to_dict(), **change}
    with pytest.raises(InputError, match=message):
        LabelEncoding.from_dict(data)


def test_classes_given_must_be_usable():
    assert LabelEncoding.from_classes(np.array(["x", "y"])).labels == ("x", "y")
    with pytest.raises(InputError, match="sorted"):
        LabelEncoding.from_classes([2, 1])
    dates = LabelEncoding.from_classes(np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]"))
    assert dates.labels == (datetime.date(2020, 1, 1), datetime.date(2021, 1, 1))


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["a", "b", "c"], dtype=object),
        np.array([1, 3, 7]),
        np.array([0.5, 1.5]),
        np.array([False, True]),
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    ],
)
def test_codes_of_an_array_are_the_classes_places(classes):
    labels = LabelEncoding.from_classes(classes)
    places = np.array([1, 0, 1, len(classes) - 1])
    for given_ in (classes[places], classes[places].tolist(), pd.Series(classes[places])):
        np.testing.assert_array_equal(labels.codes_of(given_), places)


def test_labels_that_are_none_of_the_classes_are_refused():
    labels = LabelEncoding.from_classes(np.array(["a", "b"], dtype=object), "kind")
    with pytest.raises(TableError, match="does not know: 'c'"):
        labels.codes_of(["a", "c"])
    with pytest.raises(TableError, match="'kind' has no value in row 2"):
        labels.codes_of(["a", None])
    with pytest.raises(InputError, match="one per row"):
        labels.codes_of([["a"], ["b"]])

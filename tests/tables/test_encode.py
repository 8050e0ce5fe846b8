"""Encoding: what is learned of each kind of column, and what is forgiven later."""

from __future__ import annotations

import datetime
import functools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.errors import InputError, TableError
from chainrule.tables import Column, Encoding, Table, learn_encoding, read_table

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def table_of(**columns):
    return read_table(pd.DataFrame(columns))


@st.composite
def tables(draw):
    """Tables of 1 to 30 rows and 1 to 6 columns of any kind, with missing values."""
    n_rows = draw(st.integers(1, 30))
    kinds = draw(
        st.lists(st.sampled_from(["number", "integer", "boolean", "category", "date"]), min_size=1, max_size=6)
    )
    columns = []
    for i, kind in enumerate(kinds):
        name = draw(st.text(max_size=5)) + str(i)
        if kind == "number":
            values = draw(st.lists(FINITE | st.just(np.nan), min_size=n_rows, max_size=n_rows))
            columns.append(Column(name, "number", np.array(values, dtype=np.float64)))
        elif kind == "integer":
            values = draw(st.lists(st.integers(-5, 5), min_size=n_rows, max_size=n_rows))
            columns.append(Column(name, "number", np.array(values, dtype=np.int64)))
        elif kind == "boolean":
            values = draw(st.lists(st.integers(-1, 1), min_size=n_rows, max_size=n_rows))
            columns.append(Column(name, "boolean", np.array(values, dtype=np.int8)))
        elif kind == "category":
            levels = tuple(
                sorted(draw(st.sets(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=4)))
            )
            codes = draw(st.lists(st.integers(-1, len(levels) - 1), min_size=n_rows, max_size=n_rows))
            columns.append(Column(name, "category", np.array(codes, dtype=np.int32), levels))
        else:
            moments = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)) | st.none()
            values = draw(st.lists(moments, min_size=n_rows, max_size=n_rows))
            columns.append(Column(name, "date", np.array(values, dtype="datetime64[us]")))
    return Table(tuple(columns), n_rows)


def learned(table, **options):
    try:
        return learn_encoding(table, **options)
    except TableError as error:
        assert "is left to learn from" in str(error)
        return None


# Drawing a table takes longer than encoding it.
LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@LAW
@given(tables(), st.sampled_from([np.float32, np.float64]))
def test_an_encoding_survives_json_bit_for_bit(table, dtype):
    encoding = learned(table, dtype=dtype)
    if encoding is None:
        return
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict(), allow_nan=False)))
    assert again == encoding
    matrix = encoding.transform(table)
    assert again.transform(table).tobytes() == matrix.tobytes()
    assert matrix.dtype == dtype and matrix.flags.c_contiguous
    assert matrix.shape == (table.n_rows, encoding.n_features)
    assert np.isfinite(matrix).all()
    names = encoding.feature_names
    assert len(set(names)) == len(names) == len(encoding.feature_columns) == encoding.n_features


@LAW
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table, random):
    order = list(range(table.n_rows))
    random.shuffle(order)
    encoding, shuffled = learned(table, dtype=np.float64), learned(table.take(order), dtype=np.float64)
    if encoding is None or shuffled is None:
        assert encoding is shuffled
        return
    assert shuffled.feature_names == encoding.feature_names
    assert shuffled.notes == encoding.notes
    # Sums of the same numbers in another order: up to 30 rows, each rounding 2^-53 of the largest; entries
    # are at most sqrt(30) in standard deviations.
    np.testing.assert_allclose(shuffled.transform(table), encoding.transform(table), rtol=1e-9, atol=1e-11)


@LAW
@given(tables())
def test_rows_are_encoded_on_their_own(table):
    encoding = learned(table)
    if encoding is None:
        return
    matrix = encoding.transform(table)
    for row in range(0, table.n_rows, 7):
        assert encoding.transform(table.take([row])).tobytes() == matrix[row : row + 1].tobytes()


def test_blocks_do_not_show():
    rng = np.random.default_rng(0)
    # 2 features of 4 bytes: the table is longer than one block of rows.
    x = rng.normal(size=400_000)
    b = rng.integers(0, 2, 400_000, dtype=np.int8)
    table = Table((Column("x", "number", x), Column("b", "boolean", b)), 400_000)
    encoding = learn_encoding(table)
    matrix = encoding.transform(table)
    rule = encoding.rules[0]
    np.testing.assert_array_equal(matrix[:, 0], ((x - rule.mean) / rule.scale).astype("f4"))
    np.testing.assert_array_equal(matrix[:, 1], b)


def test_numbers_are_filled_with_the_median_and_standardised():
    table = table_of(x=[1.0, 2.0, np.nan, 10.0, np.nan], y=[1, 2, 3, 4, 5])
    encoding = learn_encoding(table, dtype=np.float64)
    assert encoding.feature_names == ("x", "x=(missing)", "y")
    matrix = encoding.transform(table)
    filled = np.array([1, 2, 2, 10, 2])
    # Two roundings in the mean and the deviation.
    np.testing.assert_allclose(matrix[:, 0], (filled - filled.mean()) / filled.std(), rtol=1e-14)
    assert matrix[:, 1].tolist() == [0, 0, 1, 0, 1]
    np.testing.assert_allclose(matrix[:, 2], np.array([-2, -1, 0, 1, 2]) / np.sqrt(2), rtol=1e-14)


def test_standardising_agrees_with_scikit_learn():
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(1)
    values = 1000 + rng.normal(size=(500, 3)) * [1, 1e3, 1e-1]
    values[rng.random(values.shape) < 0.1] = np.nan
    table = read_table(pd.DataFrame(values, columns=["a", "b", "c"]))
    ours = learn_encoding(table, dtype=np.float64).transform(table)[:, ::2]
    theirs = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit_transform(values)
    # Sums of 500 numbers near 1000 round at 500 * 1000 * 2^-53 / 500 = 1e-13 at most: 1e-12 of a deviation
    # of 0.1, and a few such roundings.
    np.testing.assert_allclose(ours, theirs, atol=1e-11)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_tiny_and_huge_numbers_are_standardised_too(scale):
    table = table_of(x=np.array([1.0, 2.0, 3.0, 6.0]) * scale)
    matrix = learn_encoding(table, dtype=np.float64).transform(table)
    np.testing.assert_allclose(matrix[:, 0], np.array([-2, -1, 0, 3]) / np.sqrt(3.5), rtol=1e-12)


def test_booleans():
    table = table_of(b=pd.array([True, None, False, True], dtype="boolean"))
    encoding = learn_encoding(table)
    assert encoding.feature_names == ("b", "b=(missing)")
    assert encoding.transform(table).tolist() == [[1, 0], [1, 1], [0, 0], [1, 0]]


def test_rare_missing_and_unseen_levels():
    table = table_of(c=["a"] * 5 + ["b"] * 4 + ["rare", "odd", None])
    encoding = learn_encoding(table)
    assert encoding.feature_names == ("c=a", "c=b", "c=(other)", "c=(missing)")
    later = table_of(c=["a", "odd", "never seen", None])
    assert encoding.transform(later).tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert encoding.notes == ("column 'c': 2 of 4 levels kept by count; the others (2 rows, 18.2 %) are '(other)'",)


def test_without_rare_levels_unseen_and_missing_say_nothing():
    encoding = learn_encoding(table_of(c=["a", "b"] * 5))
    assert encoding.feature_names == ("c=a", "c=b")
    assert encoding.transform(table_of(c=["z", None, "b"])).tolist() == [[0, 0], [0, 0], [0, 1]]


def test_levels_are_capped_by_count():
    table = table_of(c=[f"l{i:03d}" for i in range(300) for _ in range(2 + i % 5)])
    encoding = learn_encoding(table, max_levels=10)
    assert encoding.n_features == 11
    assert learn_encoding(table).n_features == 101
    assert set(encoding.rules[0].levels) <= {f"l{i:03d}" for i in range(4, 300, 5)}


def test_features_of_levels_called_like_groups_keep_apart():
    table = table_of(c=["(other)"] * 3 + ["(missing)"] * 3 + ["x", "y", None])
    names = learn_encoding(table).feature_names
    assert names == ("c='(missing)'", "c='(other)'", "c=(other)", "c=(missing)")
    clash = Table((
        Column("a", "category", np.array([0, 1, 0, 1], dtype=np.int32), ("b=c", "d")),
        Column("a=b", "category", np.array([0, 1, 0, 1], dtype=np.int32), ("c", "d")),
    ), 4)  # fmt: skip
    assert learn_encoding(clash).feature_names == ("a=b=c", "a=d", "a=b=c #2", "a=b=d")


def test_dates_become_their_parts():
    moments = pd.to_datetime(["2023-01-02 07:30", "2024-06-04 07:10", "2024-06-08 23:59", None])
    table = table_of(when=moments)
    encoding = learn_encoding(table, dtype=np.float64)
    assert encoding.feature_names == (
        "when:year", "when:month=Jan", "when:month=Jun", "when:weekday=Mon", "when:weekday=Tue",
        "when:weekday=Sat", "when:hour=07", "when:hour=23", "when=(missing)",
    )  # fmt: skip
    matrix = encoding.transform(table)
    assert matrix[0, 1:].tolist() == [1, 0, 1, 0, 0, 1, 0, 0]
    assert matrix[2, 1:].tolist() == [0, 1, 0, 0, 1, 0, 1, 0]
    assert matrix[3].tolist() == [0] * 8 + [1]
    # An unseen month, weekday and hour leave their features 0.
    assert encoding.transform(table_of(when=pd.to_datetime(["2024-03-07 12:00"])))[0, 1:].tolist() == [0] * 8


def test_dates_before_1970():
    table = table_of(when=pd.to_datetime(["1969-12-31 23:00", "1900-02-28 01:00"]))
    # 1969-12-31 and 1900-02-28 were both Wednesdays.
    assert learn_encoding(table).feature_names == (
        "when:year",
        "when:month=Feb",
        "when:month=Dec",
        "when:hour=01",
        "when:hour=23",
    )


def test_columns_left_out_and_why():
    n = 200
    rng = np.random.default_rng(0)
    table = table_of(
        name=[f"person {i}" for i in range(n)],
        nearly=[f"n{i // 2 if i < 10 else i}" for i in range(n)],
        row=np.arange(1, n + 1),
        shuffled=rng.permutation(n) + 7,
        customer_id=rng.choice(10**9, n, replace=False),
        same=["x"] * n,
        seven=[7] * n,
        yes=[True] * n,
        void=[None] * n,
        day=pd.to_datetime(["2024-01-01"] * n),
        price=rng.choice(10**6, n, replace=False),
        measure=rng.normal(size=n),
        year=rng.integers(1990, 2020, n),
    )
    encoding = learn_encoding(table)
    assert encoding.columns == ("price", "measure", "year")
    assert encoding.dropped == {
        "name": "200 levels in 200 rows, it looks like an identifier",
        "nearly": "195 levels in 200 rows, it looks like an identifier",
        "row": "200 different integers in 200 rows: it looks like an identifier",
        "shuffled": "200 different integers in 200 rows: it looks like an identifier",
        "customer_id": "200 different integers in 200 rows: it looks like an identifier",
        "same": "constant: every value is 'x'",
        "seven": "constant: every value is 7",
        "yes": "constant: every value is true",
        "void": "every value is missing",
        "day": "constant: its year, month, weekday and hour do not vary",
    }
    assert encoding.notes[0] == "column 'name' left out: 200 levels in 200 rows, it looks like an identifier"


def test_a_row_number_is_recognised_in_a_random_half_of_the_rows():
    half = np.sort(np.random.default_rng(0).choice(1000, 500, replace=False))
    table = table_of(row=half + 1, x=half % 7)
    assert learn_encoding(table).columns == ("x",)
    assert learn_encoding(table, keep=["row"]).columns == ("row", "x")


def test_distinct_measures_in_a_narrow_range_stay_in_a_small_table():
    assert learn_encoding(table_of(age=list(range(20, 45)))).columns == ("age",)


def test_integers_with_few_values_are_numbers_unless_named():
    table = table_of(code=[1, 2, 2, 1, 3, 3, 1])
    assert learn_encoding(table).feature_names == ("code",)
    encoding = learn_encoding(table, categorical=["code"])
    assert encoding.feature_names == ("code=1", "code=2", "code=3")
    # Read as text, as decimals or beside a missing value, a code stays itself.
    for later in (
        table_of(code=["3", "1"]),
        table_of(code=[3.0, 1.0]),
        table_of(code=[3, 1, None]).take([0, 1]),
    ):
        assert encoding.transform(later).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_codes_that_were_text_come_back_as_numbers():
    encoding = learn_encoding(table_of(zip=["02134", "10001"] * 3))
    assert encoding.transform(table_of(zip=[2134, 10001])).tolist() == [[1, 0], [0, 1]]


def test_booleans_come_back_as_text_or_numbers():
    encoding = learn_encoding(table_of(b=[True, False, True]))
    for later in (["TRUE", "false"], [1, 0], ["yes", "No"], [1.0, 0.0]):
        assert encoding.transform(table_of(b=later)).ravel().tolist() == [1, 0]
    texts = learn_encoding(table_of(b=["True", "False"] * 2))  # all of it truth values: a boolean too
    assert texts.transform(table_of(b=[True, False])).tolist() == [[1], [0]]


def test_numbers_come_back_as_text_or_booleans():
    encoding = learn_encoding(table_of(x=[0.0, 1.0, 2.5]), dtype=np.float64)
    expected = encoding.transform(table_of(x=[0.0, 1.0]))
    assert encoding.transform(table_of(x=["0", " 1.0 "])).tolist() == expected.tolist()
    assert encoding.transform(table_of(x=[False, True])).tolist() == expected.tolist()


def test_dates_come_back_as_text():
    moments = pd.to_datetime(["2023-01-02 07:30", "2024-06-04 08:10"])
    encoding = learn_encoding(table_of(when=moments))
    texts = table_of(when=["2023-01-02 07:30:00", "2024-06-04T10:10:00+02:00"])
    assert encoding.transform(texts).tolist() == encoding.transform(table_of(when=moments)).tolist()


def test_a_column_without_any_value_fits_every_kind():
    table = table_of(
        x=[1.5, 2, 3], b=[True, False, True], c=["a", "b", "a"], d=pd.to_datetime(["2020", "2021", "2022"])
    )
    encoding = learn_encoding(table)
    empty = table_of(x=[None], b=[None], c=[None], d=[None])
    assert np.isfinite(encoding.transform(empty)).all()


def test_other_columns_and_their_order_do_not_matter():
    encoding = learn_encoding(table_of(a=[1, 2, 4], b=["x", "y", "x"], y=[0, 1, 0]), target="y")
    assert encoding.columns == ("a", "b")
    later = table_of(b=["y"], more=[3], a=[2])
    assert encoding.transform(later).shape == (1, 3)


TRAINED = {
    "bill_length_mm": [1.5, 2.5, 3.5, 9.0],
    "age": [10, 20, 35, 40],
    "sex": ["f", "m", "f", "m"],
    "tall": [True, False, True, True],
    "when": pd.to_datetime(["2020-01-01", "2021-02-01", "2022-01-01", "2022-01-01"]),
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"bill_length_mm": None, "bill_len": [1.0] * 2},
            r"column 'bill_length_mm' is missing in the pandas frame; there is 'bill_len'\.",
        ),
        (
            {"sex": None},
            r"column 'sex' is missing in the pandas frame\. Its columns: 'bill_length_mm', 'age', 'tall'",
        ),
        (
            {"age": ["n/a", "12"]},
            r"column 'age' has 1 value that is not a number \(first: 'n/a', row 1\)\. .*categorical=",
        ),
        ({"age": ["12", "old"]}, r"column 'age' has 1 value that is not a number \(first: 'old', row 2\)\."),
        (
            {"age": [1.0, np.inf]},
            r"column 'age' is infinite in 1 row \(first: inf, row 2\)\. Replace infinity",
        ),
        (
            {"bill_length_mm": [1.0, 1e300]},
            r"column 'bill_length_mm' holds 1e\+300 in row 2: too far from its training mean",
        ),
        (
            {"age": pd.to_datetime(["2020-01-01"] * 2)},
            r"column 'age' has 2 values that are not numbers \(first: '2020-01-01 00:00:00', row 1\)",
        ),
        (
            {"tall": ["true", "maybe"]},
            r"column 'tall' has 1 value that is not true or false \(or 1 or 0\) \(first: 'maybe', row 2\)",
        ),
        ({"tall": [1, 7]}, r"column 'tall' has 1 value .*first: 7, row 2"),
        ({"when": [1, 2]}, r"column 'when' has 2 values that are not dates \(first: 1, row 1\)"),
        (
            {"when": ["2020-01-01", "soon"]},
            r"column 'when' has 1 value that is not a date \(first: 'soon', row 2\)",
        ),
        (
            {"sex": [0.5, 1.5]},
            r"column 'sex' holds numbers \(first: 0\.5\), none of which the model knows; in training",
        ),
    ],
)
def test_tables_that_do_not_fit(changes, message):
    encoding = learn_encoding(table_of(**TRAINED))
    columns = {**{name: values[:2] for name, values in TRAINED.items()}, **changes}
    later = table_of(**{name: values for name, values in columns.items() if values is not None})
    with pytest.raises(TableError, match=message):
        encoding.transform(later)


def test_learning_from_what_cannot_be():
    with pytest.raises(TableError, match=r"column 'x' is infinite in 2 rows \(first: -inf, row 2\)"):
        learn_encoding(table_of(x=[1.0, -np.inf, 2.0, np.inf]))
    with pytest.raises(TableError, match=r"no column of the pandas frame is left .*'x': constant.*keep=\[\.\.\.\]"):
        learn_encoding(table_of(x=[1, 1], y=[0, 1]), target="y")
    with pytest.raises(TableError, match="has no column besides the target 'y'"):
        learn_encoding(table_of(y=[0, 1]), target="y")
    with pytest.raises(TableError, match="column 'z' is missing"):
        learn_encoding(table_of(y=[0, 1]), target="z")
    with pytest.raises(TableError, match="column 'z' is missing"):
        learn_encoding(table_of(y=[0, 1]), categorical=["z"])
    with pytest.raises(TableError, match=r"spans -1\.7e"):
        learn_encoding(table_of(x=[-1.7e308, -1.7e308, 1.7e308]))
    with pytest.raises(InputError, match="dtype must be float32 or float64"):
        learn_encoding(table_of(x=[0, 1]), dtype=np.int32)
    with pytest.raises(InputError, match="must be at least 1"):
        learn_encoding(table_of(x=[0, 1]), max_levels=0)


@functools.cache
def good_text():
    return json.dumps(learn_encoding(table_of(**{**TRAINED, "age": [10, None, 35, 40]})).to_dict())


def good():
    return json.loads(good_text())


def change(data, path, value):
    *parents, last = path
    for key in parents:
        data = data[key]
    if value is KeyError:
        del data[last]
    else:
        data[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["dtype"], "float16", "encoding.dtype must be float32 or float64"),
        (["dtype"], 3, "encoding.dtype must be text, not int"),
        (["dtype"], KeyError, "encoding lacks dtype"),
        (["extra"], 1, "encoding has unknown entries 'extra'"),
        (["rules"], {}, r"encoding.rules must be a list, not dict"),
        (["rules"], [], "encoding.rules is empty"),
        (["rules", 0], None, r"rules\[0\] is no rule"),
        (["rules", 0, "kind"], "eval", r"rules\[0\] is no rule"),
        (["rules", 0, "kind"], ["number"], r"rules\[0\] is no rule"),
        (["rules", 0, "scale"], 0, r"rules\[0\].scale must be above zero"),
        (["rules", 0, "scale"], 1e-320, r"rules\[0\].scale must be above zero"),
        (["rules", 0, "scale"], float("inf"), r"rules\[0\].scale must be a finite number"),
        (["rules", 0, "mean"], float("nan"), r"rules\[0\].mean must be a finite number"),
        (["rules", 0, "mean"], 10**400, r"rules\[0\].mean must be a finite number"),
        (["rules", 0, "median"], True, r"rules\[0\].median must be a number, not bool"),
        (["rules", 0, "missing"], 1, r"rules\[0\].missing must be true or false"),
        (["rules", 0, "column"], "age", r"encoding.rules: columns holds 'age' twice"),
        (["rules", 0, "column"], "\ud800", r"half a surrogate pair"),
        (["rules", 2, "levels"], ["a", "a"], r"rules\[2\].levels holds 'a' twice"),
        (["rules", 2, "levels"], ["a", 1], r"rules\[2\].levels\[1\] must be text"),
        (["rules", 2, "levels"], [], r"rules\[2\] has no feature"),
        (["rules", 3, "frequent"], 2, r"rules\[3\].frequent must lie between 0 and 1"),
        (["rules", 3, "frequent"], True, r"rules\[3\].frequent must be an integer"),
        (["rules", 4, "months"], [0], r"rules\[4\].months\[0\] must lie between 1 and 12"),
        (["rules", 4, "hours"], [1, 1], r"rules\[4\].hours holds '1' twice"),
        (["rules", 4, "weekdays"], [1.0], r"rules\[4\].weekdays\[0\] must be an integer"),
        (["rules", 4, "year"], [1.0], r"rules\[4\].year must be a mean and a scale"),
        (["rules", 4, "year"], [1.0, -1.0], r"rules\[4\].year\[1\] must be above zero"),
        (["dropped"], [], "encoding.dropped must be an object"),
        (["dropped"], {"a": 1}, "encoding.dropped must be text"),
        (["notes"], "abc", "encoding.notes must be a list"),
    ],
)
def test_hostile_plain_data(path, value, message):
    data = good()
    assert Encoding.from_dict(data).to_dict() == data
    change(data, path, value)
    with pytest.raises(InputError, match=message):
        Encoding.from_dict(data)


@pytest.mark.parametrize("data", [None, [], "x", 3, {}])
def test_plain_data_of_another_shape(data):
    with pytest.raises(InputError, match="encoding"):
        Encoding.from_dict(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_entry_may_be_anything(data):
    """Whatever stands in one place: an encoding that works, or an InputError."""
    plain = good()
    path, here = [], plain
    while isinstance(here, dict | list) and here and (not path or data.draw(st.booleans())):
        key = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        path.append(key)
        here = here[key]
    change(plain, path, data.draw(JSON))
    try:
        encoding = Encoding.from_dict(plain)
    except InputError:
        return
    assert len(encoding.feature_names) == encoding.n_features

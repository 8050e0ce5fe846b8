"""Reading: every source gives the same table, and every bad one its own message."""

from __future__ import annotations

import datetime
import decimal
import gzip
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainrule.errors import TableError
from chainrule.tables import Table, as_table, learn_encoding, read_table


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def shape(table):
    return [(column.name, column.kind, column.objects().tolist()) for column in table]


@pytest.fixture
def people():
    """One table as pyarrow has it: every kind, each with a missing value."""
    return pa.table(
        {
            "age": pa.array([31, None, 45, 45], pa.int64()),
            "height": pa.array([1.5, 1.75, None, 0.1], pa.float64()),
            "member": pa.array([True, False, None, True]),
            "city": pa.array(["Oslo", "Bergen, W", None, 'say "hi"\nthere']),
            "joined": pa.array(
                [datetime.datetime(2024, 1, 2, 10), datetime.datetime(2024, 3, 4, 23, 59, 1), None, None],
                pa.timestamp("us"),
            ),
        }
    )


def write_all(people, folder):
    frame = people.to_pandas(types_mapper=pd.ArrowDtype)
    pq.write_table(people, folder / "people.parquet")
    frame.to_csv(folder / "people.csv", index=False)
    frame.to_csv(folder / "people.tsv", index=False, sep="\t")
    frame.to_csv(folder / "people.csv.gz", index=False)
    pl.from_arrow(people).write_ndjson(folder / "people.jsonl")
    return ["people.parquet", "people.csv", "people.tsv", "people.csv.gz", "people.jsonl"]


def test_every_source_of_a_table_reads_and_encodes_alike(people, tmp_path):
    sources = [tmp_path / name for name in write_all(people, tmp_path)]
    sources += [
        people,
        people.to_pandas(),
        people.to_pandas(types_mapper=pd.ArrowDtype),
        pl.from_arrow(people),
    ]
    sources += [pl.from_arrow(people).lazy(), people.to_pandas().convert_dtypes()]
    expected = read_table(people)
    matrix = learn_encoding(expected).transform(expected)
    assert expected["age"].objects().tolist() == [31, None, 45, 45]
    assert expected["member"].objects().tolist() == [True, False, None, True]
    assert expected["city"].objects().tolist() == ["Oslo", "Bergen, W", None, 'say "hi"\nthere']
    assert expected["joined"].objects()[0] == datetime.datetime(2024, 1, 2, 10)
    for source in sources:
        table = read_table(source)
        assert shape(table) == shape(expected)
        encoding = learn_encoding(table)
        assert encoding == learn_encoding(expected)
        assert encoding.transform(table).tobytes() == matrix.tobytes()


def test_files_need_neither_pandas_nor_pyarrow(people, tmp_path):
    names = write_all(people, tmp_path)
    code = f"""
        import sys
        for name in ("pandas", "pyarrow", "polars"):
            sys.modules[name] = None
        from chainrule.tables import learn_encoding, read_table
        import os
        os.chdir({str(tmp_path)!r})
        for name in {names!r}:
            table = read_table(name)
            learn_encoding(table).transform(table)
        read_table(query="SELECT * FROM 'people.parquet'")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_tables_loads_no_reader():
    code = "import sys, chainrule.tables; print(sorted({'duckdb', 'narwhals', 'pandas'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_csv_tokens_for_missing_are_pandas_own(tmp_path):
    path = write(tmp_path, "t.csv", 'a,b\n1,x\nNA,N/A\n,""\nnull,NaN\n2,None\n#N/A,y\n')
    table = read_table(path)
    frame = pd.read_csv(path)
    assert table["a"].missing.tolist() == frame["a"].isna().tolist()
    assert table["b"].missing.tolist() == frame["b"].isna().tolist()
    assert table["a"].kind == "number"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\ufeffa,b\n1,2\n", [("a", "number", [1]), ("b", "number", [2])]),
        ("a;b\n1,5;x\n-2,25;y\n", [("a", "number", [1.5, -2.25]), ("b", "category", ["x", "y"])]),
        ('a,b\n"x\ny",1\nz,2\n', [("a", "category", ["x\ny", "z"]), ("b", "number", [1, 2])]),
        ("a\r\n1\r\n2\r\n", [("a", "number", [1, 2])]),
        ("x,x,X\n1,2,3\n", [("x", "number", [1]), ("x_1", "number", [2]), ("X_2", "number", [3])]),
        ("zip\n02134\n00501\n", [("zip", "category", ["02134", "00501"])]),
        ("a,b\n1,2\n\n3,4\n", [("a", "number", [1, 3]), ("b", "number", [2, 4])]),
        ("#a,b\n#1,2\n", [("#a", "category", ["#1"]), ("b", "number", [2])]),
        ("a,b\nx,y\nz,w\n", [("a", "category", ["x", "z"]), ("b", "category", ["y", "w"])]),
        ("a\n99999999999999999999\n1\n", [("a", "number", [1e20, 1.0])]),
        ("a,b\ninf,1\n1.5,2\n,3\n", [("a", "number", [np.inf, 1.5, None]), ("b", "number", [1, 2, 3])]),
        (
            "t,u\n12:30,1\n00:00,2\n",
            [
                ("t", "date", [datetime.datetime(1970, 1, 1, 12, 30), datetime.datetime(1970, 1, 1)]),
                ("u", "number", [1, 2]),
            ],
        ),
    ],
)
def test_csv_dialects(tmp_path, content, expected):
    assert shape(read_table(write(tmp_path, "t.csv", content))) == expected


def test_odd_column_names(tmp_path):
    table = read_table(write(tmp_path, "t.csv", '"a""b","ü \'c\'",日本,\n1,2,3,4\n'))
    assert table.names == ('a"b', "ü 'c'", "日本", "column3")
    assert table['a"b'].values.tolist() == [1]


def test_a_type_broken_by_a_late_row_is_text(tmp_path):
    path = write(tmp_path, "t.csv", "a,b\n" + "1,2\n" * 30_000 + "1,x\n")
    column = read_table(path)["b"]
    assert (column.kind, column.levels) == ("category", ("2", "x"))


def test_several_files_are_one_table_in_any_order_of_columns(tmp_path):
    write(tmp_path, "p1.csv", "a,b\n1,2\n")
    write(tmp_path, "p2.csv", "b,a\n,2.5\n")
    for source in (str(tmp_path / "p*.csv"), [tmp_path / "p1.csv", tmp_path / "p2.csv"]):
        assert shape(read_table(source)) == [("a", "number", [1.0, 2.5]), ("b", "number", [2.0, None])]


def test_a_name_with_glob_characters_is_a_name(tmp_path):
    write(tmp_path, "data[1].csv", "a\n1\n")
    write(tmp_path, "data1.csv", "a\n2\n")
    assert read_table(tmp_path / "data[1].csv")["a"].values.tolist() == [1]


def test_a_folder_called_like_a_partition_adds_no_column(tmp_path):
    folder = tmp_path / "year=2020"
    folder.mkdir()
    assert read_table(write(folder, "t.csv", "a\n1\n")).names == ("a",)


def test_query(tmp_path):
    path = write(tmp_path, "t.csv", "a,b\n1,x\n2,y\n3,x\n")
    table = read_table(path, query="SELECT b, sum(a) AS total FROM data GROUP BY b ORDER BY b; -- done")
    assert shape(table) == [("b", "category", ["x", "y"]), ("total", "number", [4.0, 2.0])]
    assert read_table(query=f"FROM '{path}'").n_rows == 3
    assert read_table(pd.DataFrame({"a": [1, 2]}), query="SELECT a FROM data WHERE a > 1")["a"].values.tolist() == [2]


def test_a_query_sees_no_variable_of_the_caller():
    secret = pd.DataFrame({"a": [1]})
    with pytest.raises(TableError, match="Table with name secret does not exist"):
        read_table(query="SELECT * FROM secret")
    assert len(secret) == 1


def test_drop_comes_before_reading(tmp_path):
    path = write(tmp_path, "t.csv", "a,b\n1,x\n")
    assert read_table(path, drop=["a"]).names == ("b",)
    assert read_table(path, drop="a").names == ("b",)


def test_types_of_a_database():
    table = read_table(
        query="""SELECT [1] AS list, {'a': 1} AS struct, '3'::JSON AS j, '{"a": 1}'::JSON AS nested,
        'a'::BLOB AS bytes, 1.5::DECIMAL(3, 1) AS dec, 2::HUGEINT AS huge, INTERVAL 3 HOURS AS duration,
        NULL AS nothing, TIMESTAMPTZ '2020-01-01 10:00:00+02' AS zoned, 'infinity'::DATE AS never,
        DATE '2020-01-02' AS day"""
    )
    assert shape(table) == [
        ("j", "category", ["3"]),
        ("dec", "number", [1.5]),
        ("huge", "number", [2.0]),
        ("duration", "number", [10800.0]),
        ("nothing", "category", [None]),
        ("zoned", "date", [datetime.datetime(2020, 1, 1, 8)]),
        ("never", "date", [None]),
        ("day", "date", [datetime.datetime(2020, 1, 2)]),
    ]
    left_out = "\n".join(table.notes)
    for name in ("list", "struct", "nested", "bytes"):
        assert f"column '{name}' left out: it holds " in left_out


def test_types_of_pandas():
    frame = pd.DataFrame(
        {
            "codes": pd.Categorical([3, 1, None]),
            "text": pd.Categorical(["b", "a", None], categories=["b", "a", "unused"]),
            "mixed": np.array([1, "x", None], dtype=object),
            "zoned": pd.to_datetime(["2020-01-01", "2021-01-01", None]).tz_localize("America/New_York"),
            "decimal": [decimal.Decimal("1.5"), None, decimal.Decimal("2")],
            "period": pd.period_range("2020-01", periods=3, freq="M"),
            "nullable": pd.array([True, None, False], dtype="boolean"),
            7: [1, 2, 3],
        }
    )
    table = read_table(frame)
    assert shape(table) == [
        ("codes", "category", [3, 1, None]),
        ("text", "category", ["b", "a", None]),
        ("mixed", "category", ["1", "x", None]),
        ("zoned", "date", [datetime.datetime(2020, 1, 1, 5), datetime.datetime(2021, 1, 1, 5), None]),
        ("decimal", "number", [1.5, None, 2.0]),
        ("nullable", "boolean", [True, None, False]),
        ("7", "number", [1, 2, 3]),
    ]
    assert table["text"].levels == ("a", "b")
    assert len(table.notes) == 1 and "column 'period' left out" in table.notes[0]


def test_types_of_polars():
    frame = pl.DataFrame(
        {
            "cat": pl.Series(["y", "x", None], dtype=pl.Categorical),
            "enum": pl.Series(["y", "x", None], dtype=pl.Enum(["y", "x"])),
            "small": pl.Series([1, 2, 3], dtype=pl.Int8),
            "nothing": [None] * 3,
            "time": [datetime.time(1)] * 3,
            "nested": [[1]] * 3,
            "object": pl.Series([object()] * 3),
        }
    )
    table = read_table(frame)
    assert shape(table) == [
        ("cat", "category", ["y", "x", None]),
        ("enum", "category", ["y", "x", None]),
        ("small", "number", [1, 2, 3]),
        ("nothing", "category", [None] * 3),
        ("time", "date", [datetime.datetime(1970, 1, 1, 1)] * 3),
    ]
    assert len(table.notes) == 2


def test_empty_text_and_null_characters_are_levels_of_a_frame():
    column = read_table(pd.DataFrame({"a": ["", "a\0b", None]}))["a"]
    assert column.objects().tolist() == ["", "a\0b", None]


def test_rows_keep_their_order():
    values = np.random.default_rng(0).permutation(300_000)
    table = read_table(pd.DataFrame({"n": values, "s": values.astype(str)}))
    np.testing.assert_array_equal(table["n"].values, values)
    np.testing.assert_array_equal(table["s"].objects().astype(int), values)


BAD_FILES = [
    (
        "ragged.csv",
        "a,b,c\n" + "1,2,3\n" * 50 + "1,2\n1,2,3\n",
        r"line 52: 2 fields where the header has 3\.",
    ),
    ("long.csv", "a,b,c\n1,2,3\n1,2,3,4\n", r"line 3: 4 fields where the header has 3\."),
    ("late.csv", "a,b\n" + "1,2\n" * 30_000 + "1\n", r"line 30,002: 1 field where the header has 2\."),
    ("unclosed.csv", 'a,b\n"x\ny,1\n', r"line 2: 1 field where the header has 2.*double quotes"),
    (
        "latin.csv",
        "a,b\n1,\xe9\n".encode("latin1"),
        r"is not UTF-8: line 2 holds the byte 0xE9\. Save it as UTF-8",
    ),
    ("late8.csv", b"a,b\n" + b"1,x\n" * 30_000 + b"1,\xe9\n", r"line 30,002 holds the byte 0xE9"),
    ("utf16.csv", "a,b\n1,2\n".encode("utf-16"), r"is not UTF-8 but UTF-16.*iconv -f UTF-16"),
    ("binary.csv", bytes(range(1, 99)) + b"\0", r"is not text: byte 99 is zero"),
    ("empty.csv", b"", r"is empty \(0 bytes\)"),
    ("blank.csv", b"\n\n  \n", r"holds only blank lines"),
    ("header.csv", b"a,b\n", r"has a header but no rows"),
    ("fake.csv.gz", b"a,b\n1,2\n", r"cannot be unpacked: it is not a whole gzip file"),
    ("cut.csv.gz", gzip.compress(os.urandom(5000))[:900], r"cannot be unpacked"),
    ("fake.parquet", b"hello, this is not parquet", r"is not a whole Parquet file"),
    ("bad.jsonl", b'{"a": 1}\n{"a": \n', r"line \d: not JSON"),
    ("table.xlsx", b"PK", r"unknown kind of file '\.xlsx'\. Known are \.csv"),
    ("table.parquet.gz", b"PK", r"unknown kind of file '\.parquet\.gz'"),
    ("nested.jsonl", b'{"a": {"b": 1}}\n', r"no column that can be used"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES, ids=[name for name, *_ in BAD_FILES])
def test_bad_files(tmp_path, name, content, message):
    path = write(tmp_path, name, content)
    with pytest.raises(TableError, match=message) as caught:
        read_table(path)
    text = str(caught.value)
    assert str(path) in text
    # One or two lines, none of DuckDB's own advice.
    assert text.count("\n") <= 1 and len(text) < 500
    assert "Possible" not in text and "LINE" not in text


def test_a_truncated_parquet_file(people, tmp_path):
    pq.write_table(people, tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    for keep in (len(content) // 2, len(content) - 1):
        path = write(tmp_path, "cut.parquet", content[:keep])
        with pytest.raises(TableError, match="is not a whole Parquet file"):
            read_table(path)


def test_bad_sources(tmp_path):
    path = write(tmp_path, "penguins.csv", "a,b\n1,2\n")
    write(tmp_path, "other.csv", "a,c\n1,2\n")
    write(tmp_path, "j.jsonl", '{"a": 1}\n')
    for source, message in [
        (tmp_path / "pengins.csv", r"no such file: .*Did you mean '.*penguins\.csv'\?"),
        (tmp_path / "qqqqqqqqq.csv", r"no such file: .*Tables in that folder: 'j\.jsonl', 'other\.csv'"),
        (tmp_path / "no" / "t.csv", r"The folder '.*no' does not exist either"),
        (tmp_path, r"is a directory, not a file\. Name its files with a glob"),
        (str(tmp_path / "*.tsv"), r"no file matches '.*\*\.tsv'"),
        (
            [path, tmp_path / "other.csv"],
            r"the columns of '.*other\.csv' differ .*lacks 'b' and has 'c' besides",
        ),
        ([path, tmp_path / "j.jsonl"], r"is csv and '.*j\.jsonl' is json"),
        ("https://example.org/t.csv", r"is not a local file\. Download it first"),
        ("", "the path is empty"),
        ("a\0b.csv", "null character"),
        ([], "list of files is empty"),
        (None, "nothing to read"),
        (3, "a table cannot be read from 'int'"),
        (np.ones((2, 2)), "a table cannot be read from 'ndarray'"),
        (pd.DataFrame(), "has no columns"),
        (pd.DataFrame({"a": []}), "the pandas frame has no rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns of the same name"),
    ]:
        with pytest.raises(TableError, match=message):
            read_table(source)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_must_not_be_read(tmp_path):
    path = write(tmp_path, "t.csv", "a\n1\n")
    path.chmod(0)
    with pytest.raises(TableError, match="cannot be opened: permission denied"):
        read_table(path)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELEC 1", r"the query cannot be run: syntax error at or near \"SELEC\""),
        ("SELECT foo FROM data", r'the query cannot be run: Referenced column "foo" not found.*"a"'),
        ("SELECT * FROM nope", r"nope does not exist! The files given are the table 'data'"),
        ("SELECT 1; SELECT 2", r"must be one SELECT statement; it holds SELECT, SELECT\."),
        ("COPY (SELECT 1) TO 'x.csv'", r"must be one SELECT statement; it holds COPY"),
        ("INSTALL httpfs", r"must be one SELECT statement"),
        ("", r"it holds nothing"),
        ("SELECT * FROM data WHERE a > 5", r"the query returned no rows"),
        ("SELECT * FROM 'https://example.org/t.csv'", r"chainrule loads nothing from the network"),
        ("SELECT 'a'::INT AS x", r"the query cannot be run: Could not convert string 'a'"),
    ],
)
def test_bad_queries(tmp_path, query, message):
    path = write(tmp_path, "t.csv", "a,b\n1,2\n")
    with pytest.raises(TableError, match=message) as caught:
        read_table(path, query=query)
    assert "\n" not in str(caught.value)


def test_dropping_what_is_not_there(tmp_path):
    path = write(tmp_path, "t.csv", "bill_length_mm,b\n1,2\n")
    with pytest.raises(TableError, match=r"column 'bill_len' is missing in .*; there is 'bill_length_mm'\."):
        read_table(path, drop=["bill_len"])


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_stops_a_query():
    endless = "SELECT count(*) AS n FROM range(10000000) a, range(99999) b WHERE (a.range + b.range) % 7 = 3"
    code = f"""
from chainrule.tables import read_table
print("reading", flush=True)
try:
    read_table(query={endless!r})
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "reading\n"
        time.sleep(1.0)
        # A press that falls into a library's own code may be lost; whoever waits presses again.
        for _ in range(5):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=5)
                break
            except subprocess.TimeoutExpired:
                continue
        else:
            process.kill()
        assert process.stdout.read() == "stopped\n"


def test_as_table_takes_a_table_as_it_is():
    table = read_table(pd.DataFrame({"a": [1, 2, 3]}))
    assert as_table(table) is table
    assert isinstance(as_table(pd.DataFrame({"a": [1]})), Table)


def test_table_lookups():
    table = read_table(pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "y"]}))
    assert table.names == ("a", "b") and len(table) == 3 and "a" in table and "c" not in table
    assert table.take([2, 0])["b"].objects().tolist() == ["y", "x"]
    assert table.take(np.array([True, False, False])).n_rows == 1
    assert table.take([]).n_rows == 0
    assert table.drop(["a"]).names == ("b",)
    with pytest.raises(TableError, match="a mask over the pandas frame needs 3 entries"):
        table.take(np.array([True]))
    with pytest.raises(TableError, match=r"column 'z' is missing in the pandas frame\. Its columns: 'a', 'b'"):
        table["z"]

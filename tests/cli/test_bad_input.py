"""Whatever is wrong with what comes in: one line that says where, what, and what to do; nothing is written."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chainrule

Run = Callable[..., Any]
Fails = Callable[..., str]


def write(path: str, text: str | bytes) -> str:
    if isinstance(text, bytes):
        Path(path).write_bytes(text)
    else:
        Path(path).write_text(text, encoding="utf-8")
    return path


def altered(change: Callable[[str], str], path: str = "altered.csv") -> str:
    """Write the penguins with a change to their text."""
    return write(path, change(Path("penguins.csv").read_text(encoding="utf-8")))


def train(table: str, target: str = "species") -> tuple[str, ...]:
    return "train", table, "--target", target


# Tables


def test_no_such_file(fails: Fails) -> None:
    assert "no such file: 'pengiuns.csv'. Did you mean 'penguins.csv'?" in fails(*train("pengiuns.csv"))
    assert "no such file: 'no/such.csv'" in fails(*train("no/such.csv"))
    assert "no file matches '*.parquet'" in fails(*train("*.parquet"))
    assert "no such file" in fails("predict", "penguins.chainrule", "pengiuns.csv")
    assert "no such file" in fails("evaluate", "penguins.chainrule", "pengiuns.csv")


def test_an_empty_file(fails: Fails) -> None:
    write("empty.csv", "")
    assert "'empty.csv' is empty (0 bytes)" in fails(*train("empty.csv"))
    assert "'empty.csv' is empty (0 bytes)" in fails("predict", "penguins.chainrule", "empty.csv")


def test_a_header_only(fails: Fails) -> None:
    altered(lambda text: text.splitlines()[0] + "\n")
    for command in (train("altered.csv"), ("predict", "penguins.chainrule", "altered.csv")):
        assert "'altered.csv' has a header but no rows" in fails(*command)


def test_the_target_is_missing(fails: Fails) -> None:
    assert "column 'specie' is missing in penguins.csv; there is 'species'" in fails(*train("penguins.csv", "specie"))
    message = fails(*train("penguins.csv", "price"))
    assert "column 'price' is missing in penguins.csv. Its columns: 'species', 'island'" in message


def test_the_target_is_all_one_class(fails: Fails) -> None:
    altered(lambda text: text.replace("Gentoo", "Adelie").replace("Chinstrap", "Adelie"))
    message = fails(*train("altered.csv"))
    assert "target 'species' has one class only: 'Adelie' in all 344 rows" in message


def test_the_target_is_all_missing(fails: Fails) -> None:
    altered(lambda text: text.replace("Gentoo,", ",").replace("Chinstrap,", ",").replace("Adelie,", ","))
    assert "target 'species' has no value in any of the 344 rows" in fails(*train("altered.csv"))


def test_a_target_that_is_no_class(fails: Fails) -> None:
    rows = "".join(f"{i % 3},{i / 7:.5f}\n" for i in range(60))
    write("prices.csv", "x,price\n" + rows)
    assert "is regression, and chainrule classifies" in fails(*train("prices.csv", "price"))


def test_a_ragged_csv(fails: Fails) -> None:
    def widen(text: str) -> str:
        lines = text.splitlines()
        lines[9] += ",1,2"
        return "\n".join(lines)

    altered(widen)
    assert "'altered.csv', line 10: 9 fields where the header has 7" in fails(*train("altered.csv"))


def test_not_utf_8(fails: Fails) -> None:
    text = Path("penguins.csv").read_text(encoding="utf-8").replace("Torgersen", "Torgersön", 1)
    write("latin.csv", text.encode("latin-1"))
    message = fails(*train("latin.csv"))
    assert "'latin.csv' is not UTF-8: line 2 holds the byte 0xF6" in message
    assert "iconv -f LATIN1" in message


def test_infinity(fails: Fails) -> None:
    altered(lambda text: text.replace(",39.1,", ",inf,", 1))
    assert "column 'bill_length_mm' is infinite in 1 row (first: inf, row 1)" in fails(*train("altered.csv"))


def test_no_column_is_left(fails: Fails) -> None:
    write("ids.csv", "id,label\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(80)))
    assert "no column of ids.csv is left to learn from" in fails(*train("ids.csv", "label"))


def test_a_bad_query(fails: Fails) -> None:
    assert "the query cannot be run" in fails(*train("penguins.csv"), "--query", "SELEC *")


def test_a_table_that_is_something_else(fails: Fails) -> None:
    write("image.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100))
    assert "'image.csv' is not text" in fails(*train("image.csv"))
    write("table.xlsx", b"PK\x03\x04")
    assert "unknown kind of file '.xlsx'" in fails(*train("table.xlsx"))
    assert "is a directory" in fails(*train("."))


@pytest.mark.parametrize("option", ["--drop", "--categorical"])
def test_a_named_column_that_is_not_there(fails: Fails, option: str) -> None:
    message = fails(*train("penguins.csv"), option, "isalnd")
    assert "column 'isalnd' is missing" in message
    assert "'island'" in message


# Predicting


def test_text_in_a_numeric_column(fails: Fails) -> None:
    altered(lambda text: text.replace(",3750.0,", ",heavy,", 1))
    message = fails("predict", "penguins.chainrule", "altered.csv", "-o", "p.csv")
    assert "column 'body_mass_g' has 1 value that is not numbers (first: 'heavy', row 1)" in message or (
        "column 'body_mass_g' has 1 value that is not a number (first: 'heavy', row 1)" in message
    )


def test_a_column_is_lost_or_renamed(fails: Fails) -> None:
    altered(lambda text: text.replace("bill_length_mm", "bill_len_mm"))
    message = fails("predict", "penguins.chainrule", "altered.csv", "-o", "p.csv")
    assert "column 'bill_length_mm' is missing in altered.csv; there is 'bill_len_mm'" in message
    altered(lambda text: text.replace("island", "place"))
    message = fails("predict", "penguins.chainrule", "altered.csv")
    assert "column 'island' is missing in altered.csv. Its columns: 'species', 'place'" in message


def test_labels_the_model_does_not_know(fails: Fails) -> None:
    altered(lambda text: text.replace("Gentoo", "Emperor").replace("Chinstrap", "King"))
    message = fails("evaluate", "penguins.chainrule", "altered.csv")
    assert "holds 2 labels that the model does not know: 'Emperor', 'King'" in message
    assert "It knows 'Adelie', 'Chinstrap', 'Gentoo'" in message


def test_evaluate_without_the_target(fails: Fails) -> None:
    altered(lambda text: text.replace("species", "kind"))
    assert "the table must hold the target. Column 'species' is missing" in fails(
        "evaluate", "penguins.chainrule", "altered.csv"
    )
    altered(lambda text: text.replace("Gentoo,", ",").replace("Chinstrap,", ",").replace("Adelie,", ","))
    assert "has no value of the target 'species' in any row" in fails("evaluate", "penguins.chainrule", "altered.csv")


def test_columns_to_keep(fails: Fails, run: Run) -> None:
    predict = ("predict", "penguins.chainrule", "penguins.csv", "--keep")
    assert "column 'isalnd' is missing" in fails(*predict, "isalnd")
    altered(lambda text: text.replace("year", "Prediction", 1).replace("sex", "Prediction", 1), "renamed.csv")
    assert run(*train("renamed.csv"), "-q").exit_code == 0
    message = fails("predict", "renamed.chainrule", "renamed.csv", "--keep", "Prediction")
    assert "--keep Prediction: the predictions have a column 'prediction' of their own" in message


# Model files


@pytest.mark.parametrize("command", ["predict", "evaluate", "info", "graph"])
def test_a_model_file_that_is_none(fails: Fails, command: str) -> None:
    table = ["penguins.csv"] if command in ("predict", "evaluate") else []
    assert "no such model file: 'm'. Models in that directory: penguins.chainrule" in fails(command, "m", *table)
    write("m", b"")
    assert "'m' is empty (0 bytes), not a model" in fails(command, "m", *table)
    whole = Path("penguins.chainrule").read_bytes()
    write("m", whole[:-5])
    assert "the model file 'm' was cut short: its last 5 bytes are missing" in fails(command, "m", *table)
    write("m", whole[:1000])
    assert "the model file 'm' was cut short: it has 1,000 bytes, its header alone needs" in fails(command, "m", *table)
    flipped = bytearray(whole)
    flipped[-100] ^= 4
    write("m", bytes(flipped))
    assert "the model file 'm' is damaged: its content does not match its checksum" in fails(command, "m", *table)
    assert "'penguins.csv' is not a chainrule model" in fails(command, "penguins.csv", *table)
    write("m", zlib.compress(whole))
    assert "'m' is not a chainrule model" in fails(command, "m", *table)


# Where to write


def test_outputs_are_checked_before_the_work(fails: Fails, here: Path) -> None:
    # The table does not exist: an error about the output shows that it came first.
    table = "does-not-exist.csv"
    for option in ("--output", "--report"):
        message = fails(*train(table), option, "no/such/place")
        assert f"cannot write 'no/such/place': there is no directory '{here / 'no/such'}'. Make it first." in message
        assert f"cannot write '{here}': it is a directory" in fails(*train(table), option, here)
        assert "' is not a directory" in fails(*train(table), option, "penguins.csv/m")
    assert "there is no directory" in fails("predict", "penguins.chainrule", table, "-o", "no/such/p.csv")
    assert "there is no directory" in fails("graph", "penguins.chainrule", "--svg", "no/such/g.svg")


def test_nothing_that_is_used_is_overwritten(fails: Fails) -> None:
    before = Path("penguins.csv").read_bytes()
    for command in (
        (*train("penguins.csv"), "-o", "penguins.csv"),
        (*train("p*.csv"), "-o", "./penguins.csv"),
        (*train("penguins.csv"), "-o", "m", "--report", "m"),
        ("predict", "penguins.chainrule", "penguins.csv", "-o", "penguins.csv"),
        ("graph", "penguins.chainrule", "--svg", "penguins.chainrule"),
    ):
        assert "choose another name" in fails(*command)
    assert Path("penguins.csv").read_bytes() == before


def test_a_directory_that_may_not_be_written(fails: Fails, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "locked").mkdir(mode=0o555)
    from chainrule.files import atomic

    # Who runs the tests as root may write anywhere.
    monkeypatch.setattr(atomic.os, "access", lambda path, mode: "locked" not in str(path))
    message = fails(*train("penguins.csv"), "-o", "locked/m")
    assert f"cannot write 'locked/m': the directory '{here / 'locked'}' may not be written to" in message


def test_an_unknown_format(fails: Fails) -> None:
    for name in ("p.xlsx", "p", "p.parquet.gz"):
        message = fails("predict", "penguins.chainrule", "penguins.csv", "-o", name)
        assert f"cannot write '{name}': its suffix must be one of .csv, .tsv, .jsonl, .ndjson, .parquet" in message


def test_a_report_without_matplotlib(fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    message = fails(*train("penguins.csv"), "--report", "r.html")
    assert "--report needs matplotlib: pip install 'chainrule[plot]'" in message


# Options


def test_choices_that_make_no_sense(fails: Fails) -> None:
    assert "C must be a number > 0, got -1.0" in fails(*train("penguins.csv"), "--C", "-1")
    assert "C must be a number > 0, got nan" in fails(*train("penguins.csv"), "--C", "nan")
    assert "learning_rate must be" in fails(*train("penguins.csv"), "--learning-rate", "0")
    assert "test_size must be" in fails(*train("penguins.csv"), "--test-size", "1")


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "penguins.csv"),
        ("train", "--target", "species"),
        ("train", "penguins.csv", "--target", "species", "--solver", "magic"),
        ("train", "penguins.csv", "--target", "species", "--test-size", "2"),
        ("train", "penguins.csv", "--target", "species", "--max-iter", "many"),
        ("train", "penguins.csv", "--target", "species", "--no-such-option"),
        ("predict", "penguins.chainrule"),
        ("graph", "penguins.chainrule", "graph.svg"),
        ("tarin",),
    ],
)
def test_usage(run: Run, here: Path, arguments: tuple[str, ...]) -> None:
    before = sorted(here.iterdir())
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: ")
    assert "Error: " in result.stderr
    assert "\x1b" not in result.stderr
    assert "╭" not in result.stderr
    assert sorted(here.iterdir()) == before


def test_a_bug_is_said_to_be_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> None:
        raise KeyError("no such\nthing")

    monkeypatch.setattr(chainrule.files, "load_model", broken)
    result = run("info", "penguins.chainrule")
    assert result.exit_code == 70
    assert result.stderr.startswith("Internal error: KeyError: 'no such\\nthing'\n")
    assert "please report it" in result.stderr
    assert "Traceback" not in result.stderr
    monkeypatch.setenv("CHAINRULE_DEBUG", "1")
    assert "Traceback" in run("info", "penguins.chainrule").stderr

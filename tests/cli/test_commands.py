"""The commands do what they say."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

import chainrule
from chainrule.cli.arguments import split_names
from chainrule.cli.train import Solver, default_output
from chainrule.training import SOLVERS, SoftmaxOptions, class_weights

Run = Callable[..., Any]
ANSI = re.compile(r"\x1b")


def read(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def test_train_says_what_it_did(run: Run, here: Path) -> None:
    result = run("train", "penguins.csv", "--target", "species", "--report", "report.html")
    assert (result.exit_code, result.stderr) == (0, "")
    for fact in (
        "species from penguins.csv",
        "275 to train, 69 held out",
        "Adelie 44.2 %, Chinstrap 19.8 %, Gentoo 36.0 %",
        "newton-cholesky, ",
        "converged (at most ",
        "always Adelie",
        "accuracy",
        "log-loss, nats",
        "macro F1",
        "penguins.chainrule (",
        "report.html (",
        "chainrule predict penguins.chainrule NEW_TABLE",
    ):
        assert fact in result.stdout
    assert not ANSI.search(result.stdout)
    assert chainrule.load_model("penguins.chainrule").record["evaluation"]["accuracy"] >= 0.97
    assert "</html>" in (here / "report.html").read_text(encoding="utf-8")


def test_the_figures_shown_are_the_models(run: Run) -> None:
    shown = run("train", "penguins.csv", "--target", "species", "--seed", "3").stdout
    evaluation = chainrule.load_model("penguins.chainrule").record["evaluation"]
    for name, row in (("accuracy", "accuracy"), ("log_loss", "log-loss, nats"), ("macro_f1", "macro F1")):
        figures = re.search(rf"{row} +([\d.]+) +([\d.]+)", shown)
        assert figures is not None
        assert figures.groups() == (f"{evaluation[name]:.4f}", f"{evaluation['baseline'][name]:.4f}")


def test_train_json_is_one_object(run: Run) -> None:
    result = run("train", "penguins.csv", "--target", "species", "-o", "m.chainrule", "--json")
    told = json.loads(result.stdout)
    assert told["model"] == "m.chainrule"
    assert told["report"] is None
    assert told["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert told["data"]["target"] == "species"
    assert told["split"] == {**told["split"], "n_train": 275, "n_test": 69}
    assert told["fit"]["converged"] is True
    assert told["evaluation"]["accuracy"] >= 0.97


def test_quiet_is_quiet(run: Run, here: Path) -> None:
    result = run("train", "penguins.csv", "--target", "species", "-o", "quiet.chainrule", "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert (here / "quiet.chainrule").exists()


def test_training_twice_gives_the_same_parameters(run: Run) -> None:
    for name, threads in (("a", "1"), ("b", "2")):
        run("train", "penguins.csv", "--target", "species", "-o", name, "--threads", threads)
    first, second = (chainrule.load_model(name).parameters for name in "ab")
    assert first.tobytes() == second.tobytes()


def test_train_on_every_row(run: Run) -> None:
    result = run("train", "penguins.csv", "--target", "species", "--test-size", "0")
    assert "344 to train, none held out" in result.stdout
    assert "always" not in result.stdout


def test_choices_reach_the_training(run: Run) -> None:
    result = run(
        "train", "penguins.csv", "--target", "species", "--drop", "island,sex", "--drop", "bill_depth_mm",
        "--C", "0.5", "--class-weight", "balanced", "--solver", "gradient_descent", "--max-iter", "7",
        "--learning-rate", "0.1", "--no-intercept", "--seed", "4", "--test-size", "0.3", "--tol", "0.01", "--json",
    )  # fmt: skip
    told = json.loads(result.stdout)
    assert told["data"]["dropped"] == dict.fromkeys(["island", "sex", "bill_depth_mm"], "asked for")
    expected = SoftmaxOptions(
        C=0.5, class_weight="balanced", solver="gradient_descent", max_iter=7, learning_rate=0.1,
        fit_intercept=False, tol=0.01, random_state=4,
    )  # fmt: skip
    for name in ("C", "class_weight", "solver", "max_iter", "learning_rate", "fit_intercept", "tol"):
        assert told["options"][name] == getattr(expected, name)
    assert (told["split"]["seed"], told["split"]["test_size"]) == (4, 0.3)
    assert told["fit"]["n_iter"] == 7
    assert list(chainrule.load_model("penguins.chainrule").parameter_arrays) == ["W"]


def test_without_options_train_is_the_librarys_train(run: Run) -> None:
    told = json.loads(run("train", "penguins.csv", "--target", "species", "--json").stdout)
    model = chainrule.train("penguins.csv", "species")
    assert told["options"] == model.record["options"]
    assert told["evaluation"] == model.record["evaluation"]
    assert chainrule.load_model("penguins.chainrule").parameters.tobytes() == model.parameters.tobytes()
    assert {solver.value for solver in Solver} == set(SOLVERS)
    assert class_weights("balanced", np.array([0, 1, 1]), np.array(["a", "b"])) is not None


def test_a_budget_that_ran_out_is_a_warning(run: Run) -> None:
    result = run("train", "penguins.csv", "--target", "species", "--max-iter", "1")
    assert result.exit_code == 0
    assert result.stderr.startswith("Warning: the solver spent its budget of 1 pass over the rows before it ")
    assert "Raise --max-iter (now 1)" in result.stderr
    assert "not converged" in result.stdout


def test_a_query_and_several_tables(run: Run, here: Path) -> None:
    query = "SELECT * FROM data WHERE island <> 'Dream'"
    result = run("train", "penguins.csv", "--target", "species", "--query", query, "--test-size", "0", "--json")
    assert json.loads(result.stdout)["data"]["n_rows"] == 220
    alone = "SELECT * FROM 'penguins.csv' LIMIT 200"
    told = json.loads(run("train", "--target", "species", "--query", alone, "--test-size", "0", "--json").stdout)
    assert (told["data"]["n_rows"], told["model"]) == (200, "model.chainrule")
    lines = (here / "penguins.csv").read_text().splitlines(keepends=True)
    (here / "part1.csv").write_text("".join(lines[:150]))
    (here / "part2.csv").write_text("".join([lines[0], *lines[150:]]))
    for tables in (["part1.csv", "part2.csv"], ["part?.csv"]):
        told = json.loads(run("train", *tables, "--target", "species", "--json").stdout)
        assert (told["data"]["n_rows"], told["model"]) == (344, "model.chainrule")


@pytest.mark.parametrize(
    ("tables", "name"),
    [
        (["a/penguins.csv"], "penguins.chainrule"),
        (["x.csv.gz"], "x.chainrule"),
        (["data.2024.parquet"], "data.2024.chainrule"),
        (["*.csv"], "model.chainrule"),
        (["a.csv", "b.csv"], "model.chainrule"),
        ([], "model.chainrule"),
    ],
)
def test_the_models_name(tables: list[str], name: str) -> None:
    assert default_output(tables) == Path(name)


def test_lists_of_names() -> None:
    assert split_names(None) == ()
    assert split_names(["a, b", "c", "a"]) == ("a", "b", "c")
    assert split_names(['"last, first",x']) == ("last, first", "x")


# predict


def test_predict_prints_a_row_per_row(run: Run) -> None:
    result = run("predict", "penguins.chainrule", "penguins.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = read(result.stdout)
    assert list(rows[0]) == ["prediction"]
    expected = chainrule.load_model("penguins.chainrule").predict("penguins.csv")
    assert [row["prediction"] for row in rows] == list(expected)
    assert run("predict", "penguins.chainrule", "penguins.csv", "-o", "-").stdout == result.stdout


def test_probabilities_and_kept_columns(run: Run) -> None:
    result = run("predict", "penguins.chainrule", "penguins.csv", "--proba", "--keep", "island,body_mass_g")
    rows = read(result.stdout)
    assert list(rows[0]) == ["island", "body_mass_g", "prediction", "p_Adelie", "p_Chinstrap", "p_Gentoo"]
    probabilities = chainrule.load_model("penguins.chainrule").predict_proba("penguins.csv")
    written = np.array([[float(row[name]) for name in list(row)[3:]] for row in rows])
    # CSV holds the shortest decimal that gives the float32 back.
    assert written.astype(np.float32).tobytes() == probabilities.tobytes()
    given = read(Path("penguins.csv").read_text())
    assert [row["island"] for row in rows] == [row["island"] for row in given]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".csv.gz", ".jsonl.gz"])
def test_every_format_holds_the_same(run: Run, here: Path, suffix: str) -> None:
    path = here / f"p{suffix}"
    result = run("predict", "penguins.chainrule", "penguins.csv", "--proba", "--keep", "sex", "-o", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"344 predictions written to {path}\n"
    columns = "sex, prediction, p_Adelie::FLOAT AS a"
    plain = run("predict", "penguins.chainrule", "penguins.csv", "--proba", "--keep", "sex").stdout
    (here / "plain.csv").write_text(plain)
    same = duckdb.sql(f"SELECT {columns} FROM '{here / 'plain.csv'}'").fetchall()
    assert duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall() == same
    assert len(same) == 344
    if suffix.endswith(".gz"):
        assert gzip.decompress(path.read_bytes())
    assert not list(here.glob(".chainrule-*"))


def test_awkward_names(run: Run, here: Path) -> None:
    labels = ['red, "dark"', "it's\nblue", "ü"]
    with (here / "odd.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["the id", "x", 'kind, "of"'])
        writer.writerows([f"{i:03d}", (i % 3) + i / 1000, labels[i % 3]] for i in range(60))
    assert run("train", "odd.csv", "--target", 'kind, "of"', "-q").exit_code == 0
    result = run("predict", "odd.chainrule", "odd.csv", "--proba", "--keep", "the id,x")
    rows = read(result.stdout)
    assert list(rows[0]) == ["the id", "x", "prediction", *(f"p_{label}" for label in sorted(labels))]
    assert [row["prediction"] for row in rows] == [labels[i % 3] for i in range(60)]
    assert [row["the id"] for row in rows] == [f"{i:03d}" for i in range(60)]
    given = read((here / "odd.csv").read_text())
    assert [row["x"] for row in rows] == [row["x"] for row in given]


def test_labels_of_any_type(run: Run, here: Path) -> None:
    for name, labels in {"n": ["10", "2", "3"], "b": ["true", "false"], "d": ["2024-01-31", "2023-05-01"]}.items():
        rows = "".join(f"{i % len(labels)}.{i % 7},{labels[i % len(labels)]}\n" for i in range(60))
        (here / f"{name}.csv").write_text("x,label\n" + rows)
        assert run("train", f"{name}.csv", "--target", "label", "-q").exit_code == 0
        result = run("predict", f"{name}.chainrule", f"{name}.csv", "--proba")
        assert [row["prediction"] for row in read(result.stdout)] == [labels[i % len(labels)] for i in range(60)]
        ordered = sorted(labels, key=int if name == "n" else str)
        assert list(read(result.stdout)[0])[1:] == [f"p_{label}" for label in ordered]
        assert json.loads(run("info", f"{name}.chainrule", "--json").stdout)["classes"]
        assert run("evaluate", f"{name}.chainrule", f"{name}.csv").exit_code == 0


def test_missing_and_new_values_are_predicted(run: Run, here: Path) -> None:
    header, first, *_ = (here / "penguins.csv").read_text().splitlines()
    columns = header.split(",")
    row = dict(zip(columns, first.split(","), strict=True)) | {"island": "Atlantis", "body_mass_g": ""}
    del row["species"]
    (here / "new.csv").write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    assert run("predict", "penguins.chainrule", "new.csv").stdout == "prediction\nAdelie\n"


# evaluate, info, graph


def test_evaluate(run: Run, here: Path) -> None:
    result = run("evaluate", "penguins.chainrule", "penguins.csv")
    assert result.exit_code == 0
    for fact in ("penguins.chainrule on penguins.csv", "344 rows", "precision", "true \\ predicted", "always Adelie"):
        assert fact in result.stdout
    told = json.loads(run("evaluate", "penguins.chainrule", "penguins.csv", "--json").stdout)
    assert told["n_rows"] == 344
    predicted = chainrule.load_model("penguins.chainrule").predict("penguins.csv")
    given = [row["species"] for row in read((here / "penguins.csv").read_text())]
    assert told["accuracy"] == pytest.approx(np.mean(predicted == np.array(given)), rel=1e-12)  # one division
    assert np.trace(told["confusion"]) == np.sum(predicted == np.array(given))


def test_evaluate_leaves_rows_without_target_out(run: Run, here: Path) -> None:
    lines = (here / "penguins.csv").read_text().splitlines()
    assert lines[1].startswith("Adelie,")
    lines[1] = lines[1].removeprefix("Adelie")
    (here / "some.csv").write_text("\n".join(lines))
    assert "343 rows (1 without species left out)" in run("evaluate", "penguins.chainrule", "some.csv").stdout


def test_info(run: Run) -> None:
    result = run("info", "penguins.chainrule")
    for fact in ("penguins.chainrule", "species, 3 classes", "newton-cholesky", "C = 1", "275 to train", "precision"):
        assert fact in result.stdout
    told = json.loads(run("info", "penguins.chainrule", "--json").stdout)
    model = chainrule.load_model("penguins.chainrule")
    assert told["feature_names"] == list(model.feature_names)
    assert told["n_parameters"] == len(model.parameters)
    assert told["fit"]["objective"] == model.record["fit"]["objective"]


def test_a_model_from_arrays(run: Run) -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    classifier = chainrule.SoftmaxClassifier().fit(X, (X[:, 0] > 0).astype(int))
    classifier.to_model().save("arrays.chainrule")
    assert "2 " in run("info", "arrays.chainrule").stdout
    assert run("graph", "arrays.chainrule").exit_code == 0
    result = run("predict", "arrays.chainrule", "penguins.csv")
    assert result.exit_code == 1
    assert "was trained on an array" in result.stderr


def test_graph(run: Run, here: Path) -> None:
    table = run("graph", "penguins.chainrule").stdout
    assert "softmax_cross_entropy" in table
    picture = run("graph", "penguins.chainrule", "--svg")
    assert picture.stdout.lstrip().startswith("<svg")
    result = run("graph", "penguins.chainrule", "--svg", "graph.svg")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (here / "graph.svg").read_text(encoding="utf-8").strip() == picture.stdout.strip()
    assert run("graph", "--svg", "penguins.chainrule").stdout == picture.stdout


@pytest.mark.parametrize("columns", [40, 60, 120])
def test_a_narrow_terminal_folds(run: Run, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    model = chainrule.load_model("penguins.chainrule")
    for command in (("info", "penguins.chainrule"), ("evaluate", "penguins.chainrule", "penguins.csv")):
        shown = run(*command).stdout
        assert max(map(len, shown.splitlines())) <= columns
        for whole in ("Adelie", "Gentoo", "accuracy", "always", "0.4"):
            assert whole in shown
    for scores in model.record["evaluation"]["per_class"]:
        assert f"{scores['recall']:.3f}" in run("info", "penguins.chainrule").stdout


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"chainrule {chainrule.__version__}\n"
    listing = run("--help").stdout
    for command in ("train", "predict", "evaluate", "info", "graph", "lecture"):
        assert f"\n  {command} " in listing
        text = run(command, "-h").stdout
        assert text.startswith("Usage: ")
        assert max(map(len, text.splitlines())) <= 100

"""``chainrule inspect`` and ``chainrule check``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas
import pytest
from small_networks import IRIS, small_network

import chainrule
from chainrule import inspection
from chainrule.cli import check as check_command

Run = Callable[..., Any]
Fails = Callable[..., str]


@pytest.fixture
def network(run: Run) -> str:
    """A network of penguins.csv."""
    done = run("train", "penguins.csv", "--target", "species", "--hidden", "8", "--epochs", "5", "-o", "net.chainrule")
    assert done.exit_code == 0, done.stderr
    return "net.chainrule"


def test_one_row(run: Run, network: str) -> None:
    result = run("inspect", network, "penguins.csv", "--row", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    for fact in (
        "net.chainrule, row 3 of penguins.csv",
        "labelled Adelie; loss ",
        "p − y",
        "integrated gradients, row 3: probability of ",
        "Torgersen",
        "forward, sample 3 alone",
        "X W1 + b1",
        "backward: the gradient of each",
    ):
        assert fact in result.stdout
    told = json.loads(run("inspect", network, "penguins.csv", "--row", "3", "--json").stdout)
    assert told["row"] == 3 and told["label"] == "Adelie"
    assert sum(told["probabilities"].values()) == pytest.approx(1.0)
    assert told["first_nonfinite"] is None
    traced = inspection.trace(network, "penguins.csv", sample=3)
    assert told["loss"] == told["trace"]["loss"] == traced.loss
    assert abs(told["contributions"]["residual"]) < 1e-6


def test_the_whole_table(run: Run, network: str) -> None:
    result = run("inspect", network, "penguins.csv", "--top", "4")
    assert "344 rows of penguins.csv" in result.stdout
    assert "Largest losses" in result.stdout
    told = json.loads(run("inspect", network, "penguins.csv", "--top", "4", "--json").stdout)
    losses = [one["loss"] for one in told["largest_losses"]]
    assert len(losses) == 4 and losses == sorted(losses, reverse=True)
    worst = told["largest_losses"][0]["row"]
    assert inspection.trace(network, "penguins.csv", sample=worst).loss == pytest.approx(losses[0], rel=1e-9)
    some = run("inspect", network, "penguins.csv", "--rows", "20").stdout
    assert "the first 20 of 344 rows of penguins.csv" in some and "loss" in some
    assert list(told["importance"]) == list(inspection.attribution(network, "penguins.csv").importance)


def test_a_path_and_a_node(run: Run, network: str) -> None:
    result = run("inspect", network, "penguins.csv", "--row", "3", "--path", "W1[11, 3]", "--top", "2")
    assert (
        str(inspection.ledger(network, "W1[11, 3]", "penguins.csv", sample=3, top=2)).splitlines()[0] in result.stdout
    )
    told = json.loads(run("inspect", network, "penguins.csv", "--row", "3", "--path", "W1[11,3]", "--json").stdout)
    assert told["ledger"]["n_paths"] == "3"
    assert abs(told["ledger"]["residual"]) <= 1e-9 * abs(told["ledger"]["gradient"])
    assert "Z1 = X W1 + b1" in run("inspect", network, "penguins.csv", "--node", "Z1").stdout
    told = json.loads(run("inspect", network, "penguins.csv", "--row", "3", "--node", "dW1[11,3]", "--json").stdout)
    assert told["explanation"]["name"] == "dW1[11, 3]"


def test_code_can_be_run(run: Run, network: str) -> None:
    code = run("inspect", network, "penguins.csv", "--node", "dW1[11,3]", "--code").stdout
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, check=True)
    found = inspection.explain(network, "dW1[11, 3]", "penguins.csv").value
    assert float(done.stdout) == pytest.approx(found, rel=1e-12)


def test_rows_without_a_target(run: Run, network: str, fails: Fails) -> None:
    frame = pandas.read_csv("penguins.csv")
    frame.drop(columns="species").to_csv("blind.csv", index=False)
    blind = run("inspect", network, "blind.csv", "--row", "3")
    assert blind.exit_code == 0 and "labelled" not in blind.stdout and "backward" not in blind.stdout
    assert "no species in the table" in run("inspect", network, "blind.csv").stdout
    frame.loc[3, "species"] = None
    frame.to_csv("partly.csv", index=False)
    assert "labelled" not in run("inspect", network, "partly.csv", "--row", "3").stdout
    assert "labelled Adelie" in run("inspect", network, "partly.csv", "--row", "4").stdout
    assert "343 rows" in run("inspect", network, "partly.csv").stdout
    for arguments in (("inspect", network, "blind.csv", "--path", "W1[0,0]"), ("check", network, "blind.csv")):
        assert "Column 'species' is missing in blind.csv" in fails(*arguments)


def test_what_is_not_there(fails: Fails, network: str) -> None:
    inspect = ("inspect", network, "penguins.csv")
    assert "--row must be 0..343 (rows count from 0), got 344" in fails(*inspect, "--row", "344")
    assert "did you mean 'Z2'?" in fails(*inspect, "--node", "Z9")
    assert "did you mean" in fails(*inspect, "--path", "W7[0, 3]")
    assert "has shape (14, 8)" in fails(*inspect, "--path", "W1[99, 3]")
    assert "no such file" in fails("inspect", network, "pengiuns.csv")
    assert "no such model file" in fails("check", "nothing.chainrule", "penguins.csv")


@pytest.mark.parametrize(
    "arguments",
    [("--path", "W1[0,0]", "--node", "Z1"), ("--code",), ("--row", "-1"), ("--node", "Z1", "--code", "--json")],
)
def test_usage(run: Run, network: str, arguments: tuple[str, ...]) -> None:
    assert run("inspect", network, "penguins.csv", *arguments).exit_code == 2


def test_a_model_of_arrays_takes_a_table_of_its_features(run: Run, fails: Fails) -> None:
    X, y = IRIS
    small_network(X, y).to_model().save("arrays.chainrule")
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    frame.assign(**{"class": y}).to_csv("iris.csv", index=False)
    assert "labelled 1" in run("inspect", "arrays.chainrule", "iris.csv", "--row", "70").stdout
    assert run("check", "arrays.chainrule", "iris.csv").exit_code == 0
    frame.drop(columns="d").to_csv("few.csv", index=False)
    assert "each of 4 features, has 3" in fails("inspect", "arrays.chainrule", "few.csv")


def test_where_nan_began_is_said(run: Run, network: str) -> None:
    model = chainrule.load_model(network)
    parameters = model.parameters.copy()
    model.graph.parameters.views(parameters)["W1"][...] *= 1e38
    model.graph.parameters.views(parameters)["W2"][...] *= 1e38
    replace(model, parameters=parameters).save("grown.chainrule")
    result = run("inspect", "grown.chainrule", "penguins.csv")
    assert "is the first not finite, in the order of computation" in result.stdout
    told = json.loads(run("inspect", "grown.chainrule", "penguins.csv", "--json").stdout)
    assert told["first_nonfinite"]["node"] in ("Z1", "Z2")


def test_check(run: Run, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("check", network, "penguins.csv", "--entries", "20", "--rows", "50")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "on 50 rows of penguins.csv" in result.stdout
    assert "20 of 147 entries" in result.stdout
    told = json.loads(run("check", network, "penguins.csv", "--json").stdout)
    assert told["passed"] and told["n_checked"] == 147 and told["n_rows"] == 200
    monkeypatch.setattr(inspection.GradientCheck, "passed", lambda self, tolerance=0.0: False)
    failed = run("check", network, "penguins.csv", "--json")
    assert failed.exit_code == check_command.DIFFERS == 1
    assert json.loads(failed.stdout)["passed"] is False
    assert failed.stderr.startswith("Warning: the gradient is not confirmed")
    assert np.isfinite(told["max_relative_error"])

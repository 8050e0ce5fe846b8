"""The report on a network: its layers, how the epochs went, and no coefficients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_report_page import check_page

from chainrule.graph import build
from chainrule.model import Model
from chainrule.report import Report
from chainrule.report.facts import architecture, encoded_as, fit_facts
from chainrule.tables import LabelEncoding
from chainrule.training import NetworkRecipe, train

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


@pytest.fixture(scope="module")
def network() -> Model:
    return train(PENGUINS, "species", options=NetworkRecipe({"hidden_layer_sizes": (8, 6), "max_iter": 50}))


def bare(graph: Any, n_classes: int, fit: dict[str, Any] | None = None) -> Model:
    return Model(
        graph=graph,
        parameters=build.initialize(graph, np.random.default_rng(0)),
        labels=LabelEncoding("y", "text", tuple("abcdef"[:n_classes])),
        feature_names=tuple(f"x{j}" for j in range(int(graph.shape("X")[1]))),
        record={} if fit is None else {"fit": fit},
    )


def test_the_page_says_what_the_record_says(network: Model) -> None:
    read = check_page(Report(network).to_html())
    fit = network.record["fit"]
    for fact in (
        "Neural network",
        "14-8-6-3, relu",
        "adamw",
        "all epochs done",
        f"kept is epoch {fit['best_epoch']}",
        "0.003, one_cycle",
        "28 of the rows to train",
        "4 numbers, 2 categories (5 levels), 5 flags of missing values",
        "Accuracy",
        "rows watched",
    ):
        assert fact in read.text, fact
    assert "Coefficients" not in read.text
    labels = [str(svg.get("aria-label")) for svg in read.all("svg")]
    (epochs,) = [label for label in labels if label.startswith("Over 50 epochs")]
    assert f"epoch {fit['best_epoch']} was taken" in epochs
    assert f"to {fit['validation_losses'][-1]:#.4g} nats" in epochs
    assert len(labels) == 5  # ROC, precision-recall, calibration, epochs, the graph


def test_a_network_that_watched_nothing() -> None:
    options = NetworkRecipe({"hidden_layer_sizes": (8,), "max_iter": 5, "early_stopping": False})
    read = check_page(Report(train(PENGUINS, "species", options=options)).to_html())
    assert "rows watched" not in read.text
    assert "was taken" not in " ".join(str(svg.get("aria-label")) for svg in read.all("svg"))


@pytest.mark.parametrize("curve", [[], [0.5], [0.5, None], "no curve"])
def test_curves_that_cannot_be_drawn(curve: Any) -> None:
    fit = {"status": "interrupted", "loss_curve": curve, "validation_losses": [0.1], "best_epoch": 1}
    read = check_page(Report(bare(build.mlp(3, [4], 3), 3, fit)).to_html())
    assert "interrupted" in read.text


def test_layers_in_words() -> None:
    assert architecture(bare(build.mlp(3, [4, 4], 5), 5)) == "3-4-4-5, relu"
    assert architecture(bare(build.mlp(3, [4], 2, l2=0.1), 2)) == "3-4-2, relu"
    deep = build.mlp(3, [4, 4], 5, activation=["tanh", "relu"], dropout=0.5, skip_connections=True, l2=0.1)
    assert architecture(bare(deep, 5)) == "3-4-4-5, tanh, relu, dropout, skip connections"


def test_two_classes_are_two_though_there_is_one_logit(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i / 7:.3f},{'ab'[i % 2]}\n" for i in range(60)))
    model = train(tmp_path / "t.csv", "y", options=NetworkRecipe({"hidden_layer_sizes": (3,), "max_iter": 2}))
    assert dict(fit_facts(model))["Layers"] == "1-3-2, relu"


def test_columns_in_words(network: Model, tmp_path: Path) -> None:
    rows = "".join(
        f"{i / 7:.3f},{'true' if i % 3 else 'false'},2024-0{1 + i % 2}-05,{'ab'[i % 2]}\n" for i in range(60)
    )
    (tmp_path / "t.csv").write_text("number,flag,day,y\n" + rows)
    encoding = train(tmp_path / "t.csv", "y").encoding
    assert encoding is not None
    assert encoded_as(encoding).startswith("1 number, 1 boolean, 1 date (")
    assert "missing" not in encoded_as(encoding)

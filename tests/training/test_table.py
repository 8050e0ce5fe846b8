"""A table in, a model out: networks, the recipe that fits them to the table, and what the record says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule.datasets import make_spiral
from chainrule.errors import InputError
from chainrule.model import Model
from chainrule.tables.rules import NumberRule
from chainrule.training import NetworkOptions, NetworkRecipe, SoftmaxOptions, train
from chainrule.training.table import NETWORK_CLIP

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
SMALL = NetworkRecipe({"hidden_layer_sizes": (8,), "max_iter": 30})


@pytest.fixture(scope="module")
def penguins() -> Model:
    return train(PENGUINS, "species", options=SMALL)


def test_a_network_learns_a_table(penguins: Model) -> None:
    assert penguins.record["evaluation"]["accuracy"] > 0.9
    assert [node.name for node in penguins.graph.of_kind("dense")] == ["Z1", "Z2"]
    assert penguins.predict_proba(PENGUINS).dtype == np.float32


def test_a_network_survives_its_file(penguins: Model, tmp_path: Path) -> None:
    loaded = chainrule.load_model(penguins.save(tmp_path / "n.chainrule"))
    assert loaded.predict_proba(PENGUINS).tobytes() == penguins.predict_proba(PENGUINS).tobytes()
    assert dict(loaded.record) == json.loads(json.dumps(dict(penguins.record)))


def test_the_record_is_json_without_loss(penguins: Model) -> None:
    fit = penguins.record["fit"]
    assert fit["n_iter"] == 30
    assert len(fit["loss_curve"]) == len(fit["validation_losses"]) == 30
    assert fit["best_epoch"] == 1 + int(np.argmin(fit["validation_losses"]))
    split = penguins.record["split"]
    assert split["n_fit"] + split["n_validation"] == split["n_train"] == 275
    json.dumps(dict(penguins.record), allow_nan=False)


def test_network_options_are_taken_as_they_are() -> None:
    options = NetworkOptions(hidden_layer_sizes=(4,), max_iter=3, activation=("tanh",), seed=2)
    model = train(PENGUINS, "species", options=options)
    assert model.record["options"] == options.to_record() | {"class_weight": None}
    assert model.record["fit"]["best_epoch"] is None


def test_numbers_are_held_for_networks_alone(penguins: Model) -> None:
    def limits(model: Model) -> set[Any]:
        assert model.encoding is not None
        return {rule.clip for rule in model.encoding.rules if isinstance(rule, NumberRule)}

    assert limits(penguins) == {NETWORK_CLIP}
    assert limits(train(PENGUINS, "species")) == {None}
    far = pd.read_csv(PENGUINS)
    far["body_mass_g"] = far["body_mass_g"] * 1000.0
    X = penguins.transform(far)
    assert np.abs(X).max() == NETWORK_CLIP
    assert np.isfinite(penguins.predict_proba(far)).all()


def test_class_weights_move_a_network() -> None:
    plain, weighted = (
        train(PENGUINS, "species", options=SMALL, class_weight=weights) for weights in (None, {"Chinstrap": 20.0})
    )
    share = [(model.predict_proba(PENGUINS)[:, 1]).mean() for model in (plain, weighted)]
    assert share[1] > share[0]
    assert weighted.record["options"]["class_weight"] == {"Chinstrap": 20.0}


def test_class_weight_is_said_once() -> None:
    options = SoftmaxOptions(class_weight="balanced")
    with pytest.raises(InputError, match="class_weight is given twice"):
        train(PENGUINS, "species", options=options, class_weight="balanced")
    said = train(PENGUINS, "species", class_weight="balanced"), train(PENGUINS, "species", options=options)
    assert said[0].record["options"]["class_weight"] == "balanced"
    np.testing.assert_array_equal(said[0].parameters, said[1].parameters)


def test_checkpoints_are_for_networks(tmp_path: Path) -> None:
    from chainrule.files.checkpoint import Checkpoint

    with pytest.raises(InputError, match="checkpoints are for networks"):
        train(PENGUINS, "species", checkpoint=Checkpoint(tmp_path / "run"))


# The recipe


def test_the_recipe_follows_the_table() -> None:
    tiny, small, large = (NetworkRecipe().options(n) for n in (300, 5_000, 60_000))
    assert (tiny.batch_size, small.batch_size, large.batch_size) == (64, 64, 128)
    assert (tiny.dropout, small.dropout, large.dropout) == (0.0, 0.1, 0.1)
    assert tiny.max_iter * 5 == 3_000
    assert 20 <= large.max_iter < small.max_iter <= 60
    for options in (tiny, small, large):
        assert options.early_stopping
        assert options.n_iter_no_change == options.max_iter  # to the end of the schedule


def test_what_is_chosen_stays_chosen() -> None:
    chosen = {"max_iter": 7, "batch_size": 10, "weight_decay": 0.0, "early_stopping": False, "solver": "lion"}
    options = NetworkRecipe(chosen).options(1000, seed=4)
    assert {name: getattr(options, name) for name in chosen} == chosen
    assert options.seed == 4
    assert NetworkRecipe({"learning_rate": "adaptive", "solver": "sgd"}).options(1000).schedule is None
    assert NetworkRecipe({"learning_rate_init": 0.5}).options(1000).learning_rate_init == 0.5


def test_too_few_rows_to_watch() -> None:
    assert not NetworkRecipe().options(150).early_stopping
    assert NetworkRecipe({"validation_fraction": 0.3}).options(150).early_stopping


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", "lbfgs"])
def test_every_optimizer_learns_with_the_recipe(solver: str) -> None:
    options = NetworkRecipe({"hidden_layer_sizes": (16,), "solver": solver, "max_iter": 80})
    assert train(PENGUINS, "species", options=options).record["evaluation"]["accuracy"] > 0.9


def test_an_unknown_option() -> None:
    with pytest.raises(InputError, match="no option 'epochs'; it has hidden_layer_sizes"):
        NetworkRecipe({"epochs": 3})


@pytest.mark.parametrize("seed", [0, 1])
def test_the_spirals_are_learned(seed: int) -> None:
    X, y = make_spiral(random_state=seed)
    table = pd.DataFrame({"x": X[:, 0], "y": X[:, 1], "arm": y})
    model = train(table, "arm", options=NetworkRecipe({"hidden_layer_sizes": (100,)}), test_size=0, seed=seed)
    assert (model.predict(table) == y).mean() >= 0.98  # seen over 20 seeds: 0.983 to 0.993


# Copies on both sides of the split


def test_copies_of_training_rows_are_counted() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=100), "b": rng.normal(size=100), "y": rng.integers(2, size=100)})
    twice = pd.concat([rows, rows], ignore_index=True)
    model = train(twice, "y")
    copies = model.record["split"]["copies"]
    assert copies["n_rows"] == copies["same_label"]
    assert 20 <= copies["n_rows"] <= 40  # of 40 held out, those whose twin was not held out too
    assert any("the same in every feature as a row trained on" in note for note in model.record["data"]["notes"])
    other = twice.assign(y=np.concatenate([rows["y"], 1 - rows["y"]]))
    assert train(other, "y").record["split"]["copies"]["same_label"] == 0
    assert "copies" not in train(rows, "y").record["split"]

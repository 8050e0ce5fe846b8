"""``chainrule train --hidden``: a network from a table, kept, resumed and used like any model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.cli.network_options import FLAGS, Monitor, Optimizer, Schedule
from chainrule.solvers.schedules import SCHEDULES
from chainrule.training import NetworkOptions, NetworkRecipe
from chainrule.training.network import NETWORK_SOLVERS

Run = Callable[..., Any]
Fails = Callable[..., str]
TRAIN = ("train", "penguins.csv", "--target", "species")
SMALL = (*TRAIN, "--hidden", "8,6", "--epochs", "40")


def test_a_network_is_trained_used_and_looked_into(run: Run, here: Path) -> None:
    result = run(*SMALL, "--report", "report.html", "-o", "n.chainrule")
    assert (result.exit_code, result.stderr) == (0, "")
    for fact in ("14-8-6-3, relu", "adamw, 40 epochs", "the best on 28 of these rows", "4 numbers, 2 categories"):
        assert fact in result.stdout
    model = chainrule.load_model("n.chainrule")
    assert model.record["evaluation"]["accuracy"] > 0.9
    told = run("info", "n.chainrule").stdout
    for fact in ("14-8-6-3, relu", "all epochs done", "28 of the rows to train", "one_cycle", "64 rows"):
        assert fact in told
    assert "14-8-6-3" in (here / "report.html").read_text(encoding="utf-8")
    predicted = run("predict", "n.chainrule", "penguins.csv").stdout.split()[1:]
    assert predicted == model.predict("penguins.csv").tolist()
    assert run("evaluate", "n.chainrule", "penguins.csv").exit_code == 0
    assert "relu" in run("graph", "n.chainrule").stdout
    assert run("graph", "n.chainrule", "--svg").stdout.startswith("<svg")


def test_every_option_reaches_the_training(run: Run) -> None:
    told = json.loads(
        run(
            *TRAIN, "--hidden", "8,8", "--activation", "relu,tanh", "--dropout", "0.2,0", "--skip-connections",
            "--l2", "0.5", "--label-smoothing", "0.1", "--initialization", "orthogonal", "--optimizer", "sgd",
            "--epochs", "3", "--batch-size", "32", "--schedule", "cosine", "--weight-decay", "0.01",
            "--clip-norm", "2", "--patience", "2", "--monitor", "accuracy", "--validation-size", "0.2",
            "--learning-rate", "0.05", "--seed", "5", "--class-weight", "balanced", "--threads", "1", "--json",
        ).stdout
    )  # fmt: skip
    expected = NetworkOptions(
        hidden_layer_sizes=(8, 8), activation=("relu", "tanh"), dropout=(0.2, 0.0), skip_connections=True, alpha=0.5,
        label_smoothing=0.1, initialization="orthogonal", solver="sgd", max_iter=3, batch_size=32, schedule="cosine",
        weight_decay=0.01, clip_norm=2.0, n_iter_no_change=2, early_stopping=True, monitor="accuracy", tol=0.0,
        validation_fraction=0.2, learning_rate_init=0.05, seed=5, n_threads=1,
    )  # fmt: skip
    assert told["options"] == expected.to_record() | {"class_weight": "balanced"}
    assert told["split"]["n_validation"] == 55


def test_one_value_stands_for_all_layers(run: Run) -> None:
    result = run(*SMALL, "--activation", "tanh", "--dropout", "0.1", "--no-early-stopping", "--json")
    told = json.loads(result.stdout)
    assert (told["options"]["activation"], told["options"]["dropout"]) == ("tanh", 0.1)
    assert "n_validation" not in told["split"]
    assert told["fit"]["best_epoch"] is None


def test_names_of_choices_are_the_librarys() -> None:
    assert {entry.value for entry in Optimizer} == set(NETWORK_SOLVERS)
    assert {entry.value for entry in Schedule} == set(SCHEDULES)
    for entry in Monitor:
        assert NetworkRecipe({"monitor": entry.value}).options(100).monitor == entry.value
    assert set(FLAGS) <= set(NetworkOptions.__dataclass_fields__)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--hidden", "8", "--C", "2"), "--C is for the softmax classifier; a network has --l2"),
        (
            ("--hidden", "8", "--solver", "newton-cg"),
            "--solver is for the softmax classifier; a network has --optimizer",
        ),
        (("--model", "network", "--max-iter", "7"), "a network has --epochs"),
        (("--hidden", "8", "--no-intercept"), "--no-intercept is for the softmax classifier"),
        (("--dropout", "0.1"), "--dropout is for networks: give --hidden 256,128 too"),
        (("--model", "softmax", "--hidden", "8"), "--hidden is for networks: leave --model softmax out"),
        (("--hidden", "8,x"), "'8,x' is not whole numbers with commas, such as 256,128"),
        (("--hidden", "8", "--dropout", "much"), "'much' is not rates with commas"),
        (("--hidden", "8", "--resume"), "--resume needs the file: --checkpoint FILE"),
        (("--checkpoint", "run.ckpt"), "--checkpoint is for networks"),
        (("--hidden", "8", "--optimizer", "lbfgs", "--batch-size", "8"), "--batch-size has no meaning for lbfgs"),
        (("--hidden", "8", "--no-early-stopping", "--monitor", "loss"), "--monitor needs rows to watch"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(
    run: Run, here: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = sorted(here.iterdir())
    result = run(*TRAIN, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert sorted(here.iterdir()) == before


def test_values_that_make_no_sense(fails: Fails) -> None:
    assert "--hidden must be whole numbers > 0" in fails(*TRAIN, "--hidden", "8,0")
    assert "no activation 'rule'" in fails(*TRAIN, "--hidden", "8", "--activation", "rule")
    assert "--dropout must be" in fails(*TRAIN, "--hidden", "8", "--dropout", "1")
    assert "--l2 must be" in fails(*TRAIN, "--hidden", "8", "--l2", "-1")
    assert "--learning-rate must be" in fails(*TRAIN, "--hidden", "8", "--learning-rate", "0")


def test_a_run_that_diverges_says_where(fails: Fails) -> None:
    message = fails(*SMALL, "--optimizer", "sgd", "--learning-rate", "1e30", "--schedule", "constant")
    assert "epoch 1" in message
    assert "a smaller --learning-rate (" in message
    assert "or --clip-norm 1.0" in message


def test_lbfgs_trains_too(run: Run) -> None:
    told = json.loads(run(*TRAIN, "--hidden", "8", "--optimizer", "lbfgs", "--epochs", "60", "--json").stdout)
    assert told["evaluation"]["accuracy"] > 0.9
    assert told["fit"]["solver"] == "lbfgs"


def test_a_resumed_run_ends_in_the_same_bits(run: Run, here: Path) -> None:
    whole = (*SMALL, "--seed", "3", "--dropout", "0.1")
    assert run(*whole, "-o", "whole", "-q").exit_code == 0
    kept = ("--checkpoint", "run.ckpt")
    stopped = _stop_after(run, 17, *whole, "-o", "resumed", *kept)
    assert stopped.exit_code == 130
    assert "no model was written. The run is kept in 'run.ckpt': the same command with --resume" in stopped.stderr
    assert not (here / "resumed").exists()
    again = run(*whole, "-o", "resumed", *kept)
    assert again.exit_code == 1
    assert "'run.ckpt' is there already. --resume goes on from it" in again.stderr
    assert run(*whole, "-o", "resumed", *kept, "--resume", "-q").exit_code == 0
    first, second = (chainrule.load_model(name) for name in ("whole", "resumed"))
    assert first.parameters.tobytes() == second.parameters.tobytes()
    for name in ("loss_curve", "validation_losses", "best_epoch", "n_iter"):
        assert first.record["fit"][name] == second.record["fit"][name]


def _stop_after(run: Run, epochs: int, *arguments: str) -> Any:
    """Press Ctrl-C once so many epochs are done."""
    import _thread

    from chainrule.cli import progress

    plain = progress.Stages.follow

    def follow(self: Any, now: Any) -> None:
        plain(self, now)
        if now.epoch == epochs:
            _thread.interrupt_main()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress.Stages, "follow", follow)
        return run(*arguments)


def test_resume_without_a_checkpoint_begins(run: Run, here: Path) -> None:
    result = run(*SMALL, "--checkpoint", "run.ckpt", "--resume")
    assert result.exit_code == 0
    assert result.stderr == "No checkpoint 'run.ckpt' yet: training begins at the beginning.\n"
    assert (here / "run.ckpt").exists()


def test_a_checkpoint_of_another_run_is_refused(run: Run) -> None:
    assert run(*SMALL, "--checkpoint", "run.ckpt", "-q").exit_code == 0
    result = run(*SMALL, "--learning-rate", "0.01", "--checkpoint", "run.ckpt", "--resume")
    assert result.exit_code == 1
    assert "run.ckpt" in result.stderr


def test_the_same_seed_gives_the_same_model_with_any_threads(run: Run) -> None:
    for name, threads in (("a", "1"), ("b", "2")):
        assert run(*SMALL, "-o", name, "--threads", threads, "-q").exit_code == 0
    first, second = (chainrule.load_model(name).parameters for name in "ab")
    np.testing.assert_array_equal(first, second)


def test_without_options_it_is_the_librarys_recipe(run: Run) -> None:
    assert run(*TRAIN, "--hidden", "8", "-o", "n", "-q").exit_code == 0
    model = chainrule.train("penguins.csv", "species", options=NetworkRecipe({"hidden_layer_sizes": (8,)}))
    loaded = chainrule.load_model("n")
    assert loaded.parameters.tobytes() == model.parameters.tobytes()
    assert loaded.record["evaluation"] == model.record["evaluation"]


def test_help_stands_under_headings(run: Run) -> None:
    text = run("train", "--help").stdout
    for heading in (
        "Arguments:",
        "Options:",
        "Softmax classifier:",
        "Networks (with --hidden):",
        "Networks: checkpoints:",
    ):
        assert f"\n{heading}\n" in text
    assert text.index("--hidden 256,128") > text.index("Networks (with --hidden):") > text.index("--help")
    assert "[default: adamw]" in text
    assert "[default: (" not in text

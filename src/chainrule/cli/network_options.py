"""The options of ``chainrule train`` for networks: how they read, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

NETWORK, LEARNING, STOPPING, KEEPING = (
    "Networks (with --hidden)",
    "Networks: how they learn",
    "Networks: when to stop",
    "Networks: checkpoints",
)


class Optimizer(StrEnum):
    """`chainrule.training.network.NETWORK_SOLVERS`, which would cost NumPy to import here."""

    adamw = "adamw"
    adam = "adam"
    sgd = "sgd"
    rmsprop = "rmsprop"
    adagrad = "adagrad"
    lion = "lion"
    lbfgs = "lbfgs"


class Schedule(StrEnum):
    """`chainrule.solvers.schedules.SCHEDULES` by name."""

    one_cycle = "one_cycle"
    cosine = "cosine"
    step = "step"
    inverse_scaling = "inverse_scaling"
    reduce_on_plateau = "reduce_on_plateau"
    constant = "constant"


class Monitor(StrEnum):
    """What is watched on validation rows."""

    loss = "loss"
    accuracy = "accuracy"


def _split(convert: Callable[[str], Any], what: str, metavar: str) -> Callable[[Any], Any]:
    def parse(given: Any) -> Any:
        if not isinstance(given, str):
            return given
        try:
            return tuple(convert(entry.strip()) for entry in given.split(","))
        except ValueError:
            raise typer.BadParameter(f"{given!r} is not {what}, such as {metavar}") from None

    return parse


Hidden: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="256,128",
        help="Units of each hidden layer: train a network.",
        callback=_split(int, "whole numbers with commas", "256,128"),
        rich_help_panel=NETWORK,
    ),
]
Activation: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of the hidden layers: relu, leaky_relu, tanh, sigmoid, gelu, silu, selu; one, or one each with commas.",
        show_default="relu",
        callback=_split(str, "names with commas", "relu,tanh"),
        rich_help_panel=NETWORK,
    ),
]
SkipConnections: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--skip-connections",
        help="Add a layer's input to its output, where they have one size.",
        rich_help_panel=NETWORK,
    ),
]
Dropout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="Share of the hidden units that is dropped in training; one, or one per layer with commas.",
        show_default="0.1, below 1,000 rows 0",
        callback=_split(float, "rates with commas", "0.1,0.2"),
        rich_help_panel=NETWORK,
    ),
]
L2: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--l2", "--alpha", metavar="X", help="Penalty X/(2n) on the squared weights.", show_default="0",
        rich_help_panel=NETWORK,
    ),
]  # fmt: skip
LabelSmoothing: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="X", help="Share of each target spread over all classes.", show_default="0", rich_help_panel=NETWORK
    ),
]
Initialization: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of the weights: he_uniform, he_normal, glorot_*, lecun_*, orthogonal, ntk, zeros.",
        show_default="by activation",
        rich_help_panel=NETWORK,
    ),
]
OptimizerName: TypeAlias = Annotated[
    Optimizer | None,
    typer.Option("--optimizer", help="How the weights move.", show_default="adamw", rich_help_panel=LEARNING),
]
Epochs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Times to go through the rows.", show_default="20 to 60, more on small tables",
        rich_help_panel=LEARNING,
    ),
]  # fmt: skip
BatchSize: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Rows per step.", show_default="64, from 20,000 rows 128", rich_help_panel=LEARNING
    ),
]
ScheduleName: TypeAlias = Annotated[
    Schedule | None,
    typer.Option(
        "--schedule", help="How the learning rate changes.", show_default="one_cycle", rich_help_panel=LEARNING
    ),
]
WeightDecay: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="X", help="Decoupled decay of the weights.", show_default="0.1 with adamw", rich_help_panel=LEARNING
    ),
]
ClipNorm: TypeAlias = Annotated[
    float | None, typer.Option(metavar="X", help="Longest gradient; longer ones are cut.", rich_help_panel=LEARNING)
]
EarlyStopping: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--early-stopping/--no-early-stopping",
        help="Watch a part of the training rows and keep the best epoch's weights; or train on all of them.",
        show_default="watch",
        rich_help_panel=STOPPING,
    ),
]
Patience: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Stop after N epochs without a better one; left out, all epochs run.",
        rich_help_panel=STOPPING,
    ),
]  # fmt: skip
MonitorName: TypeAlias = Annotated[
    Monitor | None,
    typer.Option("--monitor", help="What says which epoch is best.", show_default="loss", rich_help_panel=STOPPING),
]
ValidationSize: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Training rows to watch.", show_default="0.1", rich_help_panel=STOPPING),
]
CheckpointFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="Keep the run there after each epoch, so that it can be resumed.",
        rich_help_panel=KEEPING,
    ),
]
CheckpointEvery: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Keep it so often instead, within epochs too.", rich_help_panel=KEEPING),
]
Resume: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on from the checkpoint, if there is one, to the same bits.", rich_help_panel=KEEPING
    ),
]

FLAGS = {
    "hidden_layer_sizes": "--hidden",
    "activation": "--activation",
    "skip_connections": "--skip-connections",
    "dropout": "--dropout",
    "alpha": "--l2",
    "label_smoothing": "--label-smoothing",
    "initialization": "--initialization",
    "solver": "--optimizer",
    "max_iter": "--epochs",
    "batch_size": "--batch-size",
    "schedule": "--schedule",
    "weight_decay": "--weight-decay",
    "clip_norm": "--clip-norm",
    "early_stopping": "--early-stopping",
    "n_iter_no_change": "--patience",
    "monitor": "--monitor",
    "validation_fraction": "--validation-size",
    "learning_rate_init": "--learning-rate",
}
"""The option behind each field of `NetworkOptions`."""


def alone(values: Any) -> Any:
    """Return the one value of a list of one, which stands for all layers."""
    return values[0] if isinstance(values, tuple) and len(values) == 1 else values

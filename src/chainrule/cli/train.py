"""``chainrule train``: a table in, a model file out."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import interrupts, outcome, screen
from chainrule.cli import network_options as network
from chainrule.cli.arguments import KINDS_OF_TABLE, AsJson, Quiet, Threads, check_outputs, split_names
from chainrule.cli.progress import Stages

if TYPE_CHECKING:
    from chainrule.model import Model


class ModelKind(StrEnum):
    """What can be trained."""

    softmax = "softmax"
    network = "network"


class Solver(StrEnum):
    """`chainrule.training.SOLVERS`, which would cost NumPy to import here."""

    auto = "auto"
    newton_cholesky = "newton-cholesky"
    newton_cg = "newton-cg"
    gradient_descent = "gradient_descent"


SOFTMAX = "Softmax classifier"
_SOFTMAX_FLAGS = {
    "C": "--C",
    "solver": "--solver",
    "tol": "--tol",
    "max_iter": "--max-iter",
    "fit_intercept": "--no-intercept",
}


class ClassWeight(StrEnum):
    """Weights by a rule."""

    balanced = "balanced"


def train(
    target: Annotated[str, typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict.")],
    tables: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLE", help=f"{KINDS_OF_TABLE}; several files, or a quoted glob."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The model file. Left out: the table's name with .chainrule, in the current directory.",
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write an HTML report too.")] = None,
    test_size: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, metavar="SHARE", help="Rows held out to judge the model; 0 trains on all."),
    ] = 0.2,
    drop: Annotated[list[str] | None, typer.Option(metavar="A,B", help="Columns to leave out.")] = None,
    categorical: Annotated[
        list[str] | None, typer.Option(metavar="A,B", help="Columns of numbers that are names: codes, years.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="A,B", help="Columns to use although they look like identifiers.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="SQL", help="Train on a query's rows; the tables given are 'data'.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Of the split, the start and all else that is random.")
    ] = 0,
    model: Annotated[
        ModelKind | None, typer.Option(help="What to train.", show_default="softmax, with --hidden network")
    ] = None,
    class_weight: Annotated[ClassWeight | None, typer.Option(help="Let every class count the same.")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Of a network, where its schedule is highest; of gradient_descent.",
            show_default="0.003 with adam; gradient_descent: a safe one",
        ),
    ] = None,
    C: Annotated[
        float | None,
        typer.Option(
            "--C",
            metavar="X",
            help="Inverse strength of the penalty; inf for none.",
            show_default="1",
            rich_help_panel=SOFTMAX,
        ),
    ] = None,
    solver: Annotated[
        Solver | None, typer.Option(help="How to minimise.", show_default="auto", rich_help_panel=SOFTMAX)
    ] = None,
    tol: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Stop once the optimum is proven to be this near, relative to the objective.",
            show_default="1e-06",
            rich_help_panel=SOFTMAX,
        ),
    ] = None,
    max_iter: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Most passes over the rows.", show_default="10000", rich_help_panel=SOFTMAX
        ),
    ] = None,
    no_intercept: Annotated[
        bool, typer.Option("--no-intercept", help="Train without b.", rich_help_panel=SOFTMAX)
    ] = False,
    hidden: network.Hidden = None,
    activation: network.Activation = None,
    skip_connections: network.SkipConnections = False,
    dropout: network.Dropout = None,
    l2: network.L2 = None,
    label_smoothing: network.LabelSmoothing = None,
    initialization: network.Initialization = None,
    optimizer: network.OptimizerName = None,
    epochs: network.Epochs = None,
    batch_size: network.BatchSize = None,
    schedule: network.ScheduleName = None,
    weight_decay: network.WeightDecay = None,
    clip_norm: network.ClipNorm = None,
    early_stopping: network.EarlyStopping = None,
    patience: network.Patience = None,
    monitor: network.MonitorName = None,
    validation_size: network.ValidationSize = None,
    checkpoint: network.CheckpointFile = None,
    checkpoint_every: network.CheckpointEvery = None,
    resume: network.Resume = False,
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a classifier on a table: a softmax classifier, or with --hidden a network.

    Numbers, booleans, categories and dates are encoded by themselves, missing values included. A part of the
    rows is held out to judge the model.
    """
    sources = tables or []
    if not sources and query is None:
        raise typer.BadParameter("give at least one table, or a --query that names its files", param_hint="TABLE...")
    for_softmax = {
        "C": C,
        "solver": None if solver is None else solver.value,
        "tol": tol,
        "max_iter": max_iter,
        "fit_intercept": False if no_intercept else None,
    }
    for_network = {
        "hidden_layer_sizes": hidden,
        "activation": network.alone(activation),
        "skip_connections": skip_connections or None,
        "dropout": network.alone(dropout),
        "alpha": l2,
        "label_smoothing": label_smoothing,
        "initialization": initialization,
        "solver": None if optimizer is None else optimizer.value,
        "max_iter": epochs,
        "batch_size": batch_size,
        "schedule": None if schedule is None else schedule.value,
        "weight_decay": weight_decay,
        "clip_norm": clip_norm,
        "early_stopping": early_stopping,
        "n_iter_no_change": patience,
        "monitor": None if monitor is None else monitor.value,
        "validation_fraction": validation_size,
    }
    is_network = _is_network(model, for_softmax, for_network)
    if is_network:
        outcome.options_are(network.FLAGS)
    _check_checkpoint(is_network, checkpoint, checkpoint_every, resume)
    chosen = output or default_output(sources)
    check_outputs(
        [chosen, *([] if report is None else [report]), *([] if checkpoint is None else [checkpoint])], sources
    )
    if report is not None:
        _check_can_report()
    interrupts.load("chainrule.training", "chainrule.tables", "duckdb")
    make = _network_recipe if is_network else _softmax_options
    options = make(for_network if is_network else for_softmax, learning_rate, seed, threads)
    keeping: dict[str, Any] = {}
    if checkpoint is not None:
        keeping = {"checkpoint": _checkpoint(checkpoint, checkpoint_every, resume), "resume": resume}
    with Stages(not quiet) as stages:
        trained = _train(
            stages, sources, query, target, options,
            class_weight=None if class_weight is None else "balanced",
            drop=split_names(drop), categorical=split_names(categorical), keep=split_names(keep),
            test_size=test_size, seed=seed, **keeping,
        )  # fmt: skip
        stages.begin(f"Writing {chosen}")
        trained.save(chosen)
        outcome.wrote(chosen)
    if report is not None:
        _write_report(trained, chosen, report, quiet)
    if not is_network and not trained.record["fit"]["converged"]:
        _warn_unless_converged(trained)
    if as_json:
        screen.show_json(_as_json(trained, chosen, report))
    elif not quiet:
        _show(trained, chosen, report)


def _is_network(model: ModelKind | None, for_softmax: dict[str, Any], for_network: dict[str, Any]) -> bool:
    """Return what is to be trained; raise BadParameter for options of the other kind."""
    is_network = model is ModelKind.network or (model is None and for_network["hidden_layer_sizes"] is not None)
    flags = _SOFTMAX_FLAGS if is_network else network.FLAGS
    _check_network(for_network)
    strange = [flags[name] for name, value in (for_softmax if is_network else for_network).items() if value is not None]
    if not strange:
        return is_network
    if not is_network:
        what = "give --hidden 256,128 too" if model is None else "leave --model softmax out, or it"
        raise typer.BadParameter(f"{strange[0]} is for networks: {what}")
    instead = {"--C": "--l2", "--solver": "--optimizer", "--max-iter": "--epochs", "--tol": "--patience"}
    hint = f"a network has {instead[strange[0]]}" if strange[0] in instead else "a network always has b"
    raise typer.BadParameter(f"{strange[0]} is for the softmax classifier; {hint}")


def _check_network(chosen: dict[str, Any]) -> None:
    """Raise BadParameter for options that would change nothing beside the others."""
    if chosen["solver"] == "lbfgs":
        idle = ("batch_size", "schedule", "weight_decay", "clip_norm", "dropout", "n_iter_no_change")
        given = [network.FLAGS[name] for name in idle if chosen[name] is not None]
        if given:
            raise typer.BadParameter(f"{given[0]} has no meaning for lbfgs, which takes all rows at once")
    if chosen["early_stopping"] is False:
        given = [network.FLAGS[name] for name in ("monitor", "validation_fraction") if chosen[name] is not None]
        if given:
            raise typer.BadParameter(f"{given[0]} needs rows to watch: leave --no-early-stopping out")


def _check_checkpoint(is_network: bool, checkpoint: Path | None, every: float | None, resume: bool) -> None:
    if checkpoint is None:
        for given, flag in ((resume, "--resume"), (every is not None, "--checkpoint-every")):
            if given:
                raise typer.BadParameter(f"{flag} needs the file: --checkpoint FILE")
        return
    if not is_network:
        raise typer.BadParameter("--checkpoint is for networks: a softmax classifier trains in one go")
    if checkpoint.exists() and not resume:
        from chainrule.errors import InputError

        raise InputError(
            f"'{checkpoint}' is there already. --resume goes on from it; delete it or name another to begin anew."
        )


def _checkpoint(path: Path, every: float | None, resume: bool) -> Any:
    from chainrule.files.checkpoint import Checkpoint

    if resume and not path.exists():
        screen.tell(f"No checkpoint '{path}' yet: training begins at the beginning.")
    outcome.can_resume(path)
    return Checkpoint(path, every_seconds=every)


def _softmax_options(chosen: dict[str, Any], learning_rate: float | None, seed: int, threads: int) -> Any:
    from chainrule.training import SoftmaxOptions

    given = {name: value for name, value in chosen.items() if value is not None}
    if learning_rate is not None:
        given["learning_rate"] = learning_rate
    return SoftmaxOptions(**given, random_state=seed, n_threads=threads)


def _network_recipe(chosen: dict[str, Any], learning_rate: float | None, seed: int, threads: int) -> Any:
    from chainrule.training import NetworkRecipe

    given = {name: value for name, value in chosen.items() if value is not None}
    if learning_rate is not None:
        given["learning_rate_init"] = learning_rate
    return NetworkRecipe(given | {"n_threads": threads})


def default_output(tables: list[str]) -> Path:
    """Return ``penguins.chainrule`` for ``data/penguins.csv.gz``, ``model.chainrule`` for several tables."""
    import glob

    if len(tables) != 1 or (glob.has_magic(tables[0]) and not Path(tables[0]).exists()):
        return Path("model.chainrule")
    path = Path(tables[0])
    name = path.stem if path.suffix.lower() == ".gz" else path.name
    return Path(f"{Path(name).stem}.chainrule")


def _train(stages: Stages, sources: list[str], query: str | None, target: str, options: Any, **choices: Any) -> Model:
    from chainrule.tables import read_table
    from chainrule.training import NetworkRecipe
    from chainrule.training import train as train_model

    stages.begin(f"Reading {sources[0] if len(sources) == 1 else 'the tables'}")
    source: Any = sources[0] if len(sources) == 1 else sources or None
    table = read_table(source, query=query)
    stages.begin(f"Preparing {len(table):,} rows")
    is_network = isinstance(options, NetworkRecipe)
    if choices["test_size"] or is_network:
        interrupts.load("sklearn.model_selection")  # splits the rows
    callback: Any = stages.follow if is_network else stages.iterate
    model = train_model(table, target, options=options, callback=callback, **choices)
    # On Ctrl-C a solver stops between two steps and gives what it has; here nobody wants that.
    if model.record["fit"]["status"] == "interrupted":
        raise KeyboardInterrupt
    return model


def _check_can_report() -> None:
    from importlib.util import find_spec

    from chainrule.errors import MissingDependencyError

    if find_spec("matplotlib") is None:
        raise MissingDependencyError("--report needs matplotlib: pip install 'chainrule[plot]'")


def _write_report(model: Model, model_path: Path, path: Path, quiet: bool) -> None:
    from chainrule.files.atomic import replacing

    try:
        with Stages(not quiet) as stages, replacing(path) as temporary:
            stages.begin(f"Writing {path}")
            interrupts.load("chainrule.report", "matplotlib.figure")
            from chainrule.report import Report

            Report(model, model_path=model_path).save(temporary)
        outcome.wrote(path)
    except Exception:
        screen.tell(f"The model '{model_path}' is written, the report is not:")
        raise


def _warn_unless_converged(model: Model) -> None:
    from chainrule.report.facts import plural

    fit, options = model.record["fit"], model.record["options"]
    if fit["status"] == "separable":
        screen.warn(
            "classes, or some of their rows, can be told apart without an error, so without a penalty there is no "
            "optimum. Give a finite --C."
        )
        return
    advice = f"Raise --max-iter (now {options['max_iter']:,})"
    if fit["solver"] == "gradient_descent":
        advice += ", set --learning-rate, or take --solver auto"
    else:
        advice += ", or lower --C"
    screen.warn(
        f"the solver spent its budget of {plural(options['max_iter'], 'pass')} over the rows before it converged "
        f"(objective {fit['objective']:.6g}{_within(fit['gap'])}). {advice}."
    )


def _within(gap: float | None) -> str:
    return "" if gap is None else f", the optimum at most {gap:.2g} nats below"


def _as_json(model: Model, path: Path, report: Path | None) -> dict[str, Any]:
    return {
        "model": str(path),
        "report": None if report is None else str(report),
        "classes": model.classes.tolist(),
        "n_features": model.n_features,
        **model.record,
    }


def _show(model: Model, path: Path, report: Path | None) -> None:
    from chainrule.cli import summary
    from chainrule.report.facts import evaluation_of

    parts: list[Any] = summary.trained(model)
    evaluation = evaluation_of(model)
    if evaluation is not None:
        parts += ["", *summary.scores(evaluation, f"{evaluation.n_rows:,} rows held out")]
    written = [("Model", f"{path} ({_size(path)})")]
    if report is not None:
        written.append(("Report", f"{report} ({_size(report)})"))
    written.append(("Next", f"chainrule predict {_quoted(path)} NEW_TABLE"))
    parts += ["", screen.facts([(name, screen.plain_text(text)) for name, text in written])]
    screen.show(*parts)


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size:,} bytes" if size < 10_000 else f"{size / 1000:,.0f} kB"


def _quoted(path: str | os.PathLike[str]) -> str:
    import shlex

    return shlex.quote(os.fspath(path))

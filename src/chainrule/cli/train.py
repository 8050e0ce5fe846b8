"""``chainrule train``: a table in, a model file out."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import interrupts, outcome, screen
from chainrule.cli.arguments import KINDS_OF_TABLE, AsJson, Quiet, Threads, check_outputs, split_names
from chainrule.cli.progress import Stages

if TYPE_CHECKING:
    from chainrule.model import Model


class ModelKind(StrEnum):
    """What can be trained."""

    softmax = "softmax"


class Solver(StrEnum):
    """`chainrule.training.SOLVERS`, which would cost NumPy to import here."""

    auto = "auto"
    newton_cg = "newton-cg"
    gradient_descent = "gradient_descent"


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
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of the split and of a random start.")] = 0,
    model: Annotated[ModelKind, typer.Option(help="What to train.")] = ModelKind.softmax,
    C: Annotated[float, typer.Option("--C", metavar="X", help="Inverse strength of the penalty; inf for none.")] = 1.0,
    class_weight: Annotated[ClassWeight | None, typer.Option(help="Let every class count the same.")] = None,
    solver: Annotated[Solver, typer.Option(help="How to minimise.")] = Solver.auto,
    tol: Annotated[
        float, typer.Option(metavar="X", help="Relative distance from the optimum at which to stop.")
    ] = 1e-8,
    max_iter: Annotated[int, typer.Option(min=0, metavar="N", help="Most iterations.")] = 100,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="X", help="Of gradient_descent; left out, a safe one.")
    ] = None,
    no_intercept: Annotated[bool, typer.Option("--no-intercept", help="Train without b.")] = False,
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a classifier on a table.

    Numbers, booleans, categories and dates are encoded by themselves, missing values included. A part of the
    rows is held out to judge the model.
    """
    interrupts.load("chainrule.training", "chainrule.tables", "duckdb")
    from chainrule.training import SoftmaxOptions

    sources = tables or []
    if not sources and query is None:
        raise typer.BadParameter("give at least one table, or a --query that names its files", param_hint="TABLE...")
    options = SoftmaxOptions(
        C=C,
        fit_intercept=not no_intercept,
        class_weight=None if class_weight is None else "balanced",
        solver=solver.value,
        tol=tol,
        max_iter=max_iter,
        learning_rate="auto" if learning_rate is None else learning_rate,
        random_state=seed,
        n_threads=threads,
    )
    chosen = output or default_output(sources)
    check_outputs([chosen] if report is None else [chosen, report], sources)
    if report is not None:
        _check_can_report()
    with Stages(not quiet) as stages:
        trained = _train(
            stages, sources, query, target, options,
            drop=split_names(drop), categorical=split_names(categorical), keep=split_names(keep),
            test_size=test_size, seed=seed,
        )  # fmt: skip
        stages.begin(f"Writing {chosen}")
        trained.save(chosen)
        outcome.wrote(chosen)
    if report is not None:
        _write_report(trained, chosen, report, quiet)
    if not trained.record["fit"]["converged"]:
        _warn_of_budget(trained)
    if as_json:
        screen.show_json(_as_json(trained, chosen, report))
    elif not quiet:
        _show(trained, chosen, report)


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
    from chainrule.training import train as train_model

    stages.begin(f"Reading {sources[0] if len(sources) == 1 else 'the tables'}")
    source: Any = sources[0] if len(sources) == 1 else sources or None
    table = read_table(source, query=query)
    stages.begin(f"Preparing {len(table):,} rows")
    if choices["test_size"]:
        interrupts.load("sklearn.model_selection")  # splits the rows
    model = train_model(table, target, options=options, callback=stages.iterate, **choices)
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


def _warn_of_budget(model: Model) -> None:
    from chainrule.report.facts import plural

    fit, options = model.record["fit"], model.record["options"]
    advice = f"Raise --max-iter (now {options['max_iter']:,})"
    if fit["solver"] == "gradient_descent":
        advice += ", set --learning-rate, or take --solver newton-cg"
    else:
        advice += ", or lower --C"
    screen.warn(
        f"the solver stopped after {plural(fit['n_iter'], 'iteration')} before it converged "
        f"(objective {fit['objective']:.6g}). {advice}."
    )


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

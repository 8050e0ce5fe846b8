"""A table, or arrays, and options in; a model out: the one call behind every face."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import compile_graph
from chainrule.errors import InputError, TableError
from chainrule.graph import Graph, build
from chainrule.model import Model
from chainrule.solvers import Callback, SoftmaxObjective, Solution, gradient_descent, newton_cg

RARE = 5  # rows; of fewer, one is held out at most
SOLVERS = ("auto", "newton-cg", "gradient_descent")


@dataclass(frozen=True)
class SoftmaxOptions:
    """How a softmax classifier is trained; the names and meanings are scikit-learn's where it has them.

    Attributes
    ----------
    C
        Inverse strength of the penalty: lambda = 1 / (C S), S the sum of the rows' weights.
    fit_intercept
        Whether there is an intercept (it is never penalised).
    class_weight
        None, ``"balanced"``, or a factor per class label.
    solver
        ``newton-cg``, ``gradient_descent``, or ``auto`` (newton-cg).
    tol
        newton-cg stops once its estimate of objective minus optimum is at most ``tol`` times the objective;
        gradient_descent once no entry of the gradient is larger.
    max_iter
        Newton steps, or gradient steps.
    learning_rate
        gradient_descent's alpha; ``"auto"`` takes 1 / L with L a bound of the curvature.
    random_state
        Seed of gradient_descent's small random start.
    n_threads
        0 uses all cores; the result does not depend on it.
    """

    C: float = 1.0
    fit_intercept: bool = True
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None
    solver: str = "auto"
    tol: float = 1e-8
    max_iter: int = 100
    learning_rate: float | Literal["auto"] = "auto"
    random_state: int | None = None
    n_threads: int = 0

    def __post_init__(self) -> None:
        _check_number("C", self.C, above=0.0, finite=False)
        _check_number("tol", self.tol, least=0.0)
        _check_number("max_iter", self.max_iter, least=0)
        if self.solver not in SOLVERS:
            raise InputError(f"solver must be one of {', '.join(SOLVERS)}, got {self.solver!r}")
        if self.learning_rate != "auto":
            _check_number("learning_rate", self.learning_rate, above=0.0)

    @property
    def chosen_solver(self) -> str:
        """The solver that ``auto`` stands for."""
        return "newton-cg" if self.solver == "auto" else self.solver


@dataclass(frozen=True)
class Fit:
    """A trained softmax classifier before it has classes and names.

    Attributes
    ----------
    graph, parameters
        What was minimised and where the solver stopped (raw columns, not centred).
    solution
        How the solver fared.
    solver
        Which one it was.
    passes
        Passes over the rows.
    seconds
        Wall time.
    """

    graph: Graph
    parameters: Float64Array
    solution: Solution
    solver: str
    passes: int
    seconds: float

    def to_record(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        return {
            "solver": self.solver,
            "n_iter": self.solution.n_iter,
            "passes": self.passes,
            "status": self.solution.status,
            "converged": self.solution.converged,
            "objective": self.solution.value,
            "loss_curve": list(self.solution.loss_curve),
            "seconds": self.seconds,
        }


def fit_softmax(
    X: Array,
    labels: IntArray,
    n_classes: int,
    options: SoftmaxOptions,
    *,
    sample_weight: Float64Array | None = None,
    start: Float64Array | None = None,
    random_state: np.random.Generator | None = None,
    callback: Callback | None = None,
) -> Fit:
    """Train on arrays that were checked before.

    Parameters
    ----------
    X, labels
        (m, d) finite float32 or float64; (m,) int64 in 0..n_classes-1.
    n_classes
        K, at least 2; two classes become one logit.
    options
        ``class_weight`` is not read here: ``sample_weight`` holds it.
    sample_weight
        (m,) weights >= 0 with a positive sum; None counts each row once.
    start
        Parameters to start from (warm start).
    random_state
        For the random start of gradient_descent; by default made from ``options.random_state``.
    callback
        Told of every iteration.
    """
    began = time.perf_counter()
    mass = float(len(labels)) if sample_weight is None else float(sample_weight.sum())
    graph = build.softmax_classifier(
        X.shape[1],
        n_classes,
        l2=1.0 / (options.C * mass),
        fit_intercept=options.fit_intercept,
        one_logit=n_classes == 2,
    )
    newton = options.chosen_solver == "newton-cg"
    program = compile_graph(graph)
    with _blas_in_one_thread():
        objective = SoftmaxObjective(program, X, labels, sample_weight, n_threads=options.n_threads, centred=newton)
        solution = _solve(objective, X, options, start, random_state, callback)
    parameters = objective.to_parameters(solution.parameters)
    seconds = time.perf_counter() - began
    return Fit(graph, parameters, solution, options.chosen_solver, objective.passes, seconds)


def _solve(
    objective: SoftmaxObjective,
    X: Array,
    options: SoftmaxOptions,
    start: Float64Array | None,
    random_state: np.random.Generator | None,
    callback: Callback | None,
) -> Solution:
    if options.chosen_solver == "newton-cg":
        return newton_cg(
            objective,
            np.zeros(objective.size) if start is None else objective.from_parameters(start),
            tol=options.tol,
            max_iter=options.max_iter,
            rounding=float(np.finfo(X.dtype).eps),
            callback=callback,
        )
    generator = random_state or np.random.default_rng(options.random_state)
    return gradient_descent(
        objective,
        build.initialize(objective.program.graph, generator) if start is None else start,
        learning_rate=resolve_learning_rate(options, X, objective),
        max_iter=options.max_iter,
        tol=options.tol,
        callback=callback,
    )


@cache
def _blas() -> Any:
    import scipy.linalg  # noqa: F401  (the solvers' BLAS is to be there when the controller looks for it)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _blas_in_one_thread() -> Any:
    """Hold BLAS to one thread: sums must not depend on how many there are, and the kernels use the cores already."""
    return _blas().limit(limits=1, user_api="blas")


def resolve_learning_rate(options: SoftmaxOptions, X: Array, objective: SoftmaxObjective) -> float:
    """Return alpha; "auto" is 1 / L, with which every step descends.

    diag(p) - p p^T is at most 1/2 (Böhning 1992, "Multinomial logistic regression algorithm"; 1/4 for one logit), and
    the largest eigenvalue of a Gram matrix at most its trace: L = 1/2 mean(||x||^2 + 1) + lambda.
    """
    if options.learning_rate != "auto":
        return float(options.learning_rate)
    squared = np.einsum("i,ij,ij->", objective.shares, X, X, dtype=np.float64)
    bound = 0.25 if objective.program.reference_logit else 0.5
    return float(1.0 / (bound * (squared + 1.0) + objective.strength))


@dataclass(frozen=True)
class Split:
    """Which rows train and which are held out."""

    train: IntArray
    test: IntArray
    stratified: bool


def split_rows(labels: IntArray, test_size: float, seed: int) -> Split:
    """Split rows at random, each class in proportion where every class has rows enough for it.

    Parameters
    ----------
    labels
        (m,) class indices.
    test_size
        Share of the rows to hold out; 0 holds out none.
    seed
        Of the shuffle.
    """
    everything = np.arange(len(labels))
    if test_size == 0:
        return Split(everything, everything[:0], stratified=False)
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels)
    counts = counts[counts > 0]
    n_test = int(np.ceil(test_size * len(labels)))
    stratified = bool(counts.min() >= 2 and min(n_test, len(labels) - n_test) >= len(counts))
    train, test = train_test_split(
        everything, test_size=test_size, random_state=seed, stratify=labels if stratified else None
    )
    return Split(np.sort(train), np.sort(test), stratified)


def train(
    data: Any,
    target: str,
    *,
    options: SoftmaxOptions | None = None,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    keep: Sequence[str] = (),
    test_size: float = 0.2,
    seed: int = 0,
    callback: Callback | None = None,
) -> Model:
    """Train a softmax classifier on a table.

    Parameters
    ----------
    data
        A path (CSV, TSV, Parquet, JSON lines; a glob for several files), a DataFrame, or a `Table`.
    target
        The column to predict; rows where it is missing are left out.
    options
        How to train.
    drop
        Columns to leave out.
    categorical
        Columns of numbers that are names (codes, years) and get one feature per value.
    keep
        Columns to use although they look like identifiers.
    test_size
        Share of the rows held out for the evaluation in the model's record; 0 trains on every row.
    seed
        Of the split and of any random start.
    callback
        Told of every iteration of the solver.

    Returns
    -------
    Model
        Its ``record`` tells what was trained on what and how well it does on the rows held out.

    Raises
    ------
    TableError
        If the table can't be read, or lacks what is needed.
    InputError
        For an option that makes no sense.
    """
    from chainrule.tables import as_table, learn_encoding, learn_labels

    options = options or SoftmaxOptions(random_state=seed)
    if not 0.0 <= test_size < 1.0:
        raise InputError(f"test_size must be at least 0 and below 1, got {test_size!r}")
    began = time.perf_counter()
    table = as_table(data)
    target = str(target)  # a frame's column names may be numbers; a table's are text
    kept = table.drop(drop)
    labels, y, known = learn_labels(kept[target])
    rows = kept.drop([target]).take(known)
    counts = np.bincount(y, minlength=len(labels.classes)).tolist()
    split = split_rows(y, test_size, seed)
    encoding = learn_encoding(rows.take(split.train), categorical=categorical, keep=keep)
    if not encoding.feature_names:
        raise TableError(f"{table.source}: no column is left to predict {target!r} from. {' '.join(encoding.notes)}")
    X = encoding.transform(rows.take(split.train))
    weights = class_weights(options.class_weight, y[split.train], labels.classes)
    encoded = time.perf_counter()
    fit = fit_softmax(X, y[split.train], len(labels.classes), options, sample_weight=weights, callback=callback)
    model = Model(
        graph=fit.graph,
        parameters=fit.parameters,
        labels=labels,
        encoding=encoding,
        dtype=str(X.dtype),
        feature_names=tuple(encoding.feature_names),
        record={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": {
                "source": table.source,
                "n_rows": table.n_rows,
                "n_columns": len(table.names),
                "target": target,
                "rows_without_target": int(table.n_rows - len(y)),
                "class_counts": counts,
                "dropped": dict.fromkeys(drop, "asked for") | dict(encoding.dropped),
                "notes": [*table.notes, *encoding.notes, *_rare_classes(labels.classes, counts)],
            },
            "split": {
                "test_size": test_size,
                "seed": seed,
                "n_train": len(split.train),
                "n_test": len(split.test),
                "stratified": split.stratified,
            },
            "options": _plain(asdict(options)),
            "fit": fit.to_record(),
            "seconds": {"prepare": encoded - began, "fit": fit.seconds},
        },
    )
    if not len(split.test):
        return model
    from chainrule.evaluation import evaluate

    test = rows.take(split.test)
    baseline = np.bincount(y[split.train], minlength=len(labels.classes)) / len(split.train)
    evaluation = evaluate(model.predict_proba(test), y[split.test], labels.classes, baseline=baseline)
    return model.with_record(evaluation=evaluation.to_dict())


def _rare_classes(classes: Array, counts: list[int]) -> list[str]:
    """Return a sentence per class that has too few rows to be learned and judged."""
    return [
        f"class {str(label)!r} has {count} row{'s' if count > 1 else ''}: too few to learn or to judge"
        for label, count in zip(classes.tolist(), counts, strict=True)
        if count < RARE
    ]


def class_weights(
    class_weight: Mapping[Any, float] | str | None,
    labels: IntArray,
    classes: Array,
    sample_weight: Float64Array | None = None,
) -> Float64Array | None:
    """Return the factor that each row's class gives it, (m,); None where there is none.

    ``"balanced"`` is scikit-learn's S / (K * weight of the class), S the sum of ``sample_weight`` (m,).
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise InputError(f"class_weight must be None, 'balanced' or a mapping, got {class_weight!r}")
        mass = np.bincount(labels, weights=sample_weight, minlength=len(classes))
        factors = np.divide(mass.sum(), len(classes) * mass, out=np.zeros(len(classes)), where=mass > 0)
    else:
        unknown = [label for label in class_weight if label not in classes.tolist()]
        if unknown:
            raise InputError(f"class_weight names {unknown[0]!r}; the classes are {', '.join(map(str, classes))}")
        factors = np.array([float(class_weight.get(label, 1.0)) for label in classes.tolist()])
        if not (np.isfinite(factors).all() and (factors >= 0).all()):
            raise InputError(f"class_weight must be finite numbers >= 0, got {dict(class_weight)}")
    result: Float64Array = factors[labels]
    return result


def _check_number(
    name: str, value: Any, *, least: float | None = None, above: float | None = None, finite: bool = True
) -> None:
    bound = f">= {least:g}" if least is not None else f"> {above:g}"
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    fits = is_number and not np.isnan(value) and (not finite or np.isfinite(value))
    if not fits or (least is not None and value < least) or (above is not None and value <= above):
        raise InputError(f"{name} must be a number {bound}, got {value!r}")


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Make options JSON: infinities and mappings with odd keys as text."""
    if isinstance(options["class_weight"], Mapping):
        options["class_weight"] = {str(key): float(value) for key, value in options["class_weight"].items()}
    if np.isinf(options["C"]):
        options["C"] = "inf"
    return options

"""Training of N-layer networks on arrays."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Protocol, cast

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import UpdateRule, compile_graph
from chainrule.errors import InputError
from chainrule.graph import Graph, build, initialize
from chainrule.solvers import (
    EpochCallback,
    FullBatchOptions,
    Keeper,
    MinibatchOptions,
    ProgramObjective,
    RunState,
    full_batch,
    minibatch,
)
from chainrule.training.network_options import NETWORK_SOLVERS, NetworkOptions
from chainrule.training.run_recipe import RunRecipe, describe_run
from chainrule.training.validation import Validation, hold_out, make_watch

__all__ = [
    "NETWORK_SOLVERS",
    "Checkpointing",
    "NetworkFit",
    "NetworkOptions",
    "Validation",
    "build_network",
    "fit_network",
    "hold_out",
]


@dataclass(frozen=True)
class NetworkFit:
    """A trained network before it has classes and names.

    Attributes
    ----------
    graph, parameters
        What was trained, and the flat vector, float64: the best epoch's where validation rows were watched, otherwise
        the last one's.
    state
        Where the run stands, with the last epoch's parameters: what a further run goes on from.
    status
        ``converged``; ``max_iter``: the budget ran out; ``stopped`` by the callback; ``interrupted`` by Ctrl-C.
    n_iter, n_steps
        Epochs (lbfgs: iterations) and steps (lbfgs: evaluations) of this run, those before a resume included.
    loss_curve
        Mean loss of the batches of each epoch, in nats, penalties included; earlier runs' included.
    validation_losses, validation_scores, best_epoch
        Of the validation rows after each epoch, and the epoch (1-based) with the best score; None without such rows.
    seconds
        Wall time of this call.
    rows_per_second
        Rows trained on per second, in this call.
    """

    graph: Graph
    parameters: Float64Array
    state: RunState
    status: str
    n_iter: int
    n_steps: int
    loss_curve: tuple[float, ...]
    validation_losses: tuple[float, ...] | None
    validation_scores: tuple[float, ...] | None
    best_epoch: int | None
    solver: str
    seconds: float
    rows_per_second: float

    @property
    def converged(self) -> bool:
        """Whether training stopped because there was nothing more to gain."""
        return self.status == "converged"

    def to_record(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        return {
            "solver": self.solver,
            "n_iter": self.n_iter,
            "n_steps": self.n_steps,
            "status": self.status,
            "converged": self.converged,
            "objective": self.loss_curve[-1] if self.loss_curve else None,
            "loss_curve": list(self.loss_curve),
            "validation_losses": _finite_or_none(self.validation_losses),
            "validation_scores": _finite_or_none(self.validation_scores),
            "best_epoch": self.best_epoch,
            "seconds": self.seconds,
            "rows_per_second": self.rows_per_second,
        }


class Checkpointing(Protocol):
    """A place that keeps states of a run, such as `chainrule.files.Checkpoint`."""

    def find(self, recipe: RunRecipe) -> RunState | None:
        """Return the state that is kept there, if any; raises `InputError` if it is another recipe's."""

    def keeper(self, recipe: RunRecipe) -> Keeper:
        """Return what keeps the states of a run with this recipe."""


def build_network(
    n_features: int,
    n_classes: int,
    options: NetworkOptions,
    *,
    mass: float,
    multilabel: bool = False,
    class_weight: Sequence[float] | None = None,
) -> Graph:
    """Return the graph that the options describe.

    Parameters
    ----------
    n_features, n_classes
        d and K. Two classes are one logit, as in scikit-learn; with ``multilabel`` each class has its own.
    options
        Layers, penalty, dropout, smoothing.
    mass
        The weight of all rows that will be trained on; the penalty's lambda is alpha / mass.
    class_weight
        A factor per class on its rows' share of the mean.
    """
    return build.mlp(
        n_features,
        options.hidden_layer_sizes,
        n_classes,
        activation=options.activations,
        l2=options.alpha / mass,
        dropout=options.dropout_rates,
        skip_connections=options.skip_connections,
        class_weight=class_weight,
        label_smoothing=options.label_smoothing,
        one_logit=n_classes == 2 and not multilabel,
        multilabel=multilabel,
    )


def fit_network(
    X: Any,
    labels: Array,
    graph: Graph,
    options: NetworkOptions,
    *,
    rows: IntArray | None = None,
    sample_weight: Float64Array | None = None,
    start: Array | None = None,
    validation: Validation | None = None,
    score: Callable[[Float64Array], float] | None = None,
    state: RunState | None = None,
    callback: EpochCallback | None = None,
    checkpoint: Checkpointing | None = None,
    resume: bool = False,
) -> NetworkFit:
    """Train a graph on arrays that were checked before.

    A run is a function of data, options, start and seed: it has the same bits for any number of threads, and stopped
    anywhere (by a callback, by Ctrl-C, by the power going) and resumed it has those of one that never stopped.

    Parameters
    ----------
    X, labels
        (m, d) finite float32 or float64, an array or CSR; (m,) int64 class indices, or (m, K) of 0 and 1 for a graph
        with one logit per label. Training runs in X's dtype (lbfgs keeps its parameters in float64).
    graph
        What to train, `build_network`'s or any other with a loss and an output of class probabilities.
    options
        How. What is about layers and loss is not read here: the graph holds it.
    rows
        Those to train on, in ascending order; all by default.
    sample_weight
        (m,) weights >= 0 with a positive sum; None counts each row once. Rows of weight 0 are left out.
    start
        (P,) parameters to start from; by default drawn as ``options.initialization`` says.
    validation
        Rows to watch. `hold_out` makes some.
    score
        Flat parameters, float64 -> a number, larger being better; in place of ``options.monitor``.
    state
        Where to go on from. A run that ended by itself is followed by another one of ``max_iter`` epochs; one that was
        stopped goes on to its end. To have the first in both cases, as for other rows, give ``state.renewed()``.
    callback
        Told of every epoch (every iteration of lbfgs), and about ten times a second within long ones; returns True to
        stop the run.
    checkpoint
        Where to keep the run (`chainrule.files.Checkpoint`).
    resume
        Whether to go on from what is kept there, if anything is; everything but ``n_threads`` (and ``max_iter``, where
        the schedule does not depend on it) has to be as it was.

    Raises
    ------
    InputError
        For early stopping without validation rows, a start or state that does not fit the graph, or a checkpoint of
        another run.
    NonFiniteError
        If training diverges: names epoch, step, the first node that became NaN or infinite, and what to try.
    """
    began = time.perf_counter()
    if options.early_stopping and validation is None:
        raise InputError("early_stopping=True needs validation rows: hold_out(X, labels, options) sets some aside")
    if options.solver == "lbfgs":
        if rows is not None:
            sample_weight = None if sample_weight is None else sample_weight[rows]
            X, labels, rows = X[rows], labels[rows], None
    else:
        rows = _rows_that_count(graph, labels, sample_weight, rows)
    program = compile_graph(graph)
    keeper = found = None
    if checkpoint is not None:
        recipe = describe_run(X, labels, graph, options, sample_weight, validation, rows)
        keeper = checkpoint.keeper(recipe)
        found = checkpoint.find(recipe) if resume else None
    run = _begin(graph, options, X.dtype, start, state) if found is None else found
    _check_state(run, graph, options)
    n_rows = X.shape[0] if rows is None else len(rows)
    before = run.rows_seen + run.batch * _batch_size(options, n_rows)
    watch = None if validation is None else make_watch(program, validation, options, score)
    if options.solver == "lbfgs":
        objective = ProgramObjective(program, X, labels, sample_weight, options.n_threads)
        limits = FullBatchOptions(options.max_iter, options.max_fun, options.tol)
        run = full_batch(objective, limits, run, watch=watch, callback=callback, keeper=keeper)
        n_rows_seen = run.rows_seen - before
    else:
        steps = _minibatch_options(options, n_rows)
        run = minibatch(
            program,
            X,
            labels,
            steps,
            run,
            sample_weight=sample_weight,
            rows=rows,
            watch=watch,
            callback=callback,
            keeper=keeper,
        )
        n_rows_seen = run.rows_seen + run.batch * steps.batch_size - before
    return _make_fit(graph, run, options.solver, time.perf_counter() - began, n_rows_seen)


def _begin(
    graph: Graph, options: NetworkOptions, dtype: np.dtype[Any], start: Array | None, state: RunState | None
) -> RunState:
    """Return the state to begin with."""
    if state is not None:
        return state.renewed() if state.finished else state
    flat = initialize(graph, options.initialization, options.seed) if start is None else np.asarray(start)
    kept = cast("type[Any]", np.float64 if options.solver == "lbfgs" else dtype)
    n_slots = 0 if options.solver == "lbfgs" else _rule(options).n_slots
    return RunState(
        solver=options.solver,
        parameters=np.array(flat, dtype=kept),
        slots=np.zeros((n_slots, len(flat)), dtype=kept),
        seed=int(options.seed),
    )


def _check_state(run: RunState, graph: Graph, options: NetworkOptions) -> None:
    if run.parameters.shape != (graph.parameters.size,):
        raise InputError(
            f"the graph has {graph.parameters.size} parameters, the start (or state) has shape {run.parameters.shape}"
        )
    if run.solver != options.solver:
        raise InputError(
            f"the state is one of solver {run.solver!r}, not {options.solver!r}: start=state.parameters begins anew"
        )


def _rule(options: NetworkOptions) -> UpdateRule:
    """Return the optimizer; momentum is sgd's alone."""
    sgd = options.solver == "sgd"
    return UpdateRule(
        name=options.solver,
        momentum=float(options.momentum) if sgd else 0.0,
        nesterov=sgd and bool(options.nesterovs_momentum) and options.momentum > 0,
        beta_1=float(options.beta_1),
        beta_2=float(options.beta_2),
        epsilon=float(options.epsilon),
        weight_decay=options.decoupled_decay,
        clip_norm=inf if options.clip_norm is None else float(options.clip_norm),
    )


def _batch_size(options: NetworkOptions, n_rows: int) -> int:
    return min(200 if isinstance(options.batch_size, str) else int(options.batch_size), n_rows)


def _minibatch_options(options: NetworkOptions, n_rows: int) -> MinibatchOptions:
    return MinibatchOptions(
        rule=_rule(options),
        batch_size=_batch_size(options, n_rows),
        learning_rate=float(options.learning_rate_init),
        decay=cast("Any", options.learning_rate if options.solver == "sgd" else "constant"),
        power_t=float(options.power_t),
        schedule=options.made_schedule,
        max_iter=int(options.max_iter),
        shuffle=bool(options.shuffle),
        tol=float(options.tol),
        n_iter_no_change=float(options.n_iter_no_change),
        early_stopping=bool(options.early_stopping),
        n_threads=int(options.n_threads),
    )


def _rows_that_count(
    graph: Graph, labels: Array, sample_weight: Float64Array | None, rows: IntArray | None
) -> IntArray | None:
    """Return the rows with a weight, None for all: a batch of rows without any would have no mean."""
    counts = np.ones(len(labels), dtype=bool) if sample_weight is None else sample_weight > 0
    for node in graph.of_kind("softmax_cross_entropy"):
        class_weight = node.attributes.get("class_weight")
        if class_weight is not None:
            counts = counts & (np.array(class_weight)[labels] > 0)
    if counts.all():
        return rows
    found = np.flatnonzero(counts).astype(np.int64) if rows is None else rows[counts[rows]]
    if not len(found):
        raise InputError("the rows to train on all have weight 0: give at least one of them a positive weight")
    return found


def _make_fit(graph: Graph, run: RunState, solver: str, seconds: float, n_rows_seen: int) -> NetworkFit:
    watched = bool(run.validation_scores)
    best = run.parameters if run.best_parameters is None else run.best_parameters
    return NetworkFit(
        graph=graph,
        parameters=np.array(best, dtype=np.float64),
        state=run,
        status=run.status,
        n_iter=run.epoch - run.first_epoch,
        n_steps=run.step - run.first_step,
        loss_curve=tuple(run.loss_curve),
        validation_losses=tuple(run.validation_losses) if watched else None,
        validation_scores=tuple(run.validation_scores) if watched else None,
        best_epoch=run.best_epoch if watched else None,
        solver=solver,
        seconds=seconds,
        rows_per_second=n_rows_seen / max(seconds, 1e-9),
    )


def _finite_or_none(numbers: tuple[float, ...] | None) -> list[float | None] | None:
    """Return numbers as JSON has them: a score may be NaN."""
    return None if numbers is None else [number if isfinite(number) else None for number in numbers]

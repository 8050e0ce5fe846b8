"""L-BFGS as a run that can be watched, stopped, kept and resumed like the minibatch loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule._typing import Array
from chainrule.solvers.interrupts import interrupts_between_steps
from chainrule.solvers.lbfgs import LbfgsPoint, first_point, largest_entry, lbfgs_points, settled
from chainrule.solvers.program_objective import ProgramObjective
from chainrule.solvers.progress import EpochCallback, EpochProgress, Keeper, Watch
from chainrule.solvers.run_state import RunState

FTOL = 1e7 * float(np.finfo(np.float64).eps)  # SciPy's default


@dataclass(frozen=True)
class FullBatchOptions:
    """How `full_batch` goes.

    Attributes
    ----------
    max_iter, max_fun
        Iterations, and evaluations of the objective.
    tol
        Of the gradient's largest entry.
    ftol
        Of an iteration's relative decrease.
    """

    max_iter: int = 200
    max_fun: int = 15000
    tol: float = 1e-4
    ftol: float = FTOL


def full_batch(
    objective: ProgramObjective,
    options: FullBatchOptions,
    state: RunState,
    *,
    watch: Watch | None = None,
    callback: EpochCallback | None = None,
    keeper: Keeper | None = None,
) -> RunState:
    """Minimise a network's loss over all rows with L-BFGS; an iteration counts as an epoch.

    Parameters and returned value are those of `chainrule.solvers.minibatch.minibatch`. ``slots`` holds the remembered
    steps and, below them, the changes of the gradient.

    Raises
    ------
    NonFiniteError
        If the loss is NaN or infinite at the start.
    """
    run = state.copy()
    run.status = "running"
    n_rows = int(objective.X.shape[0])
    clock = _Clock(run, options, n_rows)

    def keep(*, anyway: bool = False) -> None:
        if keeper is not None and (anyway or keeper.due(run.epoch - clock.kept_epoch, clock.since_kept())):
            keeper.keep(run)
            clock.kept_epoch, clock.kept_at = run.epoch, time.perf_counter()

    def after_iteration(point: LbfgsPoint) -> bool:
        _write_down(run, point, n_rows, watch)
        keep()
        return callback is not None and callback(clock.progress(point, watch is not None)) is True

    with interrupts_between_steps() as come_due:
        try:
            _iterate(objective, options, run, after_iteration, come_due)
        except KeyboardInterrupt:
            run.status = "interrupted"
        keep(anyway=True)
        try:
            come_due()
        except KeyboardInterrupt:  # pressed at the very end
            run.status = "interrupted"
    return run


def _iterate(
    objective: ProgramObjective,
    options: FullBatchOptions,
    run: RunState,
    after_iteration: Callable[[LbfgsPoint], bool],
    come_due: Callable[[], None],
) -> None:
    """Iterate until there is a reason to stop, which becomes the run's status."""
    point = _point(objective, run)
    before = run.first_step
    points = lbfgs_points(
        objective,
        point,
        tol=options.tol,
        max_fun=before + options.max_fun,
        rounding=float(np.finfo(objective.X.dtype).eps),
    )
    while True:
        if _settled(run, options):
            run.status = "converged"
            return
        if run.epoch >= run.first_epoch + options.max_iter:
            run.status = "converged" if largest_entry(point.gradient) <= options.tol else "max_iter"
            return
        try:
            point = next(points)
        except StopIteration as end:
            # Where rounding allows no further descent, all that can be had has been had.
            run.status = "converged" if end.value == "precision" else end.value
            return
        stop = after_iteration(point)
        come_due()
        if stop:
            run.status = "stopped"
            return


def _settled(run: RunState, options: FullBatchOptions) -> bool:
    """Whether the last iteration of this run lowered the loss by next to nothing."""
    n_iter = run.epoch - run.first_epoch
    return settled(run.loss_curve[len(run.loss_curve) - n_iter :], options.ftol)


def _point(objective: ProgramObjective, run: RunState) -> LbfgsPoint:
    """Return where the run is, with what it remembers."""
    point = first_point(objective, run.parameters)
    steps, changes = np.split(run.slots, 2)
    run.step = max(run.step, run.first_step + 1)
    return LbfgsPoint(point.w, point.value, point.gradient, tuple(steps), tuple(changes), run.step)


def _write_down(run: RunState, point: LbfgsPoint, n_rows: int, watch: Watch | None) -> None:
    """Write an iteration down."""
    watched = None if watch is None else watch(point.w)
    run.parameters = point.w
    run.slots = np.array([*point.steps, *point.changes]).reshape(-1, len(point.w))
    run.loss_curve.append(point.value)
    run.epoch += 1
    run.step = point.evaluations
    run.rows_seen += n_rows
    run.best_loss = min(run.best_loss, point.value)
    if watched is not None:
        run.record_validation(*watched, point.w)


class _Clock:
    """What progress says about time."""

    def __init__(self, run: RunState, options: FullBatchOptions, n_rows: int) -> None:
        self.run, self.options, self.n_rows = run, options, n_rows
        self.began = self.kept_at = time.perf_counter()
        self.first_epoch, self.first_step = run.epoch, run.step
        self.kept_epoch = run.epoch

    def since_kept(self) -> float:
        return time.perf_counter() - self.kept_at

    def progress(self, point: LbfgsPoint, watched: bool) -> EpochProgress:
        run, seconds = self.run, max(time.perf_counter() - self.began, 1e-9)
        done = run.epoch - run.first_epoch
        parameters: Array = point.w.view()
        parameters.flags.writeable = False
        return EpochProgress(
            epoch=done,
            max_iter=self.options.max_iter,
            step=1,
            n_steps=1,
            loss=point.value,
            validation_loss=run.validation_losses[-1] if watched else None,
            validation_score=run.validation_scores[-1] if watched else None,
            learning_rate=1.0,
            rows_per_second=(run.step - self.first_step) * self.n_rows / seconds,
            seconds_left=(self.options.max_iter - done) * seconds / (run.epoch - self.first_epoch),
            parameters=parameters,
        )

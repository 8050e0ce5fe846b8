"""The loop of minibatch training: epochs of steps, when to stop, which epoch was best.

The steps themselves are the engine's. What is here decides in which order rows are visited, at which learning rate,
when to look at validation rows and when enough is enough, and keeps a `RunState` with which any run can be stopped
anywhere and go on to the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import fsum, inf
from typing import Any, Literal

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import Program, Trainer, UpdateRule, permutation
from chainrule.errors import InputError, NonFiniteError
from chainrule.solvers.divergence import diverged
from chainrule.solvers.interrupts import interrupts_between_steps
from chainrule.solvers.progress import EpochCallback, EpochProgress, Keeper, Watch
from chainrule.solvers.run_state import RunState
from chainrule.solvers.schedules import ReduceOnPlateau, Schedule

CHUNK_SECONDS = 0.05  # how long Ctrl-C and callbacks wait at most, a single step aside
SMALLEST_RATE = 1e-6  # at which "adaptive" gives up, as in scikit-learn


@dataclass(frozen=True)
class MinibatchOptions:
    """How the loop goes; checked where they come from.

    Attributes
    ----------
    rule
        How a step moves the parameters.
    batch_size
        Rows of a batch; the last one of an epoch may be smaller.
    learning_rate
        Of the first step, apart from the schedule.
    decay
        scikit-learn's own schedules: ``invscaling`` takes learning_rate / (rows seen + 1)^power_t, changed after each
        epoch; ``adaptive`` divides by 5 where it would otherwise have converged, until 1e-6 is reached.
    schedule
        A factor per step, or None.
    max_iter
        Epochs.
    shuffle
        Whether each epoch visits the rows in an order of its own.
    tol, n_iter_no_change
        It has converged once more than ``n_iter_no_change`` epochs in a row failed to better the training loss (with
        ``early_stopping`` the validation score) by ``tol``.
    early_stopping
        Whether the validation score decides.
    n_threads
        0 uses all cores; the result does not depend on it.
    """

    rule: UpdateRule
    batch_size: int
    learning_rate: float
    decay: Literal["constant", "invscaling", "adaptive"] = "constant"
    power_t: float = 0.5
    schedule: Schedule | None = None
    max_iter: int = 200
    shuffle: bool = True
    tol: float = 1e-4
    n_iter_no_change: float = 10
    early_stopping: bool = False
    n_threads: int = 0


def minibatch(
    program: Program,
    X: Any,
    labels: Array,
    options: MinibatchOptions,
    state: RunState,
    *,
    sample_weight: Float64Array | None = None,
    rows: IntArray | None = None,
    watch: Watch | None = None,
    callback: EpochCallback | None = None,
    keeper: Keeper | None = None,
) -> RunState:
    """Train until the run has converged, reached ``max_iter``, or was stopped.

    Parameters
    ----------
    program
        The compiled graph.
    X, labels
        (m, d) float32 or float64, an array or CSR; what the graph's labels take.
    options
        How.
    state
        Where to begin; it is left as it is.
    sample_weight
        (m,), None counts each row once.
    rows
        The rows to train on, in ascending order; all by default.
    watch
        Looked at after every epoch.
    callback
        Told of every epoch, and about ten times a second within long ones; ends the run by returning True.
    keeper
        Is given the state when it wants it, and at the end.

    Returns
    -------
    RunState
        Where the run stands, its ``status`` says why.

    Raises
    ------
    InputError
        If the state is one of other rows.
    NonFiniteError
        If the loss becomes NaN or infinite: names epoch, step and the first node that did.
    """
    rows = np.arange(X.shape[0], dtype=np.int64) if rows is None else rows
    loop = _Loop(program, X, labels, options, state.copy(), sample_weight, rows, watch, callback, keeper)
    with interrupts_between_steps() as come_due:
        try:
            loop.run.status = "running"
            loop.go(come_due)
        except KeyboardInterrupt:
            loop.run.status = "interrupted"
        loop.keep()
        try:
            come_due()
        except KeyboardInterrupt:  # pressed at the very end: nothing is lost, but somebody waits for an answer
            loop.run.status = "interrupted"
    return loop.capture()


@dataclass
class _Loop:
    """One call of `minibatch`: what it was given, the engine's trainer, and the clock."""

    program: Program
    X: Any
    labels: Array
    options: MinibatchOptions
    run: RunState
    sample_weight: Float64Array | None
    rows: IntArray
    watch: Watch | None
    callback: EpochCallback | None
    keeper: Keeper | None

    def __post_init__(self) -> None:
        run, options = self.run, self.options
        self.n_batches = -(-len(self.rows) // options.batch_size)
        if run.batch > self.n_batches:
            raise InputError(
                f"the state is in batch {run.batch} of an epoch of other rows, here one has {self.n_batches}: "
                "state.renewed() begins a new one"
            )
        self.trainer = Trainer(
            self.program,
            self.X,
            self.labels,
            self.sample_weight,
            parameters=run.parameters,
            rule=options.rule,
            batch_size=options.batch_size,
            seed=run.seed,
            n_threads=options.n_threads,
        )
        if run.slots.size:
            self.trainer.slots[...] = run.slots
        self.pace = _Pace()
        self.rates = np.zeros(self.n_batches)
        self.last_rate = 0.0
        self.kept_epoch, self.kept_at, self.told_at = run.epoch, self.pace.began, self.pace.began

    def go(self, come_due: Callable[[], None]) -> None:
        """Do epochs until there is a reason to stop, which becomes the run's status."""
        while not self.over():
            if not self.do_epoch(come_due):
                self.run.status = "stopped"
                return
            self.close_epoch()
            self.keep_if_due()
            stop = self.tell(self.run.loss_curve[-1], ended=True)
            come_due()
            if stop and not self.over():
                self.run.status = "stopped"
                return
        self.check_finite()

    def over(self) -> bool:
        """Whether the run has come to its own end; read from the state alone, so that a resumed run stops there too."""
        run = self.run
        if run.no_improvement > self.options.n_iter_no_change:
            run.status = "converged"
        elif run.epoch >= run.first_epoch + self.options.max_iter:
            run.status = "max_iter"
        return run.finished

    def do_epoch(self, come_due: Callable[[], None]) -> bool:
        """Take the steps that are left of an epoch; return False if the callback wants no more."""
        run, order, rates = self.run, self.order(), self.learning_rates()
        while run.batch < self.n_batches:
            size = self.pace.next_chunk(self.n_batches - run.batch)
            began = time.perf_counter()
            taken = self.trainer.steps(order, run.batch, rates[run.batch : run.batch + size], run.step)
            self.pace.record(size, time.perf_counter() - began)
            if taken.nonfinite:
                done = len(taken.losses) - 1
                where = f"in epoch {run.epoch + 1}, step {run.batch + done + 1} of {self.n_batches}"
                rows = self.batch_rows(order, run.batch + done)
                raise self.divergence(
                    rows, run.step + done, float(taken.losses[-1]), where, float(rates[run.batch + done])
                )
            run.batch_losses += taken.losses.tolist()
            run.batch += size
            run.step += size
            self.last_rate = float(rates[run.batch - 1])
            come_due()
            if run.batch < self.n_batches:
                self.keep_if_due()
                if self.tell(self.epoch_loss()):
                    return False
        return True

    def order(self) -> IntArray:
        """Return the rows in the epoch's order; where a batch holds them all there is nothing to shuffle."""
        if not self.options.shuffle or self.n_batches == 1:
            return self.rows
        shuffled = permutation(len(self.rows), self.run.seed, self.run.epoch)
        return shuffled if len(self.rows) == self.X.shape[0] else self.rows[shuffled]

    def batch_rows(self, order: IntArray, batch: int) -> IntArray:
        return order[batch * self.options.batch_size : (batch + 1) * self.options.batch_size]

    def learning_rates(self) -> Float64Array:
        """Return the rate of each step of the epoch: all at once, so that they can't depend on where it is cut."""
        run, options = self.run, self.options
        rate = options.learning_rate
        if options.decay == "invscaling":
            rate = rate / (run.rows_seen + 1) ** options.power_t
        rate *= run.adaptive_factor * run.plateau.factor
        if options.schedule is None:
            if self.rates[0] != rate:
                self.rates = np.full(self.n_batches, rate)
            return self.rates
        first = run.step - run.batch - run.first_step
        steps = np.arange(first, first + self.n_batches, dtype=np.int64)
        return rate * options.schedule.factors(steps, self.n_batches * options.max_iter)

    def epoch_loss(self) -> float:
        """Return the mean of the batches' losses by their sizes, so far; it can't depend on how the epoch was cut."""
        losses = self.run.batch_losses
        if len(losses) < self.n_batches:
            return fsum(losses) / len(losses)
        full, last = len(losses) - 1, len(self.rows) - (len(losses) - 1) * self.options.batch_size
        return (fsum(losses[:full]) * self.options.batch_size + losses[full] * last) / len(self.rows)

    def close_epoch(self) -> None:
        """Look at the validation rows and write the epoch down."""
        run, options = self.run, self.options
        loss = self.epoch_loss()
        watched = None if self.watch is None else self.watch(self.trainer.parameters)
        run.loss_curve.append(loss)
        run.epoch += 1
        run.rows_seen += len(self.rows)
        run.batch, run.batch_losses = 0, []
        improved = loss <= run.best_loss - options.tol
        run.best_loss = min(run.best_loss, loss)
        if watched is not None:
            if options.early_stopping:
                improved = watched[1] >= run.best_score + options.tol
            run.record_validation(*watched, self.trainer.parameters)
        run.no_improvement = 0 if improved else run.no_improvement + 1
        if isinstance(options.schedule, ReduceOnPlateau):
            run.plateau = options.schedule.observe(loss if watched is None else -watched[1], run.plateau)
        rate = options.learning_rate * run.adaptive_factor
        if run.no_improvement > options.n_iter_no_change and options.decay == "adaptive" and rate > SMALLEST_RATE:
            run.adaptive_factor /= 5.0
            run.no_improvement = 0

    def check_finite(self) -> None:
        """Raise if the last step of all has spoilt the parameters: no later step has found it."""
        if not np.isfinite(self.trainer.parameters).all():
            rows = self.rows[: self.options.batch_size]
            raise self.divergence(rows, self.run.step, float("nan"), f"after epoch {self.run.epoch}", self.last_rate)

    def divergence(self, rows: IntArray, step: int, loss: float, where: str, learning_rate: float) -> NonFiniteError:
        return diverged(
            self.program,
            self.trainer.parameters,
            self.X,
            self.labels,
            rows,
            seed_and_step=(self.run.seed, step),
            loss=loss,
            where=where,
            learning_rate=learning_rate,
            clipped=self.options.rule.clip_norm < inf,
        )

    def tell(self, loss: float, *, ended: bool = False) -> bool:
        """Tell the callback where the run is; return whether it wants to stop."""
        now = time.perf_counter()
        if self.callback is None or (not ended and now - self.told_at < CHUNK_SECONDS):
            return False
        run, self.told_at = self.run, now
        step = self.n_batches if ended else run.batch
        epoch = run.epoch if ended else run.epoch + 1
        parameters = self.trainer.parameters.view()
        parameters.flags.writeable = False
        steps_left = (run.first_epoch + self.options.max_iter - epoch) * self.n_batches + self.n_batches - step
        progress = EpochProgress(
            epoch=epoch - run.first_epoch,
            max_iter=self.options.max_iter,
            step=step,
            n_steps=self.n_batches,
            loss=loss,
            validation_loss=run.validation_losses[-1] if ended and self.watch else None,
            validation_score=run.validation_scores[-1] if ended and self.watch else None,
            learning_rate=self.last_rate,
            rows_per_second=self.pace.per_second() * len(self.rows) / self.n_batches,
            seconds_left=steps_left / self.pace.per_second(),
            parameters=parameters,
        )
        return self.callback(progress) is True

    def capture(self) -> RunState:
        """Return the run with the parameters and slots as they stand."""
        self.run.parameters = self.trainer.parameters.copy()
        self.run.slots = self.trainer.slots.copy()
        return self.run

    def keep_if_due(self) -> None:
        now = time.perf_counter()
        if self.keeper is not None and self.keeper.due(self.run.epoch - self.kept_epoch, now - self.kept_at):
            self.keep()

    def keep(self) -> None:
        if self.keeper is not None:
            self.keeper.keep(self.capture())
            self.kept_epoch, self.kept_at = self.run.epoch, time.perf_counter()


class _Pace:
    """How many steps to ask the engine for at once."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.steps = 0
        self.step_seconds = inf  # before the first step

    def next_chunk(self, left: int) -> int:
        fitting = int(CHUNK_SECONDS / max(self.step_seconds, 1e-7))
        return max(1, min(left, fitting))

    def record(self, size: int, seconds: float) -> None:
        self.steps += size
        self.step_seconds = seconds / size

    def per_second(self) -> float:
        """Steps per second since the beginning."""
        return self.steps / max(time.perf_counter() - self.began, 1e-9)

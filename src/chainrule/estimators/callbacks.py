"""Who is told how training goes: the terminal, plain functions, and scikit-learn's own callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sklearn.callback import CallbackContext, FitCallback

from chainrule._typing import Array
from chainrule.errors import InputError
from chainrule.solvers import EpochCallback, EpochProgress


def check_callbacks(given: Any) -> list[EpochCallback]:
    """Return plain callbacks as a list; None is none, a function stands for itself.

    Raises `InputError` for what can't be called; scikit-learn's callbacks have a method of their own to be set with.
    """
    if given is None:
        return []
    if isinstance(given, FitCallback):
        given = [given]
    listed = [given] if callable(given) else list(given) if isinstance(given, Iterable) else [given]
    for callback in listed:
        if isinstance(callback, FitCallback) and not callable(callback):
            raise InputError(f"{type(callback).__name__} is a callback of scikit-learn's: give it to set_callbacks()")
        if not callable(callback):
            raise InputError(f"callbacks must be functions that take the progress of a run, got {callback!r}")
    return listed


def print_epochs(progress: EpochProgress) -> None:
    """Print a line after every epoch."""
    if not progress.epoch_done:
        return
    line = f"Iteration {progress.epoch}, loss = {progress.loss:.8f}"
    if progress.validation_score is not None:
        line += f", validation loss = {progress.validation_loss:.8f}, score = {progress.validation_score:.6f}"
    print(line)  # noqa: T201


def tell_all(callbacks: Iterable[EpochCallback]) -> EpochCallback | None:
    """Return one callback that calls these in order, and stops the run when one of them wants to; None for none."""
    listed = list(callbacks)
    if not listed:
        return None

    def tell(progress: EpochProgress) -> bool:
        answers = [callback(progress) for callback in listed]  # all are told, also after one wants to stop
        return any(answer is True for answer in answers)

    return tell


class FitTasks:
    """The run as scikit-learn's callbacks see it: a task ``fit`` with a task per epoch below it.

    Parameters
    ----------
    estimator
        What is fitted.
    context
        Of its ``fit``; it may hold ``max_iter`` tasks.
    X, y, sample_weight
        As the user gave them.
    fitted
        Parameters -> the attributes with which a copy of the estimator predicts as if it had stopped there.
    """

    def __init__(
        self,
        estimator: Any,
        context: CallbackContext,
        X: Any,
        y: Any,
        sample_weight: Any,
        fitted: Callable[[Array], dict[str, Any]],
    ) -> None:
        self.estimator, self.context, self.fitted = estimator, context, fitted
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self.epoch: CallbackContext | None = None
        context.call_on_fit_task_begin(**self.given)

    def begin_epoch(self) -> None:
        """Open the next epoch's task."""
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self.given)

    def __call__(self, progress: EpochProgress) -> bool:
        """End an epoch's task and begin the next one's; return whether a callback wants to stop."""
        if self.epoch is None:
            self.begin_epoch()
        if not progress.epoch_done or self.epoch is None:
            return False
        stop: bool = self.epoch.call_on_fit_task_end(
            **self.given, reconstruction_attributes=lambda: self.fitted(progress.parameters.copy())
        )
        self.epoch = None
        if not stop and progress.epoch < progress.max_iter:
            self.begin_epoch()
        return stop

    def end(self) -> None:
        """End the fit's task, and with it that of an epoch that has no end since training converged or was stopped."""
        if self.epoch is not None:
            self.epoch.call_on_fit_task_end(estimator=self.estimator)
        self.context.call_on_fit_task_end(**self.given, reconstruction_attributes=dict)

"""Where a training run stands: with this and the same data it goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import inf
from typing import Any, Literal, TypeAlias

import numpy as np

from chainrule._typing import Array
from chainrule.errors import InputError
from chainrule.solvers.schedules import Plateau

RunStatus: TypeAlias = Literal["running", "converged", "max_iter", "stopped", "interrupted"]
UNFINISHED = ("running", "stopped", "interrupted")

_ARRAYS = ("parameters", "slots", "best_parameters")
_CURVES = ("batch_losses", "loss_curve", "validation_losses", "validation_scores")
_LEVELS = ("best_score", "best_loss", "adaptive_factor")  # may be infinite, which JSON is not


@dataclass
class RunState:
    """Everything that training changes.

    Random numbers need no state: the order of the rows is a function of ``seed`` and ``epoch``, the noise of dropout
    one of ``seed`` and ``step``.

    Attributes
    ----------
    solver
        Whose ``slots`` these are.
    parameters
        (P,) in the dtype that is trained in.
    slots
        (n, P): what the optimizer keeps (for lbfgs the last steps, then the changes of the gradient).
    seed
        Of the run.
    epoch, batch
        Epochs done since the first run, and batches done in the one under way.
    step
        Steps taken since the first run (for lbfgs: evaluations of the objective).
    rows_seen
        Rows of all finished epochs together.
    first_epoch, first_step
        Where the present run began; ``max_iter`` and the schedule count from here.
    batch_losses
        The losses of the batches of the epoch under way.
    loss_curve
        The mean loss of each epoch.
    validation_losses, validation_scores
        After each epoch, where there are validation rows.
    best_parameters, best_score, best_epoch
        Of the epoch with the highest score, if any was watched.
    best_loss
        The lowest of the loss curve.
    no_improvement
        Epochs in a row that did not improve.
    adaptive_factor, plateau
        What has become of the learning rate.
    status
        Why it stands: ``running`` while it doesn't.
    """

    solver: str
    parameters: Array
    slots: Array
    seed: int = 0
    epoch: int = 0
    batch: int = 0
    step: int = 0
    rows_seen: int = 0
    first_epoch: int = 0
    first_step: int = 0
    batch_losses: list[float] = field(default_factory=list)
    loss_curve: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_parameters: Array | None = None
    best_score: float = -inf
    best_epoch: int = 0
    best_loss: float = inf
    no_improvement: int = 0
    adaptive_factor: float = 1.0
    plateau: Plateau = field(default_factory=Plateau)
    status: RunStatus = "running"

    @property
    def finished(self) -> bool:
        """Whether the run came to its own end."""
        return self.status not in UNFINISHED

    def copy(self) -> RunState:
        """Return a state that shares nothing with this one."""
        given = {name: getattr(self, name) for name in (entry.name for entry in fields(self))}
        copied = {name: value.copy() if hasattr(value, "copy") else value for name, value in given.items()}
        return RunState(**copied)

    def renewed(self) -> RunState:
        """Return a copy at the start of a further run, of ``max_iter`` epochs, perhaps on other rows.

        Optimizer, history and count of steps go on; an epoch that was under way is given up.
        """
        state = self.copy()
        state.batch, state.batch_losses = 0, []
        state.first_epoch, state.first_step = state.epoch, state.step
        state.no_improvement = 0 if state.status == "converged" else state.no_improvement
        state.status = "running"
        return state

    def record_validation(self, loss: float, score: float, parameters: Array) -> None:
        """Write down what validation rows say after an epoch; its parameters are kept if it is the best so far."""
        self.validation_losses.append(loss)
        self.validation_scores.append(score)
        if score > self.best_score:
            self.best_score, self.best_epoch, self.best_parameters = score, self.epoch, parameters.copy()

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the state as JSON and arrays; `from_arrays` gives it back, bit for bit."""
        numbers = {
            entry.name: getattr(self, entry.name)
            for entry in fields(self)
            if entry.name not in (*_ARRAYS, *_CURVES, *_LEVELS, "plateau")
        }
        numbers["dtype"] = str(self.parameters.dtype)
        arrays = {name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None}
        arrays |= {name: np.array(getattr(self, name), dtype=np.float64) for name in _CURVES}
        arrays["levels"] = np.array([getattr(self, name) for name in _LEVELS], dtype=np.float64)
        arrays["plateau"] = np.array(list(asdict(self.plateau).values()), dtype=np.float64)
        return numbers, arrays

    @classmethod
    def from_arrays(cls, numbers: Mapping[str, Any], arrays: Mapping[str, Array]) -> RunState:
        """Return the state that `to_arrays` wrote; raises `InputError` for anything else."""
        try:
            given = dict(numbers)
            dtype = np.dtype(given.pop("dtype"))
            given |= {name: np.array(arrays[name], dtype=dtype) for name in _ARRAYS if name in arrays}
            given |= {name: arrays[name].tolist() for name in _CURVES}
            given |= dict(zip(_LEVELS, arrays["levels"].tolist(), strict=True))
            factor, best, epochs = arrays["plateau"].tolist()
            state = cls(**given, plateau=Plateau(factor, best, int(epochs)))
            counts = ("seed", "epoch", "batch", "step", "rows_seen", "first_epoch", "first_step", "no_improvement")
            fits = all(isinstance(given[name], int) and given[name] >= 0 for name in (*counts, "best_epoch"))
            fits = fits and state.status in (*UNFINISHED, "converged", "max_iter") and isinstance(state.solver, str)
            fits = fits and state.parameters.ndim == 1 and state.slots.shape[1:] == state.parameters.shape
            fits = fits and (state.best_parameters is None or state.best_parameters.shape == state.parameters.shape)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"not the state of a run: {type(error).__name__}: {error}") from error
        if not fits or len(state.batch_losses) != state.batch:
            raise InputError("not the state of a run: its parts don't fit together")
        return state

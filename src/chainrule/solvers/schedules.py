"""How the learning rate changes over a run: each schedule is a record, and a pure function of the step.

A schedule gives factors; the learning rate of a step is ``learning_rate_init`` times the factor. Below T is the number
of steps of the run, t = 0, 1, ..., T - 1 the step, w = round(warm_up T) the steps of the warm-up, in which the factor
rises as (t + 1) / (w + 1) (Goyal et al. 2017, "Accurate, Large Minibatch SGD"), and u = (t - w) / (T - w) how much of
the rest is done, in [0, 1).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import inf
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from chainrule._typing import Float64Array, IntArray
from chainrule.errors import InputError
from chainrule.graph.operation import is_number


class Schedule(Protocol):
    """What the minibatch loop asks of a schedule."""

    def factors(self, steps: IntArray, n_steps: int) -> Float64Array:
        """Return the factor on the learning rate of each of ``steps`` (0-based) of a run of ``n_steps``."""

    @property
    def spans_run(self) -> bool:
        """Whether the factors depend on how long the run is."""


@dataclass(frozen=True)
class _WithWarmUp(ABC):
    """What the schedules share: a warm-up, and a shape that follows it.

    Attributes
    ----------
    warm_up
        The share of the run in which the rate rises to its full height, in [0, 1).
    """

    warm_up: float = 0.0

    name: ClassVar[str]
    lasting: ClassVar[bool] = True  # whether the shape after the warm-up depends on the run's length

    def __post_init__(self) -> None:
        self._check("warm_up", least=0.0, below=1.0)

    @property
    def spans_run(self) -> bool:
        """Whether the factors depend on how long the run is."""
        return self.lasting or self.warm_up > 0

    def factors(self, steps: IntArray, n_steps: int) -> Float64Array:
        """Return the factor on the learning rate of each of ``steps`` (0-based) of a run of ``n_steps``."""
        rising = self.warm_up_steps(n_steps)
        t = np.asarray(steps, dtype=np.float64)
        after = np.maximum(t - rising, 0.0)
        return np.where(t < rising, self._rise(t, rising), self._shape(after, max(n_steps - rising, 1), rising))

    def warm_up_steps(self, n_steps: int) -> int:
        """Return w."""
        return round(self.warm_up * n_steps)

    def _rise(self, t: Float64Array, rising: int) -> Float64Array:
        """Return the factors of steps t < w of a warm-up of w."""
        return (t + 1.0) / (rising + 1.0)

    @abstractmethod
    def _shape(self, after: Float64Array, n_after: int, rising: int) -> Float64Array:
        """Return the factors of steps t - w of T - w, after a warm-up of w."""

    def _check(self, field: str, *, least: float = 0.0, below: float = inf) -> None:
        value = getattr(self, field)
        if not is_number(value, least, below):
            bound = f"a finite number >= {least:g}" if below == inf else f"a number in [{least:g}, {below:g})"
            raise InputError(f"schedule {self.name!r}: {field} must be {bound}, got {value!r}")


@dataclass(frozen=True)
class Constant(_WithWarmUp):
    """f = 1 after the warm-up."""

    name = "constant"
    lasting = False

    def _shape(self, after: Float64Array, n_after: int, rising: int) -> Float64Array:
        return np.ones_like(after)


@dataclass(frozen=True)
class Step(_WithWarmUp):
    """f = factor^k, k the number of ``at`` that u has reached. He et al. 2016, "Deep Residual Learning".

    Attributes
    ----------
    at
        Shares of the run, in (0, 1), at which the rate drops.
    factor
        What it is multiplied by there.
    """

    at: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1

    name = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("factor")
        given: Any = self.at
        shares = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        if not all(is_number(share, below=1.0) and share > 0.0 for share in shares):
            raise InputError(f"schedule 'step': at must be shares of the run between 0 and 1, got {self.at!r}")
        object.__setattr__(self, "at", tuple(sorted(float(share) for share in shares)))

    def _shape(self, after: Float64Array, n_after: int, rising: int) -> Float64Array:
        drops = np.searchsorted(np.array(self.at), after / n_after, side="right")
        return np.asarray(float(self.factor) ** drops, dtype=np.float64)


@dataclass(frozen=True)
class Cosine(_WithWarmUp):
    """f = final + (1 - final) (1 + cos(pi u)) / 2. Loshchilov and Hutter 2017, "SGDR".

    Attributes
    ----------
    final
        What the factor falls to.
    """

    final: float = 0.0

    name = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("final")

    def _shape(self, after: Float64Array, n_after: int, rising: int) -> Float64Array:
        return _half_cosine(1.0, self.final, after / n_after)


@dataclass(frozen=True)
class OneCycle(_WithWarmUp):
    """From ``initial`` up to 1 and down to ``final``, on two half cosines that meet after the warm-up.

    f = initial + (1 - initial) (1 - cos(pi t / w)) / 2 up to t = w, then final + (1 - final) (1 + cos(pi u)) / 2.
    Smith and Topin 2018, "Super-Convergence"; with cosines in place of their lines. ``learning_rate_init`` is the peak.

    Attributes
    ----------
    initial, final
        The factors at both ends.
    """

    warm_up: float = 0.3
    initial: float = 0.04
    final: float = 4e-6

    name = "one_cycle"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("initial")
        self._check("final")

    def _rise(self, t: Float64Array, rising: int) -> Float64Array:
        return _half_cosine(self.initial, 1.0, np.minimum(t / max(rising, 1), 1.0))

    def _shape(self, after: Float64Array, n_after: int, rising: int) -> Float64Array:
        return _half_cosine(1.0, self.final, after / n_after)


@dataclass(frozen=True)
class InverseScaling(_WithWarmUp):
    """f = ((w + 1) / (t + 1))^power. Robbins and Monro 1951; with a warm-up Vaswani et al. 2017.

    Attributes
    ----------
    power
        0.5 falls as 1 / sqrt(t).
    """

    power: float = 0.5

    name = "inverse_scaling"
    lasting = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("power")

    def _shape(self, after: Float64Array, n_after: int, rising: int) -> Float64Array:
        return np.asarray(((rising + 1.0) / (after + rising + 1.0)) ** self.power, dtype=np.float64)


@dataclass(frozen=True)
class Plateau:
    """Where a `ReduceOnPlateau` stands: all that a run has to remember of it."""

    factor: float = 1.0
    best: float = inf
    epochs: int = 0


@dataclass(frozen=True)
class ReduceOnPlateau(_WithWarmUp):
    """The rate times ``factor`` whenever ``patience`` epochs in a row did not improve what is watched.

    Watched is the validation score or loss where there are validation rows, otherwise the training loss. An epoch
    improves if it is better than the best so far by more than ``tol``. As torch.optim.lr_scheduler.ReduceLROnPlateau.

    Attributes
    ----------
    factor
        What the rate is multiplied by.
    patience
        Epochs without improvement that are borne.
    tol
        The least improvement that counts.
    least
        The factor never falls below this.
    """

    factor: float = 0.1
    patience: int = 5
    tol: float = 1e-4
    least: float = 0.0

    name = "reduce_on_plateau"
    lasting = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("factor", below=1.0)
        self._check("patience")
        self._check("tol")
        self._check("least")

    def observe(self, loss: float, plateau: Plateau) -> Plateau:
        """Return where it stands after an epoch whose watched value, lower being better, is ``loss``."""
        if loss < plateau.best - self.tol:
            return replace(plateau, best=loss, epochs=0)
        if plateau.epochs < self.patience:
            return replace(plateau, epochs=plateau.epochs + 1)
        return replace(plateau, factor=max(plateau.factor * self.factor, self.least), epochs=0)

    def _shape(self, after: Float64Array, n_after: int, rising: int) -> Float64Array:
        return np.ones_like(after)


@dataclass(frozen=True)
class OwnSchedule:
    """A user's function: step of the run -> factor."""

    function: Callable[[int], float]
    spans_run: ClassVar[bool] = False

    def factors(self, steps: IntArray, n_steps: int) -> Float64Array:
        """Return the factor on the learning rate of each of ``steps``; raises `InputError` for one that is none."""
        found = np.array([self.function(int(step)) for step in steps], dtype=np.float64)
        wrong = ~(np.isfinite(found) & (found >= 0))
        if wrong.any():
            raise InputError(
                f"schedule: the function returned {found[wrong][0]} for step {int(np.asarray(steps)[wrong][0])}; "
                "it must return a factor on learning_rate_init, a finite number >= 0"
            )
        return found


SCHEDULES: Mapping[str, type[_WithWarmUp]] = {
    kind.name: kind for kind in (Constant, Step, Cosine, OneCycle, InverseScaling, ReduceOnPlateau)
}
ScheduleLike: TypeAlias = str | Mapping[str, Any] | Callable[[int], float] | Schedule | None


def make_schedule(given: ScheduleLike) -> Schedule | None:
    """Return the schedule that a name, a mapping with ``name`` and fields, or a function stands for.

    Examples
    --------
    >>> make_schedule({"name": "cosine", "warm_up": 0.1})
    Cosine(warm_up=0.1, final=0.0)

    Raises
    ------
    InputError
        For a name or field that doesn't exist, or a value that makes no sense.
    """
    if given is None or isinstance(given, (_WithWarmUp, OwnSchedule)):
        return given
    if callable(given):
        return OwnSchedule(given)
    entry = {"name": given} if isinstance(given, str) else dict(given) if isinstance(given, Mapping) else {}
    name: Any = entry.pop("name", None)
    if name not in SCHEDULES:
        raise InputError(
            f"schedule must be one of {', '.join(SCHEDULES)}, a mapping with such a name, or a function, got {given!r}"
        )
    kind = SCHEDULES[name]
    known = [field.name for field in fields(kind)]
    unknown = [key for key in entry if key not in known]
    if unknown:
        raise InputError(f"schedule {name!r} has no field {unknown[0]!r}; it has {', '.join(known)}")
    return kind(**entry)


def describe_schedule(schedule: Schedule | None) -> dict[str, Any] | str | None:
    """Return a schedule as plain data; a user's function is named only."""
    if isinstance(schedule, _WithWarmUp):
        entries = asdict(schedule).items()
        return {"name": schedule.name} | {key: list(v) if isinstance(v, tuple) else v for key, v in entries}
    if isinstance(schedule, OwnSchedule):
        return f"function {getattr(schedule.function, '__qualname__', type(schedule.function).__name__)}"
    return None


def _half_cosine(start: float, end: float, u: Float64Array) -> Float64Array:
    """From start (u = 0) to end (u = 1)."""
    return np.asarray(end + 0.5 * (start - end) * (1.0 + np.cos(np.pi * u)), dtype=np.float64)

"""A training run that can be stepped, changed, and come back to at any of its steps, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.board.snapshots import Snapshots
from chainrule.engine import Program, Trainer, UpdateRule, compile_graph, permutation
from chainrule.errors import InputError
from chainrule.graph import Graph

BUDGET = 256 << 20  # bytes of snapshots
SPACING = 32  # steps from snapshot to snapshot, at first: replaying them takes milliseconds
FIRST_ROOM = 1024  # steps


@dataclass(frozen=True)
class Recipe:
    """How the parameters move.

    Attributes
    ----------
    rule
        The optimizer.
    learning_rate
        Of every step.
    batch_size
        Rows of a step; an epoch's last batch may be smaller.
    seed
        Of the order of the rows and of dropout.
    n_threads
        0 uses all cores; the numbers don't depend on it.
    """

    rule: UpdateRule
    learning_rate: float
    batch_size: int
    seed: int = 0
    n_threads: int = 0


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows that a step learns from, and dropout's noise in it.

    Attributes
    ----------
    rows
        (b,) indices.
    noise
        By noise node, as `chainrule.graph.forward` takes it.
    """

    rows: IntArray
    noise: Mapping[str, Float64Array]


@dataclass(frozen=True)
class _Edit:
    """An entry of the flat vector was set."""

    place: int
    value: float


@dataclass(frozen=True)
class _Stretch:
    """Steps with one recipe, from the ``first`` on, with which ``epoch`` begins.

    The optimizer counts from ``origin``.
    """

    first: int
    epoch: int
    origin: int
    recipe: Recipe


@dataclass(frozen=True, eq=False)
class _Kept:
    parameters: Array
    slots: Array
    stretch: _Stretch

    @property
    def nbytes(self) -> int:
        return int(self.parameters.nbytes + self.slots.nbytes)


class Course:
    """A run of minibatch training over rows, from its first step to the furthest one that was reached.

    Step t is the state after t updates. Going back replays from the last snapshot before. Editing a parameter and
    changing the recipe are part of the run, and make it forget what came after.

    Parameters
    ----------
    graph
        What is trained.
    X, labels
        (m, d) float32 or float64; what the graph's labels take.
    recipe
        How.
    start
        (P,) parameters at step 0.
    budget
        Bytes that snapshots may take.

    Attributes
    ----------
    step
        Where the run stands.
    furthest
        The last step that was reached since the last change.
    stopped_at
        The step whose loss is NaN or infinite, at which the run has ended; None while all is well.
    """

    def __init__(
        self, graph: Graph, X: Array, labels: Array, recipe: Recipe, start: Array, *, budget: int = BUDGET
    ) -> None:
        self.graph, self.X, self.labels = graph, X, labels
        self.program: Program = compile_graph(graph)
        self.step = self.furthest = 0
        self.stopped_at: int | None = None
        self._snapshots: Snapshots[_Kept] = Snapshots(budget, SPACING)
        self._events: dict[int, list[_Edit | _Stretch]] = {}
        self._losses = np.empty(FIRST_ROOM)
        self._order: tuple[int, IntArray] = -1, np.empty(0, dtype=np.int64)
        self._begin(_Stretch(0, 0, 0, recipe), np.asarray(start))
        self._keep_if_due()

    @property
    def recipe(self) -> Recipe:
        """How the next step will be taken."""
        return self._stretch.recipe

    @property
    def parameters(self) -> Array:
        """(P,) at the present step, read-only, in the dtype of the rows."""
        view = self._trainer.parameters.view()
        view.flags.writeable = False
        return view

    @property
    def losses(self) -> Float64Array:
        """(furthest,) the loss of each step's batch before its update, in nats, read-only."""
        view = self._losses[: self.furthest]
        view.flags.writeable = False
        return view

    @property
    def nbytes(self) -> int:
        """Bytes that the past takes."""
        return self._snapshots.nbytes + self._losses.nbytes

    @property
    def seed_and_step(self) -> tuple[int, int]:
        """What dropout's noise in the next step is a function of."""
        return self.recipe.seed, self.step - self._stretch.origin

    def batch(self) -> Batch:
        """Return what the next step learns from."""
        epoch, place = self._epoch_and_place()
        size = self.recipe.batch_size
        rows = self._rows_of(epoch)[place * size : (place + 1) * size]
        return Batch(rows, self.program.noise(len(rows), *self.seed_and_step))

    def advance(self, n_steps: int = 1) -> int:
        """Take some steps; return how many were taken: fewer where the loss turns NaN or infinite."""
        first = self.step
        self._run_to(first + n_steps)
        return self.step - first

    def seek(self, step: int) -> None:
        """Go to a step of the run, back or forth.

        Raises
        ------
        InputError
            If the run has not been there.
        """
        if not 0 <= step <= self.furthest:
            raise InputError(f"step must be one from 0 to {self.furthest}, where the run has been, got {step}")
        kept, state = self._snapshots.latest(step)
        if not kept <= self.step <= step:  # else the present is the nearer one to go on from
            self._begin(state.stretch, state.parameters, state.slots)
            self.step = kept
        self._run_to(step)

    def edit(self, place: int, value: float) -> None:
        """Set an entry of the flat vector; later steps are forgotten.

        Raises
        ------
        InputError
            If the value is not finite in the run's dtype.
        """
        number = self._trainer.parameters.dtype.type(value)
        if not isfinite(number):
            raise InputError(f"a parameter must be a finite number, got {value}")
        self._do(_Edit(place, float(number)))

    def change(self, recipe: Recipe) -> None:
        """Go on with another recipe; later steps are forgotten. Another optimizer begins with nothing remembered."""
        epoch, place = self._epoch_and_place()
        goes_on = recipe.rule == self.recipe.rule
        self._do(_Stretch(self.step, epoch + (place > 0), self._stretch.origin if goes_on else self.step, recipe))

    def _do(self, event: _Edit | _Stretch) -> None:
        self.furthest, self.stopped_at = self.step, None
        self._events = {at: events for at, events in self._events.items() if at <= self.step}
        self._events.setdefault(self.step, []).append(event)
        self._snapshots.forget_from(self.step)
        self._apply(event)
        self._keep_if_due()

    def _apply(self, event: _Edit | _Stretch) -> None:
        if isinstance(event, _Edit):
            self._trainer.parameters[event.place] = event.value
            return
        goes_on = event.origin < event.first or event.recipe.rule == self.recipe.rule
        self._begin(event, self._trainer.parameters, self._trainer.slots if goes_on else None)

    def _begin(self, stretch: _Stretch, parameters: Array, slots: Array | None = None) -> None:
        """Go on with a stretch's recipe from these parameters."""
        recipe = stretch.recipe
        if slots is None or stretch is not getattr(self, "_stretch", None):
            self._trainer = Trainer(
                self.program, self.X, self.labels, parameters=parameters, rule=recipe.rule,
                batch_size=recipe.batch_size, seed=recipe.seed, n_threads=recipe.n_threads,
            )  # fmt: skip
            self._stretch = stretch
            self._n_batches = -(-len(self.X) // recipe.batch_size)
            self._order = -1, self._order[1]
        else:
            self._trainer.parameters[...] = parameters
        if slots is not None:
            self._trainer.slots[...] = slots

    def _run_to(self, target: int) -> None:
        while self.step < target:
            epoch, place = self._epoch_and_place()
            stops = [target, self._snapshots.next_due(self.step), self.step + self._n_batches - place]
            stops += [at for at in self._events if at > self.step]
            size = min(stops) - self.step
            rates = np.full(size, self.recipe.learning_rate)
            taken = self._trainer.steps(self._rows_of(epoch), place, rates, self.step - self._stretch.origin)
            self._write_down(taken.losses[: size - 1] if taken.nonfinite else taken.losses)
            if taken.nonfinite:
                self.stopped_at = self.step
                return
            for event in self._events.get(self.step, ()):
                self._apply(event)
            self._keep_if_due()

    def _write_down(self, losses: Float64Array) -> None:
        end = self.step + len(losses)
        if end > len(self._losses):
            grown = np.empty(max(2 * len(self._losses), end))
            grown[: self.furthest] = self._losses[: self.furthest]
            self._losses = grown
        self._losses[self.step : end] = losses
        self.step = end
        self.furthest = max(self.furthest, end)

    def _keep_if_due(self) -> None:
        if self._snapshots.is_due(self.step):
            state = _Kept(self._trainer.parameters.copy(), self._trainer.slots.copy(), self._stretch)
            self._snapshots.keep(self.step, state)

    def _epoch_and_place(self) -> tuple[int, int]:
        """Return the epoch of the next step, and which of its batches that takes."""
        epochs, place = divmod(self.step - self._stretch.first, self._n_batches)
        return self._stretch.epoch + epochs, place

    def _rows_of(self, epoch: int) -> IntArray:
        """Return the order of the rows in an epoch; where a batch holds them all there is nothing to shuffle."""
        if self._order[0] != epoch:
            m = len(self.X)
            order = np.arange(m, dtype=np.int64) if self._n_batches == 1 else permutation(m, self.recipe.seed, epoch)
            self._order = epoch, order
        return self._order[1]

"""Where a board's run stands, and what can be asked of it; knows neither threads nor pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.blas import in_one_thread
from chainrule.board.course import Course
from chainrule.board.marks import Mark, Marks
from chainrule.board.scene import Network, Scene
from chainrule.errors import InputError
from chainrule.graph import Sweep, forward
from chainrule.inspection.subject import Subject

Phase: TypeAlias = Literal["forward", "loss", "backward", "update"]
PHASES: tuple[Phase, ...] = ("forward", "loss", "backward", "update")
JUDGED = (200, 2000)  # rows whose loss and accuracy are looked at, fewest and most, evenly spaced where there are more
JUDGING_WORK = 1e8  # multiply-adds of one look at them
CHARTED = 25  # marks that a jump of many steps leaves behind


@dataclass(frozen=True)
class Focus:
    """What drives the board: one row of the data as if it were alone (m = 1), or the batch of the next step.

    Attributes
    ----------
    row
        Index; None for the batch.
    """

    row: int | None = None


BATCH = Focus()


@dataclass(frozen=True, eq=False)
class Judgement:
    """Some rows as the network sees them now.

    Attributes
    ----------
    rows
        (n,) indices.
    probabilities
        (n, K).
    losses
        (n,) cross-entropy in nats, without penalties.
    """

    rows: IntArray
    probabilities: Float64Array
    losses: Float64Array


class Stage:
    """A scene, its run, and the phase of the step that is shown.

    Attributes
    ----------
    scene
        Rows and network.
    course
        The run.
    phase
        How far the present step has been shown: `PHASES`.
    walking
        Whether the step is shown phase by phase, as a run begins; after whole steps all of it is shown at once.
    revision
        Counts scenes: another network or other rows.
    version
        Counts changes of the parameters, other than by steps.
    """

    def __init__(self, scene: Scene) -> None:
        self.revision = 0
        self.version = 0
        self.put(scene)

    def put(self, scene: Scene) -> None:
        """Begin anew with a scene."""
        self.scene = scene
        self.course = Course(scene.graph, scene.X, scene.labels, scene.recipe, scene.start)
        self.phase: Phase = "forward"
        self.walking = True
        self.marks = Marks()
        self.revision += 1
        self._subjects: dict[Focus, Subject] = {}
        self._judgement: Judgement | None = None
        m, most = len(scene.X), int(np.clip(JUDGING_WORK // max(1, scene.graph.parameters.size), *JUDGED))
        self.judged = np.arange(m) if m <= most else np.linspace(0, m - 1, most).astype(np.int64)
        self.weights = tuple(name for name, shape in scene.graph.parameters.items() if len(shape) == 2)

    @property
    def flat(self) -> Float64Array:
        """(P,) the parameters in float64, which represents them exactly."""
        return self.course.parameters.astype(np.float64)

    def advance(self, n_steps: int = 1) -> int:
        """Take whole steps; return how many were taken."""
        self._show_all()
        return self.course.advance(n_steps)

    @in_one_thread
    def advance_marked(self, n_steps: int = 1) -> int:
        """Take whole steps, and measure the first of them for the timeline."""
        if self.course.step in self.marks or self.course.stopped_at is not None:
            return self.advance(n_steps)
        step, before = self.course.step, self.flat
        accuracy, norms = self.accuracy(), self._gradient_norms()
        taken = self.advance(1)
        if taken:
            views = self.scene.graph.parameters.views
            moved, held = views(self.flat - before), views(before)
            ratios = [_ratio(moved[name], held[name]) for name in self.weights]
            self.marks.add(step, Mark(accuracy, norms, np.array(ratios)))
        return taken + (self.advance(n_steps - 1) if taken and n_steps > 1 else 0)

    def advance_charted(self, n_steps: int) -> None:
        """Take whole steps, and measure some of them, evenly spaced, for the timeline."""
        part = -(-n_steps // CHARTED)
        while n_steps > 0 and (taken := self.advance_marked(min(part, n_steps))):
            n_steps -= taken

    def next_phase(self) -> None:
        """Show the forward phase where all was shown, else one phase more; after the update the next step begins."""
        if self.phase == "update":
            self.advance_marked(1)
        elif self.walking:
            self.phase = PHASES[PHASES.index(self.phase) + 1]
        self.walking = True

    def back(self) -> None:
        """Go back to the beginning of the step, or of the one before."""
        if self.phase != "forward":
            self.phase = "forward"
        elif self.course.step > 0:
            self.seek(self.course.step - 1)

    def seek(self, step: int) -> None:
        """Go to a step where the run has been."""
        self.course.seek(step)
        self._show_all()

    def edit(self, place: int, value: float) -> None:
        """Set an entry of the parameters' flat vector."""
        self.course.edit(place, value)
        self._changed()

    def change_network(self, network: Network) -> None:
        """Go on with another recipe, or begin anew where the graph is another one."""
        if network.has_same_graph(self.scene.network):
            self.scene = self.scene.with_recipe(network)
            self.course.change(self.scene.recipe)
            self._changed()
        else:
            self.put(self.scene.with_network(network))

    def sweep(self, focus: Focus) -> Sweep:
        """Return every value and gradient at the present step: in float64, by the readable sweep."""
        subject = self.subject(focus)
        return Sweep(subject.graph, subject.values, subject.gradients)

    @in_one_thread
    def subject(self, focus: Focus) -> Subject:
        """Return the same for `chainrule.inspection`, whose functions share one sweep at a moment; it is computed."""
        if focus not in self._subjects:
            graph = self.scene.graph
            X, labels, noise = self._examples(focus)
            found = Subject(
                graph=graph, parameters=self.flat, X={graph.of_kind("data")[0].name: X.astype(np.float64)},
                labels=labels, rows=np.arange(len(X)) if focus.row is None else np.array([focus.row]), noise=noise,
                sample=focus.row,
            )  # fmt: skip
            _ = found.values, found.gradients
            self._subjects[focus] = found
        return self._subjects[focus]

    def _examples(self, focus: Focus) -> tuple[Array, IntArray, Mapping[str, Float64Array]]:
        """Return rows, labels and dropout's noise of what drives the board; a row alone meets no noise."""
        scene = self.scene
        if focus.row is None:
            batch = self.course.batch()
            return scene.X[batch.rows], scene.labels[batch.rows], batch.noise
        self.check_row(focus.row)
        row = slice(focus.row, focus.row + 1)
        return scene.X[row], scene.labels[row], {}

    @in_one_thread
    def judge(self) -> Judgement:
        """Return probabilities and losses of the rows that are looked at."""
        if self._judgement is None:
            graph, rows = self.scene.graph, self.judged
            probabilities = forward(graph, self.flat, self.scene.X[rows])[str(graph.output)]
            with np.errstate(divide="ignore"):
                losses = -np.log(probabilities[np.arange(len(rows)), self.scene.labels[rows]])
            self._judgement = Judgement(rows, probabilities, losses)
        return self._judgement

    def accuracy(self) -> float:
        """Return the share of the rows that are looked at whose class is the most probable one."""
        judged = self.judge()
        return float((judged.probabilities.argmax(axis=1) == self.scene.labels[judged.rows]).mean())

    def check_row(self, row: int) -> None:
        """Raise `InputError` unless there is such a row."""
        if not 0 <= row < len(self.scene.X):
            raise InputError(f"row must be one from 0 to {len(self.scene.X) - 1}, got {row}")

    def _gradient_norms(self) -> Float64Array:
        batch, course = self.course.batch(), self.course
        seed_and_step = course.seed_and_step if batch.noise else None
        _, gradient = course.program.value_and_gradient(
            course.parameters, self.scene.X[batch.rows], self.scene.labels[batch.rows], seed_and_step=seed_and_step
        )
        views = self.scene.graph.parameters.views(gradient)
        return np.array([float(np.linalg.norm(views[name])) for name in self.weights])

    def _changed(self) -> None:
        self.version += 1
        self.marks.forget_from(self.course.step)
        self._show_all()

    def _show_all(self) -> None:
        self.phase, self.walking = "forward", False
        self._forget()

    def _forget(self) -> None:
        self._subjects.clear()
        self._judgement = None


def _ratio(moved: Array, held: Array) -> float:
    size = float(np.linalg.norm(held))
    return float(np.linalg.norm(moved)) / size if size > 0.0 else float("inf")

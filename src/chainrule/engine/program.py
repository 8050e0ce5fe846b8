"""A graph compiled for the kernels: predicts, gives value and gradient, takes training steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from math import isfinite
from typing import Any, TypeAlias

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import _kernels
from chainrule.engine.instructions import Instructions
from chainrule.engine.lower import lower_for_prediction, lower_for_training
from chainrule.engine.update_rule import UpdateRule
from chainrule.errors import InputError
from chainrule.graph import Graph

Native: TypeAlias = "_kernels.ProgramFloat32 | _kernels.ProgramFloat64"
Rows: TypeAlias = Any
"""Rows of data, (m, d) float32 or float64: an array, a SciPy CSR array, or either by name of the data node."""


@dataclass(frozen=True)
class Program:
    """A graph and the instructions that compute it, forward and backward.

    Results are the same to the last bit whatever ``n_threads`` is. Float32 and float64 programs are made when rows
    of that dtype first come.
    """

    graph: Graph

    @cached_property
    def for_prediction(self) -> Instructions:
        """The instructions that compute the output."""
        return lower_for_prediction(self.graph)

    @cached_property
    def for_training(self) -> Instructions:
        """The instructions that compute the loss and its gradient."""
        return lower_for_training(self.graph)

    @cached_property
    def _compiled(self) -> dict[tuple[str, str], Native]:
        return {}

    def native(self, kind: str, dtype: np.dtype[Any]) -> Any:
        """Return the native program for ``prediction`` or ``training`` on rows of a dtype."""
        try:
            return self._compiled[kind, dtype.char]
        except KeyError:
            instructions = self.for_prediction if kind == "prediction" else self.for_training
            compiled = self._compiled[kind, dtype.char] = _compile(self.graph, instructions, dtype)
            return compiled

    def predict(self, flat: Array, X: Rows, n_threads: int = 0) -> Array:
        """Return the graph's output for rows ``X`` (m, d), (m, K) in their dtype; dropout lets everything pass.

        Parameters
        ----------
        flat
            (P,) the parameters.
        X
            Rows of data.
        n_threads
            0 uses all cores.
        """
        if type(X) is np.ndarray:
            dtype, rows = X.dtype, X  # a row at a time: microseconds count
        else:
            dtype, rows = _dtype_of(X), _native_rows(X, self.for_prediction.data)
        native = self.native("prediction", dtype)
        output: Array = native.predict(np.ascontiguousarray(flat, dtype=dtype), rows, n_threads)
        return output

    def value_and_gradient(
        self,
        flat: Array,
        X: Rows,
        labels: IntArray,
        sample_weight: Float64Array | None = None,
        *,
        seed_and_step: tuple[int, int] | None = None,
        n_threads: int = 0,
    ) -> tuple[float, Float64Array]:
        """Return the graph's loss over all rows and its gradient by the flat vector.

        Parameters
        ----------
        flat
            (P,) the parameters.
        X, labels, sample_weight
            Rows; (m,) class indices, or (m, K) of 0 and 1 for a sigmoid cross-entropy; (m,) weights or None.
        seed_and_step
            Numbers that dropout's noise is a function of (see `noise`); None lets everything pass.
        n_threads
            0 uses all cores.
        """
        dtype = _dtype_of(X)
        examples = Examples.of(self, X, labels, sample_weight)
        gradient = np.zeros(self.graph.parameters.size, dtype=dtype)
        value = self.native("training", dtype).value_and_gradient(
            np.ascontiguousarray(flat, dtype=dtype),
            examples.rows,
            examples.labels,
            examples.sample_weight,
            gradient,
            seed_and_step,
            n_threads,
        )
        return value, gradient.astype(np.float64)

    def noise(self, n_rows: int, seed: int, step: int) -> dict[str, Float64Array]:
        """Return the uniform numbers of every noise node in a step, for the readable sweep to use the same."""
        found = {}
        for stream, node in enumerate(self.graph.of_kind("noise")):
            shape = [n_rows if extent == "m" else int(extent) for extent in self.graph.shape(node.name)]
            found[node.name] = _kernels.uniform(seed, stream, step, int(np.prod(shape))).reshape(shape)
        return found


@dataclass(frozen=True)
class Examples:
    """Rows, labels and weights as the native program takes them."""

    rows: Any
    labels: Array
    sample_weight: Float64Array | None
    n_rows: int

    @staticmethod
    def of(program: Program, X: Rows, labels: Array, sample_weight: Array | None) -> Examples:
        """Check what the native program needs and does not check itself."""
        instructions = program.for_training
        dtype = _dtype_of(X)
        sigmoid = any(loss.sigmoid for loss in instructions.losses)
        y = np.ascontiguousarray(labels, dtype=dtype if sigmoid else np.int64)
        weights = None if sample_weight is None else np.ascontiguousarray(sample_weight, dtype=np.float64)
        if weights is not None and not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise InputError("sample_weight must be finite numbers >= 0 with a positive sum")
        return Examples(_native_rows(X, instructions.data), y, weights, len(y))


@dataclass(frozen=True)
class StepsTaken:
    """What `Trainer.steps` did.

    Attributes
    ----------
    losses
        The loss of each batch before its update, penalties included, (steps,), in nats.
    nonfinite
        Whether the last of ``losses`` is NaN or infinite; that batch's update was left out.
    """

    losses: Float64Array
    nonfinite: bool


class Trainer:
    """Rows, parameters and an optimizer's state: takes steps.

    A run is a function of what it is given: the same bits for any number of threads and however the steps are cut
    into calls.

    Parameters
    ----------
    program
        The compiled graph.
    X, labels, sample_weight
        As for `Program.value_and_gradient`.
    parameters
        (P,) where to start.
    rule
        The optimizer.
    batch_size
        Rows per step; an epoch's last batch may be smaller.
    seed
        Of dropout's noise.
    n_threads
        0 uses all cores.

    Attributes
    ----------
    parameters
        (P,) in the dtype of ``X``, where they stand now; may be written to between calls.
    slots
        (n_slots, P) likewise: what the optimizer keeps.
    """

    def __init__(
        self,
        program: Program,
        X: Rows,
        labels: Array,
        sample_weight: Float64Array | None = None,
        *,
        parameters: Array,
        rule: UpdateRule,
        batch_size: int,
        seed: int = 0,
        n_threads: int = 0,
    ) -> None:
        dtype = _dtype_of(X)
        self.parameters: Array = np.array(parameters, dtype=dtype)
        self.slots: Array = np.zeros((rule.n_slots, len(self.parameters)), dtype=dtype)
        examples = Examples.of(program, X, labels, sample_weight)
        training = _kernels.TrainingFloat32 if dtype.char == "f" else _kernels.TrainingFloat64
        self._native = training(
            program=program.native("training", dtype),
            rows=examples.rows,
            labels=examples.labels.copy(),  # the kernels trust them from now on
            weights=examples.sample_weight,
            parameters=self.parameters,
            slots=self.slots,
            rule=asdict(rule),
            batch_size=batch_size,
            seed=seed,
            n_threads=n_threads,
        )

    def steps(self, order: IntArray, first: int, learning_rates: Float64Array, step: int) -> StepsTaken:
        """Take ``len(learning_rates)`` steps, one per batch.

        Parameters
        ----------
        order
            (m,) the epoch's order of the rows; batch b is ``order[b * batch_size : (b + 1) * batch_size]``.
        first
            The first batch.
        learning_rates
            One per step.
        step
            Steps taken in the run so far (adam's t is one more; dropout's noise is a function of seed and step).
        """
        losses = np.empty(len(learning_rates))
        taken = self._native.steps(order, first, learning_rates, step, losses)
        losses = losses[:taken]
        return StepsTaken(losses, taken > 0 and not isfinite(losses[-1]))


def compile_graph(graph: Graph) -> Program:
    """Return the program for a graph.

    Raises
    ------
    UnsupportedError
        If no kernel covers the graph; the message names the first node without one.
    """
    program = Program(graph)
    if graph.loss is not None:
        _ = program.for_training
    if graph.output is not None:
        _ = program.for_prediction
    return program


def permutation(n: int, seed: int, epoch: int) -> IntArray:
    """Return the order of ``n`` rows in an epoch: a function of seed and epoch alone."""
    return _kernels.permutation(n, seed, epoch)


def _compile(graph: Graph, instructions: Instructions, dtype: np.dtype[Any]) -> Native:
    if dtype.char not in "fd":
        raise InputError(f"X must be float32 or float64, got {dtype}")
    penalties = dict(instructions.penalties)
    layout = graph.parameters
    parameters = []
    for name, shape in layout.items():
        rows, columns = (int(np.prod(shape[:-1])), shape[-1]) if shape else (1, 1)
        parameters.append((layout.where(name).start, rows, columns, penalties.get(name, 0.0), len(shape) > 1))
    kind = _kernels.ProgramFloat32 if dtype.char == "f" else _kernels.ProgramFloat64
    return kind(
        **{
            part: [instruction.as_numbers() for instruction in getattr(instructions, part)]
            for part in ("forward", "backward", "reductions", "fixed_forward", "fixed_backward")
        },
        losses=[
            (loss.coefficient, loss.sigmoid, loss.weighted, list(loss.class_weight), loss.label_smoothing)
            for loss in instructions.losses
        ],
        parameters=parameters,
        data_columns=[int(graph.shape(name)[1]) for name in instructions.data],
        output=list(instructions.output.as_numbers()),
        arena_columns=instructions.arena_columns,
        fixed_size=instructions.fixed_size,
        n_parameters=layout.size,
    )


def _dtype_of(X: Rows) -> np.dtype[Any]:
    first = next(iter(X.values())) if isinstance(X, Mapping) else X
    dtype: np.dtype[Any] = first.dtype
    return dtype


def _native_rows(X: Rows, data: tuple[str, ...]) -> Any:
    if not isinstance(X, Mapping):
        return _rows_of_one(X)
    for name in data:
        if name not in X:
            raise InputError(f"node {name!r} (data) needs rows: give X={{name: array}}")
    return [_rows_of_one(X[name]) for name in data]


def _rows_of_one(X: Any) -> Any:
    """Return an array as it is, sparse rows as (values, columns, row_starts)."""
    if isinstance(X, np.ndarray):
        return X
    X = X.tocsr()
    X.check_format(full_check=True)  # the kernels trust its indices
    return X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64)

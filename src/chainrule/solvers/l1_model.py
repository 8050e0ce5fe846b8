"""The quadratic model of the softmax loss among some coefficients, minimised with an l1 penalty.

Where the Hessian is worth its cost it is added up, and a minimum is exact (`HeldHessian`). Where it is too large, as
for text, coordinate descent and conjugate gradients go through the rows' non-zeros instead (`RowsHessian`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from chainrule._typing import Float64Array, IntArray
from chainrule.engine import SparseRows, _kernels
from chainrule.solvers.damping import FIRST, Sizes

LEAST = 1e-7  # of the mean curvature: less damping changes nothing
SWEEPS = 100.0  # that one model takes
SWEEP_ROWS = 5.0  # entries that a row costs a class, beside its own
VECTOR = 8.0  # multiply-adds of a matrix product in the time of an entry that is looked up


class L1Model(Sizes, Protocol):
    """A quadratic, and how to minimise it plus an l1 penalty."""

    @property
    def first_damping(self) -> float:
        """Damping to begin with, where a model with hardly any curvature somewhere is dear to minimise."""

    def minimise(
        self,
        gradient: Float64Array,
        start: Float64Array,
        l1: Float64Array,
        damping: Float64Array,
        *,
        accuracy: float,
        most: float,
    ) -> tuple[Float64Array, float]:
        """Return a step (n,) and step . H step, the curvature along it without what ``damping`` adds.

        The step minimises gradient . step + step (H + diag(damping)) step / 2 + sum_j l1_j |start_j + step_j|, to
        ``accuracy``, a share of what it promises; or it promises more than ``most``. What it takes to zero is exactly
        zero there.
        """


class HeldHessian:
    """The Hessian (n, n) as it is; ``penalised`` (n,) says which entries `scale` counts."""

    first_damping = 0.0

    def __init__(self, hessian: Float64Array, penalised: Float64Array) -> None:
        self._hessian = hessian
        self._penalised = penalised

    @cached_property
    def scale(self) -> float:
        """Mean curvature along the penalised entries."""
        penalised = self._penalised
        return float(self._hessian.diagonal() @ penalised / penalised.sum()) if penalised.any() else 1.0

    @property
    def least(self) -> float:
        """See `L1Model`."""
        return LEAST * self.scale

    felt = least

    def minimise(
        self,
        gradient: Float64Array,
        start: Float64Array,
        l1: Float64Array,
        damping: Float64Array,
        *,
        accuracy: float,
        most: float,
    ) -> tuple[Float64Array, float]:
        """Return step and curvature along it; see `L1Model`."""
        step, slope = _kernels.minimise_l1_quadratic(
            self._hessian, damping, gradient, start, l1, accuracy=accuracy, most=most
        )
        return step, float(step @ (slope - gradient - damping * step))


@dataclass(frozen=True)
class RowsHessian:
    """The rows, and whose coefficients the entries are; see `chainrule.engine.SparseRows.minimise_l1`."""

    rows: SparseRows
    centre: Float64Array
    probabilities: Float64Array
    columns: IntArray
    classes: IntArray
    l2: Float64Array
    scale: float

    @property
    def least(self) -> float:
        """See `L1Model`."""
        return LEAST * self.scale

    felt = least

    @property
    def first_damping(self) -> float:
        """See `L1Model`."""
        return FIRST * self.scale

    def minimise(
        self,
        gradient: Float64Array,
        start: Float64Array,
        l1: Float64Array,
        damping: Float64Array,
        *,
        accuracy: float,
        most: float,
    ) -> tuple[Float64Array, float]:
        """Return step and curvature along it; see `L1Model`."""
        return self.rows.minimise_l1(
            self.centre, self.probabilities, self.columns, self.classes, gradient, start, l1, self.l2, damping,
            accuracy=accuracy, most=most,
        )  # fmt: skip


def costs_less_by_rows(rows: SparseRows, columns: IntArray, n_outputs: int) -> bool:
    """Return whether coordinate descent through the rows is the cheaper way, for entries of such ``columns`` (n,)."""
    m, d = rows.shape
    n = len(columns)
    sweep = rows.entries_of(columns[columns < d]) + SWEEP_ROWS * m * n_outputs
    return SWEEPS * sweep < m * n * n / 2 / VECTOR + n**3 / 3 / VECTOR

"""A network's loss over all its rows, as solvers see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule._typing import Array, Float64Array
from chainrule.engine import Program


@dataclass(frozen=True)
class ProgramObjective:
    """The loss of a compiled graph over rows held in an array, without the noise of dropout.

    Attributes
    ----------
    program
        The compiled graph.
    X, labels
        (m, d) float32 or float64, an array or CSR; what the graph's labels take.
    sample_weight
        (m,), None counts each row once.
    n_threads
        0 uses all cores.
    """

    program: Program
    X: Any
    labels: Array
    sample_weight: Float64Array | None = None
    n_threads: int = 0

    @property
    def size(self) -> int:
        """Length of the flat vector."""
        return self.program.graph.parameters.size

    def value_and_gradient(self, w: Float64Array) -> tuple[float, Float64Array]:
        """Return value (nats) and gradient at ``w`` in one pass over the rows."""
        return self.program.value_and_gradient(w, self.X, self.labels, self.sample_weight, n_threads=self.n_threads)

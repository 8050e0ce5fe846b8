"""The softmax classifier's objective as solvers see it: value, gradient, Hessian, preconditioner."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.engine import SoftmaxProgram, _kernels
from chainrule.solvers.preconditioner import choose_preconditioner, weighted_means
from chainrule.solvers.solution import LinearMap


class SoftmaxObjective:
    """(1/S) sum_i s_i CE_i + lambda/2 ||W||^2 over rows held in an array, on centred columns.

    With an intercept the columns are centred, without touching the data: the solver works on (W, c) with
    ``X W + b = (X - means) W + c``, so that a column's large mean does not couple W to the intercept.

    Parameters
    ----------
    program
        The compiled graph.
    X, labels
        (m, d) float32 or float64; (m,) int64 in 0..K-1.
    sample_weight
        (m,), None counts each row once.
    n_threads
        0 uses all cores.
    centred
        Whether to centre; without an intercept columns stay as they are.
    """

    def __init__(
        self,
        program: SoftmaxProgram,
        X: Array,
        labels: Array,
        sample_weight: Float64Array | None = None,
        *,
        n_threads: int = 0,
        centred: bool = True,
    ) -> None:
        self.program = program
        self.X = X
        self.labels = labels
        self.n_threads = n_threads
        weights = program.row_weights(labels, sample_weight)
        mass = float(len(labels)) if weights is None else float(weights.sum())
        self.shares = np.full(len(labels), 1.0 / mass) if weights is None else weights / mass
        centre = centred and program.bias is not None
        self.means = weighted_means(X, self.shares) if centre else np.zeros(program.n_features)
        self.strength = sum(strength for name, strength in program.penalties if name == program.weight)
        self.passes = 0
        self._probabilities = np.empty((len(labels), program.n_outputs), dtype=X.dtype)

    @property
    def size(self) -> int:
        """Length of the flat vector."""
        return self.program.graph.parameters.size

    def from_parameters(self, flat: Float64Array) -> Float64Array:
        """Return the solver's vector (W, c) for parameters (W, b)."""
        return self._shift(flat, 1.0)

    def to_parameters(self, w: Float64Array) -> Float64Array:
        """Return the parameters (W, b) for the solver's vector (W, c)."""
        return self._shift(w, -1.0)

    def value_and_gradient(self, w: Float64Array) -> tuple[float, Float64Array]:
        """Return value (nats) and gradient at ``w`` in one pass over the rows."""
        weight, bias = self.program.split(self.to_parameters(w), self.X.dtype)
        self.passes += 1
        loss, d_weight, d_bias = _kernels.softmax_value_and_gradient(
            self.X,
            weight,
            bias,
            self.labels,
            self.shares,
            n_threads=self.n_threads,
            probabilities=self._probabilities,
            reference_logit=self.program.reference_logit,
            label_smoothing=self.program.label_smoothing,
        )
        parameter = self._weight(w)
        penalty = 0.5 * self.strength * float((parameter * parameter).sum())
        return loss + penalty, self._gather(d_weight, d_bias, parameter)

    def hessian_vector(self, v: Float64Array) -> Float64Array:
        """Return the Hessian at the last point times ``v`` in one pass over the rows."""
        direction, bias = self.program.split(self.to_parameters(v), self.X.dtype)
        self.passes += 1
        h_weight, h_bias = _kernels.softmax_hessian_vector(
            self.X,
            self._probabilities,
            self.shares,
            direction,
            bias,
            n_threads=self.n_threads,
            reference_logit=self.program.reference_logit,
        )
        return self._gather(h_weight, h_bias, self._weight(v))

    def preconditioner(self) -> LinearMap:
        """Return an approximate inverse of the Hessian at the last point."""
        return choose_preconditioner(
            self.X,
            self.means,
            self._probabilities,
            self.shares,
            strength=self.strength,
            fit_intercept=self.program.bias is not None,
        )

    def _weight(self, w: Float64Array) -> Float64Array:
        return self.program.graph.parameters.views(w)[self.program.weight]

    def _shift(self, flat: Float64Array, sign: float) -> Float64Array:
        moved = flat.copy()
        if self.program.bias is not None:
            views = self.program.graph.parameters.views(moved)
            views[self.program.bias] += sign * (self.means @ views[self.program.weight])
        return moved

    def _gather(self, d_weight: Float64Array, d_bias: Float64Array, parameter: Float64Array) -> Float64Array:
        """Turn sums over raw rows into the flat vector over centred ones, with the penalty's share."""
        flat = np.zeros(self.size)
        views = self.program.graph.parameters.views(flat)
        views[self.program.weight][...] = d_weight - np.outer(self.means, d_bias) + self.strength * parameter
        if self.program.bias is not None:
            views[self.program.bias][...] = d_bias
        return flat

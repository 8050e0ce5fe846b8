"""The softmax classifier's objective as solvers see it: value, gradient, Hessian, certificate."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Float64Array
from chainrule.engine import SoftmaxProgram
from chainrule.engine.rows import DenseRows
from chainrule.solvers.curvature import Point, choose_kind, curvature_at
from chainrule.solvers.solution import Curvature

MAX_TILT = 0.5  # so that no probability turns negative
ROUNDING = 8.0 * float(np.finfo(np.float64).eps)  # relative, of value and bound


class SoftmaxObjective:
    """sum_i s_i CE_i + lambda/2 ||W||^2 over rows whose shares s_i sum to 1, on centred columns.

    With an intercept the columns are centred, without touching the data: the solver works on (W, c) with
    ``X W + b = (X - means) W + c``, so that a column's large mean does not couple W to the intercept. What the classes
    have in common, which the loss does not see, is taken out.

    Parameters
    ----------
    program
        The compiled graph.
    rows
        The data.
    centred
        Whether to centre; without an intercept columns stay as they are.
    full
        Whether `curvature` is all of the Hessian; None lets the cost decide.
    """

    def __init__(
        self, program: SoftmaxProgram, rows: DenseRows, *, centred: bool = True, full: bool | None = None
    ) -> None:
        self.program = program
        self.rows = rows
        m, d = rows.shape
        self.centre = rows.means if centred and program.bias is not None else np.zeros(d)
        self.strength = sum(strength for name, strength in program.penalties if name == program.weight)
        self.passes = 0
        self._probabilities = np.empty((m, program.n_outputs))
        self.penalised = np.ones(self.size)
        if program.bias is not None:
            program.graph.parameters.views(self.penalised)[program.bias][...] = 0.0
        # The intercept is damped as a column of mean spread would be, in units of the logits that it moves.
        spread = float((rows.deviations**2).mean()) if d else 0.0
        self._intercept_damped = 1.0 / spread if spread > 0.0 else 1.0
        self.damped = self.penalised + (1.0 - self.penalised) * self._intercept_damped
        self._kind = choose_kind(rows, program.n_outputs, program.bias is not None, full)

    @property
    def size(self) -> int:
        """Length of the flat vector."""
        return self.program.graph.parameters.size

    @property
    def curvature_kind(self) -> str:
        """Which part of the Hessian is worth its cost."""
        return self._kind[0]

    def from_parameters(self, flat: Float64Array) -> Float64Array:
        """Return the solver's vector (W, c) for parameters (W, b)."""
        return self._shift(flat, 1.0)

    def to_parameters(self, w: Float64Array) -> Float64Array:
        """Return the parameters (W, b) for the solver's vector (W, c)."""
        return self._shift(w, -1.0)

    def value_and_gradient(self, w: Float64Array) -> tuple[float, Float64Array]:
        """Return value (nats) and gradient at ``w`` in one pass over the rows."""
        weight, bias = self.program.split(self.to_parameters(w), np.dtype(np.float64))
        self.passes += 1
        loss, d_weight, d_bias = self.rows.value_and_gradient(weight, bias, self._probabilities)
        parameter = self._weight(w)
        penalty = 0.5 * self.strength * float((parameter * parameter).sum())
        return loss + penalty, self._gather(d_weight, d_bias) + self.strength * self.penalised * w

    def hessian_vector(self, v: Float64Array) -> Float64Array:
        """Return the Hessian at the last point times ``v`` in one pass over the rows."""
        return self._loss_hessian_vector(v) + self.strength * self.penalised * v

    def curvature(self) -> Curvature:
        """Return the part of the Hessian at the last point that is worth its cost."""
        self.passes += 1
        point = Point(
            rows=self.rows,
            centre=self.centre,
            probabilities=self._probabilities,
            strength=self.strength,
            intercept=None if self.program.bias is None else self._intercept_damped,
        )
        return curvature_at(point, *self._kind)

    def gap(self, value: float, gradient: Float64Array, wanted: float) -> float | None:
        """Return a proven upper bound of value minus optimum at the last point.

        Any probabilities p' whose columns of diag(s) (p' - Y) add up to 0 bound the optimum from below by Fenchel's
        duality (Y one-hot labels). With V = X^T diag(s) (p' - Y) value minus bound is

            sum_i s_i KL(p'_i || p_i) + ||V + lambda W||^2 / (2 lambda),

        p being the model's. The intercept's gradient says how far p is from adding up; p' = p (1 + e),
        e_ik = t_k - sum_j p_ij t_j, adds up exactly if t solves (sum_i s_i (diag(p_i) - p_i p_i^T)) t = -gradient.
        KL(p'_i || p_i) is at most sum_k p_ik e_ik^2, whose sum is -t . gradient. What rounding leaves of the gradient
        is cleared by a little of the classes' shares mixed in.

        Costs a pass over the rows, but where the second term alone exceeds ``wanted``: then, and where p is too far
        from adding up, it is the value itself, the objective being positive. None without a penalty.
        """
        if self.strength == 0.0:
            return None
        if self.residual_size(gradient) / (2.0 * self.strength) > wanted:
            return value
        divergence = 0.0
        if self.program.bias is not None:
            d_bias = self._bias(gradient)
            tilt = self._tilt(d_bias)
            if tilt is None:
                return value
            move = np.zeros(self.size)
            self._bias(move)[...] = tilt
            gradient = gradient + self._loss_hessian_vector(move, exact=True)
            divergence = max(-float(tilt @ d_bias), 0.0) + self._cost_of_rest(self._bias(gradient))
        bound = divergence + self.residual_size(gradient) / (2.0 * self.strength) + ROUNDING * abs(value)
        return min(bound, value)

    def residual_size(self, residual: Float64Array) -> float:
        """Return the squared norm of the weights' part."""
        weights = self._weight(residual)
        return float((weights * weights).sum())

    def residual_for(self, gap: float) -> float:
        """Return the squared norm with which the bound is a tenth of ``gap``."""
        return 0.2 * self.strength * gap

    def _tilt(self, d_bias: Float64Array) -> Float64Array | None:
        """Return the change of the intercept that takes its gradient away, to first order; None if it is large."""
        p = self._probabilities
        weighted = self.rows.shares[:, None] * p
        variance = np.diag(weighted.sum(axis=0)) - weighted.T @ p
        if self.program.reference_logit:
            small = abs(float(d_bias[0])) <= MAX_TILT * float(variance[0, 0])
            return -d_bias / max(float(variance[0, 0]), np.finfo(np.float64).tiny) if small else None
        tilt = -np.asarray(np.linalg.lstsq(variance, d_bias, rcond=None)[0], dtype=np.float64)
        return tilt if float(tilt.max() - tilt.min()) <= MAX_TILT else None

    def _cost_of_rest(self, d_bias: Float64Array) -> float:
        """Return what it adds to the bound to mix in so much of other probabilities that d_bias becomes 0."""
        rest = np.append(-d_bias.sum(), d_bias) if self.program.reference_logit else d_bias
        shares = np.bincount(self.rows.labels, weights=self.rows.shares, minlength=len(rest))
        if not rest.any():
            return 0.0
        if (shares + rest <= 0.0).any():
            return np.inf
        mixed = float((rest / (shares + rest)).max())
        p = self._probabilities
        least = min(p.min(), 1.0 - p.max()) if self.program.reference_logit else p.min()
        return mixed * -float(np.log(max(least, np.finfo(np.float64).tiny)))

    def _loss_hessian_vector(self, v: Float64Array, *, exact: bool = False) -> Float64Array:
        weight, bias = self.program.split(self.to_parameters(v), np.dtype(np.float64))
        self.passes += 1
        return self._gather(*self.rows.hessian_vector(self._probabilities, weight, bias, exact=exact))

    def _bias(self, w: Float64Array) -> Float64Array:
        return self.program.graph.parameters.views(w)[self.program.bias or ""]

    def _weight(self, w: Float64Array) -> Float64Array:
        return self.program.graph.parameters.views(w)[self.program.weight]

    def _shift(self, flat: Float64Array, sign: float) -> Float64Array:
        moved = flat.copy()
        views = self.program.graph.parameters.views(moved)
        if self.program.bias is not None:
            views[self.program.bias] += sign * (self.centre @ views[self.program.weight])
        return moved

    def _gather(self, d_weight: Float64Array, d_bias: Float64Array) -> Float64Array:
        """Turn sums over raw rows into the flat vector over centred ones."""
        flat = np.zeros(self.size)
        views = self.program.graph.parameters.views(flat)
        views[self.program.weight][...] = d_weight - np.outer(self.centre, d_bias)
        if self.program.bias is not None:
            views[self.program.bias][...] = d_bias
        return flat

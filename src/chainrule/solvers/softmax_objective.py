"""The softmax classifier's objective as solvers see it: value, gradient, Hessian, certificate."""

from __future__ import annotations

import numpy as np

from chainrule._typing import Float64Array, IntArray
from chainrule.engine import DenseRows, SoftmaxProgram, SparseRows, _kernels
from chainrule.solvers.curvature import Point, choose_kind, cost_of_sampled, curvature_at, reason_for
from chainrule.solvers.l1_model import HeldHessian, L1Model, RowsHessian, costs_less_by_rows
from chainrule.solvers.solution import Curvature

SHRINKAGES = 1.0 - np.append(0.0, np.logspace(-6, 0, 13))  # of theta, from 1 to where no |V| is above
MAX_TILT = 0.5  # so that no probability turns negative
MOST_TAKEN = 0.999  # of a probability
EXCESSES = 1 << 16  # entries at a time
TINY = float(np.finfo(np.float64).tiny ** 0.5)
ROUNDING = 8.0 * float(np.finfo(np.float64).eps)  # relative, of value and bound


class SoftmaxObjective:
    """sum_i s_i CE_i + lambda/2 ||W||^2 + lambda_1 ||W||_1 over rows whose shares s_i sum to 1, on centred columns.

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
        self, program: SoftmaxProgram, rows: DenseRows | SparseRows, *, centred: bool = True, full: bool | None = None
    ) -> None:
        self.program = program
        self.rows = rows
        m, d = rows.shape
        self.centre = rows.means if centred and program.bias is not None else np.zeros(d)
        self._centre_column = self.centre[:, None]
        self.strength, self._l1 = program.strengths(program.weight)
        layout = program.graph.parameters
        self._weights, self._shape = layout.where(program.weight), layout[program.weight]
        self._intercepts = slice(0, 0) if program.bias is None else layout.where(program.bias)
        self.passes = 0
        self._probabilities = np.empty((m, program.n_outputs))
        self.penalised = np.ones(self.size)
        self._bias(self.penalised)[...] = 0.0
        # The intercept is damped as a column of mean spread would be, in units of the logits that it moves.
        spread = float((rows.deviations**2).mean()) if d else 0.0
        self._intercept_damped = 1.0 / spread if spread > 0.0 else 1.0
        self.damped = np.ones(self.size)
        self._bias(self.damped)[...] = self._intercept_damped
        self._l2 = self.strength * self.penalised  # of each entry
        self._spare = np.empty(self.size)
        held = np.ones(self.size // program.n_outputs)
        held[d:] = self._intercept_damped
        self._point = Point(
            rows=rows, centre=self.centre, probabilities=self._probabilities, strength=self.strength, held=held
        )
        self._kind = choose_kind(rows, program.n_outputs, program.bias is not None, full)
        self._cost_of_sampled = cost_of_sampled(rows, program.n_outputs, program.bias is not None)

    @property
    def size(self) -> int:
        """Length of the flat vector."""
        return self.program.graph.parameters.size

    @property
    def curvature_kind(self) -> str:
        """Which part of the Hessian is worth its cost."""
        return self._kind[0]

    @property
    def curvature_reason(self) -> str:
        """Why that one, in words."""
        return reason_for(self._kind[0], self.rows, self.program.n_outputs, self.program.bias is not None)

    def from_parameters(self, flat: Float64Array) -> Float64Array:
        """Return the solver's vector (W, c) for parameters (W, b)."""
        return self._shift(flat, 1.0)

    def to_parameters(self, w: Float64Array) -> Float64Array:
        """Return the parameters (W, b) for the solver's vector (W, c)."""
        return self._shift(w, -1.0)

    def without_common_part(self, flat: Float64Array) -> Float64Array:
        """Return parameters (W, b) that add up to 0 over the classes, but for an l1 penalty's weights."""
        if self.program.reference_logit:
            return flat
        moved = flat.copy()
        for name, parameter in self.program.graph.parameters.views(moved).items():
            if name == self.program.bias or self._l1 == 0.0:
                parameter -= parameter.mean(axis=-1, keepdims=True)
        return moved

    def value_and_gradient(self, w: Float64Array) -> tuple[float, Float64Array]:
        """Return value (nats) and gradient at ``w`` in one pass over the rows; an l1 penalty is left out."""
        self.passes += 1
        self._last = w
        loss, d_weight, d_bias = self.rows.value_and_gradient(*self._split(w), self._probabilities)
        gradient = self._gather(d_weight, d_bias)
        pull = np.multiply(self._l2, w, out=self._spare)
        gradient += pull
        return loss + 0.5 * float(pull @ w), gradient

    def hessian_vector(self, v: Float64Array) -> Float64Array:
        """Return the Hessian at the last point times ``v`` in one pass over the rows."""
        self.passes += 1
        product = self._loss_hessian_vector(v)
        product += np.multiply(self._l2, v, out=self._spare)
        return product

    def curvature(self) -> Curvature:
        """Return the part of the Hessian at the last point that is worth its cost."""
        if self._kind[0] != "full" and self.passes >= self._cost_of_sampled:
            # Blocks have not done it for what this costs: together at most about twice what either would have.
            self._kind = "sampled", self._cost_of_sampled
        return curvature_at(self._point, *self._kind)

    @property
    def l1(self) -> Float64Array:
        """The l1 penalty's strength for each entry of the flat vector."""
        return self._l1 * self.penalised

    def model_among(self, entries: IntArray) -> L1Model:
        """Return the quadratic model at the last point among ``entries`` (n,), ascending."""
        columns, classes = np.divmod(entries, self.program.n_outputs)
        penalised = self.penalised[entries]
        if isinstance(self.rows, SparseRows) and costs_less_by_rows(self.rows, columns, self.program.n_outputs):
            return RowsHessian(
                self.rows, self.centre, self._probabilities, columns, classes, self.strength * penalised,
                scale=self._typical_curvature(columns),
            )  # fmt: skip
        hessian = self.rows.hessian(self.centre, self._probabilities, columns, classes)
        if self.program.bias is not None and self.program.n_outputs > 1:
            # The loss does not see what the intercepts have in common: any curvature there keeps it where it is.
            first = int(np.searchsorted(columns, len(self.centre)))  # of the intercepts, which come last
            among = hessian[first:, first:]
            among += among.trace() / len(among) + TINY if len(among) else 0.0
        if self.strength > 0.0:
            diagonal = np.einsum("jj->j", hessian)
            diagonal += self.strength * penalised
        return HeldHessian(hessian, penalised)

    def _typical_curvature(self, columns: IntArray) -> float:
        """Return the mean curvature along some columns, as if they had nothing to do with the probabilities."""
        p = self._probabilities
        squares = self.rows.deviations[columns[columns < len(self.centre)]] ** 2
        return float(squares.mean()) * float((p * (1.0 - p)).mean()) + self.strength if len(squares) else 1.0

    def settle(self, w: Float64Array) -> Float64Array:
        """Return the point of least penalty that the loss can't tell from ``w``.

        The loss does not see what the classes have in common. Of a column's coefficients plus a number the sum of
        absolute values is least if their median is 0; with an l2 part too that is left to the solver.
        """
        if self.program.reference_logit or self.strength > 0.0:
            return w
        outputs = self.program.n_outputs
        weight = self._weight(w)
        # Where zero lies between the middle two the penalty can't be less, as where most are zero.
        (some,) = np.nonzero((weight != 0.0).sum(axis=1) > (outputs - 1) // 2)
        middle = np.sort(weight[some], axis=1)[:, (outputs - 1) // 2 : outputs // 2 + 1]
        shift = np.where((middle[:, 0] <= 0.0) & (middle[:, -1] >= 0.0), 0.0, middle[:, 0])
        if not shift.any():
            return w
        settled = w.copy()
        self._weight(settled)[some] -= shift[:, None]
        return settled

    def gap(
        self, value: float, gradient: Float64Array, wanted: float, towards: Float64Array | None = None
    ) -> float | None:
        """Return a proven upper bound of value minus optimum at the last point.

        Any probabilities p' whose columns of diag(s) (p' - Y) add up to 0 bound the optimum from below by Fenchel's
        duality (Y one-hot labels). With V = X^T diag(s) (p' - Y), p the model's probabilities, R the penalty and R* its
        conjugate, value minus bound is

            sum_i s_i KL(p'_i || p_i) + R(W) + R*(-V) + V . W,

        the latter ||V + lambda W||^2 / (2 lambda) for an l2 penalty. The intercept's gradient says how far p is from
        adding up; p' = p (1 + e), e_ik = t_k - sum_j p_ij t_j, adds up exactly if t solves
        (sum_i s_i (diag(p_i) - p_i p_i^T)) t = -gradient. KL(p'_i || p_i) is at most sum_k p_ik e_ik^2, whose sum is
        -t . gradient. What rounding leaves of the gradient is cleared by a little of the classes' shares mixed in.
        An l1 penalty wants no |V| above its strength: see `_shrunk`.

        Costs a pass over the rows, but where the penalty's part alone exceeds ``wanted``: then, and where p is too far
        from adding up, it is the value itself, the objective being positive. None without a penalty.

        With ``towards``, a step to the minimum of the quadratic model, e is what the step does to first order: see
        `_ahead`. Then V is within the l1 penalty's strength as far as the model is at its minimum, and the bound is of
        second order in the step. Costs two passes.
        """
        if self._l1 == 0.0:
            if self.strength == 0.0:
                return None
            if self.residual_size(gradient) > 2.0 * self.strength * wanted:
                return value
        penalty = 0.5 * self.strength * self.residual_size(self._last) + self._l1 * float(
            np.abs(self._weight(self._last)).sum()
        )
        loss = value - penalty
        divergence = 0.0
        if towards is not None:
            gradient, divergence = self._ahead(gradient, towards)
            divergence += self._cost_of_rest(self._bias(gradient)) if self.program.bias is not None else 0.0
            return min(self._shrunk(gradient, divergence, loss) + ROUNDING * abs(value), value)
        if self._l1 > 0.0 and self._shrunk(gradient, 0.0, loss) > wanted:
            return value
        if self.program.bias is not None:
            d_bias = self._bias(gradient)
            tilt = self._tilt(d_bias)
            if tilt is None:
                return value
            move = np.zeros(self.size)
            self._bias(move)[...] = tilt
            gradient = gradient + self._loss_hessian_vector(move, exact=True)
            divergence = max(-float(tilt @ d_bias), 0.0) + self._cost_of_rest(self._bias(gradient))
        return min(self._shrunk(gradient, divergence, loss) + ROUNDING * abs(value), value)

    def _ahead(self, gradient: Float64Array, step: Float64Array) -> tuple[Float64Array, float]:
        """Return the gradient at p' = p (1 + t e) and a bound of sum_i s_i KL(p'_i || p_i), for a step (W, c).

        e_ik = u_ik - sum_j p_ij u_ij with u = X W + c: the probabilities move so to first order, the gradient by
        t H step, and the divergence is at most t^2 step . H step. t is 1, or as much as leaves no probability negative.
        """
        moved = self._loss_hessian_vector(step, exact=True)
        logits = self.rows.logits(*self._split(step))
        e = logits - (self._probabilities * logits).sum(axis=1, keepdims=True)
        least = float(e.min())
        if self.program.reference_logit:  # the class whose logit stays 0
            least = min(least, float((-self._probabilities * logits).min()))
        t = min(1.0, -MOST_TAKEN / least) if least < 0.0 else 1.0
        divergence = t * t * max(float(step @ moved), 0.0)
        return gradient + t * moved, divergence

    def _shrunk(self, gradient: Float64Array, divergence: float, loss: float) -> float:
        """Return the bound with the best of some p'' = theta p' + (1 - theta) Y, ``gradient`` that of p' and l2.

        They add up as p' does, V'' = theta V, and KL(p''_i || p_i) is at most theta KL(p'_i || p_i) + (1 - theta) CE_i,
        the divergence being convex. Without an l1 penalty theta = 1 is best.
        """
        weight = self._weight(self._last)
        if self._l1 == 0.0:
            return divergence + self.residual_size(gradient) / (2.0 * self.strength)
        pull = self._weight(gradient) - self.strength * weight  # V
        size = np.abs(pull)
        own = float((self._l1 * np.abs(weight) + 0.5 * self.strength * weight * weight).sum())
        cross = float((pull * weight).sum())
        largest = float(size.max(initial=0.0))
        feasible = 1.0 if largest <= self._l1 else self._l1 / largest
        thetas = feasible + (1.0 - feasible) * SHRINKAGES if self.strength > 0.0 else np.full(1, feasible)
        bounds = thetas * (divergence + cross) + (1.0 - thetas) * loss + own
        if self.strength > 0.0:
            bounds += _squared_excess(thetas, size[size > self._l1], self._l1) / (2.0 * self.strength)
        return max(float(bounds.min()), 0.0)

    def is_separated(self) -> bool:
        """Return whether there is no penalty and each row's class is the likeliest one at the last point.

        Then all margins are positive, and the same weights times any larger number do better (Albert and Anderson
        1984, "On the existence of maximum likelihood estimates in logistic regression models").
        """
        if self.strength > 0.0 or self._l1 > 0.0:
            return False
        p, labels = self._probabilities, self.rows.labels
        if self.program.reference_logit:
            right = np.where(labels == 1, p[:, 0] > 0.5, p[:, 0] < 0.5)
        else:
            rows = np.arange(len(labels))
            others = p.copy()
            others[rows, labels] = -1.0
            right = p[rows, labels] > others.max(axis=1)
        return bool((right | (self.rows.shares == 0.0)).all())

    def residual_size(self, residual: Float64Array) -> float:
        """Return the squared norm of the weights' part."""
        weights = residual[self._weights]
        return float(weights @ weights)

    def residual_for(self, gap: float) -> float:
        """Return the squared norm with which the bound is a tenth of ``gap``."""
        return 0.2 * self.strength * gap

    def _tilt(self, d_bias: Float64Array) -> Float64Array | None:
        """Return the change of the intercept that takes its gradient away, to first order; None if it is large."""
        p = self._probabilities
        variance = (-self.rows.shares * p.T) @ p
        np.einsum("kk->k", variance)[...] += self.rows.shares @ p
        if self.program.reference_logit:
            small = abs(float(d_bias[0])) <= MAX_TILT * float(variance[0, 0])
            return -d_bias / max(float(variance[0, 0]), np.finfo(np.float64).tiny) if small else None
        # What the classes have in common, which the variance does not see, d_bias has none of.
        tilt = -_kernels.Cholesky(variance + variance.trace() / variance.size).solve(d_bias)
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
        weight, bias = self._split(v)
        return self._gather(*self.rows.hessian_vector(self._probabilities, weight, bias, exact=exact))

    def _bias(self, w: Float64Array) -> Float64Array:
        return w[self._intercepts]

    def _weight(self, w: Float64Array) -> Float64Array:
        return w[self._weights].reshape(self._shape)

    def _shift(self, flat: Float64Array, sign: float) -> Float64Array:
        moved = flat.copy()
        if self.program.bias is not None:
            bias = self._bias(moved)
            bias += sign * (self.centre @ self._weight(moved))
        return moved

    def _split(self, w: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return weight and bias of the parameters for the solver's vector, of which only the bias is another."""
        weight = self._weight(w)
        if self.program.bias is None:
            return weight, np.zeros(self._shape[1])
        return weight, self._bias(w) - self.centre @ weight

    def _gather(self, d_weight: Float64Array, d_bias: Float64Array) -> Float64Array:
        """Turn sums over raw rows into the flat vector over centred ones."""
        flat = np.empty(self.size)
        weight = self._weight(flat)
        np.multiply(self._centre_column, d_bias, out=weight)
        np.subtract(d_weight, weight, out=weight)
        if self.program.bias is not None:
            flat[self._intercepts] = d_bias
        return flat


def _squared_excess(thetas: Float64Array, sizes: Float64Array, most: float) -> Float64Array:
    """Return sum_j max(theta sizes_j - most, 0)^2 for each theta."""
    total = np.zeros(len(thetas))
    for start in range(0, len(sizes), EXCESSES):
        excess = np.multiply.outer(thetas, sizes[start : start + EXCESSES])
        excess -= most
        np.maximum(excess, 0.0, out=excess)
        total += np.einsum("tj,tj->t", excess, excess)
    return total

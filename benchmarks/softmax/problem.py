"""The problem that every solver is given, and how far from its optimum an answer is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

PENALTIES = {"l2": 0.0, "elastic-net": 0.5, "l1": 1.0, "none": 0.0}  # and their l1_ratio; none: C is infinite


@dataclass(frozen=True)
class Problem:
    """mean CE + (1 / (C m)) ((1 - r) / 2 ||W||^2 + r ||W||_1), intercept free, two classes as one logit."""

    X: Any
    y: np.ndarray
    C: float
    l1_ratio: float

    @property
    def n_classes(self) -> int:
        return int(self.y.max()) + 1

    @property
    def is_penalised(self) -> bool:
        return bool(np.isfinite(self.C))

    @property
    def is_sparse(self) -> bool:
        return bool(sp.issparse(self.X))

    @cached_property
    def doubles(self) -> Any:
        """The rows in float64: from float32 ones most libraries make float32 sums, which end above 1e-6."""
        return self.X.astype(np.float64, copy=False)

    def objective(self, coef: np.ndarray, intercept: np.ndarray) -> float:
        """Return the value in nats, in float64, for coefficients (K or 1, d) and (K or 1,)."""
        coef = np.atleast_2d(np.asarray(coef, dtype=np.float64))
        logits = np.empty((len(self.y), len(coef)))
        for first in range(0, len(self.y), 8192):
            rows = self.X[first : first + 8192]
            logits[first : first + 8192] = rows.astype(np.float64) @ coef.T
        logits += np.asarray(intercept, dtype=np.float64).reshape(1, -1)
        if len(coef) == 1:
            logits = np.hstack([np.zeros_like(logits), logits])
        top = logits.max(axis=1)
        losses = top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - logits[np.arange(len(self.y)), self.y]
        penalty = 0.5 * (1.0 - self.l1_ratio) * float((coef**2).sum()) + self.l1_ratio * float(np.abs(coef).sum())
        return float(losses.mean()) + penalty / (self.C * len(self.y))

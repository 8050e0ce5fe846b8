"""Parameters of scikit-learn's LogisticRegression that it is about to drop, for code that still names them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.errors import InputError

DEPRECATED = "deprecated"  # scikit-learn's own mark for "not given"
PENALTIES: dict[Any, str] = {
    "l2": "l1_ratio=0",
    "l1": "l1_ratio=1",
    "elasticnet": "l1_ratio between 0 and 1",
    None: "C=np.inf",
}


def resolve_penalty(penalty: Any, C: float, l1_ratio: Any) -> tuple[float, Any]:
    """Return C and l1_ratio with ``penalty`` taken into account, as scikit-learn 1.9 does."""
    if isinstance(penalty, str) and penalty == DEPRECATED:
        if l1_ratio is None:
            _warn("'l1_ratio=None' was deprecated by scikit-learn: use a number from 0 to 1", FutureWarning)
            l1_ratio = 0.0
        return C, l1_ratio
    if penalty not in PENALTIES:
        raise InputError(f"penalty must be 'l2', 'l1', 'elasticnet' or None, got {penalty!r}. Better leave it out.")
    _warn(f"'penalty' was deprecated by scikit-learn: instead of {penalty!r} use {PENALTIES[penalty]}", FutureWarning)
    if penalty is None:
        if C != 1.0:
            _warn("Setting penalty=None will ignore the C and l1_ratio parameters", UserWarning)
        return np.inf, 0.0
    if penalty == "elasticnet":
        if l1_ratio is None:
            raise InputError("l1_ratio must be specified when penalty is elasticnet")
        return C, l1_ratio
    wanted = 1.0 if penalty == "l1" else 0.0
    if l1_ratio not in (wanted, None):
        _warn(
            f"Inconsistent values: penalty={penalty} with l1_ratio={l1_ratio}. l1_ratio parameter is only used when "
            f"penalty is 'elasticnet'. Got (penalty={penalty})",
            UserWarning,
        )
    return C, wanted


def check_ignored(*, dual: Any, solver: str, intercept_scaling: Any, n_jobs: Any) -> None:
    """Say what has no effect here.

    Which problem liblinear solves, the primal or the dual one, makes no difference to the optimum.
    """
    if dual and solver != "liblinear":
        raise InputError(
            f"Solver {solver} supports only dual=False, got dual=True: leave it out, the optimum is the same"
        )
    if intercept_scaling != 1:
        _warn("intercept_scaling has no effect: the intercept is not penalised", UserWarning)
    if n_jobs is not None:
        _warn(f"'n_jobs' has no effect, got {n_jobs!r}: n_threads says how many threads to use", FutureWarning)


def _warn(message: str, category: type[Warning]) -> None:
    warnings.warn(message, category, stacklevel=5)

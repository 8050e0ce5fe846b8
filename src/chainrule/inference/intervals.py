"""From estimates and standard errors to tests and intervals, by the normal distribution."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from chainrule._typing import Float64Array
from chainrule.errors import InputError


class NormalTests(NamedTuple):
    """Arrays of the estimates' shape."""

    z: Float64Array
    p_values: Float64Array
    lower: Float64Array
    upper: Float64Array


def normal_tests(estimates: Float64Array, errors: Float64Array, confidence: float) -> NormalTests:
    """Return estimates over errors, two-sided p-values of 0, and the ends of intervals.

    Raises
    ------
    InputError
        If ``confidence`` isn't between 0 and 1.
    """
    check_confidence(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = estimates / errors
    reach = float(norm.ppf(0.5 + confidence / 2.0)) * errors
    return NormalTests(z, 2.0 * norm.sf(np.abs(z)), estimates - reach, estimates + reach)


def check_confidence(confidence: float) -> None:
    """Refuse what is no share, 95 for instance."""
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence must be a number between 0 and 1, 0.95 for instance, got {confidence!r}")

"""Checks of options."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import InputError


def check_number(
    name: str, value: Any, *, least: float | None = None, above: float | None = None, finite: bool = True
) -> None:
    """Raise `InputError`, naming the option, unless ``value`` is a number >= ``least`` or > ``above``."""
    bound = f">= {least:g}" if least is not None else f"> {above:g}"
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    fits = is_number and not np.isnan(value) and (not finite or np.isfinite(value))
    if not fits or (least is not None and value < least) or (above is not None and value <= above):
        raise InputError(f"{name} must be a number {bound}, got {value!r}")

"""BLAS held to one thread: sums then don't depend on how many there are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _controller() -> Any:
    import scipy.linalg  # noqa: F401  (the solvers' BLAS is to be there when the controller looks for it)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread() -> Any:
    """Return a context in which NumPy's and SciPy's BLAS use one thread."""
    return _controller().limit(limits=1, user_api="blas")


def in_one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function run with BLAS in one thread."""

    @wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        with one_thread():
            return function(*args, **kwargs)

    return held

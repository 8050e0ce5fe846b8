"""Ctrl-C, put off while it would do harm.

An extension module that is interrupted while it loads may end the whole process (C++ aborts) or call it a failed
import. So Ctrl-C waits while modules load, and counts the moment they are there.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

_pressed = threading.Event()


def hold() -> bool:
    """Let Ctrl-C wait from now on, and return whether it does.

    It does not if it waits already, is ignored (a background job), or is not this thread's business.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return False
    signal.signal(signal.SIGINT, _remember)
    return True


def let_go() -> None:
    """End what `hold` began; one that waited is forgotten."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _pressed.clear()


@contextmanager
def held() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done."""
    if not hold():
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _raise_if_pressed()


@contextmanager
def allowed() -> Iterator[None]:
    """Let Ctrl-C through after `hold`; one that waited comes at once. Afterwards it waits again."""
    if signal.getsignal(signal.SIGINT) is not _remember:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _raise_if_pressed()
        yield
    finally:
        hold()


def load(*modules: str) -> None:
    """Import modules while Ctrl-C waits."""
    with held():
        for module in modules:
            import_module(module)


def _remember(number: int, frame: FrameType | None) -> None:
    _pressed.set()


def _raise_if_pressed() -> None:
    if _pressed.is_set():
        _pressed.clear()
        raise KeyboardInterrupt

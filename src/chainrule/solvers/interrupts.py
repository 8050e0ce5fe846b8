"""Ctrl-C that waits for a moment at which everything is in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_between_steps() -> Iterator[Callable[[], None]]:
    """Put Ctrl-C off until the block calls what it is given, which raises KeyboardInterrupt if it was pressed.

    Parameters have moved when a step is done, but for a moment the counters have not: an interrupt in between would
    leave a state that can't be resumed to the same bits. Another handler than Python's is put off likewise. Outside the
    main thread, where no signal arrives, and where Ctrl-C is ignored, nothing changes.
    """
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    if not is_main or not callable(handler):
        yield lambda: None
        return
    pressed: list[FrameType | None] = []

    def come_due() -> None:
        if pressed:
            frame = pressed.pop()
            pressed.clear()
            handler(signal.SIGINT, frame)

    signal.signal(signal.SIGINT, lambda number, frame: pressed.append(frame))
    try:
        yield come_due
    finally:
        signal.signal(signal.SIGINT, handler)

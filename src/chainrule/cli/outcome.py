"""How a command ends: the words on stderr and the exit status.

========  =====================================================================
0         done
1         what came in cannot be used, or the system refused: one or two lines
2         usage (typer says it)
70        a bug of chainrule; CHAINRULE_DEBUG=1 shows the traceback
130       Ctrl-C
141       the reader of a pipe went away (``| head``): says nothing
========  =====================================================================
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

from chainrule.cli import screen
from chainrule.errors import ChainruleError

BAD_INPUT = 1
BUG = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE


_written: list[str] = []
_checkpoints: list[str] = []
_flags: dict[str, str] = {}


def begin() -> None:
    """Forget what an earlier command in this process wrote."""
    _written.clear()
    _checkpoints.clear()
    _flags.clear()


def can_resume(path: str | os.PathLike[str]) -> None:
    """Remember where a run is kept as it goes, in case Ctrl-C ends it."""
    _checkpoints.append(os.fspath(path))


def options_are(flags: Mapping[str, str]) -> None:
    """Remember the option behind each field, for an error about a field to name what was typed."""
    _flags.update(flags)


def wrote(path: str | os.PathLike[str]) -> None:
    """Remember that a file is written whole, in case Ctrl-C ends the command later."""
    _written.append(f"'{os.fspath(path)}'")


def end(error: BaseException) -> int:
    """Say on stderr what ended the command, and return the exit status."""
    if isinstance(error, BrokenPipeError):
        _forget_output()
        return BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt):
        what = f"{' and '.join(_written)} was written, nothing else." if _written else "nothing was written."
        kept = [path for path in _checkpoints if os.path.exists(path)]  # noqa: PTH110 text in, no Path needed
        if kept and not _written:
            what = f"no model was written. The run is kept in '{kept[0]}': the same command with --resume goes on."
        screen.say("Interrupted", what, "yellow")
        return INTERRUPTED
    if isinstance(error, ChainruleError):
        screen.say("Error", _in_options(str(error)), "red")
        return BAD_INPUT
    if isinstance(error, MemoryError):
        screen.say("Error", f"not enough memory. {error}".strip(), "red")
        return BAD_INPUT
    if isinstance(error, OSError):
        _forget_output()
        where = f"'{error.filename}': " if error.filename else ""
        screen.say("Error", f"{where}{(error.strerror or str(error)).lower()}", "red")
        return BAD_INPUT
    text = " ".join(str(error).split())
    screen.say("Internal error", f"{type(error).__name__}: {text[:300]}", "red")
    screen.say("", "This is a bug of chainrule. CHAINRULE_DEBUG=1 shows where; please report it with that.", "")
    return BUG


def _in_options(message: str) -> str:
    """Return an error's words with options for fields; a plain word is one only in ``solver=x`` and ``solver must``."""
    for name, flag in _flags.items():
        message = re.sub(rf"\b{name}=(?=\S)", f"{flag} ", message)
        message = re.sub(rf"\b{name}\b" if "_" in name else rf"(?<!-)\b{name}(?= must )", flag, message)
    return message


def _forget_output() -> None:
    """Send what is still buffered for stdout nowhere, or Python complains about it at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

"""Writing a file whole or not at all.

The content goes to a temporary file beside the target, to the disk, and then takes the target's name in one
step (POSIX ``rename``). Whatever goes wrong before that, what stood there stays, and the temporary file is
removed.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chainrule.errors import InputError

_REASONS = {
    errno.ENOSPC: "no space is left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than the system allows",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "the file system is read-only",
    errno.ENAMETOOLONG: "the name is too long",
}


@contextmanager
def replacing(path: str | Path, *, scratch: str | None = None) -> Iterator[Path]:
    """Give a path to write to; when the block ends well, what was written there becomes ``path``.

    ``scratch`` names the temporary file; by default its name is random, so that writers don't meet. One writer alone
    had better name it: if its process is killed, what it leaves is overwritten the next time.

    The temporary file is for the block to create, so that its mode follows the umask. A path that is no
    regular file (``/dev/null``, a named pipe) is given as it is: there is nothing to replace. A symbolic link
    stays one; the file it points to is replaced.

    Raises
    ------
    InputError
        If the file cannot be written: says where, why, and that an existing file is untouched. An OSError in
        the block counts as that too.
    """
    shown = str(path)
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        check_target(path)
        try:
            yield target
        except OSError as error:
            raise InputError(f"cannot write '{shown}': {reason(error)}") from error
        return
    temporary = target.with_name(scratch or f".chainrule-{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        _reach_disk(temporary)
        temporary.replace(target)
    except OSError as error:
        raise failure(shown, reason(error)) from error
    finally:
        # After a success it has the target's name; then there is nothing left to remove.
        with suppress(OSError):
            temporary.unlink()
    with suppress(OSError):
        _reach_disk(target.parent)


def failure(path: str | Path, why: str) -> InputError:
    """Return the error that ``path`` could not be written."""
    kept = "The file that was there is untouched." if Path(path).exists() else "Nothing was written."
    return InputError(f"cannot write '{path}': {why}. {kept}")


def check_target(path: str | Path) -> None:
    """Raise InputError unless a file can be written at ``path``; for before the work is done."""
    target = Path(os.path.realpath(path))
    folder = target.parent
    if target.is_dir():
        raise InputError(f"cannot write '{path}': it is a directory. Name a file in it.")
    if target.exists() and not target.is_file():
        if not os.access(target, os.W_OK):
            raise InputError(f"cannot write '{path}': permission is denied.")
        return
    if not folder.exists():
        raise InputError(f"cannot write '{path}': there is no directory '{folder}'. Make it first.")
    if not folder.is_dir():
        raise InputError(f"cannot write '{path}': '{folder}' is not a directory.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"cannot write '{path}': the directory '{folder}' may not be written to. Choose another place."
        )


def reason(error: OSError) -> str:
    """Return in words why the system refused."""
    known = _REASONS.get(error.errno or 0)
    return known or (error.strerror or str(error)).lower()


def _reach_disk(path: Path) -> None:
    """Wait until the file's content (for a directory, its names) is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

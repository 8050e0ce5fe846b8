"""What a session and its pages say to each other: JSON, with arrays beside it.

An array stands in the JSON as ``{"$array": i, "dtype": "f4", "shape": [48, 10]}``, its bytes (little-endian, row
by row) follow as buffer i. Numbers that JSON does not have are the texts "NaN", "Infinity" and "-Infinity". On a wire
that takes one block of bytes a message is the length of the JSON (four bytes), the JSON padded with spaces to a
multiple of eight, then the buffers, each padded likewise.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from chainrule.errors import InputError

DTYPES = {"f4": np.float32, "f8": np.float64, "u1": np.uint8, "i4": np.int32}
_NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
_PADDING = 8
_TEXTS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


@dataclass(frozen=True)
class Message:
    """JSON-able data, and the buffers of its arrays."""

    content: Any
    buffers: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """Return both as one block."""
        text = json.dumps(self.content, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-(len(text) + 4) % _PADDING)
        padded = [buffer + b"\0" * (-len(buffer) % _PADDING) for buffer in self.buffers]
        return struct.pack("<I", len(text)) + text + b"".join(padded)


def compose(value: Any) -> Message:
    """Return a message that says a value made of dicts, lists, numbers, texts and arrays."""
    buffers: list[bytes] = []
    return Message(_plain(value, buffers), tuple(buffers))


def parse_request(text: str | bytes, longest: int) -> dict[str, Any]:
    """Return a page's request ``{id, cmd, args, patient}``.

    Raises
    ------
    InputError
        For anything else, or for more than ``longest`` bytes.
    """
    if len(text) > longest:
        raise InputError(f"a request may have {longest:,} bytes, this one has {len(text):,}")
    try:
        request = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"a request must be JSON: {error}") from None
    fits = (
        isinstance(request, dict)
        and isinstance(request.get("cmd"), str)
        and isinstance(request.get("id"), (int, str))
        and isinstance(request.get("args", {}), dict)
        and isinstance(request.get("patient", False), bool)
    )
    if not fits:
        raise InputError('a request must look like {"id": 1, "cmd": "frame", "args": {}}')
    return {"args": {}, "patient": False, **request}


def _plain(value: Any, buffers: list[bytes]) -> Any:
    if isinstance(value, np.ndarray):
        dtype = _NAMES.get(value.dtype)
        if dtype is None:
            raise TypeError(f"no array of dtype {value.dtype} goes to a page")
        buffers.append(np.ascontiguousarray(value).tobytes())
        return {"$array": len(buffers) - 1, "dtype": dtype, "shape": list(value.shape)}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return _TEXTS[str(value)]
    if isinstance(value, Mapping):
        return {str(key): _plain(entry, buffers) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(entry, buffers) for entry in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"no {type(value).__name__} goes to a page")

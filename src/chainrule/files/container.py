"""A checked safetensors file: one JSON document and named arrays.

The file is an ordinary safetensors file (8 bytes of header length, a JSON header, the arrays' bytes) whose
metadata has one entry, ``chainrule``: a JSON document. The document begins with a checksum: the SHA-256 of
the whole file in which the checksum's own 64 digits are zeros. So every bit of the file is covered, the
header's length and padding included. docs/model-file.md is the format's description.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.errors import InputError, ModelFileError
from chainrule.files.atomic import reason

ENTRY = "chainrule"
LARGEST_HEADER = 100_000_000  # bytes; the safetensors library takes no larger one either
_LENGTH_BYTES = 8
_UNSET = "0" * 64
# How every file begins after its length: the checksum's digits follow.
_BEGINNING = b'{"__metadata__":{"' + ENTRY.encode() + b'":"{\\"checksum\\":\\"'
_DIGITS = slice(_LENGTH_BYTES + len(_BEGINNING), _LENGTH_BYTES + len(_BEGINNING) + 64)
MODEL = "model file"
CHECKPOINT = "checkpoint"
_KNOWN_BEGINNINGS = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF document"),
    (b"\x80\x04\x95", "a Python pickle, which is never loaded: it could run any code"),
    (b"\x80\x05\x95", "a Python pickle, which is never loaded: it could run any code"),
)


def pack(document: Mapping[str, Any], arrays: Mapping[str, Float64Array]) -> bytes:
    """Return the file's bytes; the same content gives the same bytes.

    Parameters
    ----------
    document
        Plain data. ``checksum`` is added, and must sort before every other key.
    arrays
        By name; stored as float64, little endian.

    Raises
    ------
    InputError
        If the document is not plain data, or too large.
    """
    from safetensors.numpy import save

    try:
        text = json.dumps(
            {"checksum": _UNSET, **document},
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
            default=_plain_scalar,
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the model holds something that is not plain data (JSON): {error}") from error
    if len(text) > LARGEST_HEADER // 2:  # quotes and backslashes double when the text becomes a string
        raise InputError(f"the model's description is {len(text):,} bytes long; the model file takes 50,000,000")
    tensors = {name: np.ascontiguousarray(array, dtype="<f8") for name, array in arrays.items()}
    packed = bytearray(save(tensors, metadata={ENTRY: text}))
    if packed[_LENGTH_BYTES : _DIGITS.start] != _BEGINNING or packed[_DIGITS] != _UNSET.encode():
        raise RuntimeError("the safetensors library wrote a header that does not begin as the format says")
    packed[_DIGITS] = hashlib.sha256(packed).hexdigest().encode()
    return bytes(packed)


def unpack(path: Path, kind: str = MODEL) -> tuple[dict[str, Any], dict[str, Float64Array]]:
    """Return document (without the checksum) and arrays of a file that `pack` made.

    Nothing is allocated on the file's word: every length is compared with the file's size first. ``kind`` is what
    messages call the file.

    Raises
    ------
    ModelFileError
        If the file cannot be read, is something else, was cut short or was changed.
    """
    data = _read(path, kind)
    shown = f"the {kind} '{path}'"
    header = _checked_header(shown, data)
    document = _parse_json(shown, header, "header")["__metadata__"][ENTRY]
    content: dict[str, Any] = _parse_json(shown, document, "description")
    content.pop("checksum")
    return content, _arrays(shown, data)


def _read(path: Path, kind: str) -> bytes:
    """Read a file that begins like one of ours."""
    try:
        with path.open("rb") as file:
            start = file.read(_DIGITS.stop)
            _check_beginning(path, start, kind)
            return start + file.read()
    except FileNotFoundError as error:
        raise ModelFileError(f"no such {kind}: '{path}'.{_models_beside(path, kind)}") from error
    except IsADirectoryError as error:
        raise ModelFileError(f"'{path}' is a directory, not a {kind}.{_models_beside(path / 'x', kind)}") from error
    except OSError as error:
        raise ModelFileError(f"the {kind} '{path}' cannot be read: {reason(error)}.") from error


def _models_beside(path: Path, kind: str) -> str:
    found = sorted(entry.name for entry in path.parent.glob("*.chainrule")) if kind == MODEL else []
    if not found:
        return ""
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f" Models in that directory: {', '.join(found[:5])}{more}."


def _check_beginning(path: Path, start: bytes, kind: str) -> None:
    what = kind.removesuffix(" file")
    if not start:
        raise ModelFileError(f"'{path}' is empty (0 bytes), not a {what}. {_ADVICE}")
    head = start[_LENGTH_BYTES : _DIGITS.start]
    same = sum(a == b for a, b in zip(head, _BEGINNING, strict=False))
    if len(start) < _DIGITS.stop and head and same == len(head):
        raise ModelFileError(f"the {kind} '{path}' was cut short: it ends after {len(start)} bytes. {_ADVICE}")
    if head == _BEGINNING:
        return
    # A few wrong bytes are damage; more are another kind of file.
    if same >= len(_BEGINNING) - 4:
        raise ModelFileError(_damaged(f"the {kind} '{path}'"))
    for beginning, named in _KNOWN_BEGINNINGS:
        if start.startswith(beginning):
            raise ModelFileError(f"'{path}' is not a chainrule {what}: it is {named}.")
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if head.startswith(b'{"') and length < LARGEST_HEADER:
        raise ModelFileError(f"'{path}' is a safetensors file, but not one that chainrule wrote.")
    raise ModelFileError(f"'{path}' is not a chainrule {what}. {_WHENCE[kind]}")


def _checked_header(shown: str, data: bytes) -> bytes:
    """Return the JSON header of a file that nobody changed since it was written."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if length > LARGEST_HEADER:
        raise ModelFileError(f"{_damaged(shown)} (Its header claims to be {length:,} bytes long.)")
    end = _LENGTH_BYTES + length
    if end > len(data):
        raise ModelFileError(
            f"{shown} was cut short: it has {len(data):,} bytes, its header alone needs {end:,}. {_ADVICE}"
        )
    header = data[_LENGTH_BYTES:end]
    unset = bytearray(data)
    unset[_DIGITS] = _UNSET.encode()
    if hashlib.sha256(unset).hexdigest().encode() != data[_DIGITS]:
        raise ModelFileError(_changed(shown, header, len(data) - end))
    return header


def _changed(shown: str, header: bytes, n_bytes: int) -> str:
    """Return how a file with a wrong checksum differs from what was written, as far as one can tell."""
    try:
        entries = json.loads(header)
        needed = max(entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return _damaged(shown)
    if not isinstance(needed, int) or needed == n_bytes:
        return _damaged(shown)
    if needed > n_bytes:
        lost = needed - n_bytes
        return f"{shown} was cut short: its last {lost:,} bytes are missing. {_ADVICE}"
    return f"{shown} is damaged: {n_bytes - needed:,} bytes follow after its end. {_ADVICE}"


def _damaged(shown: str) -> str:
    return f"{shown} is damaged: its content does not match its checksum. {_ADVICE}"


_ADVICE = "Copy it again, or train anew."
_WHENCE = {
    MODEL: "Models are what chainrule train or model.save() writes.",
    CHECKPOINT: "Checkpoints are what training writes as it goes.",
}


def _parse_json(shown: str, text: bytes | str, what: str) -> dict[str, Any]:
    """Return a JSON object; anything else, nesting without end and NaN included, raises ModelFileError."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        parsed = json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ModelFileError(f"{shown} cannot be used: its {what} is nested too deeply.") from error
    except (ValueError, TypeError) as error:  # UnicodeDecodeError is a ValueError
        raise ModelFileError(f"{shown} cannot be used: its {what} is not JSON ({error}).") from error
    if not isinstance(parsed, dict):
        raise ModelFileError(f"{shown} cannot be used: its {what} is no JSON object.")
    return parsed


def _arrays(shown: str, data: bytes) -> dict[str, Float64Array]:
    from safetensors import SafetensorError, deserialize

    try:
        tensors: Any = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        problem = str(error).removeprefix("Error while deserializing: ")
        raise ModelFileError(f"{shown} cannot be used: {problem}.") from error
    arrays: dict[str, Array] = {}
    for name, tensor in tensors:
        if tensor["dtype"] != "F64":
            raise ModelFileError(f"{shown} cannot be used: parameter {name!r} is stored as {tensor['dtype']}, not F64.")
        arrays[name] = np.frombuffer(tensor["data"], dtype="<f8").reshape(tensor["shape"])
    return arrays


def _plain_scalar(value: Any) -> Any:
    """Return a NumPy scalar as Python's own; json asks for what it does not know."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r}")

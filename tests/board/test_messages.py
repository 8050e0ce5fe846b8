"""What goes to a page is read there as it was: JSON and arrays."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.board.messages import DTYPES, compose, parse_request
from chainrule.errors import InputError


def read(block: bytes) -> Any:
    """A second reading of the format, from its description alone."""
    (length,) = struct.unpack_from("<I", block)
    at = 4 + length
    assert at % 8 == 0

    def revive(value: Any) -> Any:
        nonlocal at
        if isinstance(value, list):
            return [revive(entry) for entry in value]
        if not isinstance(value, dict):
            return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.get(value, value)
        if "$array" not in value:
            return {name: revive(entry) for name, entry in value.items()}
        dtype = np.dtype(DTYPES[value["dtype"]])
        size = int(np.prod(value["shape"]))
        array = np.frombuffer(block, dtype, size, at).reshape(value["shape"])
        at += -(-array.nbytes // 8) * 8
        return array

    return revive(json.loads(block[4:at]))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda text: text not in ("NaN", "Infinity", "-Infinity")),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=5).filter(lambda key: key != "$array"), inner, max_size=4),
)  # fmt: skip


@given(VALUES)
def test_json_comes_back(value: Any) -> None:
    assert read(compose(value).to_bytes()) == value


@given(st.sampled_from(sorted(DTYPES)), st.lists(st.integers(0, 5), max_size=3), st.integers(0, 2**32 - 1))
def test_arrays_come_back(kind: str, shape: list[int], seed: int) -> None:
    array = (np.random.default_rng(seed).random(shape) * 100).astype(DTYPES[kind])
    found = read(compose({"a": array, "b": [array.T, 1.5]}).to_bytes())
    np.testing.assert_array_equal(found["a"], array)
    np.testing.assert_array_equal(found["b"][0], array.T)


def test_numbers_that_json_does_not_have_are_texts() -> None:
    assert compose([float("nan"), np.float64("inf"), -np.inf]).content == ["NaN", "Infinity", "-Infinity"]


@pytest.mark.parametrize("text", ["", "[]", "7", '{"id": 1}', '{"cmd": "frame"}', '{"id": 1, "cmd": 3}', "{" * 5000,
                                  '{"id": 1, "cmd": "x", "args": []}', b"\xff\xfe",
                                  '{"id": 1, "cmd": "x", "patient": 1}'])  # fmt: skip
def test_what_is_no_request_is_refused(text: str | bytes) -> None:
    with pytest.raises(InputError):
        parse_request(text, 10_000)


def test_a_request_may_not_be_too_long() -> None:
    with pytest.raises(InputError, match="100 bytes"):
        parse_request('{"id": 1, "cmd": "' + "x" * 100 + '"}', 100)

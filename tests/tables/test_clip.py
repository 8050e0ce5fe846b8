"""Standardised numbers held within limits, for networks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from chainrule.errors import InputError
from chainrule.tables import Encoding, as_table, learn_encoding

TABLE = as_table(pd.DataFrame({"x": [*range(50), 10_000, None], "kind": ["a", "b"] * 26}))


def test_limits_hold_and_change_nothing_else() -> None:
    free, held = (learn_encoding(TABLE, clip=clip, dtype=np.float64) for clip in (None, 2.0))
    X, Y = free.transform(TABLE), held.transform(TABLE)
    np.testing.assert_array_equal(Y[:, 0], np.clip(X[:, 0], -2, 2))
    np.testing.assert_array_equal(Y[:, 1:], X[:, 1:])
    assert X[:, 0].max() > 2
    assert held.feature_names == free.feature_names


def test_limits_are_plain_data_and_old_files_have_none() -> None:
    held = learn_encoding(TABLE, clip=2.5)
    plain = json.loads(json.dumps(held.to_dict()))
    assert Encoding.from_dict(plain) == held
    assert plain["rules"][0]["clip"] == 2.5
    assert "clip" not in learn_encoding(TABLE).to_dict()["rules"][0]
    for wrong in (0, -1.0, "3", None, True):
        plain["rules"][0]["clip"] = wrong
        with pytest.raises(InputError, match=r"rules\[0\].clip"):
            Encoding.from_dict(plain)


@pytest.mark.parametrize("clip", [0.0, -1.0, float("nan"), float("inf")])
def test_limits_that_are_none(clip: float) -> None:
    with pytest.raises(InputError, match="clip must be a number > 0"):
        learn_encoding(TABLE, clip=clip)

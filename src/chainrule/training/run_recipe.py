"""What a run is a function of, as plain data: two runs with one recipe have the same bits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.graph import Graph
from chainrule.training.network_options import NetworkOptions
from chainrule.training.validation import Validation

RunRecipe: TypeAlias = Mapping[str, Any]
"""``graph``, ``options``, ``data``, ``rows`` and ``validation``; JSON."""

_ROWS = 256  # of X that go into the checksum: all of them would take as long as an epoch
_OF_NO_CONSEQUENCE = ("n_threads",)


def describe_run(
    X: Any,
    labels: Array,
    graph: Graph,
    options: NetworkOptions,
    sample_weight: Float64Array | None,
    validation: Validation | None,
    rows: IntArray | None = None,
) -> dict[str, Any]:
    """Return the recipe of a run.

    Data are told by shape, dtype, and a checksum of labels, weights and some rows. ``max_iter`` may be another one on a
    resume, unless the schedule depends on it.
    """
    left_out = set(_OF_NO_CONSEQUENCE)
    schedule = options.made_schedule
    if schedule is None or not schedule.spans_run:
        left_out |= {"max_iter", "max_fun"}
    return {
        "graph": _digest(json.dumps(graph.to_dict(), sort_keys=True).encode()),
        "options": {name: value for name, value in options.to_record().items() if name not in left_out},
        "data": _describe_rows(X, labels, sample_weight),
        "rows": None if rows is None else _digest(rows.tobytes()),
        "validation": None
        if validation is None
        else _describe_rows(validation.X, validation.labels, validation.sample_weight),
    }


def _describe_rows(X: Any, labels: Array, sample_weight: Float64Array | None) -> dict[str, Any]:
    n_rows = int(X.shape[0])
    some = X[np.unique(np.linspace(0, n_rows - 1, min(_ROWS, n_rows)).astype(np.int64))]
    some = some.toarray() if hasattr(some, "toarray") else some
    parts = [some, labels] + ([] if sample_weight is None else [sample_weight])
    return {
        "shape": [n_rows, int(X.shape[1])],
        "dtype": str(X.dtype),
        "checksum": _digest(*(np.ascontiguousarray(part).tobytes() for part in parts)),
    }


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()

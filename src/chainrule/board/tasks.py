"""What takes longer than an answer, or changes what is asked about."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.board.answers import as_focus
from chainrule.board.stage import Stage
from chainrule.errors import InputError
from chainrule.inspection import parse_entry

ENTRIES_AT_ONCE = 8
MOST_ENTRIES = 20_000


def edit(stage: Stage, entry: str, value: float, focus: int | None) -> dict[str, Any]:
    """Set a parameter's entry; return what its gradient foretold for J, and what happened."""
    graph = stage.scene.graph
    found = parse_entry(graph, entry)
    if found.node not in graph.parameters:
        raise InputError(f"{found} is no parameter: of what is computed nothing can be set")
    place = graph.parameters.where(found.node).start
    shape = graph.parameters[found.node]
    place += int(np.ravel_multi_index(found.index, shape)) if shape else 0
    on = as_focus(stage, focus)
    before = stage.sweep(on)
    old = float(before.values[found.node][found.index])
    slope = float(before.gradients[found.node][found.index]) if found.node in before.gradients else 0.0
    stage.edit(place, value)
    after = stage.sweep(on)
    change = float(after.values[found.node][found.index]) - old
    return {
        "entry": str(found), "old": old, "change": change, "gradient": slope, "predicted": slope * change,
        "before": before.loss, "after": after.loss, "happened": after.loss - before.loss,
    }  # fmt: skip

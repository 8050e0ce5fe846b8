"""What to say when training runs away."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._typing import Array, IntArray
from chainrule.engine import Program
from chainrule.errors import NonFiniteError
from chainrule.graph import first_nonfinite, forward

_PART = 4096  # rows at a time: a batch may be all there are
_LARGE = 100.0  # entries of X beyond this suggest columns that were never standardised


def diverged(
    program: Program,
    parameters: Array,
    X: Any,
    labels: Array,
    rows: IntArray,
    *,
    seed_and_step: tuple[int, int],
    loss: float,
    where: str,
    learning_rate: float,
    clipped: bool,
) -> NonFiniteError:
    """Return the error: where it happened, which node was the first, what to try.

    The node is found by the readable sweep in float64 over the batch's ``rows``, with the step's noise; values are
    rounded to the dtype that is trained in, in which they may overflow earlier.
    """
    graph = program.graph
    noise = program.noise(len(rows), *seed_and_step)
    node, largest = None, 0.0
    for part in range(0, len(rows), _PART):
        few = rows[part : part + _PART]
        batch = np.asarray(X[few].toarray() if hasattr(X, "toarray") else X[few])
        largest = max(largest, float(np.abs(batch).max(initial=0.0)))
        share = {name: numbers[part : part + _PART] for name, numbers in noise.items()}
        with np.errstate(all="ignore"):
            values = forward(graph, parameters.astype(np.float64), batch, labels[few], noise=share)
            node = node or first_nonfinite(graph, {name: value.astype(X.dtype) for name, value in values.items()})
    first = (
        f"the first node that is not finite is {node!r} ({graph[node].operation})" if node else "all nodes are finite"
    )
    advice = [f"a smaller learning_rate_init (the rate was {learning_rate:.3g} here)"]
    if largest > _LARGE:
        advice.insert(0, f"standardised columns (they reach {largest:.3g})")
    if not clipped:
        advice.append("clip_norm=1.0")
    return NonFiniteError(f"training diverged: the loss is {loss} {where}; {first}. Try {' or '.join(advice)}.")

"""The registry of operations: a new record in `OPERATIONS` is all a new operation needs.

Forward and backward stand side by side in NumPy, readable beside the lecture: they are the definition, the
oracle of every kernel's test, and what inspection runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chainrule.graph.operation import Operation
from chainrule.graph.ops import activations, linear, regularization, sigmoid_loss, softmax

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        operation.name: operation
        for operation in (
            *linear.OPERATIONS,
            *activations.OPERATIONS,
            *softmax.OPERATIONS,
            *sigmoid_loss.OPERATIONS,
            *regularization.OPERATIONS,
        )
    }
)
ACTIVATIONS: tuple[str, ...] = tuple(operation.name for operation in activations.OPERATIONS)

__all__ = ["ACTIVATIONS", "OPERATIONS"]

"""A trained network as an estimator holds it: parameters that users may write to, and programs that follow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import is_
from typing import Any

import numpy as np

from chainrule._typing import Array
from chainrule.engine import Program, compile_graph, first_nonfinite_row
from chainrule.errors import InputError
from chainrule.graph import Graph

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


class TrainedNetwork:
    """A graph and its parameters: one flat vector, of which the arrays that an estimator shows are views.

    Whoever writes into a view has changed the network; whoever puts another array in its place is noticed, because
    it is another object.

    Parameters
    ----------
    graph
        What is computed.
    flat
        (P,) in the dtype of the rows; kept, not copied.
    names
        The parameters, in the order in which the estimator shows them.

    Attributes
    ----------
    views
        The parameters in the order of ``names``.
    """

    def __init__(self, graph: Graph, flat: Array, names: Sequence[str]) -> None:
        self.graph, self.flat, self.names = graph, flat, tuple(names)
        by_name = graph.parameters.views(flat)
        self.views = tuple(by_name[name] for name in self.names)
        self.n_features = int(graph.shape(graph.of_kind("data")[0].name)[1])

    @classmethod
    def from_arrays(cls, graph: Graph, arrays: Mapping[str, Array]) -> TrainedNetwork:
        """Return a network with copies of these arrays, named by parameter."""
        return cls(graph, flatten(graph, arrays), tuple(arrays))

    @cached_property
    def program(self) -> Program:
        """Computes probabilities."""
        return compile_graph(self.graph)

    @property
    def one_logit(self) -> bool:
        """Whether two classes are told apart by one logit, as scikit-learn does it."""
        logits = self.graph[logits_of(self.graph)]
        return logits.operation == "reference_logit" and self.graph.shape(logits.name)[1] == 2

    def current(self, shown: Sequence[Array]) -> Array:
        """Return the flat vector of the arrays that the estimator shows now; no copy while they are the views."""
        if len(shown) == len(self.views) and all(map(is_, shown, self.views)):
            return self.flat
        if len(shown) != len(self.names):
            raise InputError(f"the network has {len(self.names)} parameter arrays, got {len(shown)}: fit again")
        return flatten(self.graph, dict(zip(self.names, shown, strict=True)))

    def takes(self, X: Any) -> bool:
        """Return whether ``X`` can be computed as it is: a plain array of finite floats of the right shape.

        Where this says no, scikit-learn's own check has the word.
        """
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.shape[1] == self.n_features
            and len(X) > 0
            and (X.dtype == _FLOAT64 or X.dtype == _FLOAT32)
            and first_nonfinite_row(X) < 0
        )


def flatten(graph: Graph, arrays: Mapping[str, Array]) -> Array:
    """Return the flat vector of named arrays, in their dtype where it is float32 throughout, else float64."""
    dtype = np.result_type(np.float32, *arrays.values())
    return graph.parameters.flatten(arrays, dtype=np.float32 if dtype == _FLOAT32 else np.float64)


def logits_of(graph: Graph) -> str:
    """Return the name of the node whose value the cross-entropy takes.

    Raises `InputError` where there is not exactly one cross-entropy.
    """
    losses = graph.of_kind("softmax_cross_entropy", "sigmoid_cross_entropy")
    if len(losses) != 1:
        found = ", ".join(node.name for node in losses) or "none"
        raise InputError(f"the graph must have exactly one softmax_cross_entropy, it has {len(losses)} ({found})")
    return losses[0].inputs[0]

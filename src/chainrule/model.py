"""A trained model: graph, parameters, classes and encoding. Predicts without scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.engine import Program, SoftmaxProgram, compile_graph, compile_softmax, first_nonfinite_row
from chainrule.errors import InputError, UnsupportedError
from chainrule.graph import Graph

if TYPE_CHECKING:
    from chainrule.tables import Encoding, LabelEncoding


@dataclass(frozen=True, eq=False)
class Model:
    """What training leaves: everything that prediction, inspection and the model file need.

    Attributes
    ----------
    graph
        What is computed; its ``output`` are the class probabilities.
    parameters
        The flat vector of the graph's parameters, float64.
    labels
        The classes, in the order of the probabilities' columns.
    encoding
        How a table becomes ``X``; None for a model trained on arrays.
    dtype
        In which the rows are computed, float32 or float64.
    feature_names
        A name per column of ``X``.
    record
        What was trained on what, as plain data (JSON): see `chainrule.training`.
    """

    graph: Graph
    parameters: Float64Array
    labels: LabelEncoding
    encoding: Encoding | None = None
    dtype: str = "float64"
    feature_names: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"dtype must be 'float32' or 'float64', got {self.dtype!r}")
        if self.parameters.shape != (self.graph.parameters.size,):
            raise InputError(
                f"the graph has {self.graph.parameters.size} parameters, got an array of shape {self.parameters.shape}"
            )
        if self.graph.output is None or self.graph.shape(self.graph.output) != ("m", len(self.classes)):
            raise InputError(f"the graph's output must have a column for each of the {len(self.classes)} classes")
        if len(self.feature_names) != self.n_features:
            raise InputError(f"{len(self.feature_names)} feature names for {self.n_features} columns")
        if self.encoding is not None and len(self.encoding.feature_names) != self.n_features:
            raise InputError(
                f"the encoding gives {len(self.encoding.feature_names)} columns, the graph takes {self.n_features}"
            )
        object.__setattr__(self, "record", MappingProxyType(dict(self.record)))

    @property
    def classes(self) -> Array:
        """The class labels, (K,), in the order of the probabilities' columns."""
        return self.labels.classes

    @cached_property
    def n_features(self) -> int:
        """Columns of ``X``, d."""
        return int(self.graph.shape("X")[1])

    @cached_property
    def program(self) -> SoftmaxProgram | Program:
        """The compiled graph: by the one-pass kernels where they cover it."""
        try:
            return compile_softmax(self.graph)
        except UnsupportedError:
            return compile_graph(self.graph)

    @cached_property
    def _flat(self) -> Array:
        """The parameters in the dtype of the rows."""
        return self.parameters.astype(self.dtype)

    @property
    def parameter_arrays(self) -> dict[str, Array]:
        """Each parameter by name, as a view of the flat vector."""
        return self.graph.parameters.views(self.parameters)

    def transform(self, data: Any) -> Array:
        """Return ``X`` (m, d) for a table, a DataFrame or an array.

        Raises
        ------
        TableError
            If a column is missing or has become something else.
        InputError
            If an array has the wrong number of columns, or NaN or infinite entries.
        """
        if self.encoding is not None:
            from chainrule.tables import as_table

            return self.encoding.transform(as_table(data))
        X = np.asarray(data, dtype=self._flat.dtype)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise InputError(f"X must be (rows, {self.n_features}), got shape {X.shape}")
        bad = first_nonfinite_row(X)
        if bad >= 0:
            raise InputError(f"X has NaN or infinite entries (first: row {bad}): clean them")
        return X

    def predict_proba(self, data: Any, *, n_threads: int = 0) -> Array:
        """Return class probabilities, (m, K), one column per entry of `classes`.

        Parameters
        ----------
        data
            What `transform` takes.
        n_threads
            0 uses all cores; the result does not depend on it.
        """
        return self.program.predict(self._flat, self.transform(data), n_threads)

    def predict(self, data: Any, *, n_threads: int = 0) -> Array:
        """Return the most probable class of each row, (m,), in the type of the training labels."""
        predicted: Array = self.classes[self.predict_proba(data, n_threads=n_threads).argmax(axis=1)]
        return predicted

    def with_record(self, **facts: Any) -> Model:
        """Return the same model with more in its record."""
        return replace(self, record={**self.record, **facts})

    def save(self, path: str | Path) -> Path:
        """Write the model to one file (see `chainrule.load_model`) and return its path."""
        from chainrule.files import save_model

        return save_model(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Model:
        """Read a model that `save` wrote (see `chainrule.load_model`)."""
        from chainrule.files import load_model

        return load_model(Path(path))

    def report(self) -> Any:
        """Return the report: shown by a notebook; ``.save(path)`` writes one self-contained HTML file."""
        from chainrule.report import Report

        return Report(self)

    def board(self, data: Any = None) -> Any:
        """Return a board on this model for a notebook: every value and gradient, live.

        Parameters
        ----------
        data
            A table to show it on; by default the one that it was trained on, where that is still there.
        """
        from chainrule.board.widget import Board

        return Board(self, data)

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.classes[:5])) + (", ..." if len(self.classes) > 5 else "")
        classes = f"{len(self.classes)} classes ({names})"
        return f"<Model {self.n_features} features -> {classes}, {len(self.parameters):,} parameters>"

"""What is inspected: whatever is given as a model, its rows and its labels, as a graph and arrays.

Every function of `chainrule.inspection` takes ``(model, X, y)`` and resolves them here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError, TableError
from chainrule.graph import Graph, backward, forward
from chainrule.graph.operation import BATCH
from chainrule.model import Model

if TYPE_CHECKING:
    from chainrule.tables import Encoding, Table


class Inspectable(Protocol):
    """A fitted estimator: whatever can say which graph it is, and has ``classes_``."""

    classes_: Array

    def to_graph(self) -> tuple[Graph, Float64Array]:
        """Return the graph and the flat vector of its parameters, float64."""


Inspected: TypeAlias = (
    "Model | str | PathLike[str] | Inspectable | tuple[Graph, Array | Mapping[str, Array]] | Graph | Subject"
)
"""A `Model`, the path of a model file, a fitted estimator, or a pair of graph and parameters.

Where no number is asked for, a graph alone will do. A `Subject` is taken as it is, so that several questions about the
same rows share one forward and one backward pass.
"""

Rows: TypeAlias = Any
"""What the model takes: a table's path, a DataFrame, an array; by name where a graph takes several arrays."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A graph, its parameters, and the rows to look at.

    Attributes
    ----------
    graph
        What is computed.
    parameters
        The flat vector, float64.
    X
        (m, d) float64 by the name of the data node; empty where no rows were given.
    labels
        What the graph's loss takes: (m,) class indices, or (m, K) of 0 and 1; None without labels.
    rows
        (m,) which of the rows given these are: those of a table without a label are left out.
    feature_names, class_names
        Of the columns of X and of the probabilities; empty where nothing names them.
    encoding
        How a table became X, if it did.
    dtype
        In which the model computes by itself, float32 or float64; here all is float64.
    sample_weight, noise
        As for `chainrule.graph.forward`.
    sample
        The row these are, where it is one alone.
    table
        The rows as a table, where they came as one.
    """

    graph: Graph
    parameters: Float64Array
    X: Mapping[str, Array]
    labels: Array | None
    rows: IntArray
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    encoding: Encoding | None = None
    dtype: str = "float64"
    sample_weight: Array | None = None
    noise: Mapping[str, Array] | None = None
    sample: int | None = None
    table: Table | None = None

    @property
    def n_samples(self) -> int:
        """How many rows there are, m."""
        return len(self.rows)

    @cached_property
    def values(self) -> dict[str, Array]:
        """The value of every node, computed once; overflows stay silent, since it is they that are looked for."""
        with np.errstate(all="ignore"):
            return forward(
                self.graph,
                self.parameters,
                self.X,
                self.labels,
                sample_weight=self.sample_weight,
                noise=self.noise,
            )

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """The gradient of the loss by every node it depends on, computed once."""
        with np.errstate(all="ignore"):
            return backward(self.graph, self.values)

    def has_batch(self, name: str) -> bool:
        """Return whether a node has a row per row of the batch."""
        return self.graph.shape(name)[:1] == (BATCH,)

    def only(self, sample: int | None) -> Subject:
        """Return one row alone, as if m were 1; all of them for None.

        The row's weight goes: alone, it has the whole share of the mean.

        Raises `InputError` for a row that is not there, or that has no label.
        """
        if sample is None or sample == self.sample:
            return self
        is_number = isinstance(sample, int | np.integer)
        place = np.flatnonzero(self.rows == sample) if is_number else np.zeros(0, dtype=np.int64)
        if not len(place):
            last = int(self.rows.max(initial=-1))
            if is_number and 0 <= sample < last:
                raise InputError(f"sample must be a row that has a label, row {sample} has none")
            raise InputError(f"sample must be a row of the batch, 0..{last} (rows count from 0), got {sample!r}")
        row = slice(int(place[0]), int(place[0]) + 1)
        return replace(
            self,
            X={name: array[row] if self.has_batch(name) else array for name, array in self.X.items()},
            labels=None if self.labels is None else self.labels[row],
            rows=self.rows[row],
            noise=None if self.noise is None else {name: array[row] for name, array in self.noise.items()},
            sample_weight=None,
            sample=int(sample),
            table=None if self.table is None else self.table.take([int(place[0])]),
        )


def resolve(
    model: Inspected,
    X: Rows = None,
    y: Any = None,
    *,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
    sample: int | None = None,
    with_labels: bool = True,
) -> Subject:
    """Return what is inspected.

    Parameters
    ----------
    model
        See `Inspected`.
    X
        See `Rows`. A model that was trained on arrays takes a table too, whose columns are its features.
    y
        Labels as the model knows them; class indices for a pair of graph and parameters; a column of 0 and 1 per
        class for several labels a row. Left out, those of a table's target column are taken, if it has one.
    sample_weight, noise
        As for `chainrule.graph.forward`.
    sample
        The row to look at alone; None for the whole batch.
    with_labels
        Whether a table's target column is looked for; without, rows that have no label stay.

    Raises
    ------
    InputError
        If ``model`` is none of these, or rows or labels don't fit it.
    """
    if isinstance(model, Subject):
        return model.only(sample)
    if isinstance(model, str | PathLike):
        model = Model.load(model)
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    noise = None if noise is None else {name: np.asarray(array) for name, array in noise.items()}
    if isinstance(model, Model):
        found = _of_model(model, X, y, with_labels)
    elif isinstance(model, tuple) and len(model) == 2 and isinstance(model[0], Graph):
        found = _of_pair(*model, X, y)
    elif isinstance(model, Graph) and X is None:
        found = _of_pair(model, np.zeros(model.parameters.size), None, None)
    elif isinstance(model, Graph):
        raise InputError("a graph alone has no numbers: give a pair (graph, parameters)")
    elif hasattr(model, "to_graph"):
        found = _of_estimator(model, X, y)
    else:
        raise InputError(
            "what is inspected is a Model, the path of a model file, a fitted classifier of chainrule or a pair "
            f"(graph, parameters), not a {type(model).__name__}"
        )
    return replace(found, sample_weight=weights, noise=noise).only(sample)


def _of_pair(graph: Graph, parameters: Array | Mapping[str, Array], X: Rows, y: Any) -> Subject:
    layout = graph.parameters
    flat = layout.flatten(parameters if isinstance(parameters, Mapping) else layout.views(np.asarray(parameters)))
    arrays = _by_name(graph, X)
    labels = None if y is None else np.asarray(y)
    return Subject(graph, flat, arrays, labels, _all_rows(graph, arrays))


def _of_model(model: Model, X: Rows, y: Any, with_labels: bool) -> Subject:
    labels: Array | None = None if y is None else model.labels.codes_of(y)
    table = _table_of(X, model.encoding is not None)
    rows = None
    if table is not None and y is None and with_labels and model.labels.column in table:
        labels, mask = model.labels.encode(table[model.labels.column])
        table, rows = table.take(mask), np.flatnonzero(mask)
        if not len(labels):
            raise TableError(f"{table.source} has no value of the target {model.labels.column!r} in any row.")
    if table is not None:
        X = table if model.encoding is not None else features_of(table, model.feature_names, model.labels.column)
    arrays = _by_name(model.graph, None if X is None else model.transform(_dense(X)))
    return Subject(
        graph=model.graph,
        parameters=model.parameters.astype(np.float64),
        X=arrays,
        labels=labels,
        rows=_all_rows(model.graph, arrays) if rows is None else rows,
        feature_names=model.feature_names,
        class_names=tuple(map(str, model.classes.tolist())),
        encoding=model.encoding,
        dtype=model.dtype,
        table=table,
    )


def _of_estimator(estimator: Inspectable, X: Rows, y: Any) -> Subject:
    graph, flat = estimator.to_graph()
    d = int(graph.shape(graph.of_kind("data")[0].name)[1])
    names = tuple(map(str, getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(d)])))
    table = _table_of(X, False)
    if table is not None:
        X = features_of(table, names, None)
    elif X is not None:
        X = np.asarray(_dense(X), dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != d:
            raise InputError(f"X must be (rows, {d}), got shape {X.shape}")
    labels = None if y is None else _class_indices(np.asarray(y), estimator.classes_)
    arrays = _by_name(graph, X)
    class_names = tuple(map(str, estimator.classes_.tolist()))
    return Subject(graph, flat, arrays, labels, _all_rows(graph, arrays), names, class_names, table=table)


def _by_name(graph: Graph, X: Rows) -> dict[str, Array]:
    if X is None:
        return {}
    given = X if isinstance(X, Mapping) else {node.name: X for node in graph.of_kind("data")[:1]}
    return {name: np.asarray(array, dtype=np.float64) for name, array in given.items()}


def _all_rows(graph: Graph, arrays: Mapping[str, Array]) -> IntArray:
    batched = (len(array) for name, array in arrays.items() if name in graph and graph.shape(name)[:1] == (BATCH,))
    return np.arange(next(batched, 1 if arrays else 0))


def _dense(X: Rows) -> Rows:
    return X.toarray() if hasattr(X, "toarray") else X


def _class_indices(y: Array, classes: Array) -> Array:
    if y.ndim == 2:  # several labels a row: 0 and 1, which the graph checks
        return y
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise InputError(f"y holds the label {unknown[:1].tolist()[0]!r}, which is none of the classes {classes}")
    return np.searchsorted(classes, y).astype(np.int64)


def _table_of(X: Rows, encoded: bool) -> Table | None:
    """Return the table that X is or names; None for arrays, and for nothing."""
    if X is None or isinstance(X, np.ndarray | list | Mapping) or hasattr(X, "toarray"):
        return None
    from chainrule.tables import Table, as_table

    # a frame of numbered columns is an array
    is_frame = all(isinstance(name, str) for name in getattr(X, "columns", [0]))
    if not (encoded or is_frame or isinstance(X, str | PathLike | Table)):
        return None
    return as_table(X)


def features_of(table: Table, names: tuple[str, ...], target: str | None) -> Float64Array:
    """Return the columns that are a model's features, (m, d), in its order.

    A model whose features have no names (``x0``, ``x1``, ...) takes the columns besides the target as they stand.

    Raises `TableError` for a column that is missing, is no number, or has values missing.
    """
    from chainrule.tables.rules import numbers_of

    others = [name for name in table.names if name != target]
    if names == tuple(f"x{i}" for i in range(len(names))) and not set(names) & set(others):
        if len(others) != len(names):
            what = "column" if target is None else f"column besides {target!r}"
            raise TableError(f"{table.source} must have a {what} for each of {len(names)} features, has {len(others)}.")
        names = tuple(others)
    features = np.empty((len(table), len(names)))
    for place, name in enumerate(names):
        column = table[name]
        features[:, place] = numbers_of(column)
        if column.missing.any():
            row = int(np.flatnonzero(column.missing)[0])
            raise TableError(f"column {name!r} has no value in row {row + 1:,}: this model takes numbers only.")
    return features

"""Labels: from a target column to classes 0..K-1 and back, in the type they came in."""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from chainrule._typing import Array, IntArray
from chainrule.errors import InputError, TableError
from chainrule.tables import plain
from chainrule.tables.levels import find_levels, level_text
from chainrule.tables.table import Column, Level, integral, listing, plural, restored_integers

LabelType: TypeAlias = Literal["text", "integer", "number", "boolean", "date", "moment"]

_DTYPES: dict[str, str] = {
    # Objects, not fixed-width text: that would cut trailing nulls and cost the longest label in every row.
    "text": "O",
    "integer": "int64",
    "number": "float64",
    "boolean": "bool",
    "date": "datetime64[D]",
    "moment": "datetime64[us]",
}


@dataclass(frozen=True)
class LabelEncoding:
    """The classes of a target column.

    Attributes
    ----------
    column : str
        The target's name.
    type : {"text", "integer", "number", "boolean", "date", "moment"}
        What a label is.
    labels : tuple
        The classes, sorted, as Python values.
    notes : tuple of str
        What was left out, one sentence each.
    """

    column: str
    type: LabelType
    labels: tuple[Level, ...]
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> Array:
        """The classes, sorted, in the type they came in; shape (n_classes,).

        ``classes[codes]`` are predictions. Text is an object array, as scikit-learn has it for a pandas
        column.
        """
        return np.array(self.labels, dtype=_DTYPES[self.type])

    @classmethod
    def from_classes(cls, classes: Any, column: str = "class") -> LabelEncoding:
        """Return the labels for classes that are known already, such as scikit-learn's ``classes_``.

        Parameters
        ----------
        classes : array_like, shape (n_classes,)
            Sorted and distinct: text, numbers, booleans or dates.
        column : str
            What the target is called.
        """
        distinct = _as_column(column, np.asarray(classes))
        type_, labels = _typed(distinct, distinct.values)
        # The same checks as for a file: a class must survive being saved.
        return cls.from_dict(cls(column, type_, labels).to_dict())

    def encode(self, column: Column) -> tuple[IntArray, Array]:
        """Return the codes of another table's target.

        Returns
        -------
        codes : int64 ndarray, shape (n_labelled,)
            Class of each row that has a label.
        mask : bool ndarray, shape (n_rows,)
            Which rows have one.

        Raises
        ------
        TableError
            If a label is none of the classes.
        """
        category = column.as_category()
        known = {level_text(label): code for code, label in enumerate(self.labels)}
        used = np.zeros(len(category.levels), dtype=bool)
        used[category.values[category.values >= 0]] = True
        found = find_levels(category.levels, known)
        strange = [
            str(level) for level, code, here in zip(category.levels, found, used, strict=True) if here and code is None
        ]
        if strange:
            raise TableError(
                f"target {column.name!r} holds {plural(len(strange), 'label')} that the model does not know: "
                f"{listing(strange, 3)}. It knows {listing([level_text(label) for label in self.labels], 5)}."
            )
        mask = category.values >= 0
        lookup = np.array([-1 if code is None else code for code in [*found, None]], dtype=np.int64)
        return lookup[category.values[mask]], mask

    def codes_of(self, y: Any) -> IntArray:
        """Return the codes of labels that came as an array; int64, shape (n_rows,).

        Raises
        ------
        InputError
            If they are no single row of labels.
        TableError
            If one is none of the classes, or missing.
        """
        values = np.asarray(y)
        if values.ndim != 1:
            raise InputError(f"labels must be one per row, got an array of shape {values.shape}")
        codes, mask = self.encode(_as_column(self.column, values))
        if not mask.all():
            raise TableError(f"target {self.column!r} has no value in row {int(np.argmin(mask)) + 1:,}.")
        return codes

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON holds without loss."""
        labels = [label.isoformat() if isinstance(label, datetime.date) else label for label in self.labels]
        return {"column": self.column, "type": self.type, "labels": labels, "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, data: Any) -> LabelEncoding:
        """Return the labels that `to_dict` gave; raise InputError naming the first entry that cannot be."""
        data = plain.mapping(data, "labels", ("column", "type", "labels", "notes"))
        type_ = plain.text(data["type"], "labels.type")
        if type_ not in _DTYPES:
            raise InputError(f"labels.type must be one of {', '.join(_DTYPES)}, not {type_[:40]!r}.")
        labels = tuple(
            _label(value, type_, f"labels.labels[{i}]")
            for i, value in enumerate(plain.sequence(data["labels"], "labels.labels"))
        )
        if len(labels) < 2:
            raise InputError(f"labels.labels must hold at least two classes, not {len(labels)}.")
        if any(not low < high for low, high in itertools.pairwise(labels)):  # type: ignore[operator]
            raise InputError("labels.labels must be sorted, each class once.")
        return cls(
            plain.text(data["column"], "labels.column"),
            cast("LabelType", type_),
            labels,
            plain.texts(data["notes"], "labels.notes"),
        )


def _as_column(name: str, values: Array) -> Column:
    """Return labels that came as an array as a column of a table."""
    if values.dtype.kind == "M":
        return Column(name, "date", values.astype("datetime64[us]"))
    if values.dtype.kind == "b":
        return Column(name, "boolean", values.astype(np.int8))
    if values.dtype.kind in "iuf":
        return Column(name, "number", values)
    levels: dict[Level, int] = {}
    codes = [-1 if _is_missing(value) else levels.setdefault(value, len(levels)) for value in values.tolist()]
    return Column(name, "category", np.array(codes, dtype=np.int32), tuple(levels))


def _is_missing(value: Any) -> bool:
    return value is None or value != value


def _label(value: Any, type_: str, where: str) -> Level:
    if type_ == "text":
        return plain.text(value, where)
    if type_ == "integer":
        return plain.integer(value, where, -(2**63), 2**63 - 1)
    if type_ == "number":
        return plain.finite(value, where)
    if type_ == "boolean":
        return plain.flag(value, where)
    written = plain.text(value, where)
    try:
        if type_ == "date":
            return datetime.date.fromisoformat(written)
        moment = datetime.datetime.fromisoformat(written)
    except ValueError as error:
        raise InputError(f"{where} must be a {type_} in ISO 8601, not {written[:40]!r}.") from error
    if moment.tzinfo is not None:
        raise InputError(f"{where} must be a moment without a time zone, not {written[:40]!r}.")
    return moment


def learn_labels(column: Column) -> tuple[LabelEncoding, IntArray, Array]:
    """Learn the classes of a target column.

    Parameters
    ----------
    column : Column
        The target. Integers that a missing value beside them made floats are integers again.

    Returns
    -------
    labels : LabelEncoding
        Classes sorted; `LabelEncoding.notes` says how many rows have no label.
    codes : int64 ndarray, shape (n_labelled,)
        Class of each row that has a label.
    mask : bool ndarray, shape (n_rows,)
        Which rows have one: train on ``table.take(mask)``.

    Raises
    ------
    TableError
        If there are fewer than two classes, or the target is a quantity or an identifier rather than a class.
    """
    mask = ~column.missing
    n_labelled = int(mask.sum())
    if n_labelled == 0:
        raise TableError(
            f"target {column.name!r} has no value in any of the {plural(len(column), 'row')}. "
            "Choose the column that holds the classes."
        )
    values = column.values[mask]
    if column.kind == "number":
        _check_number_target(column, values, mask)
        values = restored_integers(values, n_labelled == len(column))
    distinct, codes = np.unique(values, return_inverse=True)
    type_, labels = _typed(column, distinct)
    if len(labels) == 1:
        raise TableError(
            f"target {column.name!r} has one class only: {level_text(labels[0])!r} in all "
            f"{plural(n_labelled, 'row')} that have a label. At least two are needed."
        )
    if len(labels) == n_labelled > 2 and column.kind != "boolean":
        raise TableError(
            f"target {column.name!r} has a class of its own in each of {n_labelled:,} rows: it looks like an "
            "identifier. Choose the column that holds the classes."
        )
    notes: tuple[str, ...] = ()
    if n_labelled < len(column):
        notes = (f"{plural(len(column) - n_labelled, 'row')} without a value of {column.name!r} left out",)
    return LabelEncoding(column.name, type_, labels, notes), codes.astype(np.int64), mask


def _check_number_target(column: Column, values: Array, mask: Array) -> None:
    if values.dtype.kind != "f":
        return
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        row = int(np.flatnonzero(mask)[infinite[0]]) + 1
        raise TableError(f"target {column.name!r} is infinite in row {row:,}. A class must be a finite value.")
    n_distinct = len(np.unique(values))
    if not integral(values) and n_distinct > max(2, len(values) // 2):
        raise TableError(
            f"target {column.name!r} has {n_distinct:,} different numbers in {len(values):,} rows: "
            "predicting it is regression, and chainrule classifies. Group it into classes, "
            "or choose another target."
        )


def _typed(column: Column, distinct: Array) -> tuple[LabelType, tuple[Level, ...]]:
    """Return the type of labels and the sorted labels as Python values."""
    if column.kind == "boolean":
        return "boolean", tuple(bool(value) for value in distinct)
    if column.kind == "date":
        moments: list[datetime.datetime] = distinct.tolist()
        if all(moment.time() == datetime.time() for moment in moments):
            return "date", tuple(moment.date() for moment in moments)
        return "moment", tuple(moments)
    labels: tuple[Level, ...] = tuple(distinct.tolist())
    if column.kind == "category":
        labels = tuple(column.levels[code] for code in distinct)
    first = labels[0]
    if isinstance(first, bool):
        return "boolean", labels
    if isinstance(first, int):
        if not all(isinstance(label, int) and -(2**63) <= label < 2**63 for label in labels):
            raise TableError(f"target {column.name!r} holds integers beyond 64 bits. Read it as text.")
        return "integer", labels
    if isinstance(first, float):
        return "number", labels
    if isinstance(first, datetime.datetime):
        return "moment", labels
    return ("date", labels) if isinstance(first, datetime.date) else ("text", labels)

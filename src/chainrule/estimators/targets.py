"""What the rows are to be classified as: from labels to what the loss takes, and from probabilities back."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from chainrule._typing import Array, IntArray
from chainrule.errors import InputError

TargetKind: TypeAlias = Literal["binary", "multiclass", "multilabel"]


def check_targets(y: Any) -> Array:
    """Return labels (m,), or for several labels a row (m, K) of 0 and 1, dense.

    Raises
    ------
    ValueError
        If these are no classes, such as numbers with a fraction.
    InputError
        If each row has several labels that are not 0 or 1.
    """
    if hasattr(y, "toarray"):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    check_classification_targets(y)
    if y.ndim == 2 and type_of_target(y) != "multilabel-indicator":
        raise InputError(
            f"y has shape {y.shape} and not only 0 and 1: give one label a row, or a column of 0 and 1 per label"
        )
    result: Array = np.asarray(y)
    return result


def learn_classes(y: Array) -> Array:
    """Return the classes in checked targets, sorted, (K,); the columns' numbers for several labels a row."""
    return np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)


def kind_of_targets(y: Array, classes: Array) -> TargetKind:
    """Return what kind of problem this is; one class alone counts as two of which one never comes."""
    if y.ndim == 2:
        return "multilabel"
    return "binary" if len(classes) <= 2 else "multiclass"


def encode_targets(y: Array, classes: Array, kind: TargetKind) -> IntArray:
    """Return class indices, (m,) int64, or for several labels a row (m, K) of 0 and 1.

    Raises `InputError` for a label that is none of ``classes``, and for another kind of targets than before.
    """
    if (y.ndim == 2) != (kind == "multilabel") or (y.ndim == 2 and y.shape[1] != len(classes)):
        expected = (
            f"a column of 0 and 1 for each of {len(classes)} labels" if kind == "multilabel" else "one label a row"
        )
        raise InputError(f"y must have {expected}, as in the first fit; got shape {y.shape}")
    if kind == "multilabel":
        return y.astype(np.int64)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise InputError(f"y holds the label {unknown[:1].tolist()[0]!r}, which is none of the classes {classes}")
    return np.searchsorted(classes, y).astype(np.int64)


def restore_targets(labels: IntArray, classes: Array, kind: TargetKind) -> Array:
    """Return the labels that `encode_targets` encoded."""
    result: Array = labels if kind == "multilabel" else classes[labels]
    return result


def decode_targets(probabilities: Array, classes: Array, kind: TargetKind) -> Array:
    """Return the most probable class of each row, (m,); for several labels a row which of them are, (m, K)."""
    if kind == "multilabel":
        return (probabilities > 0.5).astype(np.int64)
    most_probable = probabilities.argmax(axis=1) if len(classes) > 1 else np.zeros(len(probabilities), dtype=np.int64)
    return restore_targets(most_probable, classes, kind)

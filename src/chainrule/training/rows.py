"""Rows: how they are split, what each of them weighs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError


@dataclass(frozen=True)
class Split:
    """Which rows train and which are held out."""

    train: IntArray
    test: IntArray
    stratified: bool


def split_rows(labels: IntArray, test_size: float, seed: int) -> Split:
    """Split rows at random, each class in proportion where every class has rows enough for it.

    Parameters
    ----------
    labels
        (m,) class indices.
    test_size
        Share of the rows to hold out; 0 holds out none.
    seed
        Of the shuffle.
    """
    everything = np.arange(len(labels))
    if test_size == 0:
        return Split(everything, everything[:0], stratified=False)
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels)
    counts = counts[counts > 0]
    n_test = int(np.ceil(test_size * len(labels)))
    stratified = bool(counts.min() >= 2 and min(n_test, len(labels) - n_test) >= len(counts))
    train, test = train_test_split(
        everything, test_size=test_size, random_state=seed, stratify=labels if stratified else None
    )
    return Split(np.sort(train), np.sort(test), stratified)


def class_weights(
    class_weight: Mapping[Any, float] | str | None,
    labels: IntArray,
    classes: Array,
    sample_weight: Float64Array | None = None,
) -> Float64Array | None:
    """Return the factor that each row's class gives it, (m,); None where there is none.

    ``"balanced"`` is scikit-learn's S / (K * weight of the class), S the sum of ``sample_weight`` (m,).
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise InputError(f"class_weight must be None, 'balanced' or a mapping, got {class_weight!r}")
        mass = np.bincount(labels, weights=sample_weight, minlength=len(classes))
        factors = np.divide(mass.sum(), len(classes) * mass, out=np.zeros(len(classes)), where=mass > 0)
    else:
        unknown = [label for label in class_weight if label not in classes.tolist()]
        if unknown:
            raise InputError(f"class_weight names {unknown[0]!r}; the classes are {', '.join(map(str, classes))}")
        factors = np.array([float(class_weight.get(label, 1.0)) for label in classes.tolist()])
        if not (np.isfinite(factors).all() and (factors >= 0).all()):
            raise InputError(f"class_weight must be finite numbers >= 0, got {dict(class_weight)}")
    result: Float64Array = factors[labels]
    return result


def total_weight(labels: Array, sample_weight: Float64Array | None, rows: IntArray | None = None) -> float:
    """Return the weight of some rows, all by default; without ``sample_weight`` each row counts once."""
    if sample_weight is None:
        return float(len(labels) if rows is None else len(rows))
    return float((sample_weight if rows is None else sample_weight[rows]).sum())

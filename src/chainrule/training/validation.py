"""Rows that are watched and never trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.engine import Program
from chainrule.errors import InputError
from chainrule.solvers import Watch
from chainrule.training.network_options import NetworkOptions
from chainrule.training.rows import split_rows


@dataclass(frozen=True)
class Validation:
    """Rows that are watched and never trained on.

    Attributes
    ----------
    X, labels, sample_weight
        As for training.
    """

    X: Any
    labels: Array
    sample_weight: Float64Array | None = None

    @staticmethod
    def of_rows(X: Any, labels: Array, sample_weight: Float64Array | None, rows: IntArray) -> Validation:
        """Return some rows of a table."""
        return Validation(X[rows], labels[rows], None if sample_weight is None else sample_weight[rows])


def hold_out(
    X: Any, labels: Array, options: NetworkOptions, sample_weight: Float64Array | None = None
) -> tuple[IntArray, Validation]:
    """Set ``validation_fraction`` of the rows aside, each class in proportion where there are rows enough.

    Returns
    -------
    rows
        The rows that are left to train on, in ascending order; `fit_network` takes them without a copy.
    validation
        The others.

    Raises
    ------
    InputError
        If one side has no row.
    """
    single = labels if labels.ndim == 1 else np.zeros(len(labels), dtype=np.int64)
    split = split_rows(single, options.validation_fraction, options.seed)
    if not len(split.test) or not len(split.train):
        raise InputError(
            f"validation_fraction={options.validation_fraction:g} of {len(labels)} rows leaves {len(split.test)} "
            f"to validate and {len(split.train)} to train on: change it, or give validation rows"
        )
    return split.train, Validation.of_rows(X, labels, sample_weight, split.test)


def make_watch(
    program: Program,
    validation: Validation,
    options: NetworkOptions,
    score: Callable[[Float64Array], float] | None,
) -> Watch:
    """Return what is looked at after every epoch: loss and score of the validation rows."""
    if score is None and options.monitor not in ("accuracy", "loss"):
        raise InputError(f"monitor={options.monitor!r} needs a function score=; by name there are accuracy and loss")
    X, labels, weights = validation.X, validation.labels, validation.sample_weight

    def watch(parameters: Array) -> tuple[float, float]:
        probabilities = program.predict(parameters, X, n_threads=options.n_threads)
        loss = mean_cross_entropy(probabilities, labels, weights)
        if score is not None:
            return loss, float(score(np.array(parameters, dtype=np.float64)))
        return loss, -loss if options.monitor == "loss" else _accuracy(probabilities, labels, weights)

    return watch


def mean_cross_entropy(probabilities: Array, labels: Array, weights: Float64Array | None = None) -> float:
    """Return the weighted mean loss of rows in nats, without penalties, smoothing or class weights.

    Parameters
    ----------
    probabilities
        (m, K).
    labels
        (m,) class indices, or (m, K) of 0 and 1; then a row's loss is the sum over its labels.
    weights
        (m,), None counts each row once.
    """
    least = np.finfo(probabilities.dtype).tiny  # a probability that underflowed has a large loss, not an infinite one
    p = probabilities.astype(np.float64)
    if labels.ndim == 1:
        losses = -np.log(np.maximum(p[np.arange(len(labels)), labels], least))
    else:
        losses = -np.log(np.maximum(np.where(labels > 0, p, 1.0 - p), least)).sum(axis=1)
    return float(np.average(losses, weights=weights))


def _accuracy(probabilities: Array, labels: Array, weights: Float64Array | None) -> float:
    """Return the weighted share of rows with the right class, or with all labels right."""
    if labels.ndim == 1:
        right = probabilities.argmax(axis=1) == labels
    else:
        right = ((probabilities > 0.5) == (labels > 0)).all(axis=1)
    return float(np.average(right, weights=weights))

"""Rows that a network is judged on while it trains: taken from the training rows or given, and by which score."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.errors import InputError
from chainrule.estimators.targets import TargetKind
from chainrule.training import NetworkOptions, Validation, hold_out

OWN_SCORES = ("accuracy", "loss")  # these the training loop computes itself, without an estimator in between


def set_aside(
    X: Any, labels: IntArray, weights: Float64Array | None, kind: TargetKind, options: NetworkOptions
) -> tuple[IntArray, Validation]:
    """Return the rows to train on, in ascending order, and ``validation_fraction`` of them apart.

    As in scikit-learn, two classes are split in proportion or not at all: a class with one row is an error there.
    More classes are in proportion where each has rows enough.
    """
    if kind == "binary":
        rows, validation = _split_two_classes(X, labels, weights, options)
    else:
        rows, validation = hold_out(X, labels, options, weights)
    n_rows = len(validation.labels)
    if n_rows < 2:
        raise InputError(
            f"validation_fraction={options.validation_fraction:g} sets {n_rows} of {len(labels)} rows aside, which is "
            "too small to judge by: increase it, or give validation_data"
        )
    return rows, validation


def _split_two_classes(
    X: Any, labels: IntArray, weights: Float64Array | None, options: NetworkOptions
) -> tuple[IntArray, Validation]:
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(
        np.arange(len(labels)),
        test_size=options.validation_fraction,
        random_state=options.seed % 2**32,
        stratify=labels.astype(bool)[:, None],  # a column, as there: the error then names a class as it does there
    )
    return np.sort(train), Validation.of_rows(X, labels, weights, np.sort(test))


def unpack_validation(validation_data: Any) -> tuple[Any, Any, Any]:
    """Return X, y and sample_weight or None; raises `InputError` for anything but two or three of them."""
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        raise InputError("validation_data must be (X, y) or (X, y, sample_weight)")
    X, y, weights = (*validation_data, None)[:3]
    return X, y, weights


def make_score(
    monitor: Any, estimator: Any, attributes: dict[str, Any], validation: Validation, targets: Array
) -> Callable[[Array], float] | None:
    """Return the score that a scikit-learn scorer gives the validation rows; None for one the training loop knows.

    Parameters
    ----------
    monitor
        ``accuracy``, ``loss``, the name of a scorer, or a callable (estimator, X, y) -> float.
    estimator
        What is fitted; it is left alone.
    attributes
        What makes a copy of it a fitted one, `TrainedNetwork` included.
    validation, targets
        The rows, and their labels as users have them.
    """
    if isinstance(monitor, str) and monitor in OWN_SCORES:
        return None
    scorer = _find_scorer(monitor)
    judged = copy.copy(estimator)
    for name, value in attributes.items():
        setattr(judged, name, value)
    judged.__dict__.pop("feature_names_in_", None)  # the rows are plain arrays by now
    weights = {} if validation.sample_weight is None else {"sample_weight": validation.sample_weight}

    def score(parameters: Array) -> float:
        judged._network.flat[...] = parameters
        return float(scorer(judged, validation.X, targets, **weights))

    return score


def _find_scorer(monitor: Any) -> Callable[..., float]:
    from sklearn.metrics import get_scorer, get_scorer_names

    if isinstance(monitor, str):
        if monitor not in get_scorer_names():
            raise InputError(f"monitor must be 'loss', a scorer of scikit-learn's or a function, got {monitor!r}")
        found: Callable[..., float] = get_scorer(monitor)
        return found
    if not callable(monitor):
        raise InputError(f"monitor must be 'loss', a scorer's name or a function (estimator, X, y), got {monitor!r}")
    return monitor  # type: ignore[no-any-return]

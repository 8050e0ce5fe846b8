"""An evaluation as one small record, whatever the number of rows, to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias

import numpy as np

from chainrule.errors import InputError

Label: TypeAlias = str | int | float | bool


@dataclass(frozen=True)
class Baseline:
    """What one gets without looking at the columns.

    Attributes
    ----------
    label
        The class that is most frequent in training; always predicting it gives `accuracy` and `macro_f1`.
    accuracy, macro_f1
        On the evaluated rows.
    log_loss
        Of the training frequencies as probabilities, in nats.
    """

    label: Label
    accuracy: float
    log_loss: float
    macro_f1: float


@dataclass(frozen=True)
class ClassScores:
    """One class's share of the confusion matrix; None where a ratio is 0 / 0.

    Attributes
    ----------
    label
        The class.
    precision
        Share of the rows predicted to be this class that are; None if there are none.
    recall
        Share of the rows of this class that are predicted; None if there are none.
    f1
        2 TP / (2 TP + FP + FN); None if the class neither is nor is predicted anywhere.
    support
        Rows of this class.
    """

    label: Label
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Curve:
    """Points of a curve, in order; empty where it isn't defined."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class ClassCurves:
    """One class against the rest, over all thresholds.

    Attributes
    ----------
    label
        The class.
    prevalence
        Its share of the rows: the precision of guessing.
    roc
        x: false positive rate, y: true positive rate; empty unless there are rows of the class and others.
    precision_recall
        x: recall, y: precision; empty unless there are rows of the class.
    auc, average_precision
        From all points, not from the thinned ones; None where the curve is empty.
    """

    label: Label
    prevalence: float
    roc: Curve
    precision_recall: Curve
    auc: float | None
    average_precision: float | None


@dataclass(frozen=True)
class CalibrationBin:
    """Rows with about the same predicted probability.

    Attributes
    ----------
    count
        Number of rows.
    predicted
        Mean of their probabilities.
    observed
        Share of them in which what was predicted with this probability is true.
    """

    count: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class Calibration:
    """Whether what is said to be likely by 70 % happens in 70 % of the cases.

    Attributes
    ----------
    label
        For two classes the second one: the bins are of its probability. For more None: the bins are of the
        probability of whichever class is predicted, as in Guo et al. 2017, "On calibration of modern neural
        networks".
    bins
        Those of ten equal widths that have rows.
    expected_error
        Mean over the rows of |predicted - observed| of their bin (the expected calibration error).
    """

    label: Label | None
    bins: tuple[CalibrationBin, ...]
    expected_error: float


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    n_rows
        Rows that were evaluated.
    classes
        K labels, in the order of the probabilities' columns.
    accuracy
        Share of the rows whose most probable class is the true one.
    log_loss
        Mean of -log p(true class), in nats; p is taken to be at least the machine epsilon of the
        probabilities' dtype (as scikit-learn does), so that one certain mistake costs 16 (float32) or 36 nats
        and not infinity.
    macro_f1
        Mean F1 of the classes that are, or are predicted, in some row.
    brier_score
        Mean over rows of sum_k (p_k - [y = k])^2; half of that for two classes, as is the custom.
    baseline
        What ignoring all columns would give.
    per_class
        One entry per class.
    confusion
        K rows (true class) of K counts (predicted class).
    curves
        One entry per class; for two classes the second one alone.
    calibration
        Reliability of the probabilities.
    """

    n_rows: int
    classes: tuple[Label, ...]
    accuracy: float
    log_loss: float
    macro_f1: float
    brier_score: float
    baseline: Baseline
    per_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    curves: tuple[ClassCurves, ...]
    calibration: Calibration

    def __post_init__(self) -> None:
        K = len(self.classes)
        if len(self.per_class) != K or [len(row) for row in self.confusion] != [K] * K:
            raise InputError(f"an evaluation of {K} classes needs {K} entries in per_class and {K} x {K} in confusion")
        if sum(map(sum, self.confusion)) != self.n_rows:
            raise InputError(f"the confusion matrix does not add up to the {self.n_rows} rows evaluated")

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain data (JSON); `from_dict` gives it back."""
        plain: dict[str, Any] = _to_plain(self)
        return plain

    @classmethod
    def from_dict(cls, data: Any) -> Evaluation:
        """Return the evaluation that `to_dict` wrote.

        Raises
        ------
        InputError
            If the data is anything else; names the entry.
        """
        d = _entries(data, cls, "evaluation")
        return cls(
            n_rows=_count(d, "n_rows"),
            classes=tuple(_label(label, "classes") for label in _sequence(d["classes"], "classes")),
            accuracy=_number(d, "accuracy", most=1),
            log_loss=_number(d, "log_loss"),
            macro_f1=_number(d, "macro_f1", most=1),
            brier_score=_number(d, "brier_score", most=2),
            baseline=_read_baseline(d["baseline"]),
            per_class=tuple(map(_read_scores, _sequence(d["per_class"], "per_class"))),
            confusion=tuple(
                tuple(_count({"confusion": count}, "confusion") for count in _sequence(row, "confusion"))
                for row in _sequence(d["confusion"], "confusion")
            ),
            curves=tuple(map(_read_curves, _sequence(d["curves"], "curves"))),
            calibration=_read_calibration(d["calibration"]),
        )


def _to_plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _to_plain(getattr(value, f.name)) for f in fields(value)}
    return [_to_plain(entry) for entry in value] if isinstance(value, tuple) else value


def _entries(data: Any, record: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise InputError(f"{what}: not an evaluation's data, got {type(data).__name__}")
    for field in fields(record):
        if field.name not in data:
            raise InputError(f"{what}: not an evaluation's data, {field.name!r} is missing")
    return data


def _sequence(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise InputError(f"evaluation: {what!r} must be a list, got {type(value).__name__}")
    return value


def _count(data: Mapping[str, Any], key: str) -> int:
    value = data[key]
    if type(value) is not int or value < 0:
        raise InputError(f"evaluation: {key!r} must be a whole number >= 0, got {value!r}")
    return value


def _number(data: Mapping[str, Any], key: str, most: float = np.inf) -> float:
    value = data[key]
    if type(value) not in (int, float) or not 0 <= value <= most or not np.isfinite(value):
        bound = "at least 0" if np.isinf(most) else f"from 0 to {most:g}"
        raise InputError(f"evaluation: {key!r} must be a number {bound}, got {value!r}")
    return float(value)


def _optional(data: Mapping[str, Any], key: str) -> float | None:
    return None if data[key] is None else _number(data, key, most=1)


def _label(value: Any, what: str) -> Label:
    if not isinstance(value, (str, int, float, bool)):
        raise InputError(f"evaluation: {what!r} must hold class labels, got {type(value).__name__}")
    return value


def _read_baseline(data: Any) -> Baseline:
    d = _entries(data, Baseline, "baseline")
    return Baseline(
        label=_label(d["label"], "label"),
        accuracy=_number(d, "accuracy", most=1),
        log_loss=_number(d, "log_loss"),
        macro_f1=_number(d, "macro_f1", most=1),
    )


def _read_scores(data: Any) -> ClassScores:
    d = _entries(data, ClassScores, "per_class")
    return ClassScores(
        label=_label(d["label"], "label"),
        precision=_optional(d, "precision"),
        recall=_optional(d, "recall"),
        f1=_optional(d, "f1"),
        support=_count(d, "support"),
    )


def _read_curve(data: Any, what: str) -> Curve:
    d = _entries(data, Curve, what)
    x, y = (tuple(_number({what: value}, what, most=1) for value in _sequence(d[axis], what)) for axis in "xy")
    if len(x) != len(y):
        raise InputError(f"evaluation: {what!r} has {len(x)} x for {len(y)} y")
    return Curve(x, y)


def _read_curves(data: Any) -> ClassCurves:
    d = _entries(data, ClassCurves, "curves")
    return ClassCurves(
        label=_label(d["label"], "label"),
        prevalence=_number(d, "prevalence", most=1),
        roc=_read_curve(d["roc"], "roc"),
        precision_recall=_read_curve(d["precision_recall"], "precision_recall"),
        auc=_optional(d, "auc"),
        average_precision=_optional(d, "average_precision"),
    )


def _read_calibration(data: Any) -> Calibration:
    d = _entries(data, Calibration, "calibration")
    bins = [_entries(entry, CalibrationBin, "bins") for entry in _sequence(d["bins"], "bins")]
    return Calibration(
        label=None if d["label"] is None else _label(d["label"], "label"),
        bins=tuple(
            CalibrationBin(
                _count(entry, "count"),
                _number(entry, "predicted", most=1),
                _number(entry, "observed", most=1),
            )
            for entry in bins
        ),
        expected_error=_number(d, "expected_error", most=1),
    )

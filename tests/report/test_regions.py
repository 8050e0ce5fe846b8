from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.datasets import make_spiral
from chainrule.errors import InputError, MissingDependencyError
from chainrule.report.regions import TINT, plot_decision_regions

X, Y = make_spiral(60, 3, random_state=0)
W, B = np.array([[3.0, -2.0, 0.5], [1.0, 2.0, -4.0]]), np.array([0.1, -0.2, 0.3])


def _softmax(points: np.ndarray) -> np.ndarray:
    scores = np.exp(points @ W + B)
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))


def _boundaries(axes: Any) -> list[np.ndarray]:
    """The vertices of each boundary line."""
    lines = [item for item in axes.collections if len(item.get_linewidths()) and not len(item.get_facecolors())]
    return [path.vertices for item in lines for path in item.get_paths()]


def test_boundaries_of_a_softmax_classifier_are_where_two_logits_are_equal() -> None:
    found = _boundaries(plot_decision_regions(_softmax, X, Y))
    assert len(found) == 3  # each class's own; every line is drawn for both classes it divides
    for vertices in found:
        logits = np.sort(vertices @ W + B, axis=1)
        # log-probabilities are linear in the plane, so contours are exact but for thinning: 1/9 of a pixel of
        # a picture some 400 wide
        assert np.abs(logits[:, 2] - logits[:, 1]).max() < 5e-3


def test_straight_lines_are_stored_as_few_points() -> None:
    assert max(len(vertices) for vertices in _boundaries(plot_decision_regions(_softmax, X, Y))) < 20


def test_class_indices_will_do() -> None:
    def predict(points: np.ndarray) -> np.ndarray:
        return np.asarray((points[:, 0] > 0.25).astype(int))

    found = _boundaries(plot_decision_regions(predict, X, (X[:, 0] > 0.25).astype(int)))
    assert np.abs(np.concatenate(found)[:, 0] - 0.25).max() < 0.02  # the grid's spacing


def test_everything_is_labelled_and_the_legend_is_outside() -> None:
    axes = plot_decision_regions(
        _softmax, X, Y, feature_names=("length", "width"), class_names=("a", "b", "c"), title="Regions"
    )
    axes.figure.canvas.draw()
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")) == ("length", "width", "Regions")
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c", "boundary"]
    assert legend.get_window_extent().x0 >= axes.get_window_extent().x1
    inside = axes.get_window_extent()
    points = axes.transData.transform(X)
    assert (points >= [inside.x0, inside.y0]).all() and (points <= [inside.x1, inside.y1]).all()


@pytest.mark.parametrize("n_classes", [2, 3, 6, 9])
def test_classes_differ_by_colour_and_marker_together(n_classes: int) -> None:
    points, labels = make_spiral(90, n_classes, random_state=0)
    axes = plot_decision_regions(lambda grid: np.zeros(len(grid), dtype=int), points, labels)
    scatters = [item for item in axes.collections if len(item.get_offsets()) > 1]
    assert len(scatters) == n_classes
    looks = {(tuple(item.get_facecolors()[0]), item.get_paths()[0].vertices.tobytes()) for item in scatters}
    assert len(looks) == n_classes


def test_regions_of_three_classes_differ_in_grey() -> None:
    axes = plot_decision_regions(_softmax, X, Y)
    fills = [item.get_facecolors()[0][:3] for item in axes.collections[:6] if len(item.get_facecolors())]
    greys = sorted(float(fill @ [0.299, 0.587, 0.114]) for fill in fills[:3])  # luma, ITU-R BT.601
    assert np.diff(greys).min() > 0.05
    assert len(set(TINT)) == len(TINT)


def test_it_draws_where_it_is_told() -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert plot_decision_regions(_softmax, X, Y, ax=axes) is axes


def test_a_model_that_predicts_one_class_has_no_boundary() -> None:
    assert _boundaries(plot_decision_regions(lambda grid: np.ones(len(grid), dtype=int), X, Y)) == []


def test_columns_of_one_value_have_room() -> None:
    flat = np.column_stack([X[:, 0], np.full(len(X), 7.0)])
    assert plot_decision_regions(_softmax, flat, Y).get_ylim() == (6.0, 8.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.ones((60, 3))}, r"X must be \(rows, 2\)"),
        ({"X": np.full((60, 2), np.nan)}, "NaN"),
        ({"y": Y[:5]}, "y must be class indices"),
        ({"y": Y - 1}, "y must be class indices"),
        ({"y": Y.astype(float)}, "y must be class indices"),
        ({"feature_names": ("x",)}, "two names"),
        ({"class_names": ("a", "b")}, "2 names for 3 classes"),
        ({"predict": lambda grid: np.ones((len(grid), 2))}, "must return probabilities"),
        ({"predict": lambda grid: np.ones(3)}, "must return probabilities"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"predict": _softmax, "X": X, "y": Y, **change}
    predict: Callable[[np.ndarray], np.ndarray] = given.pop("predict")
    with pytest.raises(InputError, match=message):
        plot_decision_regions(predict, given.pop("X"), given.pop("y"), **given)


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"chainrule\[plot\]"):
        plot_decision_regions(_softmax, X, Y)

"""A run that is stepped, changed and sought comes back to the same bits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.board.course import Course
from chainrule.board.scene import Network, Scene, spiral
from chainrule.board.snapshots import Snapshots
from chainrule.errors import InputError

NETWORKS = (
    Network(),
    Network(hidden_layer_sizes=(8, 5), solver="adam", learning_rate=0.01, batch_size=32, dropout=0.2),
    Network(hidden_layer_sizes=(), solver="sgd", learning_rate=0.5, batch_size=64),
)


def course_of(scene: Scene, **options: Any) -> Course:
    return Course(scene.graph, scene.X, scene.labels, scene.recipe, scene.start, **options)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("budget", [2_000, 1 << 20])
def test_any_step_comes_back_bit_for_bit(network: Network, budget: int) -> None:
    """Whatever the budget leaves of the snapshots: what is not kept is replayed."""
    scene = spiral().with_network(network)
    straight = course_of(scene)
    seen = [straight.parameters.copy()]
    for _ in range(150):
        straight.advance()
        seen.append(straight.parameters.copy())
    course = course_of(scene, budget=budget)
    course.advance(150)
    for step in (150, 0, 149, 1, 75, 74, 76, 33, 150):
        course.seek(step)
        np.testing.assert_array_equal(course.parameters, seen[step])
        assert course.step == step
    np.testing.assert_array_equal(course.losses, straight.losses)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_edits_and_changes_are_part_of_the_run(data: st.DataObject) -> None:
    """After any events each step of the run is what it was when it was first reached."""
    scene = spiral().with_network(NETWORKS[1])
    course = course_of(scene, budget=data.draw(st.sampled_from([3_000, 1 << 20])))
    seen = {0: course.parameters.copy()}
    recipes = (
        scene.recipe,
        replace(scene.recipe, learning_rate=0.003),
        replace(scene.recipe, batch_size=50),
        Network(solver="sgd", learning_rate=0.1, batch_size=32).recipe(300, 0),
    )
    for _ in range(data.draw(st.integers(1, 8))):
        match data.draw(st.sampled_from(["advance", "edit", "change", "seek"])):
            case "advance":
                for _ in range(data.draw(st.integers(1, 40))):
                    course.advance()
                    seen[course.step] = course.parameters.copy()
            case "edit":
                course.edit(data.draw(st.integers(0, len(scene.start) - 1)), data.draw(st.floats(-2.0, 2.0)))
                seen = {step: kept for step, kept in seen.items() if step < course.step}
                seen[course.step] = course.parameters.copy()
            case "change":
                course.change(data.draw(st.sampled_from(recipes)))
                seen = {step: kept for step, kept in seen.items() if step <= course.step}
            case "seek":
                course.seek(data.draw(st.integers(0, course.furthest)))
    assert course.furthest == max(seen)
    for step in data.draw(st.lists(st.integers(0, course.furthest), max_size=12)):
        course.seek(step)
        np.testing.assert_array_equal(course.parameters, seen[step])


def test_ten_thousand_steps_of_the_lectures_network_take_little_memory() -> None:
    course = course_of(spiral())
    course.advance(10_000)
    assert course.nbytes <= 100e6
    assert course.losses[-1] < 0.3  # CS231n's band


def test_a_run_that_diverges_stops_before_the_step_that_would_spoil_it() -> None:
    scene = spiral().with_network(Network(learning_rate=1e5))
    course = course_of(scene)
    taken = course.advance(1000)
    assert taken < 1000
    assert course.stopped_at == course.step == taken
    course.seek(0)
    course.seek(course.furthest)


def test_what_cannot_be_is_said() -> None:
    course = course_of(spiral())
    with pytest.raises(InputError, match="from 0 to 0"):
        course.seek(1)
    with pytest.raises(InputError, match="finite"):
        course.edit(0, float("nan"))


class _Sized(int):
    nbytes = 10


@given(st.integers(2, 30), st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_snapshots_stay_within_the_budget_on_an_even_grid(room: int, steps: int) -> None:
    snapshots: Snapshots[_Sized] = Snapshots(10 * room)
    for step in range(steps):
        if snapshots.is_due(step):
            snapshots.keep(step, _Sized(step))
    assert snapshots.nbytes == 10 * len(snapshots) <= 10 * max(room, 2)
    for step in range(steps):
        found, state = snapshots.latest(step)
        assert found == state == step // snapshots.spacing * snapshots.spacing

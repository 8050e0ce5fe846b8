"""Schedules: shapes at their landmarks, independence of how steps are cut, errors."""

from __future__ import annotations

import json
from math import cos, inf, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.solvers import SCHEDULES, make_schedule
from chainrule.solvers.schedules import Cosine, Plateau, ReduceOnPlateau, describe_schedule


def _all(schedule, n_steps=100):
    return make_schedule(schedule).factors(np.arange(n_steps), n_steps)


@given(st.sampled_from(sorted(SCHEDULES)), st.sampled_from([0.0, 0.1, 0.5]), st.integers(1, 300), st.integers(0, 300))
def test_a_factor_depends_on_its_step_alone(name, warm_up, n_steps, cut):
    schedule = make_schedule({"name": name, "warm_up": warm_up})
    steps = np.arange(n_steps)
    whole = schedule.factors(steps, n_steps)
    assert whole.shape == steps.shape
    assert ((whole >= 0) & (whole <= 1)).all()
    # Cosines of short arrays may take another path in NumPy than those of long ones: a rounding's difference.
    parts = [schedule.factors(part, n_steps) for part in (steps[:cut], steps[cut:])]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"one_cycle"}))
def test_a_warm_up_rises_evenly_to_the_full_rate(name):
    found = _all({"name": name, "warm_up": 0.2})
    np.testing.assert_allclose(found[:20], np.arange(1, 21) / 21, rtol=1e-15)
    assert found[20] == 1.0


def test_constant_stays():
    np.testing.assert_array_equal(_all("constant"), 1.0)


def test_step_drops_where_it_is_told():
    found = _all({"name": "step", "at": [0.5, 0.75], "factor": 0.1})
    np.testing.assert_allclose(found, np.repeat([1.0, 0.1, 0.01], [50, 25, 25]), rtol=1e-15)


def test_cosine_falls_from_one_to_its_end():
    found = _all({"name": "cosine", "final": 0.1})
    expected = [0.1 + 0.45 * (1 + cos(pi * t / 100)) for t in range(100)]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_one_cycle_rises_and_falls_on_half_cosines():
    found = _all("one_cycle")
    up = [0.04 + 0.48 * (1 - cos(pi * t / 30)) for t in range(30)]
    down = [4e-6 + (1 - 4e-6) / 2 * (1 + cos(pi * t / 70)) for t in range(70)]
    np.testing.assert_allclose(found, up + down, rtol=1e-13)
    assert found.argmax() == 30


def test_inverse_scaling_falls_as_a_power():
    np.testing.assert_allclose(_all({"name": "inverse_scaling", "power": 0.25}), np.arange(1, 101) ** -0.25, rtol=1e-14)


def test_reduce_on_plateau_waits_and_then_reduces():
    schedule = ReduceOnPlateau(factor=0.5, patience=2, tol=0.01, least=0.2)
    state, factors = Plateau(), []
    for loss in [1.0, 0.5, 0.495, 0.5, 0.6, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]:
        state = schedule.observe(loss, state)
        factors.append(state.factor)
    # 0.495 is no improvement by 0.01: three epochs without one are one more than are borne
    assert factors == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2]
    assert schedule.observe(float("nan"), Plateau(best=1.0)).epochs == 1


def test_a_function_is_a_schedule():
    found = make_schedule(lambda step: 1.0 / (step + 1))
    np.testing.assert_array_equal(found.factors(np.array([0, 1, 3]), 10), [1.0, 0.5, 0.25])
    for wrong in (-1.0, inf, float("nan")):
        with pytest.raises(InputError, match="for step 2; it must return a factor"):
            make_schedule(lambda step, wrong=wrong: wrong if step == 2 else 1.0).factors(np.arange(4), 4)


def test_a_description_gives_the_schedule_back():
    for name in SCHEDULES:
        schedule = make_schedule({"name": name, "warm_up": 0.25})
        assert make_schedule(json.loads(json.dumps(describe_schedule(schedule)))) == schedule
        assert json.loads(json.dumps(describe_schedule(schedule))) == describe_schedule(schedule)
    assert make_schedule(Cosine()) == Cosine()
    assert describe_schedule(make_schedule(None)) is None
    assert describe_schedule(make_schedule(abs)) == "function abs"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("cosinus", "schedule must be one of constant, step, cosine.*got 'cosinus'"),
        (3, "schedule must be one of"),
        ({"warm_up": 0.1}, "schedule must be one of"),
        ({"name": "cosine", "warmup": 0.1}, "'cosine' has no field 'warmup'; it has warm_up, final"),
        ({"name": "cosine", "warm_up": 1.0}, r"warm_up must be a number in \[0, 1\), got 1.0"),
        ({"name": "cosine", "final": -1}, "final must be a finite number >= 0, got -1"),
        ({"name": "step", "at": [0.5, 1.5]}, "at must be shares of the run between 0 and 1"),
        ({"name": "step", "at": "half"}, "at must be shares of the run"),
        ({"name": "reduce_on_plateau", "factor": 1.0}, r"factor must be a number in \[0, 1\), got 1.0"),
        ({"name": "inverse_scaling", "power": float("nan")}, "power must be a finite number"),
    ],
)
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        make_schedule(given)

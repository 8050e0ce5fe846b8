"""The minibatch loop: order, losses, stopping, callbacks, and runs that are stopped anywhere."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from importlib import import_module
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engine import Trainer, UpdateRule, compile_graph, permutation
from chainrule.errors import InputError, NonFiniteError
from chainrule.graph import build, initialize
from chainrule.solvers import MinibatchOptions, RunState, make_schedule, minibatch
from chainrule.solvers.schedules import Plateau

LOOP = import_module("chainrule.solvers.minibatch")  # the package's attribute of this name is the function
OPTIONS = MinibatchOptions(UpdateRule("adam"), batch_size=16, learning_rate=0.01, max_iter=4, n_iter_no_change=inf)


def _task(dtype=np.float64, m=70, dropout=0.0):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((m, 3)).astype(dtype)
    y = (X[:, 0] > X[:, 1]).astype(np.int64) + (X[:, 2] > 1)
    return compile_graph(build.mlp(3, (5,), 3, dropout=dropout, l2=1e-3)), X, y


def _start(program, options=OPTIONS, dtype=np.float64, seed=0):
    flat = initialize(program.graph, random_state=seed).astype(dtype)
    return RunState("adam", flat, np.zeros((options.rule.n_slots, len(flat)), dtype), seed=seed)


@pytest.fixture
def a_step_at_a_time(monkeypatch):
    monkeypatch.setattr(LOOP, "CHUNK_SECONDS", 0.0)


def _scripted(losses):
    """A watch that says what it is told: losses, with the scores their negatives."""
    told = iter(losses)
    return lambda parameters: (lambda loss: (loss, -loss))(next(told))


def test_epochs_are_the_engines_steps_in_the_order_of_the_permutation():
    program, X, y = _task()
    run = minibatch(program, X, y, OPTIONS, _start(program))
    trainer = Trainer(program, X, y, parameters=initialize(program.graph), rule=OPTIONS.rule, batch_size=16)
    curve = []
    for epoch in range(4):
        taken = trainer.steps(permutation(70, 0, epoch), 0, np.full(5, 0.01), 5 * epoch)
        curve.append(np.average(taken.losses, weights=[16, 16, 16, 16, 6]))
    np.testing.assert_array_equal(run.parameters, trainer.parameters)
    np.testing.assert_array_equal(run.slots, trainer.slots)
    np.testing.assert_allclose(run.loss_curve, curve, rtol=1e-14)  # the sum is ordered otherwise
    assert (run.status, run.epoch, run.step, run.rows_seen) == ("max_iter", 4, 20, 280)


def test_without_shuffling_rows_come_as_they_are():
    program, X, y = _task()
    options = replace(OPTIONS, shuffle=False, max_iter=1)
    run = minibatch(program, X, y, options, _start(program))
    trainer = Trainer(program, X, y, parameters=initialize(program.graph), rule=OPTIONS.rule, batch_size=16)
    trainer.steps(np.arange(70), 0, np.full(5, 0.01), 0)
    np.testing.assert_array_equal(run.parameters, trainer.parameters)


def test_rows_that_are_left_out_change_nothing():
    program, X, y = _task()
    rows = np.flatnonzero(np.arange(70) % 3)
    spoilt = X.copy()
    spoilt[::3] = np.nan
    options = replace(OPTIONS, shuffle=False)
    found = minibatch(program, spoilt, y, options, _start(program), rows=rows)
    alone = minibatch(program, X[rows], y[rows], options, _start(program))
    np.testing.assert_array_equal(found.parameters, alone.parameters)
    assert found.loss_curve == alone.loss_curve
    shuffled = minibatch(program, spoilt, y, OPTIONS, _start(program), rows=rows)
    assert shuffled.status == "max_iter"


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_stopped_anywhere_and_resumed_it_has_the_same_bits(data):
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    program, X, y = _task(dtype, dropout=data.draw(st.sampled_from([0.0, 0.3])))
    decay = data.draw(st.sampled_from(["constant", "invscaling", "adaptive"]))
    name = data.draw(st.sampled_from(["step", "cosine", "one_cycle", "inverse_scaling", "reduce_on_plateau"]))
    schedule = {"name": name, "warm_up": 0.2} | ({"patience": 0} if name == "reduce_on_plateau" else {})
    options = replace(
        OPTIONS,
        rule=UpdateRule(data.draw(st.sampled_from(["sgd", "adam", "rmsprop", "lion"])), momentum=0.5),
        decay=decay,
        schedule=make_schedule(schedule) if decay == "constant" else None,
        tol=0.05,
        n_iter_no_change=1,
        max_iter=8,
        early_stopping=data.draw(st.booleans()),
    )

    def watch(parameters):
        loss, _ = program.value_and_gradient(parameters, X[:20], y[:20])
        return loss, -loss

    given = {"watch": watch} if options.early_stopping or data.draw(st.booleans()) else {}
    start = _start(program, options, dtype)
    whole = minibatch(program, X, y, options, start, **given)
    assert not start.slots.any()  # what was given is left as it was
    run = start
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LOOP, "CHUNK_SECONDS", 0.0)
        while not run.finished:
            left = [data.draw(st.integers(1, 9))]

            def stop(progress, left=left):
                left[0] -= 1
                return left[0] <= 0

            stopped = minibatch(program, X, y, options, run, callback=stop, **given)
            run = RunState.from_arrays(*stopped.to_arrays())
    assert run.status == whole.status
    numbers, arrays = run.to_arrays()
    expected_numbers, expected_arrays = whole.to_arrays()
    assert numbers == expected_numbers
    assert arrays.keys() == expected_arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected_arrays[name], err_msg=name)


def test_training_loss_that_no_longer_falls_ends_the_run():
    program, X, y = _task()
    run = minibatch(program, X, y, replace(OPTIONS, tol=10.0, n_iter_no_change=3, max_iter=50), _start(program))
    # The first epoch betters infinity; the next four are one more than is borne.
    assert (run.status, run.epoch) == ("converged", 5)


def test_validation_scores_decide_when_to_stop_and_which_epoch_is_best():
    program, X, y = _task()
    losses = [0.9, 0.5, 0.6, 0.45, nan, 0.7, 0.8, 0.1]
    options = replace(OPTIONS, early_stopping=True, tol=0.01, n_iter_no_change=2, max_iter=50)
    at_epoch = []
    run = minibatch(
        program,
        X,
        y,
        options,
        _start(program),
        watch=_scripted(losses),
        callback=lambda progress: at_epoch.append(progress.parameters.copy()),
    )
    assert (run.status, run.epoch, run.best_epoch, run.best_score) == ("converged", 7, 4, -0.45)
    np.testing.assert_array_equal(run.best_parameters, at_epoch[3])
    np.testing.assert_array_equal(run.parameters, at_epoch[6])
    assert [isnan(loss) for loss in run.validation_losses] == [False] * 4 + [True, False, False]


def test_validation_rows_without_early_stopping_are_watched_only():
    program, X, y = _task()
    run = minibatch(program, X, y, OPTIONS, _start(program), watch=_scripted([0.1, 0.2, 0.3, 0.4]))
    assert (run.status, run.epoch, run.best_epoch) == ("max_iter", 4, 1)


def test_adaptive_divides_by_five_until_the_rate_is_spent():
    program, X, y = _task()
    options = replace(
        OPTIONS, rule=UpdateRule("sgd"), decay="adaptive", learning_rate=1e-4, tol=10.0, n_iter_no_change=1, max_iter=99
    )
    rates = []
    run = minibatch(program, X, y, options, _start_sgd(program), callback=lambda p: rates.append(p.learning_rate))
    expected = [1e-4] * 3 + [2e-5] * 2 + [4e-6] * 2 + [8e-7] * 2
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    assert run.status == "converged"


def _start_sgd(program):
    return replace(_start(program), solver="sgd", slots=np.zeros((1, program.graph.parameters.size)))


def test_invscaling_follows_the_rows_seen():
    program, X, y = _task()
    options = replace(OPTIONS, rule=UpdateRule("sgd"), decay="invscaling", learning_rate=0.5, power_t=0.25)
    rates = []
    minibatch(program, X, y, options, _start_sgd(program), callback=lambda p: rates.append(p.learning_rate))
    np.testing.assert_allclose(rates, [0.5 / (70 * epoch + 1) ** 0.25 for epoch in range(4)], rtol=1e-14)


def test_a_plateau_reduces_the_rate():
    program, X, y = _task()
    options = replace(OPTIONS, schedule=make_schedule({"name": "reduce_on_plateau", "patience": 0, "factor": 0.5}))
    rates = []
    run = minibatch(
        program,
        X,
        y,
        options,
        _start(program),
        watch=_scripted([0.5, 0.6, 0.4, 0.4]),
        callback=lambda progress: rates.append(progress.learning_rate),
    )
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.005, 0.005], rtol=1e-14)
    assert run.plateau == Plateau(0.25, 0.4, 0)


def test_progress_tells_where_the_run_is(a_step_at_a_time):
    program, X, y = _task()
    told = []
    minibatch(
        program, X, y, replace(OPTIONS, max_iter=2), _start(program), watch=_scripted([0.3, 0.2]), callback=told.append
    )
    assert [(p.epoch, p.step, p.n_steps) for p in told] == [(e, s, 5) for e in (1, 2) for s in (1, 2, 3, 4, 5)]
    assert [p.validation_loss for p in told if p.epoch_done] == [0.3, 0.2]
    assert all(p.validation_score is None for p in told if not p.epoch_done)
    assert told[-1].seconds_left == 0.0
    assert all(p.rows_per_second > 0 and p.seconds_left > 0 for p in told[:-1])
    with pytest.raises(ValueError, match="read-only"):
        told[-1].parameters[0] = 1.0


def test_long_epochs_are_told_of_in_between_but_not_at_every_step(monkeypatch):
    monkeypatch.setattr(LOOP, "CHUNK_SECONDS", 0.005)
    program, X, y = _task(m=400_000)
    told = []
    run = minibatch(program, X, y, replace(OPTIONS, batch_size=64, max_iter=1), _start(program), callback=told.append)
    # 6,250 steps of microseconds take a few hundredths of a second at the least.
    assert 2 <= len(told) <= run.step / 20


def test_a_real_interrupt_waits_for_the_end_of_a_step_and_loses_nothing(a_step_at_a_time):
    program, X, y = _task(dropout=0.2)
    whole = minibatch(program, X, y, OPTIONS, _start(program))
    calls = []

    def press(progress):
        calls.append(progress)
        if len(calls) == 8:
            signal.raise_signal(signal.SIGINT)

    stopped = minibatch(program, X, y, OPTIONS, _start(program), callback=press)
    assert stopped.status == "interrupted"
    assert (stopped.epoch, stopped.batch) == (1, 4)  # the step after the eighth
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = minibatch(program, X, y, OPTIONS, stopped)
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    assert resumed.loss_curve == whole.loss_curve


def test_another_thread_can_train():
    program, X, y = _task()
    found = []
    thread = threading.Thread(target=lambda: found.append(minibatch(program, X, y, OPTIONS, _start(program))))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0].parameters, minibatch(program, X, y, OPTIONS, _start(program)).parameters)


def test_the_number_of_threads_changes_no_bit():
    program, X, y = _task(np.float32, m=700, dropout=0.1)
    one, two = (
        minibatch(program, X, y, replace(OPTIONS, batch_size=200, n_threads=n), _start(program, dtype=np.float32))
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.parameters, two.parameters)
    assert one.loss_curve == two.loss_curve


def test_a_further_run_goes_on_with_optimizer_and_history():
    program, X, y = _task()
    two = minibatch(program, X, y, replace(OPTIONS, max_iter=2), _start(program))
    further = minibatch(program, X, y, replace(OPTIONS, max_iter=2), two.renewed())
    whole = minibatch(program, X, y, OPTIONS, _start(program))
    np.testing.assert_array_equal(further.parameters, whole.parameters)
    assert further.loss_curve == whole.loss_curve
    assert (further.epoch, further.first_epoch, further.first_step) == (4, 2, 10)


def test_an_epoch_under_way_is_given_up_by_a_further_run(a_step_at_a_time):
    program, X, y = _task()
    stopped = minibatch(program, X, y, OPTIONS, _start(program), callback=lambda progress: progress.step == 3)
    assert stopped.batch == 3
    with pytest.raises(InputError, match=r"in batch 3 of an epoch of other rows, here one has 1: state\.renewed\(\)"):
        minibatch(program, X[:10], y[:10], OPTIONS, stopped)
    renewed = stopped.renewed()
    assert (renewed.batch, renewed.batch_losses, renewed.first_step, renewed.step) == (0, [], 3, 3)
    assert minibatch(program, X[:10], y[:10], OPTIONS, renewed).status == "max_iter"


def test_the_keeper_is_given_states_when_it_wants_them_and_the_last():
    class Keeper:
        def __init__(self):
            self.kept, self.asked = [], []

        def due(self, epochs, seconds):
            self.asked.append(seconds)
            return epochs >= 3

        def keep(self, run):
            self.kept.append(run.copy())

    program, X, y = _task()
    keeper = Keeper()
    run = minibatch(program, X, y, replace(OPTIONS, max_iter=7), _start(program), keeper=keeper)
    assert [(kept.epoch, kept.status) for kept in keeper.kept] == [(3, "running"), (6, "running"), (7, "max_iter")]
    np.testing.assert_array_equal(keeper.kept[-1].parameters, run.parameters)
    resumed = minibatch(program, X, y, replace(OPTIONS, max_iter=7), keeper.kept[0])
    np.testing.assert_array_equal(resumed.parameters, run.parameters)


def test_divergence_names_epoch_step_node_and_what_to_try():
    program, X, y = _task(np.float32)
    options = replace(OPTIONS, rule=UpdateRule("sgd"), learning_rate=1e30)
    start = RunState("sgd", initialize(program.graph).astype(np.float32), np.zeros((1, 38), np.float32))
    message = (
        r"training diverged: the loss is (nan|inf) in epoch 1, step [2-5] of 5; the first node that is not finite is "
        r"'\w+' \(\w+\)\. Try a smaller learning_rate_init \(the rate was 1e\+30 here\) or clip_norm=1\.0\."
    )
    with pytest.raises(NonFiniteError, match=message):
        minibatch(program, X, y, options, start)
    with pytest.raises(
        NonFiniteError, match=r"Try standardised columns \(they reach 3e\+30\) or a smaller learning_rate"
    ):
        minibatch(program, np.full_like(X, 3e30), y, replace(options, learning_rate=1.0), start)


def test_a_last_step_that_spoils_the_parameters_is_found():
    program, X, y = _task(np.float32)
    options = replace(OPTIONS, rule=UpdateRule("sgd"), learning_rate=1e38, batch_size=70, max_iter=1)
    start = RunState("sgd", initialize(program.graph).astype(np.float32) * 100, np.zeros((1, 38), np.float32))
    with pytest.raises(
        NonFiniteError, match=r"after epoch 1; the first node that is not finite is 'W\d' \(parameter\)"
    ):
        minibatch(program, X * np.float32(1e3), y, options, start)


def test_a_state_that_does_not_hold_together_is_refused():
    numbers, arrays = _start(_task()[0]).to_arrays()
    for change in (
        {"epoch": -1},
        {"status": "asleep"},
        {"batch": 2},
        {"colour": "red"},
        {"dtype": "text"},
        {"step": 1.5},
    ):
        with pytest.raises(InputError, match="not the state of a run"):
            RunState.from_arrays(numbers | change, arrays)
    for name in ("parameters", "plateau", "levels", "loss_curve"):
        with pytest.raises(InputError, match="not the state of a run"):
            RunState.from_arrays(numbers, {key: array for key, array in arrays.items() if key != name})
    with pytest.raises(InputError, match="not the state of a run"):
        RunState.from_arrays(numbers, arrays | {"slots": np.zeros((2, 3))})

"""Checkpoints: whole or not at all, only for the run they are of, and the same bits after a resume."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import InputError, ModelFileError
from chainrule.files import Checkpoint, load_checkpoint, load_model, save_checkpoint
from chainrule.files.container import pack
from chainrule.solvers import RunState
from chainrule.training import NetworkOptions, build_network, fit_network, hold_out

OPTIONS = NetworkOptions(
    hidden_layer_sizes=(6,),
    learning_rate_init=0.02,
    batch_size=16,
    max_iter=8,
    dropout=0.2,
    early_stopping=True,
    n_iter_no_change=inf,
    schedule={"name": "one_cycle"},
    clip_norm=1.0,
)


def _rows(dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((90, 3)).astype(dtype)
    return X, (X[:, 0] > X[:, 1]).astype(np.int64) + (X[:, 2] > 1)


def _fit(options=OPTIONS, dtype=np.float64, **given):
    X, y = _rows(dtype)
    rows, validation = hold_out(X, y, options)
    graph = build_network(3, 3, options, mass=float(len(rows)))
    watched = validation if options.early_stopping else None
    return fit_network(X, y, graph, options, rows=rows, validation=watched, **given)


def _stop_after(calls):
    left = [calls]

    def stop(progress):
        left[0] -= 1
        return left[0] <= 0

    return stop


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_stopped_runs_resume_from_the_file_to_the_same_bits(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("run") / "run.checkpoint"
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    schedule = data.draw(st.sampled_from([None, "step", "cosine", "one_cycle", "inverse_scaling", "reduce_on_plateau"]))
    options = replace(
        OPTIONS, schedule=schedule, early_stopping=data.draw(st.booleans()), shuffle=data.draw(st.booleans())
    )
    whole = _fit(options, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("chainrule.solvers.minibatch"), "CHUNK_SECONDS", 0.0)
        status = "stopped"
        while status == "stopped":
            stop = _stop_after(data.draw(st.integers(1, 12)))
            found = _fit(options, dtype, checkpoint=Checkpoint(path, every_epochs=3), resume=True, callback=stop)
            status = found.status
    assert status == whole.status
    np.testing.assert_array_equal(found.parameters, whole.parameters)
    np.testing.assert_array_equal(found.state.slots, whole.state.slots)
    assert found.loss_curve == whole.loss_curve
    assert found.validation_losses == whole.validation_losses
    assert (found.n_iter, found.n_steps, found.best_epoch) == (whole.n_iter, whole.n_steps, whole.best_epoch)


def test_lbfgs_resumes_to_the_same_bits(tmp_path):
    options = replace(OPTIONS, solver="lbfgs", dropout=0.0, schedule=None, max_iter=25)
    whole = _fit(options)
    for calls in (1, 7, 3, 100):
        found = _fit(options, checkpoint=Checkpoint(tmp_path / "run"), resume=True, callback=_stop_after(calls))
    assert found.status == whole.status
    np.testing.assert_array_equal(found.parameters, whole.parameters)
    assert (found.loss_curve, found.n_steps) == (whole.loss_curve, whole.n_steps)


def test_a_finished_run_is_not_trained_again_unless_it_may_go_on(tmp_path):
    options = replace(OPTIONS, schedule=None)
    checkpoint = Checkpoint(tmp_path / "run")
    whole = _fit(options, checkpoint=checkpoint)
    told = []
    found = _fit(options, checkpoint=checkpoint, resume=True, callback=told.append)
    assert (found.status, told) == ("max_iter", [])
    np.testing.assert_array_equal(found.parameters, whole.parameters)
    longer = _fit(replace(options, max_iter=12), checkpoint=checkpoint, resume=True)
    np.testing.assert_array_equal(longer.state.parameters, _fit(replace(options, max_iter=12)).state.parameters)
    assert longer.n_iter == 12


def test_without_resume_a_run_begins_anew_and_replaces_the_file(tmp_path):
    path = tmp_path / "run"
    _fit(checkpoint=Checkpoint(path), callback=_stop_after(3))
    anew = _fit(checkpoint=Checkpoint(path))
    np.testing.assert_array_equal(anew.parameters, _fit().parameters)
    assert load_checkpoint(path).epoch == 8
    assert list(tmp_path.iterdir()) == [path]


def test_the_number_of_threads_may_change(tmp_path):
    path = tmp_path / "run"
    _fit(replace(OPTIONS, n_threads=1), checkpoint=Checkpoint(path), callback=_stop_after(3))
    found = _fit(replace(OPTIONS, n_threads=2), checkpoint=Checkpoint(path), resume=True)
    np.testing.assert_array_equal(found.parameters, _fit().parameters)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate_init": 0.5}, "learning_rate_init is 0.02 there, 0.5 here"),
        ({"max_iter": 9}, "max_iter is 8 there, 9 here"),  # the schedule spans the run
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"hidden_layer_sizes": (7,)}, r"its graph is another one; hidden_layer_sizes is \[6\] there, \[7\] here"),
        ({"schedule": "cosine"}, r"schedule is \{.*one_cycle.*\} there, \{.*cosine.*\} here"),
        ({"early_stopping": False}, "one has validation, the other has not"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, message):
    checkpoint = Checkpoint(tmp_path / "run")
    _fit(checkpoint=checkpoint, callback=_stop_after(2))
    with pytest.raises(InputError, match=rf"run' belongs to another run: .*{message}.*begin anew without resume"):
        _fit(replace(OPTIONS, **change), checkpoint=checkpoint, resume=True)


def test_other_rows_are_noticed(tmp_path):
    X, y = _rows()
    options = replace(OPTIONS, early_stopping=False)
    graph = build_network(3, 3, options, mass=90.0)
    checkpoint = Checkpoint(tmp_path / "run")
    fit_network(X, y, graph, options, checkpoint=checkpoint)
    for other, labels, weight, message in (
        (X + 1, y, None, "its data has other values"),
        (X, np.roll(y, 1), None, "its data has other values"),
        (X, y, np.ones(90), "its data has other values"),
        (X[:80], y[:80], None, r"data shape is \[90, 3\] there, \[80, 3\] here"),
        (X.astype(np.float32), y, None, "data dtype is 'float64' there, 'float32' here"),
    ):
        with pytest.raises(InputError, match=message):
            fit_network(other, labels, graph, options, sample_weight=weight, checkpoint=checkpoint, resume=True)


def _state():
    rng = np.random.default_rng(0)
    state = RunState(
        "adam", rng.standard_normal(7).astype(np.float32), rng.random((2, 7)).astype(np.float32), seed=2**62
    )
    state.loss_curve, state.validation_scores, state.best_score = [0.1, 1 / 3], [float("nan"), -inf], -inf
    state.batch, state.batch_losses, state.step = 2, [5e-324, 1e308], 12
    return state


def test_every_bit_comes_back(tmp_path):
    state = _state()
    for best in (None, state.parameters + 1):
        state.best_parameters = best
        save_checkpoint(state, tmp_path / "run", {"a": 1})
        found = load_checkpoint(tmp_path / "run", {"a": 1})
        (numbers, arrays), (expected_numbers, expected_arrays) = found.to_arrays(), state.to_arrays()
        assert numbers == expected_numbers
        assert arrays.keys() == expected_arrays.keys()
        for name, array in expected_arrays.items():
            assert array.dtype == arrays[name].dtype
            assert array.tobytes() == arrays[name].tobytes(), name


def test_any_damage_is_noticed(tmp_path):
    path = tmp_path / "run"
    save_checkpoint(_state(), path, {})
    whole = path.read_bytes()
    rng = random.Random(0)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match="checkpoint"):
            load_checkpoint(path)
    for length in (0, 1, 50, 200, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError, match="checkpoint"):
            load_checkpoint(path)


def test_what_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "run"
    with pytest.raises(ModelFileError, match=r"no such checkpoint: '.*run'"):
        load_checkpoint(path)
    path.write_bytes(b"\x89PNG" + bytes(300))
    with pytest.raises(ModelFileError, match="is not a chainrule checkpoint: it is a PNG image"):
        load_checkpoint(path)
    path.write_bytes(pack({"format": "chainrule model", "version": 1}, {}))
    with pytest.raises(ModelFileError, match="holds no checkpoint: its format is 'chainrule model', version 1"):
        load_checkpoint(path)
    path.write_bytes(pack({"format": "chainrule checkpoint", "version": 2}, {}))
    with pytest.raises(ModelFileError, match="was written by a newer chainrule"):
        load_checkpoint(path)
    path.write_bytes(pack({"format": "chainrule checkpoint", "version": 1}, {}))
    with pytest.raises(ModelFileError, match="its description is malformed"):
        load_checkpoint(path)
    path.write_bytes(pack({"format": "chainrule checkpoint", "version": 1, "recipe": {}, "run": {"epoch": 1}}, {}))
    with pytest.raises(ModelFileError, match="cannot be used: not the state of a run"):
        load_checkpoint(path)
    save_checkpoint(_state(), path, {})
    with pytest.raises(ModelFileError, match="holds no model: its format is 'chainrule checkpoint'"):
        load_model(path)


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    told = []
    with pytest.raises(InputError, match=r"there is no directory '.*nowhere'"):
        _fit(checkpoint=Checkpoint(tmp_path / "nowhere" / "run"), callback=told.append)
    assert not told


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ({}, [(1, 0.0, True), (0, 99.0, False)]),
        ({"every_epochs": 5}, [(4, 99.0, False), (5, 0.0, True)]),
        ({"every_seconds": 2.0}, [(9, 1.9, False), (0, 2.0, True)]),
        ({"every_epochs": 5, "every_seconds": 2.0}, [(4, 1.9, False), (5, 0.0, True), (0, 2.0, True)]),
    ],
)
def test_how_often(given, due):
    checkpoint = Checkpoint("run", **given)
    assert [checkpoint.due(epochs, seconds) for epochs, seconds, _ in due] == [expected for *_, expected in due]


@pytest.mark.parametrize("given", [{"every_epochs": 0}, {"every_seconds": -1.0}, {"every_epochs": True}])
def test_how_often_has_to_make_sense(given):
    with pytest.raises(InputError, match=r"must be a number > 0"):
        Checkpoint("run", **given)


RUN_TO_BE_KILLED = """
import json, sys, time
import numpy as np
from chainrule.files import Checkpoint
from chainrule.training import NetworkOptions, Validation, build_network, fit_network

path, pause = sys.argv[1], float(sys.argv[2])
rng = np.random.default_rng(0)
X = rng.standard_normal((2000, 4)).astype(np.float32)
y = (X[:, 0] > X[:, 1]).astype(np.int64) + (X[:, 2] > 1)
options = NetworkOptions(
    (8,), learning_rate_init=0.02, batch_size=32, max_iter=8, dropout=0.2, schedule="cosine", early_stopping=True,
    n_iter_no_change=1000,
)
X, y, validation = X[200:], y[200:], Validation(X[:200], y[:200])
graph = build_network(4, 3, options, mass=float(len(y)))
from importlib import import_module
import_module("chainrule.solvers.minibatch").CHUNK_SECONDS = 0.0  # a file within epochs too, at any step

def tell(progress):
    if progress.step % 10 == 0:
        print("going", flush=True)
        time.sleep(pause)

found = fit_network(X, y, graph, options, validation=validation, callback=tell, resume=True,
                    checkpoint=Checkpoint(path, every_seconds=0.01))
digest = __import__("hashlib").sha256(found.parameters.tobytes() + found.state.slots.tobytes()).hexdigest()
print(json.dumps({"digest": digest, "loss_curve": found.loss_curve, "n_steps": found.n_steps}), flush=True)
"""


def _outcome(path, pause="0"):
    done = subprocess.run(
        [sys.executable, "-c", RUN_TO_BE_KILLED, str(path), pause], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _kill_at_random(path, randomness):
    """Start the run, kill it with SIGKILL a random moment after it began to train; return whether it was running."""
    command = [sys.executable, "-c", RUN_TO_BE_KILLED, str(path), "0.005"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        time.sleep(randomness.random() * 0.25)
        os.kill(process.pid, signal.SIGKILL)
        process.stdout.read()
    return process.returncode == -signal.SIGKILL


def _check_kills(folder, n_kills, seed):
    expected = _outcome(folder / "whole")
    randomness, killed, n_states = random.Random(seed), 0, set()
    path = folder / "run"
    while killed < n_kills:
        if path.exists() and load_checkpoint(path).finished:
            assert _outcome(path) == expected
            path.unlink()
        killed += _kill_at_random(path, randomness)
        if path.exists():  # whole, whatever it was doing when it was killed
            n_states.add(load_checkpoint(path).step)
    assert _outcome(path) == expected
    assert len(n_states) >= n_kills // 2  # the kills were at different moments
    left = {entry.name for entry in folder.iterdir()} - {"run", "whole"}
    assert left <= {".run.partial"}  # at most one half-written file, which the next run would have overwritten


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_resumes_to_the_same_bits(tmp_path):
    _check_kills(tmp_path, n_kills=3, seed=0)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_fifty_kills(tmp_path):
    _check_kills(tmp_path, n_kills=50, seed=1)

"""MLPClassifier: how a run ends, what it watches, how it goes on."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV
from small_networks import IRIS, assert_same_network, small_network

from chainrule import MLPClassifier
from chainrule.errors import InputError, NonFiniteError

# ---- how it ends


def test_not_converged_and_diverged_and_stopped_and_interrupted_are_told_apart():
    X, y = IRIS
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        assert MLPClassifier((4,), max_iter=2).fit(X, y).status_ == "max_iter"
    with pytest.warns(ConvergenceWarning, match="max_fun=3"):
        MLPClassifier((4,), solver="lbfgs", max_fun=3, alpha=1e-9).fit(X, y)
    with pytest.raises(NonFiniteError, match=r"epoch \d+, step \d+.*first node.*Try"):
        MLPClassifier((4,), solver="sgd", learning_rate_init=1e200, max_iter=50, momentum=0.0).fit(X, y)
    stopped = MLPClassifier((4,), callbacks=lambda progress: progress.epoch == 3).fit(X, y)
    assert (stopped.status_, stopped.n_iter_) == ("stopped", 3)
    assert MLPClassifier((4,), solver="lbfgs", alpha=1.0).fit(X, y).status_ == "converged"


def test_a_run_that_diverges_leaves_the_last_fit_as_it_was():
    network = small_network()
    before = network.predict_proba(IRIS[0])
    network.set_params(solver="sgd", learning_rate_init=1e200, momentum=0.0)
    with pytest.raises(NonFiniteError):
        network.fit(*IRIS)
    np.testing.assert_array_equal(network.predict_proba(IRIS[0]), before)


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
def test_ctrl_c_keeps_the_model():
    def press(progress):
        if progress.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    network = MLPClassifier((4,), max_iter=100_000, tol=0.0, callbacks=press)
    with pytest.warns(UserWarning, match="interrupted") as caught:
        network.fit(*IRIS)
    assert not any(issubclass(entry.category, ConvergenceWarning) for entry in caught)
    assert network.status_ == "interrupted"
    assert network.predict(IRIS[0]).shape == (150,)


def test_verbose_prints_a_line_per_epoch(capsys):
    small_network(verbose=True, max_iter=3, early_stopping=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Iteration 1, loss = ")
    assert "score = " in lines[0]


# ---- validation rows


def test_given_validation_rows_are_watched_and_the_best_epoch_is_kept():
    X, y = IRIS
    train, test = np.arange(150) % 2 == 0, np.arange(150) % 2 == 1
    weight = np.random.default_rng(0).uniform(0.1, 2.0, test.sum())
    network = small_network(
        X[train],
        y[train],
        validation_data=(X[test], y[test], weight),
        monitor="loss",
        learning_rate_init=0.3,
        solver="sgd",
        max_iter=30,
        batch_size=10,
    )
    assert len(network.validation_losses_) == network.n_iter_
    best = np.argmin(network.validation_losses_)
    assert network.best_epoch_ == best + 1
    assert network.best_validation_score_ == max(network.validation_scores_)
    found = log_loss(y[test], network.predict_proba(X[test]), sample_weight=weight)
    assert found == pytest.approx(network.validation_losses_[best], rel=1e-12)


@pytest.mark.parametrize(
    "monitor",
    [
        "accuracy",
        "balanced_accuracy",
        "neg_log_loss",
        make_scorer(roc_auc_score, response_method="predict_proba", multi_class="ovr"),
    ],
)
def test_any_scorer_can_be_watched(monitor):
    X, y = IRIS
    names = np.array(["a", "b", "c"])[y]
    train, test = np.arange(150) % 2 == 0, np.arange(150) % 2 == 1
    frame = pd.DataFrame(X, columns=list("abcd"))
    network = MLPClassifier((6,), monitor=monitor, max_iter=15, random_state=0, early_stopping=True)
    with pytest.warns(ConvergenceWarning):
        network.fit(frame[train], names[train], validation_data=(frame[test], names[test]))
    from sklearn.metrics import get_scorer

    scorer = get_scorer(monitor)
    assert network.best_validation_score_ == pytest.approx(scorer(network, frame[test], names[test]), rel=1e-12)


def test_early_stopping_holds_rows_out_and_stops():
    X, y = load_digits(return_X_y=True)
    network = MLPClassifier((16,), early_stopping=True, random_state=0, n_iter_no_change=3, learning_rate_init=0.01)
    network.fit(X[:600] / 16, y[:600])
    assert network.status_ == "converged"
    assert network.best_loss_ is None
    assert network.t_ == network.n_iter_ * 540
    with pytest.raises(InputError, match="too small"):
        MLPClassifier(early_stopping=True).fit(X[:3], [0, 1, 2])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (IRIS[0], "validation_data must be"),
        ((IRIS[0], IRIS[1] + 5), "label"),
        ((IRIS[0][:, :2], IRIS[1]), "features"),
        ((IRIS[0], IRIS[1][:5]), "inconsistent"),
    ],
)
def test_bad_validation_rows(given, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier().fit(*IRIS, validation_data=given)


# ---- going on: partial_fit, warm_start, checkpoints


@pytest.mark.parametrize("solver", ["sgd", "adam", "lion"])
@pytest.mark.parametrize("options", [{}, {"dropout": 0.2}, {"schedule": "cosine"}], ids=str)
def test_partial_fit_n_times_is_fit_for_n_epochs(solver, options):
    X, y = IRIS
    options = {**options, "solver": solver, "batch_size": 40, "tol": 0.0}
    whole = small_network(X, y, max_iter=6, **options)
    stream = MLPClassifier((8,), random_state=0, max_iter=6, **options)
    for _ in range(6):
        stream.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_network(whole, stream)
    assert whole.loss_curve_ == stream.loss_curve_
    assert whole.t_ == stream.t_
    assert stream.n_iter_ == 1  # as in scikit-learn


def test_a_stream_of_batches_learns_and_says_what_it_needs():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    stream = MLPClassifier((32,), random_state=0, learning_rate_init=0.01)
    order = np.random.default_rng(0).permutation(1500)
    for batch in np.array_split(order, 60):
        stream.partial_fit(X[batch], y[batch], classes=np.arange(10))
    stream.partial_fit(X[:7], y[:7])
    assert stream.score(X[1500:], y[1500:]) > 0.8
    assert stream.t_ == 1507
    with pytest.raises(InputError, match="first call"):
        MLPClassifier().partial_fit(X, y)
    with pytest.raises(InputError, match="label 12"):
        stream.partial_fit(X[:1], [12])
    with pytest.raises(InputError, match="classes changed"):
        stream.partial_fit(X[:2], y[:2], classes=[0, 1])
    with pytest.raises(InputError, match="one label a row"):
        stream.partial_fit(X[:2], np.eye(10, dtype=int)[:2])
    with pytest.raises(InputError, match="balanced"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=np.arange(10))
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")


def test_a_stream_stops_early_on_given_rows():
    X, y = IRIS
    train, test = np.arange(150) % 2 == 0, np.arange(150) % 2 == 1
    stream = MLPClassifier((8,), random_state=0, early_stopping=True, n_iter_no_change=3, learning_rate_init=0.05)
    for _call in range(200):
        stream.partial_fit(X[train], y[train], classes=[0, 1, 2], validation_data=(X[test], y[test]))
        if stream.status_ == "converged":
            break
        assert len(stream.validation_scores_) == _call + 1
    assert stream.status_ == "converged"
    assert stream.score(X[test], y[test]) == stream.best_validation_score_
    with pytest.raises(InputError, match="does not support early_stopping=True"):
        stream.partial_fit(X, y)


def test_partial_fit_begins_at_weights_set_by_hand():
    network = small_network(solver="sgd", momentum=0.0, alpha=0.0)
    for array in (*network.coefs_, *network.intercepts_):
        array[...] = 0.0
    network.partial_fit(*IRIS)
    assert not network.coefs_[0].any()  # with zeros above, no gradient reaches the first layer
    other = small_network(solver="sgd", momentum=0.0, alpha=0.0)
    other.coefs_ = [np.zeros_like(array) for array in other.coefs_]
    other.intercepts_ = [np.zeros_like(array) for array in other.intercepts_]
    assert_same_network(network, other.partial_fit(*IRIS))


def test_warm_start_goes_on_where_the_last_fit_stopped():
    whole = small_network(max_iter=10, batch_size=50, tol=0.0)
    half = small_network(max_iter=5, batch_size=50, tol=0.0, warm_start=True)
    with pytest.warns(ConvergenceWarning):
        half.fit(*IRIS)
    assert_same_network(whole, half)
    assert half.loss_curve_ == whole.loss_curve_
    assert half.n_iter_ == 5
    half.set_params(hidden_layer_sizes=(3,))
    with pytest.raises(InputError, match="shape"):
        half.fit(*IRIS)
    half.set_params(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=200, alpha=0.1)
    assert half.fit(*IRIS).score(*IRIS) > 0.95


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_a_stopped_run_resumes_to_the_same_bits(tmp_path, options):
    options = {"max_iter": 8, "batch_size": 40, "tol": 0.0, **options}
    whole = small_network(**options)
    path = tmp_path / "run.checkpoint"
    kept = {**options, "checkpoint": path, "resume": True}
    assert small_network(**kept, callbacks=lambda progress: progress.epoch == 3).status_ == "stopped"
    resumed = small_network(**kept)
    assert_same_network(whole, resumed)
    assert resumed.loss_curve_ == whole.loss_curve_
    assert resumed.n_iter_ == whole.n_iter_
    with pytest.raises(InputError, match="another run"):
        small_network(**{**kept, "alpha": 3.0})
    with pytest.raises(InputError, match="resume=True needs checkpoint"):
        small_network(resume=True)


def test_without_a_random_state_a_resumed_run_takes_its_own_seed(tmp_path):
    options = {"checkpoint": tmp_path / "run", "resume": True, "random_state": None, "early_stopping": True}
    first = small_network(**options, callbacks=lambda progress: progress.epoch == 2)
    assert first.status_ == "stopped"
    assert small_network(**options).loss_curve_[:2] == first.loss_curve_


# ---- callbacks


def test_callbacks_see_the_run_and_cannot_change_it():
    seen = []

    def look(progress):
        with pytest.raises(ValueError, match="read-only"):
            progress.parameters[0] = 0.0
        seen.append((progress.epoch, progress.loss, progress.max_iter))

    network = small_network(max_iter=4, callbacks=[look, look])
    assert [entry[0] for entry in seen] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [entry[1] for entry in seen[::2]] == network.loss_curve_
    with pytest.raises(InputError, match="functions"):
        small_network(callbacks=[3])
    with pytest.raises(InputError, match="set_callbacks"):
        small_network(callbacks=[ScoringMonitor(scoring="accuracy")])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scikit_learns_scoring_monitor(solver):
    frame = pd.DataFrame(IRIS[0], columns=list("abcd"))
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    network = MLPClassifier((6,), solver=solver, random_state=0, max_iter=7).set_callbacks(monitor)
    with pytest.warns(ConvergenceWarning):
        network.fit(frame, IRIS[1])
    log = monitor.get_logs().data
    epochs = [row for row in log if row["task_name"] == "epoch"]
    assert len(epochs) == 7
    # The last epoch's score is the fitted estimator's, and the whole fit's.
    assert epochs[-1]["accuracy"] == network.score(frame, IRIS[1])
    assert log[0]["neg_log_loss"] == pytest.approx(-log_loss(IRIS[1], network.predict_proba(frame)), rel=1e-12)


def test_scikit_learns_callbacks_can_stop_the_run_and_see_a_whole_tree():
    class Recorder:
        """Counts the tasks, and stops at the third epoch."""

        def __init__(self):
            self.open, self.names, self.fitted = 0, [], []

        def setup(self, estimator, context):
            self.depth = context.max_subtasks

        def teardown(self, estimator, context):
            assert self.open == 0

        def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
            self.open += 1
            assert X is IRIS[0]
            assert list(metadata) == ["sample_weight"]

        def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
            self.open -= 1
            self.names.append(context.task_name)
            if fitted_estimator is not None:
                self.fitted.append(fitted_estimator.predict(IRIS[0]))
            return context.task_name == "epoch" and context.task_id == 2

    recorder = Recorder()
    network = MLPClassifier((6,), random_state=0).set_callbacks(recorder)
    network.fit(*IRIS, sample_weight=np.ones(150))
    assert recorder.depth == 200
    assert recorder.names == ["epoch", "epoch", "epoch", "fit"]
    assert network.status_ == "stopped"
    np.testing.assert_array_equal(recorder.fitted[-1], network.predict(IRIS[0]))


def test_scikit_learns_progress_bar_in_a_search(capsys):
    search = GridSearchCV(MLPClassifier((4,), solver="lbfgs", random_state=0), {"alpha": [1.0, 3.0]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=2)).fit(*IRIS)
    assert "MLPClassifier" in capsys.readouterr().out

"""Networks on arrays: agreement with PyTorch and scikit-learn, learning, weights, options."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from scipy import sparse

from chainrule.datasets import make_spiral
from chainrule.engine import compile_graph
from chainrule.errors import InputError
from chainrule.graph import Graph, build, forward, initialize
from chainrule.training import (
    NetworkOptions,
    Validation,
    build_network,
    fit_network,
    hold_out,
)
from chainrule.training.validation import mean_cross_entropy


def _rows(m=120, d=4, K=3, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, d)).astype(dtype)
    return X, (np.abs(X[:, 0]) * K / 2).astype(np.int64) % K


def _fit(X, y, options, n_classes=3, **given):
    mass = float(len(y)) if given.get("sample_weight") is None else float(given["sample_weight"].sum())
    return fit_network(X, y, build_network(X.shape[1], n_classes, options, mass=mass), options, **given)


SMALL = NetworkOptions(hidden_layer_sizes=(8,), learning_rate_init=0.01, max_iter=20, batch_size=32)


@pytest.mark.parametrize(
    ("solver", "given"),
    [
        ("sgd", {"learning_rate_init": 0.1, "momentum": 0.9, "nesterovs_momentum": True}),
        ("sgd", {"learning_rate_init": 0.1, "momentum": 0.0}),
        ("adam", {"learning_rate_init": 0.01}),
        ("adamw", {"learning_rate_init": 0.01, "weight_decay": 0.05}),
    ],
)
def test_the_loss_curve_is_pytorchs(solver, given):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)  # so small products take longer with two
    X, y = _rows(200, 6, 4)
    options = NetworkOptions(
        hidden_layer_sizes=(16, 8),
        activation=("tanh", "relu"),
        solver=solver,
        alpha=0.0,
        batch_size=200,
        max_iter=200,
        n_iter_no_change=inf,
        **given,
    )
    found = _fit(X, y, options, 4)
    expected = _torch_curve(torch, X, y, initialize(found.graph, "auto", 0), found.graph, options)
    # Sums are taken in another order, so the last digits differ; 200 steps make that larger, but not 1e-9.
    np.testing.assert_allclose(found.loss_curve, expected, rtol=0, atol=1e-9)


def _torch_curve(torch, X, y, start, graph, options):
    """The same recipe written with PyTorch, full batch."""
    w = {name: torch.tensor(view.copy(), requires_grad=True) for name, view in graph.parameters.views(start).items()}
    decayed = [value for value in w.values() if value.ndim == 2]
    groups = [
        {"params": decayed, "weight_decay": options.weight_decay or 0.0},
        {"params": [value for value in w.values() if value.ndim == 1], "weight_decay": 0.0},
    ]
    lr = options.learning_rate_init
    optimizer = {
        "sgd": lambda: torch.optim.SGD(groups, lr, options.momentum, nesterov=options.momentum > 0),
        "adam": lambda: torch.optim.Adam(groups, lr),
        "adamw": lambda: torch.optim.AdamW(groups, lr),
    }[options.solver]()
    rows, labels, curve = torch.tensor(X), torch.tensor(y), []
    for _ in range(options.max_iter):
        optimizer.zero_grad()
        hidden = torch.relu(torch.tanh(rows @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"])
        loss = torch.nn.functional.cross_entropy(hidden @ w["W3"] + w["b3"], labels)
        loss.backward()
        optimizer.step()
        curve.append(loss.item())
    return curve


@pytest.mark.parametrize("decay", ["constant", "invscaling", "adaptive"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_loss_curve_is_scikit_learns_for_sgd(n_classes, decay):
    from sklearn.neural_network import MLPClassifier

    X, y = _rows(120, K=n_classes)
    shared = dict(
        hidden_layer_sizes=(7,),
        activation="tanh",
        solver="sgd",
        learning_rate=decay,
        learning_rate_init=0.2,
        batch_size=30,
        shuffle=False,
        max_iter=60,
        tol=1e-2,
        n_iter_no_change=2,
        # Their velocity holds the learning rates of earlier steps, ours gradients alone, as PyTorch's: the same as long
        # as the rate stays.
        momentum=0.8 if decay == "constant" else 0.0,
        power_t=0.3,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = MLPClassifier(**shared, alpha=0.01, random_state=5).fit(X, y)
    # Their penalty is divided by the batch's 30 rows, ours by all 120.
    options = NetworkOptions(**shared, alpha=0.01 * 120 / 30)
    graph = build_network(4, n_classes, options, mass=120.0)
    start = initialize(graph, "sklearn", np.random.RandomState(5))
    found = fit_network(X, y, graph, options, start=start)
    assert found.n_iter == peer.n_iter_
    # The same steps, rounded otherwise.
    np.testing.assert_allclose(found.loss_curve, peer.loss_curve_, rtol=1e-9)
    assert found.state.rows_seen == peer.t_
    views = graph.parameters.views(found.parameters)
    if n_classes == 2:
        assert views["W2"].shape == (7, 1)
    np.testing.assert_allclose(views["W1"], peer.coefs_[0], rtol=1e-7, atol=1e-9)


def test_lbfgs_reaches_what_scikit_learn_reaches():
    from sklearn.neural_network import MLPClassifier

    X, y = _rows(100)
    shared = dict(hidden_layer_sizes=(5,), activation="tanh", solver="lbfgs", alpha=5.0, tol=1e-7, max_iter=2000)
    peer = MLPClassifier(**shared, random_state=1).fit(X, y)
    options = NetworkOptions(**shared)
    graph = build_network(4, 3, options, mass=100.0)
    found = fit_network(X, y, graph, options, start=initialize(graph, "sklearn", np.random.RandomState(1)))
    assert found.status == "converged"
    # So strong a penalty leaves one minimum; scikit-learn's line search stops at a relative decrease of 2e-9.
    assert found.loss_curve[-1] == pytest.approx(peer.loss_, rel=1e-7)
    # Runs end at their own budget too, and go on from there.
    first = fit_network(X, y, graph, replace(options, max_iter=5))
    assert (first.status, first.n_iter) == ("max_iter", 5)
    further = fit_network(X, y, graph, replace(options, max_iter=5), state=first.state)
    whole = fit_network(X, y, graph, replace(options, max_iter=10))
    np.testing.assert_array_equal(further.parameters, whole.parameters)
    assert further.loss_curve == whole.loss_curve


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_spiral_is_learnt(solver):
    X, y = make_spiral(random_state=0)
    options = NetworkOptions(
        hidden_layer_sizes=(100,), solver=solver, learning_rate_init=0.01, max_iter=1500, alpha=1e-3, tol=1e-5
    )
    found = _fit(X, y, options)
    probabilities = forward(found.graph, found.parameters, X)["p"]
    assert (probabilities.argmax(axis=1) == y).mean() >= 0.98


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion", "lbfgs"])
def test_every_solver_lowers_the_loss_and_is_a_function_of_its_seed(solver, dtype):
    X, y = _rows(dtype=dtype)
    options = replace(SMALL, solver=solver, learning_rate_init=0.001 if solver == "lion" else 0.01)
    found, again = _fit(X, y, options), _fit(X, y, options)
    assert found.loss_curve[-1] < found.loss_curve[0]
    np.testing.assert_array_equal(found.parameters, again.parameters)
    assert found.parameters.dtype == np.float64
    assert found.state.parameters.dtype == (np.float64 if solver == "lbfgs" else dtype)
    other = _fit(X, y, replace(options, seed=1))
    assert (other.parameters != found.parameters).any()


def test_sparse_rows_are_rows():
    X, y = _rows(d=10)
    X[np.abs(X) < 1] = 0
    dense = _fit(X, y, SMALL)
    found = _fit(sparse.csr_array(X), y, SMALL)
    # The same sums in another order, over 80 steps.
    np.testing.assert_allclose(found.parameters, dense.parameters, rtol=1e-7, atol=1e-9)


def test_two_labels_at_once():
    X, _ = _rows(200)
    Y = np.stack([X[:, 0] > 0, X[:, 1] > X[:, 2]], axis=1).astype(np.int64)
    options = replace(SMALL, max_iter=100)
    graph = build_network(4, 2, options, mass=200.0, multilabel=True)
    rows, validation = hold_out(X, Y, options)
    found = fit_network(X, Y, graph, options, rows=rows, validation=validation)
    p = compile_graph(graph).predict(found.parameters, X)
    assert ((p > 0.5) == Y).mean() > 0.9
    assert len(validation.labels) == 20
    assert max(found.validation_scores) <= 1.0


def test_rows_of_no_weight_are_no_rows():
    X, y = _rows()
    weight = np.where(np.arange(120) % 4, 1.5, 0.0)
    options = replace(SMALL, shuffle=False)
    found = _fit(X, y, options, sample_weight=weight)
    kept = weight > 0
    alone = _fit(X[kept], y[kept], options, sample_weight=weight[kept])
    np.testing.assert_array_equal(found.parameters, alone.parameters)
    unwanted = build_network(4, 3, options, mass=120.0, class_weight=[1.0, 0.0, 2.0])
    found = fit_network(X, y, unwanted, replace(options, batch_size=2))
    assert np.isfinite(found.loss_curve).all()
    alone = fit_network(X[y != 1], y[y != 1], unwanted, replace(options, batch_size=2))
    np.testing.assert_array_equal(found.parameters, alone.parameters)
    # A block without weight is as long as several batches: none of these may be empty.
    weight = np.where(np.arange(120) < 100, 0.0, 1.0)
    assert len(_fit(X, y, replace(options, batch_size=10), sample_weight=weight).loss_curve) == 20


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_training_on_some_rows_is_training_on_a_table_of_them(solver):
    X, y = _rows()
    weight = np.where(np.arange(120) % 4, 1.5, 0.0)
    rows = np.flatnonzero(np.arange(120) % 5).astype(np.int64)
    options = replace(SMALL, solver=solver, batch_size=16, alpha=0.0)  # whose lambda is of all rows
    found = _fit(X, y, options, sample_weight=weight, rows=rows)
    alone = _fit(X[rows], y[rows], options, sample_weight=weight[rows])
    np.testing.assert_array_equal(found.parameters, alone.parameters)
    with pytest.raises(InputError, match="all have weight 0"):
        _fit(X, y, replace(SMALL, batch_size=16), sample_weight=weight, rows=np.arange(0, 120, 4))


def test_the_penalty_means_the_same_for_every_batch_size():
    X, y = _rows()
    for batch_size in (10, 120):
        options = replace(SMALL, alpha=3.0, batch_size=batch_size, shuffle=False, max_iter=1, learning_rate_init=1e-300)
        found = _fit(X, y, options)
        start = initialize(found.graph, "auto", 0)
        squares = sum((view**2).sum() for view in found.graph.parameters.views(start).values() if view.ndim == 2)
        bare = build_network(4, 3, replace(options, alpha=0.0), mass=120.0)
        cross_entropy = compile_graph(bare).value_and_gradient(start, X, y)[0]
        assert found.loss_curve[0] == pytest.approx(cross_entropy + 3.0 / (2 * 120) * squares, rel=1e-12)


def test_the_best_epoch_is_the_result_and_the_last_one_goes_on():
    X, y = _rows(300)
    options = replace(
        SMALL, max_iter=60, early_stopping=True, n_iter_no_change=5, monitor="loss", learning_rate_init=0.1
    )
    rows, validation = hold_out(X, y, options)
    graph = build_network(4, 3, options, mass=270.0)
    found = fit_network(X, y, graph, options, rows=rows, validation=validation)
    assert found.status == "converged"
    best = int(np.argmin(found.validation_losses))
    assert found.best_epoch == best + 1 < found.n_iter
    assert found.validation_scores == tuple(-loss for loss in found.validation_losses)
    p = compile_graph(found.graph).predict(found.parameters, validation.X)
    assert mean_cross_entropy(p, validation.labels) == found.validation_losses[best]
    assert (found.state.parameters != found.parameters).any()
    further = fit_network(X, y, found.graph, options, rows=rows, validation=validation, state=found.state)
    assert further.loss_curve[: found.n_iter] == found.loss_curve
    assert further.n_iter >= 1


def test_a_score_of_ones_own_is_watched():
    X, y = _rows()
    seen = []

    def score(parameters):
        seen.append(parameters.copy())
        return -float(len(seen))

    found = _fit(X, y, replace(SMALL, max_iter=5), validation=Validation(X[:20], y[:20]), score=score)
    assert found.validation_scores == (-1.0, -2.0, -3.0, -4.0, -5.0)
    assert found.best_epoch == 1
    np.testing.assert_array_equal(found.parameters, seen[0])
    with pytest.raises(InputError, match="monitor='f1' needs a function score="):
        _fit(X, y, replace(SMALL, monitor="f1"), validation=Validation(X[:20], y[:20]))


def test_validation_losses_do_not_overflow():
    assert mean_cross_entropy(np.array([[0.0, 1.0]], np.float32), np.array([0])) == pytest.approx(87.3, abs=0.1)
    p = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert mean_cross_entropy(p, np.array([1, 0]), np.array([3.0, 1.0])) == pytest.approx(
        (3 * np.log(4 / 3) + np.log(2)) / 4, rel=1e-15
    )
    assert mean_cross_entropy(p, np.array([[0, 1], [1, 1]])) == pytest.approx(np.log(4 / 3) + np.log(2), rel=1e-15)


def test_the_graph_is_what_the_options_say():
    options = NetworkOptions(
        hidden_layer_sizes=[6, 6, 5],
        activation=["relu", "logistic", "identity"],
        alpha=2.0,
        dropout=[0.1, 0.0, 0.2],
        label_smoothing=0.1,
        skip_connections=True,
    )
    graph = build_network(4, 3, options, mass=50.0, class_weight=[1.0, 2.0, 0.5])
    kinds = {node.name: node.operation for node in graph.nodes}
    assert (kinds["A1"], kinds["A2"], kinds["D1"], kinds["D3"]) == ("relu", "sigmoid", "dropout", "dropout")
    assert "A3" not in kinds
    assert "D2" not in kinds
    assert graph["S2"].inputs == ("A2", "D1")
    assert graph["R1"].attributes["strength"] == 2.0 / 50
    assert graph["J"].attributes == {"class_weight": (1.0, 2.0, 0.5), "label_smoothing": 0.1}
    assert graph["D3"].attributes["rate"] == 0.2
    assert build_network(4, 2, NetworkOptions(()), mass=1.0).parameters["W1"] == (4, 1)


def test_a_graph_of_ones_own_is_trained():
    X, y = _rows()
    nodes = list(build.mlp(4, (8,), 3, l2=1e-3).nodes)
    graph = Graph(nodes, loss="objective", output="p")
    found = fit_network(X, y, graph, SMALL)
    assert found.loss_curve[-1] < found.loss_curve[0]


def test_the_record_is_json():
    X, y = _rows()
    options = replace(SMALL, max_iter=3, schedule={"name": "cosine", "warm_up": 0.1}, n_iter_no_change=inf)
    found = _fit(X, y, options, validation=Validation(X[:9], y[:9]), score=lambda parameters: float("nan"))
    record = json.loads(json.dumps(found.to_record(), allow_nan=False))
    assert (record["status"], record["n_iter"], record["n_steps"]) == ("max_iter", 3, 12)
    assert record["validation_scores"] == [None, None, None]
    assert record["best_epoch"] is None or isinstance(record["best_epoch"], int)
    assert record["objective"] == found.loss_curve[-1]
    described = json.loads(json.dumps(options.to_record(), allow_nan=False))
    assert described["schedule"] == {"name": "cosine", "warm_up": 0.1, "final": 0.0}
    assert described["n_iter_no_change"] == "inf"


def test_what_does_not_fit_is_refused():
    X, y = _rows()
    with pytest.raises(InputError, match="early_stopping=True needs validation rows"):
        _fit(X, y, replace(SMALL, early_stopping=True))
    with pytest.raises(InputError, match=r"the graph has 67 parameters, the start \(or state\) has shape \(5,\)"):
        _fit(X, y, SMALL, start=np.zeros(5))
    state = _fit(X, y, SMALL).state
    with pytest.raises(InputError, match="the state is one of solver 'adam', not 'sgd'"):
        _fit(X, y, replace(SMALL, solver="sgd"), state=state)
    with pytest.raises(InputError, match="of 120 rows leaves 0 to validate and 120 to train on"):
        hold_out(X, y, replace(SMALL, validation_fraction=0.0))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes must be whole numbers > 0, got \(5, 0\)"),
        ({"hidden_layer_sizes": "100"}, "hidden_layer_sizes must be whole numbers"),
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes must be whole numbers"),
        ({"activation": "rleu"}, "no activation 'rleu'; there are relu, .*, logistic, identity"),
        ({"activation": ("relu", "tanh")}, "activation has 2 entries for 1 hidden layers"),
        ({"activation": 3}, "activation must be one for all hidden layers or a list"),
        ({"solver": "adamax"}, "solver must be one of sgd, adam, .*, lbfgs, got 'adamax'"),
        ({"learning_rate": "slow"}, "learning_rate must be one of constant, invscaling, adaptive"),
        ({"initialization": "xavier"}, "initialization must be one of auto"),
        ({"alpha": -1}, "alpha must be a number >= 0, got -1"),
        ({"alpha": float("nan")}, "alpha must be a number"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1 or 'auto', got 0"),
        ({"batch_size": "all"}, "batch_size must be a whole number"),
        ({"learning_rate_init": 0.0}, "learning_rate_init must be a number > 0"),
        ({"max_iter": 0}, "max_iter must be a whole number >= 1"),
        ({"max_iter": True}, "max_iter must be a whole number"),
        ({"max_fun": 2.5}, "max_fun must be a whole number"),
        ({"shuffle": "yes"}, "shuffle must be True or False"),
        ({"tol": -1e-9}, "tol must be a number >= 0"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be a whole number >= 1 or infinity"),
        ({"validation_fraction": 1.0}, "validation_fraction must be below 1"),
        ({"monitor": None}, "monitor must be the name"),
        ({"momentum": 1.5}, "momentum must be at most 1"),
        ({"beta_1": 1.0}, "beta_1 must be below 1"),
        ({"beta_2": -0.1}, "beta_2 must be a number >= 0"),
        ({"epsilon": 0.0}, "epsilon must be a number > 0"),
        ({"weight_decay": -1.0}, "weight_decay must be a number >= 0"),
        ({"clip_norm": 0.0}, "clip_norm must be a number > 0"),
        ({"dropout": 1.0}, r"dropout must be a rate in \[0, 1\), got 1.0"),
        ({"dropout": (0.1, 0.2)}, "dropout has 2 entries for 1 hidden layers"),
        ({"dropout": 0.1, "solver": "lbfgs"}, "solver='lbfgs' takes no dropout"),
        ({"label_smoothing": 1.0}, "label_smoothing must be below 1"),
        ({"seed": -1}, "seed must be a whole number >= 0"),
        ({"n_threads": 1.5}, "n_threads must be a whole number >= 0"),
        ({"schedule": "cosinus"}, "schedule must be one of"),
        ({"schedule": "cosine", "learning_rate": "adaptive"}, "both change the rate: give one"),
    ],
)
def test_options_that_make_no_sense_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        NetworkOptions(**given)


def test_options_take_what_scikit_learn_takes():
    options = NetworkOptions(50, activation="logistic", n_iter_no_change=inf, batch_size=np.int64(10), momentum=1)
    assert options.hidden_layer_sizes == (50,)
    assert options.activations == ("sigmoid",)
    assert NetworkOptions([3, 4], dropout=0.5).dropout_rates == (0.5, 0.5)
    assert NetworkOptions(solver="adamw").decoupled_decay == 0.01
    assert NetworkOptions(solver="adamw", weight_decay=0.0).decoupled_decay == 0.0
    assert NetworkOptions().decoupled_decay == 0.0

"""The compiled program against the readable sweep, and the laws it is built on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_graphs import cases
from scipy import sparse

from chainrule.engine import RULES, Trainer, UpdateRule, compile_graph, permutation
from chainrule.engine.lower import lower_for_training
from chainrule.engine.memory import Use, allot
from chainrule.errors import InputError, UnsupportedError
from chainrule.graph import ACTIVATIONS, Graph, Node, build, forward, initialize, sweep

SEED_AND_STEP = (7, 3)


def relative(found, expected):
    return np.abs(np.asarray(found) - expected).max(initial=0.0) / max(np.abs(expected).max(initial=0.0), 1e-3)


def agree_with_the_sweep(graph, flat, X, y, sample_weight=None, tolerance=1e-10):
    program = compile_graph(graph)
    rows = len(next(iter(X.values()))) if isinstance(X, dict) else len(X)
    noise = program.noise(rows, *SEED_AND_STEP)
    expected = sweep(graph, flat, X, y, sample_weight=sample_weight, noise=noise)
    value, gradient = program.value_and_gradient(flat, X, y, sample_weight, seed_and_step=SEED_AND_STEP)
    assert relative(value, expected.loss) <= tolerance
    assert relative(gradient, expected.parameter_gradient()) <= tolerance


# 1e-10: sums of a few hundred terms in float64, in another order than NumPy's, and our own exp and tanh (4 ulp).
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(cases())
def test_random_graphs_agree_with_the_readable_sweep(case):
    agree_with_the_sweep(case.graph, case.parameters, case.X, case.y, case.sample_weight)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rows", [1, 15, 33, 300])
def test_networks_agree_with_the_readable_sweep(activation, rows):
    rng = np.random.default_rng(rows)
    graph = build.mlp(
        5, (17, 17, 9), 4, activation=activation, l2=0.01, dropout=0.2, skip_connections=True,
        class_weight=(1.0, 2.0, 0.5, 1.5), label_smoothing=0.1,
    )  # fmt: skip
    flat = initialize(graph, "auto", 0)
    X, y = rng.normal(size=(rows, 5)), rng.integers(0, 4, rows)
    agree_with_the_sweep(graph, flat, X, y, rng.uniform(0.1, 2.0, rows))
    p = compile_graph(graph).predict(flat, X)
    assert np.abs(p - forward(graph, flat, X)["p"]).max() <= 1e-14


def test_more_rows_than_the_arena_holds_are_several_passes():
    rng = np.random.default_rng(0)
    graph = build.mlp(3, (20,), 3, activation="tanh", l2=0.1)
    X, y = rng.normal(size=(2500, 3)), rng.integers(0, 3, 2500)
    agree_with_the_sweep(graph, initialize(graph, "auto", 0), X, y)


def test_float32_is_as_near_as_float32_can_be():
    rng = np.random.default_rng(0)
    graph = build.mlp(30, (64, 32), 5, l2=0.1)
    flat = initialize(graph, "auto", 0).astype(np.float32)
    X, y = rng.normal(size=(500, 30)).astype(np.float32), rng.integers(0, 5, 500)
    expected = sweep(graph, flat.astype(np.float64), X, y)
    value, gradient = compile_graph(graph).value_and_gradient(flat, X, y)
    # some hundred roundings of 6e-8 each, mostly of both signs
    assert relative(value, expected.loss) <= 2e-6
    assert relative(gradient, expected.parameter_gradient()) <= 2e-6


def test_several_labels_a_row():
    rng = np.random.default_rng(0)
    graph = build.mlp(4, (6,), 3, multilabel=True)
    X, y = rng.normal(size=(40, 4)), rng.integers(0, 2, (40, 3))
    agree_with_the_sweep(graph, initialize(graph, "auto", 0), X, y, rng.uniform(0.5, 1.0, 40))


# Laws


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(1)
    graph = build.mlp(20, (40, 30), 5, l2=1e-3, dropout=0.3)
    X = rng.normal(size=(1200, 20)).astype(np.float32)
    return graph, X, rng.integers(0, 5, 1200), rng.uniform(0.5, 2.0, 1200)


def run(problem, rule=UpdateRule("adam"), *, batch_size=128, threads=1, chunks=(1000,), epochs=3):  # noqa: B008
    graph, X, y, weights = problem
    flat = initialize(graph, "auto", 0)
    trainer = Trainer(
        compile_graph(graph),
        X,
        y,
        weights,
        parameters=flat,
        rule=rule,
        batch_size=batch_size,
        seed=5,
        n_threads=threads,
    )
    batches = -(-len(X) // batch_size)
    losses, step = [], 0
    for epoch in range(epochs):
        order = permutation(len(X), 5, epoch)
        first = 0
        for size in [*chunks, batches]:
            count = min(size, batches - first)
            taken = trainer.steps(order, first, np.full(count, 1e-3), step)
            losses.extend(taken.losses)
            first, step = first + count, step + count
    return trainer, np.array(losses)


@pytest.mark.parametrize("rule", [*RULES, "clipped"])
@pytest.mark.parametrize("batch_size", [7, 128, 1200])
def test_bits_do_not_depend_on_threads_or_chunks(problem, rule, batch_size):
    chosen = UpdateRule("adam", clip_norm=0.1) if rule == "clipped" else UpdateRule(rule, momentum=0.5)
    one, losses = run(problem, chosen, batch_size=batch_size, epochs=1)
    for threads, chunks in [(2, (1000,)), (3, (1, 2, 3)), (1, (4, 1))]:
        other, others = run(problem, chosen, batch_size=batch_size, threads=threads, chunks=chunks, epochs=1)
        assert np.array_equal(losses, others)
        assert np.array_equal(one.parameters, other.parameters)
        assert np.array_equal(one.slots, other.slots)


def reference_steps(graph, X, y, rule, rates):
    """The update rules as their docstring has them, on the readable sweep's gradients."""
    w = initialize(graph, "auto", 0)
    first, second, losses = np.zeros_like(w), np.zeros_like(w), []
    decay = np.zeros_like(w)
    for view in graph.parameters.views(decay).values():
        view[...] = rule.weight_decay if view.ndim > 1 else 0.0
    for t, lr in enumerate(rates, start=1):
        swept = sweep(graph, w, X, y)
        losses.append(swept.loss)
        g = swept.parameter_gradient()
        g = g * min(1.0, rule.clip_norm / np.sqrt((g * g).sum()))
        w = w - lr * decay * w
        b1, b2 = rule.beta_1, rule.beta_2
        if rule.name == "sgd":
            first = rule.momentum * first + g
            w = w - lr * (g + rule.momentum * first if rule.nesterov else first)
        elif rule.name in ("adam", "adamw"):
            first, second = b1 * first + (1 - b1) * g, b2 * second + (1 - b2) * g * g
            w = w - lr * (first / (1 - b1**t)) / (np.sqrt(second / (1 - b2**t)) + rule.epsilon)
        elif rule.name == "rmsprop":
            first = b2 * first + (1 - b2) * g * g
            second = rule.momentum * second + g / (np.sqrt(first) + rule.epsilon)
            w = w - lr * second
        elif rule.name == "adagrad":
            first = first + g * g
            w = w - lr * g / (np.sqrt(first) + rule.epsilon)
        else:
            w = w - lr * np.sign(b1 * first + (1 - b1) * g)
            first = b2 * first + (1 - b2) * g
    return w, losses


@pytest.mark.parametrize(
    "rule",
    [
        UpdateRule("sgd"),
        UpdateRule("sgd", momentum=0.9),
        UpdateRule("sgd", momentum=0.9, nesterov=True, weight_decay=0.1),
        UpdateRule("adam"),
        UpdateRule("adam", clip_norm=0.05),
        UpdateRule("adamw", weight_decay=0.1),
        UpdateRule("rmsprop", beta_2=0.9),
        UpdateRule("rmsprop", momentum=0.5, weight_decay=0.1, clip_norm=0.2),
        UpdateRule("adagrad"),
        UpdateRule("lion", beta_2=0.99, weight_decay=0.1),
    ],
    ids=str,
)
def test_rules_do_what_their_formulas_say(rule):
    rng = np.random.default_rng(2)
    graph = build.mlp(6, (11,), 3, activation="tanh", l2=0.05)
    X, y = rng.normal(size=(50, 6)), rng.integers(0, 3, 50)
    rates = 0.01 / np.arange(1, 21)
    expected, losses = reference_steps(graph, X, y, rule, rates)
    trainer = Trainer(compile_graph(graph), X, y, parameters=initialize(graph, "auto", 0), rule=rule, batch_size=50)
    found = [trainer.steps(np.arange(50), 0, rates[i : i + 1], i).losses[0] for i in range(20)]
    # 20 steps multiply the rounding of one, about 1e-15, by little: the steps are short
    assert relative(found, losses) <= 1e-12
    assert relative(trainer.parameters, expected) <= 1e-11


def test_sparse_rows_and_odd_strides_are_the_same_rows(problem):
    graph, X, y, _ = problem
    X = np.where(np.abs(X) < 1.0, 0.0, X).astype(np.float32)
    program = compile_graph(graph)
    flat = initialize(graph, "auto", 0)
    value, gradient = program.value_and_gradient(flat, X, y)
    spread = np.zeros((len(X) * 2, 60), dtype=np.float32)
    spread[::2, ::3] = X
    for other in (sparse.csr_array(X), np.asfortranarray(X), spread[::2, ::3], X[::-1][::-1]):
        again, gradient_again = program.value_and_gradient(flat, other, y)
        assert again == value
        assert np.array_equal(gradient_again, gradient)
        assert np.array_equal(program.predict(flat, other), program.predict(flat, X))


def test_a_row_is_predicted_alike_alone_and_among_others(problem):
    graph, X, *_ = problem
    program, flat = compile_graph(graph), initialize(graph, "auto", 0)
    together = program.predict(flat, X)
    for n in (1, 2, 7, 100):
        assert np.array_equal(program.predict(flat, X[:n]), together[:n])


def test_a_batch_whose_loss_is_not_finite_changes_nothing(problem):
    graph, X, y, _ = problem
    X = X.copy()
    X[500, 3] = np.nan
    flat = initialize(graph, "auto", 0)
    trainer = Trainer(compile_graph(graph), X, y, parameters=flat, rule=UpdateRule(), batch_size=100)
    taken = trainer.steps(np.arange(1200), 0, np.full(5, 1e-3), 0)
    assert len(taken.losses) == 5 and not taken.nonfinite
    before = trainer.parameters.copy()
    taken = trainer.steps(np.arange(1200), 5, np.full(5, 1e-3), 5)
    assert taken.nonfinite
    assert len(taken.losses) == 1
    assert np.array_equal(trainer.parameters, before)


def test_weight_k_is_k_copies_of_a_row():
    rng = np.random.default_rng(3)
    graph = build.mlp(4, (5,), 3, activation="tanh")
    X, y, copies = rng.normal(size=(30, 4)), rng.integers(0, 3, 30), rng.integers(0, 4, 30)
    program, flat = compile_graph(graph), initialize(graph, "auto", 0)
    value, gradient = program.value_and_gradient(flat, X, y, copies.astype(float))
    again, gradient_again = program.value_and_gradient(flat, np.repeat(X, copies, axis=0), np.repeat(y, copies))
    assert relative(value, again) <= 1e-14
    assert relative(gradient, gradient_again) <= 1e-13


# Randomness


@given(n=st.integers(0, 300), seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 2**40))
def test_orders_are_permutations_of_their_own(n, seed, epoch):
    order = permutation(n, seed, epoch)
    assert np.array_equal(np.sort(order), np.arange(n))
    assert np.array_equal(order, permutation(n, seed, epoch))


def test_every_place_is_equally_likely():
    drawn = np.array([permutation(5, 11, epoch) for epoch in range(20_000)])
    counts = np.stack([(drawn == value).sum(axis=0) for value in range(5)])
    # 4,000 expected in each of 25 cells, standard deviation 57: five of them
    assert np.abs(counts - 4000).max() < 285


# Lowering


def test_a_chain_needs_no_copies():
    """dZ stands where the logits stood, activations where their inputs did: one place per layer and one for dA."""
    graph = build.mlp(8, (16, 16, 16), 16)
    lowered = lower_for_training(graph)
    assert lowered.arena_columns == 16 * (3 + 1 + 3)


def test_memory_is_shared_by_what_is_not_needed_at_once():
    offsets = allot({"a": Use(0, 2, 16), "b": Use(1, 3, 32), "c": Use(3, 4, 16), "d": Use(4, 5, 32)})
    assert offsets == {"a": 0, "b": 16, "c": 0, "d": 16}


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 5)), max_size=30))
def test_no_two_values_that_are_needed_at_once_overlap(given_uses):
    uses = {i: Use(min(a, b), max(a, b), 16 * width) for i, (a, b, width) in enumerate(given_uses)}
    offsets = allot(uses)
    for i, use in uses.items():
        for j, other in uses.items():
            # of different widths, row 3 of the one may be where row 5 of the other is, which another block works on
            together = use.columns != other.columns or (use.first <= other.last and other.first <= use.last)
            apart = offsets[i] + use.columns <= offsets[j] or offsets[j] + other.columns <= offsets[i]
            assert i == j or not together or apart


def test_ten_thousand_layers():
    graph = build.mlp(2, (2,) * 10_000, 2, activation="tanh")
    flat = initialize(graph, "orthogonal", 0)
    value, gradient = compile_graph(graph).value_and_gradient(flat, np.ones((3, 2)), np.array([0, 1, 0]))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


# Refusals


def _graph(*nodes, loss="J", output=None):
    sources = [
        Node("X", "data", given_shape=("m", 2)),
        Node("y", "labels", given_shape=("m",)),
        Node("W", "parameter", given_shape=(2, 3)),
        Node("Z", "dense", ("X", "W")),
    ]
    return Graph([*sources, *nodes], loss=loss, output=output)


@pytest.mark.parametrize(
    ("graph", "named"),
    [
        (_graph(Node("J0", "softmax_cross_entropy", ("Z", "y")), Node("J", "tanh", ("J0",))), "'J' (tanh)"),
        (
            _graph(
                Node("C", "data", given_shape=(2, 3)),
                Node("Z2", "dense", ("X", "C")),
                Node("J", "softmax_cross_entropy", ("Z2", "y")),
            ),
            "'C' (data)",
        ),
        (
            _graph(
                Node("y2", "labels", given_shape=("m",)),
                Node("J1", "softmax_cross_entropy", ("Z", "y")),
                Node("J2", "softmax_cross_entropy", ("Z", "y2")),
                Node("J", "add", ("J1", "J2")),
            ),
            "(softmax_cross_entropy) takes the labels",
        ),
    ],
)
def test_what_no_kernel_covers_is_named(graph, named):
    with pytest.raises(UnsupportedError) as raised:
        compile_graph(graph)
    assert named in str(raised.value)


def test_wrong_arrays_are_refused(problem):
    graph, X, y, _ = problem
    program, flat = compile_graph(graph), initialize(graph, "auto", 0)
    with pytest.raises(ValueError, match="takes 20 columns"):
        program.value_and_gradient(flat, X[:, :7], y)
    with pytest.raises(ValueError, match=r"labels must be 0\.\.4; row 3 has 9"):
        program.value_and_gradient(flat, X, np.where(np.arange(len(y)) == 3, 9, y))
    with pytest.raises(ValueError, match="labels has shape"):
        program.value_and_gradient(flat, X, y[:-1])
    with pytest.raises(ValueError, match="parameters has shape"):
        program.value_and_gradient(flat[1:], X, y)
    with pytest.raises(InputError, match="positive sum"):
        program.value_and_gradient(flat, X, y, np.zeros(len(y)))
    with pytest.raises(InputError, match="float32 or float64"):
        program.predict(flat, X.astype(np.float16))
    damaged = sparse.csr_array(X)
    damaged.indices[5] = 1_000_000
    with pytest.raises(ValueError, match="indices"):
        program.value_and_gradient(flat, damaged, y)
    trainer = Trainer(program, X, y, parameters=flat, rule=UpdateRule(), batch_size=100)
    with pytest.raises(ValueError, match="the epoch has 12 batches"):
        trainer.steps(np.arange(1200), 11, np.full(2, 1e-3), 0)
    with pytest.raises(ValueError, match="a row that is not there"):
        trainer.steps(np.arange(1200) + 1, 11, np.full(1, 1e-3), 0)

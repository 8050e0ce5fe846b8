"""The compiled program against the readable sweep."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.engine import compile_softmax
from chainrule.errors import UnsupportedError
from chainrule.graph import Graph, Node, build, forward, sweep

CASES = {
    "plain": dict(n_classes=3),
    "penalty": dict(n_classes=4, l2=0.3),
    "no intercept": dict(n_classes=3, fit_intercept=False, l2=0.1),
    "one logit": dict(n_classes=2, one_logit=True, l2=0.2),
    "class weights": dict(n_classes=3, class_weight=(0.5, 2.0, 0.0), l2=0.1),
    "smoothing": dict(n_classes=5, label_smoothing=0.1),
    "one logit, smoothing": dict(n_classes=2, one_logit=True, label_smoothing=0.2),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_value_gradient_and_probabilities_are_the_oracles(case, weighted, dtype, tolerance):
    rng = np.random.default_rng(3)
    options = dict(CASES[case])
    graph = build.softmax_classifier(7, options.pop("n_classes"), **options)
    program = compile_softmax(graph)
    X = rng.standard_normal((211, 7)).astype(dtype)
    y = rng.integers(program.n_classes, size=211)
    s = rng.random(211) if weighted else None
    # Parameters that float32 holds exactly, so that both sides compute the same function.
    w = rng.standard_normal(graph.parameters.size).astype(np.float32).astype(np.float64)
    expected = sweep(graph, w, X, y, sample_weight=s)
    value, gradient = program.value_and_gradient(w, X, y, s)
    # Relative to the largest entry: sums over rows cancel, and rounding follows the size of what is added.
    reference = expected.parameter_gradient()
    assert value == pytest.approx(expected.loss, rel=tolerance)
    np.testing.assert_allclose(gradient, reference, rtol=0, atol=tolerance * np.abs(reference).max())
    p = forward(graph, w, X)["p"]
    np.testing.assert_allclose(program.predict(w, X), p, rtol=0, atol=tolerance)


def test_what_no_kernel_covers_is_named():
    with pytest.raises(UnsupportedError, match=r"node 'A1' \(relu\) has no compiled kernel yet"):
        compile_softmax(build.mlp(2, [4], 3))
    skip = Graph(
        [
            Node("X", "data", given_shape=("m", 2)),
            Node("W1", "parameter", given_shape=(2, 2)),
            Node("W2", "parameter", given_shape=(2, 2)),
            Node("Z1", "dense", ("X", "W1")),
            Node("Z2", "dense", ("Z1", "W2")),
        ]
    )
    with pytest.raises(UnsupportedError, match="node 'Z2'"):
        compile_softmax(skip)


def test_a_penalty_on_the_intercept_is_computed_too():
    nodes = [*build.softmax_classifier(3, 4).nodes]
    nodes += [Node("R", "l2", ("b",), {"strength": 0.7}), Node("total", "add", ("J", "R"))]
    graph = Graph(nodes, loss="total", output="p")
    rng = np.random.default_rng(0)
    X, y, w = rng.standard_normal((20, 3)), rng.integers(4, size=20), rng.standard_normal(16)
    value, gradient = compile_softmax(graph).value_and_gradient(w, X, y)
    expected = sweep(graph, w, X, y)
    assert value == pytest.approx(expected.loss, rel=1e-13)  # a handful of roundings apart
    np.testing.assert_allclose(gradient, expected.parameter_gradient(), atol=1e-13)

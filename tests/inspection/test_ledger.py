from __future__ import annotations

import json
from math import fsum, prod
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import Case, cases

from chainrule.datasets import make_spiral
from chainrule.errors import GraphError, InputError, NonFiniteError, UnsupportedError
from chainrule.graph import Graph, Node, build, forward, sweep
from chainrule.inspection import Entry, Ledger, ledger, parse_entry
from chainrule.inspection import jacobians as jacobians_module


def _spiral_network(l2: float = 0.0) -> tuple[Graph, np.ndarray, np.ndarray, np.ndarray]:
    X, y = make_spiral(random_state=0)
    graph = build.mlp(2, [100], 3, l2=l2)
    return graph, build.initialize(graph, np.random.default_rng(0), scale=0.5), X, y


def _adds_up(result: Ledger) -> bool:
    """Within 1e-9 of the gradient; where paths cancel, what rounding leaves of their sizes (1e-16 a term)."""
    fits = abs(result.residual) <= 1e-9 * abs(result.gradient) + 1e-14 * result.magnitude
    rows = fsum(row.product for row in result.rows)
    return fits and abs(rows + result.rest - result.total) <= 1e-15 * result.magnitude


@pytest.mark.parametrize("sample", [None, 250])
def test_every_path_of_one_entry_of_the_lectures_network(sample: int | None) -> None:
    graph, parameters, X, y = _spiral_network()
    result = ledger((graph, parameters), "W1[0, 3]", X, y, sample=sample, top=10_000)
    assert result.n_paths == (3 if sample is not None else 900)
    assert result.rest == 0.0
    assert abs(result.residual) <= 1e-9 * abs(result.gradient)


def test_a_sample_written_out() -> None:
    graph, parameters, X, y = _spiral_network()
    result = ledger((graph, parameters), "W1[0, 3]", X, y, sample=250)
    values = forward(graph, parameters, X[250:251], y[250:251])
    assert values["Z1"][0, 3] > 0
    residuals = values["p"][0] - (np.arange(3) == y[250])  # p - y
    for row in result.rows:
        k = int(row.entries[3][3])
        assert row.entries == ("W1[0, 3]", "Z1[3]", "A1[3]", f"Z2[{k}]", "J")
        assert [factor.symbol for factor in row.factors] == [
            f"dJ/dZ2[{k}]",
            f"dZ2[{k}]/dA1[3]",
            "dA1[3]/dZ1[3]",
            "dZ1[3]/dW1[0, 3]",
        ]
        assert [factor.formula for factor in row.factors] == [
            "(p − y) / m",
            f"W2[3, {k}]",
            "I(Z1[3] > 0)",
            "X[0]",
        ]
        expected = [residuals[k], values["W2"][3, k], 1.0, X[250, 0]]
        np.testing.assert_allclose([factor.value for factor in row.factors], expected, rtol=1e-14)  # roundings
        assert row.product == prod(factor.value for factor in row.factors)
    assert sorted(abs(row.product) for row in result.rows)[::-1] == [abs(row.product) for row in result.rows]


def test_the_mean_over_samples_is_the_batch() -> None:
    graph, parameters, X, y = _spiral_network()
    rows = range(0, 300, 20)
    single = [ledger((graph, parameters), "W1[1, 7]", X, y, sample=row).total for row in rows]
    batch = ledger((graph, parameters), "W1[1, 7]", X[::20], y[::20])
    # both are sums of the same numbers, in another order
    assert np.mean(single) == pytest.approx(batch.total, rel=1e-12)
    assert batch.n_samples == 15


@pytest.mark.parametrize(("sample", "n_paths"), [(3, 160), (None, 200 * 160)])
def test_a_larger_network_adds_up(sample: int | None, n_paths: int) -> None:
    random = np.random.default_rng(2)
    graph = build.mlp(64, [32, 16], 10)
    parameters = build.initialize(graph, random, scale=0.3)
    X, y = random.normal(size=(200, 64)), random.integers(10, size=200)
    for entry in ("W1[0, 3]", "W1[63, 31]", "b1[5]", "W2[7, 2]", "W3[4, 9]", "b3[1]"):
        result = ledger((graph, parameters), entry, X, y, sample=sample)
        assert abs(result.residual) <= 1e-9 * abs(result.gradient)
        assert _adds_up(result)
        if entry.startswith(("W1", "b1")):
            assert result.n_paths == n_paths


def test_more_paths_than_could_be_listed() -> None:
    random = np.random.default_rng(0)
    graph = build.mlp(10, [100] * 10, 10, activation="tanh")
    parameters = build.initialize(graph, random, scale=0.15)
    result = ledger((graph, parameters), "W1[0, 3]", random.normal(size=(2, 10)), np.array([3, 4]), sample=1, top=5)
    assert result.n_paths == 10 * 100**9
    assert _adds_up(result)
    assert "about 10^19 other paths together" in str(result)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_ties_everywhere_do_not_spread_the_search(activation: str) -> None:
    graph = build.mlp(2, [30] * 8, 3, activation=activation)
    parameters = np.full(graph.parameters.size, 0.05)
    X, y = np.array([[0.3, 0.7]]), np.array([1])
    result = ledger((graph, parameters), "W1[0, 3]", X, y, top=20)
    assert len(result.rows) == 20
    assert _adds_up(result)


def test_layers_beyond_the_recursion_limit() -> None:
    random = np.random.default_rng(0)
    graph = build.mlp(2, [2] * 400, 2, activation="tanh", skip_connections=True)
    parameters = build.initialize(graph, random, scale=0.05)
    result = ledger((graph, parameters), "W1[1, 0]", random.normal(size=(3, 2)), np.array([0, 1, 1]), sample=0, top=2)
    assert len(result.rows) == 2
    assert result.n_paths > 2**400
    assert _adds_up(result)
    assert max(map(len, str(result).splitlines())) <= 80


@settings(max_examples=80, deadline=None)
@given(case=cases(), data=st.data())
def test_the_ledger_of_any_graph_adds_up(case: Case, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from([None, *range(len(case.X))]))
    name = data.draw(st.sampled_from([*case.graph.parameters, case.graph.nodes[0].name]))
    shape = case.graph.parameters.get(name, case.X.shape)
    if sample is not None and name not in case.graph.parameters:
        shape = shape[1:]
    entry = str(Entry(name, tuple(data.draw(st.integers(0, extent - 1)) for extent in shape)))
    given_ = {"sample": sample, "sample_weight": case.sample_weight, "noise": case.noise}
    everything = ledger((case.graph, case.parameters), entry, case.X, case.y, top=5_000, **given_)
    few = ledger((case.graph, case.parameters), entry, case.X, case.y, top=3, **given_)
    assert _adds_up(everything)
    assert _adds_up(few)
    assert few.n_paths == everything.n_paths
    assert len({row.entries for row in everything.rows}) <= len(everything.rows)
    # the few are the largest: a tie may be broken otherwise, so sizes are compared, to rounding
    np.testing.assert_allclose(
        [abs(row.product) for row in few.rows],
        [abs(row.product) for row in everything.rows[: len(few.rows)]],
        rtol=1e-12,
    )
    if sample is None:
        whole = sweep(case.graph, case.parameters, case.X, case.y, sample_weight=case.sample_weight, noise=case.noise)
        where = parse_entry(case.graph, entry)
        zero = np.zeros_like(whole.values[name])
        assert everything.gradient == whole.gradients.get(name, zero)[where.index]


def test_symbols_name_the_number_they_stand_for() -> None:
    random = np.random.default_rng(0)
    graph = build.mlp(3, [4, 4], 3, activation=["tanh", "relu"], skip_connections=True, l2=0.1)
    parameters, X, y = (
        build.initialize(graph, random, 1.0),
        random.normal(size=(5, 3)),
        random.integers(3, size=5),
    )
    values = forward(graph, parameters, X, y)
    named = 0
    for entry in ("W1[2, 1]", "W2[0, 3]", "b1[2]", "X[4, 1]"):
        for row in ledger((graph, parameters), entry, X, y, top=200).rows:
            for factor in row.factors:
                if factor.formula.endswith("]") and " " not in factor.formula.split("[")[0]:
                    where = parse_entry(graph, factor.formula)
                    assert factor.value == values[where.node][where.index]
                    named += 1
                elif factor.formula.startswith("I("):
                    where = parse_entry(graph, factor.formula[2:].split(" >")[0])
                    assert factor.value == float(values[where.node][where.index] > 0)
                    named += 1
    assert named > 100


def test_a_dead_unit_shows_where_its_paths_are_cut() -> None:
    graph, parameters, X, y = _spiral_network()
    views = graph.parameters.views(parameters)
    views["W1"][:, 3] = [0.0, -1.0]
    row = int(np.argmax(X[:, 1]))  # Z1[3] < 0
    result = ledger((graph, parameters), "W1[0, 3]", X, y, sample=row)
    assert result.n_paths == 3
    assert len(result.rows) == 1
    assert result.total == result.gradient == 0.0
    cut = {factor.formula: factor.value for factor in result.rows[0].factors}
    assert cut["I(Z1[3] > 0)"] == 0.0


def test_it_can_be_read() -> None:
    graph, parameters, X, y = _spiral_network(l2=1e-3)
    text = str(ledger((graph, parameters), "W1[0, 3]", X, y, sample=250, top=2))
    lines = text.splitlines()
    assert lines[0] == "dobjective/dW1[0, 3], sample 250 alone: 4 paths"
    assert "W1[0, 3] → Z1[3] → A1[3] → Z2[" in lines[1]
    assert "= 1 · (p − y) / m · W2[3, " in text
    assert "2 other paths together" in text
    assert lines[-1].endswith("residual")
    assert max(map(len, lines)) <= 80


def test_what_does_not_exist_is_refused() -> None:
    graph, parameters, X, y = _spiral_network()
    with pytest.raises(GraphError, match="W9"):
        ledger((graph, parameters), "W9[0, 0]", X, y)
    with pytest.raises(InputError, match="W1"):
        ledger((graph, parameters), "W1[2, 0]", X, y)
    with pytest.raises(InputError, match=r"'Z1\[0\]'"):
        ledger((graph, parameters), "Z1[0, 0]", X, y, sample=1)
    with pytest.raises(InputError, match=r"Z1"):
        ledger((graph, parameters), "Z1[300, 0]", X, y)
    with pytest.raises(InputError, match="sample must be"):
        ledger((graph, parameters), "W1[0, 0]", X, y, sample=300)
    with pytest.raises(InputError, match="top="):
        ledger((graph, parameters), "W1[0, 0]", X, y, top=-1)
    with pytest.raises(InputError, match="no loss"):
        ledger((Graph(graph.nodes), parameters), "W1[0, 0]", X, y)


def test_a_batch_too_large_to_lay_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, parameters, X, y = _spiral_network()
    monkeypatch.setattr(jacobians_module, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="sample="):
        ledger((graph, parameters), "X[5, 1]", X, y)


def test_values_that_are_not_finite_are_named() -> None:
    graph, parameters, X, y = _spiral_network()
    X = X.copy()
    X[7, 1] = np.nan
    with pytest.raises(NonFiniteError, match="'X'"):
        ledger((graph, parameters), "W1[0, 0]", X, y)


def test_a_batch_that_is_not_the_first_axis_is_refused() -> None:
    nodes = [
        Node("X", "data", given_shape=("m", 2)),
        Node("V", "parameter", given_shape=(3, 2)),
        Node("T", "data", given_shape=(3, "m")),
        Node("G", "dense", ("T", "X")),
        Node("l", "l2", ("G",)),
    ]
    graph = Graph(nodes, loss="l")
    arrays = {"X": np.ones((2, 2)), "T": np.ones((3, 2))}
    with pytest.raises(UnsupportedError, match="'T'"):
        ledger((graph, np.ones(6)), "T[0, 0]", arrays, np.array([0, 1]))
    assert _adds_up(ledger((graph, np.ones(6)), "X[0, 0]", arrays, np.array([0, 1])))


def test_it_is_shown_in_every_style() -> None:
    graph, parameters, X, y = _spiral_network(l2=1e-3)
    result = ledger((graph, parameters), "W1[0, 3]", X, y, sample=250)
    factor = next(one for one in result.rows[0].factors if one.target.startswith("Z2"))
    assert factor.latex.startswith(r"\frac{\mathrm{d}Z_{2}[")
    for text in (factor.mathml, result.rows[0].mathml):
        assert ElementTree.fromstring(text).tag.endswith("math")
    assert result.rows[0].latex.count(" = ") == 3
    html = result._repr_html_()
    assert html.count("<math") == len(result.rows)
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["n_paths"] == "4"
    assert told["rows"][0]["product"] == result.rows[0].product


@pytest.mark.parametrize("entry", ["W1[5, 3]", "b1[3]", "W2[3, 1]", "X[7]"])
def test_a_sample_of_a_large_network_lays_out_what_is_reached(entry: str) -> None:
    random = np.random.default_rng(0)
    graph = build.mlp(784, [256, 128], 10)
    parameters = random.normal(size=graph.parameters.size) / 8
    X, y = random.normal(size=(3, 784)), np.array([3, 4, 5])
    result = ledger((graph, parameters), entry, X, y, sample=1)
    assert _adds_up(result)
    assert abs(result.residual) <= 1e-9 * abs(result.gradient)


def test_a_class_without_weight_in_the_first_row() -> None:
    graph = build.softmax_classifier(2, 3, class_weight=(0.0, 1.0, 2.0))
    X, y = np.ones((3, 2)), np.array([0, 1, 2])
    assert _adds_up(ledger((graph, np.arange(9.0)), "W[0, 1]", X, y))


def test_a_penalty_names_the_entry_it_is_of() -> None:
    graph, parameters, X, y = _spiral_network(l2=1e-3)
    rows = ledger((graph, parameters), "W1[0, 3]", X, y, sample=250).rows
    (penalty,) = (row for row in rows if row.entries[1] == "R1")
    assert penalty.factors[1].formula == "λ W1[0, 3]"

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from small_networks import IRIS, small_network

import chainrule
from chainrule import NetworkOptions, SoftmaxClassifier
from chainrule.errors import InputError, UnsupportedError
from chainrule.graph import Graph, Node, build
from chainrule.inspection import Attribution, attribution

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


def network(*sizes: int, activation: str = "relu") -> tuple[Graph, np.ndarray]:
    random = np.random.default_rng(5)
    graph = build.mlp(sizes[0], sizes[1:-1], sizes[-1], activation=activation)
    parameters = random.normal(size=graph.parameters.size)
    for view in graph.parameters.views(parameters).values():
        view *= np.sqrt(2.0 / len(view)) if view.ndim == 2 else 0.3
    return graph, parameters


def adds_up(found: Attribution) -> bool:
    moved = np.abs(found.outputs - found.baseline_outputs)
    # 1e-6 is the promise; a probability that hardly moves is known to its rounding alone
    return bool((np.abs(found.residual) <= 1e-6 * moved + 1e-13).all())


@pytest.mark.parametrize("of", ["probability", "logit"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "leaky_relu", "selu", "gelu"])
def test_integrated_gradients_add_up(activation: str, of: str) -> None:
    X = np.random.default_rng(0).normal(size=(12, 6)) * 3
    for sizes in ((6, 40, 3), (6, 16, 8, 8, 4)):
        pair = network(*sizes, activation=activation)
        for target in (None, 1):
            found = attribution(pair, X, method="integrated_gradients", of=of, target=target)
            assert adds_up(found)


def test_a_linear_logit_is_coefficient_times_difference() -> None:
    X, y = IRIS
    classifier = SoftmaxClassifier().fit(X[y < 2], y[y < 2])  # two classes: one logit
    for method in ("gradient_x_input", "integrated_gradients"):
        found = attribution(classifier, X[y < 2], of="logit", target=1, method=method, baseline="mean")
        expected = classifier.coef_[0] * (X[y < 2] - X[y < 2].mean(axis=0))
        np.testing.assert_allclose(found.values, expected, rtol=1e-9, atol=1e-12)
        other = attribution(classifier, X[y < 2], of="logit", target=0, method=method, baseline="mean")
        np.testing.assert_allclose(other.values, -expected, rtol=1e-9, atol=1e-12)


def test_gradient_x_input_is_the_derivative_by_differences() -> None:
    X, _ = IRIS
    classifier = small_network()
    found = attribution(classifier, X[:5], target=2)
    for j in range(4):
        moved = np.zeros(4)
        moved[j] = 1e-6
        slope = (classifier.predict_proba(X[:5] + moved) - classifier.predict_proba(X[:5] - moved))[:, 2] / 2e-6
        # differences over 1e-6 are right to about 1e-9
        np.testing.assert_allclose(found.values[:, j], slope * X[:5, j], rtol=1e-5, atol=1e-8)


def test_fixed_steps_come_close_and_say_by_how_much() -> None:
    pair = network(4, 20, 3)
    X = np.random.default_rng(1).normal(size=(3, 4))
    exact = attribution(pair, X, method="integrated_gradients")
    coarse, fine = (attribution(pair, X, method="integrated_gradients", steps=n) for n in (4, 400))
    assert np.abs(fine.residual).max() < np.abs(coarse.residual).max()
    np.testing.assert_allclose(fine.values, exact.values, atol=1e-3)


@pytest.fixture(scope="module")
def penguins() -> chainrule.Model:
    return chainrule.train(PENGUINS, target="species", options=NetworkOptions(hidden_layer_sizes=(16,), max_iter=20))


def test_features_come_back_as_columns_of_the_table(penguins: chainrule.Model) -> None:
    found = attribution(penguins, PENGUINS, method="integrated_gradients")
    assert found.columns == penguins.encoding.columns
    assert len(found.columns) < penguins.n_features
    assert adds_up(found)
    plain = attribution(
        (penguins.graph, penguins.parameters), penguins.transform(PENGUINS), method="integrated_gradients"
    )
    for name, own in zip(found.columns, found.values.T, strict=True):
        features = [i for i, column in enumerate(penguins.encoding.feature_columns) if column == name]
        np.testing.assert_allclose(own, plain.values[:, features].sum(axis=1), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.outputs, penguins.predict_proba(PENGUINS).max(axis=1), rtol=1e-4)  # float32


def test_rows_without_a_label_stay(penguins: chainrule.Model) -> None:
    frame = pandas.read_csv(PENGUINS)
    frame.loc[:9, "species"] = None
    assert len(attribution(penguins, frame).rows) == len(frame)
    one = attribution(penguins, frame, sample=5, target="Gentoo", baseline=frame.iloc[[0]])
    assert (one.rows.tolist(), one.targets) == ([5], ("Gentoo",))
    assert one.cells[0][one.columns.index("bill_length_mm")] == str(frame.loc[5, "bill_length_mm"])
    assert np.all(attribution(penguins, frame.iloc[[3]], baseline=frame.iloc[[3]]).values == 0.0)


def test_it_is_shown(penguins: chainrule.Model) -> None:
    one, all_rows = attribution(penguins, PENGUINS, sample=0), attribution(penguins, PENGUINS)
    assert "bill_length_mm" in str(one) and "39.1" in str(one)
    assert max(map(len, str(all_rows).splitlines())) <= 80
    assert next(iter(all_rows.importance)) == str(all_rows).splitlines()[2].split()[0]
    assert one._repr_html_().count('class="plus"') + one._repr_html_().count('class="minus"') == len(one.columns) + 1
    assert all_rows.to_frame().shape == (344, len(one.columns))
    told = json.loads(json.dumps(one.to_dict(), allow_nan=False))
    assert told["rows"][0]["contributions"]["sex"] == one.values[0][one.columns.index("sex")]
    wide = attribution(network(30, 4, 2), np.ones((1, 30)))
    assert "10 others" in str(wide)


def test_several_labels_a_row() -> None:
    X, y = IRIS
    Y = np.column_stack([y == 0, y > 0]).astype(int)
    for of in ("probability", "logit"):
        assert adds_up(attribution(small_network(X, Y), X[:9], target=1, of=of, method="integrated_gradients"))


def test_nonsense_is_refused() -> None:
    pair = network(4, 5, 3)
    X = np.ones((2, 4))
    for arguments, message in (
        ({"method": "saliency"}, "method must be"),
        ({"of": "loss"}, "of must be"),
        ({"steps": 0}, "steps must be"),
        ({"target": 3}, "target must be a class"),
        ({"target": [0, 1, 2]}, "3 classes for 2 rows"),
        ({"baseline": np.ones(3)}, "baseline must be 4 features"),
        ({"sample": 2}, "sample must be a row"),
    ):
        with pytest.raises(InputError, match=message):
            attribution(pair, X, **arguments)
    graph = Graph([Node("X", "data", given_shape=("m", 2)), Node("A", "relu", ("X",))])
    with pytest.raises(UnsupportedError, match="column per class"):
        attribution((graph, np.zeros(0)), np.ones((1, 2)))
    graph = Graph(graph.nodes, output="A")
    with pytest.raises(UnsupportedError, match="no softmax or sigmoid"):
        attribution((graph, np.zeros(0)), np.ones((1, 2)), of="logit")

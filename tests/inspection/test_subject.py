"""One subject everywhere: a model, its file, an estimator, a pair of graph and parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy.sparse import csr_array
from small_networks import IRIS, small_network

import chainrule
from chainrule import NetworkClassifier, SoftmaxClassifier, SoftmaxClassifierCV
from chainrule.errors import InputError, TableError
from chainrule.graph import build
from chainrule.inspection import check, ledger
from chainrule.inspection.subject import resolve

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


@pytest.fixture(scope="module")
def penguins() -> chainrule.Model:
    return chainrule.train(PENGUINS, target="species")


def two_layers(d: int, k: int) -> chainrule.Graph:
    return build.mlp(d, [4], k)


def estimators() -> list[object]:
    X, y = IRIS
    return [
        SoftmaxClassifier().fit(X, y),
        SoftmaxClassifierCV(Cs=3, cv=3).fit(X, y),
        small_network(),
        NetworkClassifier(two_layers, max_iter=5, solver="lbfgs", random_state=0, tol=1e9).fit(X, y),
    ]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_face_of_a_model_is_the_same_subject(tmp_path: Path) -> None:
    X, y = IRIS
    for estimator in estimators():
        model = estimator.to_model()
        model.save(tmp_path / "m.chainrule")
        graph, parameters = estimator.to_graph()
        pair = (graph, parameters)
        by_name = (graph, graph.parameters.views(parameters))
        for subject in (model, str(tmp_path / "m.chainrule"), tmp_path / "m.chainrule", estimator, pair, by_name):
            found = resolve(subject, X, y)
            assert found.graph == graph
            np.testing.assert_array_equal(found.parameters, parameters)
            np.testing.assert_array_equal(found.labels, y)
        values = resolve(estimator, X, y).values
        # the engine's sums in another order
        np.testing.assert_allclose(values[str(graph.output)], estimator.predict_proba(X), rtol=1e-9, atol=1e-12)
        assert check(estimator, X[:20], y[:20], n_entries=10).passed()


def test_labels_are_the_models_own() -> None:
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    classifier = SoftmaxClassifier().fit(X, names)
    for subject in (classifier, classifier.to_model()):
        found = resolve(subject, X, names)
        np.testing.assert_array_equal(found.labels, y)
        assert found.class_names == ("setosa", "versicolor", "virginica")
        with pytest.raises(InputError, match="tulip"):
            resolve(subject, X[:1], ["tulip"])
        with pytest.raises(InputError, match=r"sample must be a row of the batch, 0\.\.149"):
            resolve(subject, X, names, sample=150)


def test_sparse_rows_become_dense() -> None:
    X, y = IRIS
    classifier = SoftmaxClassifier().fit(csr_array(X), y)
    for subject in (classifier, classifier.to_model()):
        np.testing.assert_array_equal(resolve(subject, csr_array(X), y).X["X"], X)


def test_several_labels_a_row() -> None:
    X, y = IRIS
    Y = np.column_stack([y == 0, y > 0])
    network = small_network(X, Y.astype(int))
    found = resolve(network, X, Y.astype(int))
    np.testing.assert_array_equal(found.labels, Y)
    entry = ledger(network, "W1[0, 3]", X, Y.astype(int), sample=7)
    assert abs(entry.residual) <= 1e-9 * abs(entry.gradient) + 1e-14 * entry.magnitude


def test_a_table_brings_its_labels(penguins: chainrule.Model) -> None:
    frame = pandas.read_csv(PENGUINS)
    found = resolve(penguins, PENGUINS)
    assert found.n_samples == len(frame)
    assert found.X["X"].dtype == np.float64
    assert [found.class_names[code] for code in found.labels] == frame["species"].tolist()
    np.testing.assert_array_equal(found.X["X"], resolve(penguins, frame.drop(columns="species")).X["X"])
    assert resolve(penguins, frame.drop(columns="species")).labels is None
    np.testing.assert_array_equal(resolve(penguins, PENGUINS, frame["species"]).labels, found.labels)


def test_rows_without_a_label_keep_their_numbers(penguins: chainrule.Model) -> None:
    frame = pandas.read_csv(PENGUINS)
    frame.loc[3, "species"] = None
    found = resolve(penguins, frame)
    assert found.n_samples == len(frame) - 1
    assert 3 not in found.rows and 4 in found.rows
    whole = resolve(penguins, PENGUINS).X["X"]
    np.testing.assert_array_equal(resolve(penguins, frame, sample=4).X["X"], whole[4:5])
    with pytest.raises(InputError, match="row 3 has none"):
        resolve(penguins, frame, sample=3)
    frame["species"] = None
    with pytest.raises(TableError, match="no value of the target 'species' in any row"):
        resolve(penguins, frame)


def test_a_model_of_arrays_takes_a_table_of_its_features() -> None:
    X, y = IRIS
    frame = pandas.DataFrame(X, columns=list("abcd"))
    named = SoftmaxClassifier().fit(frame, y)
    for subject in (named, named.to_model()):
        np.testing.assert_array_equal(resolve(subject, frame[list("dcba")], y).X["X"], X)
        with pytest.raises(TableError, match="column 'c' is missing"):
            resolve(subject, frame.drop(columns="c"), y)
        with pytest.raises(TableError, match="'a' has no value in row 3"):
            resolve(subject, frame.assign(a=frame["a"].where(frame.index != 2)), y)
    unnamed = SoftmaxClassifier().fit(X, y)
    np.testing.assert_array_equal(resolve(unnamed, frame, y).X["X"], X)
    found = resolve(unnamed.to_model(), frame.assign(**{"class": y}))
    np.testing.assert_array_equal(found.labels, y)
    np.testing.assert_array_equal(resolve(unnamed, pandas.DataFrame(X), y).X["X"], X)
    with pytest.raises(TableError, match="each of 4 features, has 3"):
        resolve(unnamed, frame[list("abc")], y)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(InputError, match="not a int"):
        resolve(3, IRIS[0])
    with pytest.raises(ValueError, match="not fitted"):
        resolve(SoftmaxClassifier(), IRIS[0])
    with pytest.raises(InputError, match="no such model file"):
        resolve("nothing.chainrule", IRIS[0])
    with pytest.raises(InputError, match=r"X must be \(rows, 4\)"):
        resolve(SoftmaxClassifier().fit(*IRIS), IRIS[0][:, :3])

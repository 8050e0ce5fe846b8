"""Small fitted networks, and the table they are fitted on."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier

IRIS = StandardScaler().fit_transform(load_iris().data), load_iris().target


def small_network(X=IRIS[0], y=IRIS[1], *given, **options):
    """Return a small network, fitted; that it has not converged is not what is looked at."""
    sample_weight = options.pop("sample_weight", None)
    validation_data = options.pop("validation_data", None)
    network = MLPClassifier(**{"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 20, **options})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(X, y, sample_weight, validation_data=validation_data)


def assert_same_network(one, other):
    """Check that two networks have the same parameters, to the bit."""
    for a, b in zip([*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_], strict=True):
        np.testing.assert_array_equal(a, b)

"""What estimators of networks share once they are trained: predictions, fast also for a single row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule._typing import Array, Float64Array
from chainrule.errors import InputError, UnsupportedError
from chainrule.estimators.targets import TargetKind, decode_targets
from chainrule.estimators.trained import TrainedNetwork
from chainrule.graph import Graph
from chainrule.model import Model


class NetworkPredictor(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """A classifier that holds a graph and its parameters; subclasses say how these are shown.

    Users may write into the arrays that they see, and put others in their place: predictions follow.
    """

    n_threads: int
    classes_: Array
    n_outputs_: int
    out_activation_: str
    n_features_in_: int
    _graph: Graph

    @abstractmethod
    def _parameter_names(self, graph: Graph) -> Sequence[str]:
        """Return the names of the arrays that `_shown` returns, in its order."""

    @abstractmethod
    def _shown(self) -> Sequence[Array]:
        """Return the parameters that users see, which they may have changed; AttributeError if there are none."""

    @abstractmethod
    def _show(self, network: TrainedNetwork) -> dict[str, Any]:
        """Return the fitted attributes that show a network's parameters."""

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row, (n_samples,); for several labels 0 and 1, (n_samples, K)."""
        return decode_targets(self.predict_proba(X), self.classes_, self._kind())

    def predict_proba(self, X: Any) -> Array:
        """Return class probabilities, (n_samples, n_classes), columns in the order of ``classes_``.

        With several labels a row each column is the probability of its label. (Where the training rows were all of one
        class there are two columns, as in scikit-learn: the first is that of a class that never came.)
        """
        X = self._check_rows(X)
        network = self._network_now()
        return network.program.predict(self._flat_for(X, network), X, self.n_threads)

    def predict_log_proba(self, X: Any) -> Array:
        """Return logarithms of the probabilities, (n_samples, n_classes); -inf where a probability underflows."""
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(probabilities, out=probabilities)

    def to_graph(self) -> tuple[Graph, Float64Array]:
        """Return the graph (`chainrule.Graph`) and the flat vector of its parameters, float64."""
        check_is_fitted(self)
        network = self._network_now()
        return network.graph, network.current(self._shown()).astype(np.float64)

    def to_model(self) -> Model:
        """Return the trained model as a `chainrule.model.Model`: to save, inspect and report.

        Raises
        ------
        UnsupportedError
            For several labels a row, or one class alone, which a `Model` does not know.
        """
        from chainrule.tables import LabelEncoding

        check_is_fitted(self)
        if self._kind() == "multilabel" or len(self.classes_) < 2:
            raise UnsupportedError(
                f"a Model tells at least two classes apart, one a row; this estimator has {len(self.classes_)} "
                f"({self._kind()})"
            )
        network = self._network_now()
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])
        flat = network.current(self._shown())
        return Model(
            graph=network.graph,
            parameters=flat.astype(np.float64),
            labels=LabelEncoding.from_classes(self.classes_),
            dtype=str(flat.dtype),
            feature_names=tuple(map(str, names)),
            record={"fit": dict(getattr(self, "_record", {}))},
        )

    def _check_rows(self, X: Any) -> Any:
        """Return the rows as floats; what is a plain array of the right kind is taken as it is."""
        network: TrainedNetwork | None = vars(self).get("_network")
        if network is not None and "feature_names_in_" not in vars(self) and network.takes(X):
            return X
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], order="C", reset=False)

    def _network_now(self) -> TrainedNetwork:
        """Return the network; without one (parameters set by hand before any fit) one is made of what is shown."""
        network: TrainedNetwork | None = vars(self).get("_network")
        if network is not None:
            return network
        graph = self._graph_of_shown()
        return TrainedNetwork.from_arrays(graph, dict(zip(self._parameter_names(graph), self._shown(), strict=True)))

    def _graph_of_shown(self) -> Graph:
        """Return the graph of parameters that were set by hand."""
        return self._graph

    def _flat_for(self, X: Any, network: TrainedNetwork) -> Array:
        flat = network.current(self._shown())
        return flat if flat.dtype == X.dtype else flat.astype(X.dtype)

    def _has_parameters(self) -> bool:
        try:
            return len(self._shown()) > 0
        except AttributeError:
            return False

    def _kind(self) -> TargetKind:
        if self.out_activation_ == "softmax":
            return "multiclass"
        return "binary" if self.n_outputs_ == 1 else "multilabel"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_network", None)  # it is compiled anew, and its vector holds the same numbers as what is shown
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_graph" not in state:
            return
        try:
            arrays = dict(zip(self._parameter_names(self._graph), self._shown(), strict=True))
            self._network = TrainedNetwork.from_arrays(self._graph, arrays)
        except (InputError, ValueError):
            return  # set by hand to something that fits no more: predictions will say so
        for name, value in self._show(self._network).items():
            setattr(self, name, value)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

"""Where training begins: parameters drawn so that signals neither vanish nor explode on their way."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.errors import InputError
from chainrule.graph.graph import Graph, Node
from chainrule.graph.ops import ACTIVATIONS

INITIALIZATIONS = (
    "auto",
    "he_uniform",
    "he_normal",
    "glorot_uniform",
    "glorot_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "ntk",
    "sklearn",
    "zeros",
)

_RELU_LIKE = ("relu", "leaky_relu", "gelu", "silu")
_NTK_BIAS = 0.1  # beta in Jacot et al. 2018


def initialize(graph: Graph, method: str = "auto", random_state: Any = 0) -> Float64Array:
    """Return a start for training, the flat vector.

    Below a weight is (n_in, n_out), and a uniform draw is over [-sqrt(3 v), sqrt(3 v)], which has variance v. Biases
    are 0 where nothing else is said, the factors of `scale` are 1.

    - ``he_uniform``, ``he_normal``: v = 2 / n_in; before a leaky_relu with slope a, 2 / ((1 + a^2) n_in).
      He et al. 2015, "Delving Deep into Rectifiers".
    - ``glorot_uniform``, ``glorot_normal``: v = 2 / (n_in + n_out). Glorot and Bengio 2010.
    - ``lecun_uniform``, ``lecun_normal``: v = 1 / n_in. LeCun et al. 1998, "Efficient BackProp"; what selu asks for
      (Klambauer et al. 2017).
    - ``orthogonal``: orthonormal rows or columns, times sqrt(2) before the relu family. Saxe et al. 2014; drawn evenly
      by a QR decomposition with its signs set right (Mezzadri 2007).
    - ``ntk``: weights normal with v = 1 / n_in, biases normal with standard deviation 0.1: the network at the start is
      that of Jacot et al. 2018 ("Neural Tangent Kernel"), whose factors 1 / sqrt(n_in) and 0.1 stand in the layers.
    - ``sklearn``: as scikit-learn's MLPClassifier: glorot_uniform (a third of its variance where the hidden layers are
      sigmoids) for weights and biases. With the same `numpy.random.RandomState` it is the same start.
    - ``zeros``: for models without hidden layers; hidden units that begin alike stay alike.
    - ``auto``: by the activation that follows the layer: he_uniform for relu, leaky_relu, gelu and silu, lecun_normal
      for selu, glorot_uniform otherwise.

    Parameters
    ----------
    graph
        Any graph; a weight is what a ``dense`` node takes for its weight.
    method
        One of `INITIALIZATIONS`.
    random_state
        A seed, a `numpy.random.Generator`, or a `numpy.random.RandomState`.

    Raises
    ------
    InputError
        For a method that doesn't exist.
    """
    if method not in INITIALIZATIONS:
        raise InputError(f"initialization must be one of {', '.join(INITIALIZATIONS)}, got {method!r}")
    drawn = random_state if hasattr(random_state, "uniform") else np.random.default_rng(random_state)
    flat = np.zeros(graph.parameters.size)
    bounds = _sklearn_bounds(graph) if method == "sklearn" else {}
    for name, view in graph.parameters.views(flat).items():
        user, role = _use(graph, name)
        if role == "weight":
            followed_by = _following_activation(graph, user)
            view[...] = _draw(method, view.shape, followed_by, bounds.get(name, 0.0), drawn)
        elif role == "factor":
            view[...] = 1.0
        elif role == "bias" and method == "ntk":
            view[...] = _NTK_BIAS * drawn.standard_normal(view.shape)
        elif role == "bias" and method == "sklearn":
            bound = bounds.get(user.inputs[1], 0.0) if user is not None else 0.0
            view[...] = drawn.uniform(-bound, bound, view.shape)
    return flat


def _use(graph: Graph, name: str) -> tuple[Node | None, str]:
    """Return the node that a parameter is for, and its role there; penalties don't count."""
    for user in (graph[consumer] for consumer in graph.consumers[name]):
        if user.operation in ("dense", "scale"):
            return user, user.record.input_roles(len(user.inputs))[user.inputs.index(name)]
    return None, ""


def _following_activation(graph: Graph, layer: Node | None) -> Node | None:
    """Return the first activation that a layer's output reaches before another layer or the loss."""
    waiting = [] if layer is None else [layer.name]
    seen: set[str] = set()
    while waiting:
        for name in graph.consumers[waiting.pop(0)]:
            node = graph[name]
            if node.operation in ACTIVATIONS:
                return node
            if node.operation in ("add", "scale", "dropout") and name not in seen:
                seen.add(name)
                waiting.append(name)
    return None


def _draw(method: str, shape: tuple[int, ...], followed_by: Node | None, bound: float, drawn: Any) -> Array:
    """Return one weight."""
    n_in, n_out = shape
    kind = "" if followed_by is None else followed_by.operation
    if method == "auto":
        method = "he_uniform" if kind in _RELU_LIKE else "lecun_normal" if kind == "selu" else "glorot_uniform"
    if method == "zeros":
        return np.zeros(shape)
    if method == "orthogonal":
        return (sqrt(2.0) if kind in _RELU_LIKE else 1.0) * _orthogonal(n_in, n_out, drawn)
    if method == "sklearn":
        return np.asarray(drawn.uniform(-bound, bound, shape))
    variance = {
        "he": 2.0 / (n_in * (1.0 + _slope(followed_by) ** 2)),
        "glorot": 2.0 / (n_in + n_out),
        "lecun": 1.0 / n_in,
        "ntk": 1.0 / n_in,
    }[method.split("_")[0]]
    if method.endswith("uniform"):
        bound = sqrt(3.0 * variance)
        return np.asarray(drawn.uniform(-bound, bound, shape))
    return np.asarray(sqrt(variance) * drawn.standard_normal(shape))


def _slope(activation: Node | None) -> float:
    if activation is None or activation.operation != "leaky_relu":
        return 0.0
    return float({**activation.record.attributes, **activation.attributes}["slope"])


def _orthogonal(n_in: int, n_out: int, drawn: Any) -> Array:
    """Return a matrix with orthonormal columns, or rows where it is wider than tall."""
    tall = drawn.standard_normal((max(n_in, n_out), min(n_in, n_out)))
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # QR's own signs would favour some matrices
    return np.asarray(q if n_in >= n_out else q.T)


def _sklearn_bounds(graph: Graph) -> dict[str, float]:
    """Return scikit-learn's bound of the uniform numbers for each weight."""
    hidden = {node.operation for node in graph.nodes if node.operation in ACTIVATIONS and node.name != graph.output}
    factor = 2.0 if hidden == {"sigmoid"} else 6.0
    weights = {name: shape for name, shape in graph.parameters.items() if _use(graph, name)[1] == "weight"}
    return {name: sqrt(factor / sum(shape)) for name, shape in weights.items()}

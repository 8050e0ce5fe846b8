"""What a softmax classifier's coefficients say, the largest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._typing import Float64Array

if TYPE_CHECKING:
    from chainrule.graph import Node
    from chainrule.model import Model


@dataclass(frozen=True)
class Coefficient:
    """By how much one unit more of a feature changes a logit."""

    feature: str
    value: float


@dataclass(frozen=True)
class ClassCoefficients:
    """One column of W.

    Attributes
    ----------
    towards
        The class whose logit this is: a positive coefficient makes it more likely.
    against
        With two classes there is one logit, and a negative coefficient makes this class more likely; else None.
    intercept
        None where the model has none.
    largest
        Features by the size of their coefficients, zeros left out.
    n_features
        How many features there are in all.
    """

    towards: Any
    against: Any
    intercept: float | None
    largest: tuple[Coefficient, ...]
    n_features: int


def largest_coefficients(model: Model, most: int = 8) -> tuple[ClassCoefficients, ...]:
    """Return each logit's largest coefficients.

    Parameters
    ----------
    model
        Any model.
    most
        Features to return per logit.

    Returns
    -------
    tuple of ClassCoefficients
        One per class; one for the second class of two as one logit; empty for a model with hidden layers, whose
        features have no coefficient.
    """
    dense = _only_layer(model)
    if dense is None:
        return ()
    arrays = model.parameter_arrays
    W: Float64Array = arrays[dense.inputs[1]]
    b = arrays[dense.inputs[2]] if len(dense.inputs) > 2 else None
    classes = model.classes.tolist()
    one_logit = W.shape[1] < len(classes)
    result = []
    for k in range(W.shape[1]):
        order = np.argsort(-np.abs(W[:, k]), kind="stable")[:most]
        result.append(
            ClassCoefficients(
                towards=classes[-1] if one_logit else classes[k],
                against=classes[0] if one_logit else None,
                intercept=None if b is None else float(b[k]),
                largest=tuple(Coefficient(model.feature_names[j], float(W[j, k])) for j in order if W[j, k]),
                n_features=len(W),
            )
        )
    return tuple(result)


def _only_layer(model: Model) -> Node | None:
    layers = model.graph.of_kind("dense")
    return layers[0] if len(layers) == 1 and layers[0].inputs[0] == "X" else None

"""How parameters move on a gradient: the rule and its constants, as plain data for the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from chainrule.errors import InputError

RULES = {"sgd": 1, "adam": 2, "adamw": 2, "rmsprop": 2, "adagrad": 1, "lion": 1}
"""Rules by name, and how many numbers each keeps beside a parameter."""


@dataclass(frozen=True)
class UpdateRule:
    """An optimizer: one step of it is a function of parameters, gradient, its slots and the learning rate.

    With g the gradient (of the loss with its l2 terms, scaled down to ``clip_norm`` if it is longer), lr the step's
    learning rate and t = 1, 2, ... the step:

    - ``sgd``: v = momentum v + g; w -= lr v, or with ``nesterov`` w -= lr (g + momentum v).
      Polyak 1964; Sutskever et al. 2013.
    - ``adam``: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
      w -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). Kingma and Ba 2015.
    - ``adamw``: adam, with a ``weight_decay`` that is not 0 by default. Loshchilov and Hutter 2019.
    - ``rmsprop``: v = b2 v + (1 - b2) g^2; b = momentum b + g / (sqrt(v) + eps); w -= lr b. Tieleman and Hinton 2012.
    - ``adagrad``: v += g^2; w -= lr g / (sqrt(v) + eps). Duchi et al. 2011.
    - ``lion``: w -= lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g. Chen et al. 2023.

    Attributes
    ----------
    name
        A key of `RULES`.
    momentum, nesterov
        For sgd; rmsprop's momentum.
    beta_1, beta_2
        b1, b2 of adam, adamw, lion; b2 of rmsprop.
    epsilon
        eps.
    weight_decay
        Decoupled: first of all w -= lr weight_decay w, for matrices (not for biases and other vectors).
    clip_norm
        Largest norm of the gradient of all parameters together.
    """

    name: str = "adam"
    momentum: float = 0.0
    nesterov: bool = False
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float = inf

    def __post_init__(self) -> None:
        if self.name not in RULES:
            raise InputError(f"no optimizer {self.name!r}; there are {', '.join(RULES)}")

    @property
    def n_slots(self) -> int:
        """How many numbers the rule keeps beside each parameter."""
        return RULES[self.name]

"""How a network is trained, as plain data that is checked as it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf, isinf
from typing import Any

import numpy as np

from chainrule.engine import RULES
from chainrule.errors import InputError
from chainrule.graph import ACTIVATIONS, INITIALIZATIONS
from chainrule.solvers.schedules import Schedule, describe_schedule, make_schedule
from chainrule.training.checks import check_number

NETWORK_SOLVERS = (*RULES, "lbfgs")
DECAYS = ("constant", "invscaling", "adaptive")
_ALIASES = {"logistic": "sigmoid"}
_DECOUPLED_DECAY = 0.01  # of adamw where nothing is said: Loshchilov and Hutter's, and PyTorch's


@dataclass(frozen=True)
class NetworkOptions:
    """How a network is trained; the names and meanings are scikit-learn's `MLPClassifier`'s where it has them.

    Attributes
    ----------
    hidden_layer_sizes
        Units of each hidden layer; () for none, a number for one.
    activation
        Of the hidden layers, one for all or one each: relu, leaky_relu, tanh, sigmoid (or logistic), gelu, silu, selu,
        identity.
    solver
        sgd, adam, adamw, rmsprop, adagrad, lion (`chainrule.engine.UpdateRule` has their formulas), or lbfgs, which
        takes all rows at once and leaves out what is about batches.
    alpha
        Strength of the L2 penalty: the loss gains alpha / (2 S) sum ||W||^2, S being the weight of all training rows,
        whatever the batch size. (scikit-learn divides by the weight of the batch, so that there alpha means more the
        smaller the batches are: for the same penalty on batches of B out of n rows multiply alpha by n / B.)
    batch_size
        Rows of a batch; ``"auto"`` takes min(200, n).
    learning_rate
        For sgd: ``constant``; ``invscaling``, learning_rate_init / (rows seen + 1)^power_t, changed after each epoch;
        ``adaptive``, divided by 5 where training would otherwise have stopped, until it is below 1e-6.
    learning_rate_init
        The learning rate, which schedules multiply.
    power_t
        Of ``invscaling``.
    schedule
        For every solver but lbfgs: step, cosine, one_cycle, inverse_scaling, reduce_on_plateau, constant, as a name or
        as a mapping with fields, ``{"name": "cosine", "warm_up": 0.1}`` (see `chainrule.solvers.schedules`), or a
        function of the step that returns a factor.
    max_iter
        Epochs, or iterations of lbfgs.
    max_fun
        Evaluations of the loss by lbfgs.
    shuffle
        Whether each epoch visits the rows in an order of its own.
    tol, n_iter_no_change
        Training has converged once more than ``n_iter_no_change`` epochs in a row failed to better the training loss
        (with early stopping, the validation score) by ``tol``. For lbfgs ``tol`` bounds the gradient's largest entry.
    early_stopping
        Whether validation rows decide when to stop. The best epoch's parameters are the result whenever there are any.
    validation_fraction
        The share of the rows that `hold_out` sets aside.
    monitor
        What is watched on validation rows: ``accuracy`` or ``loss``, where no function is given for it.
    momentum, nesterovs_momentum
        Of sgd.
    beta_1, beta_2, epsilon
        Of adam, adamw, rmsprop (beta_2 is its decay), adagrad (epsilon alone), lion (the betas).
    weight_decay
        Decoupled from the gradient, on weights, not on biases; None is 0.01 for adamw and 0 otherwise.
    clip_norm
        Longest gradient, over all parameters; a longer one is scaled down to it.
    dropout
        Rate at which hidden activations are dropped, one for all layers or one each.
    label_smoothing
        The share e of each target that is spread over all classes.
    initialization
        See `chainrule.graph.initialize`.
    skip_connections
        Whether a layer's input is added to its output where the shapes agree.
    seed
        Of the start, the order of the rows and dropout: a run is a function of it.
    n_threads
        0 uses all cores; the result does not depend on it.
    """

    hidden_layer_sizes: tuple[int, ...] = (100,)
    activation: str | tuple[str, ...] = "relu"
    solver: str = "adam"
    alpha: float = 1e-4
    batch_size: int | str = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 1e-3
    power_t: float = 0.5
    schedule: str | Mapping[str, Any] | Callable[[int], float] | None = None
    max_iter: int = 200
    max_fun: int = 15000
    shuffle: bool = True
    tol: float = 1e-4
    n_iter_no_change: float = 10
    early_stopping: bool = False
    validation_fraction: float = 0.1
    monitor: str = "accuracy"
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float | None = None
    clip_norm: float | None = None
    dropout: float | tuple[float, ...] = 0.0
    label_smoothing: float = 0.0
    initialization: str = "auto"
    skip_connections: bool = False
    seed: int = 0
    n_threads: int = 0

    def __post_init__(self) -> None:
        self._check_layers()
        self._check_choices()
        self._check_numbers()
        schedule = make_schedule(self.schedule)
        if schedule is not None and self.learning_rate != "constant":
            raise InputError(
                f"learning_rate={self.learning_rate!r} and schedule={self.schedule!r} both change the rate: give one"
            )
        if self.solver == "lbfgs" and any(self.dropout_rates):
            raise InputError("solver='lbfgs' takes no dropout: its line search needs the same loss at every look")

    @property
    def activations(self) -> tuple[str, ...]:
        """The registry's name of each hidden layer's activation."""
        given = self.activation
        names = [given] * len(self.hidden_layer_sizes) if isinstance(given, str) else given
        return tuple(_ALIASES.get(name, name) for name in names)

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """The rate of each hidden layer."""
        given = self.dropout
        return given if isinstance(given, tuple) else (float(given),) * len(self.hidden_layer_sizes)

    @property
    def decoupled_decay(self) -> float:
        """The weight decay that None stands for."""
        if self.weight_decay is None:
            return _DECOUPLED_DECAY if self.solver == "adamw" else 0.0
        return float(self.weight_decay)

    def to_record(self) -> dict[str, Any]:
        """Return the options as plain data, as JSON has it."""
        record = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        record["schedule"] = describe_schedule(make_schedule(self.schedule))
        return {name: _plain(value) for name, value in record.items()}

    def _check_layers(self) -> None:
        sizes: Any = self.hidden_layer_sizes
        sizes = [sizes] if _is_whole(sizes) else sizes
        if not _is_list(sizes) or not all(_is_whole(size) and size > 0 for size in sizes):
            raise InputError(f"hidden_layer_sizes must be whole numbers > 0, got {self.hidden_layer_sizes!r}")
        object.__setattr__(self, "hidden_layer_sizes", tuple(int(size) for size in sizes))
        if not isinstance(self.activation, str):
            self._check_one_each("activation", lambda name: isinstance(name, str))
        for name in self.activations:
            if name not in (*ACTIVATIONS, "identity"):
                raise InputError(f"no activation {name!r}; there are {', '.join(ACTIVATIONS)}, logistic, identity")
        if _is_list(self.dropout):
            self._check_one_each("dropout", lambda rate: True)
        rates: Any = self.dropout
        for rate in rates if isinstance(rates, tuple) else [rates]:
            check_number("dropout", rate, least=0.0)
            if rate >= 1.0:
                raise InputError(f"dropout must be a rate in [0, 1), got {rate!r}")

    def _check_one_each(self, name: str, fits: Callable[[Any], bool]) -> None:
        given: Any = getattr(self, name)
        n_layers = len(self.hidden_layer_sizes)
        if not _is_list(given) or not all(fits(entry) for entry in given):
            raise InputError(f"{name} must be one for all hidden layers or a list with one each, got {given!r}")
        if len(given) != n_layers:
            raise InputError(f"{name} has {len(given)} entries for {n_layers} hidden layers: give one, or one each")
        object.__setattr__(self, name, tuple(given))

    def _check_choices(self) -> None:
        choices = {"solver": NETWORK_SOLVERS, "learning_rate": DECAYS, "initialization": INITIALIZATIONS}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        for name in ("shuffle", "early_stopping", "nesterovs_momentum", "skip_connections"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise InputError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if not isinstance(self.monitor, str):
            raise InputError(f"monitor must be the name of what is watched, got {self.monitor!r}")

    def _check_numbers(self) -> None:
        for name in ("alpha", "power_t", "tol"):
            check_number(name, getattr(self, name), least=0.0)
        for name in ("learning_rate_init", "epsilon"):
            check_number(name, getattr(self, name), above=0.0)
        for name in ("validation_fraction", "beta_1", "beta_2", "label_smoothing"):
            check_number(name, getattr(self, name), least=0.0)
            if getattr(self, name) >= 1.0:
                raise InputError(f"{name} must be below 1, got {getattr(self, name)!r}")
        check_number("momentum", self.momentum, least=0.0)
        if self.momentum > 1.0:  # scikit-learn takes 1 as well: steps that never slow down
            raise InputError(f"momentum must be at most 1, got {self.momentum!r}")
        if self.weight_decay is not None:
            check_number("weight_decay", self.weight_decay, least=0.0)
        if self.clip_norm is not None:
            check_number("clip_norm", self.clip_norm, above=0.0, finite=False)
        for name, least in (("max_iter", 1), ("max_fun", 1), ("seed", 0), ("n_threads", 0)):
            _check_whole(name, getattr(self, name), least)
        if self.batch_size != "auto":
            _check_whole("batch_size", self.batch_size, 1, "or 'auto'")
        if not (isinstance(self.n_iter_no_change, float) and isinf(self.n_iter_no_change)):
            _check_whole("n_iter_no_change", self.n_iter_no_change, 1, "or infinity")

    @property
    def made_schedule(self) -> Schedule | None:
        """The schedule itself."""
        return make_schedule(self.schedule)


def _check_whole(name: str, value: Any, least: int, otherwise: str = "") -> None:
    if not _is_whole(value) or not least <= value < 2**63:
        also = f" {otherwise}" if otherwise else ""
        raise InputError(f"{name} must be a whole number >= {least}{also}, got {value!r}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str)


def _plain(value: Any) -> Any:
    """Return an option as JSON has it: no tuples, no NumPy scalars, no infinity."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return "inf" if isinstance(value, float) and value == inf else value

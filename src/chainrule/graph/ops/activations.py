"""Activations: functions of one entry at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi, sqrt
from typing import Any

import numpy as np

from chainrule._typing import Array
from chainrule.graph.code import same_place
from chainrule.graph.formula import Formula, call, d, role, row, sup
from chainrule.graph.operation import Operation, Shape, is_number, need_attribute

# Klambauer et al. 2017, "Self-Normalizing Neural Networks": the fixed point for mean 0 and variance 1.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

_X, _OUT = role("x"), role("out")


def _same_shape(x: Shape, **attributes: Any) -> Shape:
    return x


def _activation(
    name: str,
    *,
    definition: Formula,
    derivative: Formula,
    forward: Callable[..., Array],
    backward: Callable[..., tuple[Array | None, ...]],
    value: Sequence[str],
    slope: Sequence[str],
    imports: tuple[str, ...] = (),
    attributes: Mapping[str, Any] | None = None,
    letters: Mapping[str, str] | None = None,
    check: Callable[..., None] | None = None,
) -> Operation:
    """Return an activation: all share a shape rule and the formulas out = f(x), dx = dout * f'(x).

    ``value`` and ``slope`` are f(x) and f'(x) in NumPy.
    """
    return Operation(
        name=name,
        roles=("x",),
        formula=row(_OUT, "=", definition),
        gradients={"x": row(d("x"), "=", d("out"), "⊙", derivative)},
        local={"x": derivative},
        shape=_same_shape,
        forward=forward,
        backward=backward,
        attributes=attributes or {},
        check=check,
        elementwise=True,
        numpy={
            "out": same_place(*value, imports=imports),
            "x": same_place(*slope[:-1], f"d_out * {slope[-1]}", roles=("x", "d_out"), imports=imports),
        },
        letters=letters or {},
    )


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), written so that exp never overflows."""
    result: Array = 0.5 * (1.0 + np.tanh(0.5 * x))
    return result


def _relu_forward(x: Array) -> Array:
    """(...) -> (...): max(0, x), and NaN stays NaN."""
    return np.maximum(x, 0.0)


def _relu_backward(d_out: Array, x: Array) -> tuple[Array | None, ...]:
    return (d_out * (x > 0),)  # the derivative at the kink is taken as 0


RELU = _activation(
    "relu",
    definition=call("max", "0", _X),
    derivative=call("I", row(_X, "> 0")),
    forward=_relu_forward,
    backward=_relu_backward,
    value=("np.maximum(x, 0.0)",),
    slope=("(x > 0)",),
)


def _leaky_relu_forward(x: Array, slope: float = 0.01) -> Array:
    return np.where(x > 0, x, slope * x)


def _leaky_relu_backward(d_out: Array, x: Array, slope: float = 0.01) -> tuple[Array | None, ...]:
    return (d_out * np.where(x > 0, 1.0, slope),)


def _check_slope(slope: float) -> None:
    need_attribute(is_number(slope, low=0.0), f"slope must be a finite number >= 0, got {slope!r}")


LEAKY_RELU = _activation(
    "leaky_relu",
    definition=row(call("max", "0", _X), "+ α", call("min", "0", _X)),
    derivative=row("(", call("I", row(_X, "> 0")), "+ α", call("I", row(_X, "≤ 0")), ")"),
    forward=_leaky_relu_forward,
    backward=_leaky_relu_backward,
    value=("np.where(x > 0, x, slope * x)",),
    slope=("np.where(x > 0, 1.0, slope)",),
    letters={"slope": "α"},
    attributes={"slope": 0.01},
    check=_check_slope,
)


def _tanh_forward(x: Array) -> Array:
    result: Array = np.tanh(x)
    return result


def _tanh_backward(d_out: Array, x: Array) -> tuple[Array | None, ...]:
    return (d_out * (1.0 - np.tanh(x) ** 2),)


TANH = _activation(
    "tanh",
    definition=call("tanh", _X),
    derivative=row("( 1 −", sup(_OUT, "2"), ")"),
    forward=_tanh_forward,
    backward=_tanh_backward,
    value=("np.tanh(x)",),
    slope=("(1.0 - np.tanh(x) ** 2)",),
)


def _sigmoid_backward(d_out: Array, x: Array) -> tuple[Array | None, ...]:
    out = sigmoid(x)
    return (d_out * out * (1.0 - out),)


SIGMOID = _activation(
    "sigmoid",
    definition=call("σ", _X),
    derivative=row(_OUT, "⊙", "( 1 −", _OUT, ")"),
    forward=sigmoid,
    backward=_sigmoid_backward,
    value=("0.5 * (1.0 + np.tanh(0.5 * x))",),
    slope=("gate = 0.5 * (1.0 + np.tanh(0.5 * x))", "gate * (1.0 - gate)"),
)


def _normal_cdf(x: Array) -> Array:
    from scipy.special import ndtr

    result: Array = ndtr(x)
    return result


def _gelu_forward(x: Array) -> Array:
    """x times the standard normal CDF (Hendrycks and Gimpel 2016), the exact form."""
    return x * _normal_cdf(x)


def _gelu_backward(d_out: Array, x: Array) -> tuple[Array | None, ...]:
    density = np.exp(-0.5 * x**2) / sqrt(2.0 * pi)
    return (d_out * (_normal_cdf(x) + x * density),)


GELU = _activation(
    "gelu",
    definition=row(_X, "⊙", call("Φ", _X)),
    derivative=row("(", call("Φ", _X), "+", _X, "⊙", call("φ", _X), ")"),
    forward=_gelu_forward,
    backward=_gelu_backward,
    value=("x * ndtr(x)",),
    slope=("density = np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)", "(ndtr(x) + x * density)"),
    imports=("from scipy.special import ndtr",),
)


def _silu_forward(x: Array) -> Array:
    """x times its sigmoid (Elfwing et al. 2018; Ramachandran et al. 2017, "swish")."""
    return x * sigmoid(x)


def _silu_backward(d_out: Array, x: Array) -> tuple[Array | None, ...]:
    gate = sigmoid(x)
    return (d_out * gate * (1.0 + x * (1.0 - gate)),)


SILU = _activation(
    "silu",
    definition=row(_X, "⊙", call("σ", _X)),
    derivative=row(call("σ", _X), "⊙", "( 1 +", _X, "⊙", "( 1 −", call("σ", _X), ") )"),
    forward=_silu_forward,
    backward=_silu_backward,
    value=("x * (0.5 * (1.0 + np.tanh(0.5 * x)))",),
    slope=("gate = 0.5 * (1.0 + np.tanh(0.5 * x))", "gate * (1.0 + x * (1.0 - gate))"),
)


def _selu_forward(x: Array) -> Array:
    """Scaled exponential linear unit (Klambauer et al. 2017)."""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0.0)))


def _selu_backward(d_out: Array, x: Array) -> tuple[Array | None, ...]:
    return (d_out * SELU_SCALE * np.where(x > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(x, 0.0))),)


_SELU_EXP = sup("e", row(call("min", "0", _X)))
SELU = _activation(
    "selu",
    definition=row("λ (", call("max", "0", _X), "+ α (", _SELU_EXP, "− 1 ) )"),
    derivative=row("λ (", call("I", row(_X, "> 0")), "+ α", _SELU_EXP, call("I", row(_X, "≤ 0")), ")"),
    forward=_selu_forward,
    backward=_selu_backward,
    value=(f"{SELU_SCALE} * np.where(x > 0, x, {SELU_ALPHA} * np.expm1(np.minimum(x, 0.0)))",),
    slope=(f"{SELU_SCALE} * np.where(x > 0, 1.0, {SELU_ALPHA} * np.exp(np.minimum(x, 0.0)))",),
)

OPERATIONS = (RELU, LEAKY_RELU, TANH, SIGMOID, GELU, SILU, SELU)

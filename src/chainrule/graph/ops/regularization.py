"""Operations that hold a model back: dropout, the l2 and the l1 penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from chainrule._typing import Array
from chainrule.graph.code import ALL, Code, Index, code, same_place
from chainrule.graph.formula import Formula, Number, call, d, frac, largest_first, role, row, sub, sum_of, sup
from chainrule.graph.operation import Operation, Shape, is_number, need, need_attribute, show_shape


def _dropout_shape(x: Shape, noise: Shape | None = None, *, rate: float) -> Shape:
    need(noise is None or noise == x, f"noise must be {show_shape(x)} like x, got {show_shape(noise or ())}")
    return x


def _kept(noise: Array, rate: float) -> Array:
    """Inverted dropout: what stays is scaled up, so that prediction needs no correction."""
    mask: Array = (noise >= rate) / (1.0 - rate)
    return mask


def _dropout_forward(x: Array, noise: Array | None = None, *, rate: float) -> Array:
    """(...), (...) uniform in [0, 1) -> (...): entries whose noise is below ``rate`` are 0.

    Without noise (prediction) it is the identity. The noise is an input, so the operation stays a plain
    function. Srivastava et al. 2014.
    """
    return x if noise is None else x * _kept(noise, rate)


def _dropout_backward(d_out: Array, x: Array, noise: Array | None = None, *, rate: float) -> tuple[Array | None, ...]:
    return (d_out if noise is None else d_out * _kept(noise, rate), None)


def _check_rate(rate: float) -> None:
    need_attribute(is_number(rate, low=0.0, below=1.0), f"rate must be in [0, 1), got {rate!r}")


def _dropout_code(roles: Sequence[str], *, of: str, rate: float) -> Code:
    if "noise" not in roles:
        return same_place(of, roles=(of,))
    return same_place(f"{of} * (noise >= rate) / (1.0 - rate)", roles=(of, "noise"))


_MASK = frac(call("I", row(role("noise"), "≥ r")), row("1 − r"))
DROPOUT = Operation(
    name="dropout",
    roles=("x", "noise?"),
    formula=row(role("out"), "=", role("x"), "⊙", _MASK),
    gradients={"x": row(d("x"), "=", d("out"), "⊙", _MASK)},
    local={"x": _MASK},
    shape=_dropout_shape,
    forward=_dropout_forward,
    backward=_dropout_backward,
    attributes={"rate": 0.5},
    check=_check_rate,
    elementwise=True,
    numpy={"out": partial(_dropout_code, of="x"), "x": partial(_dropout_code, of="d_out")},
    letters={"rate": "r"},
)


def _penalty_shape(weight: Shape, *, strength: float) -> Shape:
    return ()


def _l2_forward(weight: Array, *, strength: float) -> Array:
    """(...) -> (): strength / 2 times the sum of squares."""
    return np.asarray(0.5 * strength * (weight * weight).sum())


def _l2_backward(d_out: Array, weight: Array, *, strength: float) -> tuple[Array | None, ...]:
    return (d_out * strength * weight,)


def _check_strength(strength: float) -> None:
    need_attribute(
        is_number(strength, low=0.0),
        f"strength must be a finite number >= 0, got {strength!r}",
    )


def _l2_numbers(index: Index, inputs: Mapping[str, Array], constants: object, *, strength: float) -> Formula:
    squares = [value * value for value in inputs["weight"].ravel().tolist()]
    shown, rest = largest_first(squares)
    terms = [sup(Number(inputs["weight"].ravel()[i]), "2") for i in shown]
    return row(frac(Number(strength), "2"), "(", sum_of(terms, sum(squares[i] for i in rest), len(rest)), ")")


L2 = Operation(
    name="l2",
    roles=("weight",),
    formula=row(role("out"), "=", frac("λ", "2"), sup(row("∥", role("weight"), "∥"), "2")),
    gradients={"weight": row(d("weight"), "=", d("out"), "λ", role("weight"))},
    local={"weight": row("λ", role("weight"))},
    shape=_penalty_shape,
    forward=_l2_forward,
    backward=_l2_backward,
    attributes={"strength": 1.0},
    check=_check_strength,
    numpy={
        "out": code("0.5 * strength * (weight * weight).sum()", weight="*", out="", numbers=_l2_numbers),
        "weight": code("d_out * strength * weight", d_out="", weight=ALL, out=ALL),
    },
    letters={"strength": "λ"},
)


def _l1_forward(weight: Array, *, strength: float) -> Array:
    """(...) -> (): strength times the sum of absolute values. Tibshirani 1996."""
    return np.asarray(strength * np.abs(weight).sum())


def _l1_backward(d_out: Array, weight: Array, *, strength: float) -> tuple[Array | None, ...]:
    return (d_out * strength * np.sign(weight),)  # the derivative at the kink is taken as 0


def _l1_numbers(index: Index, inputs: Mapping[str, Array], constants: object, *, strength: float) -> Formula:
    sizes = np.abs(inputs["weight"]).ravel().tolist()
    shown, rest = largest_first(sizes)
    terms = [Number(sizes[i]) for i in shown]
    return row(Number(strength), "(", sum_of(terms, sum(sizes[i] for i in rest), len(rest)), ")")


L1 = Operation(
    name="l1",
    roles=("weight",),
    formula=row(role("out"), "=", "λ", sub(row("∥", role("weight"), "∥"), "1")),
    gradients={"weight": row(d("weight"), "=", d("out"), "λ", call("sign", role("weight")))},
    local={"weight": row("λ", call("sign", role("weight")))},
    shape=_penalty_shape,
    forward=_l1_forward,
    backward=_l1_backward,
    attributes={"strength": 1.0},
    check=_check_strength,
    numpy={
        "out": code("strength * np.abs(weight).sum()", weight="*", out="", numbers=_l1_numbers),
        "weight": code("d_out * strength * np.sign(weight)", d_out="", weight=ALL, out=ALL),
    },
    letters={"strength": "λ"},
)

OPERATIONS = (DROPOUT, L2, L1)

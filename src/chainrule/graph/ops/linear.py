"""Linear operations: dense layer, diagonal scaling, addition."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule._typing import Array
from chainrule.graph.code import Code, code, same_place
from chainrule.graph.formula import Present, Terms, d, role, row, sup, total
from chainrule.graph.operation import Operation, Shape, need, show_shape


def _dense_shape(x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
    need(len(x) == 2, f"x must be (batch, in_features), got {show_shape(x)}")
    need(len(weight) == 2, f"weight must be (in_features, out_features), got {show_shape(weight)}")
    need(
        x[1] == weight[0],
        f"x {show_shape(x)} has {x[1]} features, weight {show_shape(weight)} takes {weight[0]}",
    )
    need(
        bias is None or bias == (weight[1],),
        f"bias must be ({weight[1]},) to go with weight {show_shape(weight)}, got {show_shape(bias or ())}",
    )
    return (x[0], weight[1])


def _dense_forward(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """(batch, in), (in, out), (out,) -> (batch, out)."""
    product: Array = x @ weight
    return product if bias is None else product + bias


def _dense_backward(d_out: Array, x: Array, weight: Array, bias: Array | None = None) -> tuple[Array | None, ...]:
    """dX = dZ W^T, dW = X^T dZ, db = dZ summed over the batch: each has the shape of its X, W, b."""
    return d_out @ weight.T, x.T @ d_out, None if bias is None else d_out.sum(axis=0)


def _dense_code(roles: Sequence[str]) -> Code:
    axes = {"x": "mi", "weight": "io", "bias": "o"}
    terms: tuple[tuple[str, ...], ...] = (("x", "weight"),)
    if "bias" not in roles:
        return code("x @ weight", **{role: axes[role] for role in roles}, out="mo", terms=terms)
    return code("x @ weight + bias", **axes, out="mo", terms=(*terms, ("bias",)))


DENSE = Operation(
    name="dense",
    roles=("x", "weight", "bias?"),
    formula=row(role("out"), "=", role("x"), role("weight"), Present("bias", row("+", role("bias")))),
    gradients={
        "x": row(d("x"), "=", d("out"), sup(role("weight"), "T")),
        "weight": row(d("weight"), "=", sup(role("x"), "T"), d("out")),
        "bias": row(d("bias"), "=", total("i", d("out"))),
    },
    local={"x": role("weight"), "weight": role("x"), "bias": row("1")},
    shape=_dense_shape,
    forward=_dense_forward,
    backward=_dense_backward,
    numpy={
        "out": _dense_code,
        "x": code("d_out @ weight.T", d_out="mo", weight="io", out="mi", terms=(("d_out", "weight"),)),
        "weight": code("x.T @ d_out", x="mi", d_out="mo", out="io", terms=(("x", "d_out"),)),
        "bias": code("d_out.sum(axis=0)", d_out="mo", out="o", terms=(("d_out",),)),
    },
)


def _scale_shape(x: Shape, factor: Shape) -> Shape:
    need(len(x) == 2, f"x must be (batch, features), got {show_shape(x)}")
    need(factor == (x[1],), f"factor must be ({x[1]},) to go with x {show_shape(x)}, got {show_shape(factor)}")
    return x


def _scale_forward(x: Array, factor: Array) -> Array:
    """(batch, features), (features,) -> (batch, features): X times a diagonal matrix."""
    scaled: Array = x * factor
    return scaled


def _scale_backward(d_out: Array, x: Array, factor: Array) -> tuple[Array | None, ...]:
    return d_out * factor, (d_out * x).sum(axis=0)


SCALE = Operation(
    name="scale",
    roles=("x", "factor"),
    formula=row(role("out"), "=", role("x"), "⊙", role("factor")),
    gradients={
        "x": row(d("x"), "=", d("out"), "⊙", role("factor")),
        "factor": row(d("factor"), "=", total("i", row(d("out"), "⊙", role("x")))),
    },
    local={"x": role("factor"), "factor": role("x")},
    shape=_scale_shape,
    forward=_scale_forward,
    backward=_scale_backward,
    numpy={
        "out": code("x * factor", x="mi", factor="i", out="mi", terms=(("x", "factor"),)),
        "x": code("d_out * factor", d_out="mi", factor="i", out="mi", terms=(("d_out", "factor"),)),
        "factor": code("(d_out * x).sum(axis=0)", d_out="mi", x="mi", out="i", terms=(("d_out", "x"),)),
    },
)


def _add_shape(*terms: Shape) -> Shape:
    shown = ", ".join(map(show_shape, terms))
    need(len(set(terms)) == 1, f"all terms of a sum must have one shape, got {shown}")
    return terms[0]


def _add_forward(*terms: Array) -> Array:
    """Sum of arrays of one shape: a skip connection, or a loss with its penalties."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def _add_backward(d_out: Array, *terms: Array) -> tuple[Array | None, ...]:
    return (d_out,) * len(terms)


def _add_code(roles: Sequence[str]) -> Code:
    return same_place(" + ".join(roles), roles=tuple(roles), terms=tuple((role,) for role in roles))


ADD = Operation(
    name="add",
    roles=("term*",),
    formula=row(role("out"), "=", Terms("term")),
    gradients={"term": row(d("term"), "=", d("out"))},
    local={"term": row("1")},
    shape=_add_shape,
    forward=_add_forward,
    backward=_add_backward,
    elementwise=True,
    numpy={"out": _add_code, "term": same_place("d_out", roles=("d_out",))},
)

OPERATIONS = (DENSE, SCALE, ADD)

"""What the project knows of an operation, in one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from numbers import Real
from typing import Any, TypeAlias

from chainrule._typing import Array
from chainrule.errors import GraphError, ShapeError
from chainrule.graph.code import Code
from chainrule.graph.formula import Formula

Dimension: TypeAlias = int | str
"""An extent: a number, or the symbol ``m`` for the rows of a batch."""

Shape: TypeAlias = tuple[Dimension, ...]
Attributes: TypeAlias = Mapping[str, Any]

BATCH = "m"


@dataclass(frozen=True)
class Operation:
    """A differentiable function of arrays, with everything the project knows of it.

    Attributes
    ----------
    name
        The key in the registry, a standard term of the field.
    roles
        Names of the inputs, in order. A trailing ``?`` marks one that may be absent (``None``); a trailing
        ``*`` on the last one lets it repeat.
    formula
        What forward computes.
    gradients
        What backward computes, by role, in the lecture's shorthand (dQ for dJ/dQ). A role without an entry
        carries no gradient.
    local
        The local derivative of the output by each role, the factor of the chain rule.
    shape
        ``shape(*input_shapes, **attributes) -> output shape``; raises `ShapeError`.
    forward
        ``forward(*inputs, **attributes) -> output``, in NumPy.
    backward
        ``backward(d_out, *inputs, **attributes) -> (d_input | None, ...)``: the vector-Jacobian product.
    attributes
        Default values of the attributes; a node may override them.
    check
        Raises `GraphError` if the attributes make no sense.
    elementwise
        Whether each output entry depends on the entry of the same place alone.
    numpy
        The same as code to be written out and run elsewhere: of the output (``out``), and of the gradient by role.
        Where it depends on which inputs there are, ``f(roles, **attributes) -> Code``.
    letters
        The attributes' letters in the formulas.
    """

    name: str
    roles: tuple[str, ...]
    formula: Formula
    gradients: Mapping[str, Formula]
    local: Mapping[str, Formula]
    shape: Callable[..., Shape]
    forward: Callable[..., Array]
    backward: Callable[..., tuple[Array | None, ...]]
    attributes: Attributes = field(default_factory=dict)
    check: Callable[..., None] | None = None
    elementwise: bool = False
    numpy: Mapping[str, Code | Callable[..., Code]] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)

    def code(self, key: str, roles: Sequence[str], attributes: Attributes) -> Code:
        """Return the code of the output (``out``) or of an input's gradient, for these inputs and attributes."""
        found = self.numpy.get(key) or self.numpy[key.rstrip("0123456789")]
        return found if isinstance(found, Code) else found(tuple(roles), **attributes)

    @property
    def variadic(self) -> bool:
        """Whether the last role repeats."""
        return self.roles[-1].endswith("*")

    @property
    def required(self) -> int:
        """How many inputs there must be at least."""
        return sum(not role.endswith("?") for role in self.roles)

    def carries_gradient(self, role: str) -> bool:
        """Return whether backward passes a gradient on to the input in ``role``, as `input_roles` names it."""
        return role in self.gradients or (self.variadic and role.rstrip("0123456789") in self.gradients)

    def input_roles(self, count: int) -> tuple[str, ...]:
        """Return a role for each of ``count`` inputs: ``x1, x2, ...`` where the last role repeats."""
        plain = [role.rstrip("?*") for role in self.roles]
        if not self.variadic:
            return tuple(plain[:count])
        fixed, repeated = plain[:-1], plain[-1]
        return tuple(fixed + [f"{repeated}{i + 1}" for i in range(count - len(fixed))])


def need(condition: bool, message: str) -> None:
    """Raise `ShapeError` unless ``condition`` holds."""
    if not condition:
        raise ShapeError(message)


def need_attribute(condition: bool, message: str) -> None:
    """Raise `GraphError` unless ``condition`` holds."""
    if not condition:
        raise GraphError(message)


def is_number(value: object, low: float = -inf, below: float = inf) -> bool:
    """Return whether ``value`` is a finite real number with low <= value < below; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        number = float(value)
    except OverflowError:
        return False
    return isfinite(number) and low <= number < below


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return names as text for a message, cut short where there are many."""
    names = list(names)
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")


def show_shape(shape: Shape) -> str:
    """Return a shape as text: ``(m, 784)``."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"

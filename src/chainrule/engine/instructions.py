"""Instructions for the native program, as plain data: what is done, to which places in memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Space(IntEnum):
    """Memory that places are in."""

    NONE = 0
    DATA = 1  # rows of the batch; the offset tells which data node
    ROWS = 2  # arena of the batch; the offset counts columns
    FIXED = 3  # what is computed from parameters alone; here and below the offset counts numbers
    PARAMETER = 4
    GRADIENT = 5


class Code(IntEnum):
    """What an instruction does to ``out``; native/program/instructions.hpp has the same list."""

    PRODUCT = 0  # a b [+ c]: Z = X W + b
    PRODUCT_INPUT = 1  # a b^T: dX = dZ W^T
    PRODUCT_WEIGHT = 2  # a^T b: dW = X^T dZ
    COLUMN_SUMS = 3  # sum over the rows of a [times b]
    ACTIVATE = 4  # f(a)
    ACTIVATE_BACKWARD = 5  # a f'(b), c being f(b); without b, f' is taken from c
    COPY = 6  # a
    SCALE = 7  # a times b, column by column
    DROPOUT = 8  # a times the mask of noise `stream`, for which `number` is the rate
    SOFTMAX = 9  # softmax(a)
    SOFTMAX_BACKWARD = 10  # b (a - sum of a b)
    REFERENCE = 11  # [0, a]
    REFERENCE_BACKWARD = 12  # a without its first column
    CROSS_ENTROPY = 13  # the gradient of cross-entropy `stream` of the logits a, whose value joins the loss
    PENALTY = 14  # number a, the gradient of number / 2 ||a||^2, whose value joins the loss


class Activation(IntEnum):
    """Activations; native/kernels/network_table.hpp has the same list."""

    relu = 0
    leaky_relu = 1
    tanh = 2
    sigmoid = 3
    gelu = 4
    silu = 5
    selu = 6


@dataclass(frozen=True)
class Place:
    """A matrix in memory: (rows, columns), ``stride`` apart; ``rows`` is 0 where they are the batch's."""

    space: Space = Space.NONE
    offset: int = 0
    rows: int = 0
    columns: int = 0
    stride: int = 0

    def as_numbers(self) -> tuple[int, ...]:
        """Return what the native program is given."""
        return (int(self.space), self.offset, self.rows, self.columns, self.stride)


NOWHERE = Place()


@dataclass(frozen=True)
class Instruction:
    """One call of a kernel; with ``accumulate`` its result is added to what is in ``out``."""

    code: Code
    out: Place
    a: Place
    b: Place = NOWHERE
    c: Place = NOWHERE
    accumulate: bool = False
    activation: int = 0
    stream: int = 0
    number: float = 0.0

    def as_numbers(self) -> tuple[list[int], float]:
        """Return what the native program is given."""
        places = [number for place in (self.out, self.a, self.b, self.c) for number in place.as_numbers()]
        return [int(self.code), int(self.accumulate), self.activation, self.stream, *places], self.number


@dataclass(frozen=True)
class Loss:
    """A cross-entropy in the loss.

    Attributes
    ----------
    coefficient
        How often it counts.
    sigmoid
        Whether each column is a yes or no of its own.
    weighted
        Whether sample weights count.
    class_weight
        A factor per class, or nothing.
    label_smoothing
        Of the softmax cross-entropy.
    """

    coefficient: float
    sigmoid: bool
    weighted: bool
    class_weight: tuple[float, ...] = ()
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Instructions:
    """A graph taken down to instructions: see `chainrule.engine.lower`.

    Attributes
    ----------
    data
        Names of the data nodes that are read, in the order in which places count them.
    labels
        Name of the labels; None where no loss is computed.
    output
        Place of the graph's output; nowhere in a program for training.
    forward, backward
        For a block of rows.
    reductions
        Sums over all rows, each for the gradient of one matrix or vector.
    fixed_forward, fixed_backward
        Once per step, before and after the rows.
    losses
        The cross-entropies that instructions count.
    penalties
        (parameter, lambda): the loss gains lambda / 2 times the sum of squares.
    arena_columns, fixed_size
        Sizes of the two spaces.
    """

    data: tuple[str, ...]
    labels: str | None
    output: Place
    forward: tuple[Instruction, ...]
    backward: tuple[Instruction, ...]
    reductions: tuple[Instruction, ...]
    fixed_forward: tuple[Instruction, ...]
    fixed_backward: tuple[Instruction, ...]
    losses: tuple[Loss, ...]
    penalties: tuple[tuple[str, float], ...]
    arena_columns: int
    fixed_size: int

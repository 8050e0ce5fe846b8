"""A few lines of NumPy that give one number of a graph when they are run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from keyword import iskeyword
from textwrap import fill
from typing import Any

import numpy as np

from chainrule._typing import Array
from chainrule.blas import in_one_thread
from chainrule.errors import InputError
from chainrule.graph.code import Index
from chainrule.inspection.entries import Entry, locate, parse_reference
from chainrule.inspection.explain import array_of, computed
from chainrule.inspection.shares import Share, shares_of
from chainrule.inspection.subject import Inspected, Rows, Subject, resolve

MOST_NUMBERS = 20_000
"""Numbers that are written out; beyond, nobody reads or runs it."""

RESULT = "value"
_TAKEN = {"np", "ndtr", "print", RESULT}


@in_one_thread
def as_numpy(
    model: Inspected,
    name: str,
    X: Rows = None,
    y: Any = None,
    *,
    sample: int | None = None,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
    most: int = MOST_NUMBERS,
) -> str:
    """Return NumPy code, with its numbers in it, that computes an entry, or a whole node, or the gradient of either.

    It is local: a value comes from the node's own inputs, a gradient from the gradients of the nodes that use it.

    Parameters
    ----------
    model, name, X, y, sample, sample_weight, noise
        As for `chainrule.inspection.explain`.
    most
        Numbers that are written out at most.

    Returns
    -------
    str
        Run, it prints the number, and leaves it as ``value``.

    Raises
    ------
    GraphError
        If the graph has no such node.
    InputError
        If the entry doesn't exist, or the code would have more than ``most`` numbers: name an entry then.
    """
    subject = resolve(model, X, y, sample_weight=sample_weight, noise=noise, sample=sample)
    graph = subject.graph
    reference = parse_reference(graph, name)
    values, gradients = computed(subject, reference.gradient)
    array = array_of(graph, reference.node, values, gradients, reference.gradient)
    index: Index | None = None
    if reference.index or not array.ndim:
        index = locate(graph, reference.entry, sample, values).index
    writer = _Writer(subject, values, gradients, index, most)
    shares = shares_of(graph, reference.node, reference.gradient)
    if not shares:
        found = array if index is None else np.asarray(array[index])
        writer.count(found)
        body = [f"{RESULT} = {literal(found)}"]
    else:
        body = writer.write(shares)
    what = ("d" if reference.gradient else "") + (str(Entry(reference.node, index)) if index else reference.node)
    where = "" if sample is None else f", sample {sample} alone"
    return "\n".join(
        [
            f"# {what}{where}",
            "import numpy as np",
            *dict.fromkeys(writer.imports),
            "",
            *body,
            f"print({RESULT})",
            "",
        ]
    )


class _Writer:
    """Writes shares one after the other; each array it needs gets one variable."""

    def __init__(
        self,
        subject: Subject,
        values: Mapping[str, Array],
        gradients: Mapping[str, Array],
        index: Index | None,
        most: int,
    ) -> None:
        self.subject, self.values, self.gradients, self.index, self.most = subject, values, gradients, index, most
        self.imports: list[str] = []
        self.lines: list[str] = []
        self.variables: dict[tuple[str, Any], str] = {}
        self.numbers = 0

    def count(self, array: Array) -> None:
        """Count the numbers that are written."""
        self.numbers += array.size
        if self.numbers > self.most:
            raise InputError(
                f"the code would hold more than {self.most:,} numbers: name one entry, such as 'Z1[0, 3]', "
                "or one row (sample=)"
            )

    def write(self, shares: tuple[Share, ...]) -> list[str]:
        """Return the lines that set the result."""
        results = []
        for place, share in enumerate(shares):
            last = self._share(share)
            if len(shares) > 1:
                self.lines.append(f"share{place + 1} = {last}")
                last = f"share{place + 1}"
            results.append(last)
        self.lines.append(f"{RESULT} = {' + '.join(results)}")
        return self.lines

    def _share(self, share: Share) -> str:
        """Write what a share needs; return the expression of its result."""
        written = share.code(self.values)
        self.imports += written.imports
        names: dict[str, str] = {}
        for role, whole in share.inputs(self.values, self.gradients).items():
            cut = (slice(None),) * whole.ndim if self.index is None else written.cut(role, self.index, whole.ndim)
            node = share.node_of(role)
            names[role] = self._variable(("d" if role == "d_out" else "") + node, node, cut, whole)
        for attribute, setting in share.attributes.items():
            if written.uses(attribute):
                names[attribute] = self._name(attribute)
                self.lines.append(f"{names[attribute]} = {setting!r}")
        given = {role: self.values[share.node_of(role)] for role in share.roles if share.node_of(role) in self.values}
        for constant, number in written.constants_of(given, share.attributes).items():
            names[constant] = self._name(constant)
            self.lines.append(f"{names[constant]} = {number!r}")
        names |= {own: self._name(own) for own in dict.fromkeys(written.own_names)}
        *before, last = written.written(names)
        self.lines += before
        if self.index is None:
            return last
        place = written.place(self.index)
        if not place:
            return last
        if written.is_single:
            return f"({last}).item()"
        return f"({last})[{', '.join(map(str, place))}]"

    def _variable(self, name: str, node: str, cut: tuple[slice, ...], whole: Array) -> str:
        key = (name, tuple((part.start, part.stop) for part in cut))
        if key not in self.variables:
            self.variables[key] = self._name(name)
            array = whole[cut]
            self.count(array)
            comment = self._comment(name, node, cut)
            self.lines += _assignment(self.variables[key], literal(array), comment)
        return self.variables[key]

    def _name(self, wanted: str) -> str:
        """Return a name for a variable that no other has."""
        plain = re.sub(r"\W", "_", wanted)
        plain = f"_{plain}" if not plain or plain[0].isdigit() else plain
        taken = _TAKEN | set(self.variables.values()) | {line.split(" ", 1)[0] for line in self.lines}
        name, number = plain, 2
        while name in taken or iskeyword(name):
            name, number = f"{plain}_{number}", number + 1
        return name

    def _comment(self, name: str, node: str, cut: tuple[slice, ...]) -> str:
        """Return which part of which array it is: ``W1[:, 3]``, rows counted as in the rows given."""
        if not cut or all(part.start is None for part in cut):
            return "" if name.isidentifier() else name
        parts = [":" if part.start is None else str(part.start) for part in cut]
        if self.subject.sample is not None and self.subject.has_batch(node):
            parts[0] = str(self.subject.sample)
        return f"{name}[{', '.join(parts)}]"


def literal(array: Array) -> str:
    """Return an array as code, every number in full."""
    is_column = array.ndim == 2 and array.shape[1] == 1 < len(array)
    text = re.sub(r"\b(nan|inf)\b", r"np.\1", repr((array[:, 0] if is_column else array).tolist()))
    return f"np.array({text}){'[:, None]' * is_column}" if array.ndim else text


def _assignment(name: str, right: str, comment: str) -> list[str]:
    line = f"{name} = {right}" + (f"  # {comment}" if comment else "")
    if len(line) <= 110:
        return [line]
    folded = fill(f"{name} = {right}", 110, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return [*([f"# {comment}"] if comment else []), *folded.split("\n")]

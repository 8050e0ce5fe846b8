"""The local derivative between two entries, in symbols."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.graph.formula import Formula, Named, Role
from chainrule.inspection.entries import Entry
from chainrule.inspection.jacobians import EntryGraph
from chainrule.inspection.paths import named
from chainrule.inspection.routes import local_formula
from chainrule.inspection.search import Step


def entry_symbol(entries: EntryGraph, step: Step, name: Callable[[Entry], str]) -> Formula:
    """Return what a step's factor is: ``W2[3, 1]``, ``I(Z1[3] > 0)``, or the operation's own formula.

    Parameters
    ----------
    entries
        The graph of entries the step is in.
    step
        The step.
    name
        How an entry is written.
    """
    edge = step.block.edge
    node = entries.graph[edge.target]
    formula = local_formula(node, edge.position)
    if isinstance(formula, Role):
        return Named(Role("q"), {"q": name(_read_entry(entries, step, formula.role))})
    if formula is not None and node.record.elementwise:
        roles = node.record.input_roles(len(node.inputs))
        names = {role: name(Entry(source, step.target.index)) for role, source in zip(roles, node.inputs, strict=True)}
        return Named(formula, names | {"out": name(step.target)})
    if formula is not None and node.record.roles == ("weight",):  # a penalty: of each weight by itself
        return Named(formula, {"weight": name(step.source), "out": node.name})
    return named(formula, node, edge.position)


def _read_entry(entries: EntryGraph, step: Step, role: str) -> Entry:
    """Return which entry of the tensor in ``role`` the factor is: number them, and see which comes out."""
    edge = step.block.edge
    node = entries.graph[edge.target]
    position = node.record.input_roles(len(node.inputs)).index(role)
    tensor = node.inputs[position]
    row = step.target.index[0] if entries.has_batch(edge.target) else 0
    values = entries.one_row(edge.target, row)
    numbered = np.arange(values[tensor].size, dtype=np.float64).reshape(values[tensor].shape)
    share = entries.jacobian_row(edge, entries.place_of(step.target), {**values, tensor: numbered})
    number = int(share[entries.place_of(step.source)])
    index = tuple(int(i) for i in np.unravel_index(number, numbered.shape))
    return Entry(tensor, (row, *index[1:]) if entries.has_batch(tensor) else index)

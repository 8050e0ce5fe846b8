"""The local derivative between two entries, in symbols."""

from __future__ import annotations

from collections.abc import Callable

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
    """Return which entry of the tensor in ``role`` the factor is, by the letters of the axes in the record's code."""
    node = entries.graph[step.block.edge.target]
    roles = node.record.input_roles(len(node.inputs))
    written = node.record.code(roles[step.block.edge.position], roles, {**node.record.attributes, **node.attributes})
    places = dict(zip(written.axes["d_out"], step.target.index, strict=True))
    places |= dict(zip(written.axes["out"], step.source.index, strict=True))
    return Entry(node.inputs[roles.index(role)], tuple(places[letter] for letter in written.axes[role]))

"""What an entry is about, in the table's words: ``feature body_mass_g``, ``class Gentoo``."""

from __future__ import annotations

from chainrule.graph import Graph
from chainrule.inspection.entries import Entry
from chainrule.inspection.subject import Subject


def meaning_of(subject: Subject, entry: Entry) -> str:
    """Return which feature and which class an entry belongs to, if names are known; nothing otherwise.

    Features are the columns of the data and the rows of the first layer's weights; classes the columns of the output,
    of the logits it is computed from, and of that layer's weights.
    """
    graph, name, index = subject.graph, entry.node, entry.index
    found = []
    if not index:
        return ""
    if subject.feature_names and graph[name].operation == "data":
        return f"feature {subject.feature_names[index[-1]]}"
    if subject.feature_names and _is_first_weight(graph, name):
        found.append(f"feature {subject.feature_names[index[0]]}")
    if subject.class_names and name in _of_classes(graph) and graph.shape(name)[-1] == len(subject.class_names):
        found.append(f"class {subject.class_names[index[-1]]}")
    return ", ".join(found)


def _is_first_weight(graph: Graph, name: str) -> bool:
    users = [graph[user] for user in graph.consumers[name] if graph[user].operation == "dense"]
    return any(user.inputs[1] == name and graph[user.inputs[0]].operation == "data" for user in users)


def _of_classes(graph: Graph) -> set[str]:
    """Return the nodes that have a column, or a number, per class where nothing stands between."""
    if graph.output is None or graph[graph.output].is_source:
        return set()
    logits = graph[graph[graph.output].inputs[0]]
    weights = logits.inputs[1:] if logits.operation == "dense" else ()
    return {graph.output, logits.name, *weights}

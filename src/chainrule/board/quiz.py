"""Questions for students: a number of this network is hidden, the ones that it follows from are given."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from chainrule.board.answers import Answer
from chainrule.board.entries import subject
from chainrule.board.stage import Stage
from chainrule.errors import InputError
from chainrule.inspection import Explanation, explain

TOLERANCE = 0.01  # relative: the right way with rounded numbers
FEW = 6  # numbers that are multiplied by hand


@dataclass(frozen=True)
class Question:
    """A number to find.

    Attributes
    ----------
    entry
        What is asked for: ``dZ2[1]``.
    text
        The question in words.
    explanation
        How the number comes about.
    given
        Entries and numbers that it follows from.
    value
        The number.
    """

    entry: str
    text: str
    explanation: Explanation
    given: tuple[tuple[str, float], ...]
    value: float

    def to_dict(self, identity: int) -> Answer:
        """Return what a page shows; not the number."""
        return {
            "id": identity, "entry": self.entry, "text": self.text, "formula": self.explanation.lines("text")[0],
            "mathml": self.explanation.lines("mathml")[0],
            "given": [{"entry": entry, "value": value} for entry, value in self.given],
        }  # fmt: skip

    def is_right(self, value: float) -> bool:
        """Return whether an answer is within a per cent."""
        return isfinite(value) and abs(value - self.value) <= TOLERANCE * abs(self.value) + 1e-12


def ask(stage: Stage, focus: int | None, random_state: np.random.Generator) -> Question:
    """Return a question about one row: the one that drives the board, or a random one.

    Raises
    ------
    InputError
        If there is nothing in the network that can be asked.
    """
    row = int(random_state.integers(len(stage.scene.X))) if focus is None else focus
    given = subject(stage, row)
    graph = stage.scene.graph
    values, gradients = given["model"].values, given["model"].gradients
    output = str(graph.output)
    logits = graph[output].inputs[0]
    k = int(random_state.integers(values[output].shape[1]))
    label = int(stage.scene.labels[row])
    questions: list[tuple[str, str, dict[str, float]]] = [
        (
            f"d{logits}[{k}]",
            f"Sample {row} is of class {stage.scene.classes[label]} (index {label}). What is the gradient of J by "
            f"{logits}[{k}]?",
            {f"p[{k}]": float(values[output][0, k]), f"y[{k}]": float(k == label)},
        ),
        ("J", f"Sample {row} is of class {stage.scene.classes[label]}. What is its cross-entropy J?",
         {f"p[{label}]": float(values[output][0, label])}),
    ]  # fmt: skip
    for node in graph.of_kind("dense"):
        x, weight = node.inputs[:2]
        size, outputs = values[weight].shape
        j = int(random_state.integers(outputs))
        i = int(random_state.integers(size))
        if size <= FEW:
            numbers = {f"{x}[{n}]": float(values[x][0, n]) for n in range(size)}
            numbers |= {f"{weight}[{n}, {j}]": float(values[weight][n, j]) for n in range(size)}
            if len(node.inputs) > 2:
                numbers[f"{node.inputs[2]}[{j}]"] = float(values[node.inputs[2]][j])
            questions.append((f"{node.name}[{j}]", f"What does unit {j} of {node.name} come to?", numbers))
        if not any(term.inputs[0] == weight for term in graph.of_kind("l2", "l1")):
            numbers = {f"{x}[{i}]": float(values[x][0, i]), f"d{node.name}[{j}]": float(gradients[node.name][0, j])}
            questions.append((f"d{weight}[{i}, {j}]", f"How does J change with {weight}[{i}, {j}]?", numbers))
    entry, text, numbers = questions[int(random_state.integers(len(questions)))]
    found = explain(name=entry, **given)
    if not isinstance(found.value, float):
        raise InputError(f"{entry} is no single number here")
    return Question(entry, text, found, tuple(numbers.items()), found.value)

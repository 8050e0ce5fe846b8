"""What the boxes of a graph's picture say: name, shape, operation, formula, and how much room that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.graph.formula import Style, d, role
from chainrule.graph.graph import Graph
from chainrule.graph.operation import show_shape
from chainrule.graph.picture.geometry import Lane, Size
from chainrule.graph.picture.layering import ELIDED
from chainrule.graph.picture.typeset import Line, line_width, parse, shorten, text_width, wrap

NAME_SIZE = 18.0
FORMULA_SIZE = 15.0
NOTE_SIZE = 11.5
SHAPE_SIZE = 12.0
PAD = 10.0
NAME_HEIGHT = 18.0
FORMULA_HEIGHT = 20.0
NOTE_HEIGHT = 15.0
WIDEST = 165.0
WIDEST_NAME = 150.0
MOST_SHARES = 4
ELISION_SIZE = (150.0, 60.0)

# Letters that stand for attributes in the formulas of operations.
_LETTERS = {"strength": "λ", "rate": "r", "slope": "α"}


@dataclass(frozen=True)
class Card:
    """What a box says: a name with a shape, a note, formulas, and a closing note."""

    name: Line
    shape: str
    note: str = ""
    formulas: tuple[Line, ...] = ()
    remark: str = ""
    spoken: str = ""

    @property
    def size(self) -> Size:
        """Width and height that hold it."""
        header = line_width(self.name, NAME_SIZE) + 14.0 + text_width(self.shape, SHAPE_SIZE, "sans")
        widths = [header, *(text_width(text, NOTE_SIZE, "sans") for text in (self.note, self.remark))]
        widths += [line_width(line, FORMULA_SIZE) for line in self.formulas]
        height = 2 * PAD + NAME_HEIGHT + FORMULA_HEIGHT * len(self.formulas)
        height += NOTE_HEIGHT * (bool(self.note) + bool(self.remark))
        return max(widths) + 2 * PAD, height


class Cards:
    """The cards of a graph's nodes, made when they are asked for: of a deep graph few are."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._made: dict[tuple[str, str], Card] = {}

    def size(self, name: str, lane: Lane) -> Size:
        """Return the size that holds a node's card in a lane."""
        return ELISION_SIZE if name == ELIDED else self.card(name, lane).size

    def card(self, name: str, lane: Lane) -> Card:
        """Return what a node's box says in a lane."""
        if (name, lane) not in self._made:
            make = self._value_card if lane == "forward" else self._gradient_card
            self._made[name, lane] = make(name)
        return self._made[name, lane]

    def _value_card(self, name: str) -> Card:
        node = self._graph[name]
        shape = show_shape(self._graph.shape(name)) if self._graph.shape(name) else "scalar"
        note = node.operation.replace("_", " ")
        formulas: list[Line] = []
        if node.is_source:
            note += ", optional" if node.operation in ("weights", "noise") else ""
        else:
            for key, value in {**node.record.attributes, **node.attributes}.items():
                if key in node.attributes or key in _LETTERS:
                    note += f", {_LETTERS.get(key, key.replace('_', ' '))} = {_show_value(value)}"
            formulas = wrap(parse(self._graph.formula(name, "html")), FORMULA_SIZE, WIDEST)
        spoken = f"{self._graph.formula(name)}: {note}, shape {shape}"
        return Card(short_name(name), shape, note, _short(formulas), spoken=spoken)

    def _gradient_card(self, name: str) -> Card:
        shape = show_shape(self._graph.shape(name)) if self._graph.shape(name) else "scalar"
        shares = self._shares_of(name, "html")
        spoken = " and ".join(self._shares_of(name, "text"))
        formulas: list[Line] = []
        for i, share in enumerate(shares[:MOST_SHARES]):
            text = share if i == 0 else "+ " + share.split(" = ", 1)[1]
            formulas += wrap(parse(text), FORMULA_SIZE, WIDEST)
        if len(shares) > MOST_SHARES:
            formulas.append(parse(f"+ … ({len(shares) - MOST_SHARES} more)"))
        remark = f"fan-out: {len(shares)} shares add up" if len(shares) > 1 else ""
        spoken += f" ({remark})" if remark else ""
        return Card(short_name(name, gradient=True), shape, "", _short(formulas), remark, f"{spoken}: shape {shape}")

    def _shares_of(self, name: str, style: Style) -> list[str]:
        """Return a formula for each use of a node: what comes back on that way, or 1 where the sweep starts."""
        start = [f"{d('x').render(style, {'x': name})} = 1"] if name == self._graph.loss else []
        shares: list[str] = []
        for user in self._graph.consumers[name]:
            if user in self._graph.gradient_nodes:
                shares += self._graph.gradient_formulas(user, style, of=name).values()
        return start + shares


def short_name(name: str, gradient: bool = False, most: float = WIDEST_NAME) -> Line:
    """Return a node's name, or its gradient's, as a line that is not too wide."""
    part = d("x") if gradient else role("x")
    return shorten(parse(part.render("html", {"x": name})), NAME_SIZE, most)


def _short(lines: list[Line], most: int = 6) -> tuple[Line, ...]:
    kept = lines if len(lines) <= most else [*lines[: most - 1], parse("…")]
    return tuple(shorten(line, FORMULA_SIZE, 1.5 * WIDEST) for line in kept)


def _show_value(value: Any) -> str:
    if isinstance(value, tuple):
        shown = [_show_value(item) for item in value[:4]]
        return "(" + ", ".join([*shown, "…"] if len(value) > len(shown) else shown) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)

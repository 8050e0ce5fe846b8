"""The lecture as text: sections of lines and tables, for a terminal or a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.graph import Sweep, build
from chainrule.graph.operation import show_shape
from chainrule.inspection import paths
from chainrule.lecture.telling import BANDS, FIRST_STEPS, Lecture
from chainrule.lecture.worked import derive, number, shape_rows, vector, work_example

SHOWN = 99
"""The row followed through the first steps: the tip of the first arm."""


@dataclass(frozen=True)
class Grid:
    """A table: the first column names, the others hold numbers, or ``words``."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: bool = False


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: tuple[str | Grid, ...]


def lecture_sections(told: Lecture) -> tuple[Section, ...]:
    """Return the lecture in order."""
    return (
        _worked_example(),
        _derivation(told),
        _shorthand(),
        _graph(),
        _shapes(told),
        _first_steps(told),
        _to_the_end(told),
        _trust(told),
        Section(
            "9. The chain rule, entry by entry",
            (
                "The row with the largest share in an entry of the network's dW1, on its own.",
                str(told.ledger),
            ),
        ),
    )


def _worked_example() -> Section:
    example = work_example()
    rows = [
        (f"class {k + 1}", number(p), number(y), number(dz))
        for k, (p, y, dz) in enumerate(zip(example.p, example.y, example.d_logits, strict=True))
    ]
    growing = []
    for p_2 in (0.3, 0.6, 0.9, 0.99):
        others = np.array([0.2, 0.5]) / 0.7 * (1.0 - p_2)
        now = work_example(np.array([others[0], p_2, others[1]]))
        growing.append((number(p_2), vector(now.p, 3), vector(now.d_logits, 3)))
    return Section(
        "1. The worked example: dZ = p − y",
        (
            "Three classes; the second is the right one.",
            Grid(("", "p", "y", "dZ = p − y"), tuple(rows)),
            "Why subtract 1? Only the right class gets it, so only its dZ is negative: a step against dZ "
            "raises its logit and lowers the others. As p_2 grows, dZ_2 shrinks towards 0. Where p_1 or p_3 "
            "grows, its dZ grows with it. It looks like a residual: what is left to learn.",
            Grid(("p_2", "p", "dZ"), tuple(growing)),
        ),
    )


def _derivation(told: Lecture) -> Section:
    steps = [
        f"{place}. {argument.says}\n     {argument.symbols}\n     {argument.numbers}"
        for place, argument in enumerate(derive(told.example), start=1)
    ]
    return Section("2. Why dZ = p − y", tuple(steps))


def _shorthand() -> Section:
    rows = (
        ("dJ/dW", "dW", "a derivative of J is shortened"),
        ("dJ/dZ", "dZ", "a derivative of J is shortened"),
        ("dp/dZ", "dp/dZ", "a local derivative stays: it is multiplied by"),
        ("dZ/dW", "dZ/dW = X", "a local derivative stays: it is multiplied by"),
    )
    return Section(
        "3. The shorthand: dQ for dJ/dQ",
        (
            Grid(("derivative", "in code", "why"), rows, words=True),
            "dJ/dW = dJ/dp · dp/dZ · dZ/dW\n"
            "      = dJ/dZ · dZ/dW          the fused node knows dJ/dZ = p − y\n"
            "dW    = dZ · dZ/dW             the same, written short",
        ),
    )


def _graph() -> Section:
    softmax, network = build.softmax_classifier(2, 3), build.mlp(2, [100], 3)
    chains = [str(path) for name in ("W", "b") for path in paths(softmax, name)]
    return Section(
        "4. The graph, and the chain rule along its paths",
        (
            softmax.table(),
            "\n".join(chains),
            "With a hidden layer the same rule goes two nodes further:",
            str(paths(network, "W1")[0]),
        ),
    )


def _shapes(told: Lecture) -> Section:
    grids = []
    for m in (len(told.X), 1):
        rows = [
            (row.name, row.formula.split(" = ", 1)[-1], row.arithmetic, show_shape(row.shape))
            for row in shape_rows(m, told.X.shape[1], 3)
        ]
        grids.append(Grid((f"m = {m}", "computed as", "from shapes", "shape"), tuple(rows), words=True))
    return Section(
        "5. Shapes: every gradient has the shape of what it is the gradient of",
        (
            *grids,
            "Where the 1/m stands: in dZ, once. J is the mean of m losses, so each row's p − y comes with 1/m, "
            "and dW and db are plain sums over the rows. The notes write dZ = p − y row by row and divide dW "
            f"and db by m instead. Same numbers: the mean of the {len(told.X)} single rows' gradients differs "
            f"from the batch's by {told.mean_of_samples:.1e}, which is rounding.",
            "b is (3,) in NumPy; the notes' (1, 3), with keepdims=True, is the same row.",
        ),
    )


def _first_steps(told: Lecture) -> Section:
    grids = [_step(place, now) for place, now in enumerate(told.steps[:FIRST_STEPS], start=1)]
    after = told.steps[FIRST_STEPS]
    x = told.X[SHOWN]
    return Section(
        "6. Gradient descent, step by step: W = W − α dW, b = b − α db, α = 1",
        (
            f"One row, number {SHOWN}: x = {vector(x)}, y = {told.y[SHOWN]}. No penalty here. Each step starts "
            "from what the one before it left.",
            *grids,
            f"After {FIRST_STEPS} steps J = {after.loss:.6f}. A prediction is the index of the largest "
            f"probability: argmax of [0.1, 0.3, 0.7] is {int(np.argmax([0.1, 0.3, 0.7]))}; of row {SHOWN}, "
            f"{vector(after.values['p'][SHOWN])}, it is {int(after.values['p'][SHOWN].argmax())}.",
        ),
    )


def _step(place: int, now: Sweep) -> Grid:
    values, gradients = now.values, now.gradients
    one_hot = np.eye(3)[values["y"][SHOWN]]
    arrays = [
        ("W[0]", values["W"][0]),
        ("W[1]", values["W"][1]),
        ("b", values["b"]),
        ("Z = x W + b", values["Z"][SHOWN]),
        ("p = softmax(Z)", values["p"][SHOWN]),
        ("y", one_hot),
        ("dZ = (p − y)/300", gradients["Z"][SHOWN]),
        ("dW[0], all rows", gradients["W"][0]),
        ("dW[1], all rows", gradients["W"][1]),
        ("db, all rows", gradients["b"]),
    ]
    rows = [(name, *(f"{value:+.6f}" for value in array)) for name, array in arrays]
    header = (f"step {place}: J = {now.loss:.6f}", "class 0", "class 1", "class 2")
    return Grid(header, tuple(rows))


def _to_the_end(told: Lecture) -> Section:
    figures = told.to_dict()
    columns = [(name, figures[name]) for name in BANDS]
    rows = [
        ("steps", *(f"{facts['n_steps']:,}" for _, facts in columns)),
        ("loss at the start", *(f"{facts['loss_at_start']:.4f}" for _, facts in columns)),
        ("loss at the end", *(f"{facts['loss']:.4f}" for _, facts in columns)),
        ("  CS231n's run", *(f"{facts['published']['loss']:.4f}" for _, facts in columns)),
        ("  band", *("{:.2f} to {:.2f}".format(*facts["loss_band"]) for _, facts in columns)),
        ("accuracy", *(f"{facts['accuracy']:.4f}" for _, facts in columns)),
        ("  CS231n's run", *(f"{facts['published']['accuracy']:.2f}" for _, facts in columns)),
        ("  band", *("{:.2f} to {:.2f}".format(*facts["accuracy_band"]) for _, facts in columns)),
        ("within the bands", *("yes" if facts["within_bands"] else "NO" for _, facts in columns)),
    ]
    return Section(
        "7. To the end: the softmax classifier, and a network with a hidden layer",
        (
            f"{len(told.X)} points, learning rate 1, L2 1e-3, start 0.01 · randn, seed {told.seed}.",
            Grid(("", "softmax classifier", "2-100-3 ReLU network"), tuple(rows)),
        ),
    )


def _trust(told: Lecture) -> Section:
    a = told.agreement
    return Section(
        "8. Is the gradient right?",
        (
            "Both models were trained by the compiled engine. The readable sweep, which is the definition, computed "
            f"the network's loss and gradient again at {a.n_places} points of its way down, and took the first "
            f"{a.n_retraced} steps by itself:",
            Grid(
                ("engine and readable sweep", "largest difference"),
                (
                    ("loss, nats", f"{a.loss:.1e}"),
                    (f"an entry of the gradient (largest entry {a.largest_gradient:.2g})", f"{a.gradient:.1e}"),
                    (f"a parameter after {a.n_retraced} steps", f"{a.retraced:.1e}"),
                ),
            ),
            "That is rounding: the same sums in another order. And the readable sweep against differences of the "
            "loss, which know nothing of the chain rule:",
            str(told.check),
        ),
    )

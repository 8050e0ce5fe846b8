"""Is the gradient right? Every entry of it against central differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._typing import Array, Float64Array
from chainrule.blas import in_one_thread
from chainrule.errors import InputError
from chainrule.graph import Graph, Node
from chainrule.graph.operation import show_shape
from chainrule.inspection.entries import Entry
from chainrule.inspection.routes import dependents, loss_of
from chainrule.inspection.subject import Inspected, Rows, resolve

EPSILON = float(np.finfo(np.float64).eps)

STEP = EPSILON ** (1 / 3)
"""6e-6: balances truncation, h^2, with rounding, eps / h (Press et al., Numerical Recipes, 5.7)."""

ROUNDINGS = 1e7
"""A derivative of fewer roundings of the loss per step than this is too small for 7 digits by differences."""


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """The backward pass beside central differences, entry by entry.

    Attributes
    ----------
    analytic, numeric
        By parameter: the gradient of the backward pass, and by differences; NaN where it was not checked.
    relative_error
        By parameter: ``|analytic - numeric| / max(|analytic|, |numeric|, resolution)``; infinite where one of
        them is not a number, NaN where it was not checked.
    resolution
        By parameter: the size below which differences cannot give seven digits, see `check`; NaN where it was
        not checked.
    checked
        By parameter: whether the entry was checked.
    crosses_kink
        By parameter: whether the step carries an input of a kinked activation (ReLU and its kin) across its
        kink. Differences don't converge there, so these entries are shown, not judged.
    """

    analytic: Mapping[str, Float64Array]
    numeric: Mapping[str, Float64Array]
    relative_error: Mapping[str, Float64Array]
    resolution: Mapping[str, Float64Array]
    checked: Mapping[str, Array]
    crosses_kink: Mapping[str, Array]

    @property
    def n_checked(self) -> int:
        """Entries that were checked, those at a kink included."""
        return sum(int(mask.sum()) for mask in self.checked.values())

    @property
    def n_kinks(self) -> int:
        """Entries whose step crosses a kink."""
        return sum(int(mask.sum()) for mask in self.crosses_kink.values())

    @property
    def n_small(self) -> int:
        """Judged entries below the resolution of differences, whose error is relative to the resolution."""
        return sum(
            int((self._judged(name) & (size < self.resolution[name])).sum())
            for name, size in ((name, np.abs(array)) for name, array in self.analytic.items())
        )

    @cached_property
    def worst(self) -> str | None:
        """The judged entry with the largest relative error: ``W1[0, 3]``; None if none was judged."""
        found = max((self._worst_of(name) for name in self.analytic), key=lambda pair: pair[0])
        return None if found[1] is None else str(found[1])

    @property
    def max_relative_error(self) -> float:
        """The largest relative error of a judged entry; NaN if none was judged."""
        largest = max(self._worst_of(name)[0] for name in self.analytic)
        return largest if largest >= 0 else float("nan")

    def passed(self, tolerance: float = 1e-6) -> bool:
        """Return whether every judged entry is within ``tolerance``; False if none was judged."""
        return self.max_relative_error <= tolerance

    def _judged(self, name: str) -> Array:
        judged: Array = self.checked[name] & ~self.crosses_kink[name]
        return judged

    def _worst_of(self, name: str) -> tuple[float, Entry | None]:
        judged = self._judged(name)
        if not judged.any():
            return -1.0, None
        errors = np.where(judged, self.relative_error[name], -1.0)
        index = np.unravel_index(int(errors.argmax()), errors.shape)
        return float(errors[index]), Entry(name, tuple(int(i) for i in index))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, by parameter too, as plain data; not the arrays."""
        return {
            "passed": self.passed(),
            "n_checked": self.n_checked,
            "n_at_a_kink": self.n_kinks,
            "n_below_resolution": self.n_small,
            "max_relative_error": _plain(self.max_relative_error),
            "worst": self.worst,
            "parameters": {
                name: {
                    "shape": list(array.shape),
                    "n_checked": int(self.checked[name].sum()),
                    "n_at_a_kink": int(self.crosses_kink[name].sum()),
                    "max_relative_error": _plain(max(self._worst_of(name)[0], 0.0))
                    if self._judged(name).any()
                    else None,
                }
                for name, array in self.analytic.items()
            },
        }

    def levels(self, name: str) -> Float64Array:
        """Return a parameter's errors for a heat map: 0 at 1e-7 and below, 1 at 1e-2 and above, on a log scale.

        NaN where an entry was not checked, or its step crosses a kink.
        """
        with np.errstate(divide="ignore"):
            scale = (np.log10(self.relative_error[name]) + 7.0) / 5.0
        return np.where(self._judged(name), np.clip(scale, 0.0, 1.0), np.nan)

    def _repr_html_(self) -> str:
        from chainrule.display import html_block, html_table
        from chainrule.inspection.heat_map import heat_map
        from chainrule.markup import element

        rows = []
        for name, array in self.analytic.items():
            error, entry = self._worst_of(name)
            rows.append(
                (
                    name,
                    show_shape(array.shape),
                    f"{int(self.checked[name].sum()):,}",
                    f"{int(self.crosses_kink[name].sum()):,}",
                    f"{error:.1e}" if entry is not None else "none judged",
                    str(entry or ""),
                    heat_map(self.levels(name), self.crosses_kink[name], f"relative errors of d{name}"),
                )
            )
        titles = ("parameter", "shape", "checked", "at a kink", "largest relative error", "at", "1e-7 … 1e-2")
        first, *rest = str(self).splitlines()
        notes = rest[1 + len(rows) :]
        return html_block(html_table(first, titles, rows, words=(0, 1, 5, 6)), *(element("p", line) for line in notes))

    def __str__(self) -> str:
        size = sum(array.size for array in self.analytic.values())
        lines = [
            f"gradient check: {self.n_checked:,} of {size:,} entries against central differences",
            f"{'parameter':<12}{'shape':<14}{'checked':>9}{'at a kink':>11}   largest relative error",
        ]
        for name, array in self.analytic.items():
            error, entry = self._worst_of(name)
            shown = f"{error:.1e} at {entry}" if entry is not None else "none judged"
            lines.append(
                f"{name:<12}{show_shape(array.shape):<14}{int(self.checked[name].sum()):>9,}"
                f"{int(self.crosses_kink[name].sum()):>11,}   {shown}"
            )
        if self.n_kinks:
            lines.append(f"{self.n_kinks:,} at a kink: the step crosses it, so differences prove nothing there")
        if self.n_small:
            least = float(np.nanmedian(np.concatenate([size.ravel() for size in self.resolution.values()])))
            lines.append(f"{self.n_small:,} below {least:.0e}, the least that differences resolve: relative to that")
        verdict = "agrees" if self.passed() else "DIFFERS" if self.worst else "nothing could be judged"
        return "\n".join([*lines, f"{verdict}: largest relative error {self.max_relative_error:.1e}"])


@in_one_thread
def check(
    model: Inspected,
    X: Rows,
    y: Any = None,
    *,
    sample: int | None = None,
    sample_weight: Array | None = None,
    noise: Mapping[str, Array] | None = None,
    n_entries: int | None = None,
    random_state: int | np.random.Generator = 0,
    step: float | None = None,
    callback: Callable[[int, int], None] | None = None,
) -> GradientCheck:
    """Compare the gradient by every parameter entry with central differences, in float64.

    The difference is ``(J(w + h) - J(w - h)) / 2h``. Its error is about ``h^2`` from the curve and
    ``eps max(1, |J|) / h`` from rounding.

    Parameters
    ----------
    model, X, y, sample
        See `chainrule.inspection.subject.resolve`: a model, a file, a classifier or a pair (graph, parameters), its
        rows and labels, and the row to take alone.
    sample_weight, noise
        As for `chainrule.graph.sweep`.
    n_entries
        How many entries to check, drawn without replacement; None checks all.
    random_state
        Seed of that draw.
    step
        h. By default eps^(1/3) = 6e-6 times the entry's size (at least 1), made shorter where what is
        computed from the entry would move by more than that: raw columns in the thousands need short steps.
    callback
        Told after each entry how many are done, of how many.

    Returns
    -------
    GradientCheck
        Relative errors, the worst entry, and a verdict; ``print`` shows a table.

    Raises
    ------
    InputError
        If the graph has no loss or no parameters, or what is given doesn't fit it.

    Notes
    -----
    The error is relative to the larger of the two numbers, and to the resolution ``1e7 eps max(1, |J|) / h``
    (4e-4 as a rule) if both are smaller: a difference of two losses cannot tell more digits of a smaller
    number. Kinks are looked for at 0, in elementwise operations whose derivative jumps there.
    """
    subject = resolve(model, X, y, sample_weight=sample_weight, noise=noise, sample=sample)
    graph, layout = subject.graph, subject.graph.parameters
    if not layout.size:
        raise InputError("this graph has no parameters, so there is no gradient to check")
    if step is not None and not (np.isfinite(step) and step > 0):
        raise InputError(f"step must be a finite number > 0, got {step!r}")
    flat = subject.parameters.copy()  # its entries are moved
    moved = replace(subject, parameters=flat)
    values = moved.values
    analytic = layout.flatten(
        {name: np.zeros(shape) for name, shape in layout.items()}
        | {name: array for name, array in moved.gradients.items() if name in layout}
    )
    numeric = np.full(layout.size, np.nan)
    steps = np.full(layout.size, np.nan)
    kinks = np.zeros(layout.size, dtype=bool)
    chosen = _chosen(layout.size, n_entries, random_state)
    n_done = 0
    for name, places in _by_parameter(graph, chosen):
        losses = _LossOf(graph, name, values)
        for place in places:
            steps[place] = losses.step(flat, place) if step is None else step
            numeric[place], kinks[place] = losses.slope(flat, place, steps[place])
            n_done += 1
            if callback is not None:
                callback(n_done, len(chosen))
    checked = np.zeros(layout.size, dtype=bool)
    checked[chosen] = True
    resolution = ROUNDINGS * EPSILON * max(1.0, abs(float(values[loss_of(graph)]))) / steps
    return GradientCheck(
        analytic=layout.views(np.where(checked, analytic, np.nan)),
        numeric=layout.views(numeric),
        relative_error=layout.views(np.where(checked, _relative_error(analytic, numeric, resolution), np.nan)),
        resolution=layout.views(resolution),
        checked=layout.views(checked),
        crosses_kink=layout.views(kinks),
    )


class _LossOf:
    """The loss as a function of one parameter: only what depends on it is computed again."""

    def __init__(self, graph: Graph, parameter: str, values: Mapping[str, Array]) -> None:
        self.values = values
        self.parameter = parameter
        self.loss = loss_of(graph)
        self.nodes = dependents(graph, parameter, self.loss)
        self.users = [node for node in self.nodes if parameter in node.inputs]
        self.kinked = [node.inputs[0] for node in self.nodes if has_kink(node)]

    def step(self, flat: Float64Array, place: int) -> float:
        """Return a step that moves neither the entry nor what is computed from it by much over `STEP`."""
        longest = STEP * max(1.0, abs(flat[place]))
        moved = self._moved(flat, place, longest, self.users)
        changes = [float(np.abs(moved[node.name] - self.values[node.name]).max()) for node in self.users]
        return float(longest * STEP / max(STEP, *changes)) if changes else longest

    def slope(self, flat: Float64Array, place: int, h: float) -> tuple[float, bool]:
        """Return the central difference, and whether the step crosses a kink."""
        losses, sides = [], []
        for signed in (h, -h):
            moved = self._moved(flat, place, signed, self.nodes)
            losses.append(float(moved.get(self.loss, self.values[self.loss])))
            sides.append([moved.get(name, self.values[name]) > 0 for name in self.kinked])
        crosses = any((above != below).any() for above, below in zip(*sides, strict=True))
        return (losses[0] - losses[1]) / (2.0 * h), crosses

    def _moved(self, flat: Float64Array, place: int, by: float, nodes: Sequence[Node]) -> dict[str, Array]:
        """Compute ``nodes`` with one entry moved. The values of parameters are views of ``flat``."""
        original = flat[place]
        flat[place] = original + by
        moved: dict[str, Array] = {}
        for node in nodes:
            inputs = [moved.get(name, self.values.get(name)) for name in node.inputs]
            moved[node.name] = node.record.forward(*inputs, **{**node.record.attributes, **node.attributes})
        if self.parameter in self.kinked:
            moved[self.parameter] = self.values[self.parameter].copy()
        flat[place] = original
        return moved


def has_kink(node: Node) -> bool:
    """Return whether a node's derivative jumps where its input is 0, by its own backward."""
    is_penalty = not node.is_source and node.record.roles == ("weight",)
    if node.is_source or not (node.record.elementwise or is_penalty) or len(node.inputs) != 1:
        return False
    sides = np.array([-1.0, 1.0]) * np.finfo(np.float64).tiny
    slopes = node.record.backward(np.ones(2), sides, **{**node.record.attributes, **node.attributes})[0]
    return slopes is not None and bool(abs(slopes[1] - slopes[0]) > np.finfo(np.float64).eps)


def _plain(value: float) -> float | None:
    """Return a number as JSON has it: None for NaN and infinity."""
    return value if np.isfinite(value) else None


def _relative_error(analytic: Float64Array, numeric: Float64Array, resolution: Float64Array) -> Float64Array:
    with np.errstate(invalid="ignore"):
        scale = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), resolution)
        error: Float64Array = np.abs(analytic - numeric) / scale
    return np.where(np.isnan(error), np.inf, error)  # NaN or infinity in either is as wrong as can be


def _chosen(size: int, n_entries: int | None, random_state: int | np.random.Generator) -> Array:
    if n_entries is None or n_entries >= size:
        return np.arange(size)
    if n_entries < 1:
        raise InputError(f"n_entries must be at least 1, or None for all, got {n_entries!r}")
    return np.sort(np.random.default_rng(random_state).choice(size, size=n_entries, replace=False))


def _by_parameter(graph: Graph, chosen: Array) -> Iterator[tuple[str, Array]]:
    for name in graph.parameters:
        where = graph.parameters.where(name)
        yield name, chosen[(chosen >= where.start) & (chosen < where.stop)]

"""What each column contributed to a prediction, row by row: gradient x input, and integrated gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chainrule._typing import Array, Float64Array, IntArray
from chainrule.blas import in_one_thread
from chainrule.display import as_text, html_block, html_table, import_pandas, number, rich_table
from chainrule.errors import InputError
from chainrule.inspection.output import Output, output_of
from chainrule.inspection.path_integral import integrate
from chainrule.inspection.subject import Inspected, Rows, Subject, resolve

if TYPE_CHECKING:
    from rich.console import RenderableType

Method = Literal["gradient_x_input", "integrated_gradients"]
METHODS = ("gradient_x_input", "integrated_gradients")
COMPLETE = 1e-6
"""Share of F(x) - F(baseline) by which integrated gradients may miss it."""

MOST_SHOWN = 20
_LONGEST = 28


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each column contributed, (m, C).

    Attributes
    ----------
    values
        A row per row, a column per column of the table: the features that a column became are added up.
    columns
        The columns' names.
    rows
        (m,) the rows' numbers.
    targets
        (m,) the class whose output it is, by name.
    method, of
        How, and of which output: ``probability`` or ``logit``, log(p / (1 - p)).
    outputs, baseline_outputs
        (m,) F(x) and F(baseline).
    cells
        What stood in the table, by row and column, as text.
    """

    values: Float64Array
    columns: tuple[str, ...]
    rows: IntArray
    targets: tuple[str, ...]
    method: str
    of: str
    outputs: Float64Array
    baseline_outputs: Float64Array
    cells: tuple[tuple[str, ...], ...]

    @property
    def residual(self) -> Float64Array:
        """(m,) by how much the contributions miss F(x) - F(baseline): little for integrated gradients."""
        missed: Float64Array = self.values.sum(axis=1) - (self.outputs - self.baseline_outputs)
        return missed

    @property
    def importance(self) -> dict[str, float]:
        """By column, largest first, the mean of the contributions' sizes."""
        sizes = np.abs(self.values).mean(axis=0)
        return {self.columns[i]: float(sizes[i]) for i in np.argsort(-sizes, kind="stable")}

    def to_frame(self) -> Any:
        """Return a pandas frame with a row per row and a column per column."""
        pandas = import_pandas("to_frame")
        return pandas.DataFrame(self.values, index=pandas.Index(self.rows, name="row"), columns=list(self.columns))

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "method": self.method,
            "of": self.of,
            "columns": list(self.columns),
            "rows": [
                {
                    "row": int(row),
                    "target": target,
                    "output": float(output),
                    "baseline_output": float(base),
                    "residual": float(missed),
                    "contributions": dict(zip(self.columns, values.tolist(), strict=True)),
                }
                for row, target, output, base, missed, values in zip(
                    self.rows,
                    self.targets,
                    self.outputs,
                    self.baseline_outputs,
                    self.residual,
                    self.values,
                    strict=True,
                )
            ],
        }

    @property
    def _title(self) -> str:
        method = self.method.replace("gradient_x_input", "gradient × input").replace("_", " ")
        if len(self.rows) != 1:
            return f"{method}, {len(self.rows):,} rows: contributions to the {self.of} of each row's class"
        moved = f"{number(float(self.baseline_outputs[0]))} → {number(float(self.outputs[0]))}"
        return f"{method}, row {self.rows[0]}: {self.of} of {self.targets[0]}, from the baseline {moved}"

    def _body(self) -> tuple[list[str], list[list[str]], list[float]]:
        """Return titles, cells, and by row the number to draw a bar of: one row's contributions, or all rows' means."""
        if len(self.rows) == 1:
            order = np.argsort(-np.abs(self.values[0]), kind="stable").tolist()
            titles = ["column", "value", "contribution"]
            body = [[self.columns[i], self.cells[0][i], f"{self.values[0, i]:+.4g}"] for i in order[:MOST_SHOWN]]
            bars = self.values[0, order[:MOST_SHOWN]].tolist()
            if len(order) > MOST_SHOWN:
                rest = float(self.values[0, order[MOST_SHOWN:]].sum())
                body.append([f"{len(order) - MOST_SHOWN:,} others", "", f"{rest:+.4g}"])
                bars.append(rest)
            total = float(self.values[0].sum())
            return titles, [*body, ["sum", "", f"{total:+.4g}"]], [*bars, total]
        titles = ["column", "mean size", "mean", "min", "max"]
        body, bars = [], []
        for name, size in list(self.importance.items())[:MOST_SHOWN]:
            own = self.values[:, self.columns.index(name)]
            body.append([name, *(number(float(one)) for one in (size, own.mean(), own.min(), own.max()))])
            bars.append(size)
        return titles, body, bars

    def __str__(self) -> str:
        return as_text(self.__rich__())

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        titles, body, _ = self._body()
        return Group(Text(self._title, "bold"), rich_table("", titles, [[_cut(cell) for cell in row] for row in body]))

    def _repr_html_(self) -> str:
        from chainrule.markup import element

        titles, body, bars = self._body()
        largest = max(map(abs, bars), default=0.0) or 1.0
        rows = []
        for row, size in zip(body, bars, strict=True):
            style = f"width: {round(120 * abs(size) / largest)}px"
            bar = element("span", class_="plus" if size >= 0 else "minus", style=style)
            rows.append([*row, element("span", bar, class_="scale", aria_hidden="true")])
        return html_block(html_table(self._title, [*titles, ""], rows, words=(len(titles),)))


@in_one_thread
def attribution(
    model: Inspected,
    X: Rows,
    *,
    target: Any = None,
    method: Method = "gradient_x_input",
    of: Literal["probability", "logit"] = "probability",
    baseline: Any = None,
    steps: int | None = None,
    sample: int | None = None,
) -> Attribution:
    """Return what each column of the table contributed to each row's prediction.

    Parameters
    ----------
    model, X, sample
        See `chainrule.inspection.subject.resolve`.
    target
        The class whose output F is looked at: a label, or one per row; by default the predicted one.
    method
        ``gradient_x_input``: dF/dx (x - baseline), the first order of what the column changes.
        ``integrated_gradients``: the same with the gradient's mean along the straight line from the baseline to x. Its
        contributions add up to F(x) - F(baseline).
    of
        F: the class's ``probability`` p, or its ``logit`` log(p / (1 - p)).
    baseline
        Where contributions are counted from: None is 0 in every feature (the training mean of a number, no level of
        a category); ``"mean"`` the mean of these rows; features (d,); or a table of one row.
    steps
        Points of a Gauss-Legendre rule for integrated gradients. None takes as many as it needs where it needs them,
        until the contributions add up within 1e-6 of F(x) - F(baseline).

    Returns
    -------
    Attribution
        ``print`` shows it; ``.to_frame()`` has a row per row.

    Raises
    ------
    InputError
        If an argument makes no sense.
    UnsupportedError
        If the graph has no output of probabilities, or several data nodes.

    Notes
    -----
    Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks". Features that one column became (levels
    of a category, parts of a date, the flag of a missing value) are added up: the method is linear in them.
    """
    if method not in METHODS:
        raise InputError(f"method must be {' or '.join(map(repr, METHODS))}, got {method!r}")
    if steps is not None and (not isinstance(steps, int) or steps < 1):
        raise InputError(f"steps must be a whole number of at least 1, or None, got {steps!r}")
    subject = resolve(model, X, sample=sample, with_labels=False)
    output = output_of(subject.graph, subject.parameters, of)
    features = subject.X[output.data]
    start = np.broadcast_to(_baseline(model, features, baseline), features.shape)
    targets = _targets(model, subject, output, features, target)
    at_rows, slopes = output.value_and_slope(features, targets)
    at_start = output.value(start, targets)
    if method == "gradient_x_input":
        values = slopes * (features - start)
    else:
        values = integrate(output, start, features, targets, steps, COMPLETE)
    columns, groups = _columns(subject, features.shape[1])
    by_column = np.zeros((len(features), len(columns)))
    np.add.at(by_column.T, groups, values.T)
    names = subject.class_names or tuple(map(str, range(output.n_classes)))
    return Attribution(
        values=by_column,
        columns=columns,
        rows=subject.rows,
        targets=tuple(names[k] for k in targets.tolist()),
        method=method,
        of=of,
        outputs=at_rows,
        baseline_outputs=at_start,
        cells=_cells(subject, columns, features),
    )


def _targets(model: Inspected, subject: Subject, output: Output, features: Float64Array, target: Any) -> IntArray:
    if target is None:
        predicted: IntArray = output.probabilities(features).argmax(axis=1)
        return predicted
    given = np.asarray([target] if np.ndim(target) == 0 else target)
    codes = np.asarray(resolve(model, None, given).labels)
    if codes.dtype.kind not in "iu" or codes.ndim != 1 or not ((codes >= 0) & (codes < output.n_classes)).all():
        raise InputError(f"target must be a class, 0..{output.n_classes - 1}, or one per row, got {target!r}")
    if len(codes) not in (1, len(features)):
        raise InputError(f"target has {len(codes)} classes for {len(features)} rows: give one, or one per row")
    return np.broadcast_to(codes, len(features))


def _baseline(model: Inspected, features: Float64Array, baseline: Any) -> Float64Array:
    if baseline is None:
        return np.zeros(features.shape[1])
    if isinstance(baseline, str) and baseline == "mean":
        mean: Float64Array = features.mean(axis=0)
        return mean
    if isinstance(baseline, np.ndarray | list | tuple):
        found = np.asarray(baseline, dtype=np.float64)
    else:
        found = next(iter(resolve(model, baseline, with_labels=False).X.values()))
    if found.shape[-1:] != features.shape[1:] or found.ndim > 2 or (found.ndim == 2 and len(found) != 1):
        raise InputError(f"baseline must be {features.shape[1]} features, or a table of one row, got {found.shape}")
    return found


def _columns(subject: Subject, n_features: int) -> tuple[tuple[str, ...], IntArray]:
    """Return the table's columns, and which of them each feature belongs to."""
    if subject.encoding is None:
        return subject.feature_names or tuple(f"x{i}" for i in range(n_features)), np.arange(n_features)
    columns = subject.encoding.columns
    place = {name: i for i, name in enumerate(columns)}
    return columns, np.array([place[name] for name in subject.encoding.feature_columns])


def _cells(subject: Subject, columns: tuple[str, ...], features: Array) -> tuple[tuple[str, ...], ...]:
    from chainrule.tables.levels import MISSING

    if subject.table is not None and all(name in subject.table for name in columns):
        by_column = [subject.table[name].objects() for name in columns]
        return tuple(
            tuple(MISSING if column[i] is None else str(column[i]) for column in by_column)
            for i in range(len(features))
        )
    if subject.encoding is not None:
        return tuple(("",) * len(columns) for _ in features)
    return tuple(tuple(f"{value:.6g}" for value in row) for row in features)


def _cut(cell: str) -> str:
    from chainrule.markup import shorten

    return shorten(cell, _LONGEST)

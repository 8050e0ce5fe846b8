"""From a table to what trains and what judges: labels, a split, an encoding, the features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._typing import Array, IntArray
from chainrule.errors import InputError, TableError
from chainrule.training.rows import Split, split_rows

if TYPE_CHECKING:
    from chainrule.tables import Encoding, LabelEncoding, Table

RARE = 5  # rows; of fewer, one is held out at most


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table, ready to train on.

    Attributes
    ----------
    table
        As it came.
    rows
        The rows that have a label, without the target.
    labels, y
        The classes, and (m,) which of them each row has.
    split, test_size, seed
        Which rows train and which judge, and how that was drawn.
    encoding
        Learned on the training rows.
    X
        Features of the training rows.
    dropped
        Columns left out, and why.
    """

    table: Table
    rows: Table
    labels: LabelEncoding
    y: IntArray
    split: Split
    test_size: float
    seed: int
    encoding: Encoding
    X: Array
    dropped: dict[str, str]

    @property
    def n_classes(self) -> int:
        """How many classes there are, K."""
        return len(self.labels.labels)

    @property
    def y_train(self) -> IntArray:
        """Class indices of the training rows."""
        trained: IntArray = self.y[self.split.train]
        return trained

    def data_record(self) -> dict[str, Any]:
        """Return what there is to know of the table, as plain data."""
        counts = np.bincount(self.y, minlength=self.n_classes).tolist()
        return {
            "source": self.table.source,
            "n_rows": self.table.n_rows,
            "n_columns": len(self.table.names),
            "target": self.labels.column,
            "rows_without_target": int(self.table.n_rows - len(self.y)),
            "class_counts": counts,
            "dropped": self.dropped,
            "notes": [*self.table.notes, *self.encoding.notes, *_rare_classes(self.labels.classes, counts)],
        }

    def split_record(self) -> dict[str, Any]:
        """Return how the rows were split, as plain data."""
        return {
            "test_size": self.test_size,
            "seed": self.seed,
            "n_train": len(self.split.train),
            "n_test": len(self.split.test),
            "stratified": self.split.stratified,
        }


def prepare_table(
    data: Any,
    target: str,
    *,
    drop: Sequence[str],
    categorical: Sequence[str],
    keep: Sequence[str],
    test_size: float,
    seed: int,
    clip: float | None,
) -> Prepared:
    """Read, split and encode a table; the parameters are those of `chainrule.train`.

    Parameters
    ----------
    clip
        Hold standardised numbers within -clip and +clip.

    Raises
    ------
    TableError
        If the table can't be read, or lacks what is needed.
    InputError
        If an argument can't be.
    """
    from chainrule.tables import as_table, learn_encoding, learn_labels

    if not 0.0 <= test_size < 1.0:
        raise InputError(f"test_size must be at least 0 and below 1, got {test_size!r}")
    table = as_table(data)
    kept = table.drop(drop)
    labels, y, known = learn_labels(kept[target])
    rows = kept.drop([target]).take(known)
    if not rows.names:
        raise TableError(f"{table.source} has no column besides the target {target!r}; features are needed.")
    split = split_rows(y, test_size, seed)
    train = rows.take(split.train)
    encoding = learn_encoding(train, categorical=categorical, keep=keep, clip=clip)
    if not encoding.feature_names:
        raise TableError(f"{table.source}: no column is left to predict {target!r} from. {' '.join(encoding.notes)}")
    return Prepared(
        table=table,
        rows=rows,
        labels=labels,
        y=y,
        split=split,
        test_size=test_size,
        seed=seed,
        encoding=encoding,
        X=encoding.transform(train),
        dropped=dict.fromkeys(drop, "asked for") | dict(encoding.dropped),
    )


def _rare_classes(classes: Array, counts: list[int]) -> list[str]:
    """Return a sentence per class that has too few rows to be learned and judged."""
    return [
        f"class {str(label)!r} has {count} row{'s' if count > 1 else ''}: too few to learn or to judge"
        for label, count in zip(classes.tolist(), counts, strict=True)
        if count < RARE
    ]

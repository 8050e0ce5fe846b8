"""From a file, a query or a frame to a matrix and labels.

``read_table`` reads, ``learn_encoding`` and ``learn_labels`` learn how columns become numbers, and what they
learned is plain data: it travels in the model file and is applied to new tables without the training table.
"""

from __future__ import annotations

from chainrule.tables.encode import Encoding, learn_encoding
from chainrule.tables.labels import LabelEncoding, learn_labels
from chainrule.tables.read import as_table, read_table
from chainrule.tables.table import Column, Table

__all__ = [
    "Column",
    "Encoding",
    "LabelEncoding",
    "Table",
    "as_table",
    "learn_encoding",
    "learn_labels",
    "read_table",
]

"""Forward and backward propagation, open to questions.

``check`` compares every gradient with differences, ``paths`` writes the chain rule along the paths of the
graph, ``ledger`` writes it entry by entry, with numbers.
"""

from chainrule.inspection.check import GradientCheck, check
from chainrule.inspection.entries import Entry, parse_entry
from chainrule.inspection.ledger import Factor, Ledger, LedgerRow, ledger
from chainrule.inspection.paths import LocalDerivative, Path, Paths, paths

__all__ = [
    "Entry",
    "Factor",
    "GradientCheck",
    "Ledger",
    "LedgerRow",
    "LocalDerivative",
    "Path",
    "Paths",
    "check",
    "ledger",
    "parse_entry",
    "paths",
]

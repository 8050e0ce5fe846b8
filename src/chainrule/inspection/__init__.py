"""Forward and backward propagation, open to questions.

``trace`` shows every value and gradient, ``explain`` how one comes about, ``as_numpy`` as code, ``ledger`` writes the
chain rule path by path with numbers (``paths`` without), ``check`` compares every gradient with differences,
``first_nonfinite`` finds where NaN began, ``attribution`` what each column of a table contributed. All take a `Model`,
the path of a model file, a fitted classifier, or a pair (graph, parameters).
"""

from chainrule.inspection.as_numpy import as_numpy
from chainrule.inspection.attribution import Attribution, attribution
from chainrule.inspection.check import GradientCheck, check
from chainrule.inspection.entries import Entry, parse_entry
from chainrule.inspection.explain import Explanation, explain
from chainrule.inspection.ledger import Factor, Ledger, LedgerRow, ledger
from chainrule.inspection.nonfinite import NonFinite, first_nonfinite
from chainrule.inspection.paths import LocalDerivative, Path, Paths, paths
from chainrule.inspection.trace import NodeTrace, Trace, trace

__all__ = [
    "Attribution",
    "Entry",
    "Explanation",
    "Factor",
    "GradientCheck",
    "Ledger",
    "LedgerRow",
    "LocalDerivative",
    "NodeTrace",
    "NonFinite",
    "Path",
    "Paths",
    "Trace",
    "as_numpy",
    "attribution",
    "check",
    "explain",
    "first_nonfinite",
    "ledger",
    "parse_entry",
    "paths",
    "trace",
]

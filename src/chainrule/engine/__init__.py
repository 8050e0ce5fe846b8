"""Graph -> program for the compiled kernels: the graph says what is computed, the engine how fast."""

from chainrule.engine._kernels import first_nonfinite_row, hardware_threads
from chainrule.engine.program import Program, StepsTaken, Trainer, compile_graph, permutation
from chainrule.engine.rows import DenseRows
from chainrule.engine.softmax_program import SoftmaxProgram, compile_softmax
from chainrule.engine.sparse_rows import SparseRows
from chainrule.engine.update_rule import RULES, UpdateRule

__all__ = [
    "RULES",
    "DenseRows",
    "Program",
    "SoftmaxProgram",
    "SparseRows",
    "StepsTaken",
    "Trainer",
    "UpdateRule",
    "compile_graph",
    "compile_softmax",
    "first_nonfinite_row",
    "hardware_threads",
    "permutation",
]

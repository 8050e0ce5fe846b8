"""Graph -> program for the compiled kernels: the graph says what is computed, the engine how fast."""

from chainrule.engine.program import Program, compile_graph

__all__ = ["Program", "compile_graph"]

"""A model as a graph of operations, and the readable forward and backward sweep over it."""

from chainrule.graph.evaluate import Sweep, backward, draw_noise, first_nonfinite, forward, sweep
from chainrule.graph.graph import Graph, Node
from chainrule.graph.initialization import INITIALIZATIONS, initialize
from chainrule.graph.ops import ACTIVATIONS, OPERATIONS
from chainrule.graph.parameters import ParameterLayout

__all__ = [
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "OPERATIONS",
    "Graph",
    "Node",
    "ParameterLayout",
    "Sweep",
    "backward",
    "draw_noise",
    "first_nonfinite",
    "forward",
    "initialize",
    "sweep",
]

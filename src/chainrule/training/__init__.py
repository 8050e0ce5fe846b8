"""Tables or arrays and options in, trained parameters out."""

from chainrule.training.network import NetworkFit, NetworkOptions, Validation, build_network, fit_network, hold_out
from chainrule.training.rows import Split, class_weights, split_rows, total_weight
from chainrule.training.softmax import SOLVERS, Fit, SoftmaxOptions, SoftmaxProblem, fit_softmax, resolve_learning_rate
from chainrule.training.softmax_path import fit_softmax_path, resolve_grid
from chainrule.training.table import train
from chainrule.training.table_options import NetworkRecipe

__all__ = [
    "SOLVERS",
    "Fit",
    "NetworkFit",
    "NetworkOptions",
    "NetworkRecipe",
    "SoftmaxOptions",
    "SoftmaxProblem",
    "Split",
    "Validation",
    "build_network",
    "class_weights",
    "fit_network",
    "fit_softmax",
    "fit_softmax_path",
    "hold_out",
    "resolve_grid",
    "resolve_learning_rate",
    "split_rows",
    "total_weight",
    "train",
]

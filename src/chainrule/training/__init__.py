"""Tables or arrays and options in, trained parameters out."""

from chainrule.training.network import NetworkFit, NetworkOptions, Validation, build_network, fit_network, hold_out
from chainrule.training.rows import Split, class_weights, split_rows, total_weight
from chainrule.training.softmax import SOLVERS, Fit, SoftmaxOptions, fit_softmax, resolve_learning_rate
from chainrule.training.table import train
from chainrule.training.table_options import NetworkRecipe

__all__ = [
    "SOLVERS",
    "Fit",
    "NetworkFit",
    "NetworkOptions",
    "NetworkRecipe",
    "SoftmaxOptions",
    "Split",
    "Validation",
    "build_network",
    "class_weights",
    "fit_network",
    "fit_softmax",
    "hold_out",
    "resolve_learning_rate",
    "split_rows",
    "total_weight",
    "train",
]

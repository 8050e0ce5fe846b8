"""Softmax classifiers and neural networks: fast, provably optimal, every gradient open to inspection.

Public names load when they are first used: ``import chainrule`` costs NumPy and the compiled kernels, nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule import errors
from chainrule.errors import ChainruleError

_WHERE = {
    "Board": "chainrule.board.widget",
    "Checkpoint": "chainrule.files",
    "Graph": "chainrule.graph",
    "MLPClassifier": "chainrule.estimators",
    "Model": "chainrule.model",
    "NetworkClassifier": "chainrule.estimators",
    "NetworkOptions": "chainrule.training",
    "NetworkRecipe": "chainrule.training",
    "Node": "chainrule.graph",
    "SoftmaxClassifier": "chainrule.estimators",
    "SoftmaxClassifierCV": "chainrule.estimators",
    "SoftmaxOptions": "chainrule.training",
    "SoftmaxPath": "chainrule.estimators",
    "as_numpy": "chainrule.inspection",
    "attribution": "chainrule.inspection",
    "check": "chainrule.inspection",
    "datasets": "chainrule",
    "explain": "chainrule.inspection",
    "first_nonfinite": "chainrule.inspection",
    "graph": "chainrule",
    "inspection": "chainrule",
    "ledger": "chainrule.inspection",
    "load_model": "chainrule.files",
    "read_table": "chainrule.tables",
    "save_model": "chainrule.files",
    "softmax_path": "chainrule.estimators",
    "trace": "chainrule.inspection",
    "train": "chainrule.training",
}

__all__ = ["ChainruleError", "__version__", "errors", *_WHERE]

if TYPE_CHECKING:
    from chainrule import datasets, graph, inspection
    from chainrule.board.widget import Board
    from chainrule.estimators import (
        MLPClassifier,
        NetworkClassifier,
        SoftmaxClassifier,
        SoftmaxClassifierCV,
        SoftmaxPath,
        softmax_path,
    )
    from chainrule.files import Checkpoint, load_model, save_model
    from chainrule.graph import Graph, Node
    from chainrule.inspection import as_numpy, attribution, check, explain, first_nonfinite, ledger, trace
    from chainrule.model import Model
    from chainrule.tables import read_table
    from chainrule.training import NetworkOptions, NetworkRecipe, SoftmaxOptions, train

    __version__: str


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "__version__":
        from importlib.metadata import version

        return version("chainrule")
    if name not in _WHERE:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    where = _WHERE[name]
    value = import_module(f"chainrule.{name}") if where == "chainrule" else getattr(import_module(where), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

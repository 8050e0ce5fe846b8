"""How each library trains and predicts: its best plain loop, as an engineer who knows it would write it.

A peer lives in a process of its own and is asked for, by `worker`,

- ``prepare(problem, X, labels, start)``: get ready;
- ``first_epoch(order)``: from the start, one epoch over the rows in that order; returns the flat parameters;
- ``reset()``: back to the start, the optimizer's state too (not timed);
- ``train(epochs)``: so many epochs, shuffled by the peer's own means, the mean loss of each epoch read;

and, where it predicts, for ``prepare_prediction(problem, flat)`` and ``predict_proba(X)``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

OURS = "chainrule"
ESTIMATOR = "chainrule MLPClassifier"
BARE_MODEL = "chainrule Model"
TORCH = "PyTorch"
COMPILED = "torch.compile"
JAX = "JAX"
SKLEARN = "scikit-learn"
SKORCH = "skorch"
PRODUCTS = "products alone"
NUMPY = "NumPy by hand"

_WHERE = {
    OURS: ("chainrule_engine", "Engine"),
    ESTIMATOR: ("scikit_learn", "OurEstimator"),
    BARE_MODEL: ("chainrule_engine", "BareModel"),
    TORCH: ("pytorch", "Eager"),
    COMPILED: ("pytorch", "Compiled"),
    JAX: ("jax_scan", "Scan"),
    SKLEARN: ("scikit_learn", "Peer"),
    SKORCH: ("skorch_net", "Skorch"),
    PRODUCTS: ("numpy_blas", "Products"),
    NUMPY: ("numpy_blas", "ByHand"),
}


def make_peer(name: str) -> Any:
    """Return the peer; raises ImportError where its library is not installed."""
    module, kind = _WHERE[name]
    return getattr(import_module(f"{__name__}.{module}"), kind)()

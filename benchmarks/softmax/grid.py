"""Which cells are measured: a set, raw or scaled, a penalty and its C."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from benchmarks.softmax.problem import PENALTIES
from benchmarks.softmax.sets import SETS

SCALINGS = ("raw", "scaled")
CS = (0.01, 1.0, 100.0)
PENALISED = tuple(penalty for penalty in PENALTIES if penalty != "none")


class Place(NamedTuple):
    """Where in the grid a cell is."""

    name: str
    scaling: str
    penalty: str
    C: float


# Sets on which a fit takes seconds, and the others up to a minute for each run: which penalties at which C.
LARGE: dict[str, dict[str, tuple[float, ...]]] = {
    "letter": {"l2": CS, "elastic-net": (1.0,), "l1": (1.0,)},
    "diamonds": {"l2": CS, "elastic-net": (1.0,), "l1": (1.0,)},
    "flights": {"l2": (1.0,)},
    "mnist": {"l2": CS, "l1": (0.01,)},
    "newsgroups": {"l2": CS, "l1": (1.0,)},
}
ONE_SCALING = {"flights": "scaled", "newsgroups": "raw"}  # TF-IDF is on one scale as it comes
NOT_TRIED = {  # with so many coefficients a Newton step, or a sweep, takes longer than anyone is patient
    "flights": ("glmnet", "scikit-learn sag"),
    "mnist": ("glmnet", "scikit-learn newton-cholesky", "scikit-learn sag"),
    "newsgroups": ("scikit-learn newton-cholesky",),
}
UNPENALISED = (
    "german_credit",
    "churn",
    "satellite",
    "diamonds",
)  # not separable: without a penalty there is an optimum


def places(names: tuple[str, ...] = SETS) -> list[Place]:
    """Return the whole grid of some sets."""
    held = []
    for name in names:
        scalings = (ONE_SCALING[name],) if name in ONE_SCALING else SCALINGS
        chosen = LARGE.get(name, dict.fromkeys(PENALISED, CS))
        held += [
            Place(name, scaling, penalty, C) for scaling in scalings for penalty in chosen for C in chosen[penalty]
        ]
        held += [Place(name, scaling, "none", float("inf")) for scaling in scalings if name in UNPENALISED]
    return held


def left_out() -> str:
    """Return a sentence on what the grid leaves out."""
    whole = len(list(product(SCALINGS, PENALISED, CS)))
    parts = [
        f"{name} has {sum(place.penalty != 'none' for place in places((name,)))} of {whole} cells ("
        + "; ".join(f"{penalty}: C {', '.join(f'{C:g}' for C in LARGE[name][penalty])}" for penalty in LARGE[name])
        + (f"; {ONE_SCALING[name]} alone)" if name in ONE_SCALING else ")")
        for name in LARGE
    ]
    absent = [f"{name} ({', '.join(solvers)})" for name, solvers in NOT_TRIED.items()]
    return (
        f"Where fits take long the grid is thinner: {', '.join(parts)}. Not tried there: {', '.join(absent)}. "
        "A peer's run may take 12 times as long as ours with its proof, but at least 1 and at most 45 seconds."
    )

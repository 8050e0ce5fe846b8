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


# Sets on which a fit takes seconds, and the others up to a minute for each run: what of the grid is measured.
LARGE: dict[str, tuple[tuple[tuple[str, ...], str, tuple[float, ...]], ...]] = {
    "letter": ((SCALINGS, "l2", CS), (SCALINGS, "elastic-net", (1.0,)), (SCALINGS, "l1", (1.0,))),
    "diamonds": ((SCALINGS, "l2", CS), (SCALINGS, "elastic-net", (1.0,)), (SCALINGS, "l1", (1.0,))),
    "flights": ((("scaled",), "l2", (1.0,)),),
    "mnist": ((("raw",), "l2", CS), (("scaled",), "l2", (1.0,)), (("raw",), "l1", (0.01,))),
    "newsgroups": ((("raw",), "l2", CS), (("raw",), "l1", (1.0,))),  # TF-IDF is on one scale as it comes
}
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
        parts = LARGE.get(name, tuple((SCALINGS, penalty, CS) for penalty in PENALISED))
        for scalings, penalty, Cs in parts:
            held += [Place(name, *rest) for rest in product(scalings, (penalty,), Cs)]
        if name in UNPENALISED:
            held += [Place(name, scaling, "none", float("inf")) for scaling in SCALINGS]
    return held


def left_out() -> str:
    """Return a sentence on what the grid leaves out."""
    whole = len(SCALINGS) * len(PENALISED) * len(CS)
    parts = []
    for name, held in LARGE.items():
        cells = sum(place.penalty != "none" for place in places((name,)))
        told = [f"{' and '.join(where)} {penalty}, C {', '.join(f'{C:g}' for C in Cs)}" for where, penalty, Cs in held]
        parts.append(f"{name} has {cells} of {whole} cells ({'; '.join(told)})")
    absent = [f"{name} ({', '.join(solvers)})" for name, solvers in NOT_TRIED.items()]
    return (
        f"Where fits take long the grid is thinner: {', '.join(parts)}. Not tried there: {', '.join(absent)}. "
        "A peer's run may take 12 times as long as ours with its proof, but at least 1 and at most 45 seconds."
    )

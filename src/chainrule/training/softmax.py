"""Training of the softmax classifier on arrays."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from chainrule._typing import Float64Array, IntArray
from chainrule.blas import one_thread
from chainrule.engine import DenseRows, SoftmaxProgram, SparseRows, compile_softmax
from chainrule.errors import InputError
from chainrule.graph import Graph, build
from chainrule.solvers import (
    Callback,
    NewtonState,
    Separation,
    SoftmaxObjective,
    Solution,
    find_separation,
    gradient_descent,
    newton,
    proximal_newton,
)
from chainrule.training.checks import check_number
from chainrule.training.weightless import classes_with_weight, put_back

SOLVERS = ("auto", "newton-cholesky", "newton-cg", "gradient_descent")
LEAST_SUM, MOST_SUM = 1e-100, 1e100  # of C times the rows' weights; what is more is taken for no penalty
REASONS = {
    "proximal-newton": "an l1 penalty has a kink at 0",
    "gradient_descent": "it was asked for",
}
ALIASES = ("lbfgs", "sag", "saga", "liblinear")  # scikit-learn's other solvers: to the same optimum, by auto


@dataclass(frozen=True)
class SoftmaxOptions:
    """How a softmax classifier is trained; the names and meanings are scikit-learn's where it has them.

    Attributes
    ----------
    C
        Inverse strength of the penalty: lambda = 1 / (C S), S the sum of the rows' weights. C S beyond 1e100 is as
        good as infinite, and taken for it.
    l1_ratio
        The l1 part of the penalty, lambda ((1 - l1_ratio) / 2 ||W||^2 + l1_ratio ||W||_1).
    fit_intercept
        Whether there is an intercept (it is never penalised).
    class_weight
        None, ``"balanced"``, or a factor per class label.
    solver
        ``newton-cholesky`` (steps from the whole Hessian), ``newton-cg`` (conjugate gradients, preconditioned by a part
        of it), ``gradient_descent`` (the lecture's), or ``auto``: of the first two the cheaper one. The names of
        scikit-learn's other solvers stand for ``auto``.
    tol
        Stop once the objective is proven to lie within ``tol`` times its value of the optimum. Without a penalty there
        is no such proof: Newton's own estimate takes its place, for gradient_descent the largest entry of the gradient.
    max_iter
        Budget of passes over the rows.
    learning_rate
        gradient_descent's alpha; ``"auto"`` takes 1 / L with L a bound of the curvature.
    random_state
        Seed of gradient_descent's small random start.
    n_threads
        0 uses all cores; the result does not depend on it.
    """

    C: float = 1.0
    l1_ratio: float = 0.0
    fit_intercept: bool = True
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None
    solver: str = "auto"
    tol: float = 1e-6
    max_iter: int = 10_000
    learning_rate: float | Literal["auto"] = "auto"
    random_state: int | None = None
    n_threads: int = 0

    def __post_init__(self) -> None:
        check_number("C", self.C, above=0.0, finite=False)
        check_number("l1_ratio", self.l1_ratio, least=0.0)
        if self.l1_ratio > 1.0:
            raise InputError(f"l1_ratio must be a number from 0 to 1, got {self.l1_ratio!r}")
        check_number("tol", self.tol, least=0.0)
        check_number("max_iter", self.max_iter, least=0)
        if self.solver not in SOLVERS + ALIASES:
            raise InputError(f"solver must be one of {', '.join(SOLVERS + ALIASES)}, got {self.solver!r}")
        if self.learning_rate != "auto":
            check_number("learning_rate", self.learning_rate, above=0.0)


@dataclass(frozen=True)
class Fit:
    """A trained softmax classifier before it has classes and names.

    Attributes
    ----------
    graph, parameters
        What was minimised and where the solver stopped (raw columns, not centred).
    solution
        How the solver fared.
    solver
        Which one it was.
    passes
        Passes over the rows.
    seconds
        Wall time.
    separation
        What keeps the likelihood from having a maximum, where Newton's method converged all the same.
    reason
        Why this solver, in words.
    """

    graph: Graph
    parameters: Float64Array
    solution: Solution
    solver: str
    passes: int
    seconds: float
    separation: Separation | None = None
    reason: str = ""

    def to_record(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        return {
            "solver": self.solver,
            "n_iter": self.solution.n_iter,
            "passes": self.passes,
            "status": self.solution.status,
            "converged": self.solution.converged,
            "objective": self.solution.value,
            "gap": self.solution.gap,
            "loss_curve": list(self.solution.loss_curve),
            "seconds": self.seconds,
        }


def fit_softmax(
    X: Any,
    labels: IntArray,
    n_classes: int,
    options: SoftmaxOptions,
    *,
    sample_weight: Float64Array | None = None,
    start: Float64Array | None = None,
    random_state: np.random.Generator | None = None,
    callback: Callback | None = None,
) -> Fit:
    """Train on arrays that were checked before.

    Parameters
    ----------
    X, labels
        (m, d) finite float32 or float64, an array or a SciPy sparse matrix; (m,) int64 in 0..n_classes-1.
    n_classes
        K, at least 2; two classes become one logit.
    options
        ``class_weight`` is not read here: ``sample_weight`` holds it.
    sample_weight
        (m,) weights >= 0 with a positive sum; None counts each row once.
    start
        Parameters to start from (warm start).
    random_state
        For the random start of gradient_descent; by default made from ``options.random_state``.
    callback
        Told of every iteration.
    """
    began = time.perf_counter()
    problem = SoftmaxProblem(X, labels, n_classes, options, sample_weight)
    fit = problem.fit(options, start=start, random_state=random_state, callback=callback)
    return replace(fit, seconds=time.perf_counter() - began)


class SoftmaxProblem:
    """Rows that softmax classifiers of several penalties are trained on.

    Parameters
    ----------
    X, labels, n_classes, sample_weight
        See `fit_softmax`.
    options
        Of these ``fit_intercept``, ``n_threads`` and whether ``solver`` is gradient_descent hold for all.
    """

    def __init__(
        self,
        X: Any,
        labels: IntArray,
        n_classes: int,
        options: SoftmaxOptions,
        sample_weight: Float64Array | None = None,
    ) -> None:
        self.n_classes = n_classes
        self.mass = float(len(labels)) if sample_weight is None else float(sample_weight.sum())
        shares = np.full(len(labels), 1.0 / self.mass) if sample_weight is None else sample_weight / self.mass
        self.kept = np.arange(n_classes)
        if n_classes > 2 and options.fit_intercept and options.solver != "gradient_descent":
            present = classes_with_weight(labels, shares, n_classes)
            if 2 <= len(present) < n_classes:
                self.kept, labels = present, np.searchsorted(present, labels) * (shares > 0.0)
        kind = DenseRows if isinstance(X, np.ndarray) else SparseRows
        self.rows = kind(X, labels, shares, reference_logit=n_classes == 2, n_threads=options.n_threads)

    def fit(
        self,
        options: SoftmaxOptions,
        *,
        start: Float64Array | None = None,
        state: NewtonState | None = None,
        random_state: np.random.Generator | None = None,
        callback: Callback | None = None,
    ) -> Fit:
        """Train; ``state`` carries what is known of the curvature from fit to fit, see `fit_softmax` for the rest."""
        began = time.perf_counter()
        program = self._program(options, len(self.kept))
        first_order = options.solver == "gradient_descent"
        whole = {"newton-cholesky": True, "newton-cg": False}.get(options.solver)
        if start is not None and len(self.kept) < self.n_classes:
            start = start.reshape(-1, self.n_classes)[:, self.kept].ravel()
        with one_thread():
            objective = SoftmaxObjective(program, self.rows, centred=not first_order, full=whole)
            if first_order:
                solution, solver = _descend(objective, options, start, random_state, callback), options.solver
            else:
                solution, solver = _solve(objective, options, start, state, callback)
            parameters = objective.to_parameters(solution.parameters)
            if not first_order:  # gradient descent is to be followed step by step
                parameters = objective.without_common_part(parameters)
            reason = objective.curvature_reason if solver.startswith("newton") else REASONS[solver]
            fit = Fit(program.graph, parameters, solution, solver, objective.passes, 0.0, reason=reason)
            if not first_order and solution.gap is None and solution.converged:
                fit = self._unless_separated(fit)
            if len(self.kept) < self.n_classes:
                fit = self._with_all_classes(fit, options)
        return replace(fit, seconds=time.perf_counter() - began)

    def _program(self, options: SoftmaxOptions, n_classes: int) -> SoftmaxProgram:
        if options.C * self.mass < LEAST_SUM:
            raise InputError(
                f"the penalty 1 / (C S) is beyond float64: C is {options.C:g} and the rows' weights add up to "
                f"S = {self.mass:g}. Give larger weights, or a larger C"
            )
        strength = 1.0 / (options.C * self.mass) if options.C * self.mass <= MOST_SUM else 0.0
        l2, l1 = (1.0 - options.l1_ratio) * strength, options.l1_ratio * strength
        return _compiled(self.rows.shape[1], n_classes, l2, l1, options.fit_intercept, self.n_classes == 2)

    def _unless_separated(self, fit: Fit) -> Fit:
        views = fit.graph.parameters.views(fit.parameters)
        found = find_separation(self.rows, views["W"], views.get("b"))
        if found is None:
            return fit
        classes = tuple((int(self.kept[k]), int(self.kept[j])) for k, j in found.classes)
        status = replace(fit.solution, status="separable")
        return replace(fit, solution=status, separation=replace(found, classes=classes))

    def _with_all_classes(self, fit: Fit, options: SoftmaxOptions) -> Fit:
        views = fit.graph.parameters.views(fit.parameters)
        weights, bias, added = put_back(self.rows.X, views["W"], views["b"], self.kept, self.n_classes)
        found = fit.solution
        gap = None if found.gap is None else found.gap + added
        return replace(
            fit,
            graph=self._program(options, self.n_classes).graph,
            parameters=np.concatenate([weights.ravel(), bias]),
            solution=replace(found, value=found.value + added, gap=gap),
        )


@lru_cache(maxsize=64)  # many fits are of one model: graph and program are immutable
def _compiled(
    n_features: int, n_classes: int, l2: float, l1: float, fit_intercept: bool, one_logit: bool
) -> SoftmaxProgram:
    return compile_softmax(
        build.softmax_classifier(n_features, n_classes, l2=l2, l1=l1, fit_intercept=fit_intercept, one_logit=one_logit)
    )


def _solve(
    objective: SoftmaxObjective,
    options: SoftmaxOptions,
    start: Float64Array | None,
    state: NewtonState | None,
    callback: Callback | None,
) -> tuple[Solution, str]:
    first = np.zeros(objective.size) if start is None else objective.from_parameters(start)
    tol, budget = options.tol, options.max_iter
    if objective.l1.any():
        return proximal_newton(objective, first, tol=tol, max_passes=budget, callback=callback), "proximal-newton"
    solution = newton(objective, first, tol=tol, max_passes=budget, callback=callback, state=state)
    return solution, "newton-cholesky" if objective.curvature_kind == "full" else "newton-cg"


def _descend(
    objective: SoftmaxObjective,
    options: SoftmaxOptions,
    start: Float64Array | None,
    random_state: np.random.Generator | None,
    callback: Callback | None,
) -> Solution:
    generator = random_state or np.random.default_rng(options.random_state)
    return gradient_descent(
        objective,
        build.initialize(objective.program.graph, generator) if start is None else start,
        learning_rate=resolve_learning_rate(options, objective),
        max_iter=options.max_iter,
        tol=options.tol,
        callback=callback,
    )


def resolve_learning_rate(options: SoftmaxOptions, objective: SoftmaxObjective) -> float:
    """Return alpha; "auto" is 1 / L, with which every step descends.

    diag(p) - p p^T is at most 1/2 (Böhning 1992, "Multinomial logistic regression algorithm"; 1/4 for one logit), and
    the largest eigenvalue of a Gram matrix at most its trace: L = 1/2 mean(||x||^2 + 1) + lambda.
    """
    if options.learning_rate != "auto":
        return float(options.learning_rate)
    rows = objective.rows
    squared = float((rows.deviations**2 + rows.means**2).sum())
    bound = 0.25 if objective.program.reference_logit else 0.5
    return float(1.0 / (bound * (squared + 1.0) + objective.strength))

"""Who solves it: each at growing effort, from scratch every time.

A runner takes a problem and an effort, and returns coefficients and intercept; `Efforts` says which to try. What a
library can't do (another penalty, another objective, sparse rows) it says itself.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from benchmarks.softmax.glmnet import NoGlmnet, solve_by_glmnet
from benchmarks.softmax.problem import Problem

OURS = "chainrule"
PROVEN = "chainrule, proven"  # its default: no budget but a proof of 1e-6
CONSTANT = 1e5
Answer = tuple[Any, ...]  # coefficients, intercept, and where another process did the work the seconds it took


class Unable(Exception):  # noqa: N818 - an outcome that the table names
    """The library has no way to solve this problem; the message says which."""


@dataclass(frozen=True)
class Efforts:
    """What a solver is told to do: tolerances, or numbers of iterations, that grow or shrink by a factor."""

    first: float
    last: float
    factor: float

    def in_steps(self, size: int) -> Iterator[float]:
        """Return the efforts to try; of iterations only every so many-th."""
        size = size if self._is_iterations else 1
        count = round(math.log(self.last / self.first) / math.log(self.factor))
        yield from dict.fromkeys(self._whole(self.first * self.factor**i) for i in range(0, count + 1, size))

    def rank(self, effort: float) -> float:
        """Return what grows with the work."""
        return effort if self._is_iterations else -effort

    def between(self, less: float, more: float) -> float | None:
        """Return the middle of two efforts; None where nothing lies between."""
        middle = self._whole(math.sqrt(less * more))
        return None if middle in (less, more) else middle

    def that_take(self, seconds: float, effort: float, took: float) -> float | None:
        """Return how many iterations take so many seconds, if ``effort`` took ``took``; None for tolerances."""
        return self._whole(effort * seconds / max(took, 1e-9)) if self._is_iterations else None

    @property
    def _is_iterations(self) -> bool:
        return self.factor > 1.0

    def _whole(self, effort: float) -> float:
        return round(effort) if self._is_iterations else effort


@dataclass(frozen=True)
class Solver:
    """A runner, the efforts to try, and whether it takes part with a penalty, and without one."""

    run: Callable[[Problem, float], Answer]
    efforts: Efforts
    penalised: bool = True
    unpenalised: bool = False


def tolerances(first: float = 1e-1, last: float = 1e-12) -> Efforts:
    """Return tolerances by decades."""
    return Efforts(first, last, 0.1)


def iterations(first: int, last: int) -> Efforts:
    """Return numbers of iterations, each twice the last."""
    return Efforts(first, last, 2.0)


def _ours(problem: Problem, max_iter: float) -> Answer:
    from chainrule import SoftmaxClassifier

    model = SoftmaxClassifier(C=problem.C, l1_ratio=problem.l1_ratio, tol=1e-12, max_iter=int(max_iter))
    fitted = model.fit(problem.X, problem.y)
    return fitted.coef_, fitted.intercept_


def _proven(problem: Problem, tol: float) -> Answer:
    from chainrule import SoftmaxClassifier

    fitted = SoftmaxClassifier(C=problem.C, l1_ratio=problem.l1_ratio, tol=tol).fit(problem.X, problem.y)
    return fitted.coef_, fitted.intercept_


def _sklearn(solver: str, l1: bool = False) -> Callable[[Problem, float], Answer]:
    def run(problem: Problem, max_iter: float) -> Answer:
        if problem.l1_ratio > 0.0 and not l1:
            raise Unable("has no l1 penalty")
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(
            C=problem.C, l1_ratio=problem.l1_ratio, solver=solver, tol=1e-15, max_iter=int(max_iter), random_state=0
        )
        fitted = model.fit(problem.doubles, problem.y)
        return fitted.coef_, fitted.intercept_

    return run


def _liblinear(problem: Problem, max_iter: float) -> Answer:
    if problem.n_classes > 2:
        raise Unable("one class against the rest: another problem")
    if 0.0 < problem.l1_ratio < 1.0:
        raise Unable("has no elastic net")
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(
        C=problem.C, l1_ratio=problem.l1_ratio, solver="liblinear", tol=1e-15, max_iter=int(max_iter),
        intercept_scaling=1e3, random_state=0,
    ).fit(problem.doubles, problem.y)  # fmt: skip
    return fitted.coef_, fitted.intercept_


def _intelex(problem: Problem, max_iter: float) -> Answer:
    if problem.l1_ratio > 0.0:
        raise Unable("has no l1 penalty")
    from sklearnex.linear_model import LogisticRegression

    fitted = LogisticRegression(C=problem.C, solver="lbfgs", tol=1e-15, max_iter=int(max_iter)).fit(
        problem.doubles, problem.y
    )
    return fitted.coef_, fitted.intercept_


def _torch(problem: Problem, max_iter: float) -> Answer:
    if problem.l1_ratio > 0.0:
        raise Unable("L-BFGS has no l1 penalty")
    if problem.is_sparse:
        raise Unable("sparse rows: its products with them have no gradient worth the name")
    import torch

    X = torch.from_numpy(problem.doubles)
    y = torch.from_numpy(problem.y)
    outputs = 1 if problem.n_classes == 2 else problem.n_classes
    W = torch.zeros(X.shape[1], outputs, dtype=torch.float64, requires_grad=True)
    b = torch.zeros(outputs, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [W, b], max_iter=int(max_iter), tolerance_grad=0.0, tolerance_change=0.0, history_size=10,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Any:
        optimizer.zero_grad()
        logits = X @ W + b
        if outputs == 1:
            logits = torch.hstack([torch.zeros_like(logits), logits])
        loss = torch.nn.functional.cross_entropy(logits, y) + (W**2).sum() / (2.0 * problem.C * len(y))
        loss.backward()
        return loss

    optimizer.step(closure)
    return W.detach().numpy().T, b.detach().numpy()


def _skglm(problem: Problem, tol: float) -> Answer:
    if problem.n_classes > 2:
        raise Unable("two classes only")
    if problem.l1_ratio == 0.0:
        raise Unable("made for l1 penalties")
    from skglm import GeneralizedLinearEstimator
    from skglm.datafits import Logistic
    from skglm.penalties import L1, L1_plus_L2
    from skglm.solvers import ProxNewton

    alpha = 1.0 / (problem.C * len(problem.y))
    penalty = L1(alpha) if problem.l1_ratio == 1.0 else L1_plus_L2(alpha, problem.l1_ratio)
    solver = ProxNewton(tol=tol, fit_intercept=True, max_iter=1000)
    X = problem.doubles if problem.is_sparse else np.asfortranarray(problem.doubles)
    fitted = GeneralizedLinearEstimator(Logistic(), penalty, solver).fit(X, 2 * problem.y - 1)
    return fitted.coef_, np.atleast_1d(fitted.intercept_)


def _celer(problem: Problem, tol: float) -> Answer:
    if problem.n_classes > 2 or problem.l1_ratio != 1.0:
        raise Unable("two classes and l1 only")
    from celer import LogisticRegression

    X = _with_constant(problem)
    fitted = LogisticRegression(C=problem.C, tol=tol, max_iter=1000, fit_intercept=False).fit(X, problem.y)
    return fitted.coef_[:, :-1], CONSTANT * fitted.coef_[:, -1]


def _snapml(problem: Problem, max_iter: float) -> Answer:
    if problem.n_classes > 2:
        raise Unable("one class against the rest: another problem")
    if 0.0 < problem.l1_ratio < 1.0:
        raise Unable("has no elastic net")
    from snapml import LogisticRegression

    fitted = LogisticRegression(
        regularizer=1.0 / problem.C, penalty="l1" if problem.l1_ratio else "l2", dual=False, fit_intercept=False,
        tol=1e-15, max_iter=int(max_iter), n_jobs=2, normalize=False,
    ).fit(_with_constant(problem), problem.y)  # fmt: skip
    coef = np.ravel(fitted.coef_)[None]
    return coef[:, :-1], CONSTANT * coef[:, -1]


def _with_constant(problem: Problem) -> Any:
    """Return the rows with a column that serves as intercept, so large that the penalty on it is next to nothing.

    For libraries that have no intercept (celer), or do not tell it (snapml 1.17: ``intercept_`` is 0).
    """
    column = np.full((len(problem.y), 1), CONSTANT)
    if problem.is_sparse:
        return sp.hstack([problem.doubles, sp.csr_array(column)]).tocsc()
    return np.hstack([problem.doubles, column])


def _statsmodels(method: str) -> Callable[[Problem, float], Answer]:
    def run(problem: Problem, max_iter: float) -> Answer:
        from statsmodels.discrete.discrete_model import Logit, MNLogit

        X = np.hstack([np.ones((len(problem.y), 1)), problem.doubles])
        model = (Logit if problem.n_classes == 2 else MNLogit)(problem.y, X)
        exact = {"tol": 1e-15} if method == "newton" else {"factr": 10.0, "pgtol": 1e-14}
        fitted = model.fit(method=method, maxiter=int(max_iter), disp=0, skip_hessian=True, **exact)
        found = np.asarray(fitted.params).reshape(X.shape[1], -1)
        if problem.n_classes > 2:
            found = np.hstack([np.zeros((len(found), 1)), found])  # the first class is the reference
        return found[1:].T, found[0]

    return run


def _glmnet(problem: Problem, thresh: float) -> Answer:
    try:
        return solve_by_glmnet(problem, thresh)
    except NoGlmnet as reason:
        raise Unable(str(reason)) from None


SOLVERS: dict[str, Solver] = {
    OURS: Solver(_ours, iterations(1, 4096), unpenalised=True),
    PROVEN: Solver(_proven, tolerances(1e-6, 1e-6)),
    "scikit-learn lbfgs": Solver(_sklearn("lbfgs"), iterations(10, 100_000)),
    "scikit-learn newton-cg": Solver(_sklearn("newton-cg"), iterations(2, 1000)),
    "scikit-learn newton-cholesky": Solver(_sklearn("newton-cholesky"), iterations(2, 256), unpenalised=True),
    "scikit-learn sag": Solver(_sklearn("sag"), iterations(5, 100_000)),
    "scikit-learn saga": Solver(_sklearn("saga", l1=True), iterations(5, 100_000)),
    "scikit-learn liblinear": Solver(_liblinear, iterations(2, 100_000)),
    "scikit-learn-intelex lbfgs": Solver(_intelex, iterations(10, 100_000)),
    "PyTorch L-BFGS": Solver(_torch, iterations(10, 100_000)),
    "skglm": Solver(_skglm, tolerances()),
    "glmnet": Solver(_glmnet, tolerances(1e-4)),
    "celer": Solver(_celer, tolerances()),
    "snapml": Solver(_snapml, iterations(5, 100_000)),
    "statsmodels newton": Solver(_statsmodels("newton"), iterations(2, 256), penalised=False, unpenalised=True),
    "statsmodels lbfgs": Solver(_statsmodels("lbfgs"), iterations(10, 100_000), penalised=False, unpenalised=True),
}


def takes_part(name: str, penalty: str) -> bool:
    """Return whether a solver is tried at all with this penalty."""
    return SOLVERS[name].unpenalised if penalty == "none" else SOLVERS[name].penalised


def solve(name: str, problem: Problem, effort: float) -> Answer:
    """Return an answer; stopping short is what efforts are for, so nobody is heard about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SOLVERS[name].run(problem, effort)

"""Who solves it: each at growing effort, from scratch every time.

A runner takes a problem and an effort, and returns coefficients and intercept; `efforts` says which to try. What a
library can't do (another penalty, another objective, sparse rows) it says itself.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.softmax.problem import Problem

OURS = "chainrule"
PROVEN = "chainrule, proven"  # its default: stops once it has proven 1e-6
Answer = tuple[Any, ...]  # coefficients, intercept, and where another process did the work the seconds it took


class Unable(Exception):  # noqa: N818 - an outcome that the table names
    """The library has no way to solve this problem; the message says which."""


@dataclass(frozen=True)
class Solver:
    """A runner and the efforts to try: tolerances, or numbers of iterations."""

    run: Callable[[Problem, float], Answer]
    efforts: Callable[[], Iterator[float]]


def tolerances(first: float = 1e-1, last: float = 1e-12) -> Callable[[], Iterator[float]]:
    """Return tolerances, each a third of a decade smaller."""
    count = round(3 * np.log10(first / last)) + 1
    return lambda: iter(np.logspace(np.log10(first), np.log10(last), count).tolist())


def iterations(first: int, last: int) -> Callable[[], Iterator[float]]:
    """Return numbers of iterations, each about a third more."""

    def grow() -> Iterator[float]:
        n = first
        while n <= last:
            yield n
            n = max(n + 1, round(1.35 * n))

    return grow


def _ours(problem: Problem, tol: float) -> Answer:
    from chainrule import SoftmaxClassifier

    fitted = SoftmaxClassifier(C=problem.C, l1_ratio=problem.l1_ratio, tol=tol).fit(problem.X, problem.y)
    return fitted.coef_, fitted.intercept_


def _sklearn(solver: str, l1: bool = False) -> Callable[[Problem, float], Answer]:
    def run(problem: Problem, max_iter: float) -> Answer:
        from sklearn.linear_model import LogisticRegression

        if problem.l1_ratio > 0.0 and not l1:
            raise Unable("has no l1 penalty")
        model = LogisticRegression(
            C=problem.C, l1_ratio=problem.l1_ratio, solver=solver, tol=1e-15, max_iter=int(max_iter), random_state=0
        )
        fitted = model.fit(problem.X, problem.y)
        return fitted.coef_, fitted.intercept_

    return run


def _liblinear(problem: Problem, tol: float) -> Answer:
    from sklearn.linear_model import LogisticRegression

    if problem.n_classes > 2:
        raise Unable("one class against the rest: another problem")
    if 0.0 < problem.l1_ratio < 1.0:
        raise Unable("has no elastic net")
    fitted = LogisticRegression(
        C=problem.C, l1_ratio=problem.l1_ratio, solver="liblinear", tol=tol, max_iter=100_000,
        intercept_scaling=1e3, random_state=0,
    ).fit(problem.X, problem.y)  # fmt: skip
    return fitted.coef_, fitted.intercept_


def _intelex(problem: Problem, max_iter: float) -> Answer:
    from sklearnex.linear_model import LogisticRegression

    if problem.l1_ratio > 0.0:
        raise Unable("has no l1 penalty")
    fitted = LogisticRegression(C=problem.C, solver="lbfgs", tol=1e-15, max_iter=int(max_iter)).fit(
        problem.X, problem.y
    )
    return fitted.coef_, fitted.intercept_


def _torch(problem: Problem, max_iter: float) -> Answer:
    import torch

    if problem.l1_ratio > 0.0:
        raise Unable("L-BFGS has no l1 penalty")
    if problem.is_sparse:
        raise Unable("sparse rows: its products with them have no gradient worth the name")
    X = torch.from_numpy(np.asarray(problem.X, dtype=np.float64))
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
    from skglm import GeneralizedLinearEstimator
    from skglm.datafits import Logistic
    from skglm.penalties import L1, L1_plus_L2
    from skglm.solvers import ProxNewton

    if problem.n_classes > 2:
        raise Unable("two classes only")
    if problem.l1_ratio == 0.0:
        raise Unable("made for l1 penalties")
    alpha = 1.0 / (problem.C * len(problem.y))
    penalty = L1(alpha) if problem.l1_ratio == 1.0 else L1_plus_L2(alpha, problem.l1_ratio)
    solver = ProxNewton(tol=tol, fit_intercept=True, max_iter=1000)
    X = problem.X if problem.is_sparse else np.asfortranarray(problem.X, dtype=np.float64)
    fitted = GeneralizedLinearEstimator(Logistic(), penalty, solver).fit(X, 2 * problem.y - 1)
    return fitted.coef_, np.atleast_1d(fitted.intercept_)


def _celer(problem: Problem, tol: float) -> Answer:
    from celer import LogisticRegression

    if problem.n_classes > 2 or problem.l1_ratio != 1.0:
        raise Unable("two classes and l1 only")
    fitted = LogisticRegression(C=problem.C, tol=tol, max_iter=1000, fit_intercept=True).fit(problem.X, problem.y)
    return fitted.coef_, fitted.intercept_


def _snapml(problem: Problem, max_iter: float) -> Answer:
    from snapml import LogisticRegression

    if problem.n_classes > 2:
        raise Unable("one class against the rest: another problem")
    if 0.0 < problem.l1_ratio < 1.0:
        raise Unable("has no elastic net")
    fitted = LogisticRegression(
        regularizer=1.0 / problem.C, penalty="l1" if problem.l1_ratio else "l2", dual=False, fit_intercept=True,
        intercept_scaling=1e3, tol=1e-15, max_iter=int(max_iter), n_jobs=2, normalize=False,
    ).fit(problem.X, problem.y)  # fmt: skip
    return np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)


def _glmnet(problem: Problem, thresh: float) -> Answer:
    """R's glmnet along twenty values of lambda, as its authors advise; timed by R, without reading and writing."""
    if problem.is_sparse:
        raise Unable("sparse rows: not passed on to R here")
    if shutil.which("Rscript") is None:
        raise Unable("not installed (R)")
    with tempfile.TemporaryDirectory() as folder:
        m, d = problem.X.shape
        np.asarray(problem.X, dtype=np.float64).ravel(order="F").tofile(f"{folder}/X")
        problem.y.astype(np.int32).tofile(f"{folder}/y")
        facts = [m, d, problem.n_classes, 1.0 / (problem.C * m), problem.l1_ratio, thresh]
        done = subprocess.run(
            ["Rscript", "-e", GLMNET, folder, *map(str, facts)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Unable((done.stderr.strip().splitlines() or ["R failed"])[-1])
        found = np.fromfile(f"{folder}/found").reshape(-1, d + 2)
    return found[:, 1:-1], found[:, 0], float(found[0, -1])


GLMNET = """
suppressMessages(library(glmnet)); a <- commandArgs(TRUE); n <- as.numeric(a[-1]); f <- a[1]
X <- matrix(readBin(file.path(f, "X"), "double", n[1] * n[2]), n[1], n[2])
y <- factor(readBin(file.path(f, "y"), "integer", n[1]))
lambda <- exp(seq(log(max(n[4] * 1e4, 1)), log(n[4]), length.out = 20))
t <- system.time(fit <- glmnet(X, y, family = if (n[3] > 2) "multinomial" else "binomial", alpha = n[5],
  lambda = lambda, standardize = FALSE, thresh = n[6], maxit = 1e7))[["elapsed"]]
b <- coef(fit, s = n[4]); if (!is.list(b)) b <- list(b)
writeBin(as.vector(sapply(b, function(k) c(as.vector(k), t))), file.path(f, "found"))
"""


SOLVERS: dict[str, Solver] = {
    OURS: Solver(_ours, tolerances(1e-1, 1e-9)),
    PROVEN: Solver(_ours, lambda: iter([1e-6])),
    "scikit-learn lbfgs": Solver(_sklearn("lbfgs"), iterations(10, 100_000)),
    "scikit-learn newton-cg": Solver(_sklearn("newton-cg"), iterations(2, 1000)),
    "scikit-learn newton-cholesky": Solver(_sklearn("newton-cholesky"), iterations(2, 200)),
    "scikit-learn sag": Solver(_sklearn("sag"), iterations(5, 100_000)),
    "scikit-learn saga": Solver(_sklearn("saga", l1=True), iterations(5, 100_000)),
    "scikit-learn liblinear": Solver(_liblinear, tolerances(1e-1, 1e-12)),
    "scikit-learn-intelex lbfgs": Solver(_intelex, iterations(10, 100_000)),
    "PyTorch L-BFGS": Solver(_torch, iterations(10, 100_000)),
    "skglm": Solver(_skglm, tolerances(1e-1, 1e-12)),
    "glmnet": Solver(_glmnet, tolerances(1e-4, 1e-12)),
    "celer": Solver(_celer, tolerances(1e-1, 1e-12)),
    "snapml": Solver(_snapml, iterations(5, 100_000)),
}


def solve(name: str, problem: Problem, effort: float) -> Answer:
    """Return an answer; stopping short is what efforts are for, so nobody is heard about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SOLVERS[name].run(problem, effort)

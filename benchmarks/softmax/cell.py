"""One problem, all solvers: ``python -m benchmarks.softmax.cell SET SCALED C PENALTY ...``, a line of JSON per event.

For every solver the efforts grow until the objective is within 1e-8 (relative) of the best one known, or its patience
is at an end; the objective is computed outside the timing. Then the efforts that first came within 1e-6 are timed
again, in turn, and medians are taken.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.softmax.problem import PENALTIES, Problem
from benchmarks.softmax.sets import load
from benchmarks.softmax.solvers import OURS, PROVEN, SOLVERS, Unable, solve

TARGET, ENOUGH = 1e-6, 1e-8  # relative suboptimality
ROUNDS = 5
STUCK = 20  # efforts in a row that changed nothing: a step of Newton's may be worth five decades
ROUND_SECONDS = 4.0  # beyond, one round more will do


def say(**event: Any) -> None:
    print(json.dumps(event), flush=True)


def optimum(problem: Problem) -> tuple[float, dict[str, Any]]:
    """Return the best value of a long run, and whether every claim on the way there was true."""
    from chainrule import SoftmaxClassifier

    long = SoftmaxClassifier(C=problem.C, l1_ratio=problem.l1_ratio, tol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        long.fit(problem.X, problem.y)
    best = min(long.objective_, problem.objective(long.coef_.astype(float), long.intercept_.astype(float)))
    stops = []
    for budget in (2, 4, 8, 16, 32, 64):
        stop = SoftmaxClassifier(C=problem.C, l1_ratio=problem.l1_ratio, max_iter=budget)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stop.fit(problem.X, problem.y)
        # Values are sums of m terms in float64.
        stops.append(stop.objective_ - best <= stop.optimality_gap_ * (1 + 1e-9) + 1e-13 * abs(best))
        if stop.converged_:
            break
    return best, {"long_gap": long.optimality_gap_, "true_claims": all(stops), "claims": len(stops)}


def defaults(problem: Problem, best: float) -> dict[str, Any]:
    """Return who of ours and scikit-learn's ends near the optimum without a warning, with defaults and with 1,000."""
    from sklearn.linear_model import LogisticRegression

    from chainrule import SoftmaxClassifier

    options = {"C": problem.C, "l1_ratio": problem.l1_ratio}
    models: dict[str, Any] = {OURS: SoftmaxClassifier(**options)}
    for name in ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"):
        if problem.l1_ratio == 0.0 or name == "saga":
            models[name] = LogisticRegression(**options, solver=name, random_state=0)
            models[f"{name}, max_iter=1000"] = LogisticRegression(**options, solver=name, max_iter=1000, random_state=0)
    outcomes = {}
    for name, model in models.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(problem.X, problem.y)
        away = problem.objective(model.coef_, model.intercept_) / best - 1.0
        outcomes[name] = {"silent": not caught, "away": away}
    ours = models[OURS]
    outcomes[OURS]["proven"] = bool(ours.converged_ and ours.optimality_gap_ <= 1e-6 * ours.objective_ + 1e-15)
    return outcomes


def curve(name: str, problem: Problem, best: float, patience: float) -> list[dict[str, float]]:
    """Return effort, seconds and relative suboptimality of one solver at growing effort."""
    points: list[dict[str, float]] = []
    warm_up(name, problem)
    spent, stuck = 0.0, 0
    for effort in SOLVERS[name].efforts():
        coef, intercept, seconds = timed(name, problem, effort)
        away = problem.objective(coef, intercept) / best - 1.0
        stuck = stuck + 1 if points and abs(away - points[-1]["away"]) <= 1e-9 * abs(away) else 0
        spent += seconds  # as told: that R starts, and reads the rows, is not held against glmnet
        points.append({"effort": effort, "seconds": seconds, "away": away})
        if away <= ENOUGH or stuck >= STUCK or spent + 1.35 * seconds > patience:
            break
    return points


def timed(name: str, problem: Problem, effort: float) -> tuple[Any, Any, float]:
    """Return coefficients, intercept and seconds, those that the solver itself tells where it does."""
    start = time.perf_counter()
    coef, intercept, *told = solve(name, problem, effort)
    return coef, intercept, told[0] if told else time.perf_counter() - start


def warm_up(name: str, problem: Problem) -> None:
    """Solve a small problem of the same kind: imports and compilation are not what is timed."""
    first = np.concatenate([np.flatnonzero(problem.y == k)[:20] for k in range(problem.n_classes)])
    effort = next(iter(SOLVERS[name].efforts()))
    solve(name, Problem(problem.X[first], problem.y[first], problem.C, problem.l1_ratio), effort)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("set", "scaled", "C", "penalty"):
        parser.add_argument(name)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--patience", type=float)
    parser.add_argument("--solvers", nargs="*")
    options = parser.parse_args()
    X, y = load(options.set, options.scaled == "scaled", options.data, options.cache)
    problem = Problem(X, y, float(options.C), PENALTIES[options.penalty])
    best, claims = optimum(problem)
    say(event="optimum", objective=best, rows=X.shape[0], columns=X.shape[1], classes=problem.n_classes, **claims)
    reached: dict[str, tuple[float, list[float]]] = {}
    for name in options.solvers:
        say(event="start", solver=name)
        try:
            points = curve(name, problem, best, options.patience)
        except Unable as reason:
            say(event="unable", solver=name, why=str(reason))
            continue
        except ImportError as error:
            say(event="unable", solver=name, why=f"not installed ({error.name})")
            continue
        except Exception as error:  # a peer's failure is a result
            say(event="failed", solver=name, why=f"{type(error).__name__}: {error}"[:200])
            continue
        say(event="curve", solver=name, points=points)
        first = next((p for p in points if p["away"] <= TARGET), None)
        if first is not None:
            reached[name] = first["effort"], [first["seconds"]]
    say(event="start", solver="rounds")
    for _ in range(ROUNDS - 1):
        for name, (effort, seconds) in reached.items():
            if seconds[0] <= ROUND_SECONDS or (name in (OURS, PROVEN) and len(seconds) < 2):
                seconds.append(timed(name, problem, effort)[2])
    say(event="times", seconds={name: statistics.median(seconds) for name, (_, seconds) in reached.items()})
    if len(y) * X.shape[1] <= 2e6 and not problem.is_sparse:
        say(event="start", solver="defaults")
        say(event="defaults", outcomes=defaults(problem, best))
    say(event="done")


if __name__ == "__main__":
    main()

"""One problem, all solvers: ``python -m benchmarks.softmax.cell SET SCALED C PENALTY ...``, a line of JSON per event.

Ours comes first: how long it takes to an optimum that it has proven says how patient one is with the others. In the
end the runs that first came within 1e-6 are timed again, in turn, and medians are taken.
"""

from __future__ import annotations

import argparse
import json
import statistics
import warnings
from pathlib import Path
from typing import Any

from benchmarks.softmax.curve import Curve, timed
from benchmarks.softmax.problem import PENALTIES, Problem
from benchmarks.softmax.sets import independent, load
from benchmarks.softmax.solvers import OURS, PROVEN, Unable, solve, takes_part

ROUNDS = 5
ROUND_SECONDS = 4.0  # beyond, one round more will do
TIMES_OURS, LEAST_PATIENCE, MOST_PATIENCE = 12.0, 1.0, 45.0
SMALL = 2e6  # rows times columns times classes
WITHOUT_PENALTY = 10.0  # the least patience there: these cells are few


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
    stops: list[bool] = []
    for budget in (2, 4, 8, 16, 32, 64) if problem.is_penalised else ():
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
    """Return who of ours and scikit-learn's ends near the optimum without a warning, with defaults and with 1,000.

    Where a run of the latter takes minutes, ours alone.
    """
    from sklearn.linear_model import LogisticRegression

    from chainrule import SoftmaxClassifier

    options = {"C": problem.C, "l1_ratio": problem.l1_ratio}
    is_small = problem.X.shape[0] * problem.X.shape[1] * problem.n_classes <= SMALL
    models: dict[str, Any] = {OURS: SoftmaxClassifier(**options)}
    for name in ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"):
        if is_small and (problem.l1_ratio == 0.0 or name == "saga"):
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


def patience_with(problem: Problem) -> float:
    """Return seconds for a run of the others: in proportion to what ours takes with its proof."""
    solve(PROVEN, problem, 1e-6)
    ours = min(timed(PROVEN, problem, 1e-6)[2] for _ in range(2))
    least = LEAST_PATIENCE if problem.is_penalised else WITHOUT_PENALTY
    return min(max(least, TIMES_OURS * ours), MOST_PATIENCE)


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
    if options.penalty == "none":
        X = independent(X)
    problem = Problem(X, y, float(options.C), PENALTIES[options.penalty])
    problem.doubles  # noqa: B018 - not to be made while somebody is timed
    best, claims = optimum(problem)
    patience = options.patience or patience_with(problem)
    say(
        event="optimum", objective=best, rows=X.shape[0], columns=X.shape[1], classes=problem.n_classes,
        patience=patience, **claims,
    )  # fmt: skip
    reached: dict[str, tuple[float, list[float]]] = {}
    for name in options.solvers:
        if not takes_part(name, options.penalty):
            continue
        say(event="start", solver=name)
        try:
            curve = Curve(name, problem, best, patience)
        except Unable as reason:
            say(event="unable", solver=name, why=str(reason))
            continue
        except ImportError as error:
            say(event="unable", solver=name, why=f"not installed ({error.name})")
            continue
        except Exception as error:  # a peer's failure is a result
            say(event="failed", solver=name, why=f"{type(error).__name__}: {error}"[:200])
            continue
        say(event="curve", solver=name, **curve.to_record())
        if (first := curve.first()) is not None:
            reached[name] = first["effort"], [first["seconds"]]
    say(event="start", solver="rounds")
    for _ in range(ROUNDS - 1):
        for name, (effort, seconds) in reached.items():
            if seconds[0] <= ROUND_SECONDS or (name in (OURS, PROVEN) and len(seconds) < 2):
                seconds.append(timed(name, problem, effort)[2])
    say(event="times", seconds={name: statistics.median(seconds) for name, (_, seconds) in reached.items()})
    if problem.is_penalised:
        say(event="start", solver="defaults")
        say(event="defaults", outcomes=defaults(problem, best))
    say(event="done")


if __name__ == "__main__":
    main()

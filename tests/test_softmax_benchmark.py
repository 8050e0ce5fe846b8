"""The softmax benchmark's own laws: one objective for all, and tables that say what was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import scale

from chainrule import SoftmaxClassifier

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the benchmarks are no part of the installed package

from benchmarks.softmax.problem import PENALTIES, Problem  # noqa: E402
from benchmarks.softmax.solvers import OURS, PROVEN  # noqa: E402
from benchmarks.softmax.tables import at_most, geometric_mean, ratio, render, soonest  # noqa: E402


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("load", [load_wine, load_breast_cancer])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_the_objective_is_ours(penalty, load, container):
    X, y = load(return_X_y=True)
    problem = Problem(container(scale(X)), y, 0.7, PENALTIES[penalty])
    fitted = SoftmaxClassifier(C=0.7, l1_ratio=PENALTIES[penalty]).fit(scale(X), y)
    assert problem.objective(fitted.coef_, fitted.intercept_) == pytest.approx(fitted.objective_, rel=1e-12)


def test_a_cell_is_measured_and_told(tmp_path):
    options = ["--penalty", "l2", "--C", "1", "--scaling", "scaled", "--patience", "1", "--output", str(tmp_path)]
    solvers = ["--solvers", OURS, PROVEN, "scikit-learn newton-cholesky"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.softmax", "iris", *options, *solvers],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "matplotlib" in done.stderr:
        pytest.skip("the curves need matplotlib, which is not installed")
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("cell-*.json")
    cell = json.loads(path.read_text())
    assert cell["true_claims"]
    assert cell["defaults"][OURS]["proven"]
    assert {OURS, PROVEN} <= set(cell["seconds"])
    assert all(curve[-1]["away"] <= 1e-6 for name, curve in cell["curves"].items() if name in cell["seconds"])
    assert (tmp_path / "softmax-l2.svg").stat().st_size > 1000
    assert "| iris, scaled | l2 | 1 |" in done.stdout


def test_without_a_set_all_are_meant(tmp_path):
    # Nothing is asked of any: no solver, and a folder without data.
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.softmax", "show", "--output", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "nothing measured" in done.stderr
    for arguments, said in ((["--penalty", "--output", str(tmp_path)], "nothing measured"), (["wnie"], "no such set")):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.softmax", *arguments],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said in done.stderr, done.stderr


def test_ratios_and_means():
    times = {OURS: 0.5, PROVEN: 0.6, "snapml": 2.0, "celer": 1.0}
    cell = {
        "set": "wine", "scaling": "raw", "penalty": "l1", "C": 1.0, "seconds": times, "curves": {}, "unable": {},
        "failed": {"skglm": "died"}, "claims": 1, "true_claims": True,
        "ended": {"glmnet": {"how": "patience", "waited": 3.0}, "liblinear": {"how": "stuck", "waited": 0.1}},
    }  # fmt: skip
    assert ratio(cell) == 0.5
    assert ratio(cell, PROVEN) == 0.6
    assert ratio(soonest({**cell, "seconds": {**times, PROVEN: 0.4}})) == 0.4
    assert ratio({**cell, "seconds": {OURS: 1.0}}) is None
    nobody = {**cell, "seconds": {OURS: 1.0}}
    assert at_most(cell) == 0.5
    assert at_most(nobody) == pytest.approx(1 / 3)  # who is stuck does not count
    assert at_most({**nobody, "seconds": {OURS: 0.01}}) == pytest.approx(1 / 12)  # though 3 s are 300 times ours
    assert at_most({**nobody, "ended": {}}) == pytest.approx(1 / 12)
    assert at_most({**cell, "seconds": {"celer": 1.0}}) is None
    assert "nobody within 3 times ours (1 ran out) | < 0.33" in render([nobody])
    assert geometric_mean([0.1, 10.0]) == pytest.approx(1.0)
    text = render([cell | {"defaults": {OURS: {"silent": True, "away": 0.0, "proven": True}}}])
    assert "| skglm | died | 1 |" in text
    assert "in 1 of 1 of these cells" in text

"""The one-pass kernel beside NumPy's two products and beside one read of X.

    python benchmarks/one_pass.py [--quick] [--processor-time] [--json FILE]

For each problem, dtype and number of threads: the median time of loss and gradient by NumPy, by the kernel, of a
product with the Hessian, and of a plain sum over X (the least that any method must read). They are run in turns, so
that a busy moment of the machine hits all alike; loss and gradient are compared first. NumPy's version is written as
well as we can: logits, probabilities and dZ in one preallocated array, everything in place, the products by its BLAS
on as many threads. Where float32 rows are computed with in float64, as fits do, NumPy is given rows of float64.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# What would make NumPy's BLAS pick a kernel of another processor, or fewer threads than it is told.
MISLEADING = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS")
if any(name in os.environ for name in MISLEADING):
    clean = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    os.execve(sys.executable, [sys.executable, *sys.argv], clean)

import numpy as np  # noqa: E402 - NumPy's BLAS reads the variables as it loads
import threadpoolctl  # noqa: E402

from chainrule.engine import _kernels  # noqa: E402

PROBLEMS = ((60_000, 784, 10), (1_000_000, 30, 3))
TARGETS = {(60_000, 784, 10): (0.35, 1.6), (1_000_000, 30, 3): (0.20, 2.0)}  # float32, every core


# Of the rows, and of all else.
DTYPES = ((np.float32, np.float32), (np.float32, np.float64), (np.float64, np.float64))


class Timing(NamedTuple):
    rows: int
    features: int
    classes: int
    dtype: str
    threads: int
    numpy_ms: float
    kernel_ms: float
    hessian_ms: float
    read_ms: float
    gradient_difference: float

    @property
    def over_numpy(self) -> float:
        return self.kernel_ms / self.numpy_ms

    @property
    def over_read(self) -> float:
        return self.kernel_ms / self.read_ms


class NumpySoftmax:
    """Loss and gradient by two matrix products and the fewest passes over Z that NumPy allows."""

    def __init__(self, X: Any, W: Any, b: Any, labels: Any) -> None:
        self.X, self.W, self.b = X, W, b
        self.Z = np.empty((len(X), W.shape[1]), X.dtype)
        self.column = np.empty((len(X), 1), X.dtype)
        self.at_label = np.arange(len(X)) * W.shape[1] + labels  # flat positions: the quickest way to index them

    def __call__(self) -> tuple[float, Any, Any]:
        Z, column, flat = self.Z, self.column, self.Z.reshape(-1)
        np.matmul(self.X, self.W, out=Z)
        Z += self.b
        np.max(Z, axis=1, keepdims=True, out=column)
        Z -= column
        label_logits = float(flat.take(self.at_label).sum(dtype=np.float64))
        np.exp(Z, out=Z)
        np.sum(Z, axis=1, keepdims=True, out=column)
        Z /= column
        loss = float(np.log(column, out=column).sum(dtype=np.float64)) - label_logits
        flat[self.at_label] -= 1
        return loss, self.X.T @ Z, Z.sum(axis=0)


def interleaved_medians(
    calls: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Milliseconds of each call, run in turns; the first round warms up and is not counted.

    OpenBLAS's threads spin for about 0.11 s after a product, waiting for the next (seen in the process's CPU time):
    without a pause they would take a core from whoever comes after.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            time.sleep(0.15)
            start = clock()
            call()
            times[name].append(1e3 * (clock() - start))
    return {name: statistics.median(of[1:]) for name, of in times.items()}


def measure(
    m: int, d: int, classes: int, row_dtype: Any, dtype: Any, threads: int, rounds: int, clock: Callable[[], float]
) -> Timing:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((m, d), dtype=row_dtype)
    W = (rng.standard_normal((d, classes)) / d).astype(dtype)
    b = np.zeros(classes, dtype)
    labels = rng.integers(0, classes, m)
    by_numpy = NumpySoftmax(X.astype(dtype, copy=False), W, b, labels)
    p, weights = np.full((m, classes), 1.0 / classes), np.full(m, 1.0 / m)

    def by_kernel() -> tuple[float, Any, Any]:
        return _kernels.softmax_value_and_gradient(X, W, b, labels, n_threads=threads)

    def hessian_product() -> tuple[Any, Any]:
        return _kernels.softmax_hessian_vector(X, p, weights, W, b, n_threads=threads)

    with threadpoolctl.threadpool_limits(threads, user_api="blas"):
        expected, actual = by_numpy(), by_kernel()
        difference = float(np.linalg.norm(actual[1] - expected[1]) / np.linalg.norm(expected[1]))
        # NumPy adds float32 rows in float32: it is the less precise of the two.
        allowed = 1e-4 if dtype is np.float32 else 1e-11
        if difference > allowed or abs(actual[0] / expected[0] - 1) > allowed:
            raise SystemExit(f"the kernel and NumPy differ: gradient {difference:.1e}, loss {actual[0]} {expected[0]}")
        calls = {"numpy": by_numpy, "kernel": by_kernel, "hessian": hessian_product}
        ms = interleaved_medians({**calls, "read": lambda: _kernels.read_sum(X, threads)}, rounds, clock)
    name = np.dtype(dtype).name
    if row_dtype is not dtype:
        name = f"{np.dtype(row_dtype).name} in {name}"
    return Timing(m, d, classes, name, threads, ms["numpy"], ms["kernel"], ms["hessian"], ms["read"], difference)


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def machine() -> dict[str, Any]:
    blas = next((pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"), {})
    return {
        "processor": processor(),
        "cores": _kernels.hardware_threads(),
        "load_average": os.getloadavg()[0],
        "simd_level": _kernels.simd_level(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('internal_api')} {blas.get('version')}, {blas.get('architecture')} kernels",
    }


def as_markdown(facts: dict[str, Any], timings: list[Timing]) -> str:
    lines = [
        f"{facts['processor']}, {facts['cores']} cores (load {facts['load_average']:.1f} at the start); "
        f"kernels {facts['simd_level']}; "
        f"Python {facts['python']}, NumPy {facts['numpy']} with {facts['blas']}",
        "",
        "| m x d, K | dtype | threads | NumPy ms | one pass ms | Hessian product ms | read ms | over NumPy | over read "
        "| target |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for t in timings:
        over_numpy, over_read = TARGETS[t.rows, t.features, t.classes]
        has_target = t.dtype == "float32" and t.threads == facts["cores"]
        target = f"{over_numpy:.2f}, {over_read:.1f}" if has_target else ""
        lines.append(
            f"| {t.rows:,} x {t.features}, {t.classes} | {t.dtype} | {t.threads} | {t.numpy_ms:.1f} "
            f"| {t.kernel_ms:.1f} | {t.hessian_ms:.1f} | {t.read_ms:.1f} | {t.over_numpy:.2f} | {t.over_read:.2f} "
            f"| {target} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--quick", action="store_true", help="float32 and every core only")
    parser.add_argument(
        "--processor-time", action="store_true", help="on one thread; of a machine that does other things meanwhile"
    )
    parser.add_argument("--rounds", type=int, default=15, help="timed rounds (default: %(default)s)")
    options = parser.parse_args()

    facts = machine()
    every_core = facts["cores"]
    dtypes = DTYPES[:1] if options.quick else DTYPES
    thread_counts = (every_core,) if options.quick else sorted({1, every_core})
    clock = time.perf_counter
    if options.processor_time:
        thread_counts, clock = (1,), time.process_time
    timings = [
        measure(*problem, *of_dtypes, threads, options.rounds, clock)
        for problem in PROBLEMS
        for of_dtypes in dtypes
        for threads in thread_counts
    ]
    print(as_markdown(facts, timings))
    if options.json:
        rows = [{**t._asdict(), "over_numpy": t.over_numpy, "over_read": t.over_read} for t in timings]
        options.json.write_text(json.dumps({"machine": facts, "timings": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

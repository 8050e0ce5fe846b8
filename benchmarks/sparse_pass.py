"""The pass over sparse rows beside SciPy's two products.

    python benchmarks/sparse_pass.py [--matrix FILE] [--rounds N] [--json FILE]

For each count of classes, dtype and number of threads: the median time of loss and gradient by the kernel, of a product
with the Hessian, and of X W and X^T dZ by SciPy, which leaves out what stands between them. SciPy computes in the
dtype of X, the kernel always in float64. The matrix is one like a TF-IDF of 20 Newsgroups: as many rows, columns and
entries, and columns about as unequal, as words are; FILE (of scipy.sparse.save_npz) is measured in its place.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.one_pass import interleaved_medians, machine

from chainrule.engine import SparseRows

CLASSES = (2, 5, 20)
TARGET = 0.4  # of SciPy's two products, 20 classes


def words(m: int = 11_293, d: int = 73_686, per_row: int = 195) -> Any:
    """Rows of about ``per_row`` words drawn by Zipf's law, which stand in no order, as in an alphabet."""
    rng = np.random.default_rng(0)
    frequencies = 1.0 / (8.0 + np.arange(d))
    drawn = rng.choice(d, size=m * per_row, p=frequencies / frequencies.sum())
    columns = rng.permutation(d)[drawn]
    counts = sp.csr_array((np.ones(len(columns)), (np.repeat(np.arange(m), per_row), columns)), shape=(m, d))
    counts.data = 1.0 + np.log(counts.data)
    return sp.csr_array(counts.multiply(1.0 / np.sqrt((counts * counts).sum(axis=1))[:, None]))


def measure(X: Any, classes: int, threads: int, rounds: int) -> dict[str, Any]:
    m, d = X.shape
    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=m)
    W, b, p = rng.standard_normal((d, classes)) / 10.0, np.zeros(classes), np.empty((m, classes))
    rows = SparseRows(X, labels, np.full(m, 1.0 / m), n_threads=threads)
    _, gradient, _ = rows.value_and_gradient(W, b, p)
    dZ = (p - np.eye(classes)[labels]) / m
    difference = float(np.linalg.norm(gradient - X.T @ dZ) / np.linalg.norm(gradient))
    if not difference < 1e-11:
        raise SystemExit(f"the kernel and SciPy differ: gradient {difference:.1e}")
    dtype = X.data.dtype
    narrow_W, narrow_dZ = W.astype(dtype), dZ.astype(dtype)
    ms = interleaved_medians(
        {
            "scipy": lambda: (X @ narrow_W, X.T @ narrow_dZ),
            "pass": lambda: rows.value_and_gradient(W, b, p),
            "hessian_vector": lambda: rows.hessian_vector(p, W, b),
        },
        rounds,
    )
    return {"classes": classes, "dtype": dtype.name, "threads": threads, **ms, "over_scipy": ms["pass"] / ms["scipy"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--matrix", type=Path, metavar="FILE", help="measure this matrix")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--rounds", type=int, default=15, help="timed rounds (default: %(default)s)")
    options = parser.parse_args()

    X = sp.csr_array(sp.load_npz(options.matrix)) if options.matrix else words()
    facts = machine()
    print(
        f"{facts['processor']}, {facts['cores']} cores (load {facts['load_average']:.1f} at the start); "
        f"kernels {facts['simd_level']}; {X.shape[0]:,} x {X.shape[1]:,}, {X.nnz:,} entries\n\n"
        "| K | dtype | threads | SciPy ms | pass ms | Hessian product ms | over SciPy | target |\n"
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |"
    )
    timings = []
    for classes in CLASSES:
        for dtype in (np.float64, np.float32):
            for threads in sorted({1, facts["cores"]}):
                t = measure(X.astype(dtype), classes, threads, options.rounds)
                timings.append(t)
                print(
                    f"| {classes} | {t['dtype']} | {threads} | {t['scipy']:.1f} | {t['pass']:.1f} "
                    f"| {t['hessian_vector']:.1f} | {t['over_scipy']:.2f} | {TARGET if classes == 20 else ''} |",
                    flush=True,
                )
    if options.json:
        options.json.write_text(json.dumps({"machine": facts, "timings": timings}, indent=2) + "\n")


if __name__ == "__main__":
    main()

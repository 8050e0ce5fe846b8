"""What a pass costs against rows, features and classes.

    python benchmarks/cost.py [--quick] [--json FILE] [--pictures FOLDER]

Loss and gradient of the softmax layer in float32: ours and NumPy's two products, each on one and on every core, as one
of rows, features and classes grows and the other two stay. A picture each, both axes logarithmic, beside straight
lines of slope 1: along such a line twice as much costs twice as much. Calls are run in turns, as in one_pass.py. The
least of each call's times counts, not the median: a machine that does other things disturbs long calls more than
short ones, which would bend the lines.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import threadpoolctl
from benchmarks.one_pass import NumpySoftmax, machine

from chainrule.engine import _kernels

BASE = {"rows": 4000, "features": 128, "classes": 10}
GRIDS = {
    "rows": (250, 500, 1000, 2000, 4000, 8000),
    "features": (16, 32, 64, 128, 256, 512, 1024),
    "classes": (2, 4, 8, 16, 32, 64),
}
TURN_MS = 20.0  # at least, of calls one after the other
PAUSE_S = 0.15  # until OpenBLAS's threads have gone to sleep; see one_pass.interleaved_medians
OURS, NUMPY = "chainrule", "NumPy"
COLOURS = {OURS: "#0072b2", NUMPY: "#d55e00"}  # after Okabe and Ito 2008, as in the reports
INK, MUTED = "#1b1f23", "#57606a"


class Point(NamedTuple):
    grows: str
    rows: int
    features: int
    classes: int
    by: str
    threads: int
    ms: float


def measure(
    grows: str, rows: int, features: int, classes: int, thread_counts: Sequence[int], rounds: int
) -> list[Point]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, features), dtype=np.float32)
    W = (rng.standard_normal((features, classes)) / features).astype(np.float32)
    b = np.zeros(classes, np.float32)
    labels = rng.integers(0, classes, rows)
    by_numpy = NumpySoftmax(X, W, b, labels)

    def ours(threads: int) -> Callable[[], object]:
        return lambda: _kernels.softmax_value_and_gradient(X, W, b, labels, n_threads=threads)

    # NumPy on every core comes last: its BLAS's threads spin for a while afterwards, and would take a core from others.
    calls = [((OURS, n), ours(n)) for n in thread_counts] + [((NUMPY, n), by_numpy) for n in sorted(thread_counts)]
    least = {key: math.inf for key, _ in calls}
    for _ in range(rounds):
        time.sleep(PAUSE_S)
        for key, call in calls:
            with threadpoolctl.threadpool_limits(key[1], user_api="blas"):
                spent = 0.0
                while spent < TURN_MS:
                    start = time.perf_counter()
                    call()
                    ms = 1e3 * (time.perf_counter() - start)
                    least[key] = min(least[key], ms)
                    spent += ms
    return [Point(grows, rows, features, classes, by, n, ms) for (by, n), ms in least.items()]


def slope(points: Sequence[Point]) -> float:
    """The exponent of the growth: of the straight line, least squares in the logarithms, through the upper half."""
    upper = points[len(points) // 2 :]
    sizes = [getattr(point, point.grows) for point in upper]
    return float(np.polyfit(np.log(sizes), np.log([point.ms for point in upper]), 1)[0])


def as_markdown(points: Sequence[Point]) -> str:
    lines = ["| rows | features | classes | threads | NumPy ms | one pass ms | ratio |", "| ---: " * 7 + "|"]
    found = {point[:6]: point.ms for point in points}
    for point in points:
        if point.by == OURS:
            size = point[:4]
            numpy_ms = found[(*size, NUMPY, point.threads)]
            lines.append(
                f"| {point.rows:,} | {point.features} | {point.classes} | {point.threads} "
                f"| {numpy_ms:.2f} | {point.ms:.2f} | {point.ms / numpy_ms:.2f} |"
            )
    return "\n".join(lines)


def draw(points: Sequence[Point], folder: Path, kind: str = "svg") -> None:
    """Write cost-rows, cost-features and cost-classes into a folder."""
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    look = {"font.family": "DejaVu Sans", "font.size": 10, "svg.hashsalt": "chainrule", "text.color": INK}
    with matplotlib.rc_context(look):
        for grows in dict.fromkeys(point.grows for point in points):
            figure = draw_one([point for point in points if point.grows == grows], grows)
            metadata = {"Date": None} if kind == "svg" else {}
            figure.savefig(folder / f"cost-{grows}.{kind}", facecolor="white", dpi=150, metadata=metadata)


def draw_one(points: Sequence[Point], grows: str) -> Any:
    """Return milliseconds over what grows: a curve per library and number of threads, beside lines of slope 1."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    panel = figure.subplots()
    curves = [
        [point for point in points if (point.by, point.threads) == key]
        for key in dict.fromkeys((point.by, point.threads) for point in points)
    ]
    for curve in curves:
        by, threads = curve[0].by, curve[0].threads
        sizes, ms = [getattr(point, grows) for point in curve], [point.ms for point in curve]
        one = threads == 1
        panel.plot(
            [sizes[0], sizes[-1]], [ms[-1] * sizes[0] / sizes[-1], ms[-1]], color=MUTED, lw=0.7, alpha=0.6, zorder=1
        )
        panel.plot(
            sizes,
            ms,
            color=COLOURS[by],
            marker="o",
            markersize=5.5,
            markerfacecolor="white" if one else COLOURS[by],
            linewidth=1.6,
            linestyle="--" if one else "-",
            label=f"{by}, {threads} thread{'s' * (not one)}: slope {slope(curve):.2f}",
        )
    panel.set_xscale("log")
    panel.set_yscale("log")
    sizes = [getattr(point, grows) for point in curves[0]]
    panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.xaxis.set_tick_params(which="minor", length=0)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
    others = " and ".join(f"{BASE[name]:,} {name}" for name in BASE if name != grows)
    panel.set_xlabel(f"{grows}, with {others}")
    panel.set_ylabel("ms, loss and gradient, float32")
    panel.grid(which="major", color="#e6e8eb", lw=0.8)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.plot([], [], color=MUTED, lw=0.7, alpha=0.6, label="slope 1 through the last point")
    panel.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw them here")
    parser.add_argument("--rounds", type=int, default=20, help="timed rounds (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round: does it work?")
    options = parser.parse_args()

    facts = machine()
    thread_counts = sorted({1, facts["cores"]})
    print(
        f"{facts['processor']}, {facts['cores']} cores (load {facts['load_average']:.1f} at the start); "
        f"kernels {facts['simd_level']}; NumPy {facts['numpy']} with {facts['blas']}"
    )
    points = [
        point
        for grows, sizes in GRIDS.items()
        for size in sizes
        for point in measure(
            grows, **{**BASE, grows: size}, thread_counts=thread_counts, rounds=1 if options.quick else options.rounds
        )
    ]
    print("\n" + as_markdown(points))
    if options.json:
        held = {"machine": facts, "points": [point._asdict() for point in points]}
        options.json.write_text(json.dumps(held, indent=2) + "\n")
    if options.pictures:
        draw(points, options.pictures)


if __name__ == "__main__":
    main()

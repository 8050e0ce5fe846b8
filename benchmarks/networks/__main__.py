"""Run the measurements and write one table: ``python -m benchmarks.networks [all | grid | ...] [--quick]``.

Everything goes to ``--output``: networks.json (every time of every round), networks.md, ratio.svg and epochs.svg. A
measurement run alone replaces its section there. ``publish`` puts table and pictures into docs/; ``show`` renders
again. Exit status 1 if a peer did other work than ours, memory or leak are beyond their limits, or a killed training
did not resume to the same bits.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.networks import first_fit, grid, kill, leak, memory, predict, products
from benchmarks.networks.lineup import ROOT, UnequalWork
from benchmarks.networks.machine import describe_machine
from benchmarks.networks.tables import render

MEASUREMENTS = {
    "grid": grid.run,
    "products": products.run,
    "predict": predict.run,
    "first_fit": first_fit.run,
    "memory": memory.run,
    "leak": leak.run,
    "kill": kill.run,
}
BUSY = 0.5
"""Load of the last minute above which ratios on all cores are not to be trusted."""

PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images" / "benchmarks"
PICTURES = {
    "ratio.svg": "Our epoch over the fastest peer's, by net, batch and threads",
    "epochs.svg": "Milliseconds of an epoch at batch 128, by net and peer",
}
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def measure(names: list[str], folder: Path, *, quick: bool) -> bool:
    """Run measurements into a folder; return whether everything held."""
    folder.mkdir(parents=True, exist_ok=True)
    results = load(folder)
    results["machine"] = describe_machine()
    if results["machine"]["load"] > BUSY:
        print(f"load {results['machine']['load']:.1f}: others use this machine, times will be off", file=sys.stderr)
    held = True
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)

        def save(section: dict[str, Any], name: str = name) -> None:
            results[name] = {**section, "quick": quick}
            write(results, folder)

        try:
            section = MEASUREMENTS[name](quick=quick, save=save)
        except UnequalWork as unequal:
            print(f"{name}: {unequal}", file=sys.stderr)
            held = False
            continue
        if not section.get("holds", True):
            print(f"{name}: beyond its limit, see {folder / 'networks.md'}", file=sys.stderr)
            held = False
    return held


def load(folder: Path) -> dict[str, Any]:
    path = folder / "networks.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return results


def write(results: dict[str, Any], folder: Path) -> None:
    (folder / "networks.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "networks.md").write_text(render(results))


def draw_pictures(results: dict[str, Any], folder: Path) -> None:
    from benchmarks.networks.plots import draw

    if results.get("grid", {}).get("cells"):
        draw(results["grid"]["cells"], folder)


def publish(folder: Path, page: Path = PAGE, images: Path = IMAGES) -> None:
    """Put table and pictures of a folder into the docs."""
    results = load(folder)
    if any(part.get("quick") for part in results.values() if isinstance(part, dict)):
        raise SystemExit(f"{folder} holds a quick run: its figures are not for the docs")
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    images.mkdir(parents=True, exist_ok=True)
    shown = []
    for name, words in PICTURES.items():
        shutil.copy(folder / name, images / name)
        shown.append(f"![{words}]({(images / name).relative_to(page.parent).as_posix()})")
    page.write_text("\n\n".join([before + BEGIN, *shown, render(results) + "\n" + END]) + after)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.networks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=["all"], choices=["all", *MEASUREMENTS, "show", "publish"])
    parser.add_argument("--quick", action="store_true", help="few cells, few rounds: does it work?")
    parser.add_argument("--output", type=Path, help="folder for the results (default: out/benchmarks[-quick])")
    options = parser.parse_args()
    folder = options.output or ROOT / "out" / ("benchmarks-quick" if options.quick else "benchmarks")

    names = list(MEASUREMENTS) if "all" in options.what else [name for name in options.what if name in MEASUREMENTS]
    held = measure(names, folder, quick=options.quick) if names else True
    results = load(folder)
    if not results:
        raise SystemExit(f"nothing measured in {folder} yet")
    draw_pictures(results, folder)
    write(results, folder)
    if "publish" in options.what:
        publish(folder)
    print(render(results))
    if not held:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

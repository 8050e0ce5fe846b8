"""Time to the optimum: ``python -m benchmarks.softmax [SET ...] [--quick] [--penalty ...] [--C ...] [publish]``.

Every cell (set, raw or scaled, penalty, C: see `grid`) runs in a process of its own and is kept as a file in
``--output``: a run that was broken off goes on where it was; ``--again`` measures anew. ``publish`` puts tables and
curves into docs/.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.networks.lineup import ROOT
from benchmarks.networks.machine import describe_machine, machine_line
from benchmarks.softmax.grid import CS, NOT_TRIED, SCALINGS, Place, places
from benchmarks.softmax.plots import draw
from benchmarks.softmax.problem import PENALTIES
from benchmarks.softmax.sets import QUICK, SETS
from benchmarks.softmax.solvers import SOLVERS
from benchmarks.softmax.tables import render

PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images" / "benchmarks"
BEGIN, END = "<!-- softmax: begin -->", "<!-- softmax: end -->"
LIBRARIES = ("numpy", "scikit-learn", "scikit-learn-intelex", "snapml", "skglm", "celer", "torch", "statsmodels")
FIRST_WORD = 900.0  # seconds until the optimum is known


def measure(arguments: Sequence[str], solvers: Sequence[str]) -> dict[str, Any]:
    """Run one cell in a process; a solver that does not answer is named and left out of the next try."""
    left, stuck = list(solvers), {}
    while True:
        cell, waiting_for = _attempt([*arguments, "--solvers", *left])
        if waiting_for is None:
            cell["failed"] |= stuck
            return cell
        if waiting_for not in left:
            raise SystemExit(f"{' '.join(arguments)}: {waiting_for}")
        stuck[waiting_for] = "no answer, or the process died"
        left.remove(waiting_for)


def _attempt(arguments: Sequence[str]) -> tuple[dict[str, Any], str | None]:
    """Return what a process said, and whom it was waiting for when it fell silent; None if it came to its end."""
    cell: dict[str, Any] = {"curves": {}, "ended": {}, "unable": {}, "failed": {}, "seconds": {}}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.softmax.cell", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    waiting_for: str | None = "the optimum"
    silence = FIRST_WORD
    while True:
        try:
            line = lines.get(timeout=silence)
        except queue.Empty:
            process.kill()
            return cell, waiting_for
        if line is None:
            errors = process.communicate()[1]
            if waiting_for == "the optimum":
                waiting_for = (errors.strip().splitlines() or ["no answer"])[-1]
            return cell, waiting_for
        event = json.loads(line)
        match event.pop("event"):
            case "start":
                waiting_for = event["solver"]
            case "optimum":
                cell |= event
                silence = 12.0 * event["patience"] + 120.0  # all runs of a curve; compiling
            case "curve":
                cell["curves"][event["solver"]] = event["points"]
                cell["ended"][event["solver"]] = {"how": event["ended"], "waited": event["waited"]}
            case "unable" | "failed" as kind:
                cell[kind][event["solver"]] = event["why"]
            case "times":
                cell["seconds"] = event["seconds"]
            case "defaults":
                cell["defaults"] = event["outcomes"]
            case "done":
                process.wait()
                return cell, None


def publish(text: str, pictures: Sequence[Path]) -> None:
    """Put tables and curves into the docs."""
    before, rest = PAGE.read_text().split(BEGIN)
    after = rest.split(END)[1]
    IMAGES.mkdir(parents=True, exist_ok=True)
    shown = []
    for picture in pictures:
        shutil.copy(picture, IMAGES / picture.name)
        words = f"Relative suboptimality over seconds, {picture.stem.removeprefix('softmax-')}, C = 1"
        shown.append(f"![{words}]({(IMAGES / picture.name).relative_to(PAGE.parent).as_posix()})")
    PAGE.write_text("\n\n".join([before + BEGIN, text.rstrip(), *shown, END]) + after)


def versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _set_or_order(text: str) -> str:
    if text not in (*SETS, "publish", "show"):
        raise argparse.ArgumentTypeError(f"no such set: {text!r}; there are {', '.join(SETS)}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.softmax", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", type=_set_or_order, help=f"of {', '.join(SETS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="three small sets, C = 1, a second each: does it work?")
    parser.add_argument("--penalty", nargs="*", choices=list(PENALTIES), default=list(PENALTIES))
    parser.add_argument("--C", nargs="*", type=float, choices=CS, help="of the penalised cells")
    parser.add_argument("--scaling", nargs="*", choices=SCALINGS, default=list(SCALINGS))
    parser.add_argument("--solvers", nargs="*", choices=list(SOLVERS), default=list(SOLVERS))
    parser.add_argument("--patience", type=float, help="seconds for one run (default: 12 times ours, 1 to 45; quick 1)")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the data files")
    parser.add_argument("--output", type=Path, help="folder for the results (default: out/benchmarks[-quick]/softmax)")
    parser.add_argument("--again", action="store_true", help="measure also what is there")
    options = parser.parse_args()
    folder = options.output or ROOT / "out" / ("benchmarks-quick" if options.quick else "benchmarks") / "softmax"
    folder.mkdir(parents=True, exist_ok=True)
    if options.quick:
        options.patience, options.C = options.patience or 1.0, options.C or [1.0]
    wanted = tuple(name for name in options.sets if name in SETS) or (QUICK if options.quick else SETS)
    if not {"publish", "show"} & set(options.sets):
        (folder / "machine.json").write_text(json.dumps([describe_machine(), versions()]))
        for place in places(wanted):
            in_range = place.penalty == "none" or place.C in (options.C or CS)
            if place.penalty in options.penalty and place.scaling in options.scaling and in_range:
                _keep(folder, place, options)
    cells = [json.loads(path.read_text()) for path in sorted(folder.glob("cell-*.json"))]
    cells.sort(
        key=lambda cell: (SETS.index(cell["set"]), cell["scaling"], list(PENALTIES).index(cell["penalty"]), cell["C"])
    )
    if not cells:
        raise SystemExit(f"nothing measured in {folder} yet")
    text = machine_line(*json.loads((folder / "machine.json").read_text())) + "\n\n" + render(cells)
    (folder / "softmax.md").write_text(text)
    pictures = draw(cells, folder)
    if "publish" in options.sets:
        publish(text, pictures)
    print(text)


def _keep(folder: Path, place: Place, options: argparse.Namespace) -> None:
    name, scaling, penalty, C = place
    path = folder / f"cell-{name}-{scaling}-{penalty}-{C:g}.json"
    if path.exists() and not options.again:
        return
    print(f"{name}, {scaling}, {penalty}, C={C:g} ...", file=sys.stderr, flush=True)
    arguments = [name, scaling, str(C), penalty, "--data", str(options.data), "--cache", str(folder / "data")]
    if options.patience:
        arguments += ["--patience", str(options.patience)]
    began = time.perf_counter()
    try:
        cell = measure(arguments, [solver for solver in options.solvers if solver not in NOT_TRIED.get(name, ())])
    except SystemExit as missing:
        print(missing, file=sys.stderr)
        return
    facts = {"set": name, "scaling": scaling, "penalty": penalty, "C": C, "load": os.getloadavg()[0]}
    path.write_text(json.dumps(facts | cell | {"took": time.perf_counter() - began}, indent=1) + "\n")


if __name__ == "__main__":
    main()

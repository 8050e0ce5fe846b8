"""Time to the optimum: ``python -m benchmarks.softmax [SET ...] [--quick] [--penalty ...] [--C ...] [publish]``.

Every cell (set, raw or scaled, C, penalty) runs in a process of its own and is kept as a file in ``--output``: a run
that was broken off goes on where it was; ``--again`` measures anew. ``publish`` puts tables and curves into docs/.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.networks.lineup import ROOT
from benchmarks.networks.machine import describe_machine, machine_line
from benchmarks.softmax.plots import draw
from benchmarks.softmax.problem import PENALTIES
from benchmarks.softmax.sets import QUICK, SETS
from benchmarks.softmax.solvers import SOLVERS
from benchmarks.softmax.tables import render

PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images" / "benchmarks"
BEGIN, END = "<!-- softmax: begin -->", "<!-- softmax: end -->"
SCALINGS = ("raw", "scaled")
CS = (0.01, 1.0, 100.0)
LIBRARIES = ("numpy", "scikit-learn", "scikit-learn-intelex", "snapml", "skglm", "celer", "torch")


def measure(arguments: Sequence[str], solvers: Sequence[str], patience: float) -> dict[str, Any]:
    """Run one cell in a process; a solver that does not answer is named and left out of the next try."""
    left, stuck = list(solvers), {}
    while True:
        cell, waiting_for = _attempt([*arguments, "--patience", str(patience), "--solvers", *left], patience)
        if waiting_for is None:
            cell["failed"] |= stuck
            return cell
        if waiting_for not in left:
            raise SystemExit(f"{' '.join(arguments)}: {waiting_for}")
        stuck[waiting_for] = "no answer, or the process died"
        left.remove(waiting_for)


def _attempt(arguments: Sequence[str], patience: float) -> tuple[dict[str, Any], str | None]:
    """Return what a process said, and whom it was waiting for when it fell silent; None if it came to its end."""
    cell: dict[str, Any] = {"curves": {}, "unable": {}, "failed": {}, "seconds": {}}
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
    while True:
        try:
            line = lines.get(timeout=10.0 * patience + 60.0)
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
            case "curve":
                cell["curves"][event["solver"]] = event["points"]
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


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.softmax", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=[], choices=[*SETS, "publish", "show"], help="default: all")
    parser.add_argument("--quick", action="store_true", help="three small sets, little patience: does it work?")
    parser.add_argument("--penalty", nargs="*", choices=list(PENALTIES), default=list(PENALTIES))
    parser.add_argument("--C", nargs="*", type=float, default=list(CS))
    parser.add_argument("--scaling", nargs="*", choices=SCALINGS, default=list(SCALINGS))
    parser.add_argument("--solvers", nargs="*", choices=list(SOLVERS), default=list(SOLVERS))
    parser.add_argument("--patience", type=float, help="seconds for one solver's curve (default: 20, quick 2)")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the data files")
    parser.add_argument("--output", type=Path, help="folder for the results (default: out/benchmarks[-quick]/softmax)")
    parser.add_argument("--again", action="store_true", help="measure also what is there")
    options = parser.parse_args()
    folder = options.output or ROOT / "out" / ("benchmarks-quick" if options.quick else "benchmarks") / "softmax"
    patience = options.patience or (2.0 if options.quick else 20.0)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in options.sets if name in SETS] or list(QUICK if options.quick else SETS)
    if not {"publish", "show"} & set(options.sets):
        (folder / "machine.json").write_text(json.dumps([describe_machine(), versions()]))
        for name in wanted:
            for scaling in options.scaling:
                for penalty in options.penalty:
                    for C in options.C:
                        _keep(folder, name, scaling, penalty, C, options, patience)
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


def _keep(folder: Path, name: str, scaling: str, penalty: str, C: float, options: Any, patience: float) -> None:
    path = folder / f"cell-{name}-{scaling}-{penalty}-{C:g}.json"
    if path.exists() and not options.again:
        return
    print(f"{name}, {scaling}, {penalty}, C={C:g} ...", file=sys.stderr, flush=True)
    arguments = [name, scaling, str(C), penalty, "--data", str(options.data), "--cache", str(folder / "data")]
    try:
        cell = measure(arguments, options.solvers, patience)
    except SystemExit as missing:
        print(missing, file=sys.stderr)
        return
    facts = {"set": name, "scaling": scaling, "penalty": penalty, "C": C, "load": os.getloadavg()[0]}
    path.write_text(json.dumps(facts | cell, indent=1) + "\n")


if __name__ == "__main__":
    main()

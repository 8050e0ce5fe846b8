"""What it costs to start: imports and cold commands, each in new processes, medians.

python benchmarks/start.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNS = 7
COMMAND = [sys.executable, "-m", "chainrule"]


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        penguins = str(ROOT / "examples" / "penguins.csv")
        model = str(Path(folder) / "penguins.chainrule")
        subprocess.run(
            [*COMMAND, "train", penguins, "--target", "species", "--output", model], check=True, capture_output=True
        )
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import numpy": [sys.executable, "-c", "import numpy"],
            "import chainrule": [sys.executable, "-c", "import chainrule"],
            "import chainrule.engine": [sys.executable, "-c", "import chainrule.engine"],
            "import sklearn.linear_model": [sys.executable, "-c", "import sklearn.linear_model"],
            "chainrule --help": [*COMMAND, "--help"],
            "chainrule predict (penguins)": [*COMMAND, "predict", model, penguins, "--output", f"{folder}/p.csv"],
            "chainrule train (penguins)": [*COMMAND, "train", penguins, "--target", "species", "--output", model],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():  # interleaved, so that a slow moment hits all
                times[name].append(seconds(command))
    print(f"| process, cold, median of {RUNS} | s |")
    print("| --- | --- |")
    for name, values in times.items():
        print(f"| {name} | {statistics.median(values):.3f} |")
    bare = statistics.median(times["python -c pass"])
    ours = statistics.median(times["import chainrule.engine"]) - bare
    numpys = statistics.median(times["import numpy"]) - bare
    print(f"\nimport chainrule.engine over import numpy: {ours / numpys:.2f}")


if __name__ == "__main__":
    main()

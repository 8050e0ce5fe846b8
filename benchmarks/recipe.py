"""The recipe of ``chainrule train --hidden 256,128``, ours and PyTorch's: ``python -m benchmarks.recipe FILE.npz ...``.

A file holds X (m, d), y (m,) and split (m,): 0 for rows to train on, 1 for those to judge by. Both train on the same
features from the same start: adamw on a one-cycle schedule, dropout, a tenth of the training rows watched, the epoch
with the lowest loss there taken. Printed are the accuracy on the rows to judge by and the seconds of the training
alone, each in a process of its own, one after the other.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from math import inf
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

import chainrule
from chainrule import NetworkRecipe
from chainrule.graph import initialize
from chainrule.training import hold_out

RECIPE = NetworkRecipe({"hidden_layer_sizes": (256, 128)})


def load(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to train on and those to judge by, with the column "label"."""
    data = np.load(path, allow_pickle=False)
    frame = pd.DataFrame(data["X"], columns=[f"x{j}" for j in range(data["X"].shape[1])]).assign(label=data["y"])
    return frame[data["split"] == 0], frame[data["split"] == 1]


def ours(path: Path) -> tuple[float, float]:
    """Return accuracy and seconds."""
    trained_on, judged_by = load(path)
    model = chainrule.train(trained_on, "label", options=RECIPE, test_size=0.0)
    right = model.predict(judged_by.drop(columns="label")) == judged_by["label"].to_numpy()
    return float(right.mean()), float(model.record["fit"]["seconds"])


def pytorch(path: Path) -> tuple[float, float]:
    """Return accuracy and seconds of the same recipe: an epoch's rows gathered at once, a fused update."""
    import torch
    from benchmarks.networks.peers.pytorch import load_layers
    from torch import nn

    trained_on, judged_by = load(path)
    tiny = NetworkRecipe({**RECIPE.chosen, "max_iter": 1, "early_stopping": False})
    model = chainrule.train(trained_on, "label", options=tiny, test_size=0.0)  # for its encoding and its graph
    X, X_judged = (model.transform(rows.drop(columns="label")) for rows in (trained_on, judged_by))
    y, y_judged = (np.searchsorted(model.classes, rows["label"]) for rows in (trained_on, judged_by))

    options = RECIPE.options(len(y))
    sizes = (X.shape[1], *options.hidden_layer_sizes, len(model.classes))
    layers: list[nn.Module] = []
    for n_in, n_out, rate in zip(sizes, sizes[1:], [*options.dropout_rates, None], strict=False):
        layers += [nn.Linear(n_in, n_out)] + ([] if rate is None else [nn.ReLU(), nn.Dropout(rate)])
    net = nn.Sequential(*layers)
    load_layers(net, initialize(model.graph, options.initialization, options.seed), sizes)
    weights = [p for p in net.parameters() if p.ndim > 1]
    biases = [p for p in net.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": options.weight_decay}, {"params": biases, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate_init, fused=True)

    began = time.perf_counter()
    rows, watched = hold_out(X, y, options)
    inputs, labels = torch.from_numpy(X[rows]), torch.from_numpy(y[rows])
    X_watched, y_watched = torch.from_numpy(watched.X), torch.from_numpy(watched.labels)
    n_steps = -(-len(rows) // options.batch_size) * options.max_iter
    factors = iter(options.made_schedule.factors(np.arange(n_steps), n_steps))
    best_loss, best = inf, {}
    for _ in range(options.max_iter):
        net.train()
        order = torch.randperm(len(inputs))
        batches = zip(inputs[order].split(options.batch_size), labels[order].split(options.batch_size), strict=True)
        for batch, of_batch in batches:
            rate = options.learning_rate_init * next(factors)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(batch), of_batch).backward()
            optimizer.step()
        net.eval()
        with torch.inference_mode():
            loss = nn.functional.cross_entropy(net(X_watched), y_watched).item()
        if loss < best_loss:
            best_loss, best = loss, {name: value.clone() for name, value in net.state_dict().items()}
    seconds = time.perf_counter() - began
    net.load_state_dict(best)
    with torch.inference_mode():
        right = net(torch.from_numpy(X_judged)).argmax(dim=1).numpy() == y_judged
    return float(right.mean()), seconds


CONTENDERS: dict[str, Callable[[Path], tuple[float, float]]] = {"chainrule": ours, "PyTorch": pytorch}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recipe", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz")
    print("| data | trained by | accuracy | s |\n| --- | --- | ---: | ---: |")
    for path in parser.parse_args().files:
        for name, contender in CONTENDERS.items():
            with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                try:
                    accuracy, seconds = alone.submit(contender, path).result()
                except ImportError as missing:
                    print(f"| {path.stem} | {name} | {missing} | |", flush=True)
                    continue
            print(f"| {path.stem} | {name} | {accuracy:.4f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()

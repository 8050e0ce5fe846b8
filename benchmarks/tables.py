"""From a table to held-out accuracy: chainrule beside a scikit-learn pipeline, on the same rows.

The pipeline is the usual one: median and StandardScaler for numbers, most frequent and OneHotEncoder for the rest,
LogisticRegression fitted until it converges. Both read the same file, train on the same rows and are judged on the
same others. Log-loss in nats.

    python benchmarks/tables.py                   the bundled penguins
    python benchmarks/tables.py --data DIR        also the tables of DIR that are named below, where they exist
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule import train
from chainrule.tables import learn_labels, read_table
from chainrule.training import split_rows

PENGUINS = Path(__file__).parent.parent / "examples" / "penguins.csv"
LEAKS = ("year", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "time_hour")
TABLES = {
    "penguins.csv": ("species", ()),
    "german_credit.parquet": ("credit_risk", ()),
    "wa_churn.parquet": ("churn", ()),
    "diamonds_cut.parquet": ("cut", ()),
    "nycflights13.parquet": ("arr_status", LEAKS),
}


def run_ours(path: Path, target: str, drop: tuple[str, ...], seed: int) -> dict[str, float]:
    began = time.perf_counter()
    model = train(path, target, drop=drop, seed=seed)
    seconds = time.perf_counter() - began
    held_out = model.record["evaluation"]
    return {
        "accuracy": held_out["accuracy"],
        "log_loss": held_out["log_loss"],
        "seconds": seconds,
        "features": model.n_features,
    }


def run_peer(path: Path, target: str, drop: tuple[str, ...], seed: int) -> dict[str, float]:
    _, y, known = learn_labels(read_table(path)[target])
    split = split_rows(y, 0.2, seed)
    began = time.perf_counter()
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    rows = frame[known].drop(columns=[target, *drop])
    numbers = [name for name in rows if pd.api.types.is_numeric_dtype(rows[name])]
    encode = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (
                "names",
                make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
                [name for name in rows if name not in numbers],
            ),
        ]
    )
    rows[[name for name in rows if name not in numbers]] = rows[[name for name in rows if name not in numbers]].astype(
        object
    )
    classifier = LogisticRegression(max_iter=10_000, tol=1e-5)
    pipeline = make_pipeline(encode, classifier)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        pipeline.fit(rows.iloc[split.train], y[split.train])
    p = pipeline.predict_proba(rows.iloc[split.test])
    seconds = time.perf_counter() - began
    return {
        "accuracy": float(accuracy_score(y[split.test], p.argmax(axis=1))),
        "log_loss": float(log_loss(y[split.test], p, labels=np.arange(p.shape[1]))),
        "seconds": seconds,
        "features": int(classifier.n_features_in_),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the tables")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    run_ours(PENGUINS, "species", (), 0)  # warm both up: imports are another benchmark's
    run_peer(PENGUINS, "species", (), 0)
    results = {}
    print("| table | accuracy | scikit-learn | log-loss | scikit-learn | features | scikit-learn | s | scikit-learn |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (target, drop) in TABLES.items():
        path = PENGUINS if name == PENGUINS.name else (arguments.data or Path()) / name
        if not path.exists():
            continue
        ours = run_ours(path, target, drop, arguments.seed)
        peer = run_peer(path, target, drop, arguments.seed)
        results[name] = {"chainrule": ours, "scikit-learn": peer}
        print(
            f"| {path.stem} | {ours['accuracy']:.4f} | {peer['accuracy']:.4f} | {ours['log_loss']:.4f} | "
            f"{peer['log_loss']:.4f} | {ours['features']} | {peer['features']} | {ours['seconds']:.2f} | "
            f"{peer['seconds']:.2f} |",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

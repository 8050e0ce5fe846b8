"""R's glmnet, in an R that stays: its start, and the reading of the rows, are paid once."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.softmax.problem import Problem


class NoGlmnet(Exception):  # noqa: N818 - an outcome that the table names
    """There is no R, or it failed; the message says how."""


# Twenty values of lambda on the way, as glmnet's authors advise; timed by R, without reading and writing.
SERVE = """
suppressMessages(library(glmnet)); input <- file("stdin", "r"); held <- ""
while (length(line <- readLines(input, 1)) > 0) {
  a <- strsplit(line, " ")[[1]]; f <- a[1]; n <- as.numeric(a[-1])
  read <- function(name, kind, count) readBin(file.path(f, name), kind, count)
  if (f != held) {
    X <- if (n[7] > 0) Matrix::sparseMatrix(i = read("i", "integer", n[7]), p = read("p", "integer", n[2] + 1),
      x = read("X", "double", n[7]), dims = n[1:2], index1 = FALSE) else
      matrix(read("X", "double", n[1] * n[2]), n[1], n[2])
    y <- factor(read("y", "integer", n[1])); held <- f
  }
  said <- tryCatch({
    lambda <- exp(seq(log(max(n[4] * 1e4, 1)), log(n[4]), length.out = 20))
    start <- as.numeric(Sys.time())
    fit <- glmnet(X, y, family = if (n[3] > 2) "multinomial" else "binomial", alpha = n[5],
      lambda = lambda, standardize = FALSE, thresh = n[6], maxit = 1e7)
    t <- as.numeric(Sys.time()) - start
    b <- coef(fit, s = n[4]); if (!is.list(b)) b <- list(b)
    writeBin(as.vector(sapply(b, function(k) c(as.vector(k), t))), file.path(f, "found")); "done"
  }, error = function(e) conditionMessage(e))
  cat(gsub("\n", " ", said), "\n"); flush(stdout())
}
"""


class _R:
    """A process that reads a line for each problem, and answers with one."""

    def __init__(self) -> None:
        if shutil.which("Rscript") is None:
            raise NoGlmnet("not installed (R)")
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            ["Rscript", "-e", SERVE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.problems: dict[int, tuple[Problem, Path]] = {}
        atexit.register(self.close)

    def ask(self, line: str) -> None:
        """Return once R has done it."""
        assert self.process.stdin and self.process.stdout and self.process.stderr
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            said = self.process.stdout.readline().strip()
        except BaseException:
            self.close()  # it is still at the last problem
            raise
        if said != "done":
            if not said:
                said = (self.process.stderr.read().strip().splitlines() or ["R died"])[-1]
                self.close()
            raise NoGlmnet(said)

    def rows_of(self, problem: Problem) -> Path:
        """Return the folder with the problem's rows, written once."""
        if id(problem.X) in self.problems:
            return self.problems[id(problem.X)][1]
        folder = Path(self.folder.name) / str(len(self.problems))
        folder.mkdir()
        if problem.is_sparse:
            columns = problem.X.tocsc()
            columns.indices.astype(np.int32).tofile(folder / "i")
            columns.indptr.astype(np.int32).tofile(folder / "p")
            columns.data.astype(np.float64).tofile(folder / "X")
        else:
            problem.doubles.ravel(order="F").tofile(folder / "X")
        problem.y.astype(np.int32).tofile(folder / "y")
        self.problems[id(problem.X)] = problem, folder  # held, so that the id stays its own
        return folder

    def close(self) -> None:
        global _r
        _r = None
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()


_r: _R | None = None


def solve_by_glmnet(problem: Problem, thresh: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return coefficients, intercepts and R's own seconds."""
    global _r
    _r = _r or _R()
    folder = _r.rows_of(problem)
    m, d = problem.X.shape
    held = problem.X.nnz if problem.is_sparse else 0
    facts = [m, d, problem.n_classes, 1.0 / (problem.C * m), problem.l1_ratio, thresh, held]
    _r.ask(" ".join(map(str, [folder, *facts])))
    found = np.fromfile(folder / "found").reshape(-1, d + 2)
    return found[:, 1:-1], found[:, 0], float(found[0, -1])

"""The compiled kernels. Sources: native/bindings/ and what it includes.

Conventions: ``X`` (m, d) is float32 or float64 in any layout (read-only arrays, slices, Fortran order, negative
and zero strides). The softmax kernels compute in the dtype of ``W`` or ``V``, in which ``b``, ``vb`` and results
come too: that of ``X``, or float64 for float32 rows; probabilities that a kernel is given are float64. ``labels``
(m,) is int64, ``weights`` (m,) float64 or None (each row weighs 1). Sums over rows are float64 and not divided by
anything. They are the same to the last bit whatever ``n_threads`` is (0: ``hardware_threads()``), but not the same on
another SIMD level. The GIL is released while a kernel runs.

With ``reference_logit`` the columns of ``W`` are the classes 1, 2, ... and class 0 has the logit 0: one column is
the "two classes as one logit" case.

A wrong shape or dtype or a label out of range raises ValueError, what is not an array TypeError. NaN and infinity
are let through and make the results they touch NaN (a weight of 0 does not hide them). A single class has
probability 1 and loss 0 whatever the row.
"""

from __future__ import annotations

from typing import Any

from chainrule._typing import Float64Array, FloatArray, IntArray

def softmax_value_and_gradient(
    X: FloatArray,
    W: FloatArray,
    b: FloatArray,
    labels: IntArray,
    weights: Float64Array | None = None,
    *,
    n_threads: int = 0,
    probabilities: FloatArray | None = None,
    reference_logit: bool = False,
    label_smoothing: float = 0.0,
) -> tuple[float, Float64Array, Float64Array]:
    """Sum over rows of weight * cross-entropy (nats), its gradients dW (d, K) and db (K,), in one pass over X.

    ``label_smoothing`` e replaces the one-hot target by (1 - e) onehot + e / n_classes. ``probabilities``
    (m, n_classes), if given, is filled with the model's probabilities; (m, n_classes - 1) leaves class 0 out.
    """

def softmax_hessian_vector(
    X: FloatArray,
    probabilities: Float64Array,
    weights: Float64Array | None,
    V: FloatArray,
    vb: FloatArray,
    *,
    n_threads: int = 0,
    reference_logit: bool = False,
) -> tuple[Float64Array, Float64Array]:
    """The loss's Hessian times the direction (V, vb): (d, K) and (K,), in one pass over X.

    Per row: u = x V + vb, dz = weight * p * (u - sum_k p_k u_k); the result is the sum of x dz^T and of dz.
    ``probabilities`` is (m, n_classes) or, without class 0, (m, n_classes - 1).
    """

def softmax_probabilities(
    X: FloatArray,
    W: FloatArray,
    b: FloatArray,
    *,
    n_threads: int = 0,
    reference_logit: bool = False,
) -> FloatArray:
    """softmax(X W + b): (m, n_classes)."""

def softmax_logits(X: FloatArray, W: FloatArray, b: FloatArray, *, n_threads: int = 0) -> FloatArray:
    """X W + b: (m, K)."""

def weighted_gram(
    X: FloatArray,
    means: Float64Array,
    weights: Float64Array,
    shares: Float64Array,
    *,
    pairs: IntArray | None = None,
    intercept: bool = False,
    diagonals: bool = False,
    single: bool = False,
    n_threads: int = 0,
) -> Float64Array:
    """Weighted Gram matrices of the rows c_i = x_i - means (d,), with ``intercept`` followed by a 1.

    Block b (width, width) is sum_i shares_i h_ib c_i c_i^T; without ``pairs`` h_ib is ``weights[i, b]``, with
    ``pairs`` (n_blocks, 2), weights being probabilities p, it is p_ik (1 - p_ik) for the pair (k, k) and -p_ik p_il for
    (k, l). Returns (n_blocks, width, width), or with ``diagonals`` just these, (width, n_blocks). ``single`` adds up
    float32 rows in float32.
    """

class Cholesky:
    """A symmetric positive semi-definite matrix (n, n), float32 or float64, factored with its rows scaled.

    As little is added to its diagonal as lets it be factored; only the upper triangle is read.
    """

    def __init__(self, system: FloatArray, *, n_threads: int = 0) -> None: ...
    def solve(self, residual: Float64Array) -> Float64Array:
        """Return the solution for right-hand sides (n,) or (n, n_columns)."""

class SoftmaxSystem:
    """The softmax classifier's penalised Hessian, factored, in float32 if it is to be ``single``.

    ``blocks`` (n_pairs, width, width) are those of the classes (0, 0), (1, 0), (1, 1), (2, 0), ..., the last one of
    several left out; ``added`` (width,) comes to the diagonal of each class. ``width`` is ``n_features`` or, with an
    intercept, one more.
    """

    def __init__(
        self,
        blocks: Float64Array,
        added: Float64Array,
        *,
        n_features: int,
        n_outputs: int,
        single: bool = False,
        n_threads: int = 0,
    ) -> None: ...
    def solve(self, residual: Float64Array) -> Float64Array:
        """Return the step for a residual, both (width * n_outputs,), row by row of W and then the intercept."""

def softmax_hessian(
    X: FloatArray,
    means: Float64Array,
    probabilities: Float64Array,
    shares: Float64Array,
    columns: IntArray,
    classes: IntArray,
    *,
    n_threads: int = 0,
) -> Float64Array:
    """The loss's Hessian among coefficients: entry e is that of column ``columns[e]`` and class ``classes[e]``.

    Columns are X - means (d,), column d is a 1, for the intercept. Returns (n, n): the sum over rows of
    shares_i p_ik ([k = l] - p_il) c_ie c_if, k and l the classes of e and f.
    """

def minimise_l1_quadratic(
    hessian: Float64Array,
    damping: Float64Array,
    gradient: Float64Array,
    start: Float64Array,
    l1: Float64Array,
    *,
    accuracy: float,
    most: float,
) -> tuple[Float64Array, Float64Array]:
    """Minimise gradient . step + step (H + diag(damping)) step / 2 + sum_j l1_j |start_j + step_j|.

    Returns step (n,) and the quadratic's slope there (n,). No coordinate alone can gain more than ``accuracy`` times
    the decrease at ``step``, unless that is more than ``most``. Coordinates end on zero exactly.
    """

class SparseRowsAndColumns:
    """A sparse matrix (m, d) and its transpose, both as compressed rows: (indptr, indices, data), checked here once.

    indptr and indices are int32, or int64; data is float32 or float64; arrays are contiguous and must not be changed
    while this lives. Indices may come in any order, and more than once: then their entries add up. The methods are the
    functions above for such rows, in float64 arithmetic.
    """

    def __init__(
        self,
        indptr: IntArray,
        indices: IntArray,
        data: FloatArray,
        column_indptr: IntArray,
        row_indices: IntArray,
        column_data: FloatArray,
        n_threads: int = 0,
    ) -> None: ...
    def value_and_gradient(
        self,
        W: Float64Array,
        b: Float64Array,
        labels: IntArray,
        weights: Float64Array | None = None,
        *,
        n_threads: int = 0,
        probabilities: Float64Array | None = None,
        reference_logit: bool = False,
        label_smoothing: float = 0.0,
    ) -> tuple[float, Float64Array, Float64Array]: ...
    def hessian_vector(
        self,
        probabilities: Float64Array,
        weights: Float64Array | None,
        V: Float64Array,
        vb: Float64Array,
        *,
        n_threads: int = 0,
        reference_logit: bool = False,
    ) -> tuple[Float64Array, Float64Array]: ...
    def minimise_l1(
        self,
        means: Float64Array,
        probabilities: Float64Array,
        shares: Float64Array,
        columns: IntArray,
        classes: IntArray,
        gradient: Float64Array,
        start: Float64Array,
        l1: Float64Array,
        l2: Float64Array,
        damping: Float64Array,
        *,
        accuracy: float,
        most: float,
        n_threads: int = 0,
    ) -> tuple[Float64Array, float]:
        """Minimise gradient . step + step (H + diag(l2 + damping)) step / 2 + sum_e l1_e |start_e + step_e|.

        H is `softmax_hessian` among the same entries, never made: coordinate descent goes through the columns' entries.
        All else (n,), but for means (d,), probabilities (m, K) and shares (m,); where there are means other than 0,
        every class's intercept is among the entries. Ends as `minimise_l1_quadratic` does. Returns step and
        step (H + diag(l2)) step.
        """

    def probabilities(
        self, W: Float64Array, b: Float64Array, *, n_threads: int = 0, reference_logit: bool = False
    ) -> Float64Array: ...

def sparse_product(
    indptr: IntArray, indices: IntArray, data: FloatArray, dense: Float64Array, n_threads: int = 0
) -> Float64Array:
    """A sparse matrix of compressed rows times ``dense`` (n, k): (m, k)."""

def read_sum(X: FloatArray, n_threads: int = 0) -> float:
    """Sum a C-contiguous array as fast as memory delivers it: what benchmarks compare one pass with."""

def simd_level() -> str:
    """Name the instruction set in use: "v2", "v3", "v4" (x86-64 levels) or "generic". CHAINRULE_SIMD forces one."""

def hardware_threads() -> int:
    """The threads meant by ``n_threads=0``: CHAINRULE_NUM_THREADS, or the cores this process may use."""

class ProgramFloat32:
    """A network's instructions; see native/program/program.hpp. All of its arrays of numbers are float32."""

    def __init__(
        self,
        *,
        forward: list[tuple[list[int], float]],
        backward: list[tuple[list[int], float]],
        reductions: list[tuple[list[int], float]],
        fixed_forward: list[tuple[list[int], float]],
        fixed_backward: list[tuple[list[int], float]],
        losses: list[tuple[float, bool, bool, list[float], float]],
        parameters: list[tuple[int, int, int, float, bool]],
        data_columns: list[int],
        output: list[int],
        arena_columns: int,
        fixed_size: int,
        n_parameters: int,
    ) -> None:
        """Take instructions over; they are trusted, only `chainrule.engine.program` makes them."""

    def predict(self, parameters: FloatArray, rows: Any, n_threads: int = 0) -> FloatArray:
        """Return the output of rows (m, d): an array, (values, columns, row_starts), or a list of these."""

    def value_and_gradient(
        self,
        parameters: FloatArray,
        rows: Any,
        labels: IntArray | FloatArray,
        weights: Float64Array | None,
        gradient: FloatArray,
        seed_and_step: tuple[int, int] | None,
        n_threads: int = 0,
    ) -> float:
        """Return the loss; ``gradient`` (P,) is filled."""

class ProgramFloat64(ProgramFloat32):
    """The same in float64."""

class TrainingFloat32:
    """A program with what it trains on; ``parameters`` (P,) and ``slots`` (n_slots, P) move with every step."""

    def __init__(
        self,
        *,
        program: ProgramFloat32,
        rows: Any,
        labels: IntArray | FloatArray,
        weights: Float64Array | None,
        parameters: FloatArray,
        slots: FloatArray,
        rule: dict[str, Any],
        batch_size: int,
        seed: int,
        n_threads: int,
    ) -> None:
        """Keep the arrays; what they hold may change, but for ``labels``."""

    def steps(
        self, order: IntArray, first_batch: int, learning_rates: Float64Array, step: int, losses: Float64Array
    ) -> int:
        """Take a step per learning rate; return how many were taken, their losses in ``losses``."""

class TrainingFloat64(TrainingFloat32):
    """The same in float64."""

def first_nonfinite_row(X: FloatArray, n_threads: int = 0) -> int:
    """Find the first row of X (m, d) with a NaN or an infinity; -1 if there is none."""

def permutation(n: int, seed: int, epoch: int) -> IntArray:
    """Order n rows at random: a function of seed and epoch."""

def uniform(seed: int, stream: int, step: int, n: int) -> Float64Array:
    """Draw n uniform numbers in [0, 1): those that dropout number ``stream`` uses in a step."""

// What the compiled levels (kernels/level.cpp) and the driver (softmax_pass.cpp) say to each other. Plain data only:
// every level includes this header with other compiler flags, so it must not define anything the linker could merge.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chainrule {

using Index = std::ptrdiff_t;

// Which row-wise function stands between the product X W + b and the product X^T dZ.
enum class RowFunction {
    kCrossEntropy,    // logits -> dZ = w (p - y), loss; probabilities if asked for
    kHessianProduct,  // u = x V + v -> dZ = w p (u - sum_k p_k u_k)
    kProbabilities,   // logits -> p; no product X^T dZ
    kLogits,          // logits as they are; no product X^T dZ
};

// Sizes of one pass, a function of the problem and the vector width alone (never of the number of threads).
struct PassShape {
    Index n_rows = 0;
    Index n_features = 0;
    Index n_outputs = 0;      // columns of the products: classes but for the reference class, whose logit is 0
    Index n_classes = 0;      // n_outputs + 1, or n_outputs for kLogits
    Index width = 0;          // features as the kernel sees them: padded with zeros if rows are packed
    Index block_rows = 0;     // rows per block; a multiple of the lanes
    Index packed_stride = 0;  // distance of packed rows; 0 if rows are read where they are
};

// A matrix of the caller: element (i, j) at data[i * row_stride + j * column_stride].
template <class T>
struct Matrix {
    T* data = nullptr;
    Index row_stride = 0;
    Index column_stride = 0;
};

// Everything one pass reads, and the caller's outputs with one row per row of X.
template <class T>
struct SoftmaxPass {
    RowFunction function = RowFunction::kCrossEntropy;
    bool has_gradient = false;  // the first two of RowFunction
    PassShape shape;
    Matrix<const T> rows;
    Matrix<const float> narrow_rows;    // instead of rows: converted as they are read
    const T* packed_weights = nullptr;  // see pack_weights in softmax_pass.cpp
    const T* bias = nullptr;            // (n_outputs,)
    const std::int64_t* labels = nullptr;
    Index label_stride = 0;
    const double* weights = nullptr;  // nullptr: every row weighs 1
    Index weight_stride = 0;
    T label_smoothing = 0;
    Matrix<const double> given_probabilities;  // kHessianProduct: (n_rows, n_outputs), without the reference class
    Matrix<T> row_output;                      // (n_rows, output_columns), the last columns of the classes; or no data
    Index output_columns = 0;
};

// Where one chunk of rows leaves its sums.
struct ChunkSums {
    double* weight_sums = nullptr;  // (n_outputs, whole vectors of features): sum over rows of dZ^T X; see backward()
    double* bias_sums = nullptr;    // (n_outputs,)
    double loss = 0.0;
    Index bad_label_row = -1;  // the first row whose label is out of range
};

template <class T>
struct SoftmaxKernels {
    int lanes = 0;
    int max_class_tile = 0;
    // Bytes of scratch that run_rows needs, 64-byte aligned.
    std::size_t (*scratch_bytes)(const SoftmaxPass<T>&) = nullptr;
    // Rows first .. last of the pass, in blocks; adds nothing up but its own sums.
    void (*run_rows)(const SoftmaxPass<T>&, Index first, Index last, void* scratch, ChunkSums&) = nullptr;
    // The sum of n neighbours, as fast as memory delivers them: the yardstick of the benchmarks.
    double (*read_sum)(const T*, Index n) = nullptr;
};

// The classes are cut in tiles of at most max_tile whose sizes differ by at most one.
static inline Index class_tile_count(Index n_outputs, Index max_tile) { return (n_outputs + max_tile - 1) / max_tile; }
static inline Index class_tile_begin(Index tile, Index n_outputs, Index n_tiles) { return tile * n_outputs / n_tiles; }

}  // namespace chainrule

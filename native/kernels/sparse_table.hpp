// What the compiled levels (kernels/sparse.hpp) and the driver (sparse_pass.cpp) say to each other. Plain data only:
// every level includes this header with other compiler flags, so it must not define anything the linker could merge.
#pragma once

#include "softmax_table.hpp"

namespace chainrule {

// Compressed rows: row i holds data[p] in column indices[p] for starts[i] <= p < starts[i + 1].
template <class Value, class Position>
struct SparseMatrix {
    const Position* starts = nullptr;   // (n_rows + 1,)
    const Position* indices = nullptr;
    const Value* data = nullptr;
};

// A matrix of rows `stride` numbers apart.
struct Padded {
    double* data = nullptr;
    Index stride = 0;
};

template <class Value, class Position>
struct SparseKernels {
    // out(i - first, :) = bias + sum_p data[p] dense(indices[p], :) for rows first .. last; bias (stride,) or nullptr.
    // dense and out have rows of whole vectors, or both of one number.
    void (*multiply)(const SparseMatrix<Value, Position>&, Index first, Index last, Padded dense, const double* bias,
                     Padded out) = nullptr;
};

struct SparseRowFunctions {
    int lanes = 0;
    std::size_t (*scratch_bytes)(const SoftmaxPass<double>&) = nullptr;
    // Rows first .. last of the logits become dZ, in place, where the pass has a gradient; see RowFunction.
    void (*apply)(const SoftmaxPass<double>&, Padded logits, Index first, Index last, void* scratch,
                  ChunkSums&) = nullptr;
};

}  // namespace chainrule

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

// Dense rows, `stride` numbers apart: `columns` neighbours, which are one, or at least a vector.
template <class T>
struct DenseRows {
    T* data = nullptr;
    Index stride = 0;
    Index columns = 0;
};

template <class Value, class Position>
struct SparseKernels {
    // out(i - first, :) = bias + sum_p data[p] dense(indices[p], :) for rows first .. last; bias (stride,) or nullptr.
    void (*multiply)(const SparseMatrix<Value, Position>&, Index first, Index last, DenseRows<const double> dense,
                     const double* bias, DenseRows<double> out) = nullptr;
};

struct SparseRowFunctions {
    int lanes = 0;
    std::size_t (*scratch_bytes)(const SoftmaxPass<double>&) = nullptr;
    // Rows first .. last of the logits become dZ, in place, where the pass has a gradient; see RowFunction. With
    // has_reference they begin with the reference class's.
    void (*apply)(const SoftmaxPass<double>&, DenseRows<double> logits, bool has_reference, Index first, Index last,
                  void* scratch, ChunkSums&) = nullptr;
};

}  // namespace chainrule

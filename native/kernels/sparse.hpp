// The softmax layer over compressed sparse rows.
//
// Both products are of a sparse matrix with a dense one of few columns: Z = X W by the rows of X, X^T dZ by its columns,
// which a transposed copy holds as rows. So no two threads write to the same place, and sums have one order. (Scattering
// X^T dZ from the rows themselves would read X once only, but wait for what it adds to: no faster even for one column.)
#pragma once

#include "softmax.hpp"
#include "sparse_table.hpp"

namespace chainrule::CHAINRULE_LEVEL {

constexpr Index kAhead = 16;  // entries whose dense rows are called into cache beforehand

// V vectors of columns from `column` on.
template <int V, class Value, class Position>
CHAINRULE_TILE multiply_columns(const SparseMatrix<Value, Position>& matrix, Index first, Index last, Padded dense,
                                const double* bias, Padded out, Index column) {
    constexpr int N = kLanes<double>;
    const double* from = dense.data + column;
    const Index stride = dense.stride;
    const Index end = Index(matrix.starts[last]);
    for (Index i = first; i < last; ++i) {
        Vector<double> sums[V];
        CHAINRULE_UNROLL
        for (int v = 0; v < V; ++v) sums[v] = bias == nullptr ? Vector<double>{} : load<double>(bias + column + v * N);
        for (Index p = Index(matrix.starts[i]); p < Index(matrix.starts[i + 1]); ++p) {
            const double* next = from + Index(matrix.indices[smaller(p + kAhead, end - 1)]) * stride;
            CHAINRULE_UNROLL
            for (int v = 0; v < V; ++v) {
                if (v * CHAINRULE_VECTOR_BYTES % kCacheLineBytes == 0) __builtin_prefetch(next + v * N);
            }
            const double* row = from + Index(matrix.indices[p]) * stride;
            const Vector<double> value = broadcast<double>(double(matrix.data[p]));
            CHAINRULE_UNROLL
            for (int v = 0; v < V; ++v) sums[v] += value * load<double>(row + v * N);
        }
        double* to = out.data + (i - first) * out.stride + column;
        CHAINRULE_UNROLL
        for (int v = 0; v < V; ++v) store<double>(to + v * N, sums[v]);
    }
}

// The dense matrix is one column.
template <class Value, class Position>
CHAINRULE_TILE multiply_column(const SparseMatrix<Value, Position>& matrix, Index first, Index last, const double* dense,
                               const double* bias, double* out) {
    constexpr Index kSums = 4;  // at once: an addition takes four cycles
    for (Index i = first; i < last; ++i) {
        double sums[kSums] = {bias == nullptr ? 0.0 : *bias};
        Index p = Index(matrix.starts[i]);
        const Index end = Index(matrix.starts[i + 1]);
        const auto product = [&](Index at) { return double(matrix.data[at]) * dense[matrix.indices[at]]; };
        for (; p + kSums <= end; p += kSums) {
            CHAINRULE_UNROLL
            for (Index s = 0; s < kSums; ++s) sums[s] += product(p + s);
        }
        for (; p < end; ++p) sums[0] += product(p);
        out[i - first] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}

template <class Value, class Position>
static void multiply_sparse(const SparseMatrix<Value, Position>& matrix, Index first, Index last, Padded dense,
                            const double* bias, Padded out) {
    if (dense.stride == 1) return multiply_column(matrix, first, last, dense.data, bias, out.data);
    constexpr Index N = kLanes<double>;
    for (Index column = 0; column < dense.stride;) {
        const Index vectors = smaller((dense.stride - column) / N, 8);
        const auto run = [&](auto kernel) { kernel(matrix, first, last, dense, bias, out, column); };
        switch (vectors) {
            case 1: run(multiply_columns<1, Value, Position>); break;
            case 2: run(multiply_columns<2, Value, Position>); break;
            case 3: run(multiply_columns<3, Value, Position>); break;
            case 4: run(multiply_columns<4, Value, Position>); break;
            case 5: run(multiply_columns<5, Value, Position>); break;
            case 6: run(multiply_columns<6, Value, Position>); break;
            case 7: run(multiply_columns<7, Value, Position>); break;
            default: run(multiply_columns<8, Value, Position>); break;
        }
        column += vectors * N;
    }
}

// As run_block does between the two products, a block of rows at a time.
static void apply_to_rows(const SoftmaxPass<double>& pass, Padded logits, Index first, Index last, void* memory,
                          ChunkSums& sums) {
    const PassShape& shape = pass.shape;
    std::size_t bytes = 0;
    const Scratch<double> scratch = lay_out_scratch<double>(pass, static_cast<char*>(memory), &bytes);
    const Index n_reference = shape.n_classes - shape.n_outputs;
    double* z = scratch.z + n_reference * scratch.stride;
    for (Index row = first; row < last; row += shape.block_rows) {
        const Index n_rows = smaller(shape.block_rows, last - row);
        const Index padded = round_up(n_rows, kLanes<double>);
        double* block = logits.data + row * logits.stride;
        for (Index i = 0; i < padded * n_reference; ++i) scratch.z[i] = 0.0;
        for (Index c = 0; c < shape.n_outputs; ++c) {
            for (Index i = 0; i < padded; ++i) z[c * scratch.stride + i] = i < n_rows ? block[i * logits.stride + c] : 0.0;
        }
        apply_row_function<double>(pass, row, n_rows, scratch, sums);
        if (!pass.has_gradient) continue;
        for (Index i = 0; i < n_rows; ++i) {
            for (Index c = 0; c < shape.n_outputs; ++c) block[i * logits.stride + c] = z[c * scratch.stride + i];
        }
        add_bias_sums<double>(shape.n_outputs, n_rows, z, scratch.stride, sums.bias_sums);
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

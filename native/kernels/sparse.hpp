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

// V vectors of columns from `column` on, the last of them at `last_column`: rows that are no multiple of the vectors end
// with one that overlaps the one before.
template <int V, class Value, class Position>
CHAINRULE_TILE multiply_columns(const SparseMatrix<Value, Position>& matrix, Index first, Index last,
                                DenseRows<const double> dense, const double* bias, DenseRows<double> out, Index column,
                                Index last_column) {
    constexpr int N = kLanes<double>;
    const auto offset = [&](int v) { return v < V - 1 ? v * N : last_column - column; };
    const double* from = dense.data + column;
    const Index stride = dense.stride;
    const Index end = Index(matrix.starts[last]);
    for (Index i = first; i < last; ++i) {
        Vector<double> sums[V];
        CHAINRULE_UNROLL
        for (int v = 0; v < V; ++v) {
            sums[v] = bias == nullptr ? Vector<double>{} : load<double>(bias + column + offset(v));
        }
        for (Index p = Index(matrix.starts[i]); p < Index(matrix.starts[i + 1]); ++p) {
            const double* next = from + Index(matrix.indices[smaller(p + kAhead, end - 1)]) * stride;
            CHAINRULE_UNROLL
            for (int v = 0; v < V; ++v) {
                if (v * CHAINRULE_VECTOR_BYTES % kCacheLineBytes == 0) __builtin_prefetch(next + v * N);
            }
            const double* row = from + Index(matrix.indices[p]) * stride;
            const Vector<double> value = broadcast<double>(double(matrix.data[p]));
            CHAINRULE_UNROLL
            for (int v = 0; v < V; ++v) sums[v] += value * load<double>(row + offset(v));
        }
        double* to = out.data + (i - first) * out.stride + column;
        CHAINRULE_UNROLL
        for (int v = 0; v < V; ++v) store<double>(to + offset(v), sums[v]);
    }
}

// The dense matrix is one column.
template <class Value, class Position>
CHAINRULE_TILE multiply_column(const SparseMatrix<Value, Position>& matrix, Index first, Index last,
                               DenseRows<const double> dense, const double* bias, DenseRows<double> out) {
    constexpr Index kSums = 4;  // at once: an addition takes four cycles
    for (Index i = first; i < last; ++i) {
        double sums[kSums] = {bias == nullptr ? 0.0 : *bias};
        Index p = Index(matrix.starts[i]);
        const Index end = Index(matrix.starts[i + 1]);
        const auto product = [&](Index at) { return double(matrix.data[at]) * dense.data[matrix.indices[at]]; };
        for (; p + kSums <= end; p += kSums) {
            CHAINRULE_UNROLL
            for (Index s = 0; s < kSums; ++s) sums[s] += product(p + s);
        }
        for (; p < end; ++p) sums[0] += product(p);
        out.data[i - first] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
}

template <class Value, class Position>
static void multiply_sparse(const SparseMatrix<Value, Position>& matrix, Index first, Index last,
                            DenseRows<const double> dense, const double* bias, DenseRows<double> out) {
    if (dense.columns == 1) return multiply_column(matrix, first, last, dense, bias, out);
    constexpr Index N = kLanes<double>;
    const Index n_vectors = (dense.columns + N - 1) / N;
    for (Index vector = 0; vector < n_vectors;) {
        const Index vectors = smaller(n_vectors - vector, 8);
        const Index last_column = smaller((vector + vectors - 1) * N, dense.columns - N);
        const auto run = [&](auto kernel) { kernel(matrix, first, last, dense, bias, out, vector * N, last_column); };
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
        vector += vectors;
    }
}

// As run_block does between the two products, a block of rows at a time.
static void apply_to_rows(const SoftmaxPass<double>& pass, DenseRows<double> logits, bool has_reference, Index first,
                          Index last, void* memory, ChunkSums& sums) {
    const PassShape& shape = pass.shape;
    std::size_t bytes = 0;
    const Scratch<double> scratch = lay_out_scratch<double>(pass, static_cast<char*>(memory), &bytes);
    const Index stride = scratch.stride;
    const Index n_reference = shape.n_classes - shape.n_outputs;
    double* z = scratch.z + n_reference * stride;
    for (Index row = first; row < last; row += shape.block_rows) {
        const Index n_rows = smaller(shape.block_rows, last - row);
        const Index padded = round_up(n_rows, kLanes<double>);
        double* block = logits.data + row * logits.stride;
        for (Index i = 0; i < padded * n_reference; ++i) scratch.z[i] = 0.0;
        for (Index c = 0; c < shape.n_outputs; ++c) {
            for (Index i = 0; i < padded; ++i) {
                const double* given = block + i * logits.stride;
                z[c * stride + i] = i < n_rows ? given[c + has_reference] - (has_reference ? given[0] : 0.0) : 0.0;
            }
        }
        apply_row_function<double>(pass, row, n_rows, scratch, sums);
        if (!pass.has_gradient) continue;
        for (Index i = 0; i < n_rows; ++i) {
            double* dz = block + i * logits.stride;
            double total = 0.0;
            for (Index c = 0; c < shape.n_outputs; ++c) {
                dz[c + has_reference] = z[c * stride + i];
                total += z[c * stride + i];
            }
            if (has_reference) dz[0] = -total;
        }
        add_bias_sums<double>(shape.n_outputs, n_rows, z, stride, sums.bias_sums);
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

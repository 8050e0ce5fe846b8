// The softmax layer over a block of rows: logits, row-wise function, gradient, while the rows are in cache.
//
//   forward    Z = X W + b            lanes along features, R rows x C classes of accumulators in registers
//   row-wise   Z -> dZ                lanes along rows: Z is stored class by class (n_classes, stride)
//   backward   sums += dZ^T X         lanes along features, F vectors x C classes of accumulators in registers
//
// Softmax knows logits only up to a common shift, and the rows of dZ add up to 0. So the classes are counted from a
// reference class 0 whose logit is 0: both products run over the other classes alone.
//
// Compiled once per instruction set; see vector.hpp for what that forbids.
#pragma once

#include <cstring>

#include "backward.hpp"
#include "block.hpp"
#include "forward.hpp"
#include "rowwise.hpp"

namespace chainrule::CHAINRULE_LEVEL {

template <class X>
static void pack_rows(const PassShape& shape, const Matrix<const X>& x, Index first, Index n_rows, X* packed) {
    for (Index i = 0; i < n_rows; ++i) {
        for (Index j = shape.n_features; j < shape.width; ++j) packed[i * shape.packed_stride + j] = X(0);
    }
    // Eight columns at a time: where columns are contiguous (Fortran order), a packed line is then filled at once.
    for (Index j0 = 0; j0 < shape.n_features; j0 += 8) {
        const Index j1 = smaller(j0 + 8, shape.n_features);
        for (Index i = 0; i < n_rows; ++i) {
            const X* from = x.data + (first + i) * x.row_stride;
            X* to = packed + i * shape.packed_stride;
            for (Index j = j0; j < j1; ++j) std::memcpy(to + j, from + j * x.column_stride, sizeof(X));
        }
    }
}

// Labels and weights of a block, converted; padding rows (up to whole vectors) get label 0 and weight 0.
template <class T>
static void load_labels_and_weights(const SoftmaxPass<T>& pass, Index first, Index n_rows, const Scratch<T>& scratch,
                                    ChunkSums& sums) {
    const Index padded = round_up(n_rows, kLanes<T>);
    double* weights = scratch.loss_weights;
    if (pass.weights == nullptr) {
        for (Index i = 0; i < n_rows; ++i) weights[i] = 1.0;
    } else {
        for (Index i = 0; i < n_rows; ++i) weights[i] = pass.weights[(first + i) * pass.weight_stride];
    }
    for (Index i = n_rows; i < padded; ++i) weights[i] = 0.0;
    for (Index i = 0; i < padded; ++i) scratch.weights[i] = T(weights[i]);
    if (pass.labels == nullptr) return;

    const std::int64_t* given = pass.labels + first * pass.label_stride;
    const auto n_classes = std::uint64_t(pass.shape.n_classes);
    std::uint64_t bad = 0;
    const auto convert = [&](Index stride) {
        for (Index i = 0; i < n_rows; ++i) {
            const std::int64_t label = given[i * stride];
            bad |= std::uint64_t(std::uint64_t(label) >= n_classes);
            scratch.labels[i] = Integer<T>(label);
        }
    };
    if (pass.label_stride == 1) {
        convert(1);  // as a constant: this loop is then done in vectors
    } else {
        convert(pass.label_stride);
    }
    for (Index i = n_rows; i < padded; ++i) scratch.labels[i] = 0;
    for (Index i = 0; bad != 0 && sums.bad_label_row < 0 && i < n_rows; ++i) {
        if (std::uint64_t(given[i * pass.label_stride]) >= n_classes) sums.bad_label_row = first + i;
    }
}

// Columns of a class-major array of the scratch, out to (or in from) the caller's rows.
template <class T>
static void write_rows(const Matrix<T>& out, Index first, Index n_rows, const T* by_class, Index stride,
                       Index columns) {
    for (Index i = 0; i < n_rows; ++i) {
        T* to = out.data + (first + i) * out.row_stride;
        for (Index k = 0; k < columns; ++k) to[k * out.column_stride] = by_class[k * stride + i];
    }
}

template <class T>
static void read_rows(const Matrix<const double>& in, Index first, Index n_rows, T* by_class, Index stride, Index columns) {
    const Index padded = round_up(n_rows, kLanes<T>);
    for (Index i = 0; i < padded; ++i) {
        const double* from = in.data + (first + i) * in.row_stride;
        for (Index k = 0; k < columns; ++k) by_class[k * stride + i] = i < n_rows ? T(from[k * in.column_stride]) : T(0);
    }
}

// What stands between the two products: logits in scratch.z, class by class, become dZ or what the caller asked for.
template <class T>
static void apply_row_function(const SoftmaxPass<T>& pass, Index first, Index n_rows, const Scratch<T>& scratch,
                               ChunkSums& sums) {
    const PassShape& shape = pass.shape;
    const Index stride = scratch.stride;
    const T* row_values = scratch.p;
    switch (pass.function) {
        case RowFunction::kCrossEntropy:
            load_labels_and_weights<T>(pass, first, n_rows, scratch, sums);
            sums.loss += cross_entropy<T>(pass, scratch, n_rows);
            break;
        case RowFunction::kHessianProduct:
            load_labels_and_weights<T>(pass, first, n_rows, scratch, sums);
            read_rows<T>(pass.given_probabilities, first, n_rows, scratch.p + stride, stride, shape.n_outputs);
            hessian_product<T>(pass, scratch, n_rows);
            break;
        case RowFunction::kProbabilities: probabilities<T>(pass, scratch, n_rows); break;
        case RowFunction::kLogits: row_values = scratch.z; break;
    }
    if (pass.row_output.data != nullptr) {
        const Index left_out = shape.n_classes - pass.output_columns;
        write_rows<T>(pass.row_output, first, n_rows, row_values + left_out * stride, stride, pass.output_columns);
    }
}

template <class T, class X>
static void run_block(const SoftmaxPass<T>& pass, const Block<X>& block, Index first, const Scratch<T>& scratch,
                      ChunkSums& sums) {
    const PassShape& shape = pass.shape;
    const Index stride = scratch.stride;
    const Index n_rows = block.n_rows;
    const Index padded = round_up(n_rows, kLanes<T>);
    const Index n_reference = shape.n_classes - shape.n_outputs;  // 1, or 0 for bare logits
    T* z = scratch.z + n_reference * stride;
    const Index next_bytes = block.n_next_rows * block.stride * Index(sizeof(X));
    const Index forward_bytes = pass.has_gradient ? next_bytes / 2 : next_bytes;
    Prefetch prefetch{reinterpret_cast<const char*>(block.next_rows), 0};
    forward<T, X>(pass, block, z, stride, prefetch, forward_bytes);
    for (Index i = 0; i < padded * n_reference; ++i) scratch.z[i] = T(0);
    for (Index c = 0; c < shape.n_outputs; ++c) {
        for (Index i = n_rows; i < padded; ++i) z[c * stride + i] = T(0);
    }
    apply_row_function<T>(pass, first, n_rows, scratch, sums);
    if (pass.has_gradient) {
        T* weight_sums = scratch.weight_sums;
        if constexpr (sizeof(T) == sizeof(double)) weight_sums = sums.weight_sums;
        backward<T, X>(pass, block, z, stride, weight_sums, prefetch, next_bytes - forward_bytes);
        add_bias_sums<T>(shape.n_outputs, n_rows, z, stride, sums.bias_sums);
    }
}

template <class T, class X>
static void run_blocks(const SoftmaxPass<T>& pass, const Matrix<const X>& x, Index first, Index last, void* memory,
                       ChunkSums& sums) {
    const PassShape& shape = pass.shape;
    std::size_t bytes = 0;
    const Scratch<T> scratch = lay_out_scratch<T>(pass, static_cast<char*>(memory), &bytes);
    Index summed_rows = 0;  // in scratch.weight_sums
    for (Index row = first; row < last; row += shape.block_rows) {
        Block<X> block{};
        block.n_rows = smaller(shape.block_rows, last - row);
        if (shape.packed_stride > 0) {
            X* packed = static_cast<X*>(scratch.packed_rows);
            pack_rows<X>(shape, x, row, block.n_rows, packed);
            block.rows = packed;
            block.stride = shape.packed_stride;
        } else {
            block.rows = x.data + row * x.row_stride;
            block.stride = x.row_stride;
            // Rows far apart or in reverse are left to the processor's own prefetching.
            const bool neighbours = block.stride >= 0 && block.stride <= 2 * shape.width;
            if (neighbours) block.n_next_rows = smaller(shape.block_rows, last - row - block.n_rows);
        }
        block.next_rows = block.rows + (block.n_next_rows > 0 ? block.n_rows * block.stride : 0);
        if constexpr (sizeof(T) < sizeof(double)) {
            const Index size = pass.has_gradient ? sums_size<T>(shape) : 0;
            if (summed_rows == 0) std::memset(scratch.weight_sums, 0, std::size_t(size) * sizeof(T));
            run_block<T, X>(pass, block, row, scratch, sums);
            summed_rows += block.n_rows;
            if (summed_rows >= kMaxSummedRows || row + block.n_rows == last) {
                add_to_float64(sums.weight_sums, scratch.weight_sums, size);
                summed_rows = 0;
            }
        } else {
            run_block<T, X>(pass, block, row, scratch, sums);
        }
    }
}

template <class T>
static void run_rows(const SoftmaxPass<T>& pass, Index first, Index last, void* memory, ChunkSums& sums) {
    if (pass.narrow_rows.data != nullptr) {
        run_blocks<T, float>(pass, pass.narrow_rows, first, last, memory, sums);
    } else {
        run_blocks<T, T>(pass, pass.rows, first, last, memory, sums);
    }
}

template <class T>
static double read_sum(const T* x, Index n) {
    constexpr Index N = kLanes<T>;
    constexpr int kStreams = 8;
    Vector<T> totals[kStreams] = {};
    Index i = 0;
    for (; i + kStreams * N <= n; i += kStreams * N) {
        for (int s = 0; s < kStreams; ++s) totals[s] += load<T>(x + i + s * N);
    }
    double sum = 0.0;
    for (int s = 0; s < kStreams; ++s) sum += sum_lanes<T>(totals[s]);
    for (; i < n; ++i) sum += double(x[i]);
    return sum;
}

}  // namespace chainrule::CHAINRULE_LEVEL

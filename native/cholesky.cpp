// Row by row of blocks, as in Golub and Van Loan, "Matrix Computations" (2013), 4.2: a row of blocks gains all that the
// rows above it take away in one product, then the block on the diagonal is factored and the others are solved for it.
// The inverses of the diagonal blocks are kept: solves are products then.
#include "cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "simd.hpp"
#include "threads.hpp"

namespace chainrule {
namespace {

constexpr Index kBlock = 128;             // rows
constexpr Index kColumnsOfTask = 256;     // of a row of blocks
constexpr Index kCombinedColumns = 1024;  // of a task of a solve
constexpr Index kMultipliedRows = 16;     // the same
constexpr Index kSharedFrom = 1024;       // rows of a system whose solves are worth several threads
constexpr int kMaxTries = 16;
constexpr double kFloor = 1e-14;  // relative: what rounding leaves of a curvature
constexpr double kSingleFloor = 1e-7;

Index divide_up(Index n, Index by) { return (n + by - 1) / by; }

template <class T>
const TriangularKernels<T>& triangular() {
    if constexpr (sizeof(T) == 4) {
        return kernels().triangular_float32;
    } else {
        return kernels().triangular_float64;
    }
}

template <class T>
const NetworkKernels<T>& products() {
    if constexpr (sizeof(T) == 4) {
        return kernels().network_float32;
    } else {
        return kernels().network_float64;
    }
}

// Rows a multiple of 4 KB apart would all compete for the same few cache lines.
template <class T>
Index row_stride(Index n) {
    const Index line = 64 / Index(sizeof(T));
    const Index stride = divide_up(n, line) * line;
    return stride * Index(sizeof(T)) % 4096 == 0 ? stride + line : stride;
}

// C = A^T B or C += A^T B, A (k, m), B (k, n), C (m, n).
template <class T>
Product<T> transposed_product(Index m, Index n, Index k, const T* a, Index a_stride, const T* b, Index b_stride, T* c,
                              Index c_stride, bool accumulate) {
    Product<T> product;
    product.m = m, product.n = n, product.k = k;
    product.a = a, product.a_row_stride = 1, product.a_column_stride = a_stride;
    product.b = b, product.b_row_stride = b_stride;
    product.c = c, product.c_row_stride = c_stride;
    product.accumulate = accumulate;
    return product;
}

}  // namespace

template <class T>
Cholesky<T>::Cholesky(Index n, const Fill& fill, int n_threads)
    : n_(n),
      stride_(row_stride<T>(n)),
      n_threads_(n_threads),
      rows_(std::size_t(n * stride_) * sizeof(T)),
      inverses_(std::size_t(divide_up(n, kBlock) * std::min(n, kBlock) * std::min(n, kBlock)) * sizeof(T)),
      inverse_scale_(std::size_t(n)) {
    T* rows = rows_.as<T>();
    double extra = sizeof(T) == 4 ? kSingleFloor : kFloor;
    for (int tries = 0; tries < kMaxTries && !is_factored_; ++tries, extra *= 10.0) {
        fill(rows, stride_);
        if (tries == 0) scale(rows);
        parallel_for(divide_up(n, kBlock), n < kSharedFrom ? 1 : n_threads, [&](Index block, int) {
            const Index first = block_begin(block);
            for (Index i = first; i < first + block_size(block); ++i) {
                T* row = rows + i * stride_;
                for (Index j = first; j < i; ++j) row[j] = T(0);  // read along with the block, of no consequence
                for (Index j = i; j < n; ++j) {
                    row[j] = T(double(row[j]) * inverse_scale_[std::size_t(i)] * inverse_scale_[std::size_t(j)]);
                }
                row[i] = T(1.0 + extra);
            }
        });
        is_factored_ = factor(rows);
    }
}

template <class T>
void Cholesky<T>::scale(T* rows) {
    double largest = 0.0;
    for (Index i = 0; i < n_; ++i) largest = std::max(largest, double(rows[i * stride_ + i]));
    const double tiny = std::sqrt(std::numeric_limits<double>::min());
    for (Index i = 0; i < n_; ++i) {
        const double own = double(rows[i * stride_ + i]);
        inverse_scale_[std::size_t(i)] =
            1.0 / std::sqrt(own > kFloor * kFloor * largest ? own : std::max(largest, tiny));
    }
}

template <class T>
Index Cholesky<T>::block_begin(Index block) const {
    return block * kBlock;
}

template <class T>
Index Cholesky<T>::block_size(Index block) const {
    return std::min(kBlock, n_ - block * kBlock);
}

template <class T>
bool Cholesky<T>::factor(T* rows) {
    const TriangularKernels<T>& kernels = triangular<T>();
    if (n_ <= kBlock) {
        if (!kernels.factor_block(rows, n_, stride_)) return false;
        kernels.invert_block(rows, n_, stride_, inverses_.as<T>(), n_);
        return true;
    }
    const int threads = int(std::min<Index>(n_threads_, divide_up(n_, kColumnsOfTask)));
    const AlignedMemory negative(std::size_t(n_ * kBlock) * sizeof(T));  // of the block's columns in the rows above
    const AlignedMemory solved(std::size_t(kBlock * kColumnsOfTask * threads) * sizeof(T));
    const std::size_t scratch_bytes = products<T>().product_scratch_bytes(
        transposed_product<T>(kBlock, kColumnsOfTask, n_, rows, kBlock, rows, stride_, rows, stride_, true));
    const std::size_t bytes_of_thread = (scratch_bytes + 4095) / 4096 * 4096 + 64;
    const AlignedMemory scratch(bytes_of_thread * std::size_t(threads));
    const auto product = [&](const Product<T>& given, int worker) {
        products<T>().product(given, scratch.as<char>() + bytes_of_thread * std::size_t(worker));
    };
    for (Index block = 0; block < divide_up(n_, kBlock); ++block) {
        const Index first = block_begin(block), size = block_size(block), next = first + size;
        T* own = rows + first * stride_;
        for (Index p = 0; p < first; ++p) {
            const T* from = rows + p * stride_ + first;
            T* to = negative.as<T>() + p * size;
            for (Index i = 0; i < size; ++i) to[i] = -from[i];
        }
        if (first > 0) {
            parallel_for(divide_up(n_ - first, kColumnsOfTask), threads, [&](Index task, int worker) {
                const Index j = first + task * kColumnsOfTask;
                product(transposed_product<T>(size, std::min(kColumnsOfTask, n_ - j), first, negative.as<T>(), size,
                                              rows + j, stride_, own + j, stride_, true), worker);
            });
        }
        T* inverse = inverses_.as<T>() + block * kBlock * kBlock;
        if (!kernels.factor_block(own + first, size, stride_)) return false;
        kernels.invert_block(own + first, size, stride_, inverse, size);
        parallel_for(divide_up(n_ - next, kColumnsOfTask), threads, [&](Index task, int worker) {
            const Index j = next + task * kColumnsOfTask, width = std::min(kColumnsOfTask, n_ - j);
            T* result = solved.as<T>() + worker * kBlock * kColumnsOfTask;
            product(transposed_product<T>(size, width, size, inverse, size, own + j, stride_, result, width, false),
                    worker);
            for (Index i = 0; i < size; ++i) std::copy_n(result + i * width, width, own + i * stride_ + j);
        });
    }
    return true;
}

template <class T>
void Cholesky<T>::solve(const double* given, double* solution, Index n_columns) const {
    if (n_columns == 1) return solve_one(given, solution, 1, n_ < kSharedFrom ? 1 : n_threads_);
    parallel_for(n_columns, n_ * n_ * n_columns < kSharedFrom * kSharedFrom ? 1 : n_threads_, [&](Index column, int) {
        solve_one(given + column, solution + column, n_columns, 1);
    });
}

template <class T>
void Cholesky<T>::solve_one(const double* given, double* solution, Index n_columns, int n_threads) const {
    const double* scale = inverse_scale_.data();
    if (!is_factored_) {
        for (Index i = 0; i < n_; ++i) solution[i * n_columns] = given[i * n_columns] * scale[i] * scale[i];
        return;
    }
    const TriangularKernels<T>& kernels = triangular<T>();
    const AlignedMemory memory(std::size_t(n_ + 2 * kBlock) * sizeof(T));
    T* x = memory.as<T>();
    T* rest = x + n_;
    T* now = rest + kBlock;
    for (Index i = 0; i < n_; ++i) x[i] = T(given[i * n_columns] * scale[i]);
    const Index n_blocks = divide_up(n_, kBlock);
    const auto lead = [&](Team& team) {
        for (Index block = 0; block < n_blocks; ++block) {  // U^T z = given; x holds -z where that is known
            const Index first = block_begin(block), size = block_size(block), next = first + size;
            const T* rows = rows_.as<T>() + first * stride_;
            std::fill(now, now + size, T(0));
            for (Index i = 0; i < size; ++i) x[first + i] = -x[first + i];
            kernels.add_combination(size, size, x + first, inverses_.as<T>() + block * kBlock * kBlock, size, now);
            std::copy_n(now, size, x + first);
            team.run(divide_up(n_ - next, kCombinedColumns), [&](Index task, int) {
                const Index j = next + task * kCombinedColumns, width = std::min(kCombinedColumns, n_ - j);
                kernels.add_combination(size, width, x + first, rows + j, stride_, x + j);
            });
        }
        for (Index block = n_blocks - 1; block >= 0; --block) {  // U x = z; x holds -x where that is known
            const Index first = block_begin(block), size = block_size(block), next = first + size;
            const T* rows = rows_.as<T>() + first * stride_;
            for (Index i = 0; i < size; ++i) rest[i] = -x[first + i];
            team.run(divide_up(size, kMultipliedRows), [&](Index task, int) {
                const Index i = task * kMultipliedRows, height = std::min(kMultipliedRows, size - i);
                kernels.add_row_products(height, n_ - next, rows + i * stride_ + next, stride_, x + next, rest + i);
            });
            std::fill(now, now + size, T(0));
            kernels.add_row_products(size, size, inverses_.as<T>() + block * kBlock * kBlock, size, rest, now);
            for (Index i = 0; i < size; ++i) x[first + i] = -now[i];
        }
    };
    if (n_threads == 1) {
        Team alone(1);
        lead(alone);
    } else {
        with_team(n_threads, lead);
    }
    for (Index i = 0; i < n_; ++i) solution[i * n_columns] = -double(x[i]) * scale[i];
}

template class Cholesky<float>;
template class Cholesky<double>;

}  // namespace chainrule

// Blocks of a Cholesky factorisation, and the products with rows that a triangular solve is made of.
//
// Compiled once per instruction set; see vector.hpp for what that forbids.
#pragma once

#include "triangular_table.hpp"
#include "vector.hpp"

namespace chainrule::CHAINRULE_LEVEL {

constexpr int kCombinedRows = 8;   // that one sweep over y adds
constexpr int kMultipliedRows = 4;  // that one sweep over x serves

template <class T>
static bool factor_block(T* u, Index n, Index stride) {
    for (Index j = 0; j < n; ++j) {
        T* row = u + j * stride;
        if (!(row[j] > T(0))) return false;  // NaN neither
        const T inverse = T(1.0 / __builtin_sqrt(double(row[j])));
        for (Index c = j; c < n; ++c) row[c] *= inverse;
        for (Index i = j + 1; i < n; ++i) {
            T* to = u + i * stride;
            const T factor = row[i];
            for (Index c = i; c < n; ++c) to[c] -= factor * row[c];
        }
    }
    return true;
}

template <class T>
static void invert_block(const T* u, Index n, Index stride, T* inverse, Index inverse_stride) {
    for (Index i = n - 1; i >= 0; --i) {
        T* row = inverse + i * inverse_stride;
        for (Index c = 0; c < n; ++c) row[c] = T(0);
        const T own = T(1) / u[i * stride + i];
        row[i] = own;
        for (Index p = i + 1; p < n; ++p) {
            const T factor = u[i * stride + p] * own;
            const T* from = inverse + p * inverse_stride;
            for (Index c = p; c < n; ++c) row[c] -= factor * from[c];
        }
    }
}

template <class T, int R>
[[gnu::always_inline]] static inline void add_rows(const T* z, const T* rows, Index stride, T* y, Index n) {
    constexpr Index N = kLanes<T>;
    Index j = 0;
    for (; j + N <= n; j += N) {
        Vector<T> sum = load<T>(y + j);
        CHAINRULE_UNROLL
        for (int r = 0; r < R; ++r) sum += broadcast<T>(z[r]) * load<T>(rows + r * stride + j);
        store<T>(y + j, sum);
    }
    for (; j < n; ++j) {
        for (int r = 0; r < R; ++r) y[j] += z[r] * rows[r * stride + j];
    }
}

template <class T>
static void add_combination(Index n_rows, Index n, const T* z, const T* rows, Index stride, T* y) {
    Index p = 0;
    for (; p + kCombinedRows <= n_rows; p += kCombinedRows) {
        add_rows<T, kCombinedRows>(z + p, rows + p * stride, stride, y, n);
    }
    for (; p < n_rows; ++p) add_rows<T, 1>(z + p, rows + p * stride, stride, y, n);
}

template <class T, int R>
[[gnu::always_inline]] static inline void multiply_rows(const T* rows, Index stride, const T* x, T* y, Index n) {
    constexpr Index N = kLanes<T>;
    Vector<T> sums[R][2] = {};
    Index j = 0;
    for (; j + 2 * N <= n; j += 2 * N) {
        const Vector<T> first = load<T>(x + j), second = load<T>(x + j + N);
        CHAINRULE_UNROLL
        for (int r = 0; r < R; ++r) {
            sums[r][0] += load<T>(rows + r * stride + j) * first;
            sums[r][1] += load<T>(rows + r * stride + j + N) * second;
        }
    }
    for (int r = 0; r < R; ++r) {
        double rest = 0.0;
        for (Index i = j; i < n; ++i) rest += double(rows[r * stride + i]) * double(x[i]);
        y[r] += T(sum_lanes<T>(sums[r][0]) + sum_lanes<T>(sums[r][1]) + rest);
    }
}

template <class T>
static void add_row_products(Index n_rows, Index n, const T* rows, Index stride, const T* x, T* y) {
    Index i = 0;
    for (; i + kMultipliedRows <= n_rows; i += kMultipliedRows) {
        multiply_rows<T, kMultipliedRows>(rows + i * stride, stride, x, y + i, n);
    }
    for (; i < n_rows; ++i) multiply_rows<T, 1>(rows + i * stride, stride, x, y + i, n);
}

template <class T>
static constexpr TriangularKernels<T> triangular_kernels() {
    return {factor_block<T>, invert_block<T>, add_combination<T>, add_row_products<T>};
}

}  // namespace chainrule::CHAINRULE_LEVEL

// Sums: of arrays, of columns, of squares; and columns times factors.
#pragma once

#include "elementwise.hpp"

namespace chainrule::CHAINRULE_LEVEL {

template <class T>
static void add(const T* x, T* y, Index n, bool accumulate) {
    if (accumulate) {
        over_vectors<T>([](const Vector<T>(&in)[1], Vector<T>(&out)[1]) { out[0] += in[0]; }, n, {x}, {y});
    } else {
        over_vectors<T>([](const Vector<T>(&in)[1], Vector<T>(&out)[1]) { out[0] = in[0]; }, n, {x}, {y});
    }
}

template <class T>
static void add_scaled(T scale, const T* x, T* y, Index n, bool accumulate) {
    if (accumulate) {
        over_vectors<T>([=](const Vector<T>(&in)[1], Vector<T>(&out)[1]) { out[0] += scale * in[0]; }, n, {x}, {y});
    } else {
        over_vectors<T>([=](const Vector<T>(&in)[1], Vector<T>(&out)[1]) { out[0] = scale * in[0]; }, n, {x}, {y});
    }
}

template <class T>
static void scale_columns(Index n_rows, Index n_columns, const T* x, Index x_stride, const T* factor, T* y,
                          Index y_stride, bool accumulate) {
    constexpr int N = kLanes<T>;
    const Index whole = n_columns - n_columns % N;
    const Index rest = n_columns - whole;
    for (Index i = 0; i < n_rows; ++i) {
        const T* from = x + i * x_stride;
        T* to = y + i * y_stride;
        for (Index j = 0; j < whole; j += N) {
            Vector<T> product = load<T>(from + j) * load<T>(factor + j);
            if (accumulate) product += load<T>(to + j);
            store<T>(to + j, product);
        }
        if (rest > 0) {
            Vector<T> product = load_first<T>(from + whole, rest) * load_first<T>(factor + whole, rest);
            if (accumulate) product += load_first<T>(to + whole, rest);
            store_first<T>(to + whole, product, rest);
        }
    }
}

// Each column is one chain of additions in the order of the rows, from what was there before: so rows may be cut into
// calls anywhere. Whole vectors of columns take kRows rows at a time, to touch their sums once for all of these; the
// other columns keep their sums in a register.
template <class T, bool kTimesY>
static void sum_columns(Index n_rows, Index n_columns, const T* x, Index x_stride, const T* y, Index y_stride, T* sums,
                        bool accumulate) {
    constexpr int N = kLanes<T>;
    constexpr Index kRows = 8;
    const Index whole = n_columns - n_columns % N;
    const Index rest = n_columns - whole;
    Index i = 0;
    if (!accumulate) {
        for (Index j = 0; j < n_columns; ++j) sums[j] = T(0);
    }
    const auto add_row = [=](Vector<T>& sum, Index row, Index j) {
        Vector<T> term = load<T>(x + row * x_stride + j);
        if constexpr (kTimesY) term *= load<T>(y + row * y_stride + j);
        sum += term;
    };
    for (; i + kRows <= n_rows; i += kRows) {
        for (Index j = 0; j < whole; j += N) {
            Vector<T> sum = load<T>(sums + j);
            CHAINRULE_UNROLL
            for (Index row = i; row < i + kRows; ++row) add_row(sum, row, j);
            store<T>(sums + j, sum);
        }
    }
    for (; i < n_rows; ++i) {
        for (Index j = 0; j < whole; j += N) {
            Vector<T> sum = load<T>(sums + j);
            add_row(sum, i, j);
            store<T>(sums + j, sum);
        }
    }
    if (rest > 0) {
        Vector<T> sum = load_first<T>(sums + whole, rest);
        for (Index row = 0; row < n_rows; ++row) {
            Vector<T> term = load_first<T>(x + row * x_stride + whole, rest);
            if constexpr (kTimesY) term *= load_first<T>(y + row * y_stride + whole, rest);
            sum += term;
        }
        store_first<T>(sums + whole, sum, rest);
    }
}

template <class T>
static void column_sums(Index n_rows, Index n_columns, const T* x, Index x_stride, const T* y, Index y_stride, T* sums,
                        bool accumulate) {
    if (y == nullptr) {
        sum_columns<T, false>(n_rows, n_columns, x, x_stride, y, y_stride, sums, accumulate);
    } else {
        sum_columns<T, true>(n_rows, n_columns, x, x_stride, y, y_stride, sums, accumulate);
    }
}

// Lanes that hold float64, of neighbours of either format.
static inline Vector<double> load_float64(const double* from) { return load<double>(from); }
static inline Vector<double> load_float64(const float* from) {
    return to_float64<kLanes<double>>(load<float, kLanes<double>>(from));
}

template <class T>
static double sum_of_squares(const T* x, Index n) {
    constexpr int N = kLanes<double>;
    constexpr int kChains = 8;  // additions under way at once
    Vector<double> sums[kChains] = {};
    Index i = 0;
    for (; i + kChains * N <= n; i += kChains * N) {
        CHAINRULE_UNROLL
        for (int chain = 0; chain < kChains; ++chain) {
            const Vector<double> v = load_float64(x + i + chain * N);
            sums[chain] += v * v;
        }
    }
    double rest = 0.0;
    for (; i < n; ++i) rest += double(x[i]) * double(x[i]);
    for (int chain = 1; chain < kChains; ++chain) sums[0] += sums[chain];
    return sum_lanes<double>(sums[0]) + rest;
}

}  // namespace chainrule::CHAINRULE_LEVEL

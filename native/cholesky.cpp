#include "cholesky.hpp"

#include <algorithm>
#include <cmath>


namespace chainrule {
namespace {

constexpr Index kBlockRows = 24;    // factored row by row, between products
constexpr double kLeastPivot = 1e-13;  // relative: what rounding leaves of a curvature
constexpr double kNothing = 1e-9;      // relative: what it leaves of a right side where there is none

double dot(const double* a, const double* b, Index n) {
    constexpr Index kSums = 8;
    double sums[kSums] = {};
    Index i = 0;
    for (; i + kSums <= n; i += kSums) {
        for (Index s = 0; s < kSums; ++s) sums[s] += a[i + s] * b[i + s];
    }
    for (; i < n; ++i) sums[0] += a[i] * b[i];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace

double* Cholesky::matrix(Index n) {
    n_ = n;
    matrix_.resize(std::size_t(n * n));
    return matrix_.data();
}

void Cholesky::scale() {
    scale_.resize(std::size_t(n_));
    for (Index i = 0; i < n_; ++i) {
        const double own = matrix_[std::size_t(i * n_ + i)];
        scale_[std::size_t(i)] = own > 0.0 ? 1.0 / std::sqrt(own) : 0.0;
    }
    for (Index i = 0; i < n_; ++i) {
        double* row = matrix_.data() + i * n_;
        for (Index j = i; j < n_; ++j) row[j] *= scale_[std::size_t(i)] * scale_[std::size_t(j)];
    }
}

void Cholesky::factor() {
    scale();
    inverse_diagonal_.resize(std::size_t(n_));
    follows_.resize(std::size_t(n_));
    for (Index first = 0; first < n_; first += kBlockRows) {
        const Index last = std::min(first + kBlockRows, n_), n_rows = last - first;
        if (first > 0) {
            turned_.resize(std::size_t(n_rows * first));
            for (Index p = 0; p < first; ++p) {
                for (Index i = 0; i < n_rows; ++i) turned_[std::size_t(i * first + p)] = -matrix_[std::size_t(p * n_ + first + i)];
            }
            Product<double> product;
            product.m = n_rows, product.n = n_ - first, product.k = first;
            product.a = turned_.data(), product.a_row_stride = first;
            product.b = matrix_.data() + first, product.b_row_stride = n_;
            product.c = matrix_.data() + first * n_ + first, product.c_row_stride = n_;
            product.accumulate = true;
            products_.run(product);
        }
        factor_rows(first, last);
    }
}

void Cholesky::factor_rows(Index first, Index last) {
    const auto& kernels = chainrule::kernels().network_float64;
    for (Index j = first; j < last; ++j) {
        double* row = matrix_.data() + j * n_;
        follows_[std::size_t(j)] = !(row[j] > kLeastPivot);
        const double inverse = 1.0 / std::sqrt(std::max(row[j], kLeastPivot));
        inverse_diagonal_[std::size_t(j)] = inverse;
        for (Index i = j; i < n_; ++i) row[i] *= inverse;
        for (Index i = j + 1; i < last; ++i) kernels.add_scaled(-row[i], row + i, matrix_.data() + i * n_ + i, n_ - i, true);
    }
}

void Cholesky::solve(double* b) const {
    const auto& kernels = chainrule::kernels().network_float64;
    double largest = 0.0;
    for (Index j = 0; j < n_; ++j) {
        b[j] *= scale_[std::size_t(j)];
        largest = std::max(largest, std::abs(b[j]));
    }
    for (Index j = 0; j < n_; ++j) {
        if (follows_[std::size_t(j)] && std::abs(b[j]) <= kNothing * largest) b[j] = 0.0;
        b[j] *= inverse_diagonal_[std::size_t(j)];
        if (b[j] != 0.0) {
            kernels.add_scaled(-b[j], matrix_.data() + j * n_ + j + 1, b + j + 1, n_ - j - 1, true);
        }
    }
    for (Index j = n_; j-- > 0;) {
        b[j] = (b[j] - dot(matrix_.data() + j * n_ + j + 1, b + j + 1, n_ - j - 1)) * inverse_diagonal_[std::size_t(j)];
    }
    for (Index j = 0; j < n_; ++j) b[j] *= scale_[std::size_t(j)];
}

}  // namespace chainrule

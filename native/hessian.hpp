// The softmax layer's Hessian among some of its coefficients.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/softmax_table.hpp"

namespace chainrule {

// Rows, and which coefficients: entry e belongs to column columns[e] (n_features: the intercept) and class classes[e].
// With p_i the probabilities of row i and c_i = x_i - means, followed by a 1, entries e and f have the curvature
// sum_i shares[i] p_ik ([k = l] - p_il) c_ie c_if, k and l their classes.
struct HessianSums {
    Index n_rows = 0;
    Matrix<const double> rows;  // (n_rows, n_features), or in float32:
    Matrix<const float> narrow_rows;
    Index n_features = 0;
    const double* means = nullptr;       // (n_features,)
    Matrix<const double> probabilities;  // (n_rows, n_classes)
    Index n_classes = 0;
    const double* shares = nullptr;  // (n_rows,)
    Index share_stride = 0;
    std::vector<std::int64_t> columns, classes;  // (n,), checked
};

// Returns (n, n), the same to the last bit whatever n_threads is.
std::vector<double> add_up_hessian(const HessianSums& sums, int n_threads);

}  // namespace chainrule

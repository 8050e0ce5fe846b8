// The inner problem of the proximal Newton method, where the Hessian is too large to be at hand: from the rows.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/sparse_table.hpp"

namespace chainrule {

// The quadratic model of the softmax loss around probabilities p, among some coefficients, and an l1 penalty:
//
//   gradient . step + step (H + diag(l2 + damping)) step / 2 + sum_e l1_e |start_e + step_e|.
//
// Entry e belongs to column columns[e] (n_features: the intercept) and class classes[e]. Gradient and step are those by
// centred columns, X - means. Where there are means there is an intercept, and all of its entries are among these.
struct L1RowsProblem {
    Index n_rows = 0, n_features = 0, n_classes = 0;
    std::vector<std::int64_t> columns, classes;  // (n,), checked
    const double* means = nullptr;               // (n_features,)
    Matrix<const double> probabilities;          // (n_rows, n_classes)
    const double* shares = nullptr;              // (n_rows,)
    Index share_stride = 0;
    const double *gradient = nullptr, *start = nullptr, *l1 = nullptr, *l2 = nullptr, *damping = nullptr;  // (n,)
};

struct L1RowsSolution {
    std::vector<double> step;  // (n,); what it takes to zero is exactly zero there
    double curvature = 0.0;    // step (H + diag(l2)) step
};

// A minimum, see L1Minimiser; solves are by conjugate gradients. `by_column` is the transposed matrix: its rows are the
// columns, not centred. The result is the same to the last bit whatever n_threads is.
//
// Each class is gone through with what its coefficients see in every row at hand: a coefficient costs the non-zeros of
// its column, whatever the number of classes.
template <class Value, class Position>
L1RowsSolution minimise(const L1RowsProblem& problem, const SparseMatrix<Value, Position>& by_column, double accuracy,
                        double most, int n_threads);

}  // namespace chainrule

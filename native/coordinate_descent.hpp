// Coordinate descent on a quadratic with an l1 penalty: the inner problem of the proximal Newton method.
#pragma once

#include "kernels/softmax_table.hpp"

namespace chainrule {

// min over step of  gradient . step + step H step / 2 + sum_j l1_j |start_j + step_j|.
struct L1Quadratic {
    Index n = 0;
    const double* hessian = nullptr;   // (n, n), symmetric, neighbours along rows
    const double* gradient = nullptr;  // (n,)
    const double* start = nullptr;     // (n,)
    const double* l1 = nullptr;        // (n,), >= 0
};

// Improves `step` (n,) until a sweep over all coordinates promises to gain no more than `tol`, or for max_sweeps; returns
// the sweeps done. residual (n,) is gradient + H step, at the call and at the return.
//
// Sweeps over all coordinates take turns with sweeps over those that are not zero: Friedman, Hastie and Tibshirani 2010,
// "Regularization Paths for Generalized Linear Models via Coordinate Descent".
int descend_by_coordinates(const L1Quadratic& problem, double* step, double* residual, double tol, int max_sweeps);

}  // namespace chainrule

// The inner problem of the proximal Newton method: a quadratic of which the Hessian is at hand, and an l1 penalty.
#pragma once

#include "kernels/softmax_table.hpp"

namespace chainrule {

// min over step of  gradient . step + step (H + diag(damping)) step / 2 + sum_j l1_j |start_j + step_j|.
struct L1Quadratic {
    Index n = 0;
    const double* hessian = nullptr;   // (n, n), symmetric, neighbours along rows
    const double* damping = nullptr;   // (n,), >= 0
    const double* gradient = nullptr;  // (n,)
    const double* start = nullptr;     // (n,)
    const double* l1 = nullptr;        // (n,), >= 0
};

// Fills step (n,), and residual (n,) = gradient + (H + diag(damping)) step, with a minimum to `accuracy` (a share of the
// decrease that it promises), so far as one coordinate alone can tell. What ends on zero does so exactly.
//
// Coordinate descent finds the signs, and a solve for given signs gets to where they hold: the orthant's minimum with all
// that would cross zero put there if that is good enough, else the way up to the first crossing.
void minimise(const L1Quadratic& problem, double accuracy, double* step, double* residual);

}  // namespace chainrule

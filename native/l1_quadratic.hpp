// The inner problem of the proximal Newton method, where the Hessian is at hand.
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

// Fills step (n,), and slope (n,) = gradient + (H + diag(damping)) step; see L1Minimiser.
void minimise(const L1Quadratic& problem, double accuracy, double most, double* step, double* slope);

}  // namespace chainrule

#include "coordinate_descent.hpp"

#include <cmath>

#include "simd.hpp"

namespace chainrule {
namespace {

// Moves one coordinate to its best value; returns twice the gain that this promises.
double improve(const L1Quadratic& problem, Index j, double* step, double* residual) {
    const double curvature = problem.hessian[j * problem.n + j];
    if (!(curvature > 0.0)) return 0.0;
    const double before = problem.start[j] + step[j];
    const double free = before - residual[j] / curvature;
    const double least = problem.l1[j] / curvature;
    const double after = std::abs(free) <= least ? 0.0 : free - std::copysign(least, free);
    const double change = after - before;
    if (change == 0.0) return 0.0;
    // What is exactly zero has to stay so: start + step is not always it in floating point.
    step[j] = after == 0.0 ? -problem.start[j] : step[j] + change;
    kernels().network_float64.add_scaled(change, problem.hessian + j * problem.n, residual, problem.n, true);
    return curvature * change * change;
}

}  // namespace

int descend_by_coordinates(const L1Quadratic& problem, double* step, double* residual, double tol, int max_sweeps) {
    int sweeps = 0;
    while (sweeps < max_sweeps) {
        double gain = 0.0;
        for (Index j = 0; j < problem.n; ++j) gain += improve(problem, j, step, residual);
        ++sweeps;
        if (!(gain > tol)) break;
        while (sweeps < max_sweeps && gain > tol) {
            gain = 0.0;
            for (Index j = 0; j < problem.n; ++j) {
                if (problem.start[j] + step[j] != 0.0) gain += improve(problem, j, step, residual);
            }
            ++sweeps;
        }
    }
    return sweeps;
}

}  // namespace chainrule

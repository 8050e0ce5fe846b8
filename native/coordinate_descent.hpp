// Coordinate descent on a quadratic with an l1 penalty, whoever knows the quadratic's slopes.
#pragma once

#include <cmath>

#include "kernels/softmax_table.hpp"

namespace chainrule {

// One coordinate's best value, and the decrease on the way there. `before` is its value, `slope` the quadratic's there.
struct Improvement {
    double after = 0.0;
    double gain = 0.0;
};

inline Improvement improve(double before, double slope, double curvature, double l1) {
    if (!(curvature > 0.0)) return {before, 0.0};
    const double free = before - slope / curvature;
    const double least = l1 / curvature;
    const double after = std::abs(free) <= least ? 0.0 : free - std::copysign(least, free);
    const double change = after - before;
    return {after, l1 * (std::abs(before) - std::abs(after)) - change * (slope + 0.5 * curvature * change)};
}

// Calls sweep(only_active) -> decrease, over all coordinates or over those that are not zero, until a sweep over all of
// them gains no more than `tol`, or for max_sweeps. `tol` is asked anew, as a function of the decrease so far. Returns
// that decrease.
//
// Sweeps over all coordinates take turns with sweeps over those that are not zero: Friedman, Hastie and Tibshirani 2010,
// "Regularization Paths for Generalized Linear Models via Coordinate Descent".
template <class Sweep, class Tolerance>
double descend_by_coordinates(const Sweep& sweep, const Tolerance& tol, int max_sweeps) {
    double total = 0.0;
    for (int sweeps = 0; sweeps < max_sweeps;) {
        double gain = sweep(false);
        total += gain;
        ++sweeps;
        if (!(gain > tol(total))) break;
        while (sweeps < max_sweeps && gain > tol(total)) {
            gain = sweep(true);
            total += gain;
            ++sweeps;
        }
    }
    return total;
}

}  // namespace chainrule

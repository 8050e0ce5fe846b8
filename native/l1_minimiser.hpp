// How a quadratic plus an l1 penalty is minimised, whatever holds the quadratic's Hessian.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/softmax_table.hpp"

namespace chainrule {

// One coordinate's best value, and the decrease on the way there.
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

// min over step of  gradient . step + step H step / 2 + sum_j l1_j |start_j + step_j|.
//
// Coordinate descent finds the signs, and a solve for given signs gets to where they hold: the whole way, with all that
// would cross zero put there, if that is good enough; else up to the first crossing. Sweeps over all coordinates take
// turns with sweeps over those that are not zero (Friedman, Hastie and Tibshirani 2010, "Regularization Paths for
// Generalized Linear Models via Coordinate Descent").
//
// A Quadratic has
//   size(), gradient(j), start(j), l1(j), curvature(j)   of each coordinate, H's diagonal being the last;
//   step()                        the step (n,), which moves;
//   sweep(only_active) -> gain    coordinate descent, over those that are not zero alone if so asked;
//   renew()                       to be called when the step was moved from outside;
//   slope(j)                      gradient + H step, after renew();
//   solve(moving, right)          right := H^-1 right among the coordinates `moving`, or near it;
//   multiply(moving, v) -> H v    among the same; a vector (moving.size(),).
template <class Quadratic>
class L1Minimiser {
public:
    // To `accuracy`, a share of the decrease that is promised, so far as one coordinate alone can tell; or to where the
    // decrease is more than `most`.
    L1Minimiser(Quadratic& quadratic, double accuracy, double most)
        : q_(quadratic), accuracy_(accuracy), most_(most) {}

    // Rounds of coordinate descent, of so many sweeps each, and solves. What ends on zero does so exactly.
    void run(int max_rounds, int max_sweeps) {
        for (int round = 0; round < max_rounds; ++round) {
            descend(max_sweeps);
            q_.renew();
            // What barred the way is left out at once: coordinate descent might bring it back for another step of nothing.
            Outcome outcome = Outcome::kBarred;
            for (int solves = 0; outcome == Outcome::kBarred && solves < kMaxSolves; ++solves) {
                outcome = solve_for_signs();
                q_.renew();
            }
            if ((is_optimal() && outcome == Outcome::kArrived) || promise_ > most_) return;
        }
    }

private:
    static constexpr int kMaxSolves = 30;  // in a row
    enum class Outcome { kArrived, kProjected, kBarred };

    double target(Index j) const { return q_.start(j) + q_.step()[j]; }

    void descend(int max_sweeps) {
        const auto is_small = [&](double gain) { return !(gain > 1e-3 * accuracy_ * promise_); };
        for (int sweeps = 0; sweeps < max_sweeps;) {
            double gain = q_.sweep(false);
            promise_ += gain;
            ++sweeps;
            if (is_small(gain)) break;
            while (sweeps < max_sweeps && !is_small(gain)) {
                gain = q_.sweep(true);
                promise_ += gain;
                ++sweeps;
            }
        }
    }

    // Whether no coordinate alone can gain more than the accuracy asked for.
    bool is_optimal() {
        double left = 0.0;
        promise_ = 0.0;
        for (Index j = 0; j < q_.size(); ++j) {
            const double at = target(j), slope = q_.slope(j);
            left += improve(at, slope, q_.curvature(j), q_.l1(j)).gain;
            promise_ -= 0.5 * q_.step()[j] * (q_.gradient(j) + slope);
            promise_ += q_.l1(j) * (std::abs(q_.start(j)) - std::abs(at));
        }
        return !(left > accuracy_ * std::max(promise_, 0.0) + std::numeric_limits<double>::min());
    }

    Outcome solve_for_signs() {
        moving_.clear();
        for (Index j = 0; j < q_.size(); ++j) {
            if (target(j) != 0.0 || q_.l1(j) == 0.0) moving_.push_back(j);
        }
        const std::size_t n = moving_.size();
        if (n == 0) return Outcome::kArrived;
        slope_.resize(n);
        for (std::size_t i = 0; i < n; ++i) {
            const Index j = moving_[i];
            slope_[i] = q_.slope(j) + (q_.l1(j) > 0.0 ? std::copysign(q_.l1(j), target(j)) : 0.0);
        }
        change_ = slope_;
        q_.solve(moving_, change_);
        double reach = 1.0, along = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
            change_[i] = -change_[i];
            along -= slope_[i] * change_[i];
            if (crosses(i)) reach = std::min(reach, -target(moving_[i]) / change_[i]);
        }
        if (reach < 1.0 && take_projected((reach - 0.5 * reach * reach) * along)) {
            return Outcome::kProjected;
        }
        for (std::size_t i = 0; i < n; ++i) {
            const Index j = moving_[i];
            const bool hits = reach < 1.0 && crosses(i) && -target(j) / change_[i] <= reach;
            put(j, hits ? 0.0 : target(j) + reach * change_[i], reach * change_[i]);
        }
        return reach == 1.0 ? Outcome::kArrived : Outcome::kBarred;
    }

    bool crosses(std::size_t i) const {
        const double at = target(moving_[i]), after = at + change_[i];
        return q_.l1(moving_[i]) > 0.0 && (after == 0.0 || (after > 0.0) != (at > 0.0));
    }

    // What is exactly zero has to stay so: start + step is not always it in floating point.
    void put(Index j, double after, double change) {
        q_.step()[j] = after == 0.0 ? -q_.start(j) : q_.step()[j] + change;
    }

    // Goes the whole way, with what would cross zero put there, if that gains as much as is `wanted`.
    bool take_projected(double wanted) {
        projected_ = change_;
        double gain = 0.0;
        for (std::size_t i = 0; i < moving_.size(); ++i) {
            if (crosses(i)) projected_[i] = -target(moving_[i]);
            gain -= slope_[i] * projected_[i];
        }
        const std::vector<double>& bent = q_.multiply(moving_, projected_);
        for (std::size_t i = 0; i < moving_.size(); ++i) gain -= 0.5 * projected_[i] * bent[i];
        if (!(gain >= wanted)) return false;
        for (std::size_t i = 0; i < moving_.size(); ++i) {
            put(moving_[i], crosses(i) ? 0.0 : target(moving_[i]) + projected_[i], projected_[i]);
        }
        return true;
    }

    Quadratic& q_;
    const double accuracy_, most_;
    double promise_ = 0.0;
    std::vector<Index> moving_;
    std::vector<double> slope_, change_, projected_;
};

}  // namespace chainrule

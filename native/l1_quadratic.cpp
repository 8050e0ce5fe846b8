#include "l1_quadratic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cholesky.hpp"
#include "coordinate_descent.hpp"
#include "simd.hpp"

namespace chainrule {
namespace {

constexpr int kMaxRounds = 60;        // of coordinate descent and solves
constexpr int kLeastSweeps = 4;       // of a round
constexpr int kMostSweeps = 40;
constexpr Index kSweepsOfASolve = 16;  // rows of the Hessian over this many sweeps take about as long as a solve

class Minimiser {
public:
    Minimiser(const L1Quadratic& problem, double accuracy, double* step, double* residual)
        : p_(problem), accuracy_(accuracy), step_(step), residual_(residual) {}

    void run() {
        std::fill(step_, step_ + p_.n, 0.0);
        std::copy(p_.gradient, p_.gradient + p_.n, residual_);
        const int sweeps = int(std::clamp<Index>(p_.n / kSweepsOfASolve, kLeastSweeps, kMostSweeps));
        const auto sweep = [&](bool only_active) { return this->sweep(only_active); };
        for (int round = 0; round < kMaxRounds; ++round) {
            promise_ += descend_by_coordinates(
                sweep, [&](double gain) { return 1e-3 * accuracy_ * (promise_ + gain); }, sweeps);
            const bool settled = solve_for_signs();
            renew_residual();
            if (settled && is_optimal()) return;
        }
    }

private:
    double target(Index j) const { return p_.start[j] + step_[j]; }
    const double* row(Index j) const { return p_.hessian + j * p_.n; }

    // What is exactly zero has to stay so: start + step is not always it in floating point.
    void move(Index j, double before, double after) {
        const double change = after - before;
        step_[j] = after == 0.0 ? -p_.start[j] : step_[j] + change;
        add_row(j, change, residual_);
    }

    void add_row(Index j, double change, double* to) const {
        kernels().network_float64.add_scaled(change, row(j), to, p_.n, true);
        to[j] += change * p_.damping[j];
    }

    double sweep(bool only_active) {
        double gain = 0.0;
        for (Index j = 0; j < p_.n; ++j) {
            const double before = target(j);
            if (only_active && before == 0.0) continue;
            const Improvement best = improve(before, residual_[j], row(j)[j] + p_.damping[j], p_.l1[j]);
            if (best.after == before) continue;
            move(j, before, best.after);
            gain += best.gain;
        }
        return gain;
    }

    // gradient + (H + diag(damping)) step anew, without what rounding left in it.
    void renew_residual() {
        std::copy(p_.gradient, p_.gradient + p_.n, residual_);
        for (Index j = 0; j < p_.n; ++j) {
            if (step_[j] != 0.0) add_row(j, step_[j], residual_);
        }
    }

    // Whether no coordinate alone can gain more than the accuracy asked for.
    bool is_optimal() {
        double left = 0.0;
        promise_ = 0.0;
        for (Index j = 0; j < p_.n; ++j) {
            const double at = target(j), slope = residual_[j];
            left += improve(at, slope, row(j)[j] + p_.damping[j], p_.l1[j]).gain;
            promise_ -= 0.5 * step_[j] * (p_.gradient[j] + slope);
            promise_ += p_.l1[j] * (std::abs(p_.start[j]) - std::abs(at));
        }
        return !(left > accuracy_ * std::max(promise_, 0.0) + std::numeric_limits<double>::min());
    }

    // Returns whether the signs held.
    bool solve_for_signs() {
        moving_.clear();
        for (Index j = 0; j < p_.n; ++j) {
            if (target(j) != 0.0 || p_.l1[j] == 0.0) moving_.push_back(j);
        }
        const auto n = Index(moving_.size());
        if (n == 0) return true;
        factor();
        slope_.resize(std::size_t(n));
        for (Index i = 0; i < n; ++i) {
            const Index j = moving_[std::size_t(i)];
            slope_[std::size_t(i)] = residual_[j] + (p_.l1[j] > 0.0 ? std::copysign(p_.l1[j], target(j)) : 0.0);
        }
        change_ = slope_;
        factor_.solve(change_.data());
        double reach = 1.0, decrease = 0.0;
        for (Index i = 0; i < n; ++i) {
            const Index j = moving_[std::size_t(i)];
            change_[std::size_t(i)] = -change_[std::size_t(i)];
            decrease -= slope_[std::size_t(i)] * change_[std::size_t(i)];  // twice that of the whole way
            if (crosses(j, change_[std::size_t(i)])) reach = std::min(reach, -target(j) / change_[std::size_t(i)]);
        }
        if (reach < 1.0 && take_projected((reach - 0.5 * reach * reach) * decrease)) return false;
        for (Index i = 0; i < n; ++i) {
            const Index j = moving_[std::size_t(i)];
            const double change = change_[std::size_t(i)];
            const bool hits = reach < 1.0 && crosses(j, change) && -target(j) / change <= reach;
            step_[j] = hits ? -p_.start[j] : step_[j] + reach * change;
        }
        return reach == 1.0;
    }

    bool crosses(Index j, double change) const {
        const double at = target(j);
        return p_.l1[j] > 0.0 && ((at + change > 0.0) != (at > 0.0) || at + change == 0.0);
    }

    void factor() {
        const auto n = Index(moving_.size());
        double* matrix = factor_.matrix(n);
        for (Index i = 0; i < n; ++i) {
            const double* from = row(moving_[std::size_t(i)]);
            double* to = matrix + i * n;
            for (Index k = i; k < n; ++k) to[k] = from[moving_[std::size_t(k)]];
            to[i] += p_.damping[moving_[std::size_t(i)]];
        }
        factor_.factor();
    }

    // Goes the whole way, with what would cross zero put there, if that gains as much as is `wanted`.
    bool take_projected(double wanted) {
        along_.assign(std::size_t(p_.n), 0.0);
        double gain = 0.0;
        for (std::size_t i = 0; i < moving_.size(); ++i) {
            const Index j = moving_[i];
            const double change = crosses(j, change_[i]) ? -target(j) : change_[i];
            add_row(j, change, along_.data());
            gain -= slope_[i] * change;
        }
        for (std::size_t i = 0; i < moving_.size(); ++i) {
            const Index j = moving_[i];
            gain -= 0.5 * (crosses(j, change_[i]) ? -target(j) : change_[i]) * along_[std::size_t(j)];
        }
        if (!(gain >= wanted)) return false;
        for (std::size_t i = 0; i < moving_.size(); ++i) {
            const Index j = moving_[i];
            step_[j] = crosses(j, change_[i]) ? -p_.start[j] : step_[j] + change_[i];
        }
        return true;
    }

    const L1Quadratic& p_;
    double accuracy_;
    double *step_, *residual_;
    double promise_ = 0.0;
    Cholesky factor_;
    std::vector<Index> moving_;
    std::vector<double> slope_, change_, along_;
};

}  // namespace

void minimise(const L1Quadratic& problem, double accuracy, double* step, double* residual) {
    Minimiser(problem, accuracy, step, residual).run();
}

}  // namespace chainrule

#include "l1_quadratic.hpp"

#include <algorithm>
#include <vector>

#include "cholesky.hpp"
#include "l1_minimiser.hpp"
#include "simd.hpp"

namespace chainrule {
namespace {

constexpr int kMaxRounds = 60;
constexpr int kLeastSweeps = 4, kMostSweeps = 40;  // of a round
constexpr Index kRowsPerSweep = 16;  // of the Hessian: so many sweeps take about as long as a solve

class HeldQuadratic {
public:
    HeldQuadratic(const L1Quadratic& problem, double* step, double* slope) : p_(problem), step_(step), slope_(slope) {
        std::fill(step_, step_ + p_.n, 0.0);
        std::copy(p_.gradient, p_.gradient + p_.n, slope_);
    }

    Index size() const { return p_.n; }
    double gradient(Index j) const { return p_.gradient[j]; }
    double start(Index j) const { return p_.start[j]; }
    double l1(Index j) const { return p_.l1[j]; }
    double curvature(Index j) const { return row(j)[j] + p_.damping[j]; }
    double slope(Index j) const { return slope_[j]; }
    double* step() const { return step_; }

    double sweep(bool only_active) {
        double gain = 0.0;
        for (Index j = 0; j < p_.n; ++j) {
            const double before = p_.start[j] + step_[j];
            if (only_active && before == 0.0) continue;
            const Improvement best = improve(before, slope_[j], curvature(j), p_.l1[j]);
            if (best.after == before) continue;
            const double change = best.after - before;
            // What is exactly zero has to stay so: start + step is not always it in floating point.
            step_[j] = best.after == 0.0 ? -p_.start[j] : step_[j] + change;
            add_row(j, change, slope_);
            gain += best.gain;
        }
        return gain;
    }

    void renew() {
        std::copy(p_.gradient, p_.gradient + p_.n, slope_);
        for (Index j = 0; j < p_.n; ++j) {
            if (step_[j] != 0.0) add_row(j, step_[j], slope_);
        }
    }

    void solve(const std::vector<Index>& moving, std::vector<double>& right) {
        const auto n = Index(moving.size());
        const auto fill = [&](double* rows, Index stride) {
            for (Index i = 0; i < n; ++i) {
                const double* from = row(moving[std::size_t(i)]);
                double* to = rows + i * stride;
                for (Index k = i; k < n; ++k) to[k] = from[moving[std::size_t(k)]];
                to[i] = curvature(moving[std::size_t(i)]);
            }
        };
        const Cholesky<double> factor(n, fill, 1);
        factor.solve(right.data(), right.data(), 1);
    }

    const std::vector<double>& multiply(const std::vector<Index>& moving, const std::vector<double>& v) {
        all_.assign(std::size_t(p_.n), 0.0);
        for (std::size_t i = 0; i < moving.size(); ++i) add_row(moving[i], v[i], all_.data());
        product_.resize(moving.size());
        for (std::size_t i = 0; i < moving.size(); ++i) product_[i] = all_[std::size_t(moving[i])];
        return product_;
    }

private:
    const double* row(Index j) const { return p_.hessian + j * p_.n; }

    void add_row(Index j, double times, double* to) const {
        kernels().network_float64.add_scaled(times, row(j), to, p_.n, true);
        to[j] += times * p_.damping[j];
    }

    const L1Quadratic& p_;
    double *step_, *slope_;
    std::vector<double> all_, product_;
};

}  // namespace

void minimise(const L1Quadratic& problem, double accuracy, double most, double* step, double* slope) {
    HeldQuadratic quadratic(problem, step, slope);
    const auto sweeps = int(std::clamp<Index>(problem.n / kRowsPerSweep, kLeastSweeps, kMostSweeps));
    L1Minimiser<HeldQuadratic>(quadratic, accuracy, most).run(kMaxRounds, sweeps);
}

}  // namespace chainrule

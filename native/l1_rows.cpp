#include "l1_rows.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "l1_minimiser.hpp"
#include "threads.hpp"

namespace chainrule {
namespace {

constexpr int kMaxRounds = 30;
constexpr int kSweeps = 10;  // of a round
constexpr int kMaxConjugateSteps = 100;
constexpr double kShareOfAccuracy = 0.01;

template <class Value, class Position>
class RowsQuadratic {
public:
    RowsQuadratic(const L1RowsProblem& problem, const SparseMatrix<Value, Position>& by_column, double accuracy,
                  int n_threads)
        : p_(problem), by_column_(by_column), n_(Index(problem.columns.size())), n_threads_(n_threads),
          residual_share_(kShareOfAccuracy * accuracy) {
        sort_by_class();
        const auto m = std::size_t(p_.n_rows), all = m * std::size_t(p_.n_classes);
        probability_.resize(all);
        for (Index i = 0; i < p_.n_rows; ++i) {
            for (Index k = 0; k < p_.n_classes; ++k) {
                probability_[std::size_t(k * p_.n_rows + i)] =
                    p_.probabilities.data[i * p_.probabilities.row_stride + k * p_.probabilities.column_stride];
            }
        }
        logits_.assign(all, 0.0);
        mean_logit_.assign(m, 0.0);
        for (std::vector<double>* rows : {&residual_, &variance_, &moved_}) rows->assign(m, 0.0);
        step_.assign(std::size_t(n_), 0.0);
        every_.resize(std::size_t(n_));
        uncentre_gradient();
        curvature_.resize(std::size_t(n_));
        for (Index k = 0; k < p_.n_classes; ++k) {
            enter(k);
            for (Index at = first_[std::size_t(k)]; at < first_[std::size_t(k) + 1]; ++at) {
                const Index e = order_[std::size_t(at)];
                double sum = 0.0;
                over(e, [&](Index i, double x) { sum += x * x * variance_[std::size_t(i)]; });
                curvature_[std::size_t(e)] = sum + p_.l2[e] + p_.damping[e];
            }
        }
    }

    Index size() const { return n_; }
    double gradient(Index e) const { return gradient_[std::size_t(e)]; }
    double start(Index e) const { return p_.start[e]; }
    double l1(Index e) const { return p_.l1[e]; }
    double curvature(Index e) const { return curvature_[std::size_t(e)]; }
    double slope(Index e) const { return slope_[std::size_t(e)]; }
    double* step() { return step_.data(); }
    const double* step() const { return step_.data(); }

    double sweep(bool only_active) {
        double gain = 0.0;
        for (Index k = 0; k < p_.n_classes; ++k) {
            enter(k);
            for (Index at = first_[std::size_t(k)]; at < first_[std::size_t(k) + 1]; ++at) {
                const Index e = order_[std::size_t(at)];
                if (!only_active || target(e) != 0.0) gain += improve_entry(e);
            }
            leave(k);
        }
        return gain;
    }

    void renew() {
        std::iota(every_.begin(), every_.end(), Index(0));
        slope_ = multiply(every_, step_);
        logits_.swap(product_logits_);
        mean_logit_.swap(product_mean_);
        for (Index e = 0; e < n_; ++e) slope_[std::size_t(e)] += gradient_[std::size_t(e)];
    }

    // Conjugate gradients, preconditioned by the diagonal.
    void solve(const std::vector<Index>& moving, std::vector<double>& right) {
        const std::size_t n = moving.size();
        std::vector<double> solution(n, 0.0), residual = right, towards(n), scaled(n);
        const auto precondition = [&] {
            double size = 0.0;
            for (std::size_t i = 0; i < n; ++i) {
                const double own = curvature(moving[i]);
                scaled[i] = own > 0.0 ? residual[i] / own : 0.0;
                size += scaled[i] * residual[i];
            }
            return size;
        };
        double size = precondition();
        const double enough = residual_share_ * size;
        towards = scaled;
        for (int step = 0; step < kMaxConjugateSteps && size > enough; ++step) {
            const std::vector<double>& bent = multiply(moving, towards);
            double along = 0.0;
            for (std::size_t i = 0; i < n; ++i) along += towards[i] * bent[i];
            if (!(along > 0.0)) break;
            const double length = size / along;
            for (std::size_t i = 0; i < n; ++i) {
                solution[i] += length * towards[i];
                residual[i] -= length * bent[i];
            }
            const double before = size;
            size = precondition();
            for (std::size_t i = 0; i < n; ++i) towards[i] = scaled[i] + size / before * towards[i];
        }
        right = std::move(solution);
    }

    const std::vector<double>& multiply(const std::vector<Index>& moving, const std::vector<double>& v) {
        all_.assign(std::size_t(n_), 0.0);
        for (std::size_t i = 0; i < moving.size(); ++i) all_[std::size_t(moving[i])] = v[i];
        product_logits_.assign(logits_.size(), 0.0);
        product_mean_.assign(mean_logit_.size(), 0.0);
        product_.resize(moving.size());
        for_classes([&](Index k) {
            double* u = product_logits_.data() + k * p_.n_rows;
            for (Index at = first_[std::size_t(k)]; at < first_[std::size_t(k) + 1]; ++at) {
                const Index e = order_[std::size_t(at)];
                const double times = all_[std::size_t(e)];
                if (times != 0.0) over(e, [&](Index i, double x) { u[i] += x * times; });
            }
        });
        for (Index k = 0; k < p_.n_classes; ++k) {
            const double *p = probability_.data() + k * p_.n_rows, *u = product_logits_.data() + k * p_.n_rows;
            for (Index i = 0; i < p_.n_rows; ++i) product_mean_[std::size_t(i)] += p[i] * u[i];
        }
        place_.assign(std::size_t(n_), -1);
        for (std::size_t i = 0; i < moving.size(); ++i) place_[std::size_t(moving[i])] = Index(i);
        for_classes([&](Index k) {
            const double *p = probability_.data() + k * p_.n_rows, *u = product_logits_.data() + k * p_.n_rows;
            std::vector<double> rows(std::size_t(p_.n_rows));
            for (Index i = 0; i < p_.n_rows; ++i) {
                rows[std::size_t(i)] = p_.shares[i * p_.share_stride] * p[i] * (u[i] - product_mean_[std::size_t(i)]);
            }
            for (Index at = first_[std::size_t(k)]; at < first_[std::size_t(k) + 1]; ++at) {
                const Index e = order_[std::size_t(at)];
                if (place_[std::size_t(e)] < 0) continue;
                double sum = (p_.l2[e] + p_.damping[e]) * all_[std::size_t(e)];
                over(e, [&](Index i, double x) { sum += x * rows[std::size_t(i)]; });
                product_[std::size_t(place_[std::size_t(e)])] = sum;
            }
        });
        return product_;
    }

    L1RowsSolution solution() {
        L1RowsSolution solution;
        solution.curvature = along_step();
        centre_step();
        solution.step = std::move(step_);
        return solution;
    }

private:
    template <class Task>
    void for_classes(const Task& task) const {
        parallel_for(p_.n_classes, n_threads_, [&](Index k, int) { task(k); });
    }

    void sort_by_class() {
        order_.resize(std::size_t(n_));
        std::iota(order_.begin(), order_.end(), Index(0));
        std::stable_sort(order_.begin(), order_.end(), [&](Index a, Index b) {
            return p_.classes[std::size_t(a)] < p_.classes[std::size_t(b)];
        });
        first_.assign(std::size_t(p_.n_classes) + 1, 0);
        for (const std::int64_t k : p_.classes) ++first_[std::size_t(k) + 1];
        std::partial_sum(first_.begin(), first_.end(), first_.begin());
        intercept_.assign(std::size_t(p_.n_classes), -1);
        for (Index e = 0; e < n_; ++e) {
            if (is_intercept(e)) intercept_[std::size_t(p_.classes[std::size_t(e)])] = e;
        }
    }

    Index column(Index e) const { return Index(p_.columns[std::size_t(e)]); }
    bool is_intercept(Index e) const { return column(e) == p_.n_features; }
    double mean(Index e) const { return is_intercept(e) ? 0.0 : p_.means[column(e)]; }
    Index intercept_of(Index e) const { return intercept_[std::size_t(p_.classes[std::size_t(e)])]; }
    double target(Index e) const { return p_.start[e] + step_[std::size_t(e)]; }

    // X W + b = (X - means) W + c for b = c - means W: the gradient by W at a given b, and later the step of c.
    void uncentre_gradient() {
        gradient_.assign(p_.gradient, p_.gradient + n_);
        for (Index e = 0; e < n_; ++e) {
            if (mean(e) != 0.0) gradient_[std::size_t(e)] += mean(e) * p_.gradient[intercept_of(e)];
        }
    }
    void centre_step() {
        for (Index e = 0; e < n_; ++e) {
            if (mean(e) != 0.0) step_[std::size_t(intercept_of(e))] += mean(e) * step_[std::size_t(e)];
        }
    }

    // f(row, number) for a column's entries.
    template <class F>
    void over(Index e, const F& f) const {
        if (is_intercept(e)) {
            for (Index i = 0; i < p_.n_rows; ++i) f(i, 1.0);
            return;
        }
        const Index j = column(e), end = Index(by_column_.starts[j + 1]);
        for (Index at = Index(by_column_.starts[j]); at < end; ++at) f(Index(by_column_.indices[at]), double(by_column_.data[at]));
    }

    // Makes residual_ what the model's gradient by the class's logits has gained, a number per row.
    void enter(Index k) {
        const double *p = probability_.data() + k * p_.n_rows, *u = logits_.data() + k * p_.n_rows;
        for (Index i = 0; i < p_.n_rows; ++i) {
            const double weight = p_.shares[i * p_.share_stride] * p[i];
            residual_[std::size_t(i)] = weight * (u[i] - mean_logit_[std::size_t(i)]);
            variance_[std::size_t(i)] = weight * (1.0 - p[i]);
            moved_[std::size_t(i)] = 0.0;
        }
    }

    void leave(Index k) {
        const double* p = probability_.data() + k * p_.n_rows;
        double* u = logits_.data() + k * p_.n_rows;
        for (Index i = 0; i < p_.n_rows; ++i) {
            u[i] += moved_[std::size_t(i)];
            mean_logit_[std::size_t(i)] += p[i] * moved_[std::size_t(i)];
        }
    }

    double improve_entry(Index e) {
        double slope = gradient_[std::size_t(e)] + (p_.l2[e] + p_.damping[e]) * step_[std::size_t(e)];
        over(e, [&](Index i, double x) { slope += x * residual_[std::size_t(i)]; });
        const double before = target(e);
        const Improvement best = improve(before, slope, curvature_[std::size_t(e)], p_.l1[e]);
        if (best.after == before) return 0.0;
        const double change = best.after - before;
        // What is exactly zero has to stay so: start + step is not always it in floating point.
        step_[std::size_t(e)] = best.after == 0.0 ? -p_.start[e] : step_[std::size_t(e)] + change;
        over(e, [&](Index i, double x) {
            moved_[std::size_t(i)] += x * change;
            residual_[std::size_t(i)] += x * change * variance_[std::size_t(i)];
        });
        return best.gain;
    }

    // sum_i s_i sum_k p_ik u_ik (u_ik - mean u_i), and the l2 penalty's.
    double along_step() const {
        double sum = 0.0;
        for (Index k = 0; k < p_.n_classes; ++k) {
            const double *p = probability_.data() + k * p_.n_rows, *u = logits_.data() + k * p_.n_rows;
            for (Index i = 0; i < p_.n_rows; ++i) {
                sum += p_.shares[i * p_.share_stride] * p[i] * u[i] * (u[i] - mean_logit_[std::size_t(i)]);
            }
        }
        for (Index e = 0; e < n_; ++e) sum += p_.l2[e] * step_[std::size_t(e)] * step_[std::size_t(e)];
        return sum;
    }

    const L1RowsProblem& p_;
    const SparseMatrix<Value, Position>& by_column_;
    const Index n_;
    const int n_threads_;
    const double residual_share_;  // of the squared residual, where conjugate gradients stop
    std::vector<Index> order_;      // entries class by class
    std::vector<Index> first_;      // where in it a class begins, and the end
    std::vector<Index> intercept_;  // of each class, an entry
    std::vector<double> probability_, logits_;  // (n_classes, n_rows): p, and u = X W + b for the step
    std::vector<double> mean_logit_;            // sum_k p_ik u_ik
    std::vector<double> residual_, variance_, moved_;  // of the class that is gone through
    std::vector<double> gradient_, curvature_, step_, slope_;
    std::vector<double> all_, product_, product_logits_, product_mean_;  // of a product with the Hessian
    std::vector<Index> every_, place_;
};

}  // namespace

template <class Value, class Position>
L1RowsSolution minimise(const L1RowsProblem& problem, const SparseMatrix<Value, Position>& by_column, double accuracy,
                        double most, int n_threads) {
    using Quadratic = RowsQuadratic<Value, Position>;
    Quadratic quadratic(problem, by_column, accuracy, n_threads);
    L1Minimiser<Quadratic>(quadratic, accuracy, most).run(kMaxRounds, kSweeps);
    return quadratic.solution();
}

#define CHAINRULE_L1_ROWS(Value, Position) \
    template L1RowsSolution minimise(const L1RowsProblem&, const SparseMatrix<Value, Position>&, double, double, int);
CHAINRULE_L1_ROWS(float, std::int32_t)
CHAINRULE_L1_ROWS(float, std::int64_t)
CHAINRULE_L1_ROWS(double, std::int32_t)
CHAINRULE_L1_ROWS(double, std::int64_t)
#undef CHAINRULE_L1_ROWS

}  // namespace chainrule

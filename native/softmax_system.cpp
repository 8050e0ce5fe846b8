#include "softmax_system.hpp"

#include <algorithm>

namespace chainrule {
namespace {

Index pair_of(Index k, Index j) { return k < j ? pair_of(j, k) : k * (k + 1) / 2 + j; }

template <class T>
void fill(const HessianBlocks& hessian, Index free, T* rows, Index stride) {
    const Index width = hessian.width;
    const double shared = hessian.n_outputs > 1 ? 1.0 / double(hessian.n_outputs) : 0.0;
    for (Index k = 0; k < free; ++k) {
        for (Index i = 0; i < width; ++i) {
            T* row = rows + (k * width + i) * stride;
            for (Index j = k; j < free; ++j) {
                const double* block = hessian.blocks + (pair_of(k, j) * width + i) * width;
                for (Index c = j == k ? i : 0; c < width; ++c) row[j * width + c] = T(block[c]);
                row[j * width + i] += T(hessian.added[i] * ((j == k ? 1.0 : 0.0) - shared));
            }
        }
    }
}

}  // namespace

template <class T>
SoftmaxSystem<T>::SoftmaxSystem(const HessianBlocks& hessian, int n_threads)
    : width_(hessian.width),
      n_features_(hessian.n_features),
      n_outputs_(hessian.n_outputs),
      free_(std::max<Index>(1, n_outputs_ - 1)),
      penalised_(n_features_ > 0 ? hessian.added[0] : 0.0),
      factor_(free_ * width_, [&](T* rows, Index stride) { fill(hessian, free_, rows, stride); }, n_threads) {}

template <class T>
void SoftmaxSystem<T>::solve(const double* residual, double* step) const {
    if (n_outputs_ == 1) return factor_.solve(residual, step, 1);
    std::vector<double> by_class(std::size_t(free_ * width_)), means(static_cast<std::size_t>(width_));
    for (Index i = 0; i < width_; ++i) {
        const double* row = residual + i * n_outputs_;
        double mean = 0.0;
        for (Index k = 0; k < n_outputs_; ++k) mean += row[k];
        mean /= double(n_outputs_);
        means[std::size_t(i)] = mean;
        for (Index k = 0; k < free_; ++k) by_class[std::size_t(k * width_ + i)] = row[k] - mean;
    }
    factor_.solve(by_class.data(), by_class.data(), 1);
    for (Index i = 0; i < width_; ++i) {
        double mean = 0.0;
        for (Index k = 0; k < free_; ++k) mean += by_class[std::size_t(k * width_ + i)];
        mean /= double(n_outputs_);
        // What the classes have in common has no curvature but the penalty's.
        const double common = i < n_features_ && penalised_ > 0.0 ? means[std::size_t(i)] / penalised_ : 0.0;
        double* row = step + i * n_outputs_;
        for (Index k = 0; k < free_; ++k) row[k] = by_class[std::size_t(k * width_ + i)] - mean + common;
        row[free_] = common - mean;
    }
}

template class SoftmaxSystem<float>;
template class SoftmaxSystem<double>;

}  // namespace chainrule

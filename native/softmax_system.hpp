// The softmax classifier's Newton system, from the blocks of its Hessian.
#pragma once

#include <vector>

#include "cholesky.hpp"

namespace chainrule {

// The Hessian of W (width, n_outputs), row by row, the last row of which is the intercept's where there is one: block
// (k, j) is that of classes k and j. The loss does not see what the classes have in common, so its rows add up to 0 over
// them and the last class's blocks follow from the others'.
struct HessianBlocks {
    Index width = 0;
    Index n_features = 0;   // width, or width - 1 with an intercept
    Index n_outputs = 0;
    const double* blocks = nullptr;  // (pairs, width, width), symmetric, pairs (0, 0), (1, 0), (1, 1), (2, 0), ...
    const double* added = nullptr;   // (width,): what penalty and damping add to the diagonal of each class
};

// The inverse of that plus what is added to its diagonal. Systems are solved among the first n_outputs - 1 classes (all of
// one): with u the step of the others and minus their sum that of the last, the addition is |u|^2 - (sum u)^2 / n.
template <class T>
class SoftmaxSystem {
public:
    SoftmaxSystem(const HessianBlocks& hessian, int n_threads);

    Index size() const { return width_ * n_outputs_; }
    void solve(const double* residual, double* step) const;  // (width, n_outputs) row by row

private:
    Index width_;
    Index n_features_;
    Index n_outputs_;
    Index free_;  // classes of the system
    double penalised_;
    Cholesky<T> factor_;
};

}  // namespace chainrule

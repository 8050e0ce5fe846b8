// The Cholesky factorisation of a symmetric matrix that rounding may have made singular.
#pragma once

#include <vector>

#include "product_memory.hpp"

namespace chainrule {

// U with U^T U = S^-1 A S^-1, S^2 the diagonal of A: scaled like this, columns of any size count alike. A row whose pivot
// is no more than rounding leaves follows from the ones before it; it gets a pivot of about that size, so that a solution
// goes far along what has no curvature, unless the right side has nothing there.
class Cholesky {
public:
    // The matrix to fill, (n, n) with rows `n` apart, of which the upper triangle is read; then factor() it.
    double* matrix(Index n);
    void factor();

    // Replaces b (n,) by A^-1 b.
    void solve(double* b) const;

private:
    void scale();
    void factor_rows(Index first, Index last);

    Index n_ = 0;
    std::vector<double> matrix_;            // A, then U
    std::vector<double> scale_;             // 1 / S
    std::vector<double> inverse_diagonal_;  // of U
    std::vector<char> follows_;             // whether a row of A follows from the ones before it
    std::vector<double> turned_;            // rows of U that meet a block, negative
    ProductMemory products_;
};

}  // namespace chainrule

// Solving symmetric systems that rounding may have made singular.
#pragma once

#include <functional>
#include <vector>

#include "aligned_memory.hpp"
#include "kernels/triangular_table.hpp"

namespace chainrule {

// The Cholesky factor of a positive semi-definite matrix (n, n), with as little added to its diagonal as it takes: along
// what has no curvature a solution goes far. The matrix is scaled to a unit diagonal first, so that rows of any size count
// alike. Where no reasonable addition is enough, the diagonal alone stands for the matrix. The same bits for any number of
// threads.
template <class T>
class Cholesky {
public:
    // Writes the upper triangle: element (i, j >= i) to rows[i * stride + j]. Called again where more has to be added.
    using Fill = std::function<void(T* rows, Index stride)>;

    Cholesky(Index n, const Fill& fill, int n_threads);

    Index size() const { return n_; }

    // The solutions for n_columns right-hand sides, both (n, n_columns) row by row; they may be the same array.
    void solve(const double* given, double* solution, Index n_columns) const;

private:
    void scale(T* rows);
    bool factor(T* rows);
    void solve_one(const double* given, double* solution, Index n_columns, int n_threads) const;
    Index block_begin(Index block) const;
    Index block_size(Index block) const;

    Index n_;
    Index stride_;
    int n_threads_;
    AlignedMemory rows_;      // (n, stride): U, row by row
    AlignedMemory inverses_;  // of the blocks on U's diagonal
    std::vector<double> inverse_scale_;
    bool is_factored_ = false;
};

}  // namespace chainrule

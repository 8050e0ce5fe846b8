// What the compiled levels (kernels/triangular.hpp) and the driver (cholesky.cpp) say to each other. Plain data only:
// every level includes this header with other compiler flags, so it must not define anything the linker could merge.
#pragma once

#include <cstddef>

namespace chainrule {

using Index = std::ptrdiff_t;

template <class T>
struct TriangularKernels {
    // U with U^T U = A, in place, of the upper triangle of A (n, n); below it nothing is read or written. False where A
    // is not positive definite.
    bool (*factor_block)(T* u, Index n, Index stride) = nullptr;
    // The inverse of an upper triangular matrix (n, n), zeros below the diagonal.
    void (*invert_block)(const T* u, Index n, Index stride, T* inverse, Index inverse_stride) = nullptr;
    // y(j) += sum_p z(p) rows(p, j), for n columns.
    void (*add_combination)(Index n_rows, Index n, const T* z, const T* rows, Index stride, T* y) = nullptr;
    // y(i) += sum_j rows(i, j) x(j), for n_rows rows.
    void (*add_row_products)(Index n_rows, Index n, const T* rows, Index stride, const T* x, T* y) = nullptr;
};

}  // namespace chainrule

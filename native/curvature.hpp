// Weighted Gram matrices of the rows, cut into tasks for threads.
#pragma once

#include <vector>

#include "kernels/curvature_table.hpp"

namespace chainrule {

// Returns the blocks (n_blocks, width, width), or with sums.diagonals (width, n_blocks), in float64. The caller sets all of sums but
// block_rows and group_blocks. The result is the same to the last bit whatever n_threads is.
template <class T>
std::vector<double> add_up_curvature(CurvatureSums<T> sums, Index n_rows, Index n_blocks, int n_threads);

}  // namespace chainrule

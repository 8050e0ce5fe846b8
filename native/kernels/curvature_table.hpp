// What the compiled levels (kernels/curvature.hpp) and the driver (curvature.cpp) say to each other. Plain data only:
// every level includes this header with other compiler flags, so it must not define anything the linker could merge.
#pragma once

#include <cstddef>
#include <cstdint>

#include "softmax_table.hpp"

namespace chainrule {

// Sums over rows of w_ib c_i c_i^T, or of w_ib c_i c_i (the diagonals alone), c_i = x_i - means, with an intercept
// followed by a 1. Row i has the weight w_ib = shares[i] given[i, k] (1 - given[i, k]) where column b is the pair
// (k, k), -shares[i] given[i, k] given[i, l] where it is (k, l), and shares[i] given[i, b] without pairs.
template <class T>
struct CurvatureSums {
    Matrix<const T> rows;             // (n_rows, n_features); or, for double, in float32:
    Matrix<const float> narrow_rows;
    Index n_features = 0;
    Index width = 0;                // n_features, and 1 for an intercept
    const double* means = nullptr;  // (n_features,)
    Matrix<const double> given;     // (n_rows, ...)
    const double* shares = nullptr;
    Index share_stride = 0;
    const std::int64_t* pairs = nullptr;  // (n_blocks, 2), or nullptr
    bool diagonals = false;
    Index block_rows = 0;    // rows that are centred at a time
    Index group_blocks = 0;  // blocks that one product makes at most
};

template <class T>
struct CurvatureKernels {
    std::size_t (*scratch_bytes)(const CurvatureSums<T>&) = nullptr;
    // Rows first .. last, columns begin .. end of the weights. sums (width, (end - begin) width), zeroed by the caller:
    // row i of the blocks side by side; for diagonals (width, end - begin). Of a block that is alone in its group only
    // the columns up to the panel of the diagonal need be right: see kSymmetricPanel.
    void (*add)(const CurvatureSums<T>&, Index first, Index last, Index begin, Index end, void* scratch,
                T* sums) = nullptr;
};

// A block alone in its group is computed in panels of so many columns, each down to the diagonal; the rest mirrors it.
constexpr Index kSymmetricPanel = 96;

}  // namespace chainrule

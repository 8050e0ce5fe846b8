// All kernels of one level.
#pragma once

#include "curvature_table.hpp"
#include "network_table.hpp"
#include "softmax_table.hpp"
#include "sparse_table.hpp"
#include "triangular_table.hpp"

namespace chainrule {

struct KernelTable {
    const char* level = nullptr;
    SoftmaxKernels<float> softmax_float32;
    SoftmaxKernels<double> softmax_float64;
    SparseRowFunctions sparse_rows;
    SparseKernels<float, std::int32_t> sparse_float32_int32;
    SparseKernels<float, std::int64_t> sparse_float32_int64;
    SparseKernels<double, std::int32_t> sparse_float64_int32;
    SparseKernels<double, std::int64_t> sparse_float64_int64;
    CurvatureKernels<float> curvature_float32;
    CurvatureKernels<double> curvature_float64;
    NetworkKernels<float> network_float32;
    NetworkKernels<double> network_float64;
    TriangularKernels<float> triangular_float32;
    TriangularKernels<double> triangular_float64;
};

}  // namespace chainrule

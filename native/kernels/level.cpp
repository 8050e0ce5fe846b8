// One instruction set's kernels. CMakeLists.txt compiles this file once per level, with that level's -march and
// CHAINRULE_LEVEL=v2, v3, v4 or generic.
#include "curvature.hpp"
#include "network.hpp"
#include "softmax.hpp"
#include "sparse.hpp"
#include "table.hpp"
#include "triangular.hpp"

#define CHAINRULE_NAME_OF(level) #level
#define CHAINRULE_NAME(level) CHAINRULE_NAME_OF(level)

namespace chainrule::CHAINRULE_LEVEL {

extern const KernelTable kKernels;

template <class T>
static constexpr SoftmaxKernels<T> softmax_kernels() {
    return {kLanes<T>, kMaxClassTile, scratch_bytes<T>, run_rows<T>, read_sum<T>};
}

template <class T>
static constexpr CurvatureKernels<T> curvature_kernels() {
    return {curvature_scratch_bytes<T>, add_curvature<T>};
}

const KernelTable kKernels{CHAINRULE_NAME(CHAINRULE_LEVEL), softmax_kernels<float>(), softmax_kernels<double>(),
                           {kLanes<double>, scratch_bytes<double>, apply_to_rows},
                           {multiply_sparse<float, std::int32_t>}, {multiply_sparse<float, std::int64_t>},
                           {multiply_sparse<double, std::int32_t>}, {multiply_sparse<double, std::int64_t>},
                           curvature_kernels<float>(), curvature_kernels<double>(), network_kernels<float>(),
                           network_kernels<double>(), triangular_kernels<float>(), triangular_kernels<double>()};

}  // namespace chainrule::CHAINRULE_LEVEL

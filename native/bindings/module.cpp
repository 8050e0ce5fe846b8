// The extension module. What stands in this directory is all that knows Python.
#include "bindings.hpp"

#include <nanobind/stl/string.h>

#include <stdexcept>
#include <string>

#include "../simd.hpp"
#include "../threads.hpp"

NB_MODULE(_kernels, module) {
    using namespace chainrule;
    module.doc() = "Compiled kernels of chainrule.engine; see _kernels.pyi.";
    try {
        kernels();  // so that a wrong CHAINRULE_SIMD is told at import
    } catch (const std::invalid_argument& error) {
        throw nanobind::import_error(error.what());
    }

    bind_l1_quadratic(module);
    bind_curvature(module);
    bind_hessian(module);
    bind_l1_quadratic(module);
    bind_softmax(module);
    bind_sparse(module);
    bind_systems(module);
    bind_program(module);
    bind_training(module);
    module.def("simd_level", [] { return std::string(kernels().level); });
    module.def("hardware_threads", [] { return default_thread_count(); });
}

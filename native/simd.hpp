// Which of the compiled kernels this process uses.
#pragma once

#include "kernels/table.hpp"

namespace chainrule {

// The kernels of the highest level that the processor and its operating system offer, or of the level that
// CHAINRULE_SIMD names. Chosen at the first call. Throws std::invalid_argument if CHAINRULE_SIMD names no level of
// this build, or one that the processor lacks.
const KernelTable& kernels();

}  // namespace chainrule

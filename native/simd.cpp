#include "simd.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace chainrule {

#if defined(CHAINRULE_X86_LEVELS)
namespace v2 {
extern const KernelTable kKernels;
}
namespace v3 {
extern const KernelTable kKernels;
}
namespace v4 {
extern const KernelTable kKernels;
}
#else
namespace generic {
extern const KernelTable kKernels;
}
#endif

namespace {

struct Level {
    const KernelTable* table;
    bool (*is_offered)();
};

#if defined(CHAINRULE_X86_LEVELS)
// The features that tell the levels of the x86-64 psABI apart and that the compiler may use in our loops. The
// built-ins ask the processor and, for AVX and AVX-512, whether the operating system saves the registers.
bool offers_v2() {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");
}

bool offers_v3() {
    return offers_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool offers_v4() {
    return offers_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

const Level kLevels[] = {{&v4::kKernels, offers_v4}, {&v3::kKernels, offers_v3}, {&v2::kKernels, offers_v2}};
#else
const Level kLevels[] = {{&generic::kKernels, [] { return true; }}};
#endif

std::string offered_levels() {
    std::string names;
    for (const Level& level : kLevels) {
        if (level.is_offered()) names += (names.empty() ? "" : ", ") + std::string(level.table->level);
    }
    return names;
}

const KernelTable& choose() {
#if defined(CHAINRULE_X86_LEVELS)
    __builtin_cpu_init();
#endif
    const char* wish = std::getenv("CHAINRULE_SIMD");
    const std::string wanted = wish == nullptr ? "" : wish;
    for (const Level& level : kLevels) {
        if ((wanted.empty() || wanted == level.table->level) && level.is_offered()) return *level.table;
    }
    if (wanted.empty()) {
        throw std::invalid_argument("This build of chainrule needs an x86-64-v2 processor (SSE4.2, from about 2009). "
                                    "Build it from source on this machine.");
    }
    throw std::invalid_argument("CHAINRULE_SIMD is '" + wanted + "', but this processor and build offer " +
                                offered_levels() + ". Set it to one of these, or unset it to use the best.");
}

}  // namespace

const KernelTable& kernels() {
    static const KernelTable& chosen = choose();
    return chosen;
}

}  // namespace chainrule

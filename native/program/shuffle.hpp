// Orders of rows.
#pragma once

#include <cstdint>

#include "../kernels/network_table.hpp"

namespace chainrule {

// The order of n rows in an epoch: a permutation, a function of (seed, epoch) alone.
void shuffle(std::uint64_t seed, std::uint64_t epoch, Index n, std::int64_t* order);

}  // namespace chainrule

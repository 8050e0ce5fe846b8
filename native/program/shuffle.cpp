#include "shuffle.hpp"

#include <utility>

#include "../philox.hpp"

namespace chainrule {
namespace {

constexpr std::uint32_t kShuffleStream = 0xffffffff;  // dropouts count from 0

}  // namespace

void shuffle(std::uint64_t seed, std::uint64_t epoch, Index n, std::int64_t* order) {
    for (Index i = 0; i < n; ++i) order[i] = i;
    const Philox random{seed, kShuffleStream, epoch};
    // Fisher and Yates, from the end; two numbers of 64 bits a block. Of n < 2^40 places each is off by less than 2^-24
    // of its probability.
    Philox::Block block{};
    for (Index i = n - 1, drawn = 0; i > 0; --i, ++drawn) {
        if (drawn % 2 == 0) block = random.block(std::uint32_t(drawn / 2));
        const std::uint64_t high = block.word[drawn % 2 * 2], low = block.word[drawn % 2 * 2 + 1];
        const unsigned __int128 product = static_cast<unsigned __int128>(high << 32 | low) * std::uint64_t(i + 1);
        std::swap(order[i], order[std::size_t(product >> 64)]);
    }
}

}  // namespace chainrule

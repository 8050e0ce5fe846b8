// Philox4x32-10, a random generator of counters: the numbers of a step are a function of (seed, stream, step, counter),
// so whoever needs some of them computes just those, in any order, on any thread.
// Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
//
// One block at a time, for what is drawn rarely; kernels/random.hpp draws many blocks at once, the same numbers.
#pragma once

#include <cstdint>

namespace chainrule {

struct Philox {
    static constexpr std::uint32_t kMultiplier0 = 0xD2511F53;
    static constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
    static constexpr std::uint32_t kKeyStep0 = 0x9E3779B9;  // the golden ratio
    static constexpr std::uint32_t kKeyStep1 = 0xBB67AE85;  // sqrt(3) - 1
    static constexpr int kRounds = 10;

    std::uint64_t seed = 0;
    std::uint32_t stream = 0;  // what the numbers are for: shuffling, the mask of one dropout, ...
    std::uint64_t step = 0;

    struct Block {
        std::uint32_t word[4];
    };

    Block block(std::uint32_t counter) const {
        std::uint32_t key_0 = std::uint32_t(seed), key_1 = std::uint32_t(seed >> 32);
        Block x = {{counter, stream, std::uint32_t(step), std::uint32_t(step >> 32)}};
        for (int round = 0; round < kRounds; ++round) {
            const std::uint64_t product_0 = std::uint64_t(kMultiplier0) * x.word[0];
            const std::uint64_t product_1 = std::uint64_t(kMultiplier1) * x.word[2];
            x = {{std::uint32_t(product_1 >> 32) ^ x.word[1] ^ key_0, std::uint32_t(product_1),
                  std::uint32_t(product_0 >> 32) ^ x.word[3] ^ key_1, std::uint32_t(product_0)}};
            key_0 += kKeyStep0;
            key_1 += kKeyStep1;
        }
        return x;
    }
};

}  // namespace chainrule

// Matrix products for who has no scratch memory laid out.
#pragma once

#include "aligned_memory.hpp"
#include "simd.hpp"

namespace chainrule {

// Runs products one after the other, in memory that grows with what they need.
class ProductMemory {
public:
    void run(const Product<double>& product) {
        const auto& kernels = chainrule::kernels().network_float64;
        if (product.m == 0 || product.n == 0 || product.k == 0) return;
        const std::size_t bytes = kernels.product_scratch_bytes(product);
        if (memory_.bytes() < bytes) memory_ = AlignedMemory(bytes);
        kernels.product(product, memory_.as<void>());
    }

private:
    AlignedMemory memory_{0};
};

}  // namespace chainrule

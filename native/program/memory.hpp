// Where everything is while rows run through the instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "instructions.hpp"

namespace chainrule {

constexpr Index kGroupRows = 16;  // rows whose losses are added up together, whatever the blocks are
constexpr Index kAlignment = 64;  // bytes: a cache line

inline Index divide_up(Index n, Index by) { return (n + by - 1) / by; }
inline Index round_up(Index n, Index multiple) { return divide_up(n, multiple) * multiple; }

// Memory on whole cache lines, zeroed when it is new, kept when it is large enough.
template <class T>
class Buffer {
public:
    T* at_least(Index n) {
        if (n > size_) {
            memory_.assign(std::size_t(n) * sizeof(T) + kAlignment, 0);
            size_ = n;
        }
        const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
        return memory_.empty() ? nullptr
                               : reinterpret_cast<T*>(memory_.data() + (kAlignment - address % kAlignment) % kAlignment);
    }

private:
    std::vector<unsigned char> memory_;
    Index size_ = 0;
};

// What one cross-entropy makes of a batch.
struct LossRows {
    double scale = 0.0;               // coefficient over the sum of the rows' weights
    const double* weights = nullptr;  // of the batch's rows, or nullptr: all 1
};

template <class T>
struct View {
    T* data = nullptr;
    Index stride = 0;
};

// Where everything is while rows run through the instructions.
template <class T>
struct Memory {
    const T* parameters = nullptr;
    T* gradient = nullptr;
    T* fixed = nullptr;
    T* arena = nullptr;
    Index capacity = 0;             // rows that the arena has room for
    View<const T>* data = nullptr;  // rows of each data node
    const std::int64_t* labels = nullptr;
    View<const T> targets;
    const LossRows* losses = nullptr;
    Index first_row = 0;  // in the batch, of row 0 here
    const Noise* noise = nullptr;
    double* partial_losses = nullptr;  // one for each group of rows
    double* fixed_loss = nullptr;
};

}  // namespace chainrule

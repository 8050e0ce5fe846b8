// What the kernels of the softmax layer share: the sizes of their tiles, a block of rows, a worker's scratch memory.
#pragma once

#include "softmax_table.hpp"
#include "vector.hpp"

namespace chainrule::CHAINRULE_LEVEL {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kMaxClassTile = 5;  // 32 registers: 4 x 5 accumulators
#else
constexpr int kMaxClassTile = 3;  // 16 registers: 4 x 3 accumulators
#endif
constexpr int kMaxFeatureTile = 4;
constexpr Index kForwardCacheBytes = 16 * 1024;  // of weights, to stay in the first-level cache beside the rows
constexpr Index kCacheLineBytes = 64;
// Float32 products are added in three stages, since adding n like numbers one by one loses up to n / 2 units in the
// last place: in a register over a run of rows, then the runs in float32, then in float64.
constexpr Index kMaxRunRows = 48;
constexpr Index kMaxSummedRows = 256;

static inline Index smaller(Index a, Index b) { return a < b ? a : b; }
static inline Index larger(Index a, Index b) { return a > b ? a : b; }
static inline Index round_up(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

// A loop over a tile's registers must be unrolled in full, or the registers become memory. Kept out of line, so that
// the compiler allots them to one tile at a time.
#define CHAINRULE_TILE [[gnu::noinline]] static void

// Scratch of one worker. Arrays over rows have `stride` entries, of which the block's rows come first.
template <class T>
struct Scratch {
    Index stride;
    T* z;                  // (n_classes, stride): logits, then dZ
    T* p;                  // (n_classes, stride): probabilities
    T* weights;            // (stride,)
    double* loss_weights;  // (stride,): the same in float64
    Integer<T>* labels;    // (stride,)
    T* excess;             // (stride,): see cross_entropy
    T* loss_rest;          // (stride,): likewise
    void* packed_rows;     // (block_rows, packed_stride), as wide as the rows are
    T* weight_sums;        // (n_outputs, whole vectors of features): sums of a few blocks, if T is float
};

template <class T>
static inline Index sums_size(const PassShape& shape) {
    return shape.n_outputs * round_up(shape.width, kLanes<T>);
}

template <class T>
static Scratch<T> lay_out_scratch(const SoftmaxPass<T>& pass, char* base, std::size_t* bytes) {
    Scratch<T> scratch;
    scratch.stride = pass.shape.block_rows;
    std::size_t used = 0;
    const auto take = [&](Index n_elements) {
        char* at = base == nullptr ? nullptr : base + used;
        used += std::size_t(round_up(n_elements * Index(sizeof(T)), kCacheLineBytes));
        return at;
    };
    const Index by_class = larger(pass.shape.n_classes, 1) * scratch.stride;
    scratch.z = reinterpret_cast<T*>(take(by_class));
    scratch.p = reinterpret_cast<T*>(take(by_class));
    scratch.weights = reinterpret_cast<T*>(take(scratch.stride));
    scratch.loss_weights = reinterpret_cast<double*>(take(scratch.stride * Index(sizeof(double) / sizeof(T))));
    scratch.labels = reinterpret_cast<Integer<T>*>(take(scratch.stride));
    scratch.excess = reinterpret_cast<T*>(take(scratch.stride));
    scratch.loss_rest = reinterpret_cast<T*>(take(scratch.stride));
    scratch.packed_rows = take(pass.shape.block_rows * pass.shape.packed_stride);
    const bool keeps_sums = sizeof(T) < sizeof(double) && pass.has_gradient;
    scratch.weight_sums = reinterpret_cast<T*>(take(keeps_sums ? sums_size<T>(pass.shape) : 0));
    *bytes = used;
    return scratch;
}

template <class T>
static std::size_t scratch_bytes(const SoftmaxPass<T>& pass) {
    std::size_t bytes = 0;
    lay_out_scratch<T>(pass, nullptr, &bytes);
    return bytes;
}

// A block of rows as the products read it: neighbours along features, rows `stride` apart. They may be narrower than
// what is computed in: then each vector is converted as it is loaded.
template <class X>
struct Block {
    const X* rows;
    Index stride;
    Index n_rows;
    const X* next_rows;  // what to call into cache meanwhile: the next block, or, if n_next_rows is 0, anything
    Index n_next_rows;
};

// The next block, called into the second-level cache bit by bit while this one is worked on: memory is as slow as the
// arithmetic, so it must never be idle. Each turn of an inner loop calls `step` bytes.
struct Prefetch {
    const char* at;
    Index step;

    void turn() {
        __builtin_prefetch(at, 0, 2);
        for (Index more = kCacheLineBytes; more < step; more += kCacheLineBytes) __builtin_prefetch(at + more, 0, 2);
        at += step;
    }
};

}  // namespace chainrule::CHAINRULE_LEVEL

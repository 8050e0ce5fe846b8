// What product.hpp does around its tiles: cutting, and packing, that is copying a matrix into the order in which a
// kernel reads it.
#pragma once

#include "block.hpp"
#include "elementwise.hpp"
#include "network_table.hpp"

namespace chainrule::CHAINRULE_LEVEL {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kProductSums = 24;  // vectors of sums in a tile, of 32 registers
#else
constexpr int kProductSums = 12;  // of 16
#endif
constexpr Index kPanelBytes = 24 * 1024;  // of B, to stay in the first-level cache beside some rows of A

// n things in parts whose sizes differ by one at most, the larger ones first; one empty part if n is 0.
struct Parts {
    Index n;
    Index count;

    Index begin(Index part) const { return part * (n / count) + smaller(part, n % count); }
    Index size(Index part) const { return n / count + (part < n % count ? 1 : 0); }
};

static inline Parts cut(Index n, Index largest) { return {n, larger(1, (n + largest - 1) / largest)}; }

// Whether n columns use no more than this share of the lanes of their vectors.
template <class T>
static inline bool fills_at_most(Index numerator, Index denominator, Index n) {
    return denominator * n <= numerator * round_up(n, kLanes<T>);
}

// to = [to +] sums [+ bias], for the first `count` of N neighbours, or for all if there are more.
template <class T, int N>
static inline void write_first(T* to, typename VectorOf<T, N>::Type sums, bool add, const T* bias, Index count) {
    count = smaller(count, N);
    if (add) sums += load_first<T, N>(to, count);
    if (bias != nullptr) sums += load_first<T, N>(bias, count);
    store_first<T, N>(to, sums, count);
}

// Vectors as rows of groups of 16 bytes, which is as far as a cheap shuffle reaches.
template <class T>
constexpr int kGroup = 16 / int(sizeof(T));

// The first (second) halves of each group of a and b, lane by lane in turn.
template <class T>
static inline Vector<T> interleave_low(Vector<T> a, Vector<T> b) {
    if constexpr (sizeof(T) == 8) {
        if constexpr (kLanes<T> == 2) return __builtin_shufflevector(a, b, 0, 2);
        if constexpr (kLanes<T> == 4) return __builtin_shufflevector(a, b, 0, 4, 2, 6);
        if constexpr (kLanes<T> == 8) return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
    } else {
        if constexpr (kLanes<T> == 4) return __builtin_shufflevector(a, b, 0, 4, 1, 5);
        if constexpr (kLanes<T> == 8) return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
        if constexpr (kLanes<T> == 16) {
            return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        }
    }
}

template <class T>
static inline Vector<T> interleave_high(Vector<T> a, Vector<T> b) {
    if constexpr (sizeof(T) == 8) {
        if constexpr (kLanes<T> == 2) return __builtin_shufflevector(a, b, 1, 3);
        if constexpr (kLanes<T> == 4) return __builtin_shufflevector(a, b, 1, 5, 3, 7);
        if constexpr (kLanes<T> == 8) return __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    } else {
        if constexpr (kLanes<T> == 4) return __builtin_shufflevector(a, b, 2, 6, 3, 7);
        if constexpr (kLanes<T> == 8) return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
        if constexpr (kLanes<T> == 16) {
            return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
        }
    }
}

// Turns over each square of groups: lane l of group g of v[i] becomes lane i of group g of v[l].
template <class T>
static inline void transpose_groups(Vector<T> (&v)[kGroup<T>]) {
    if constexpr (sizeof(T) == 8) {
        const Vector<T> first = interleave_low<T>(v[0], v[1]);
        v[1] = interleave_high<T>(v[0], v[1]);
        v[0] = first;
    } else {
        using Pairs = Vector<double>;  // two floats, moved as one
        const auto low_01 = (Pairs)interleave_low<T>(v[0], v[1]), high_01 = (Pairs)interleave_high<T>(v[0], v[1]);
        const auto low_23 = (Pairs)interleave_low<T>(v[2], v[3]), high_23 = (Pairs)interleave_high<T>(v[2], v[3]);
        v[0] = (Vector<T>)interleave_low<double>(low_01, low_23);
        v[1] = (Vector<T>)interleave_high<double>(low_01, low_23);
        v[2] = (Vector<T>)interleave_low<double>(high_01, high_23);
        v[3] = (Vector<T>)interleave_high<double>(high_01, high_23);
    }
}

// N lanes, group by group from rows[0], rows[kGroup], rows[2 kGroup] ...
template <class T, int N>
static inline typename VectorOf<T, N>::Type load_groups(const T* const* rows, Index offset) {
    constexpr int G = kGroup<T>;
    if constexpr (N == G) {
        return load<T, N>(rows[0] + offset);
    } else {
        const auto low = load_groups<T, N / 2>(rows, offset);
        const auto high = load_groups<T, N / 2>(rows + N / 2, offset);
        if constexpr (N == 4) return __builtin_shufflevector(low, high, 0, 1, 2, 3);
        if constexpr (N == 8) return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
        if constexpr (N == 16) {
            return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        }
    }
}

// packed[p * packed_stride + j] = from[j * stride + p] for p < depth and one vector of j. Beyond `count` the last j
// stands again: those lanes are computed with but never stored.
template <class T>
static void pack_turned(const T* from, Index stride, Index count, Index depth, T* packed, Index packed_stride) {
    constexpr int N = kLanes<T>;
    constexpr int G = kGroup<T>;
    const T* rows[N];
    for (int j = 0; j < N; ++j) rows[j] = from + smaller(j, count - 1) * stride;
    Index p = 0;
    for (; p + G <= depth; p += G) {
        Vector<T> v[G];
        CHAINRULE_UNROLL
        for (int i = 0; i < G; ++i) v[i] = load_groups<T, N>(rows + i, p);
        transpose_groups<T>(v);
        CHAINRULE_UNROLL
        for (int i = 0; i < G; ++i) store<T>(packed + (p + i) * packed_stride, v[i]);
    }
    for (; p < depth; ++p) {
        for (int j = 0; j < N; ++j) packed[p * packed_stride + j] = rows[j][p];
    }
}

// Tiles of `height` rows of A (the last one may be lower), one behind the other, each (depth, its height). The rows of A
// run along p, `stride` apart.
template <class T>
static void pack_rows(const T* a, Index stride, Index n_rows, Index height, Index depth, T* packed) {
    constexpr int N = kLanes<T>;
    constexpr int G = kGroup<T>;
    for (Index row = 0; row < n_rows; row += height, packed += height * depth) {
        const Index rows = smaller(height, n_rows - row);
        const T* from = a + row * stride;
        Index p = 0;
        for (; rows % G == 0 && p + N <= depth; p += N) {
            for (Index r = 0; r < rows; r += G) {
                Vector<T> v[G];
                CHAINRULE_UNROLL
                for (int i = 0; i < G; ++i) v[i] = load<T>(from + (r + i) * stride + p);
                transpose_groups<T>(v);
                T turned[G * N];
                CHAINRULE_UNROLL
                for (int i = 0; i < G; ++i) store<T>(turned + i * N, v[i]);
                CHAINRULE_UNROLL
                for (int q = 0; q < N; ++q) {
                    store<T, G>(packed + (p + q) * rows + r, load<T, G>(turned + q % G * N + q / G * G));
                }
            }
        }
        for (; p < depth; ++p) {
            for (Index r = 0; r < rows; ++r) packed[p * rows + r] = from[r * stride + p];
        }
    }
}

// The same where the rows of A are neighbours, and `stride` is from one p to the next.
template <class T>
static void pack_neighbours(const T* a, Index stride, Index n_rows, Index height, Index depth, T* packed) {
    constexpr Index kChunk = 8;  // of p at a time: long runs are read, whole cache lines written
    for (Index p = 0; p < depth; p += kChunk) {
        const Index chunk = smaller(kChunk, depth - p);
        for (Index row = 0; row < n_rows; row += height) {
            const Index rows = smaller(height, n_rows - row);
            const T* from = a + p * stride + row;
            T* to = packed + row * depth + p * rows;
            for (Index q = 0; q < chunk; ++q, from += stride, to += rows) {
                if (rows % 4 == 0) {
                    for (Index r = 0; r < rows; r += 4) store<T, 4>(to + r, load<T, 4>(from + r));
                } else {
                    for (Index r = 0; r < rows; ++r) to[r] = from[r];
                }
            }
        }
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

// What the kernels that look at one entry at a time share: vectors of which only the first lanes are there, and the
// loop over neighbours in memory.
#pragma once

#include "network_table.hpp"
#include "vector.hpp"

namespace chainrule::CHAINRULE_LEVEL {

// 0, 1, 2, ... in the lanes.
template <class T, int N = kLanes<T>>
static inline typename VectorOf<Integer<T>, N>::Type lane_numbers() {
    typename VectorOf<Integer<T>, N>::Type numbers = {};
    for (int lane = 0; lane < N; ++lane) numbers[lane] = lane;
    return numbers;
}

// The first `count` of N neighbours and zeros behind them; no byte beyond them is read. 0 < count <= N.
template <class T, int N = kLanes<T>>
static inline typename VectorOf<T, N>::Type load_first(const T* from, Index count) {
    [[maybe_unused]] constexpr int kBytes = N * int(sizeof(T));
    [[maybe_unused]] constexpr bool kSingle = sizeof(T) == sizeof(float);
#if defined(__AVX512F__) && defined(__AVX512VL__)
    const unsigned first = (1u << count) - 1;
    if constexpr (kBytes == 64 && kSingle) return _mm512_maskz_loadu_ps(__mmask16(first), from);
    if constexpr (kBytes == 64 && !kSingle) return _mm512_maskz_loadu_pd(__mmask8(first), from);
    if constexpr (kBytes == 32 && !kSingle) return _mm256_maskz_loadu_pd(__mmask8(first), from);
    if constexpr (kBytes == 16 && kSingle) return _mm_maskz_loadu_ps(__mmask8(first), from);
#elif defined(__AVX2__)
    const auto first = lane_numbers<T, N>() < Integer<T>(count);
    if constexpr (kBytes == 32 && kSingle) return _mm256_maskload_ps(from, (__m256i)first);
    if constexpr (kBytes == 32 && !kSingle) return _mm256_maskload_pd(from, (__m256i)first);
    if constexpr (kBytes == 16 && kSingle) return _mm_maskload_ps(from, (__m128i)first);
#endif
    typename VectorOf<T, N>::Type v = {};
    for (int lane = 0; lane < N; ++lane) {
        if (lane < count) v[lane] = from[lane];
    }
    return v;
}

// The first `count` lanes to memory, and not a byte more. (In halves: a masked store is slow on AMD's AVX2.)
template <class T, int N = kLanes<T>>
static inline void store_first(T* to, typename VectorOf<T, N>::Type v, Index count) {
    if (count >= N) {
        store<T, N>(to, v);
    } else if constexpr (N == 2) {
        if (count == 1) to[0] = v[0];
    } else if (count >= N / 2) {
        store<T, N / 2>(to, low_half<T, N>(v));
        store_first<T, N / 2>(to + N / 2, high_half<T, N>(v), count - N / 2);
    } else {
        store_first<T, N / 2>(to, low_half<T, N>(v), count);
    }
}

// f(inputs, outputs) for each vector of n neighbours, n a multiple of the lanes: inputs[a] comes from in[a]; outputs[a]
// comes from out[a], if f looks at it, and goes there. Arrays may be the same, but not overlap otherwise. Out of line:
// every vector of an array goes through the same instructions, or its bits would depend on where the array was cut
// (the compiler may contract a * b + c * d into a fused multiply-add in two ways).
template <class T, class F, int kIn, int kOut>
[[gnu::noinline]] static void over_whole_vectors(F f, Index n, const T* const (&in)[kIn], T* const (&out)[kOut]) {
    const T* from[kIn];
    T* to[kOut];
    for (int a = 0; a < kIn; ++a) from[a] = in[a];
    for (int a = 0; a < kOut; ++a) to[a] = out[a];
    for (Index i = 0; i < n; i += kLanes<T>) {
        Vector<T> inputs[kIn], outputs[kOut];
        for (int a = 0; a < kIn; ++a) inputs[a] = load<T>(from[a] + i);
        for (int a = 0; a < kOut; ++a) outputs[a] = load<T>(to[a] + i);
        f(inputs, outputs);
        for (int a = 0; a < kOut; ++a) store<T>(to[a] + i, outputs[a]);
    }
}

// The same for any n: what is no whole vector is copied into one.
template <class T, class F, int kIn, int kOut>
static inline void over_vectors(F f, Index n, const T* const (&in)[kIn], T* const (&out)[kOut]) {
    constexpr int N = kLanes<T>;
    const Index whole = n - n % N;
    if (whole > 0) over_whole_vectors<T>(f, whole, in, out);
    const Index rest = n - whole;
    if (rest == 0) return;
    T copies[kIn + kOut][N];
    const T* from[kIn];
    T* to[kOut];
    for (int a = 0; a < kIn; ++a) {
        from[a] = copies[a];
        store<T>(copies[a], load_first<T>(in[a] + whole, rest));
    }
    for (int a = 0; a < kOut; ++a) {
        to[a] = copies[kIn + a];
        store<T>(to[a], load_first<T>(out[a] + whole, rest));
    }
    over_whole_vectors<T>(f, N, from, to);
    for (int a = 0; a < kOut; ++a) store_first<T>(out[a] + whole, load<T>(to[a]), rest);
}

}  // namespace chainrule::CHAINRULE_LEVEL

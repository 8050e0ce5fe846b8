// Philox4x32-10 on many blocks at once, and dropout, which is what needs so many numbers. The definition, one block at
// a time, is philox.hpp; number i of a Noise is word i % 4 of the block with counter i / 4.
//
// A number is the upper 24 bits of its word times 2^-24: exactly a float32, so float32 and float64 see the same ones.
#pragma once

#include "../philox.hpp"  // for its constants alone: a level must not share a function with the rest
#include "elementwise.hpp"

namespace chainrule::CHAINRULE_LEVEL {

constexpr Index kNumbersDrawn = 4 * kLanes<double>;  // at once: a block to a lane of 64 bits
constexpr Index kNumbersKept = 32 * kNumbersDrawn;   // in the first-level cache, from where they are used

// The low halves of the lanes, multiplied to 64 bits. The high halves are ignored, so they may hold anything.
static inline UnsignedVector<double> multiply_low_halves(UnsignedVector<double> x, std::uint32_t factor) {
    const UnsignedVector<double> factors = UnsignedVector<double>{} + std::uint64_t(factor);
#if defined(__AVX512F__)
    return (UnsignedVector<double>)_mm512_maskz_mul_epu32(0xff, (__m512i)x, (__m512i)factors);  // as in to_float64
#elif defined(__AVX2__)
    return (UnsignedVector<double>)_mm256_mul_epu32((__m256i)x, (__m256i)factors);
#elif defined(__x86_64__) && !defined(__AVX__)
    return (UnsignedVector<double>)_mm_mul_epu32((__m128i)x, (__m128i)factors);
#else
    return (x & 0xffffffffu) * factors;
#endif
}

// Two vectors of 64-bit lanes as neighbours a0 b0 a1 b1 ...
static inline void store_interleaved(float* to, Vector<float> a, Vector<float> b) {
    const Vector<double> x = (Vector<double>)a, y = (Vector<double>)b;
    Vector<double> low, high;
#if CHAINRULE_VECTOR_BYTES == 64
    low = __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
    high = __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
#elif CHAINRULE_VECTOR_BYTES == 32
    low = __builtin_shufflevector(x, y, 0, 4, 1, 5);
    high = __builtin_shufflevector(x, y, 2, 6, 3, 7);
#else
    low = __builtin_shufflevector(x, y, 0, 2);
    high = __builtin_shufflevector(x, y, 1, 3);
#endif
    store<float>(to, (Vector<float>)low);
    store<float>(to + kLanes<float>, (Vector<float>)high);
}

// 32-bit words to numbers in [0, 1).
static inline Vector<float> to_unit_interval(UnsignedVector<double> words) {
    const IntegerVector<float> upper = (IntegerVector<float>)((UnsignedVector<float>)words >> 8);
    return __builtin_convertvector(upper, Vector<float>) * 0x1p-24f;
}

// Numbers first .. first + n of the noise, both multiples of kNumbersDrawn.
[[gnu::noinline]] static void draw_numbers(const Noise& noise, Index first, Index n, float* numbers) {
    using Words = UnsignedVector<double>;  // a word of each block, in the low half of its lane
    constexpr std::uint64_t kLow = 0xffffffffu;
    const Words zero = {};
    Words key_0[Philox::kRounds], key_1[Philox::kRounds];
    for (int round = 0; round < Philox::kRounds; ++round) {
        key_0[round] = zero + std::uint64_t(std::uint32_t(noise.seed) + std::uint32_t(round) * Philox::kKeyStep0);
        key_1[round] = zero + std::uint64_t(std::uint32_t(noise.seed >> 32) + std::uint32_t(round) * Philox::kKeyStep1);
    }
    const Words lanes = (Words)lane_numbers<double>();
    for (Index i = 0; i < n; i += kNumbersDrawn) {
        Words word_0 = lanes + std::uint64_t((first + i) / 4);
        Words word_1 = zero + noise.stream;
        Words word_2 = zero + (noise.step & kLow);
        Words word_3 = zero + (noise.step >> 32);
        for (int round = 0; round < Philox::kRounds; ++round) {
            const Words product_0 = multiply_low_halves(word_0, Philox::kMultiplier0);
            const Words product_1 = multiply_low_halves(word_2, Philox::kMultiplier1);
            word_0 = (product_1 >> 32) ^ (word_1 ^ key_0[round]);
            word_1 = product_1;
            word_2 = (product_0 >> 32) ^ (word_3 ^ key_1[round]);
            word_3 = product_0;
        }
        store_interleaved(numbers + i, to_unit_interval((word_0 & kLow) | (word_1 << 32)),
                          to_unit_interval((word_2 & kLow) | (word_3 << 32)));
    }
}

// use(numbers, at, count) for run after run of the numbers first <= at < last, in order. Behind the numbers stands at
// least a vector that may be read.
template <class Use>
static inline void over_numbers(const Noise& noise, Index first, Index last, Use use) {
    float numbers[kNumbersKept + kLanes<float>] = {};
    while (first < last) {
        const Index start = first - first % kNumbersDrawn;
        const Index needed = last - start;
        const Index n = needed < kNumbersKept ? needed + (-needed & (kNumbersDrawn - 1)) : kNumbersKept;
        draw_numbers(noise, start, n, numbers);
        const Index end = start + n < last ? start + n : last;
        use(numbers + (first - start), first, end - first);
        first = end;
    }
}

template <class T>
static void uniform(const Noise& noise, Index first, Index n, T* to) {
    over_numbers(noise, first, first + n, [=](const float* numbers, Index at, Index count) {
        for (Index i = 0; i < count; ++i) to[at - first + i] = T(numbers[i]);
    });
}

static inline Vector<float> load_numbers(const float* from, float) { return load<float>(from); }
static inline Vector<double> load_numbers(const float* from, double) {
    return to_float64<kLanes<double>>(load<float, kLanes<double>>(from));
}

// Srivastava et al. 2014. What stays is scaled up, so that prediction needs no correction.
template <class T>
static void dropout(const Noise& noise, T rate, Index first_row, Index n_rows, Index n_columns, const T* x,
                    Index x_stride, T* y, Index y_stride, bool accumulate) {
    constexpr int N = kLanes<T>;
    const Vector<T> kept = broadcast<T>(T(1) / (T(1) - rate));
    const Index first = first_row * n_columns;
    Index row = 0, column = 0;
    const auto mask = [=](const float* numbers) {
        return zero_where<T>(load_numbers(numbers, T(0)) < rate, kept);
    };
    over_numbers(noise, first, first + n_rows * n_columns, [&](const float* numbers, Index, Index count) {
        while (count > 0) {
            const T* from = x + row * x_stride + column;
            T* to = y + row * y_stride + column;
            const Index run = n_columns - column < count ? n_columns - column : count;
            Index j = 0;
            for (; j + N <= run; j += N) {
                Vector<T> masked = load<T>(from + j) * mask(numbers + j);
                if (accumulate) masked += load<T>(to + j);
                store<T>(to + j, masked);
            }
            if (j < run) {
                Vector<T> masked = load_first<T>(from + j, run - j) * mask(numbers + j);
                if (accumulate) masked += load_first<T>(to + j, run - j);
                store_first<T>(to + j, masked, run - j);
            }
            column += run;
            if (column == n_columns) {
                ++row;
                column = 0;
            }
            numbers += run;
            count -= run;
        }
    });
}

}  // namespace chainrule::CHAINRULE_LEVEL

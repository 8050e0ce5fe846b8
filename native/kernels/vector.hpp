// Short vectors of floats or doubles in the compiler's own vector extensions (GCC, Clang), one width per build.
//
// This header is compiled once for each instruction set, each time inside another namespace (CHAINRULE_LEVEL):
// the linker must never merge, say, an AVX-512 copy of a function with the baseline one. For the same reason
// nothing here may use an inline function or template of the standard library.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef CHAINRULE_LEVEL
#error "CHAINRULE_LEVEL names the namespace of this instruction set; the build defines it"
#endif

#if defined(__AVX512F__)
#define CHAINRULE_VECTOR_BYTES 64
#elif defined(__AVX__)
#define CHAINRULE_VECTOR_BYTES 32
#else
#define CHAINRULE_VECTOR_BYTES 16
#endif

// Before the loops over the registers of a tile: an array is kept in registers only if no index into it is left.
#define CHAINRULE_UNROLL _Pragma("GCC unroll 8")

namespace chainrule::CHAINRULE_LEVEL {

// N lanes of T. `Loose` is the same without an alignment, to read and write through any pointer.
template <class T, int N>
struct VectorOf {
    typedef T Type __attribute__((vector_size(N * sizeof(T))));
    typedef T Loose __attribute__((vector_size(N * sizeof(T)), aligned(1), may_alias));
};

template <class T>
struct IntegerOf;
template <>
struct IntegerOf<float> {
    using Type = std::int32_t;
    using Unsigned = std::uint32_t;
};
template <>
struct IntegerOf<double> {
    using Type = std::int64_t;
    using Unsigned = std::uint64_t;
};

template <class T>
using Integer = typename IntegerOf<T>::Type;

template <class T>
using Unsigned = typename IntegerOf<T>::Unsigned;

template <class T>
constexpr int kLanes = CHAINRULE_VECTOR_BYTES / int(sizeof(T));

template <class T>
using Vector = typename VectorOf<T, kLanes<T>>::Type;

// Lanes of the same width that hold integers, and masks: all bits set where a comparison holds.
template <class T>
using IntegerVector = typename VectorOf<Integer<T>, kLanes<T>>::Type;

template <class T>
using UnsignedVector = typename VectorOf<Unsigned<T>, kLanes<T>>::Type;

template <class T, int N = kLanes<T>>
static inline typename VectorOf<T, N>::Type load(const T* from) {
    return *reinterpret_cast<const typename VectorOf<T, N>::Loose*>(from);
}

template <class T, int N = kLanes<T>>
static inline void store(T* to, typename VectorOf<T, N>::Type value) {
    *reinterpret_cast<typename VectorOf<T, N>::Loose*>(to) = value;
}

// Tells the compiler to have `v` in a register here, not to read it from memory at each use.
template <class V>
static inline void keep_in_register(V& v) {
#if defined(__AVX512F__)
    asm("" : "+v"(v));
#elif defined(__x86_64__)
    asm("" : "+x"(v));
#elif defined(__aarch64__)
    asm("" : "+w"(v));
#else
    (void)v;
#endif
}

template <class T>
static inline Vector<T> broadcast(T value) {
    return value - Vector<T>{};  // x - 0 is x to the last bit (x + 0 is not, for x = -0), so no subtraction is left
}

template <class T>
static inline Vector<T> select(IntegerVector<T> mask, Vector<T> yes, Vector<T> no) {
    return mask ? yes : no;
}

template <class T>
static inline Vector<T> zero_where(IntegerVector<T> mask, Vector<T> value) {
    return (Vector<T>)(~mask & (IntegerVector<T>)value);
}

template <class T, int N>
static inline typename VectorOf<T, N / 2>::Type low_half(typename VectorOf<T, N>::Type v) {
    if constexpr (N == 16) {
        return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
    } else if constexpr (N == 8) {
        return __builtin_shufflevector(v, v, 0, 1, 2, 3);
    } else {
        return __builtin_shufflevector(v, v, 0, 1);
    }
}

template <class T, int N>
static inline typename VectorOf<T, N / 2>::Type high_half(typename VectorOf<T, N>::Type v) {
    if constexpr (N == 16) {
        return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    } else if constexpr (N == 8) {
        return __builtin_shufflevector(v, v, 4, 5, 6, 7);
    } else {
        return __builtin_shufflevector(v, v, 2, 3);
    }
}

// The sums over the lanes of four vectors, as four neighbours: a transposition that adds as it goes.
template <class T, int N>
static inline typename VectorOf<T, 4>::Type sums_of_four(typename VectorOf<T, N>::Type a,
                                                         typename VectorOf<T, N>::Type b,
                                                         typename VectorOf<T, N>::Type c,
                                                         typename VectorOf<T, N>::Type d) {
    if constexpr (N == 16 || (N == 8 && sizeof(T) == 8)) {
        return sums_of_four<T, N / 2>(low_half<T, N>(a) + high_half<T, N>(a), low_half<T, N>(b) + high_half<T, N>(b),
                                      low_half<T, N>(c) + high_half<T, N>(c), low_half<T, N>(d) + high_half<T, N>(d));
    } else if constexpr (N == 8) {
        const auto ab = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
                        __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
        const auto cd = __builtin_shufflevector(c, d, 0, 1, 8, 9, 4, 5, 12, 13) +
                        __builtin_shufflevector(c, d, 2, 3, 10, 11, 6, 7, 14, 15);
        const auto abcd = __builtin_shufflevector(ab, cd, 0, 2, 8, 10, 4, 6, 12, 14) +
                          __builtin_shufflevector(ab, cd, 1, 3, 9, 11, 5, 7, 13, 15);
        return low_half<T, 8>(abcd) + high_half<T, 8>(abcd);
    } else if constexpr (N == 4 && sizeof(T) == 8) {
        const auto ab = __builtin_shufflevector(a, b, 0, 4, 2, 6) + __builtin_shufflevector(a, b, 1, 5, 3, 7);
        const auto cd = __builtin_shufflevector(c, d, 0, 4, 2, 6) + __builtin_shufflevector(c, d, 1, 5, 3, 7);
        return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    } else if constexpr (N == 4) {
        const auto ab = __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
        const auto cd = __builtin_shufflevector(c, d, 0, 1, 4, 5) + __builtin_shufflevector(c, d, 2, 3, 6, 7);
        return __builtin_shufflevector(ab, cd, 0, 2, 4, 6) + __builtin_shufflevector(ab, cd, 1, 3, 5, 7);
    } else {
        return typename VectorOf<T, 4>::Type{a[0] + a[1], b[0] + b[1], c[0] + c[1], d[0] + d[1]};
    }
}

template <class T>
static inline double sum_lanes(Vector<T> v) {
    double total = 0.0;
    for (int lane = 0; lane < kLanes<T>; ++lane) total += double(v[lane]);
    return total;
}

// GCC 12 converts a vector piece by piece; the intrinsics do it at once.
template <int N>
static inline typename VectorOf<double, N>::Type to_float64(typename VectorOf<float, N>::Type v) {
#if defined(__AVX512F__)
    if constexpr (N == 8) return _mm512_maskz_cvtps_pd(0xff, v);  // the plain form trips GCC's -Wmaybe-uninitialized
#endif
#if defined(__AVX__)
    if constexpr (N == 4) return _mm256_cvtps_pd(v);
#endif
    return __builtin_convertvector(v, typename VectorOf<double, N>::Type);
}

// kLanes<T> neighbours as lanes of T. Many processors convert beside their multipliers, in no time of their own.
template <class T, class X>
static inline Vector<T> load_as(const X* from) {
    if constexpr (sizeof(X) == sizeof(T)) {
        return load<T>(from);
    } else {
        return to_float64<kLanes<T>>(load<X, kLanes<T>>(from));
    }
}

// sums += x * factors, in float64 whatever the lanes of x hold.
static inline void add_products(Vector<double>& sums, Vector<double> x, const double* factors) {
    sums += x * load<double>(factors);
}

static inline void add_products(Vector<double>& sums, Vector<float> x, const double* factors) {
    constexpr int N = kLanes<double>;
    sums += to_float64<N>(low_half<float, 2 * N>(x)) * load<double>(factors);
    sums += to_float64<N>(high_half<float, 2 * N>(x)) * load<double>(factors + N);
}

// sums[0 .. n) += x[0 .. n), n a multiple of the lanes.
static inline void add_to_float64(double* sums, const float* x, std::ptrdiff_t n) {
    constexpr int N = kLanes<double>;
    for (std::ptrdiff_t i = 0; i < n; i += N) {
        store<double>(sums + i, load<double>(sums + i) + to_float64<N>(load<float, N>(x + i)));
    }
}

// What exp and log need to know of a format. ln 2 is split so that n * kLn2High is exact for every exponent n
// (Cody and Waite, Software Manual for the Elementary Functions, 1980).
template <class T>
struct Format;

template <>
struct Format<float> {
    static constexpr int kMantissaBits = 23;
    static constexpr int kBias = 127;
    static constexpr float kRoundingShift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float kLn2High = 0.693359375f;
    static constexpr float kLn2Low = -2.12194440e-4f;
    static constexpr float kExpUnderflow = -87.0f;
    static constexpr int kExpDegree = 7;  // remainder of the series below 0.347^8 / 8! = 5e-9
    static constexpr int kLogTerms = 5;   // remainder below 0.0295^5 / 11 = 2e-9
};

template <>
struct Format<double> {
    static constexpr int kMantissaBits = 52;
    static constexpr int kBias = 1023;
    static constexpr double kRoundingShift = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double kLn2High = 6.93147180369123816490e-01;
    static constexpr double kLn2Low = 1.90821492927058770002e-10;
    static constexpr double kExpUnderflow = -708.0;
    static constexpr int kExpDegree = 13;  // 0.347^14 / 14! = 4e-18
    static constexpr int kLogTerms = 11;   // 0.0295^11 / 23 = 6e-19
};

// exp(x) for x <= 0, a few units in the last place; exactly 1 at 0, 0 below the smallest normal number, NaN for NaN.
template <class T>
static inline Vector<T> exp_nonpositive(Vector<T> x) {
    using F = Format<T>;
    const Vector<T> shifted = x * T(1.4426950408889634074) + F::kRoundingShift;
    const Vector<T> n = shifted - F::kRoundingShift;
    const Vector<T> r = (x - n * F::kLn2High) - n * F::kLn2Low;  // |r| <= ln(2) / 2
    T coefficient = T(1);
    for (int k = 2; k <= F::kExpDegree; ++k) coefficient /= T(k);
    Vector<T> series = broadcast<T>(coefficient);
    for (int k = F::kExpDegree; k >= 1; --k) {
        coefficient *= T(k);
        series = series * r + coefficient;
    }
    // The low bits of `shifted` hold n as an integer: move it into the exponent of 2^n. (Unsigned, since below the
    // underflow n is nonsense and may overflow; those lanes are put right in the end.)
    const UnsignedVector<T> exponent = ((UnsignedVector<T>)shifted + Unsigned<T>(F::kBias)) << F::kMantissaBits;
    return zero_where<T>(x < F::kExpUnderflow, series * (Vector<T>)exponent);
}

// log(1 + t) for t >= 0, a few units in the last place even where t is tiny; NaN for NaN and infinity.
template <class T>
static inline Vector<T> log1p_nonnegative(Vector<T> t) {
    using F = Format<T>;
    constexpr Integer<T> kMantissaMask = (Integer<T>(1) << F::kMantissaBits) - 1;
    constexpr Integer<T> kOne = Integer<T>(F::kBias) << F::kMantissaBits;
    const Vector<T> u = t + T(1);
    const Vector<T> lost = t - (u - T(1));  // what rounding 1 + t threw away (1 + t >= 1, so u - 1 is exact)
    const IntegerVector<T> bits = (IntegerVector<T>)u;
    // u = 2^n * mantissa with the mantissa in [sqrt(1/2), sqrt(2)).
    const Vector<T> in_1_2 = (Vector<T>)((bits & kMantissaMask) | kOne);
    const IntegerVector<T> large = in_1_2 > T(1.4142135623730950488);
    const Vector<T> mantissa = select<T>(large, in_1_2 * T(0.5), in_1_2);
    const IntegerVector<T> exponent = (bits >> F::kMantissaBits) - Integer<T>(F::kBias) - large;
    const Vector<T> n = __builtin_convertvector(exponent, Vector<T>);
    // log(mantissa) = 2 atanh(s) = 2 (s + s^3 / 3 + s^5 / 5 + ...), |s| <= 0.172
    const Vector<T> s = (mantissa - T(1)) / (mantissa + T(1));
    const Vector<T> square = s * s;
    Vector<T> series = broadcast<T>(T(2) / T(2 * F::kLogTerms - 1));
    for (int k = F::kLogTerms - 2; k >= 0; --k) series = series * square + T(2) / T(2 * k + 1);
    const Vector<T> low = n * F::kLn2Low + lost / u + (t - t);  // t - t: 0, but NaN for NaN and infinity
    return n * F::kLn2High + (s * series + low);
}

}  // namespace chainrule::CHAINRULE_LEVEL

// Functions of the activations, lane by lane, beside exp and log1p of vector.hpp. A few units in the last place each,
// also where the function is small; NaN for NaN, the limit for an infinite argument.
//
// Polynomials are minimax in the relative error of what they are for, found by the Remez exchange in 50 digits.
#pragma once

#include "vector.hpp"

namespace chainrule::CHAINRULE_LEVEL {

template <class T>
struct Minimax;

template <>
struct Minimax<float> {
    // (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2: exp(r) - 1 is off by 1.3e-8.
    static constexpr float kExpm1[] = {0.49999998144f, 0.16666543178f, 0.041667201766f, 0.0083665803333f,
                                       0.0013882510976f};
    static constexpr float kExpm1Limit = -30.0f;  // exp(x) - 1 is -1 below
    // (z + c) Phi(-z) exp(z^2 / 2) in t = (z - c) / (z + c) for 0 <= z < 13.3: off by 1.7e-8.
    static constexpr float kTailCentre = 3.0f;
    static constexpr float kTail[] = {
        0.7290836891f, -0.5093321389f, 0.2300178901f, -4.725872159e-2f, -1.046470989e-2f, 6.939614495e-3f,
        1.026598362e-3f, -9.465239756e-4f, -2.165408305e-4f, 4.472194737e-5f};
    static constexpr float kTailLimit = 14.0f;  // Phi(-z) is taken as 0 from 13.2 on, since exp(-z^2 / 2) is
};

template <>
struct Minimax<double> {
    // The same: off by 1.8e-17.
    static constexpr double kExpm1[] = {
        0.50000000000000052258,   0.16666666666666588576,   0.041666666666576108351,  0.0083333333333899628397,
        0.0013888888931795064058, 1.9841269718331485065e-4, 2.4801504978825130298e-5, 2.7557407875888122128e-6,
        2.7626161439413276309e-7, 2.5053772598971137971e-8};
    static constexpr double kExpm1Limit = -40.0;
    // The same for 0 <= z < 37.8: off by 1.6e-16.
    static constexpr double kTailCentre = 5.0;
    static constexpr double kTail[] = {
        0.76919304975006285671, -0.66538250289005526244, 0.49530561597000568949, -0.31353315667145744763,
        0.16502036616898218457, -6.911863870177021165e-2, 2.0795066826390099473e-2, -2.9933768294385236965e-3,
        -7.9786965828366005366e-4, 5.4489946370916357635e-4, -5.9374231824331030295e-5, -4.9764324685655689914e-5,
        1.667585124424254617e-5, 3.9840628448117196318e-6, -2.7571239321208297623e-6, -3.3966659366155895542e-7,
        4.1619519745808705126e-7, 4.1965727920614884129e-8, -5.2551999422987389887e-8, -6.2695618506633361325e-9,
        2.9428766756704928641e-9};
    static constexpr double kTailLimit = 40.0;
};

template <class T, int kTerms>
static inline Vector<T> polynomial(const T (&coefficients)[kTerms], Vector<T> x) {
    Vector<T> sum = broadcast<T>(coefficients[kTerms - 1]);
    for (int k = kTerms - 2; k >= 0; --k) sum = sum * x + coefficients[k];
    return sum;
}

// NaN stays NaN in both.
template <class T>
static inline Vector<T> at_most(Vector<T> x, T limit) {
    return select<T>(limit < x, broadcast<T>(limit), x);
}

template <class T>
static inline Vector<T> at_least(Vector<T> x, T limit) {
    return select<T>(limit > x, broadcast<T>(limit), x);
}

template <class T>
static inline IntegerVector<T> sign_bit(Vector<T> x) {
    constexpr Unsigned<T> kSign = Unsigned<T>(1) << (8 * sizeof(T) - 1);
    return (IntegerVector<T>)((UnsignedVector<T>)x & kSign);
}

template <class T>
static inline Vector<T> absolute(Vector<T> x) {
    return (Vector<T>)((IntegerVector<T>)x & ~sign_bit<T>(Vector<T>{} - T(1)));
}

// exp(x) - 1 for x <= 0: with x = n ln 2 + r it is 2^n (exp(r) - 1) + (2^n - 1). For n = 0 that is exp(r) - 1 itself;
// for n < 0 nothing cancels, since 2^n - 1 is the larger term and the sum is below -0.29.
template <class T>
static inline Vector<T> expm1_nonpositive(Vector<T> x) {
    using F = Format<T>;
    x = at_least<T>(x, Minimax<T>::kExpm1Limit);
    const Vector<T> shifted = x * T(1.4426950408889634074) + F::kRoundingShift;
    const Vector<T> n = shifted - F::kRoundingShift;
    const Vector<T> r = (x - n * F::kLn2High) - n * F::kLn2Low;
    const Vector<T> expm1_r = r + r * r * polynomial<T>(Minimax<T>::kExpm1, r);
    // The low bits of `shifted` hold n as an integer, as in exp_nonpositive.
    const Vector<T> power = (Vector<T>)(((UnsignedVector<T>)shifted + Unsigned<T>(F::kBias)) << F::kMantissaBits);
    return power * expm1_r + (power - T(1));
}

// tanh |x| = -t / (2 + t) with t = exp(-2 |x|) - 1: accurate at 0 as t is, and 1 where t is -1.
template <class T>
static inline Vector<T> tanh(Vector<T> x) {
    const Vector<T> t = expm1_nonpositive<T>(T(-2) * absolute<T>(x));
    const Vector<T> magnitude = t / (T(-2) - t);
    return (Vector<T>)((IntegerVector<T>)magnitude | sign_bit<T>(x));
}

// 1 / (1 + exp(-x)) = exp(x) / (1 + exp(x)), whichever does not overflow.
template <class T>
static inline Vector<T> sigmoid(Vector<T> x) {
    const Vector<T> e = exp_nonpositive<T>(-absolute<T>(x));
    return select<T>(x < T(0), e, broadcast<T>(1)) / (T(1) + e);
}

// exp(-z^2 / 2). Rounding z^2 alone would cost a relative error of z^2 / 2 units, so what is lost there is put back:
// with z = high + low, both of half the digits, z^2 - square is exact (Dekker 1971, "A floating-point technique for
// extending the available precision").
template <class T>
static inline Vector<T> exp_minus_half_square(Vector<T> z) {
    constexpr Integer<T> kLowDigits = (Integer<T>(1) << (Format<T>::kMantissaBits / 2 + 1)) - 1;
    const Vector<T> high = (Vector<T>)((IntegerVector<T>)z & ~kLowDigits);
    const Vector<T> low = z - high;
    const Vector<T> square = z * z;
    const Vector<T> lost = ((high * high - square) + T(2) * high * low) + low * low;
    const Vector<T> e = exp_nonpositive<T>(T(-0.5) * square);
    return e - e * (T(0.5) * lost);
}

template <class T>
struct Normal {
    Vector<T> cumulative;  // Phi(x)
    Vector<T> density;     // phi(x)
};

// The standard normal distribution, its lower tail to a few units in the last place. With z = |x|, Phi(-z) exp(z^2 / 2)
// falls like 1 / z, and (z + c) times that is smooth in t = (z - c) / (z + c), which maps z >= 0 to -1 <= t < 1: after
// Shepherd and Laframboise 1981, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity".
template <class T>
static inline Normal<T> standard_normal(Vector<T> x) {
    using M = Minimax<T>;
    const Vector<T> z = at_most<T>(absolute<T>(x), M::kTailLimit);
    const Vector<T> inverse = T(1) / (z + M::kTailCentre);
    const Vector<T> t = T(1) - T(2) * M::kTailCentre * inverse;
    const Vector<T> e = exp_minus_half_square<T>(z);
    const Vector<T> tail = e * inverse * polynomial<T>(M::kTail, t);
    return {select<T>(x > T(0), T(1) - tail, tail), e * T(0.39894228040143267794)};
}

}  // namespace chainrule::CHAINRULE_LEVEL

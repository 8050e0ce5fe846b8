// The activations, forward and backward; their definitions are graph/ops/activations.py.
#pragma once

#include "elementwise.hpp"
#include "mathematics.hpp"

namespace chainrule::CHAINRULE_LEVEL {

// Klambauer et al. 2017, "Self-Normalizing Neural Networks"; as in graph/ops/activations.py.
constexpr double kSeluAlpha = 1.6732632423543772;
constexpr double kSeluScale = 1.0507009873554805;

// Each of these has value(x), and slope(x, y) for f'(x), which looks at x or at y = f(x), whichever is cheaper.
// Comparisons are such that a NaN stays one.

template <class T>
struct Relu {
    static Vector<T> value(Vector<T> x) { return at_least<T>(x, T(0)); }
    // The derivative at the kink is taken as 0.
    static Vector<T> slope(Vector<T>, Vector<T> y) { return select<T>(y > T(0), broadcast<T>(1), Vector<T>{}); }
};

template <class T>
struct LeakyRelu {
    T below;
    Vector<T> value(Vector<T> x) const { return select<T>(x > T(0), x, below * x); }
    Vector<T> slope(Vector<T> x, Vector<T>) const {
        return select<T>(x > T(0), broadcast<T>(1), broadcast<T>(below));
    }
};

template <class T>
struct Tanh {
    static Vector<T> value(Vector<T> x) { return tanh<T>(x); }
    static Vector<T> slope(Vector<T>, Vector<T> y) { return T(1) - y * y; }
};

template <class T>
struct Sigmoid {
    static Vector<T> value(Vector<T> x) { return sigmoid<T>(x); }
    static Vector<T> slope(Vector<T>, Vector<T> y) { return y * (T(1) - y); }
};

// x Phi(x). Far out to the left Phi is 0, and the product too where x is infinite.
template <class T>
struct Gelu {
    static Vector<T> value(Vector<T> x) {
        const Vector<T> cumulative = standard_normal<T>(x).cumulative;
        return zero_where<T>(cumulative == T(0), x * cumulative);
    }
    static Vector<T> slope(Vector<T> x, Vector<T>) {
        const Normal<T> at_x = standard_normal<T>(x);
        return at_x.cumulative + zero_where<T>(at_x.density == T(0), x * at_x.density);
    }
};

// x sigmoid(x); its derivative is sigmoid(x) + x sigmoid(x) sigmoid(-x), of which the last product is even in x.
template <class T>
struct Silu {
    static Vector<T> value(Vector<T> x) {
        const Vector<T> gate = sigmoid<T>(x);
        return zero_where<T>(gate == T(0), x * gate);
    }
    static Vector<T> slope(Vector<T> x, Vector<T>) {
        const Vector<T> e = exp_nonpositive<T>(-absolute<T>(x));
        const Vector<T> inverse = T(1) / (T(1) + e);
        const Vector<T> gate = select<T>(x < T(0), e * inverse, inverse);
        return gate + zero_where<T>(e == T(0), x * (e * inverse * inverse));
    }
};

template <class T>
struct Selu {
    static Vector<T> value(Vector<T> x) {
        const Vector<T> below = T(kSeluScale * kSeluAlpha) * expm1_nonpositive<T>(at_most<T>(x, T(0)));
        return select<T>(x > T(0), T(kSeluScale) * x, below);
    }
    static Vector<T> slope(Vector<T>, Vector<T> y) {
        return select<T>(y > T(0), broadcast<T>(T(kSeluScale)), y + T(kSeluScale * kSeluAlpha));
    }
};

// use(f) with the activation asked for.
template <class T, class Use>
static inline void with_activation(Activation activation, T parameter, Use use) {
    switch (activation) {
        case Activation::kRelu: return use(Relu<T>{});
        case Activation::kLeakyRelu: return use(LeakyRelu<T>{parameter});
        case Activation::kTanh: return use(Tanh<T>{});
        case Activation::kSigmoid: return use(Sigmoid<T>{});
        case Activation::kGelu: return use(Gelu<T>{});
        case Activation::kSilu: return use(Silu<T>{});
        case Activation::kSelu: return use(Selu<T>{});
    }
}

template <class T>
static void activate(Activation activation, T parameter, const T* x, T* y, Index n) {
    with_activation<T>(activation, parameter, [=](auto f) {
        const auto forward = [f](const Vector<T>(&in)[1], Vector<T>(&out)[1]) { out[0] = f.value(in[0]); };
        over_vectors<T>(forward, n, {x}, {y});
    });
}

// y is looked at by relu, tanh, sigmoid and selu; x by gelu and silu, and by leaky_relu if it is there. (The sign of y
// is that of x unless leaky_relu's slope is 0.) What is not looked at may be nullptr.
template <class T>
static void activate_backward(Activation activation, T parameter, const T* x, const T* y, const T* dy, T* dx, Index n,
                              bool accumulate) {
    const T* const either_x = x == nullptr ? y : x;
    const T* const either_y = y == nullptr ? x : y;
    with_activation<T>(activation, parameter, [=](auto f) {
        const auto change = [f](const Vector<T>(&in)[3]) { return in[2] * f.slope(in[0], in[1]); };
        const auto assign = [=](const Vector<T>(&in)[3], Vector<T>(&out)[1]) { out[0] = change(in); };
        const auto add = [=](const Vector<T>(&in)[3], Vector<T>(&out)[1]) { out[0] += change(in); };
        if (accumulate) {
            over_vectors<T>(add, n, {either_x, either_y, dy}, {dx});
        } else {
            over_vectors<T>(assign, n, {either_x, either_y, dy}, {dx});
        }
    });
}

}  // namespace chainrule::CHAINRULE_LEVEL

// The optimizers: one pass over parameters, gradient and moments, which is all the memory there is to read. The
// formulas are PyTorch's, so that a run can be compared with one there. In all of them
//
//     w *= 1 - learning_rate * weight_decay         decoupled decay (Loshchilov and Hutter 2019), first
//     g' = gradient_scale * (g + l2 * w)            with the w of before the decay
//
// What depends on the step alone is computed in float64 and rounded once.
#pragma once

#include "elementwise.hpp"

namespace chainrule::CHAINRULE_LEVEL {

template <class T>
static inline Vector<T> square_root(Vector<T> v) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_maskz_sqrt_ps(0xffff, v);  // as in to_float64
    if constexpr (sizeof(T) == 8) return _mm512_maskz_sqrt_pd(0xff, v);
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 4) return _mm256_sqrt_ps(v);
    if constexpr (sizeof(T) == 8) return _mm256_sqrt_pd(v);
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 4) return _mm_sqrt_ps(v);
    if constexpr (sizeof(T) == 8) return _mm_sqrt_pd(v);
#else
    Vector<T> root;
    for (int lane = 0; lane < kLanes<T>; ++lane) root[lane] = T(__builtin_sqrt(double(v[lane])));
    return root;
#endif
}

// What every rule begins with.
template <class T>
struct Common {
    T learning_rate, gradient_scale, l2, kept;

    Common(const Step& step, const Update<T>& update)
        : learning_rate(T(step.learning_rate)),
          gradient_scale(T(update.gradient_scale)),
          l2(T(update.l2)),
          kept(T(1.0 - step.learning_rate * update.weight_decay)) {}

    Vector<T> gradient(Vector<T> g, Vector<T> w) const { return gradient_scale * (g + l2 * w); }
};

template <class T>
static void sgd(const Step& step, const Update<T>& u) {
    const Common<T> common(step, u);
    if (u.slot_1 == nullptr) {
        const auto plain = [=](const Vector<T>(&in)[1], Vector<T>(&out)[1]) {
            Vector<T>& w = out[0];
            const Vector<T> g = common.gradient(in[0], w);
            w = w * common.kept - common.learning_rate * g;
        };
        return over_vectors<T>(plain, u.n, {u.gradient}, {u.parameters});
    }
    // v = momentum v + g';  w -= learning_rate v, or, with Nesterov, learning_rate (g' + momentum v)
    const T momentum = T(step.momentum);
    const auto with_momentum = [=](const Vector<T>(&in)[1], Vector<T>(&out)[2]) {
        Vector<T>&w = out[0], &velocity = out[1];
        const Vector<T> g = common.gradient(in[0], w);
        velocity = momentum * velocity + g;
        w = w * common.kept - common.learning_rate * velocity;
    };
    const auto nesterov = [=](const Vector<T>(&in)[1], Vector<T>(&out)[2]) {
        Vector<T>&w = out[0], &velocity = out[1];
        const Vector<T> g = common.gradient(in[0], w);
        velocity = momentum * velocity + g;
        w = w * common.kept - common.learning_rate * (g + momentum * velocity);
    };
    if (step.nesterov) {
        over_vectors<T>(nesterov, u.n, {u.gradient}, {u.parameters, u.slot_1});
    } else {
        over_vectors<T>(with_momentum, u.n, {u.gradient}, {u.parameters, u.slot_1});
    }
}

// Kingma and Ba 2015; with decoupled decay AdamW.
// m = b1 m + (1 - b1) g';  v = b2 v + (1 - b2) g'^2;  w -= learning_rate (m / c1) / (sqrt(v / c2) + epsilon)
template <class T>
static void adam(const Step& step, const Update<T>& u) {
    const Common<T> common(step, u);
    const T beta_1 = T(step.beta_1), beta_2 = T(step.beta_2);
    const T rest_1 = T(1.0 - step.beta_1), rest_2 = T(1.0 - step.beta_2);
    const T rate = T(step.learning_rate / step.bias_correction_1);
    const T root_scale = T(1.0 / __builtin_sqrt(step.bias_correction_2));
    const T epsilon = T(step.epsilon);
    const auto rule = [=](const Vector<T>(&in)[1], Vector<T>(&out)[3]) {
        Vector<T>&w = out[0], &m = out[1], &v = out[2];
        const Vector<T> g = common.gradient(in[0], w);
        m = beta_1 * m + rest_1 * g;
        v = beta_2 * v + rest_2 * (g * g);
        w = w * common.kept - rate * (m / (square_root<T>(v) * root_scale + epsilon));
    };
    over_vectors<T>(rule, u.n, {u.gradient}, {u.parameters, u.slot_1, u.slot_2});
}

// Tieleman and Hinton 2012. v = b2 v + (1 - b2) g'^2;  s = g' / (sqrt(v) + epsilon);  w -= learning_rate s,
// or, with momentum, b = momentum b + s;  w -= learning_rate b
template <class T>
static void rmsprop(const Step& step, const Update<T>& u) {
    const Common<T> common(step, u);
    const T beta = T(step.beta_2), rest = T(1.0 - step.beta_2), epsilon = T(step.epsilon);
    const auto scaled = [=](Vector<T> g, Vector<T>& v) {
        v = beta * v + rest * (g * g);
        return g / (square_root<T>(v) + epsilon);
    };
    if (u.slot_2 == nullptr) {
        const auto plain = [=](const Vector<T>(&in)[1], Vector<T>(&out)[2]) {
            Vector<T>& w = out[0];
            const Vector<T> s = scaled(common.gradient(in[0], w), out[1]);
            w = w * common.kept - common.learning_rate * s;
        };
        return over_vectors<T>(plain, u.n, {u.gradient}, {u.parameters, u.slot_1});
    }
    const T momentum = T(step.momentum);
    const auto with_momentum = [=](const Vector<T>(&in)[1], Vector<T>(&out)[3]) {
        Vector<T>&w = out[0], &buffer = out[2];
        buffer = momentum * buffer + scaled(common.gradient(in[0], w), out[1]);
        w = w * common.kept - common.learning_rate * buffer;
    };
    over_vectors<T>(with_momentum, u.n, {u.gradient}, {u.parameters, u.slot_1, u.slot_2});
}

// Duchi, Hazan and Singer 2011. v = v + g'^2;  w -= learning_rate g' / (sqrt(v) + epsilon)
template <class T>
static void adagrad(const Step& step, const Update<T>& u) {
    const Common<T> common(step, u);
    const T epsilon = T(step.epsilon);
    const auto rule = [=](const Vector<T>(&in)[1], Vector<T>(&out)[2]) {
        Vector<T>&w = out[0], &v = out[1];
        const Vector<T> g = common.gradient(in[0], w);
        v += g * g;
        w = w * common.kept - common.learning_rate * (g / (square_root<T>(v) + epsilon));
    };
    over_vectors<T>(rule, u.n, {u.gradient}, {u.parameters, u.slot_1});
}

// Chen et al. 2023. w -= learning_rate sign(b1 m + (1 - b1) g');  m = b2 m + (1 - b2) g'
template <class T>
static void lion(const Step& step, const Update<T>& u) {
    const Common<T> common(step, u);
    const T beta_1 = T(step.beta_1), beta_2 = T(step.beta_2);
    const T rest_1 = T(1.0 - step.beta_1), rest_2 = T(1.0 - step.beta_2);
    const auto rule = [=](const Vector<T>(&in)[1], Vector<T>(&out)[2]) {
        Vector<T>&w = out[0], &m = out[1];
        const Vector<T> g = common.gradient(in[0], w);
        const Vector<T> direction = beta_1 * m + rest_1 * g;
        m = beta_2 * m + rest_2 * g;
        const Vector<T> rate = broadcast<T>(common.learning_rate);
        // No move where the direction is 0, and none that hides a NaN.
        const Vector<T> move = select<T>(direction > T(0), rate, select<T>(direction < T(0), -rate, direction));
        w = w * common.kept - move;
    };
    over_vectors<T>(rule, u.n, {u.gradient}, {u.parameters, u.slot_1});
}

template <class T>
static void update(const Step& step, const Update<T>& u) {
    switch (step.rule) {
        case Rule::kSgd: return sgd<T>(step, u);
        case Rule::kAdam: return adam<T>(step, u);
        case Rule::kRmsprop: return rmsprop<T>(step, u);
        case Rule::kAdagrad: return adagrad<T>(step, u);
        case Rule::kLion: return lion<T>(step, u);
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

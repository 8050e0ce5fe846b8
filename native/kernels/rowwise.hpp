// What becomes of the logits of a block of rows: lanes along rows, class by class.
#pragma once

#include "block.hpp"

namespace chainrule::CHAINRULE_LEVEL {

template <class T>
static inline Vector<T> largest_logit(const T* z, Index stride, Index n_classes) {
    Vector<T> largest = load<T>(z);
    for (Index k = 1; k < n_classes; ++k) {
        const Vector<T> logit = load<T>(z + k * stride);
        largest = select<T>(logit > largest, logit, largest);  // a NaN is passed over here, and kept by exp
    }
    return largest;
}

// Logits of minus infinity beside the reference class's 0 (an infinite x) would make a finite p; but a row is to be NaN
// if any of its logits is not finite.
template <class T>
static inline Vector<T> nan_unless_finite(Vector<T> v) {
    return v - v;
}

// Logits in scratch.z become dZ = w (p - y); returns the sum of w * loss. No difference of nearly equal numbers is
// taken: for the label's class p - 1 = -(sum of the other exponentials) / (sum of all), and the loss is log1p of that
// sum of the others where the label is the likeliest class. With smoothing e, y = (1 - e) onehot + e / n_classes.
template <class T>
static double cross_entropy(const SoftmaxPass<T>& pass, const Scratch<T>& scratch, Index n_rows) {
    constexpr int N = kLanes<T>;
    const Index n_classes = pass.shape.n_classes;
    const Index stride = scratch.stride;
    const bool keeps_p = pass.row_output.data != nullptr;
    const T smoothing = pass.label_smoothing;
    const T uniform = smoothing / T(n_classes);
    for (Index i = 0; i < n_rows; i += N) {
        T* z = scratch.z + i;
        const Vector<T> largest = largest_logit<T>(z, stride, n_classes);
        const IntegerVector<T> label = load<Integer<T>>(scratch.labels + i);
        Vector<T> label_logit = {}, label_exp = {}, other_exps = {}, logit_sum = {};
        for (Index k = 0; k < n_classes; ++k) {
            const Vector<T> logit = load<T>(z + k * stride) - largest;
            const Vector<T> e = exp_nonpositive<T>(logit);
            const IntegerVector<T> hit = label == Integer<T>(k);
            const Vector<T> other = zero_where<T>(hit, e);
            label_logit = select<T>(hit, logit, label_logit);
            label_exp = select<T>(hit, e, label_exp);
            other_exps += other;
            logit_sum += logit;
            store<T>(z + k * stride, other);
        }
        const Vector<T> exp_sum = label_exp + other_exps + nan_unless_finite<T>(logit_sum);
        const Vector<T> inverse = T(1) / exp_sum;
        // The loss is log(1 + excess) plus the rest.
        const Vector<T> others = other_exps + nan_unless_finite<T>(exp_sum);
        const Vector<T> excess = select<T>(label_logit == T(0), others, exp_sum - T(1));
        Vector<T> rest = -label_logit;
        if (smoothing != T(0)) rest += smoothing * label_logit - uniform * logit_sum;
        store<T>(scratch.excess + i, excess);
        store<T>(scratch.loss_rest + i, rest);
        const Vector<T> weight = load<T>(scratch.weights + i);
        for (Index k = 0; k < n_classes; ++k) {
            const IntegerVector<T> hit = label == Integer<T>(k);
            const Vector<T> p = load<T>(z + k * stride) * inverse;
            if (keeps_p) store<T>(scratch.p + k * stride + i, select<T>(hit, label_exp * inverse, p));
            Vector<T> dz = select<T>(hit, -other_exps * inverse, p);
            if (smoothing != T(0)) dz += select<T>(hit, broadcast<T>(smoothing - uniform), broadcast<T>(-uniform));
            store<T>(z + k * stride, weight * dz);
        }
    }
    // In a loop of its own: two short chains of dependent operations overlap with the next rows better than one long.
    Vector<double> loss_sums = {};
    for (Index i = 0; i < n_rows; i += N) {
        const Vector<T> loss = log1p_nonnegative<T>(load<T>(scratch.excess + i)) + load<T>(scratch.loss_rest + i);
        add_products(loss_sums, loss, scratch.loss_weights + i);
    }
    return sum_lanes<double>(loss_sums);
}

template <class T>
static void probabilities(const SoftmaxPass<T>& pass, const Scratch<T>& scratch, Index n_rows) {
    const Index n_classes = pass.shape.n_classes;
    for (Index i = 0; i < n_rows; i += kLanes<T>) {
        const T* z = scratch.z + i;
        T* p = scratch.p + i;
        const Vector<T> largest = largest_logit<T>(z, scratch.stride, n_classes);
        Vector<T> exp_sum = {}, logit_sum = {};
        for (Index k = 0; k < n_classes; ++k) {
            const Vector<T> logit = load<T>(z + k * scratch.stride) - largest;
            const Vector<T> e = exp_nonpositive<T>(logit);
            store<T>(p + k * scratch.stride, e);
            exp_sum += e;
            logit_sum += logit;
        }
        exp_sum += nan_unless_finite<T>(logit_sum);
        const Vector<T> inverse = T(1) / exp_sum;
        for (Index k = 0; k < n_classes; ++k) {
            store<T>(p + k * scratch.stride, load<T>(p + k * scratch.stride) * inverse);
        }
    }
}

// u = x V + v in scratch.z (0 for the reference class) becomes dZ = w p (u - sum_k p_k u_k), p in scratch.p.
template <class T>
static void hessian_product(const SoftmaxPass<T>& pass, const Scratch<T>& scratch, Index n_rows) {
    const Index n_classes = pass.shape.n_classes;
    for (Index i = 0; i < n_rows; i += kLanes<T>) {
        T* z = scratch.z + i;
        const T* p = scratch.p + i;
        Vector<T> mean = {};
        for (Index k = 1; k < n_classes; ++k) mean += load<T>(p + k * scratch.stride) * load<T>(z + k * scratch.stride);
        const Vector<T> weight = load<T>(scratch.weights + i);
        for (Index k = 1; k < n_classes; ++k) {
            const Vector<T> dz = load<T>(p + k * scratch.stride) * (load<T>(z + k * scratch.stride) - mean);
            store<T>(z + k * scratch.stride, weight * dz);
        }
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

// Softmax and the losses of the last layer, on row-major logits.
//
// With few classes, lanes go along the rows: blocks of rows are turned round, class by class, worked on by the loops of
// rowwise.hpp and turned back. With many classes, lanes go along the classes of one row.
#pragma once

#include "elementwise.hpp"
#include "mathematics.hpp"
#include "rowwise.hpp"

namespace chainrule::CHAINRULE_LEVEL {

constexpr Index kFewClasses = 32;
constexpr Index kTurnedRows = 128;     // at most, at once
constexpr Index kTurnedLogits = 2048;  // likewise: in the first-level cache with all that belongs to them

// The lanes of a and b in turn, in groups of four: a0 b0 a1 b1 | a4 b4 ..., and a2 b2 a3 b3 | a6 b6 ...
template <class T, int N>
static inline typename VectorOf<T, N>::Type zip_low(typename VectorOf<T, N>::Type a, typename VectorOf<T, N>::Type b) {
    if constexpr (N == 4) return __builtin_shufflevector(a, b, 0, 4, 1, 5);
    if constexpr (N == 8) return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    if constexpr (N == 16) {
        return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    }
}

template <class T, int N>
static inline typename VectorOf<T, N>::Type zip_high(typename VectorOf<T, N>::Type a, typename VectorOf<T, N>::Type b) {
    if constexpr (N == 4) return __builtin_shufflevector(a, b, 2, 6, 3, 7);
    if constexpr (N == 8) return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    if constexpr (N == 16) {
        return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
}

// Four vectors, each cut in groups of four lanes: the 4 x 4 matrices of their groups, transposed.
template <class T, int N>
static inline void transpose_fours(typename VectorOf<T, N>::Type (&v)[4]) {
    const auto low_02 = zip_low<T, N>(v[0], v[2]), high_02 = zip_high<T, N>(v[0], v[2]);
    const auto low_13 = zip_low<T, N>(v[1], v[3]), high_13 = zip_high<T, N>(v[1], v[3]);
    v[0] = zip_low<T, N>(low_02, low_13);
    v[1] = zip_high<T, N>(low_02, low_13);
    v[2] = zip_low<T, N>(high_02, high_13);
    v[3] = zip_high<T, N>(high_02, high_13);
}

// Groups of four lanes, four_at(0), four_at(4), ..., as one vector.
template <class T, int N, class FourAt>
static inline typename VectorOf<T, N>::Type join_fours(FourAt four_at, int at = 0) {
    if constexpr (N == 4) {
        return four_at(at);
    } else {
        const auto low = join_fours<T, N / 2>(four_at, at);
        const auto high = join_fours<T, N / 2>(four_at, at + N / 2);
        if constexpr (N == 8) return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
        if constexpr (N == 16) {
            return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        }
    }
}

template <class T, int N, class Use>
static inline void part_in_fours(typename VectorOf<T, N>::Type v, Use use, int at = 0) {
    if constexpr (N == 4) {
        use(at, v);
    } else {
        part_in_fours<T, N / 2>(low_half<T, N>(v), use, at);
        part_in_fours<T, N / 2>(high_half<T, N>(v), use, at + N / 2);
    }
}

// Column k of the rows to turned[k * turned_stride ...]; the last row again in the lanes that n_rows leaves free.
template <class T>
static void turn_rows(Index n_rows, Index n_columns, const T* rows, Index stride, T* turned, Index turned_stride) {
    constexpr int N = kLanes<T>;
    for (Index i = 0; i < n_rows; i += N) {
        const T* row[N];
        for (int lane = 0; lane < N; ++lane) row[lane] = rows + smaller(i + lane, n_rows - 1) * stride;
        if constexpr (N < 4) {
            for (Index k = 0; k < n_columns; ++k) {
                for (int lane = 0; lane < N; ++lane) turned[k * turned_stride + i + lane] = row[lane][k];
            }
        } else {
            for (Index k = 0; k < n_columns; k += 4) {
                const Index width = smaller(4, n_columns - k);
                Vector<T> fours[4];
                CHAINRULE_UNROLL
                for (int lane = 0; lane < 4; ++lane) {
                    fours[lane] = join_fours<T, N>([&](int group) {
                        const T* from = row[group + lane] + k;
                        return width == 4 ? load<T, 4>(from) : load_first<T, 4>(from, width);
                    });
                }
                transpose_fours<T, N>(fours);
                CHAINRULE_UNROLL
                for (int c = 0; c < 4; ++c) {
                    if (c < width) store<T>(turned + (k + c) * turned_stride + i, fours[c]);
                }
            }
        }
    }
}

// The way back of up to N rows by kWidth <= 4 columns; `fours` holds a column to a vector.
template <class T, int kWidth>
static inline void store_fours(Vector<T> (&fours)[4], Index n_rows, T* rows, Index stride, bool accumulate) {
    transpose_fours<T, kLanes<T>>(fours);
    CHAINRULE_UNROLL
    for (int lane = 0; lane < 4; ++lane) {
        part_in_fours<T, kLanes<T>>(fours[lane], [=](int group, typename VectorOf<T, 4>::Type four) {
            if (group + lane >= n_rows) return;
            T* to = rows + (group + lane) * stride;
            if (accumulate) four += load_first<T, 4>(to, kWidth);
            store_first<T, 4>(to, four, kWidth);
        });
    }
}

// The way back: the first n_rows of what is turned, to the rows or added to them.
template <class T>
static void turn_back(Index n_rows, Index n_columns, const T* turned, Index turned_stride, T* rows, Index stride,
                      bool accumulate) {
    constexpr int N = kLanes<T>;
    for (Index i = 0; i < n_rows; i += N) {
        const Index left = smaller(N, n_rows - i);
        if constexpr (N < 4) {
            for (Index lane = 0; lane < left; ++lane) {
                T* to = rows + (i + lane) * stride;
                for (Index k = 0; k < n_columns; ++k) {
                    const T value = turned[k * turned_stride + i + lane];
                    to[k] = accumulate ? to[k] + value : value;
                }
            }
        } else {
            for (Index k = 0; k < n_columns; k += 4) {
                const Index width = smaller(4, n_columns - k);
                Vector<T> fours[4] = {};
                CHAINRULE_UNROLL
                for (int c = 0; c < 4; ++c) {
                    if (c < width) fours[c] = load<T>(turned + (k + c) * turned_stride + i);
                }
                T* to = rows + i * stride + k;
                if (width == 4) store_fours<T, 4>(fours, left, to, stride, accumulate);
                if (width == 3) store_fours<T, 3>(fours, left, to, stride, accumulate);
                if (width == 2) store_fours<T, 2>(fours, left, to, stride, accumulate);
                if (width == 1) store_fours<T, 1>(fours, left, to, stride, accumulate);
            }
        }
    }
}

// What rowwise.hpp works on, of a block of rows and few classes.
template <class T>
struct TurnedRows {
    alignas(kCacheLineBytes) T z[kTurnedLogits];
    alignas(kCacheLineBytes) T weights[kTurnedRows];
    double loss_weights[kTurnedRows];
    Integer<T> labels[kTurnedRows];
    T excess[kTurnedRows], loss_rest[kTurnedRows];

    Scratch<T> scratch(Index stride) {
        Scratch<T> scratch = {};
        scratch.stride = stride;
        scratch.z = scratch.p = z;
        scratch.weights = weights;
        scratch.loss_weights = loss_weights;
        scratch.labels = labels;
        scratch.excess = excess;
        scratch.loss_rest = loss_rest;
        return scratch;
    }

    // Of rows first .. first + n_rows; the lanes behind them weigh nothing.
    void take_labels_and_weights(const CrossEntropy<T>& c, Index first, Index n_rows) {
        for (Index r = 0; r < n_rows; ++r) labels[r] = Integer<T>(c.labels[first + r]);
        if (c.weights == nullptr) {
            for (Index r = 0; r < n_rows; ++r) loss_weights[r] = c.scale;
        } else {
            for (Index r = 0; r < n_rows; ++r) loss_weights[r] = c.weights[first + r] * c.scale;
        }
        for (Index r = n_rows; r % kLanes<T> != 0; ++r) {
            labels[r] = labels[n_rows - 1];
            loss_weights[r] = 0.0;
        }
        for (Index r = 0; r < round_up(n_rows, kLanes<T>); ++r) weights[r] = T(loss_weights[r]);
    }

    static Index rows_at_once(Index n_classes) {
        const Index fitting = kTurnedLogits / n_classes;
        return smaller(fitting - fitting % kLanes<T>, kTurnedRows);
    }
};

// f(offset, vector's lanes that there are) along one row.
template <class T, class F>
static inline void along_row(Index n_columns, F f) {
    Index k = 0;
    for (; k + kLanes<T> <= n_columns; k += kLanes<T>) f(k, kLanes<T>);
    if (k < n_columns) f(k, n_columns - k);
}

template <class T>
static inline Vector<T> load_part(const T* from, Index count) {
    return count == kLanes<T> ? load<T>(from) : load_first<T>(from, count);
}

template <class T>
static inline void store_part(T* to, Vector<T> v, Index count, bool accumulate = false) {
    if (accumulate) v += load_part<T>(to, count);
    store_first<T>(to, v, count);
}

// Zeros in the lanes that are not there.
template <class T>
static inline Vector<T> only_first(Vector<T> v, Index count) {
    return zero_where<T>(lane_numbers<T>() >= Integer<T>(count), v);
}

template <class T>
static T largest_of_row(const T* z, Index n) {
    Vector<T> largest = broadcast<T>(z[0]);
    along_row<T>(n, [&](Index k, Index count) {
        const Vector<T> logit = load_part<T>(z + k, count);
        largest = select<T>((lane_numbers<T>() < Integer<T>(count)) & (logit > largest), logit, largest);
    });
    T result = largest[0];
    for (int lane = 1; lane < kLanes<T>; ++lane) result = largest[lane] > result ? largest[lane] : result;
    return result;
}

template <class T>
static void softmax_of_row(Index n, const T* z, T* p) {
    const T largest = largest_of_row<T>(z, n);
    Vector<T> exp_sum = {}, logit_sum = {};
    along_row<T>(n, [&](Index k, Index count) {
        const Vector<T> logit = only_first<T>(load_part<T>(z + k, count) - largest, count);
        const Vector<T> e = exp_nonpositive<T>(logit);
        exp_sum += only_first<T>(e, count);
        logit_sum += logit;
        store_first<T>(p + k, e, count);
    });
    const T inverse = T(1.0 / sum_lanes<T>(exp_sum + nan_unless_finite<T>(logit_sum)));
    along_row<T>(n, [&](Index k, Index count) { store_first<T>(p + k, load_part<T>(p + k, count) * inverse, count); });
}

template <class T>
static void softmax(Index n_rows, Index n_columns, const T* z, Index z_stride, T* p, Index p_stride) {
    if (n_columns > kFewClasses) {
        for (Index i = 0; i < n_rows; ++i) softmax_of_row<T>(n_columns, z + i * z_stride, p + i * p_stride);
        return;
    }
    TurnedRows<T> turned;
    SoftmaxPass<T> pass;
    pass.shape.n_classes = n_columns;
    const Index step = TurnedRows<T>::rows_at_once(n_columns);
    for (Index i = 0; i < n_rows; i += step) {
        const Index rows = smaller(step, n_rows - i);
        turn_rows<T>(rows, n_columns, z + i * z_stride, z_stride, turned.z, step);
        probabilities<T>(pass, turned.scratch(step), rows);
        turn_back<T>(rows, n_columns, turned.z, step, p + i * p_stride, p_stride, false);
    }
}

// dz = p (dp - sum_k p_k dp_k)
template <class T>
static void softmax_backward(Index n_rows, Index n_columns, const T* p, Index p_stride, const T* dp, Index dp_stride,
                             T* dz, Index dz_stride, bool accumulate) {
    for (Index i = 0; i < n_rows; ++i, p += p_stride, dp += dp_stride, dz += dz_stride) {
        Vector<T> sum = {};
        along_row<T>(n_columns, [&](Index k, Index count) {
            sum += load_part<T>(p + k, count) * load_part<T>(dp + k, count);
        });
        const T mean = T(sum_lanes<T>(sum));
        along_row<T>(n_columns, [&](Index k, Index count) {
            const Vector<T> change = load_part<T>(p + k, count) * (load_part<T>(dp + k, count) - mean);
            store_part<T>(dz + k, change, count, accumulate);
        });
    }
}

template <class T>
static inline double row_weight(const CrossEntropy<T>& c, Index i) {
    return c.weights == nullptr ? c.scale : c.weights[i] * c.scale;
}

template <class T>
static double cross_entropy_of_few(const CrossEntropy<T>& c) {
    TurnedRows<T> turned;
    SoftmaxPass<T> pass;
    pass.shape.n_classes = c.n_classes;
    pass.label_smoothing = T(c.label_smoothing);
    const Index step = TurnedRows<T>::rows_at_once(c.n_classes);
    double loss = 0.0;
    for (Index i = 0; i < c.n_rows; i += step) {
        const Index rows = smaller(step, c.n_rows - i);
        turn_rows<T>(rows, c.n_classes, c.logits + i * c.stride, c.stride, turned.z, step);
        turned.take_labels_and_weights(c, i, rows);
        loss += cross_entropy<T>(pass, turned.scratch(step), rows);
        if (c.d_logits != nullptr) {
            T* d_rows = c.d_logits + i * c.d_stride;
            turn_back<T>(rows, c.n_classes, turned.z, step, d_rows, c.d_stride, c.accumulate);
        }
    }
    return loss;
}

// As cross_entropy in rowwise.hpp, where the why of each formula stands.
template <class T>
static double cross_entropy_of_row(const CrossEntropy<T>& c, Index row) {
    const T* z = c.logits + row * c.stride;
    const Index label = Index(c.labels[row]);
    const T smoothing = T(c.label_smoothing);
    const T uniform = smoothing / T(c.n_classes);
    const T largest = largest_of_row<T>(z, c.n_classes);
    const auto is_label = [=](Index k) { return lane_numbers<T>() == Integer<T>(label - k); };
    Vector<T> sums = {}, logit_sums = {};
    along_row<T>(c.n_classes, [&](Index k, Index count) {
        const Vector<T> logit = only_first<T>(load_part<T>(z + k, count) - largest, count);
        sums += zero_where<T>(is_label(k), only_first<T>(exp_nonpositive<T>(logit), count));
        logit_sums += logit;
    });
    const Vector<T> label_logit = broadcast<T>(z[label] - largest);
    const Vector<T> logit_sum = broadcast<T>(T(sum_lanes<T>(logit_sums)));
    const Vector<T> other_exps = broadcast<T>(T(sum_lanes<T>(sums))) + nan_unless_finite<T>(logit_sum);
    const Vector<T> exp_sum = exp_nonpositive<T>(label_logit) + other_exps;
    const Vector<T> excess = select<T>(label_logit == T(0), other_exps, exp_sum - T(1));
    const Vector<T> loss =
        log1p_nonnegative<T>(excess) - label_logit + (smoothing * label_logit - uniform * logit_sum);
    const double weight = row_weight<T>(c, row);
    if (c.d_logits != nullptr) {
        const Vector<T> inverse = T(1) / exp_sum;
        const Vector<T> label_dz = (smoothing - uniform) - other_exps * inverse;
        T* d_row = c.d_logits + row * c.d_stride;
        along_row<T>(c.n_classes, [&](Index k, Index count) {
            const Vector<T> p = exp_nonpositive<T>(load_part<T>(z + k, count) - largest) * inverse;
            const Vector<T> dz = select<T>(is_label(k), label_dz, p - uniform);
            store_part<T>(d_row + k, T(weight) * dz, count, c.accumulate);
        });
    }
    return weight * double(loss[0]);
}

template <class T>
static double softmax_cross_entropy(const CrossEntropy<T>& c) {
    if (c.n_classes <= kFewClasses) return cross_entropy_of_few<T>(c);
    double loss = 0.0;
    for (Index i = 0; i < c.n_rows; ++i) loss += cross_entropy_of_row<T>(c, i);
    return loss;
}

// One logistic loss per column: log(1 + exp(z)) - t z = max(z, 0) - t z + log(1 + exp(-|z|)), whose derivative is
// sigmoid(z) - t; with e = exp(-|z|) that is (1 - t - t e) / (1 + e) for z >= 0 and (e (1 - t) - t) / (1 + e) below,
// where nothing cancels for t = 0 or 1.
template <class T>
static double sigmoid_cross_entropy(const CrossEntropy<T>& c) {
    double total = 0.0;
    for (Index i = 0; i < c.n_rows; ++i) {
        const T* row = c.logits + i * c.stride;
        const T* targets = c.targets + i * c.target_stride;
        T* d_row = c.d_logits == nullptr ? nullptr : c.d_logits + i * c.d_stride;
        const double weight = row_weight<T>(c, i);
        Vector<T> losses = {};
        along_row<T>(c.n_classes, [&](Index k, Index count) {
            const Vector<T> z = load_part<T>(row + k, count), t = load_part<T>(targets + k, count);
            const Vector<T> e = exp_nonpositive<T>(-absolute<T>(z));
            const Vector<T> linear = at_least<T>(z, T(0)) - t * z + nan_unless_finite<T>(z);
            losses += only_first<T>(linear + log1p_nonnegative<T>(e), count);
            if (d_row != nullptr) {
                const Vector<T> not_t = T(1) - t;
                const Vector<T> above = select<T>(z < T(0), e * not_t - t, not_t - t * e);
                store_part<T>(d_row + k, T(weight) * (above / (T(1) + e)), count, c.accumulate);
            }
        });
        total += weight * sum_lanes<T>(losses);
    }
    return total;
}

}  // namespace chainrule::CHAINRULE_LEVEL

// What the compiled levels (kernels/level.cpp) and the network program (../program) say to each other. Plain data
// only: every level includes this header with other compiler flags, so it must not define anything the linker could
// merge.
//
// Matrices are row-major. In the arena a row is padded to whole cache lines; what stands in the padding is never read
// as a value, but it may be written.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chainrule {

using Index = std::ptrdiff_t;

// C = A B, or C = C + A B; then + bias. Element (i, j) of C is summed over p = 0, 1, ... in one order that depends on
// n and k alone: how rows are cut into calls never changes a bit.
template <class T>
struct Product {
    Index m = 0;  // rows of A and C
    Index n = 0;  // columns of B and C
    Index k = 0;  // columns of A, rows of B
    const T* a = nullptr;  // A(i, p) = a[i * a_row_stride + p * a_column_stride]; one of the strides is 1
    Index a_row_stride = 0;
    Index a_column_stride = 1;
    const T* b = nullptr;  // B(p, j) = b[p * b_row_stride + j * b_column_stride]; one of the strides is 1
    Index b_row_stride = 0;
    Index b_column_stride = 1;
    T* c = nullptr;  // C(i, j) = c[i * c_row_stride + j]; nothing outside i < m, j < n is touched
    Index c_row_stride = 0;
    const T* bias = nullptr;  // (n,), or nullptr
    bool accumulate = false;  // add to what is in C
};

enum class Activation : int { kRelu, kLeakyRelu, kTanh, kSigmoid, kGelu, kSilu, kSelu };

// Rows of logits, and what the loss makes of them. Row i weighs weights[i] * scale (scale alone without weights).
template <class T>
struct CrossEntropy {
    Index n_rows = 0;
    Index n_classes = 0;
    const T* logits = nullptr;  // (n_rows, stride)
    Index stride = 0;
    const std::int64_t* labels = nullptr;  // softmax: (n_rows,) in 0..n_classes-1, checked before
    const T* targets = nullptr;            // sigmoid: (n_rows, target_stride), 0 or 1
    Index target_stride = 0;
    const double* weights = nullptr;  // (n_rows,), class weights included, or nullptr
    double scale = 1.0;
    double label_smoothing = 0.0;  // softmax only
    T* d_logits = nullptr;         // (n_rows, d_stride), or nullptr: the loss alone
    Index d_stride = 0;
    bool accumulate = false;  // add to what is in d_logits
};

enum class Rule : int { kSgd, kAdam, kRmsprop, kAdagrad, kLion };

// One step of an optimizer, the same for all parameters. The formulas stand at the kernels, in kernels/update.hpp.
struct Step {
    Rule rule = Rule::kSgd;
    bool nesterov = false;
    double learning_rate = 0.0;
    double momentum = 0.0;        // sgd, rmsprop
    double beta_1 = 0.0;          // adam, lion
    double beta_2 = 0.0;          // adam, lion; rmsprop's decay
    double epsilon = 0.0;
    double bias_correction_1 = 1.0;  // adam: 1 - beta_1^t
    double bias_correction_2 = 1.0;  // adam: 1 - beta_2^t
};

// Some neighbours of the flat vector, and how they are updated.
template <class T>
struct Update {
    Index n = 0;
    T* parameters = nullptr;
    const T* gradient = nullptr;
    T* slot_1 = nullptr;  // sgd: momentum; adam, lion: first moment; rmsprop, adagrad: mean or sum of squares
    T* slot_2 = nullptr;  // adam: second moment; rmsprop: momentum; nullptr where the rule has none
    double gradient_scale = 1.0;  // of clipping
    double l2 = 0.0;              // the gradient gains l2 * parameter, before clipping's scale
    double weight_decay = 0.0;    // decoupled: parameter -= learning_rate * weight_decay * parameter
};

// Uniform numbers of a counter: number i of (seed, stream, step) is the same whoever asks for it, in whatever order.
struct Noise {
    std::uint64_t seed = 0;
    std::uint32_t stream = 0;
    std::uint64_t step = 0;
};

template <class T>
struct NetworkKernels {
    int lanes = 0;

    std::size_t (*product_scratch_bytes)(const Product<T>&) = nullptr;  // 64-byte aligned; depends on n, k, strides
    void (*product)(const Product<T>&, void* scratch) = nullptr;

    // y = f(x), n neighbours; y may be x. `parameter` is leaky_relu's slope.
    void (*activate)(Activation, T parameter, const T* x, T* y, Index n) = nullptr;
    // dx = dy f'(x), or dx += dy f'(x); dx may be dy. x is nullptr where only y was kept: f' is taken from y then,
    // which relu, leaky_relu (slope > 0), tanh, sigmoid and selu allow.
    void (*activate_backward)(Activation, T parameter, const T* x, const T* y, const T* dy, T* dx, Index n,
                              bool accumulate) = nullptr;

    // Row-wise, (n_rows, n_columns) with the rows `stride` apart; p may be z, dz may be dp.
    void (*softmax)(Index n_rows, Index n_columns, const T* z, Index z_stride, T* p, Index p_stride) = nullptr;
    void (*softmax_backward)(Index n_rows, Index n_columns, const T* p, Index p_stride, const T* dp, Index dp_stride,
                             T* dz, Index dz_stride, bool accumulate) = nullptr;
    // The weighted sum of the rows' losses, in float64, and d_logits.
    double (*softmax_cross_entropy)(const CrossEntropy<T>&) = nullptr;
    double (*sigmoid_cross_entropy)(const CrossEntropy<T>&) = nullptr;

    // y = x mask / (1 - rate) with mask = (uniform number >= rate); or y += . The number of row i, column j is
    // number (first_row + i) * n_columns + j of the noise. The same call with dy for x is its own backward.
    void (*dropout)(const Noise&, T rate, Index first_row, Index n_rows, Index n_columns, const T* x, Index x_stride,
                    T* y, Index y_stride, bool accumulate) = nullptr;
    void (*uniform)(const Noise&, Index first, Index n, T* numbers) = nullptr;

    // y = x, or y += x; n neighbours.
    void (*add)(const T* x, T* y, Index n, bool accumulate) = nullptr;
    // y = scale x, or y += scale x; n neighbours.
    void (*add_scaled)(T scale, const T* x, T* y, Index n, bool accumulate) = nullptr;
    // y(i, j) = x(i, j) factor(j), or y += .
    void (*scale_columns)(Index n_rows, Index n_columns, const T* x, Index x_stride, const T* factor, T* y,
                          Index y_stride, bool accumulate) = nullptr;
    // sums(j) = [sums(j) +] sum_i x(i, j) y(i, j); y nullptr: sum_i x(i, j). Summed in the order of the rows.
    void (*column_sums)(Index n_rows, Index n_columns, const T* x, Index x_stride, const T* y, Index y_stride, T* sums,
                        bool accumulate) = nullptr;
    // Sum of squares, in float64.
    double (*sum_of_squares)(const T* x, Index n) = nullptr;

    void (*update)(const Step&, const Update<T>&) = nullptr;
};

}  // namespace chainrule

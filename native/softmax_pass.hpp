// One pass over the rows of X through the softmax layer: sizes, chunks, threads, and the sum of the chunks' sums.
#pragma once

#include <cstdint>
#include <vector>

#include "aligned_memory.hpp"
#include "kernels/softmax_table.hpp"

namespace chainrule {

// A problem as the caller states it. With reference_logit the columns of W are the classes 1, 2, ... and class 0 has
// the logit 0; without, there is a column per class.
template <class T>
struct SoftmaxProblem {
    Index n_rows = 0;
    Index n_features = 0;
    Index n_columns = 0;  // of W
    bool reference_logit = false;
    Matrix<const T> rows;     // (n_rows, n_features); or, for double:
    Matrix<const float> narrow_rows;
    Matrix<const T> weights;  // (n_features, n_columns)
    const T* bias = nullptr;  // (n_columns,)
    Index bias_stride = 0;
    const std::int64_t* labels = nullptr;  // (n_rows,), for the cross-entropy
    Index label_stride = 0;
    const double* row_weights = nullptr;  // (n_rows,), or nullptr: all 1
    Index row_weight_stride = 0;
    double label_smoothing = 0.0;
    Matrix<const double> given_probabilities;  // (n_rows, given_columns), for the Hessian product
    Index given_columns = 0;                   // one per class, or without class 0
    Matrix<T> row_output;                      // (n_rows, output_columns): probabilities or logits
    Index output_columns = 0;                  // likewise
};

// Sums over the rows; both arrays have a column per column of W.
struct SoftmaxSums {
    double loss = 0.0;
    UninitializedVector<double> weight_gradient;  // (n_features, n_columns), rows as neighbours
    std::vector<double> bias_gradient;            // (n_columns,)
};

// What row functions need to know of a problem; rows, weights and the shape of blocks are left to the caller.
template <class T>
SoftmaxPass<T> row_pass(RowFunction function, const SoftmaxProblem<T>& problem);

template <class T>
[[noreturn]] void throw_bad_label(const SoftmaxProblem<T>& problem, Index n_classes, Index row);

// Runs the pass on n_threads threads (0: default_thread_count()). The result is the same to the last bit whatever
// n_threads is. Throws std::invalid_argument if a label is out of range.
template <class T>
SoftmaxSums run_softmax_pass(RowFunction function, const SoftmaxProblem<T>& problem, int n_threads);

// The sum of n neighbours, read by n_threads threads.
template <class T>
double read_sum(const T* data, Index n, int n_threads);

}  // namespace chainrule

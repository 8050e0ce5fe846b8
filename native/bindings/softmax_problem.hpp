// A problem of the softmax layer from NumPy arrays, whatever its rows are held in.
#pragma once

#include "../softmax_pass.hpp"
#include "arrays.hpp"

namespace chainrule {

// n_rows and n_features are set before.
template <class T>
void set_weights(SoftmaxProblem<T>& problem, const Input& w, const Input& b, bool reference_logit) {
    require_matrix("W", w);
    require_dtype<T>("W", w, kTypeOfWeights<T>);
    require_dtype<T>("b", b, kTypeOfWeights<T>);
    problem.n_columns = Index(w.shape(1));
    problem.reference_logit = reference_logit;
    if (problem.n_columns < 1) refuse("W has no columns; it must have at least one.");
    require_shape("W", w, {problem.n_features, problem.n_columns});
    require_shape("b", b, {problem.n_columns});
    problem.weights = matrix<T>(w);
    problem.bias = static_cast<const T*>(b.data());
    problem.bias_stride = Index(b.stride(0));
}

template <class T>
void set_row_weights(SoftmaxProblem<T>& problem, const std::optional<Input>& weights) {
    if (!weights) return;
    require_dtype<double>("weights", *weights, "float64");
    require_shape("weights", *weights, {problem.n_rows});
    problem.row_weights = static_cast<const double*>(weights->data());
    problem.row_weight_stride = Index(weights->stride(0));
}

// An array of probabilities: a column per class, or per class but class 0.
template <class T>
Index probability_columns(const SoftmaxProblem<T>& problem, const Input& array) {
    const Index n_classes = problem.n_columns + (problem.reference_logit ? 1 : 0);
    if (array.ndim() == 2 && Index(array.shape(1)) == n_classes - 1) {
        require_shape("probabilities", array, {problem.n_rows, n_classes - 1});
        return n_classes - 1;
    }
    require_shape("probabilities", array, {problem.n_rows, n_classes});
    return n_classes;
}

template <class T>
void set_labels(SoftmaxProblem<T>& problem, const Input& labels, const std::optional<Input>& weights,
                const std::optional<Output>& probabilities, double label_smoothing) {
    require_dtype<std::int64_t>("labels", labels, "int64");
    require_shape("labels", labels, {problem.n_rows});
    problem.labels = static_cast<const std::int64_t*>(labels.data());
    problem.label_stride = Index(labels.stride(0));
    set_row_weights(problem, weights);
    if (!(label_smoothing >= 0.0 && label_smoothing <= 1.0)) refuse("label_smoothing must lie in 0..1.");
    problem.label_smoothing = label_smoothing;
    if (!probabilities) return;
    require_dtype<T>("probabilities", Input(*probabilities), kTypeOfWeights<T>);
    problem.output_columns = probability_columns(problem, Input(*probabilities));
    problem.row_output = {static_cast<T*>(probabilities->data()), Index(probabilities->stride(0)),
                          Index(probabilities->stride(1))};
}

template <class T>
void set_given_probabilities(SoftmaxProblem<T>& problem, const Input& probabilities,
                             const std::optional<Input>& weights) {
    set_row_weights(problem, weights);
    require_dtype<double>("probabilities", probabilities, "float64");
    problem.given_columns = probability_columns(problem, probabilities);
    problem.given_probabilities = matrix<double>(probabilities);
}

// (loss,) dW (d, K) and db (K,).
template <class T>
nb::object gradients(const SoftmaxProblem<T>& problem, SoftmaxSums&& sums, bool with_loss) {
    const auto d = std::size_t(problem.n_features);
    const auto k = std::size_t(problem.n_columns);
    const nb::object d_weight = numpy_array(std::move(sums.weight_gradient), {d, k});
    const nb::object d_bias = numpy_array(std::move(sums.bias_gradient), {k});
    return with_loss ? nb::make_tuple(sums.loss, d_weight, d_bias) : nb::make_tuple(d_weight, d_bias);
}

}  // namespace chainrule

// The one-pass kernels of the softmax layer, as Python sees them.
#include "../softmax_pass.hpp"
#include "arrays.hpp"
#include "bindings.hpp"

namespace chainrule {
namespace {

// X, W and b, checked against each other. Arithmetic is in the dtype of W; rows of float32 may meet W of float64.
template <class T>
SoftmaxProblem<T> problem_of(const Input& x, const Input& w, const Input& b, bool reference_logit) {
    require_matrix("X", x);
    require_matrix("W", w);
    require_dtype<T>("b", b, kTypeOfWeights<T>);
    SoftmaxProblem<T> problem;
    problem.n_rows = Index(x.shape(0));
    problem.n_features = Index(x.shape(1));
    problem.n_columns = Index(w.shape(1));
    problem.reference_logit = reference_logit;
    if (problem.n_columns < 1) refuse("W has no columns; it must have at least one.");
    require_shape("W", w, {problem.n_features, problem.n_columns});
    require_shape("b", b, {problem.n_columns});
    if (holds<T>(x)) {
        problem.rows = matrix<T>(x);
    } else if (holds<float>(x)) {
        problem.narrow_rows = matrix<float>(x);
    } else {
        refuse(kTypesOfRows<T>);
    }
    problem.weights = matrix<T>(w);
    problem.bias = static_cast<const T*>(b.data());
    problem.bias_stride = Index(b.stride(0));
    return problem;
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
SoftmaxSums run(RowFunction function, const SoftmaxProblem<T>& problem, int n_threads) {
    const int threads = checked_threads(n_threads);
    const nb::gil_scoped_release released;
    return run_softmax_pass(function, problem, threads);
}

template <class T>
nb::object value_and_gradient(const Input& x, const Input& w, const Input& b, const Input& labels,
                              const std::optional<Input>& weights, int n_threads,
                              const std::optional<Output>& probabilities, bool reference_logit,
                              double label_smoothing) {
    SoftmaxProblem<T> problem = problem_of<T>(x, w, b, reference_logit);
    require_dtype<std::int64_t>("labels", labels, "int64");
    require_shape("labels", labels, {problem.n_rows});
    problem.labels = static_cast<const std::int64_t*>(labels.data());
    problem.label_stride = Index(labels.stride(0));
    set_row_weights(problem, weights);
    if (!(label_smoothing >= 0.0 && label_smoothing <= 1.0)) refuse("label_smoothing must lie in 0..1.");
    problem.label_smoothing = label_smoothing;
    if (probabilities) {
        require_dtype<T>("probabilities", Input(*probabilities), kTypeOfWeights<T>);
        problem.output_columns = probability_columns(problem, Input(*probabilities));
        problem.row_output = {static_cast<T*>(probabilities->data()), Index(probabilities->stride(0)),
                              Index(probabilities->stride(1))};
    }
    SoftmaxSums sums = run(RowFunction::kCrossEntropy, problem, n_threads);
    const auto d = std::size_t(problem.n_features);
    const auto k = std::size_t(problem.n_columns);
    return nb::make_tuple(sums.loss, numpy_array(std::move(sums.weight_gradient), {d, k}),
                          numpy_array(std::move(sums.bias_gradient), {k}));
}

template <class T>
nb::object hessian_vector(const Input& x, const Input& probabilities, const std::optional<Input>& weights,
                          const Input& v, const Input& vb, int n_threads, bool reference_logit) {
    SoftmaxProblem<T> problem = problem_of<T>(x, v, vb, reference_logit);
    set_row_weights(problem, weights);
    problem.given_columns = probability_columns(problem, probabilities);
    require_dtype<double>("probabilities", probabilities, "float64");
    problem.given_probabilities = matrix<double>(probabilities);
    SoftmaxSums sums = run(RowFunction::kHessianProduct, problem, n_threads);
    const auto d = std::size_t(problem.n_features);
    const auto k = std::size_t(problem.n_columns);
    return nb::make_tuple(numpy_array(std::move(sums.weight_gradient), {d, k}),
                          numpy_array(std::move(sums.bias_gradient), {k}));
}

template <class T>
nb::object row_values(RowFunction function, const Input& x, const Input& w, const Input& b, int n_threads,
                      bool reference_logit) {
    SoftmaxProblem<T> problem = problem_of<T>(x, w, b, reference_logit);
    problem.output_columns = problem.n_columns + (reference_logit ? 1 : 0);
    std::vector<T> values(static_cast<std::size_t>(problem.n_rows * problem.output_columns));
    problem.row_output = {values.data(), problem.output_columns, 1};
    run(function, problem, n_threads);
    return numpy_array(std::move(values), {std::size_t(problem.n_rows), std::size_t(problem.output_columns)});
}

}  // namespace

void bind_softmax(nb::module_& module) {
    module.def(
        "softmax_value_and_gradient",
        [](const Input& X, const Input& W, const Input& b, const Input& labels, const std::optional<Input>& weights,
           int n_threads, const std::optional<Output>& probabilities, bool reference_logit, double label_smoothing) {
            return by_dtype("W", W, [&](auto zero) {
                return value_and_gradient<decltype(zero)>(X, W, b, labels, weights, n_threads, probabilities,
                                                          reference_logit, label_smoothing);
            });
        },
        "X"_a, "W"_a, "b"_a, "labels"_a, "weights"_a = nb::none(), nb::kw_only(), "n_threads"_a = 0,
        "probabilities"_a = nb::none(), "reference_logit"_a = false, "label_smoothing"_a = 0.0);
    module.def(
        "softmax_hessian_vector",
        [](const Input& X, const Input& probabilities, const std::optional<Input>& weights, const Input& V,
           const Input& vb, int n_threads, bool reference_logit) {
            return by_dtype("V", V, [&](auto zero) {
                return hessian_vector<decltype(zero)>(X, probabilities, weights, V, vb, n_threads, reference_logit);
            });
        },
        "X"_a, "probabilities"_a, "weights"_a.none(), "V"_a, "vb"_a, nb::kw_only(), "n_threads"_a = 0,
        "reference_logit"_a = false);
    module.def(
        "softmax_probabilities",
        [](const Input& X, const Input& W, const Input& b, int n_threads, bool reference_logit) {
            return by_dtype("W", W, [&](auto zero) {
                return row_values<decltype(zero)>(RowFunction::kProbabilities, X, W, b, n_threads, reference_logit);
            });
        },
        "X"_a, "W"_a, "b"_a, nb::kw_only(), "n_threads"_a = 0, "reference_logit"_a = false);
    module.def(
        "softmax_logits",
        [](const Input& X, const Input& W, const Input& b, int n_threads) {
            return by_dtype("W", W, [&](auto zero) {
                return row_values<decltype(zero)>(RowFunction::kLogits, X, W, b, n_threads, false);
            });
        },
        "X"_a, "W"_a, "b"_a, nb::kw_only(), "n_threads"_a = 0);
    module.def(
        "read_sum",
        [](const nb::ndarray<nb::ro, nb::device::cpu, nb::c_contig>& X, int n_threads) {
            const int threads = checked_threads(n_threads);
            return by_dtype("X", Input(X), [&](auto zero) {
                using T = decltype(zero);
                const nb::gil_scoped_release released;
                return read_sum(static_cast<const T*>(X.data()), Index(X.size()), threads);
            });
        },
        "X"_a, "n_threads"_a = 0);
}

}  // namespace chainrule

// The one-pass kernels of the softmax layer, as Python sees them.
#include "../softmax_pass.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "softmax_problem.hpp"

namespace chainrule {
namespace {

// X, W and b, checked against each other. Arithmetic is in the dtype of W; rows of float32 may meet W of float64.
template <class T>
SoftmaxProblem<T> problem_of(const Input& x, const Input& w, const Input& b, bool reference_logit) {
    require_matrix("X", x);
    SoftmaxProblem<T> problem;
    problem.n_rows = Index(x.shape(0));
    problem.n_features = Index(x.shape(1));
    set_weights(problem, w, b, reference_logit);
    if (holds<T>(x)) {
        problem.rows = matrix<T>(x);
    } else if (holds<float>(x)) {
        problem.narrow_rows = matrix<float>(x);
    } else {
        refuse(kTypesOfRows<T>);
    }
    return problem;
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
    set_labels(problem, labels, weights, probabilities, label_smoothing);
    return gradients(problem, run(RowFunction::kCrossEntropy, problem, n_threads), true);
}

template <class T>
nb::object hessian_vector(const Input& x, const Input& probabilities, const std::optional<Input>& weights,
                          const Input& v, const Input& vb, int n_threads, bool reference_logit) {
    SoftmaxProblem<T> problem = problem_of<T>(x, v, vb, reference_logit);
    set_given_probabilities(problem, probabilities, weights);
    return gradients(problem, run(RowFunction::kHessianProduct, problem, n_threads), false);
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

// The softmax layer over compressed sparse rows, as Python sees it.
#include "../l1_rows.hpp"
#include "../sparse_pass.hpp"

#include <mutex>

#include "arrays.hpp"
#include "bindings.hpp"
#include "softmax_problem.hpp"

namespace chainrule {
namespace {

using Flat = nb::ndarray<nb::ro, nb::device::cpu, nb::c_contig>;

// (indptr, indices, data) of a matrix, checked once: to be read without looking again.
struct Sparse {
    Flat starts, indices, data;
    Index n_rows, n_columns;

    Sparse(const Flat& starts, const Flat& indices, const Flat& data, Index n_columns, int n_threads)
        : starts(starts), indices(indices), data(data), n_rows(Index(starts.size()) - 1), n_columns(n_columns) {
        if (starts.ndim() != 1 || n_rows < 0) refuse("indptr must have one dimension and at least one entry.");
        if (indices.ndim() != 1) refuse("indices must have one dimension.");
        require_shape("data", Input(data), {Index(indices.size())});
        if (n_columns < 0) refuse("n_columns must be 0 or more.");
        if (!holds<float>(Input(data)) && !holds<double>(Input(data))) refuse("data must be of dtype float32 or float64.");
        const bool narrow = holds<std::int32_t>(Input(indices)) && holds<std::int32_t>(Input(starts));
        const bool wide = holds<std::int64_t>(Input(indices)) && holds<std::int64_t>(Input(starts));
        if (!narrow && !wide) refuse("indptr and indices must both be of dtype int32, or of int64.");
        const nb::gil_scoped_release released;
        if (narrow) {
            check<std::int32_t>(n_threads);
        } else {
            check<std::int64_t>(n_threads);
        }
    }

    // Calls compute(SparseMatrix) with the arrays' own types.
    template <class Compute>
    auto with(const Compute& compute) const {
        const bool narrow = holds<std::int32_t>(Input(indices));
        if (holds<float>(Input(data))) {
            return narrow ? compute(matrix<float, std::int32_t>()) : compute(matrix<float, std::int64_t>());
        }
        return narrow ? compute(matrix<double, std::int32_t>()) : compute(matrix<double, std::int64_t>());
    }

    template <class Value, class Position>
    SparseMatrix<Value, Position> matrix() const {
        return {static_cast<const Position*>(starts.data()), static_cast<const Position*>(indices.data()),
                static_cast<const Value*>(data.data())};
    }

private:
    template <class Position>
    void check(int n_threads) const {
        check_sparse("sparse matrix", static_cast<const Position*>(starts.data()), n_rows,
                     static_cast<const Position*>(indices.data()), Index(indices.size()), n_columns, n_threads);
    }
};

// A matrix and its transpose.
class SparseRowsAndColumns {
public:
    SparseRowsAndColumns(const Flat& starts, const Flat& indices, const Flat& data, const Flat& column_starts,
                         const Flat& row_indices, const Flat& column_data, int n_threads)
        : rows_(starts, indices, data, Index(column_starts.size()) - 1, checked_threads(n_threads)),
          columns_(column_starts, row_indices, column_data, rows_.n_rows, checked_threads(n_threads)) {
        if (indices.dtype() != row_indices.dtype() || data.dtype() != column_data.dtype()) {
            refuse("rows and columns must be of the same dtypes.");
        }
    }

    Index n_rows() const { return rows_.n_rows; }
    Index n_features() const { return rows_.n_columns; }

    SoftmaxSums run(RowFunction function, SoftmaxProblem<double>& problem, int n_threads) const {
        const int threads = checked_threads(n_threads);
        return rows_.with([&](auto rows) {
            using Matrix = decltype(rows);
            Matrix columns;
            columns_.with([&](auto same) {
                if constexpr (std::is_same_v<decltype(same), Matrix>) columns = same;
            });
            const nb::gil_scoped_release released;
            AlignedMemory memory = exchange_memory(AlignedMemory(0));
            SoftmaxSums sums = run_sparse_pass(function, problem, rows, columns, memory, threads);
            exchange_memory(std::move(memory));
            return sums;
        });
    }

    L1RowsSolution minimise_l1(const L1RowsProblem& problem, double accuracy, double most, int n_threads) const {
        const int threads = checked_threads(n_threads);
        return columns_.with([&](auto by_column) {
            const nb::gil_scoped_release released;
            return minimise(problem, by_column, accuracy, most, threads);
        });
    }

private:
    // Passes may run at the same time: one of them has the memory, the others make their own.
    AlignedMemory exchange_memory(AlignedMemory&& memory) const {
        const std::lock_guard<std::mutex> lock(mutex_);
        return std::exchange(memory_, std::move(memory));
    }

    Sparse rows_, columns_;
    mutable std::mutex mutex_;
    mutable AlignedMemory memory_{0};
};

SoftmaxProblem<double> problem_of(const SparseRowsAndColumns& rows, const Input& w, const Input& b,
                                  bool reference_logit) {
    SoftmaxProblem<double> problem;
    problem.n_rows = rows.n_rows();
    problem.n_features = rows.n_features();
    set_weights(problem, w, b, reference_logit);
    return problem;
}

nb::object row_values(const SparseRowsAndColumns& rows, RowFunction function, const Input& w, const Input& b,
                      int n_threads, bool reference_logit) {
    SoftmaxProblem<double> problem = problem_of(rows, w, b, reference_logit);
    problem.output_columns = problem.n_columns + (reference_logit ? 1 : 0);
    UninitializedVector<double> values(static_cast<std::size_t>(problem.n_rows * problem.output_columns));
    problem.row_output = {values.data(), problem.output_columns, 1};
    rows.run(function, problem, n_threads);
    return numpy_array(std::move(values), {std::size_t(problem.n_rows), std::size_t(problem.output_columns)});
}

using Doubles = nb::ndarray<const double, nb::device::cpu, nb::c_contig>;

nb::object minimise_l1(const SparseRowsAndColumns& rows, const Doubles& means, const Input& probabilities,
                       const Input& shares, const Input& columns, const Input& classes, const Doubles& gradient,
                       const Doubles& start, const Doubles& l1, const Doubles& l2, const Doubles& damping,
                       double accuracy, double most, int n_threads) {
    L1RowsProblem problem;
    problem.n_rows = rows.n_rows(), problem.n_features = rows.n_features();
    require_shape("means", Input(means), {problem.n_features});
    problem.means = means.data();
    require_dtype<double>("probabilities", probabilities, "float64");
    require_matrix("probabilities", probabilities);
    problem.n_classes = Index(probabilities.shape(1));
    require_shape("probabilities", probabilities, {problem.n_rows, problem.n_classes});
    problem.probabilities = matrix<double>(probabilities);
    require_dtype<double>("shares", shares, "float64");
    require_shape("shares", shares, {problem.n_rows});
    problem.shares = static_cast<const double*>(shares.data());
    problem.share_stride = Index(shares.stride(0));
    if (columns.ndim() != 1) refuse("columns must have one dimension.");
    const std::size_t n = columns.shape(0);
    problem.columns = indices("columns", columns, n, problem.n_features + 1);
    problem.classes = indices("classes", classes, n, problem.n_classes);
    std::vector<bool> has_intercept(std::size_t(problem.n_classes), false);
    for (std::size_t e = 0; e < n; ++e) {
        if (problem.columns[e] == problem.n_features) has_intercept[std::size_t(problem.classes[e])] = true;
    }
    for (std::size_t e = 0; e < n; ++e) {
        const Index j = Index(problem.columns[e]);
        if (j < problem.n_features && problem.means[j] != 0.0 && !has_intercept[std::size_t(problem.classes[e])]) {
            refuse("means other than 0 need every class's intercept.");
        }
    }
    const auto numbers = [&](const char* name, const Doubles& given) {
        require_shape(name, Input(given), {Index(n)});
        return given.data();
    };
    problem.gradient = numbers("gradient", gradient), problem.start = numbers("start", start);
    problem.l1 = numbers("l1", l1), problem.l2 = numbers("l2", l2), problem.damping = numbers("damping", damping);
    L1RowsSolution solution = rows.minimise_l1(problem, accuracy, most, n_threads);
    return nb::make_tuple(numpy_array(std::move(solution.step), {n}), solution.curvature);
}

}  // namespace

void bind_sparse(nb::module_& module) {
    nb::class_<SparseRowsAndColumns>(module, "SparseRowsAndColumns")
        .def(nb::init<const Flat&, const Flat&, const Flat&, const Flat&, const Flat&, const Flat&, int>(), "indptr"_a,
             "indices"_a, "data"_a, "column_indptr"_a, "row_indices"_a, "column_data"_a, "n_threads"_a = 0)
        .def(
            "value_and_gradient",
            [](const SparseRowsAndColumns& rows, const Input& W, const Input& b, const Input& labels,
               const std::optional<Input>& weights, int n_threads, const std::optional<Output>& probabilities,
               bool reference_logit, double label_smoothing) {
                SoftmaxProblem<double> problem = problem_of(rows, W, b, reference_logit);
                set_labels(problem, labels, weights, probabilities, label_smoothing);
                return gradients(problem, rows.run(RowFunction::kCrossEntropy, problem, n_threads), true);
            },
            "W"_a, "b"_a, "labels"_a, "weights"_a = nb::none(), nb::kw_only(), "n_threads"_a = 0,
            "probabilities"_a = nb::none(), "reference_logit"_a = false, "label_smoothing"_a = 0.0)
        .def(
            "hessian_vector",
            [](const SparseRowsAndColumns& rows, const Input& probabilities, const std::optional<Input>& weights,
               const Input& V, const Input& vb, int n_threads, bool reference_logit) {
                SoftmaxProblem<double> problem = problem_of(rows, V, vb, reference_logit);
                set_given_probabilities(problem, probabilities, weights);
                return gradients(problem, rows.run(RowFunction::kHessianProduct, problem, n_threads), false);
            },
            "probabilities"_a, "weights"_a.none(), "V"_a, "vb"_a, nb::kw_only(), "n_threads"_a = 0,
            "reference_logit"_a = false)
        .def("minimise_l1", &minimise_l1, "means"_a, "probabilities"_a, "shares"_a, "columns"_a, "classes"_a, "gradient"_a,
             "start"_a, "l1"_a, "l2"_a, "damping"_a, nb::kw_only(), "accuracy"_a, "most"_a, "n_threads"_a = 0)
        .def(
            "probabilities",
            [](const SparseRowsAndColumns& rows, const Input& W, const Input& b, int n_threads, bool reference_logit) {
                return row_values(rows, RowFunction::kProbabilities, W, b, n_threads, reference_logit);
            },
            "W"_a, "b"_a, nb::kw_only(), "n_threads"_a = 0, "reference_logit"_a = false);
    module.def(
        "sparse_product",
        [](const Flat& indptr, const Flat& indices, const Flat& data, const Input& dense, int n_threads) {
            require_matrix("dense", dense);
            require_dtype<double>("dense", dense, "float64");
            const int threads = checked_threads(n_threads);
            const Sparse matrix(indptr, indices, data, Index(dense.shape(0)), threads);
            const auto columns = Index(dense.shape(1));
            UninitializedVector<double> out(static_cast<std::size_t>(matrix.n_rows * columns));
            matrix.with([&](auto rows) {
                const nb::gil_scoped_release released;
                sparse_product(rows, matrix.n_rows, chainrule::matrix<double>(dense), Index(dense.shape(0)), columns,
                               out.data(), threads);
            });
            return numpy_array(std::move(out), {std::size_t(matrix.n_rows), std::size_t(columns)});
        },
        "indptr"_a, "indices"_a, "data"_a, "dense"_a, "n_threads"_a = 0);
}

}  // namespace chainrule

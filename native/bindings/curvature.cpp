// Weighted Gram matrices of the rows, as Python sees them.
#include "../curvature.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace chainrule {
namespace {

template <class T>
nb::object curvature(const Input& x, const Input& means, const Input& given, const Input& shares,
                     const std::optional<Input>& pairs, bool intercept, bool diagonals, int n_threads) {
    require_matrix("X", x);
    CurvatureSums<T> sums;
    const auto n_rows = Index(x.shape(0));
    sums.n_features = Index(x.shape(1));
    sums.width = sums.n_features + (intercept ? 1 : 0);
    if (holds<T>(x)) {
        sums.rows = matrix<T>(x);
    } else if (holds<float>(x)) {
        sums.narrow_rows = matrix<float>(x);
    } else {
        refuse(kTypesOfRows<T>);
    }
    require_dtype<double>("means", means, "float64");
    require_shape("means", means, {sums.n_features});
    if (sums.n_features > 1 && means.stride(0) != 1) refuse("means must be contiguous.");
    sums.means = static_cast<const double*>(means.data());
    require_dtype<double>("weights", given, "float64");
    require_matrix("weights", given);
    require_shape("weights", given, {n_rows, Index(given.shape(1))});
    sums.given = matrix<double>(given);
    require_dtype<double>("shares", shares, "float64");
    require_shape("shares", shares, {n_rows});
    sums.shares = static_cast<const double*>(shares.data());
    sums.share_stride = Index(shares.stride(0));
    auto n_blocks = Index(given.shape(1));
    std::vector<std::int64_t> columns;
    if (pairs) {
        require_dtype<std::int64_t>("pairs", *pairs, "int64");
        require_matrix("pairs", *pairs);
        n_blocks = Index(pairs->shape(0));
        require_shape("pairs", *pairs, {n_blocks, 2});
        const Matrix<const std::int64_t> given_pairs = matrix<std::int64_t>(*pairs);
        for (Index b = 0; b < n_blocks; ++b) {
            for (Index side = 0; side < 2; ++side) {
                const std::int64_t column =
                    given_pairs.data[b * given_pairs.row_stride + side * given_pairs.column_stride];
                if (column < 0 || column >= std::int64_t(given.shape(1))) {
                    refuse("pairs[" + std::to_string(b) + "] names column " + std::to_string(column) +
                           "; weights has " + std::to_string(given.shape(1)) + ".");
                }
                columns.push_back(column);
            }
        }
        sums.pairs = columns.data();
    }
    sums.diagonals = diagonals;
    const int threads = checked_threads(n_threads);
    std::vector<double> result;
    {
        const nb::gil_scoped_release released;
        result = add_up_curvature<T>(sums, n_rows, n_blocks, threads);
    }
    const auto width = std::size_t(sums.width), count = std::size_t(n_blocks);
    return diagonals ? numpy_array(std::move(result), {width, count})
                     : numpy_array(std::move(result), {count, width, width});
}

}  // namespace

void bind_curvature(nb::module_& module) {
    module.def(
        "weighted_gram",
        [](const Input& X, const Input& means, const Input& weights, const Input& shares,
           const std::optional<Input>& pairs, bool intercept, bool diagonals, bool single, int n_threads) {
            return single ? curvature<float>(X, means, weights, shares, pairs, intercept, diagonals, n_threads)
                          : curvature<double>(X, means, weights, shares, pairs, intercept, diagonals, n_threads);
        },
        "X"_a, "means"_a, "weights"_a, "shares"_a, nb::kw_only(), "pairs"_a = nb::none(), "intercept"_a = false,
        "diagonals"_a = false, "single"_a = false, "n_threads"_a = 0);
}

}  // namespace chainrule

// The Hessian among some coefficients, as Python sees it.
#include "../hessian.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace chainrule {
void bind_hessian(nb::module_& module) {
    module.def(
        "softmax_hessian",
        [](const Input& X, const Input& means, const Input& probabilities, const Input& shares, const Input& columns,
           const Input& classes, int n_threads) {
            require_matrix("X", X);
            HessianSums sums;
            sums.n_rows = Index(X.shape(0)), sums.n_features = Index(X.shape(1));
            if (holds<double>(X)) {
                sums.rows = matrix<double>(X);
            } else if (holds<float>(X)) {
                sums.narrow_rows = matrix<float>(X);
            } else {
                refuse(kTypesOfRows<double>);
            }
            require_dtype<double>("means", means, "float64");
            require_shape("means", means, {sums.n_features});
            if (sums.n_features > 1 && means.stride(0) != 1) refuse("means must be contiguous.");
            sums.means = static_cast<const double*>(means.data());
            require_dtype<double>("probabilities", probabilities, "float64");
            require_matrix("probabilities", probabilities);
            sums.n_classes = Index(probabilities.shape(1));
            require_shape("probabilities", probabilities, {sums.n_rows, sums.n_classes});
            sums.probabilities = matrix<double>(probabilities);
            require_dtype<double>("shares", shares, "float64");
            require_shape("shares", shares, {sums.n_rows});
            sums.shares = static_cast<const double*>(shares.data());
            sums.share_stride = Index(shares.stride(0));
            if (columns.ndim() != 1) refuse("columns must have one dimension.");
            const std::size_t n = columns.shape(0);
            sums.columns = indices("columns", columns, n, sums.n_features + 1);
            sums.classes = indices("classes", classes, n, sums.n_classes);
            const int threads = checked_threads(n_threads);
            std::vector<double> hessian;
            {
                const nb::gil_scoped_release released;
                hessian = add_up_hessian(sums, threads);
            }
            return numpy_array(std::move(hessian), {n, n});
        },
        "X"_a, "means"_a, "probabilities"_a, "shares"_a, "columns"_a, "classes"_a, nb::kw_only(), "n_threads"_a = 0);
}

}  // namespace chainrule

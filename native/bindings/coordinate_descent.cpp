// Coordinate descent, as Python sees it.
#include "../coordinate_descent.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace chainrule {
namespace {

using Doubles = nb::ndarray<const double, nb::device::cpu, nb::c_contig>;
using Changed = nb::ndarray<double, nb::device::cpu, nb::c_contig>;

}  // namespace

void bind_coordinate_descent(nb::module_& module) {
    module.def(
        "descend_by_coordinates",
        [](const Doubles& hessian, const Doubles& gradient, const Doubles& start, const Doubles& l1, const Changed& step,
           const Changed& residual, double tol, int max_sweeps) {
            L1Quadratic problem;
            problem.n = Index(gradient.size());
            require_shape("hessian", Input(hessian), {problem.n, problem.n});
            require_shape("gradient", Input(gradient), {problem.n});
            require_shape("start", Input(start), {problem.n});
            require_shape("l1", Input(l1), {problem.n});
            require_shape("step", Input(step), {problem.n});
            require_shape("residual", Input(residual), {problem.n});
            problem.hessian = hessian.data();
            problem.gradient = gradient.data();
            problem.start = start.data();
            problem.l1 = l1.data();
            const nb::gil_scoped_release released;
            return descend_by_coordinates(problem, step.data(), residual.data(), tol, max_sweeps);
        },
        "hessian"_a, "gradient"_a, "start"_a, "l1"_a, "step"_a, "residual"_a, nb::kw_only(), "tol"_a, "max_sweeps"_a);
}

}  // namespace chainrule

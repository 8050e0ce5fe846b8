// Quadratics with an l1 penalty, as Python sees them.
#include "../l1_quadratic.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace chainrule {
namespace {

using Doubles = nb::ndarray<const double, nb::device::cpu, nb::c_contig>;

}  // namespace

void bind_l1_quadratic(nb::module_& module) {
    module.def(
        "minimise_l1_quadratic",
        [](const Doubles& hessian, const Doubles& damping, const Doubles& gradient, const Doubles& start, const Doubles& l1,
           double accuracy, double most) {
            L1Quadratic problem;
            problem.n = Index(gradient.size());
            require_shape("hessian", Input(hessian), {problem.n, problem.n});
            require_shape("damping", Input(damping), {problem.n});
            require_shape("gradient", Input(gradient), {problem.n});
            require_shape("start", Input(start), {problem.n});
            require_shape("l1", Input(l1), {problem.n});
            problem.hessian = hessian.data();
            problem.damping = damping.data();
            problem.gradient = gradient.data();
            problem.start = start.data();
            problem.l1 = l1.data();
            std::vector<double> step(std::size_t(problem.n)), slope(std::size_t(problem.n));
            {
                const nb::gil_scoped_release released;
                minimise(problem, accuracy, most, step.data(), slope.data());
            }
            const auto n = std::size_t(problem.n);
            return nb::make_tuple(numpy_array(std::move(step), {n}), numpy_array(std::move(slope), {n}));
        },
        "hessian"_a, "damping"_a, "gradient"_a, "start"_a, "l1"_a, nb::kw_only(), "accuracy"_a, "most"_a);
}

}  // namespace chainrule

// Linear systems, as Python sees them.
#include <memory>
#include <variant>

#include "../cholesky.hpp"
#include "../softmax_system.hpp"
#include "arrays.hpp"
#include "bindings.hpp"

namespace chainrule {
namespace {

using Doubles = nb::ndarray<const double, nb::device::cpu, nb::c_contig>;

template <template <class> class System>
using Either = std::variant<std::unique_ptr<const System<float>>, std::unique_ptr<const System<double>>>;

// A system in float32 or float64, made and solved without Python's lock.
struct PythonCholesky {
    Either<Cholesky> system;
};

struct PythonSoftmaxSystem {
    Either<SoftmaxSystem> system;
};

template <class T>
std::unique_ptr<const Cholesky<T>> factored(const Input& matrix, int n_threads) {
    const auto n = Index(matrix.shape(0));
    const Matrix<const T> from = chainrule::matrix<T>(matrix);
    const nb::gil_scoped_release released;
    return std::make_unique<const Cholesky<T>>(
        n,
        [&](T* rows, Index stride) {
            for (Index i = 0; i < n; ++i) {
                const T* row = from.data + i * from.row_stride;
                for (Index j = i; j < n; ++j) rows[i * stride + j] = row[j * from.column_stride];
            }
        },
        n_threads);
}

Either<Cholesky> factor(const Input& matrix, int n_threads) {
    require_matrix("system", matrix);
    require_shape("system", matrix, {Index(matrix.shape(0)), Index(matrix.shape(0))});
    const int threads = checked_threads(n_threads);
    return by_dtype("system", matrix, [&](auto zero) -> Either<Cholesky> {
        return factored<decltype(zero)>(matrix, threads);
    });
}

Either<SoftmaxSystem> assemble(const Doubles& blocks, const Doubles& added, int n_features, int n_outputs, bool single,
                               int n_threads) {
    HessianBlocks hessian;
    hessian.width = Index(added.size());
    hessian.n_features = n_features;
    hessian.n_outputs = n_outputs;
    if (n_outputs < 1) refuse("n_outputs must be at least 1.");
    if (hessian.n_features != hessian.width && hessian.n_features != hessian.width - 1) {
        refuse("n_features must be the length of added, or one less.");
    }
    const Index free = std::max<Index>(1, hessian.n_outputs - 1);
    require_shape("added", Input(added), {hessian.width});
    require_shape("blocks", Input(blocks), {free * (free + 1) / 2, hessian.width, hessian.width});
    hessian.blocks = blocks.data();
    hessian.added = added.data();
    const int threads = checked_threads(n_threads);
    const nb::gil_scoped_release released;
    if (single) return std::make_unique<const SoftmaxSystem<float>>(hessian, threads);
    return std::make_unique<const SoftmaxSystem<double>>(hessian, threads);
}

nb::object solve(const Either<Cholesky>& either, const Doubles& residual) {
    return std::visit(
        [&](const auto& system) {
            if (residual.ndim() < 1 || residual.ndim() > 2 || Index(residual.shape(0)) != system->size()) {
                refuse("residual has shape " + shape_text(Input(residual)) + "; it must have " +
                       std::to_string(system->size()) + " rows.");
            }
            const std::size_t n_columns = residual.ndim() == 2 ? residual.shape(1) : 1;
            std::vector<double> solution(residual.size());
            {
                const nb::gil_scoped_release released;
                system->solve(residual.data(), solution.data(), Index(n_columns));
            }
            const std::size_t n = residual.shape(0);
            return residual.ndim() == 2 ? numpy_array(std::move(solution), {n, n_columns})
                                        : numpy_array(std::move(solution), {n});
        },
        either);
}

nb::object solve(const Either<SoftmaxSystem>& either, const Doubles& residual) {
    return std::visit(
        [&](const auto& system) {
            require_shape("residual", Input(residual), {system->size()});
            std::vector<double> step(residual.size());
            {
                const nb::gil_scoped_release released;
                system->solve(residual.data(), step.data());
            }
            const std::size_t n = step.size();
            return numpy_array(std::move(step), {n});
        },
        either);
}

}  // namespace

void bind_systems(nb::module_& module) {
    nb::class_<PythonCholesky>(module, "Cholesky")
        .def("__init__",
             [](PythonCholesky* self, const Input& system, int n_threads) {
                 new (self) PythonCholesky{factor(system, n_threads)};
             },
             "system"_a, nb::kw_only(), "n_threads"_a = 0)
        .def("solve", [](const PythonCholesky& self, const Doubles& residual) { return solve(self.system, residual); },
             "residual"_a);
    nb::class_<PythonSoftmaxSystem>(module, "SoftmaxSystem")
        .def("__init__",
             [](PythonSoftmaxSystem* self, const Doubles& blocks, const Doubles& added, int n_features, int n_outputs,
                bool single, int n_threads) {
                 new (self) PythonSoftmaxSystem{assemble(blocks, added, n_features, n_outputs, single, n_threads)};
             },
             "blocks"_a, "added"_a, nb::kw_only(), "n_features"_a, "n_outputs"_a, "single"_a = false,
             "n_threads"_a = 0)
        .def("solve",
             [](const PythonSoftmaxSystem& self, const Doubles& residual) { return solve(self.system, residual); },
             "residual"_a);
}

}  // namespace chainrule

// Programs of networks, as Python sees them.
#include "../program/program.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "../program/shuffle.hpp"
#include "../simd.hpp"
#include "bindings.hpp"
#include "examples.hpp"

namespace chainrule {
namespace {

// As Instruction.as_numbers in engine/instructions.py writes it.
using InstructionNumbers = std::pair<std::vector<Index>, double>;
using LossNumbers = std::tuple<double, bool, bool, std::vector<double>, double>;
using ParameterNumbers = std::tuple<Index, Index, Index, double, bool>;

Place place_of(const Index* numbers) {
    return {Space(int(numbers[0])), numbers[1], numbers[2], numbers[3], numbers[4]};
}

std::vector<Instruction> instructions_of(const std::vector<InstructionNumbers>& rows) {
    std::vector<Instruction> instructions;
    for (const auto& [numbers, number] : rows) {
        if (numbers.size() != 24) refuse("an instruction has 24 whole numbers.");
        Instruction i;
        i.code = Code(int(numbers[0]));
        i.accumulate = numbers[1] != 0;
        i.activation = Activation(int(numbers[2]));
        i.stream = std::uint32_t(numbers[3]);
        i.out = place_of(&numbers[4]);
        i.a = place_of(&numbers[9]);
        i.b = place_of(&numbers[14]);
        i.c = place_of(&numbers[19]);
        i.number = number;
        instructions.push_back(i);
    }
    return instructions;
}

template <class T>
nb::object predict(Program<T>& program, const Input& parameters, nb::handle rows, int n_threads) {
    const Examples<T> examples = rows_of_all<T>(program, rows);
    const T* flat = vector_of<T>("parameters", parameters, program.instructions().n_parameters);
    const int threads = checked_threads(n_threads);
    const auto m = std::size_t(examples.n_rows), k = std::size_t(program.instructions().output.columns);
    auto* out = new T[m * k];
    const nb::capsule owner(out, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    {
        const nb::gil_scoped_release released;
        program.predict(flat, examples, out, threads);
    }
    return nb::cast(nb::ndarray<nb::numpy, T>(out, {m, k}, owner));
}

template <class T>
double value_and_gradient(Program<T>& program, const Input& parameters, nb::handle rows, const Input& labels,
                          const std::optional<Input>& weights, const Output& gradient,
                          const std::optional<std::pair<std::uint64_t, std::uint64_t>>& seed_and_step, int n_threads) {
    const Examples<T> examples = examples_of<T>(program, rows, labels, weights);
    const Index size = program.instructions().n_parameters;
    const T* flat = vector_of<T>("parameters", parameters, size);
    T* to = written_vector<T>("gradient", gradient, size);
    const int threads = checked_threads(n_threads);
    Noise noise;
    if (seed_and_step) noise = {seed_and_step->first, 0, seed_and_step->second};
    const nb::gil_scoped_release released;
    return program.value_and_gradient(flat, examples, seed_and_step ? &noise : nullptr, to, threads);
}

template <class T>
void bind(nb::module_& module, const char* name) {
    nb::class_<Program<T>>(module, name)
        .def(
            "__init__",
            [](Program<T>* self, const std::vector<InstructionNumbers>& forward,
               const std::vector<InstructionNumbers>& backward, const std::vector<InstructionNumbers>& reductions,
               const std::vector<InstructionNumbers>& fixed_forward,
               const std::vector<InstructionNumbers>& fixed_backward, const std::vector<LossNumbers>& losses,
               const std::vector<ParameterNumbers>& parameters, const std::vector<Index>& data_columns,
               const std::vector<Index>& output, Index arena_columns, Index fixed_size, Index n_parameters) {
                Instructions all;
                all.forward = instructions_of(forward);
                all.backward = instructions_of(backward);
                all.reductions = instructions_of(reductions);
                all.fixed_forward = instructions_of(fixed_forward);
                all.fixed_backward = instructions_of(fixed_backward);
                for (const auto& [coefficient, sigmoid, weighted, class_weight, smoothing] : losses) {
                    all.losses.push_back({coefficient, sigmoid, weighted, class_weight, smoothing});
                }
                for (const auto& [offset, rows, columns, l2, decays] : parameters) {
                    all.parameters.push_back({offset, rows, columns, l2, decays});
                }
                all.data_columns = data_columns;
                if (output.size() != 5) refuse("output is a place of five numbers.");
                all.output = place_of(output.data());
                all.arena_columns = arena_columns;
                all.fixed_size = fixed_size;
                all.n_parameters = n_parameters;
                new (self) Program<T>(std::move(all));
            },
            nb::kw_only(), "forward"_a, "backward"_a, "reductions"_a, "fixed_forward"_a, "fixed_backward"_a, "losses"_a,
            "parameters"_a, "data_columns"_a, "output"_a, "arena_columns"_a, "fixed_size"_a, "n_parameters"_a)
        .def("predict", predict<T>, "parameters"_a, "rows"_a, "n_threads"_a = 0)
        .def("value_and_gradient", value_and_gradient<T>, "parameters"_a, "rows"_a, "labels"_a, "weights"_a.none(),
             "gradient"_a, "seed_and_step"_a.none(), "n_threads"_a = 0);
}

// The first row of X with a NaN or an infinity, or -1.
template <class T>
Index first_nonfinite_row(const Input& x, int n_threads) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr Bits kExponent = sizeof(T) == 4 ? Bits(0x7f800000) : Bits(0x7ff0000000000000);
    constexpr Index kChunk = 1 << 16;  // numbers that are worth a task of their own
    const Matrix<const T> rows = matrix<T>(x);
    const Index m = Index(x.shape(0)), d = Index(x.shape(1));
    const auto is_finite = [&](Index row) {
        const T* from = rows.data + row * rows.row_stride;
        bool found = false;
        for (Index j = 0; j < d; ++j) {
            Bits bits;
            std::memcpy(&bits, from + j * rows.column_stride, sizeof bits);
            found |= (bits & kExponent) == kExponent;
        }
        return !found;
    };
    const Index chunk = std::max<Index>(1, kChunk / std::max<Index>(1, d));
    std::atomic<Index> first{m};
    const auto search = [&](Index begin, Index end) {
        for (Index row = begin; row < end && row < first; ++row) {
            if (is_finite(row)) continue;
            Index before = first;
            while (row < before && !first.compare_exchange_weak(before, row)) {
            }
            return;
        }
    };
    if (m <= chunk) {
        search(0, m);
    } else {
        parallel_for((m + chunk - 1) / chunk, n_threads,
                     [&](Index c, int) { search(c * chunk, std::min(m, (c + 1) * chunk)); });
    }
    return first == m ? -1 : Index(first);
}

}  // namespace

void bind_program(nb::module_& module) {
    bind<float>(module, "ProgramFloat32");
    bind<double>(module, "ProgramFloat64");
    module.def(
        "first_nonfinite_row",
        [](const Input& X, int n_threads) {
            require_matrix("X", X);
            const int threads = checked_threads(n_threads);
            return by_dtype("X", X, [&](auto zero) { return first_nonfinite_row<decltype(zero)>(X, threads); });
        },
        "X"_a, "n_threads"_a = 0);
    module.def(
        "permutation",
        [](Index n, std::uint64_t seed, std::uint64_t epoch) {
            if (n < 0) refuse("n must be 0 or more.");
            std::vector<std::int64_t> order(static_cast<std::size_t>(n));
            shuffle(seed, epoch, n, order.data());
            return numpy_array(std::move(order), {std::size_t(n)});
        },
        "n"_a, "seed"_a, "epoch"_a);
    module.def(
        "uniform",
        [](std::uint64_t seed, std::uint32_t stream, std::uint64_t step, Index n) {
            if (n < 0) refuse("n must be 0 or more.");
            std::vector<double> numbers(static_cast<std::size_t>(n));
            kernels().network_float64.uniform({seed, stream, step}, 0, n, numbers.data());
            return numpy_array(std::move(numbers), {std::size_t(n)});
        },
        "seed"_a, "stream"_a, "step"_a, "n"_a);
}

}  // namespace chainrule

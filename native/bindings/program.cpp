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
#include "arrays.hpp"
#include "bindings.hpp"

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
const T* vector_of(const char* name, const Input& array, Index size) {
    require_dtype<T>(name, array, sizeof(T) == 4 ? "float32, like the program" : "float64, like the program");
    require_shape(name, array, {size});
    if (size > 1 && array.stride(0) != 1) refuse(std::string(name) + " must be contiguous.");
    return static_cast<const T*>(array.data());
}

template <class T>
T* written_vector(const char* name, const Output& array, Index size) {
    return const_cast<T*>(vector_of<T>(name, Input(array), size));
}

template <class Whole>
const Whole* whole_numbers(const char* name, const Input& array) {
    if (!holds<Whole>(array) || array.ndim() != 1 || (array.shape(0) > 1 && array.stride(0) != 1)) {
        refuse(std::string(name) + " must be a contiguous vector of whole numbers of " +
               std::to_string(8 * sizeof(Whole)) + " bits.");
    }
    return static_cast<const Whole*>(array.data());
}

// Rows of one data node: a matrix, or (values, columns, row_starts) of compressed sparse rows, which
// chainrule.engine has checked.
template <class T>
DataRows<T> rows_of(nb::handle given, Index n_columns, Index& n_rows) {
    DataRows<T> rows;
    Index found = 0;
    if (nb::isinstance<nb::tuple>(given)) {
        const auto parts = nb::cast<nb::tuple>(given);
        if (parts.size() != 3) refuse("sparse rows are (values, columns, row_starts).");
        const auto values = nb::cast<Input>(parts[0]);
        const auto starts = nb::cast<Input>(parts[2]);
        rows.data = vector_of<T>("values", values, Index(values.shape(0)));
        rows.columns = whole_numbers<std::int32_t>("columns", nb::cast<Input>(parts[1]));
        rows.row_starts = whole_numbers<std::int64_t>("row_starts", starts);
        found = Index(starts.shape(0)) - 1;
    } else {
        const auto matrix = nb::cast<Input>(given);
        require_matrix("X", matrix);
        require_dtype<T>("X", matrix, sizeof(T) == 4 ? "float32, like the program" : "float64, like the program");
        if (Index(matrix.shape(1)) != n_columns) {
            refuse("X has shape " + shape_text(matrix) + "; the program takes " + std::to_string(n_columns) +
                   " columns.");
        }
        rows.data = static_cast<const T*>(matrix.data());
        rows.row_stride = Index(matrix.stride(0));
        rows.column_stride = n_columns > 1 ? Index(matrix.stride(1)) : 1;
        found = Index(matrix.shape(0));
    }
    if (n_rows >= 0 && found != n_rows) refuse("all data nodes need the same number of rows.");
    n_rows = found;
    return rows;
}

template <class T>
Examples<T> rows_of_all(const Program<T>& program, nb::handle given) {
    Examples<T> examples;
    examples.n_rows = -1;
    const auto& columns = program.instructions().data_columns;
    if (columns.size() == 1 && !nb::isinstance<nb::list>(given)) {
        examples.data.push_back(rows_of<T>(given, columns[0], examples.n_rows));
        return examples;
    }
    const auto list = nb::cast<nb::list>(given);
    if (list.size() != columns.size()) refuse("rows for each of the program's data nodes are needed.");
    for (std::size_t d = 0; d < columns.size(); ++d) {
        examples.data.push_back(rows_of<T>(list[d], columns[d], examples.n_rows));
    }
    if (columns.empty()) refuse("the program reads no data.");
    return examples;
}

// Rows with labels (m,) or targets (m, n), and what the rows weigh.
template <class T>
Examples<T> examples_of(const Program<T>& program, nb::handle rows, const Input& labels,
                        const std::optional<Input>& weights) {
    Examples<T> examples = rows_of_all<T>(program, rows);
    for (const Instruction& i : program.instructions().backward) {
        if (i.code != Code::kCrossEntropy) continue;
        if (program.instructions().losses[i.stream].sigmoid) {
            require_dtype<T>("targets", labels, "the program's dtype");
            require_shape("targets", labels, {examples.n_rows, i.a.columns});
            if (labels.stride(1) != 1 && i.a.columns > 1) refuse("targets must be contiguous.");
            if (Index(labels.stride(0)) != Index(labels.shape(1))) refuse("targets must be contiguous.");
            examples.targets = static_cast<const T*>(labels.data());
            examples.n_targets = i.a.columns;
            continue;
        }
        require_shape("labels", labels, {examples.n_rows});
        examples.labels = whole_numbers<std::int64_t>("labels", labels);
        for (Index row = 0; row < examples.n_rows; ++row) {
            const std::int64_t label = examples.labels[row];
            if (label >= 0 && label < i.a.columns) continue;
            refuse("labels must be 0.." + std::to_string(i.a.columns - 1) + "; row " + std::to_string(row) + " has " +
                   std::to_string(label) + ".");
        }
    }
    if (weights) examples.weights = vector_of<double>("sample_weight", *weights, examples.n_rows);
    return examples;
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

Rule rule_of(const std::string& name) {
    if (name == "sgd") return Rule::kSgd;
    if (name == "adam" || name == "adamw") return Rule::kAdam;
    if (name == "rmsprop") return Rule::kRmsprop;
    if (name == "adagrad") return Rule::kAdagrad;
    if (name == "lion") return Rule::kLion;
    refuse("no optimizer is named '" + name + "'.");
}

template <class T>
Index train(Program<T>& program, const Output& parameters, const Output& slots, const Output& gradient, nb::handle rows,
            const Input& labels, const std::optional<Input>& weights, const nb::dict& rule, const Input& order,
            Index batch_size, Index first_batch, const Input& learning_rates, std::uint64_t step, std::uint64_t seed,
            const Output& losses, int n_threads) {
    const Examples<T> examples = examples_of<T>(program, rows, labels, weights);
    const Index size = program.instructions().n_parameters;
    const auto number = [&](const char* key) { return nb::cast<double>(rule[key]); };
    const auto name = nb::cast<std::string>(rule["name"]);
    Optimizer optimizer;
    optimizer.constants.rule = rule_of(name);
    optimizer.constants.nesterov = nb::cast<bool>(rule["nesterov"]);
    optimizer.constants.momentum = number("momentum");
    optimizer.constants.beta_1 = number("beta_1");
    optimizer.constants.beta_2 = number("beta_2");
    optimizer.constants.epsilon = number("epsilon");
    optimizer.weight_decay = number("weight_decay");
    optimizer.clip_norm = std::isfinite(number("clip_norm")) ? number("clip_norm") : 0.0;
    optimizer.has_bias_correction = optimizer.constants.rule == Rule::kAdam;
    const Index n_slots = Index(slots.ndim() == 2 ? slots.shape(0) : 0);
    const bool needs_two = optimizer.constants.rule == Rule::kAdam || optimizer.constants.rule == Rule::kRmsprop;
    require_shape("slots", Input(slots), {needs_two ? 2 : 1, size});
    if (!holds<T>(Input(slots)) || (size > 1 && slots.stride(1) != 1)) refuse("slots must be rows of the program's dtype.");
    TrainingState<T> state;
    state.parameters = written_vector<T>("parameters", parameters, size);
    state.gradient = written_vector<T>("gradient", gradient, size);
    state.slot_1 = static_cast<T*>(slots.data());
    state.slot_2 = n_slots > 1 ? state.slot_1 + slots.stride(0) : nullptr;
    Schedule schedule;
    schedule.order = whole_numbers<std::int64_t>("order", order);
    schedule.n_rows = Index(order.shape(0));
    schedule.batch_size = batch_size;
    schedule.first_batch = first_batch;
    schedule.n_steps = Index(learning_rates.ndim() == 1 ? learning_rates.shape(0) : 0);
    schedule.learning_rates = vector_of<double>("learning_rates", learning_rates, schedule.n_steps);
    schedule.first_step = step;
    schedule.seed = seed;
    if (batch_size < 1 || first_batch < 0) refuse("batch_size must be 1 or more, first_batch 0 or more.");
    const Index n_batches = schedule.n_rows / batch_size + (schedule.n_rows % batch_size != 0);
    if (first_batch + schedule.n_steps > n_batches) {
        refuse("the epoch has " + std::to_string(n_batches) + " batches; steps up to batch " +
               std::to_string(first_batch + schedule.n_steps) + " were asked for.");
    }
    const Index last = std::min(schedule.n_rows, (first_batch + schedule.n_steps) * batch_size);
    for (Index i = first_batch * batch_size; i < last; ++i) {
        if (schedule.order[i] < 0 || schedule.order[i] >= examples.n_rows) refuse("order names a row that is not there.");
    }
    double* const to = written_vector<double>("losses", losses, schedule.n_steps);
    const int threads = checked_threads(n_threads);
    const nb::gil_scoped_release released;
    return program.train(state, examples, optimizer, schedule, to, threads);
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
             "gradient"_a, "seed_and_step"_a.none(), "n_threads"_a = 0)
        .def("train", train<T>, nb::kw_only(), "parameters"_a, "slots"_a, "gradient"_a, "rows"_a, "labels"_a,
             "weights"_a.none(), "rule"_a, "order"_a, "batch_size"_a, "first_batch"_a, "learning_rates"_a, "step"_a,
             "seed"_a, "losses"_a, "n_threads"_a);
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
            return by_dtype_of_rows(X, [&](auto zero) { return first_nonfinite_row<decltype(zero)>(X, threads); });
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

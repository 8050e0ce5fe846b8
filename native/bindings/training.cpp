// Training runs of networks, as Python sees them.
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "../program/program.hpp"
#include "bindings.hpp"
#include "examples.hpp"

namespace chainrule {
namespace {

Rule rule_of(const std::string& name) {
    if (name == "sgd") return Rule::kSgd;
    if (name == "adam" || name == "adamw") return Rule::kAdam;
    if (name == "rmsprop") return Rule::kRmsprop;
    if (name == "adagrad") return Rule::kAdagrad;
    if (name == "lion") return Rule::kLion;
    refuse("no optimizer is named '" + name + "'.");
}

Optimizer optimizer_of(const nb::dict& rule) {
    const auto number = [&](const char* key) { return nb::cast<double>(rule[key]); };
    Optimizer optimizer;
    optimizer.constants.rule = rule_of(nb::cast<std::string>(rule["name"]));
    optimizer.constants.nesterov = nb::cast<bool>(rule["nesterov"]);
    optimizer.constants.momentum = number("momentum");
    optimizer.constants.beta_1 = number("beta_1");
    optimizer.constants.beta_2 = number("beta_2");
    optimizer.constants.epsilon = number("epsilon");
    optimizer.weight_decay = number("weight_decay");
    optimizer.clip_norm = std::isfinite(number("clip_norm")) ? number("clip_norm") : 0.0;
    optimizer.has_bias_correction = optimizer.constants.rule == Rule::kAdam;
    return optimizer;
}

// A program with what it trains on and what moves: a step of a small network takes microseconds, so its arrays are
// looked at once.
template <class T>
class Training {
public:
    Training(nb::object program, nb::object rows, const Input& labels, const std::optional<Input>& weights,
             const Output& parameters, const Output& slots, const nb::dict& rule, Index batch_size, std::uint64_t seed,
             int n_threads)
        : program_(nb::cast<Program<T>&>(program)),
          kept_(nb::make_tuple(program, rows, labels, weights, parameters, slots)),
          examples_(examples_of<T>(program_, rows, labels, weights)),
          optimizer_(optimizer_of(rule)),
          gradient_(std::size_t(program_.instructions().n_parameters)),
          batch_size_(batch_size),
          seed_(seed),
          n_threads_(checked_threads(n_threads)) {
        if (batch_size < 1) refuse("batch_size must be 1 or more.");
        const Index size = program_.instructions().n_parameters;
        const bool needs_two =
            optimizer_.constants.rule == Rule::kAdam || optimizer_.constants.rule == Rule::kRmsprop;
        require_shape("slots", Input(slots), {needs_two ? 2 : 1, size});
        if (!holds<T>(Input(slots)) || (size > 1 && slots.stride(1) != 1)) {
            refuse("slots must be rows of the program's dtype.");
        }
        state_.parameters = written_vector<T>("parameters", parameters, size);
        state_.gradient = gradient_.data();
        state_.slot_1 = static_cast<T*>(slots.data());
        state_.slot_2 = needs_two ? state_.slot_1 + slots.stride(0) : nullptr;
    }

    Index steps(const Input& order, Index first_batch, const Input& learning_rates, std::uint64_t step,
                const Output& losses) {
        Schedule schedule;
        schedule.order = whole_numbers<std::int64_t>("order", order);
        schedule.n_rows = Index(order.shape(0));
        schedule.batch_size = batch_size_;
        schedule.first_batch = first_batch;
        schedule.n_steps = Index(learning_rates.ndim() == 1 ? learning_rates.shape(0) : 0);
        schedule.learning_rates = vector_of<double>("learning_rates", learning_rates, schedule.n_steps);
        schedule.first_step = step;
        schedule.seed = seed_;
        double* const to = written_vector<double>("losses", losses, schedule.n_steps);
        check_order(schedule);
        const nb::gil_scoped_release released;
        return program_.train(state_, examples_, optimizer_, schedule, to, n_threads_);
    }

private:
    void check_order(const Schedule& schedule) const {
        const Index n_batches = schedule.n_rows / batch_size_ + (schedule.n_rows % batch_size_ != 0);
        const Index end = schedule.first_batch + schedule.n_steps;
        if (schedule.first_batch < 0 || end > n_batches) {
            refuse("the epoch has " + std::to_string(n_batches) + " batches; steps up to batch " +
                   std::to_string(end) + " were asked for.");
        }
        const Index last = std::min(schedule.n_rows, end * batch_size_);
        for (Index i = schedule.first_batch * batch_size_; i < last; ++i) {
            if (schedule.order[i] < 0 || schedule.order[i] >= examples_.n_rows) {
                refuse("order names a row that is not there.");
            }
        }
    }

    Program<T>& program_;
    const nb::object kept_;  // what the pointers below point into
    const Examples<T> examples_;
    const Optimizer optimizer_;
    std::vector<T> gradient_;
    TrainingState<T> state_;
    const Index batch_size_;
    const std::uint64_t seed_;
    const int n_threads_;
};

template <class T>
void bind(nb::module_& module, const char* name) {
    nb::class_<Training<T>>(module, name)
        .def(nb::init<nb::object, nb::object, const Input&, const std::optional<Input>&, const Output&, const Output&,
                      const nb::dict&, Index, std::uint64_t, int>(),
             nb::kw_only(), "program"_a, "rows"_a, "labels"_a, "weights"_a.none(), "parameters"_a, "slots"_a, "rule"_a,
             "batch_size"_a, "seed"_a, "n_threads"_a)
        .def("steps", &Training<T>::steps, "order"_a, "first_batch"_a, "learning_rates"_a, "step"_a, "losses"_a);
}

}  // namespace

void bind_training(nb::module_& module) {
    bind<float>(module, "TrainingFloat32");
    bind<double>(module, "TrainingFloat64");
}

}  // namespace chainrule

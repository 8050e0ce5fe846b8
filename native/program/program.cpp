#include "program.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "../threads.hpp"
#include "batch_run.hpp"
#include "workspace.hpp"

namespace chainrule {
namespace {

// Multiplications and additions that are worth a thread: in a step, for it to share; and in a call, for it to wake up.
constexpr double kStepWork = 400e3;
constexpr double kCallWork = 2e6;

int threads_worth(double work_of_call, double work_of_step, int n_threads) {
    const int wanted = n_threads == 0 ? default_thread_count() : n_threads;
    return int(std::clamp(std::min(work_of_call / kCallWork, work_of_step / kStepWork), 1.0, double(wanted)));
}

// What the rows of one pass contribute to a unit's gradient.
template <class T>
void sum_unit(const Unit& unit, const Memory<T>& memory, const Instructions& all, bool is_first, Index rows,
              void* scratch) {
    const NetworkKernels<T>& kernel = network_kernels<T>();
    if (unit.sums.empty() && is_first) {
        std::fill_n(memory.gradient + unit.flat_first(), unit.flat_size(), T(0));
    }
    for (const Instruction* sum : unit.sums) {
        Instruction i = *sum;
        i.accumulate = i.accumulate || !is_first;
        if (i.code == Code::kProductWeight && unit.parameter != nullptr) {
            const View<T> a = view(memory, i.a, 0), out = view(memory, i.out, unit.first);
            Product<T> product = product_of(i, View<T>{a.data + unit.first, a.stride}, view(memory, i.b, 0), out, rows);
            product.m = unit.rows;
            kernel.product(product, scratch);
        } else {
            run(i, memory, all, 0, rows, scratch);
        }
    }
}

template <class T>
Update<T> update_of(const Unit& unit, const TrainingState<T>& state, const Optimizer& optimizer) {
    Update<T> update;
    const Index first = unit.flat_first();
    update.n = unit.flat_size();
    update.parameters = state.parameters + first;
    update.gradient = state.gradient + first;
    update.slot_1 = state.slot_1 == nullptr ? nullptr : state.slot_1 + first;
    update.slot_2 = state.slot_2 == nullptr ? nullptr : state.slot_2 + first;
    update.weight_decay = unit.parameter->decays ? optimizer.weight_decay : 0.0;
    return update;
}

// lambda / 2 ||w||^2 of the unit's weights.
template <class T>
double penalty_of(const Unit& unit, const T* parameters) {
    if (unit.parameter == nullptr || unit.parameter->l2 == 0.0) return 0.0;
    const T* weights = parameters + unit.flat_first();
    return 0.5 * unit.parameter->l2 * network_kernels<T>().sum_of_squares(weights, unit.flat_size());
}

double sum_of(const std::vector<double>& numbers) {
    double sum = 0.0;
    for (const double number : numbers) sum += number;
    return sum;
}

template <class T, class Do>
void for_units(Workspace<T>& work, Team& team, const Do& do_unit) {
    team.run(Index(work.units.tasks.size()), [&](Index t, int worker) {
        const Task& task = work.units.tasks[std::size_t(t)];
        for (Index u = task.first_unit; u < task.last_unit; ++u) do_unit(std::size_t(u), worker);
    });
}

// The gradient of a batch with its penalties, in memory.gradient, and its squared norm if asked for; returns the loss.
template <class T>
double whole_gradient(Workspace<T>& work, Team& team, const Batch<T>& batch, const Memory<T>& memory,
                      double* squared_norm) {
    BatchRun<T> batch_run(work, team, batch, memory);
    double loss = batch_run.run_all([&](bool is_first, bool, const Memory<T>& pass, Index rows) {
        for_units(work, team, [&](std::size_t u, int worker) {
            sum_unit(work.units.all[u], pass, work.all, is_first, rows, work.scratch(worker));
        });
    });
    if (!std::isfinite(loss)) return loss;
    loss += batch_run.run_fixed_backward();
    for_units(work, team, [&](std::size_t u, int) {
        const Unit& unit = work.units.all[u];
        work.unit_losses[u] = penalty_of(unit, memory.parameters);
        work.unit_squares[u] = 0.0;
        if (unit.parameter == nullptr) return;
        T* gradient = memory.gradient + unit.flat_first();
        if (unit.parameter->l2 != 0.0) {
            work.kernel.add_scaled(T(unit.parameter->l2), memory.parameters + unit.flat_first(), gradient,
                                   unit.flat_size(), true);
        }
        if (squared_norm != nullptr) work.unit_squares[u] = work.kernel.sum_of_squares(gradient, unit.flat_size());
    });
    if (squared_norm != nullptr) *squared_norm = sum_of(work.unit_squares);
    return loss + sum_of(work.unit_losses);
}

// One step that needs the whole gradient before it can update anything.
template <class T>
double step_after_gradient(Workspace<T>& work, Team& team, const Batch<T>& batch, const Memory<T>& memory,
                           const TrainingState<T>& state, const Optimizer& optimizer, const Step& step) {
    double squared_norm = 0.0;
    const double loss = whole_gradient(work, team, batch, memory, &squared_norm);
    if (!std::isfinite(loss)) return loss;
    const double norm = std::sqrt(squared_norm);
    const bool clips = optimizer.clip_norm > 0.0 && norm > optimizer.clip_norm;
    for_units(work, team, [&](std::size_t u, int) {
        if (work.units.all[u].parameter == nullptr) return;
        Update<T> update = update_of(work.units.all[u], state, optimizer);
        update.gradient_scale = clips ? optimizer.clip_norm / norm : 1.0;
        work.kernel.update(step, update);
    });
    return loss;
}

// One step in which each strip of weights is updated as soon as its gradient is summed, while it is in cache.
template <class T>
double fused_step(Workspace<T>& work, Team& team, const Batch<T>& batch, const Memory<T>& memory,
                  const TrainingState<T>& state, const Optimizer& optimizer, const Step& step) {
    std::fill(work.unit_losses.begin(), work.unit_losses.end(), 0.0);
    BatchRun<T> batch_run(work, team, batch, memory);
    const double loss = batch_run.run_all([&](bool is_first, bool is_last, const Memory<T>& pass, Index rows) {
        for_units(work, team, [&](std::size_t u, int worker) {
            const Unit& unit = work.units.all[u];
            sum_unit(unit, pass, work.all, is_first, rows, work.scratch(worker));
            if (!is_last) return;
            work.unit_losses[u] = penalty_of(unit, state.parameters);
            Update<T> update = update_of(unit, state, optimizer);
            update.l2 = unit.parameter->l2;
            work.kernel.update(step, update);
        });
    });
    return loss + sum_of(work.unit_losses);
}

}  // namespace

template <class T>
struct Program<T>::Borrowed {
    explicit Borrowed(Program& program_) : program(program_) {
        const std::lock_guard<std::mutex> lock(program.mutex_);
        if (!program.idle_.empty()) {
            work = std::move(program.idle_.back());
            program.idle_.pop_back();
        }
        if (work == nullptr) work = std::make_unique<Workspace<T>>(program.instructions_);
    }
    ~Borrowed() {
        const std::lock_guard<std::mutex> lock(program.mutex_);
        program.idle_.push_back(std::move(work));
    }

    Program& program;
    std::unique_ptr<Workspace<T>> work;
};

template <class T>
Program<T>::Program(Instructions instructions) : instructions_(std::move(instructions)) {}

template <class T>
Program<T>::~Program() = default;

template <class T>
void Program<T>::predict(const T* parameters, const Examples<T>& rows, T* out, int n_threads) {
    const Instructions& all = instructions_;
    const double total = double(rows.n_rows) * work_per_row(all);
    const int threads = threads_worth(total, total, n_threads);
    Borrowed borrowed(*this);
    Workspace<T>& work = *borrowed.work;
    work.make_scratch(threads);
    const Memory<T> shared = work.memory_for(1, parameters, nullptr);
    for (const Instruction& i : all.fixed_forward) run(i, shared, all, 0, i.a.rows, work.scratch(0));
    // Each thread has an arena of its own for the block it is at.
    const Index block_rows = std::min(kMostBlockRows, round_up(std::max<Index>(rows.n_rows, 1), kGroupRows));
    const Index arena_size = round_up(all.arena_columns * block_rows, kAlignment);
    T* const arenas = work.arena.at_least(arena_size * threads);
    const Index n_data = Index(all.data_columns.size());
    std::vector<View<const T>> data(std::size_t(n_data * threads));
    Index gathered_size = 0;
    for (const Index columns : all.data_columns) gathered_size += round_up(columns, kGroupRows) * block_rows;
    T* const gathered = work.targets.at_least(gathered_size * threads);
    with_team(threads, [&](Team& team) {
        team.run(divide_up(rows.n_rows, block_rows), [&](Index block, int worker) {
            const Index first = block * block_rows;
            const Index n = std::min(block_rows, rows.n_rows - first);
            Memory<T> memory = shared;
            memory.capacity = block_rows;
            memory.arena = arenas + worker * arena_size;
            memory.data = data.data() + worker * n_data;
            T* to = gathered + worker * gathered_size;
            for (Index d = 0; d < n_data; ++d) {
                const DataRows<T>& from = rows.data[std::size_t(d)];
                const Index columns = all.data_columns[std::size_t(d)];
                if (are_neighbours(from)) {
                    memory.data[d] = {from.data + first * from.row_stride, from.row_stride};
                } else {
                    const Index stride = round_up(columns, kGroupRows);
                    gather<T>(from, nullptr, first, n, columns, to, stride);
                    memory.data[d] = {to, stride};
                    to += stride * block_rows;
                }
            }
            for (const Instruction& i : all.forward) run(i, memory, all, 0, n, work.scratch(worker));
            const View<T> result = view(memory, all.output, 0);
            const Index columns = all.output.columns;
            for (Index i = 0; i < n; ++i) {
                std::copy_n(result.data + i * result.stride, columns, out + (first + i) * columns);
            }
        });
    });
}

template <class T>
double Program<T>::value_and_gradient(const T* parameters, const Examples<T>& examples, const Noise* noise, T* gradient,
                                      int n_threads) {
    Borrowed borrowed(*this);
    Workspace<T>& work = *borrowed.work;
    const double total = double(examples.n_rows) * work_per_row(instructions_);
    const int threads = threads_worth(total, total, n_threads);
    work.make_scratch(threads);
    Memory<T> memory = work.memory_for(examples.n_rows, parameters, gradient);
    memory.noise = noise;
    double loss = 0.0;
    with_team(threads, [&](Team& team) {
        loss = whole_gradient<T>(work, team, {examples, nullptr, 0, examples.n_rows}, memory, nullptr);
    });
    return loss;
}

template <class T>
Index Program<T>::train(const TrainingState<T>& state, const Examples<T>& examples, const Optimizer& optimizer,
                        const Schedule& schedule, double* losses, int n_threads) {
    Borrowed borrowed(*this);
    Workspace<T>& work = *borrowed.work;
    const double work_per_step = double(std::min(schedule.batch_size, schedule.n_rows)) * work_per_row(instructions_);
    const int threads = threads_worth(work_per_step * double(schedule.n_steps), work_per_step, n_threads);
    work.make_scratch(threads);
    const bool is_fused = instructions_.fixed_backward.empty() && instructions_.fixed_forward.empty() &&
                          optimizer.clip_norm == 0.0;
    Index taken = 0;
    with_team(threads, [&](Team& team) {
        for (Index s = 0; s < schedule.n_steps; ++s) {
            const Index first = (schedule.first_batch + s) * schedule.batch_size;
            const Index rows = std::min(schedule.batch_size, schedule.n_rows - first);
            const std::uint64_t number = schedule.first_step + std::uint64_t(s);
            const Noise noise{schedule.seed, 0, number};
            Memory<T> memory = work.memory_for(rows, state.parameters, state.gradient);
            memory.noise = &noise;
            Step step = optimizer.constants;
            step.learning_rate = schedule.learning_rates[s];
            if (optimizer.has_bias_correction) {
                step.bias_correction_1 = 1.0 - std::pow(step.beta_1, double(number + 1));
                step.bias_correction_2 = 1.0 - std::pow(step.beta_2, double(number + 1));
            }
            const Batch<T> batch = batch_of(examples, schedule.order, first, rows);
            losses[s] = is_fused ? fused_step(work, team, batch, memory, state, optimizer, step)
                                 : step_after_gradient(work, team, batch, memory, state, optimizer, step);
            ++taken;
            if (!std::isfinite(losses[s])) break;
        }
    });
    return taken;
}

template class Program<float>;
template class Program<double>;

}  // namespace chainrule

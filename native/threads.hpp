// A small pool of threads. No OpenMP: a process that has used the pool can be forked, and no second runtime comes in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace chainrule {

// The threads to use when the caller leaves the choice to us (n_threads = 0): CHAINRULE_NUM_THREADS if it is set,
// otherwise the cores this process may run on, or its cgroup's CPU quota where that is less. Throws
// std::invalid_argument if the variable is not a positive whole number.
int default_thread_count();

// Runs task(index, worker) for every index in [0, n_tasks), on n_threads threads at most, the caller's included, and
// returns when all are done. `worker` < n_threads tells the threads apart, for scratch memory. Which thread runs which
// task is left to chance: sums that must not depend on it belong to the index. The first exception of a task is
// rethrown here; tasks not begun by then are dropped. A call that finds the pool in use (by another thread, or from
// inside a task) runs its tasks on its own thread.
void parallel_for(std::ptrdiff_t n_tasks, int n_threads, const std::function<void(std::ptrdiff_t, int)>& task);

// Threads that do several phases of tasks, one phase after the other, and spin while they wait for the next one: a phase
// may take as little as a few microseconds. Who leads never waits for a thread that has not come yet, only for tasks
// that another thread has begun.
class Team {
public:
    explicit Team(int n_threads) : n_threads_(n_threads) {}

    int n_threads() const { return n_threads_; }

    // Runs task(index, worker) for every index in [0, n_tasks) and returns when all are done. For the leader alone.
    // Tasks must not throw.
    template <class Task>
    void run(std::ptrdiff_t n_tasks, const Task& task) {
        if (n_threads_ == 1 || n_tasks == 1) {
            for (std::ptrdiff_t index = 0; index < n_tasks; ++index) task(index, 0);
        } else if (n_tasks > 1) {
            call_ = [](const void* context, std::ptrdiff_t index, int worker) {
                (*static_cast<const Task*>(context))(index, worker);
            };
            context_ = &task;
            run_shared(n_tasks);
        }
    }

private:
    friend void with_team(int n_threads, const std::function<void(Team&)>& lead);

    void run_shared(std::ptrdiff_t n_tasks);
    bool do_one(int worker);
    void help(int worker);

    const int n_threads_;
    std::uint32_t phase_ = 0;
    std::ptrdiff_t n_tasks_ = 0;
    void (*call_)(const void*, std::ptrdiff_t, int) = nullptr;
    const void* context_ = nullptr;
    // The phase and how many of its tasks nobody has begun. Who takes one counts it down; as the leader cannot open
    // the next phase before that task is done, what else is known of the phase holds until then.
    alignas(64) std::atomic<std::uint64_t> ticket_{0};
    alignas(64) std::atomic<std::ptrdiff_t> n_done_{0};
    alignas(64) std::atomic<bool> is_over_{false};
};

// Calls lead(team) on this thread, with n_threads - 1 helpers of the pool for its phases (fewer if they are busy).
// All of them count denormal numbers as zero meanwhile.
void with_team(int n_threads, const std::function<void(Team&)>& lead);

}  // namespace chainrule

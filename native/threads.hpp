// A small pool of threads. No OpenMP: a process that has used the pool can be forked, and no second runtime comes in.
#pragma once

#include <cstddef>
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

}  // namespace chainrule

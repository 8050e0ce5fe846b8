#include "threads.hpp"

#include "denormals.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif

namespace chainrule {
namespace {

constexpr int kMaxThreads = 512;

using Task = std::function<void(std::ptrdiff_t, int)>;

// One call of parallel_for, shared by the threads that work on it.
struct Job {
    const Task& task;
    const std::ptrdiff_t n_tasks;
    const int max_helpers;
    std::atomic<std::ptrdiff_t> next{0};
    std::exception_ptr error;  // guarded by the pool's mutex
    int helpers_joined = 0;    // guarded by the pool's mutex
    int helpers_inside = 0;    // guarded by the pool's mutex

    Job(const Task& task_, std::ptrdiff_t n_tasks_, int max_helpers_)
        : task(task_), n_tasks(n_tasks_), max_helpers(max_helpers_) {}

    void work(int worker, std::mutex& mutex) {
        try {
            for (std::ptrdiff_t index = next++; index < n_tasks; index = next++) task(index, worker);
        } catch (...) {
            next = n_tasks;
            const std::lock_guard<std::mutex> lock(mutex);
            if (error == nullptr) error = std::current_exception();
        }
    }
};

// Signals are for the interpreter's own thread; Python's handler must not run on a helper's stack.
class SignalsBlocked {
public:
#if defined(__unix__) || defined(__APPLE__)
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
#endif
};

class Pool {
public:
    void run(Job& job) {
        std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
        if (!turn.owns_lock() || job.max_helpers < 1) {
            job.work(0, mutex_);
        } else {
            start_threads(job.max_helpers);
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                job_ = &job;
            }
            job_arrived_.notify_all();
            job.work(0, mutex_);
            std::unique_lock<std::mutex> lock(mutex_);
            job_ = nullptr;  // who has not woken by now need not come
            helper_left_.wait(lock, [&] { return job.helpers_inside == 0; });
        }
        if (job.error != nullptr) std::rethrow_exception(job.error);
    }

private:
    // The threads are detached and live as long as the process: nothing waits for them at its end.
    void start_threads(int n_helpers) {
        const SignalsBlocked blocked;
        try {
            for (; n_threads_ < n_helpers; ++n_threads_) std::thread([this] { help_for_ever(); }).detach();
        } catch (const std::system_error&) {
            // The system gives no more threads: those there are do the work.
        }
    }

    void help_for_ever() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            job_arrived_.wait(lock, [&] { return job_ != nullptr && job_->helpers_joined < job_->max_helpers; });
            Job& job = *job_;
            const int worker = ++job.helpers_joined;
            ++job.helpers_inside;
            lock.unlock();
            job.work(worker, mutex_);
            lock.lock();
            if (--job.helpers_inside == 0) helper_left_.notify_one();
        }
    }

    std::mutex turn_;   // held by the call that has the pool
    std::mutex mutex_;  // guards what follows and the job's counters
    std::condition_variable job_arrived_;
    std::condition_variable helper_left_;
    Job* job_ = nullptr;
    int n_threads_ = 0;  // guarded by turn_
};

// The pool is never destroyed: its threads may outlive static objects. After a fork the child has none of the
// threads, and mutexes in any state; it leaves that pool behind and makes its own when it first needs one.
std::atomic<Pool*> current_pool{nullptr};

Pool& pool() {
#if defined(__unix__) || defined(__APPLE__)
    static const int registered = pthread_atfork(nullptr, nullptr, [] { current_pool = nullptr; });
    (void)registered;
#endif
    Pool* existing = current_pool;
    if (existing == nullptr) {
        Pool* fresh = new Pool;
        if (current_pool.compare_exchange_strong(existing, fresh)) return *fresh;
        delete fresh;  // another thread was quicker; nobody has seen this one
    }
    return *existing;
}

int visible_cores() {
    int cores = int(std::thread::hardware_concurrency());
#if defined(__linux__)
    cpu_set_t visible;
    CPU_ZERO(&visible);
    if (sched_getaffinity(0, sizeof visible, &visible) == 0) cores = CPU_COUNT(&visible);
    // cgroup v2: "quota period" in microseconds, or "max period".
    std::ifstream limits("/sys/fs/cgroup/cpu.max");
    double quota = 0.0;
    double period = 0.0;
    if (limits >> quota >> period && quota > 0.0 && period > 0.0) {
        cores = std::min(cores, int((quota + period - 1.0) / period));
    }
#endif
    return std::clamp(cores, 1, kMaxThreads);
}

// One turn of a loop that waits for another thread. A processor that has other things to do is left to them after a
// while: the thread waited for may be among these.
class Patience {
public:
    void turn() {
        if (++turns_ < kTurnsAwake) {
#if defined(__x86_64__)
            _mm_pause();
#elif defined(__aarch64__)
            asm volatile("yield");
#endif
        } else {
            std::this_thread::yield();
        }
    }

private:
    static constexpr int kTurnsAwake = 4000;  // some 50 to 100 microseconds
    int turns_ = 0;
};

constexpr std::uint64_t kTasksMask = 0xffffffff;

}  // namespace

void Team::run_shared(std::ptrdiff_t n_tasks) {
    n_tasks_ = n_tasks;
    n_done_.store(0, std::memory_order_relaxed);
    ++phase_;
    ticket_.store(std::uint64_t(phase_) << 32 | std::uint64_t(n_tasks), std::memory_order_release);
    while (do_one(0)) {
    }
    Patience patience;
    while (n_done_.load(std::memory_order_acquire) < n_tasks) patience.turn();
}

bool Team::do_one(int worker) {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    do {
        if ((ticket & kTasksMask) == 0) return false;
    } while (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire));
    call_(context_, n_tasks_ - std::ptrdiff_t(ticket & kTasksMask), worker);
    n_done_.fetch_add(1, std::memory_order_release);
    return true;
}

void Team::help(int worker) {
    const FlushDenormals flush;
    while (!is_over_.load(std::memory_order_acquire)) {
        Patience patience;
        while (!do_one(worker) && !is_over_.load(std::memory_order_acquire)) patience.turn();
    }
}

void with_team(int n_threads, const std::function<void(Team&)>& lead) {
    const FlushDenormals flush;
    Team team(n_threads);
    if (n_threads == 1) return lead(team);
    parallel_for(n_threads, n_threads, [&](std::ptrdiff_t, int worker) {
        if (worker > 0) return team.help(worker);
        if (team.is_over_) return;  // a helper has not come, and its place falls to the leader
        struct Close {
            Team& team;
            ~Close() { team.is_over_.store(true, std::memory_order_release); }
        } close{team};
        lead(team);
    });
}

int default_thread_count() {
    const char* wish = std::getenv("CHAINRULE_NUM_THREADS");
    if (wish == nullptr || *wish == '\0') {
        static const int cores = visible_cores();
        return cores;
    }
    const std::string text(wish);
    const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    const bool is_number = text.size() <= 9 && std::all_of(text.begin(), text.end(), is_digit);
    const int count = is_number ? std::stoi(text) : 0;
    if (count < 1) {
        throw std::invalid_argument("CHAINRULE_NUM_THREADS is '" + text +
                                    "', not a positive whole number; set it to one, or unset it to use every core.");
    }
    return std::min(count, kMaxThreads);
}

void parallel_for(std::ptrdiff_t n_tasks, int n_threads, const Task& task) {
    const std::ptrdiff_t threads = std::min<std::ptrdiff_t>({n_tasks, n_threads, kMaxThreads});
    Job job(task, n_tasks, int(threads) - 1);
    pool().run(job);
}

}  // namespace chainrule

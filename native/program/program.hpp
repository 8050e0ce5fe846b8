// A network's instructions and how they run: forward, backward and update, on any number of threads, to the same bits.
//
// The rows of a batch are cut into blocks; each block goes forward and backward while it is in cache. What all rows
// contribute to the gradient of a weight is summed afterwards: a unit of work is a strip of one weight's rows, summed
// over all rows of the batch in their order and, where nothing stands against it, updated at once, while it is in
// cache. So no sum depends on the number of threads, no thread has a gradient of its own, and there are two meetings of
// the threads per step.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "examples.hpp"
#include "instructions.hpp"

namespace chainrule {

struct Optimizer {
    Step constants;  // all but the learning rate and the bias corrections, which differ from step to step
    double weight_decay = 0.0;
    double clip_norm = 0.0;  // 0: no clipping
    bool has_bias_correction = false;
};

// What moves in training.
template <class T>
struct TrainingState {
    T* parameters = nullptr;
    T* slot_1 = nullptr;
    T* slot_2 = nullptr;
    T* gradient = nullptr;
};

// Which steps to take: batch b of the epoch is order[b * batch_size .. (b + 1) * batch_size).
struct Schedule {
    const std::int64_t* order = nullptr;
    Index n_rows = 0;
    Index batch_size = 0;
    Index first_batch = 0;
    Index n_steps = 0;
    const double* learning_rates = nullptr;
    std::uint64_t first_step = 0;
    std::uint64_t seed = 0;
};

template <class T>
struct Workspace;

// Safe to use from several threads at once: each call takes a workspace of its own.
template <class T>
class Program {
public:
    explicit Program(Instructions instructions);
    ~Program();

    const Instructions& instructions() const { return instructions_; }

    // out (n_rows, columns of the output)
    void predict(const T* parameters, const Examples<T>& rows, T* out, int n_threads);

    // The loss and, in `gradient`, its gradient by all parameters. Without noise dropout lets everything pass.
    double value_and_gradient(const T* parameters, const Examples<T>& examples, const Noise* noise, T* gradient,
                              int n_threads);

    // Takes steps and writes the loss of each batch before its update; returns how many were taken. A batch whose loss
    // is not finite is the last one, and leaves the parameters as they were.
    Index train(const TrainingState<T>& state, const Examples<T>& examples, const Optimizer& optimizer,
                const Schedule& schedule, double* losses, int n_threads);

private:
    struct Borrowed;

    const Instructions instructions_;
    std::vector<std::unique_ptr<Workspace<T>>> idle_;  // guarded by mutex_
    std::mutex mutex_;
};

}  // namespace chainrule

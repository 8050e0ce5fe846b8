// The memory of one run, and the plan of its sums.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "run.hpp"
#include "units.hpp"

namespace chainrule {

// Functions of the problem alone: no result may depend on the threads.
constexpr Index kMostBlockRows = 128;  // rows that go through the layers together
constexpr Index kMostPassRows = 512;   // rows in the arena at a time; a larger batch takes several passes
constexpr Index kArenaBytes = 8 << 20; // of which fewer rows make do if they are long

template <class T>
struct Workspace {
    explicit Workspace(const Instructions& all);

    Memory<T> memory_for(Index n_rows, const T* parameters, T* gradient);
    void make_scratch(int n_threads);
    void* scratch(int worker) { return scratch_[std::size_t(worker)].at_least(Index(scratch_size_)); }

    const Instructions& all;
    const NetworkKernels<T>& kernel = network_kernels<T>();
    const Units units;
    Index pass_rows = 0;  // most rows in the arena

    Buffer<T> arena, fixed, targets;
    std::vector<Buffer<T>> gathered;
    std::vector<View<const T>> data;
    Buffer<std::int64_t> labels;
    std::vector<Buffer<double>> weights;  // of each loss
    std::vector<LossRows> losses;
    std::vector<double> partial_losses, unit_losses, unit_squares;
    double fixed_loss = 0.0;

private:
    std::vector<Buffer<unsigned char>> scratch_;
    std::size_t scratch_size_;
};

template <class T>
Workspace<T>::Workspace(const Instructions& all_)
    : all(all_),
      units(all_),
      gathered(all_.data_columns.size()),
      data(all_.data_columns.size()),
      weights(all_.losses.size()),
      losses(all_.losses.size()),
      scratch_size_(scratch_bytes<T>(all_, kMostPassRows)) {
    Index columns = all.arena_columns;
    for (const Index width : all.data_columns) columns += round_up(width, kGroupRows);
    const Index fitting = kArenaBytes / std::max<Index>(1, columns * Index(sizeof(T))) / kMostBlockRows * kMostBlockRows;
    pass_rows = std::clamp(fitting, kMostBlockRows, kMostPassRows);
    unit_losses.resize(units.all.size());
    unit_squares.resize(units.all.size());
}

template <class T>
Memory<T> Workspace<T>::memory_for(Index n_rows, const T* parameters, T* gradient) {
    Memory<T> memory;
    memory.capacity = std::min(round_up(n_rows, kGroupRows), pass_rows);
    memory.parameters = parameters;
    memory.gradient = gradient;
    memory.fixed = fixed.at_least(all.fixed_size);
    memory.arena = arena.at_least(all.arena_columns * memory.capacity);
    memory.data = data.data();
    memory.losses = losses.data();
    memory.fixed_loss = &fixed_loss;
    partial_losses.resize(std::size_t(divide_up(memory.capacity, kGroupRows)));
    memory.partial_losses = partial_losses.data();
    return memory;
}

template <class T>
void Workspace<T>::make_scratch(int n_threads) {
    if (scratch_.size() < std::size_t(n_threads)) scratch_.resize(std::size_t(n_threads));
    for (int worker = 0; worker < n_threads; ++worker) scratch(worker);
}

}  // namespace chainrule

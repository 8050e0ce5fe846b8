// A batch's rows through the instructions, forward and backward.
#pragma once

#include <algorithm>
#include <cmath>

#include "../threads.hpp"
#include "examples.hpp"
#include "workspace.hpp"

namespace chainrule {

// Passes of a batch's rows through the instructions, and the sums over them.
template <class T>
class BatchRun {
public:
    BatchRun(Workspace<T>& work, Team& team, const Batch<T>& batch, Memory<T> memory)
        : work_(work), team_(team), batch_(batch), memory_(memory) {}

    // Forward and backward of all rows. Calls sum(first_pass, last_pass, memory, rows) after each pass, when the
    // gradients of that pass's rows are in the arena. Returns the loss without the penalties on parameters; if it is
    // not finite after the last pass's rows, the last sum is left out.
    template <class Sum>
    double run_all(const Sum& sum) {
        weigh_rows();
        work_.fixed_loss = 0.0;
        for (const Instruction& i : work_.all.fixed_forward) {
            run(i, memory_, work_.all, 0, fixed_rows(i), work_.scratch(0));
        }
        double loss = 0.0;
        for (Index first = 0; first < batch_.n_rows; first += memory_.capacity) {
            const Index rows = std::min(memory_.capacity, batch_.n_rows - first);
            loss += run_rows(first, rows);
            const bool is_last = first + rows == batch_.n_rows;
            if (is_last && !std::isfinite(loss)) break;
            sum(first == 0, is_last, memory_, rows);
        }
        return loss;
    }

    double run_fixed_backward() {
        for (const Instruction& i : work_.all.fixed_backward) {
            run(i, memory_, work_.all, 0, fixed_rows(i), work_.scratch(0));
        }
        return work_.fixed_loss;
    }

private:
    static Index fixed_rows(const Instruction& i) { return i.a.rows; }

    void weigh_rows() {
        for (std::size_t l = 0; l < work_.losses.size(); ++l) {
            const Loss& loss = work_.all.losses[l];
            const double* given = loss.weighted ? batch_.examples.weights : nullptr;
            double mass = double(batch_.n_rows);
            work_.losses[l].weights = nullptr;
            if (given != nullptr || !loss.class_weight.empty()) {
                double* weights = work_.weights[l].at_least(batch_.n_rows);
                mass = 0.0;
                for (Index i = 0; i < batch_.n_rows; ++i) {
                    const Index row = batch_.row(i);
                    weights[i] = given == nullptr ? 1.0 : given[row];
                    if (!loss.class_weight.empty()) {
                        weights[i] *= loss.class_weight[std::size_t(batch_.examples.labels[row])];
                    }
                    mass += weights[i];
                }
                work_.losses[l].weights = weights;
            }
            work_.losses[l].scale = mass > 0.0 ? loss.coefficient / mass : 0.0;
        }
    }

    // Rows first .. first + rows of the batch; returns their loss.
    double run_rows(Index first, Index rows) {
        const Examples<T>& examples = batch_.examples;
        const auto& all = work_.all;
        memory_.first_row = first;
        for (std::size_t d = 0; d < work_.data.size(); ++d) {
            const DataRows<T>& from = examples.data[d];
            const Index stride = round_up(all.data_columns[d], kGroupRows);
            if (batch_.order == nullptr && are_neighbours(from)) {
                work_.data[d] = {from.data + (batch_.first + first) * from.row_stride, from.row_stride};
            } else {
                work_.data[d] = {work_.gathered[d].at_least(memory_.capacity * stride), stride};
            }
        }
        std::int64_t* labels = work_.labels.at_least(memory_.capacity);
        T* targets = work_.targets.at_least(memory_.capacity * examples.n_targets);
        memory_.labels = labels;
        memory_.targets = {targets, examples.n_targets};
        std::fill(work_.partial_losses.begin(), work_.partial_losses.end(), 0.0);
        const Index n_groups = divide_up(rows, kGroupRows);
        // As many blocks as threads, or more, of whole groups: no sum depends on where a block ends.
        const Index n_blocks = std::min(n_groups, std::max<Index>(team_.n_threads(), divide_up(rows, kMostBlockRows)));
        team_.run(n_blocks, [&](Index block, int worker) {
            const Index begin = block * n_groups / n_blocks * kGroupRows;
            const Index end = std::min(rows, (block + 1) * n_groups / n_blocks * kGroupRows);
            for (std::size_t d = 0; d < work_.data.size(); ++d) {
                if (batch_.order == nullptr && are_neighbours(examples.data[d])) continue;
                const View<const T>& to = work_.data[d];
                gather(examples.data[d], batch_.order, batch_.first + first + begin, end - begin, all.data_columns[d],
                       const_cast<T*>(to.data) + begin * to.stride, to.stride);
            }
            for (Index i = begin; i < end; ++i) {
                const Index row = batch_.row(first + i);
                if (examples.labels != nullptr) labels[i] = examples.labels[row];
                if (examples.targets != nullptr) {
                    std::copy_n(examples.targets + row * examples.n_targets, examples.n_targets,
                                targets + i * examples.n_targets);
                }
            }
            void* scratch = work_.scratch(worker);
            for (const Instruction& i : all.forward) run(i, memory_, all, begin, end - begin, scratch);
            for (const Instruction& i : all.backward) run(i, memory_, all, begin, end - begin, scratch);
        });
        double loss = 0.0;
        for (const double partial : work_.partial_losses) loss += partial;
        return loss;
    }

    Workspace<T>& work_;
    Team& team_;
    const Batch<T>& batch_;
    Memory<T> memory_;
};

}  // namespace chainrule

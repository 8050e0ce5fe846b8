// How the sums over all rows, and the updates, are cut into work for the threads.
#pragma once

#include <vector>

#include "instructions.hpp"

namespace chainrule {

// A strip of one parameter's rows, or a whole gradient of a fixed node: the unit in which gradients are summed and
// parameters updated.
struct Unit {
    std::vector<const Instruction*> sums;  // what all rows contribute
    Index first = 0;                       // the strip's rows
    Index rows = 0;
    const Parameter* parameter = nullptr;  // nullptr: of a fixed node
    double work = 0.0;

    Index flat_first() const { return parameter->offset + first * parameter->columns; }
    Index flat_size() const { return rows * parameter->columns; }
};

// Units that one thread does one after the other.
struct Task {
    Index first_unit = 0;
    Index last_unit = 0;
};

// Points into the instructions it was made from.
struct Units {
    explicit Units(const Instructions& all);

    std::vector<Unit> all;
    std::vector<Task> tasks;
};

// Multiplications and additions per row, forward and backward.
double work_per_row(const Instructions& all);

}  // namespace chainrule

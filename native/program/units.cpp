#include "units.hpp"

#include <algorithm>

#include "memory.hpp"

namespace chainrule {
namespace {

// Functions of the problem alone: the sums must not depend on the threads.
constexpr Index kStripRows = 48;         // fewest rows of a weight in a unit: a multiple of every register tile's
constexpr Index kStrips = 16;            // a weight is cut into at most
constexpr double kTaskShare = 1.0 / 48;  // units are done together until they are this share of all work
constexpr double kUnitCost = 64.0;       // of a unit however small, in entries

std::vector<const Instruction*> sums_into(const Instructions& all, Space space, Index offset) {
    std::vector<const Instruction*> found;
    for (const Instruction& i : all.reductions) {
        if (i.out.space == space && i.out.offset == offset) found.push_back(&i);
    }
    return found;
}

void add_strips(const Instructions& all, const Parameter& parameter, std::vector<Unit>& units) {
    const Index strip = std::max(kStripRows, round_up(divide_up(parameter.rows, kStrips), kStripRows));
    const auto sums = sums_into(all, Space::kGradient, parameter.offset);
    for (Index first = 0; first < parameter.rows; first += strip) {
        Unit unit;
        unit.sums = sums;
        unit.first = first;
        unit.rows = std::min(strip, parameter.rows - first);
        unit.parameter = &parameter;
        unit.work = double(unit.flat_size()) + kUnitCost;
        units.push_back(unit);
    }
}

void add_fixed(const Instructions& all, const Place& gradient, std::vector<Unit>& units) {
    const auto is_there = [&](const Unit& unit) {
        return unit.parameter == nullptr && unit.sums.front()->out.offset == gradient.offset;
    };
    if (std::any_of(units.begin(), units.end(), is_there)) return;
    Unit unit;
    unit.sums = sums_into(all, Space::kFixed, gradient.offset);
    unit.rows = gradient.rows;
    unit.work = double(gradient.rows * gradient.columns) + kUnitCost;
    units.push_back(unit);
}

}  // namespace

Units::Units(const Instructions& instructions) {
    for (const Parameter& parameter : instructions.parameters) add_strips(instructions, parameter, all);
    for (const Instruction& i : instructions.reductions) {
        if (i.out.space == Space::kFixed) add_fixed(instructions, i.out, all);
    }
    double total = 0.0;
    for (const Unit& unit : all) total += unit.work;
    double in_task = 0.0;
    for (Index u = 0; u < Index(all.size()); ++u) {
        if (tasks.empty() || in_task >= total * kTaskShare) {
            tasks.push_back({u, u});
            in_task = 0.0;
        }
        tasks.back().last_unit = u + 1;
        in_task += all[std::size_t(u)].work;
    }
}

double work_per_row(const Instructions& all) {
    constexpr double kElementwise = 8.0;  // of an entry that no product makes
    double work = 0.0;
    for (const auto* part : {&all.forward, &all.backward, &all.reductions}) {
        for (const Instruction& i : *part) {
            const bool is_product = i.code <= Code::kProductWeight;
            const bool sums_columns = i.code == Code::kColumnSums;
            work += (is_product ? double(i.a.columns) : kElementwise) * double(sums_columns ? i.a.columns : i.out.columns);
        }
    }
    return work;
}

}  // namespace chainrule

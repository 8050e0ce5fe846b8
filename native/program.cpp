#include "program.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "philox.hpp"
#include "simd.hpp"
#include "threads.hpp"

namespace chainrule {
namespace {

// Sizes that no result may depend on the threads through: functions of the problem alone.
constexpr Index kGroupRows = 16;             // rows whose losses are added up together
constexpr Index kMostBlockRows = 128;        // rows that go through the layers together
constexpr Index kMostPassRows = 512;         // rows in the arena at a time; a larger batch takes several passes
constexpr Index kArenaBytes = 8 << 20;       // so many bytes are enough for fewer rows, too
constexpr Index kStripRows = 48;             // fewest rows of a weight in a unit of work; many register tiles' multiple
constexpr Index kStrips = 16;                // a weight is cut into at most
constexpr double kTaskShare = 1.0 / 48;      // units smaller than this share of all work are done together
constexpr double kThreadWork = 100e3;        // multiplications and additions in a step that are worth a thread
constexpr Index kAlignment = 64;
constexpr std::uint32_t kShuffleStream = 0xffffffff;  // dropouts count from 0

template <class T>
const NetworkKernels<T>& network_kernels();
template <>
const NetworkKernels<float>& network_kernels<float>() {
    return kernels().network_float32;
}
template <>
const NetworkKernels<double>& network_kernels<double>() {
    return kernels().network_float64;
}

Index divide_up(Index n, Index by) { return (n + by - 1) / by; }
Index round_up(Index n, Index multiple) { return divide_up(n, multiple) * multiple; }

// Memory on whole cache lines, zeroed when it is new, kept when it is large enough.
template <class T>
class Buffer {
public:
    T* at_least(Index n) {
        if (n > size_) {
            memory_.assign(std::size_t(n) * sizeof(T) + kAlignment, 0);
            size_ = n;
        }
        const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
        return memory_.empty() ? nullptr
                               : reinterpret_cast<T*>(memory_.data() + (kAlignment - address % kAlignment) % kAlignment);
    }

private:
    std::vector<unsigned char> memory_;
    Index size_ = 0;
};

// What one cross-entropy makes of a batch.
struct LossRows {
    double scale = 0.0;               // coefficient over the sum of the rows' weights
    const double* weights = nullptr;  // of the batch's rows, or nullptr: all 1
};

template <class T>
struct View {
    T* data = nullptr;
    Index stride = 0;
};

// Where everything is while rows run through the instructions.
template <class T>
struct Memory {
    const T* parameters = nullptr;
    T* gradient = nullptr;
    T* fixed = nullptr;
    T* arena = nullptr;
    Index capacity = 0;             // rows that the arena has room for
    View<const T>* data = nullptr;  // rows of each data node
    const std::int64_t* labels = nullptr;
    View<const T> targets;
    const LossRows* losses = nullptr;
    Index first_row = 0;  // in the batch, of row 0 here
    const Noise* noise = nullptr;
    double* partial_losses = nullptr;  // one for each group of rows
    double* fixed_loss = nullptr;
};

template <class T>
View<T> view(const Memory<T>& memory, const Place& place, Index row) {
    switch (place.space) {
        case Space::kNone: break;
        case Space::kData: {
            const View<const T>& rows = memory.data[place.offset];
            return {const_cast<T*>(rows.data) + row * rows.stride, rows.stride};
        }
        case Space::kRows: return {memory.arena + place.offset * memory.capacity + row * place.stride, place.stride};
        case Space::kFixed: return {memory.fixed + place.offset + row * place.stride, place.stride};
        case Space::kParameter:
            return {const_cast<T*>(memory.parameters) + place.offset + row * place.stride, place.stride};
        case Space::kGradient: return {memory.gradient + place.offset + row * place.stride, place.stride};
    }
    return {};
}

// Calls run(shift, n) for runs of n neighbours that are as long as the strides allow.
template <class Run>
void for_neighbours(Index n_rows, Index n_columns, std::initializer_list<Index> strides, const Run& run) {
    const Index stride = *strides.begin();
    const bool same = std::all_of(strides.begin(), strides.end(), [&](Index other) { return other == stride; });
    if (n_rows == 0) return;
    if (same) return run(Index(0), (n_rows - 1) * stride + n_columns);
    for (Index row = 0; row < n_rows; ++row) run(row, n_columns);
}

template <class T>
Product<T> product_of(const Instruction& i, View<T> a, View<T> b, View<T> out, Index rows) {
    Product<T> product;
    product.a = a.data;
    product.b = b.data;
    product.c = out.data;
    product.c_row_stride = out.stride;
    product.accumulate = i.accumulate;
    product.n = i.out.columns;
    if (i.code == Code::kProductWeight) {  // out = a^T b, summed over the rows
        product.m = i.a.columns;
        product.k = rows;
        product.a_row_stride = 1;
        product.a_column_stride = a.stride;
        product.b_row_stride = b.stride;
        return product;
    }
    product.m = rows;
    product.k = i.a.columns;
    product.a_row_stride = a.stride;
    product.b_row_stride = b.stride;
    if (i.code == Code::kProductInput) std::swap(product.b_row_stride, product.b_column_stride);  // out = a b^T
    return product;
}

// Runs one instruction on `rows` rows from `row` on.
template <class T>
void run(const Instruction& i, const Memory<T>& memory, const Instructions& all, Index row, Index rows, void* scratch) {
    const NetworkKernels<T>& kernel = network_kernels<T>();
    const View<T> out = view(memory, i.out, row), a = view(memory, i.a, row);
    const Index columns = i.out.columns;
    const auto in_groups = [&](const auto& loss_of_rows) {  // loss_of_rows(first row here, rows)
        if (i.a.space != Space::kRows && i.a.space != Space::kData) {
            *memory.fixed_loss += loss_of_rows(Index(0), rows);
            return;
        }
        for (Index first = 0; first < rows; first += kGroupRows) {
            memory.partial_losses[(row + first) / kGroupRows] +=
                loss_of_rows(first, std::min(kGroupRows, rows - first));
        }
    };
    switch (i.code) {
        case Code::kProduct:
        case Code::kProductInput:
        case Code::kProductWeight: {
            // The weight of a product by rows is a fixed matrix: its rows are not the batch's.
            const View<T> b = view(memory, i.b, i.code == Code::kProductWeight ? row : 0);
            Product<T> product = product_of(i, a, b, i.code == Code::kProductWeight ? view(memory, i.out, 0) : out, rows);
            product.bias = i.c.space == Space::kNone ? nullptr : view(memory, i.c, 0).data;
            kernel.product(product, scratch);
            break;
        }
        case Code::kColumnSums: {
            const View<T> b = view(memory, i.b, row);
            kernel.column_sums(rows, i.a.columns, a.data, a.stride, b.data, b.stride, view(memory, i.out, 0).data,
                               i.accumulate);
            break;
        }
        case Code::kActivate:
            for_neighbours(rows, columns, {a.stride, out.stride}, [&](Index r, Index n) {
                kernel.activate(i.activation, T(i.number), a.data + r * a.stride, out.data + r * out.stride, n);
            });
            break;
        case Code::kActivateBackward: {
            const View<T> x = view(memory, i.b, row), y = view(memory, i.c, row);
            const Index x_stride = x.data == nullptr ? y.stride : x.stride;
            for_neighbours(rows, columns, {a.stride, x_stride, y.stride, out.stride}, [&](Index r, Index n) {
                kernel.activate_backward(i.activation, T(i.number), x.data == nullptr ? nullptr : x.data + r * x.stride,
                                         y.data + r * y.stride, a.data + r * a.stride, out.data + r * out.stride, n,
                                         i.accumulate);
            });
            break;
        }
        case Code::kCopy:
            if (a.data == out.data) break;
            for_neighbours(rows, columns, {a.stride, out.stride}, [&](Index r, Index n) {
                kernel.add(a.data + r * a.stride, out.data + r * out.stride, n, i.accumulate);
            });
            break;
        case Code::kScale:
            kernel.scale_columns(rows, columns, a.data, a.stride, view(memory, i.b, 0).data, out.data, out.stride,
                                 i.accumulate);
            break;
        case Code::kDropout: {
            const bool by_rows = i.a.rows == 0;
            if (memory.noise != nullptr) {
                Noise noise = *memory.noise;
                noise.stream = i.stream;
                kernel.dropout(noise, T(i.number), by_rows ? memory.first_row + row : 0, rows, columns, a.data, a.stride,
                               out.data, out.stride, i.accumulate);
            } else if (a.data != out.data) {
                for (Index r = 0; r < rows; ++r) {
                    kernel.add(a.data + r * a.stride, out.data + r * out.stride, columns, i.accumulate);
                }
            }
            break;
        }
        case Code::kSoftmax: kernel.softmax(rows, columns, a.data, a.stride, out.data, out.stride); break;
        case Code::kSoftmaxBackward: {
            const View<T> p = view(memory, i.b, row);
            kernel.softmax_backward(rows, columns, p.data, p.stride, a.data, a.stride, out.data, out.stride,
                                    i.accumulate);
            break;
        }
        case Code::kReference:
            for (Index r = 0; r < rows; ++r) {
                out.data[r * out.stride] = T(0);
                std::copy_n(a.data + r * a.stride, columns - 1, out.data + r * out.stride + 1);
            }
            break;
        case Code::kReferenceBackward:
            for (Index r = 0; r < rows; ++r) {
                kernel.add(a.data + r * a.stride + 1, out.data + r * out.stride, columns, i.accumulate);
            }
            break;
        case Code::kCrossEntropy: {
            const Loss& loss = all.losses[i.stream];
            const LossRows& scaled = memory.losses[i.stream];
            in_groups([&](Index first, Index n) {
                CrossEntropy<T> c;
                c.n_rows = n;
                c.n_classes = i.a.columns;
                c.logits = a.data + first * a.stride;
                c.stride = a.stride;
                c.scale = scaled.scale;
                c.label_smoothing = loss.label_smoothing;
                c.accumulate = i.accumulate;
                if (out.data != nullptr) {
                    c.d_logits = out.data + first * out.stride;
                    c.d_stride = out.stride;
                }
                const Index at = row + first;  // labels and targets are those of the pass, weights those of the batch
                if (scaled.weights != nullptr) c.weights = scaled.weights + memory.first_row + at;
                if (!loss.sigmoid) {
                    c.labels = memory.labels + at;
                    return kernel.softmax_cross_entropy(c);
                }
                c.targets = memory.targets.data + at * memory.targets.stride;
                c.target_stride = memory.targets.stride;
                return kernel.sigmoid_cross_entropy(c);
            });
            break;
        }
        case Code::kPenalty:
            if (out.data != nullptr) {
                for (Index r = 0; r < rows; ++r) {
                    kernel.add_scaled(T(i.number), a.data + r * a.stride, out.data + r * out.stride, i.a.columns,
                                      i.accumulate);
                }
            }
            in_groups([&](Index first, Index n) {
                double sum = 0.0;
                for (Index r = first; r < first + n; ++r) {
                    sum += kernel.sum_of_squares(a.data + r * a.stride, i.a.columns);
                }
                return 0.5 * i.number * sum;
            });
            break;
    }
}

template <class T>
std::size_t scratch_bytes(const Instructions& all) {
    std::size_t most = 0;
    for (const auto* part : {&all.forward, &all.backward, &all.reductions, &all.fixed_forward, &all.fixed_backward}) {
        for (const Instruction& i : *part) {
            if (i.code > Code::kProductWeight) continue;
            const auto stride_of = [](const Place& place) { return View<T>{nullptr, place.stride}; };
            // The rows of the batch are at most those of a pass; what a block or strip needs is no more than that.
            const Index rows = i.a.rows == 0 ? kMostPassRows : i.a.rows;
            const Product<T> product = product_of(i, stride_of(i.a), stride_of(i.b), stride_of(i.out), rows);
            most = std::max(most, network_kernels<T>().product_scratch_bytes(product));
        }
    }
    return most;
}

// Multiplications and additions per row, forward and backward.
double work_per_row(const Instructions& all) {
    double work = 0.0;
    for (const auto* part : {&all.forward, &all.backward, &all.reductions}) {
        for (const Instruction& i : *part) {
            const Index depth = i.code == Code::kProduct || i.code == Code::kProductInput ? i.a.columns
                                : i.code == Code::kProductWeight                          ? i.a.columns
                                                                                          : 8;
            work += double(depth) * double(i.code == Code::kColumnSums ? i.a.columns : i.out.columns);
        }
    }
    return work;
}

int threads_worth(double work, int n_threads) {
    const int wanted = n_threads == 0 ? default_thread_count() : n_threads;
    return int(std::clamp(work / kThreadWork, 1.0, double(wanted)));
}

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

struct Task {
    Index first_unit = 0;
    Index last_unit = 0;
};

}  // namespace

// The memory of one run, and the plan of its sums.
template <class T>
struct Workspace {
    explicit Workspace(const Instructions& all);

    Memory<T> memory_for(Index n_rows, const T* parameters, T* gradient);
    void make_scratch(int n_threads);
    void* scratch(int worker) { return scratch_[std::size_t(worker)].at_least(Index(scratch_size_)); }

    const Instructions& all;
    const NetworkKernels<T>& kernel = network_kernels<T>();
    std::vector<Unit> units;
    std::vector<Task> tasks;
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
    void cut_into_units();

    std::vector<Buffer<unsigned char>> scratch_;
    std::size_t scratch_size_;
};

template <class T>
Workspace<T>::Workspace(const Instructions& all_)
    : all(all_),
      gathered(all_.data_columns.size()),
      data(all_.data_columns.size()),
      weights(all_.losses.size()),
      losses(all_.losses.size()),
      scratch_size_(scratch_bytes<T>(all_)) {
    Index columns = all.arena_columns;
    for (const Index width : all.data_columns) columns += round_up(width, kGroupRows);
    const Index fitting = kArenaBytes / std::max<Index>(1, columns * Index(sizeof(T))) / kMostBlockRows * kMostBlockRows;
    pass_rows = std::clamp(fitting, kMostBlockRows, kMostPassRows);
    cut_into_units();
    unit_losses.resize(units.size());
    unit_squares.resize(units.size());
}

template <class T>
void Workspace<T>::cut_into_units() {
    const auto sums_into = [&](Space space, Index offset) {
        std::vector<const Instruction*> found;
        for (const Instruction& i : all.reductions) {
            if (i.out.space == space && i.out.offset == offset) found.push_back(&i);
        }
        return found;
    };
    double work = 0.0;
    for (const Parameter& parameter : all.parameters) {
        const Index strip = std::max(kStripRows, round_up(divide_up(parameter.rows, kStrips), kStripRows));
        const auto sums = sums_into(Space::kGradient, parameter.offset);
        for (Index first = 0; first < parameter.rows; first += strip) {
            Unit unit;
            unit.sums = sums;
            unit.first = first;
            unit.rows = std::min(strip, parameter.rows - first);
            unit.parameter = &parameter;
            unit.work = double(unit.flat_size()) + 64.0;
            work += unit.work;
            units.push_back(unit);
        }
    }
    std::vector<Index> seen;
    for (const Instruction& i : all.reductions) {
        if (i.out.space != Space::kFixed || std::count(seen.begin(), seen.end(), i.out.offset) > 0) continue;
        seen.push_back(i.out.offset);
        Unit unit;
        unit.sums = sums_into(Space::kFixed, i.out.offset);
        unit.rows = i.out.rows;
        unit.work = double(i.out.rows * i.out.columns) + 64.0;
        work += unit.work;
        units.push_back(unit);
    }
    double in_task = 0.0;
    for (Index u = 0; u < Index(units.size()); ++u) {
        if (tasks.empty() || in_task >= work * kTaskShare) {
            tasks.push_back({u, u});
            in_task = 0.0;
        }
        tasks.back().last_unit = u + 1;
        in_task += units[std::size_t(u)].work;
    }
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

namespace {

// Rows first .. first + n of `rows`, or of the rows that `order` names, as neighbours at `to`.
template <class T>
void gather(const DataRows<T>& rows, const std::int64_t* order, Index first, Index n, Index columns, T* to, Index stride) {
    for (Index i = 0; i < n; ++i, to += stride) {
        const Index row = order == nullptr ? first + i : Index(order[first + i]);
        if (rows.row_starts != nullptr) {
            std::fill_n(to, columns, T(0));
            for (std::int64_t at = rows.row_starts[row]; at < rows.row_starts[row + 1]; ++at) {
                to[rows.columns[at]] += rows.data[at];
            }
        } else if (rows.column_stride == 1) {
            std::copy_n(rows.data + row * rows.row_stride, columns, to);
        } else {
            const T* from = rows.data + row * rows.row_stride;
            for (Index j = 0; j < columns; ++j) to[j] = from[j * rows.column_stride];
        }
    }
}

template <class T>
bool are_neighbours(const DataRows<T>& rows) {
    return rows.row_starts == nullptr && rows.column_stride == 1;
}

// Some rows of the examples as one batch, in the order given.
template <class T>
struct Batch {
    const Examples<T>& examples;
    const std::int64_t* order;  // nullptr: as they stand
    Index first;                // in the order
    Index n_rows;

    Index row(Index i) const { return order == nullptr ? first + i : Index(order[first + i]); }
};

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
    team.run(Index(work.tasks.size()), [&](Index t, int worker) {
        const Task& task = work.tasks[std::size_t(t)];
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
            sum_unit(work.units[u], pass, work.all, is_first, rows, work.scratch(worker));
        });
    });
    if (!std::isfinite(loss)) return loss;
    loss += batch_run.run_fixed_backward();
    for_units(work, team, [&](std::size_t u, int) {
        const Unit& unit = work.units[u];
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
        if (work.units[u].parameter == nullptr) return;
        Update<T> update = update_of(work.units[u], state, optimizer);
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
            const Unit& unit = work.units[u];
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
    const int threads = threads_worth(double(rows.n_rows) * work_per_row(all), n_threads);
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
    const int threads = threads_worth(double(examples.n_rows) * work_per_row(instructions_), n_threads);
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
    const double work_per_step = double(schedule.batch_size) * work_per_row(instructions_);
    const int threads = threads_worth(work_per_step, n_threads);
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
            const Batch<T> batch{examples, schedule.order, first, rows};
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

void shuffle(std::uint64_t seed, std::uint64_t epoch, Index n, std::int64_t* order) {
    for (Index i = 0; i < n; ++i) order[i] = i;
    const Philox random{seed, kShuffleStream, epoch};
    // Fisher and Yates, from the end; two numbers of 64 bits a block. Of n < 2^40 places each is off by less than 2^-24
    // of its probability.
    Philox::Block block{};
    for (Index i = n - 1, drawn = 0; i > 0; --i, ++drawn) {
        if (drawn % 2 == 0) block = random.block(std::uint32_t(drawn / 2));
        const std::uint64_t high = block.word[drawn % 2 * 2], low = block.word[drawn % 2 * 2 + 1];
        const unsigned __int128 product = static_cast<unsigned __int128>(high << 32 | low) * std::uint64_t(i + 1);
        std::swap(order[i], order[std::size_t(product >> 64)]);
    }
}

}  // namespace chainrule

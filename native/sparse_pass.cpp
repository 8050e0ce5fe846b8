#include "sparse_pass.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "aligned_memory.hpp"
#include "simd.hpp"
#include "threads.hpp"

namespace chainrule {
namespace {

constexpr Index kMinTaskWork = 1 << 17;  // multiply-adds of a task, so that handing it out costs little
constexpr Index kMaxTasks = 64;
constexpr Index kBlockRows = 96;  // whose logits the row functions take at a time
constexpr Index kHeldNumbers = 2048;  // of a product, on their way to where they belong

template <class Value, class Position>
const SparseKernels<Value, Position>& kernels_for() {
    const KernelTable& all = kernels();
    if constexpr (std::is_same_v<Value, float>) {
        if constexpr (sizeof(Position) == 4) return all.sparse_float32_int32;
        else return all.sparse_float32_int64;
    } else {
        if constexpr (sizeof(Position) == 4) return all.sparse_float64_int32;
        else return all.sparse_float64_int64;
    }
}

Index divide_up(Index n, Index by) { return (n + by - 1) / by; }

// Rows cut into parts of about equal work; where depends on the matrix alone.
template <class Position>
std::vector<Index> cut_rows(const Position* starts, Index n_rows, Index n_columns) {
    const auto work_until = [&](Index row) { return (Index(starts[row]) + 4 * row) * n_columns; };
    const Index total = work_until(n_rows);
    const Index n_parts = std::clamp<Index>(total / kMinTaskWork, 1, std::min(kMaxTasks, std::max<Index>(1, n_rows)));
    std::vector<Index> cuts{0};
    for (Index part = 1; part < n_parts; ++part) {
        Index low = cuts.back(), high = n_rows;
        while (low < high) {
            const Index middle = (low + high) / 2;
            if (work_until(middle) < total / n_parts * part) low = middle + 1;
            else high = middle;
        }
        cuts.push_back(low);
    }
    cuts.push_back(n_rows);
    return cuts;
}

// Runs task(part, worker) for the parts of the rows.
template <class Task>
void for_parts(const std::vector<Index>& cuts, int n_threads, const Task& task) {
    parallel_for(Index(cuts.size()) - 1, n_threads, [&](Index part, int worker) { task(part, worker); });
}

// Columns of what the kernels read: one, or at least a vector.
Index padded_columns(Index n_columns) {
    return n_columns <= 1 ? 1 : std::max<Index>(n_columns, kernels().sparse_rows.lanes);
}

bool is_read_in_place(const Matrix<const double>& dense, Index n_columns) {
    return dense.column_stride == 1 && n_columns >= kernels().sparse_rows.lanes;
}

// use(row, numbers) for each row of matrix times dense, while its numbers are in the first-level cache.
template <class Value, class Position, class Use>
void for_product_rows(const SparseMatrix<Value, Position>& matrix, Index n_rows, const DenseRows<const double>& dense,
                      int n_threads, const Use& use) {
    const Index held_rows = std::clamp<Index>(kHeldNumbers / dense.columns, 1, kHeldNumbers);
    const Index held = divide_up(held_rows * dense.columns, 8) * 8;
    const AlignedMemory memory(std::size_t(held * n_threads) * sizeof(double));
    const std::vector<Index> cuts = cut_rows(matrix.starts, n_rows, dense.columns);
    for_parts(cuts, n_threads, [&](Index part, int worker) {
        const DenseRows<double> product{memory.as<double>() + worker * held, dense.columns, dense.columns};
        const Index end = cuts[std::size_t(part) + 1];
        for (Index first = cuts[std::size_t(part)]; first < end; first += held_rows) {
            const Index last = std::min(first + held_rows, end);
            kernels_for<Value, Position>().multiply(matrix, first, last, dense, nullptr, product);
            for (Index i = first; i < last; ++i) use(i, product.data + (i - first) * product.stride);
        }
    });
}

}  // namespace

template <class Position>
void check_sparse(const char* name, const Position* starts, Index n_rows, const Position* indices, Index n_entries,
                  Index n_columns, int n_threads) {
    const auto refuse = [&](const std::string& why) { throw std::invalid_argument(std::string(name) + why); };
    if (Index(starts[0]) != 0 || Index(starts[n_rows]) != n_entries) {
        refuse(": indptr must begin with 0 and end with the number of entries, " + std::to_string(n_entries) + ".");
    }
    for (Index i = 0; i < n_rows; ++i) {
        if (starts[i] > starts[i + 1]) refuse(": indptr[" + std::to_string(i + 1) + "] is less than the one before it; it must climb.");
    }
    const Index n_parts = std::clamp<Index>(n_entries >> 18, 1, kMaxTasks);
    std::vector<Index> bad_of_part(std::size_t(n_parts), -1);
    parallel_for(n_parts, n_threads, [&](Index part, int) {
        const Index begin = part * n_entries / n_parts, end = (part + 1) * n_entries / n_parts;
        const auto fits = [&](Position index) { return std::uint64_t(index) < std::uint64_t(n_columns); };
        bool all_fit = true;  // in a loop without a way out, which the compiler turns into vectors
        for (Index p = begin; p < end; ++p) all_fit &= fits(indices[p]);
        if (all_fit) return;
        bad_of_part[std::size_t(part)] = std::find_if_not(indices + begin, indices + end, fits) - indices;
    });
    for (const Index at : bad_of_part) {
        if (at < 0) continue;
        const Index row = Index(std::upper_bound(starts, starts + n_rows + 1, Position(at)) - starts) - 1;
        refuse(": row " + std::to_string(row) + " has an entry in column " + std::to_string(indices[at]) +
               ", but columns must lie in 0.." + std::to_string(n_columns - 1) + ".");
    }
}

template <class Value, class Position>
void sparse_product(const SparseMatrix<Value, Position>& matrix, Index n_rows, const Matrix<const double>& dense,
                    Index n_dense, Index n_columns, double* out, int n_threads) {
    const bool in_place = is_read_in_place(dense, n_columns);
    const Index columns = padded_columns(n_columns);
    const AlignedMemory copy(in_place ? 0 : std::size_t(std::max<Index>(1, n_dense) * columns) * sizeof(double));
    if (!in_place) {
        double* to = copy.as<double>();
        for (Index j = 0; j < n_dense; ++j) {
            for (Index c = 0; c < columns; ++c, ++to) {
                *to = c < n_columns ? dense.data[j * dense.row_stride + c * dense.column_stride] : 0.0;
            }
        }
    }
    const DenseRows<const double> from = in_place ? DenseRows<const double>{dense.data, dense.row_stride, columns}
                                                  : DenseRows<const double>{copy.as<double>(), columns, columns};
    for_product_rows(matrix, n_rows, from, n_threads,
                     [&](Index i, const double* row) { std::copy_n(row, n_columns, out + i * n_columns); });
}

template <class Value, class Position>
SoftmaxSums run_sparse_pass(RowFunction function, const SoftmaxProblem<double>& problem,
                            const SparseMatrix<Value, Position>& rows,
                            const SparseMatrix<Value, Position>& by_column, AlignedMemory& memory, int n_threads) {
    const SparseRowFunctions& functions = kernels().sparse_rows;
    const SparseKernels<Value, Position>& products = kernels_for<Value, Position>();
    SoftmaxPass<double> pass = row_pass(function, problem);
    PassShape& shape = pass.shape;
    shape.block_rows = kBlockRows;
    // Weights of enough classes are read where they are, and both products have a column for the reference class too,
    // whose logit is subtracted afterwards. Else they are copied, less the reference class's.
    const bool in_place = is_read_in_place(problem.weights, problem.n_columns);
    const Index n_columns = in_place ? problem.n_columns : shape.n_outputs;
    const Index columns = padded_columns(n_columns);
    const Index first_column = problem.n_columns - n_columns;  // of the products, in the caller's weights

    const Index copy_size = in_place ? 0 : divide_up(problem.n_features * columns, 8) * 8;
    const std::size_t bytes = std::size_t(copy_size + shape.n_rows * columns) * sizeof(double);
    if (memory.bytes() < bytes) memory = AlignedMemory(bytes);
    double* copy = memory.as<double>();
    const DenseRows<double> logits{copy + copy_size, columns, columns};
    constexpr Index kRange = 4096;
    parallel_for(in_place ? 0 : divide_up(problem.n_features, kRange), n_threads, [&](Index range, int) {
        for (Index j = range * kRange; j < std::min((range + 1) * kRange, problem.n_features); ++j) {
            const double* row = problem.weights.data + j * problem.weights.row_stride;
            const double reference = first_column > 0 ? row[0] : 0.0;
            double* to = copy + j * columns;
            for (Index c = 0; c < n_columns; ++c) {
                to[c] = row[(first_column + c) * problem.weights.column_stride] - reference;
            }
            std::fill(to + n_columns, to + columns, 0.0);
        }
    });
    const DenseRows<const double> weights{in_place ? problem.weights.data : copy,
                                          in_place ? problem.weights.row_stride : columns, columns};
    std::vector<double> bias(std::size_t(columns), 0.0);
    for (Index c = 0; c < n_columns; ++c) {
        bias[std::size_t(c)] =
            problem.bias[(first_column + c) * problem.bias_stride] - (first_column > 0 ? problem.bias[0] : 0.0);
    }

    const std::vector<Index> cuts = cut_rows(rows.starts, shape.n_rows, columns);
    const Index n_parts = Index(cuts.size()) - 1;
    std::vector<ChunkSums> parts(static_cast<std::size_t>(n_parts));
    std::vector<double> bias_sums(std::size_t(n_parts * shape.n_outputs), 0.0);
    const std::size_t scratch_bytes = std::size_t(divide_up(Index(functions.scratch_bytes(pass)), 4096) * 4096 + 64);
    const AlignedMemory scratch(scratch_bytes * std::size_t(n_threads));
    for_parts(cuts, n_threads, [&](Index part, int worker) {
        ChunkSums& sums = parts[std::size_t(part)];
        sums.bias_sums = bias_sums.data() + part * shape.n_outputs;
        const Index first = cuts[std::size_t(part)], last = cuts[std::size_t(part) + 1];
        products.multiply(rows, first, last, weights, bias.data(), {logits.data + first * columns, columns, columns});
        functions.apply(pass, logits, n_columns > shape.n_outputs, first, last,
                        scratch.as<char>() + scratch_bytes * std::size_t(worker), sums);
    });
    SoftmaxSums sums;
    for (const ChunkSums& part : parts) {
        if (part.bad_label_row >= 0) throw_bad_label(problem, shape.n_classes, part.bad_label_row);
        sums.loss += part.loss;
    }
    if (!pass.has_gradient) return sums;

    const Index first_output = problem.n_columns - shape.n_outputs;
    sums.bias_gradient.assign(std::size_t(problem.n_columns), 0.0);
    for (Index part = 0; part < n_parts; ++part) {
        for (Index c = 0; c < shape.n_outputs; ++c) {
            const double sum = bias_sums[std::size_t(part * shape.n_outputs + c)];
            sums.bias_gradient[std::size_t(first_output + c)] += sum;
            if (first_output > 0) sums.bias_gradient[0] -= sum;
        }
    }
    sums.weight_gradient.resize(std::size_t(problem.n_features * problem.n_columns));
    const DenseRows<const double> d_logits{logits.data, columns, columns};
    for_product_rows(by_column, problem.n_features, d_logits, n_threads, [&](Index j, const double* row) {
        double* to = sums.weight_gradient.data() + j * problem.n_columns;
        std::copy_n(row, n_columns, to + first_column);
        if (first_column > 0) to[0] = 0.0 - std::accumulate(row, row + n_columns, 0.0);
    });
    return sums;
}

#define CHAINRULE_SPARSE(Value, Position)                                                                            \
    template void sparse_product(const SparseMatrix<Value, Position>&, Index, const Matrix<const double>&, Index,    \
                                 Index, double*, int);                                                               \
    template SoftmaxSums run_sparse_pass(RowFunction, const SoftmaxProblem<double>&,                                 \
                                         const SparseMatrix<Value, Position>&, const SparseMatrix<Value, Position>&, \
                                         AlignedMemory&, int);
CHAINRULE_SPARSE(float, std::int32_t)
CHAINRULE_SPARSE(float, std::int64_t)
CHAINRULE_SPARSE(double, std::int32_t)
CHAINRULE_SPARSE(double, std::int64_t)
#undef CHAINRULE_SPARSE
template void check_sparse(const char*, const std::int32_t*, Index, const std::int32_t*, Index, Index, int);
template void check_sparse(const char*, const std::int64_t*, Index, const std::int64_t*, Index, Index, int);

}  // namespace chainrule

#include "softmax_pass.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "aligned_memory.hpp"
#include "simd.hpp"
#include "threads.hpp"

namespace chainrule {
namespace {

constexpr Index kBlockBytes = 192 * 1024;     // of rows: a block and the next one fit in a second-level cache of 512 KB
constexpr Index kMinBlockRows = 16;           // also the granule: whole vectors at every level
constexpr Index kMaxBlockRows = 96;           // of few features: what fits in the first-level cache
constexpr Index kMinChunkWork = 1 << 18;      // multiply-adds of a chunk, so that handing it out costs little
constexpr Index kMinChunkRows = 256;          // likewise its sums, which are set to 0 and added to the others'
constexpr Index kAlwaysChunks = 8;            // but not at the price of idle threads
constexpr Index kMaxChunks = 64;
constexpr Index kMaxChunkBytes = 256 << 20;   // memory of all chunks' sums

template <class T>
const SoftmaxKernels<T>& kernels_for() {
    if constexpr (sizeof(T) == 4) {
        return kernels().softmax_float32;
    } else {
        return kernels().softmax_float64;
    }
}

Index divide_up(Index n, Index by) { return (n + by - 1) / by; }

// The caller's arrays may lie at any address.
template <class T>
T read_element(const T* at) {
    T value;
    std::memcpy(&value, at, sizeof(T));
    return value;
}

template <class X>
PassShape shape_of(PassShape shape, const Matrix<const X>& rows, Index lanes) {
    const bool aligned = reinterpret_cast<std::uintptr_t>(rows.data) % alignof(X) == 0;
    const bool packs = shape.n_features > 0 && (rows.column_stride != 1 || shape.n_features < lanes || !aligned);
    shape.width = packs ? divide_up(shape.n_features, lanes) * lanes : shape.n_features;
    if (packs) {
        shape.packed_stride = shape.width;
        // Rows a multiple of 4 KB apart would all compete for the same few cache lines.
        if (shape.packed_stride * Index(sizeof(X)) % 4096 == 0) shape.packed_stride += 64 / Index(sizeof(X));
    }
    const Index row_bytes = std::max<Index>(1, shape.width * Index(sizeof(X)));
    const Index in_cache = kBlockBytes / row_bytes / kMinBlockRows * kMinBlockRows;
    shape.block_rows = std::clamp(in_cache, kMinBlockRows, kMaxBlockRows);
    return shape;
}

Index chunk_count(const PassShape& shape) {
    const Index n_blocks = divide_up(shape.n_rows, shape.block_rows);
    const Index row_work = (shape.n_features + 8) * (shape.n_outputs + 1);
    const Index by_work = shape.n_rows * row_work / kMinChunkWork;
    const Index sum_bytes = std::max<Index>(1, shape.n_outputs * (shape.width + 1) * Index(sizeof(double)));
    const Index by_memory = std::max<Index>(2, kMaxChunkBytes / sum_bytes);
    const Index by_rows = std::max(kAlwaysChunks, shape.n_rows / kMinChunkRows);
    return std::max<Index>(1, std::min({n_blocks, by_work, by_rows, by_memory, kMaxChunks}));
}

// Weights in the order in which the forward product reads them: by tile of classes, by step of `lanes` features,
// by class of the tile. The last step of rows that are no multiple of the lanes ends with the row (see Steps in
// kernels/forward.hpp): lanes an earlier step has read weigh 0. A reference class 0 has its weights subtracted.
template <class T>
void pack_weights(const SoftmaxProblem<T>& problem, const PassShape& shape, const SoftmaxKernels<T>& kernels,
                  T* packed, T* bias) {
    const Index lanes = kernels.lanes;
    const Index n_steps = divide_up(shape.width, lanes);
    const Index n_tiles = class_tile_count(shape.n_outputs, kernels.max_class_tile);
    const Index first_column = problem.n_columns - shape.n_outputs;
    const Matrix<const T>& w = problem.weights;
    const auto relative_to_reference = [&](const T* row, Index column, Index stride) {
        const T value = read_element(row + column * stride);
        return first_column == 0 ? value : T(double(value) - double(read_element(row)));
    };
    for (Index tile = 0; tile < n_tiles; ++tile) {
        const Index begin = class_tile_begin(tile, shape.n_outputs, n_tiles);
        const Index end = class_tile_begin(tile + 1, shape.n_outputs, n_tiles);
        for (Index step = 0; step < n_steps; ++step) {
            const Index feature = std::min(step * lanes, shape.width - lanes);
            for (Index c = begin; c < end; ++c) {
                for (Index lane = 0; lane < lanes; ++lane, ++packed) {
                    const Index j = feature + lane;
                    const bool counts = j >= step * lanes && j < shape.n_features;
                    const T* row = w.data + j * w.row_stride;
                    *packed = counts ? relative_to_reference(row, first_column + c, w.column_stride) : T(0);
                }
            }
        }
    }
    for (Index c = 0; c < shape.n_outputs; ++c) {
        bias[c] = relative_to_reference(problem.bias, first_column + c, problem.bias_stride);
    }
}

// The chunks' sums, added in the order of the chunks, into the caller's layout: a column per column of W. The reference
// class's column is minus the sum of the others.
template <class T>
SoftmaxSums add_chunks(const SoftmaxProblem<T>& problem, const PassShape& shape, Index lanes,
                       const std::vector<ChunkSums>& chunks, int n_threads) {
    SoftmaxSums sums;
    const Index padded_width = divide_up(shape.width, lanes) * lanes;
    // Features from here on lie in a last vector that ends with the row: its first lanes repeat earlier features.
    const Index last_begin = std::max<Index>(0, padded_width - lanes);
    const Index repeated = padded_width - shape.width;
    const Index first_column = problem.n_columns - shape.n_outputs;
    sums.weight_gradient.assign(std::size_t(shape.n_features * problem.n_columns), 0.0);
    sums.bias_gradient.resize(std::size_t(problem.n_columns));
    for (const ChunkSums& chunk : chunks) sums.loss += chunk.loss;

    const auto add_feature_range = [&](Index begin, Index end) {
        std::vector<double> totals(static_cast<std::size_t>(end - begin));
        for (Index c = 0; c < shape.n_outputs; ++c) {
            std::fill(totals.begin(), totals.end(), 0.0);
            for (const ChunkSums& chunk : chunks) {
                const double* from = chunk.weight_sums + c * padded_width;
                double* to = totals.data() - begin;
                for (Index j = begin; j < std::min(end, last_begin); ++j) to[j] += from[j];
                for (Index j = std::max(begin, last_begin); j < end; ++j) to[j] += from[j + repeated];
            }
            for (Index j = begin; j < end; ++j) {
                double* row = sums.weight_gradient.data() + j * problem.n_columns;
                row[first_column + c] = totals[std::size_t(j - begin)];
                if (first_column > 0) row[0] -= totals[std::size_t(j - begin)];
            }
        }
    };
    constexpr Index kRange = 128;
    const bool is_much = Index(chunks.size()) * shape.n_outputs * padded_width > 100'000;
    parallel_for(divide_up(shape.n_features, kRange), is_much ? n_threads : 1, [&](Index range, int) {
        add_feature_range(range * kRange, std::min((range + 1) * kRange, shape.n_features));
    });
    for (Index c = 0; c < shape.n_outputs; ++c) {
        double total = 0.0;
        for (const ChunkSums& chunk : chunks) total += chunk.bias_sums[c];
        sums.bias_gradient[std::size_t(first_column + c)] = total;
        if (first_column > 0) sums.bias_gradient[0] -= total;
    }
    return sums;
}

}  // namespace

template <class T>
void throw_bad_label(const SoftmaxProblem<T>& problem, Index n_classes, Index row) {
    const std::int64_t label = read_element(problem.labels + row * problem.label_stride);
    throw std::invalid_argument("labels[" + std::to_string(row) + "] is " + std::to_string(label) + ", but there are " +
                                std::to_string(n_classes) + " classes: labels must lie in 0.." +
                                std::to_string(n_classes - 1) + ".");
}

template <class T>
SoftmaxPass<T> row_pass(RowFunction function, const SoftmaxProblem<T>& problem) {
    SoftmaxPass<T> pass;
    pass.function = function;
    pass.has_gradient = function == RowFunction::kCrossEntropy || function == RowFunction::kHessianProduct;
    pass.shape.n_rows = problem.n_rows;
    pass.shape.n_features = problem.n_features;
    const bool bare = function == RowFunction::kLogits;
    pass.shape.n_classes = problem.n_columns + (problem.reference_logit && !bare ? 1 : 0);
    pass.shape.n_outputs = bare ? pass.shape.n_classes : pass.shape.n_classes - 1;
    pass.labels = problem.labels;
    pass.label_stride = problem.label_stride;
    pass.weights = problem.row_weights;
    pass.weight_stride = problem.row_weight_stride;
    pass.label_smoothing = T(problem.label_smoothing);
    pass.given_probabilities = problem.given_probabilities;
    const Index left_out = problem.given_columns - pass.shape.n_outputs;
    pass.given_probabilities.data += left_out * problem.given_probabilities.column_stride;
    pass.row_output = problem.row_output;
    pass.output_columns = problem.output_columns;
    return pass;
}

template <class T>
SoftmaxSums run_softmax_pass(RowFunction function, const SoftmaxProblem<T>& problem, int n_threads) {
    const SoftmaxKernels<T>& kernels = kernels_for<T>();
    SoftmaxPass<T> pass = row_pass(function, problem);
    const bool narrow = problem.narrow_rows.data != nullptr;
    pass.shape = narrow ? shape_of(pass.shape, problem.narrow_rows, kernels.lanes)
                        : shape_of(pass.shape, problem.rows, kernels.lanes);
    const PassShape& shape = pass.shape;
    pass.rows = problem.rows;
    pass.narrow_rows = problem.narrow_rows;

    const Index padded_width = divide_up(shape.width, kernels.lanes) * kernels.lanes;
    const AlignedMemory packed(std::size_t(shape.n_outputs * (padded_width + 1)) * sizeof(T));
    T* bias = packed.as<T>() + shape.n_outputs * padded_width;
    pack_weights(problem, shape, kernels, packed.as<T>(), bias);
    pass.packed_weights = packed.as<T>();
    pass.bias = bias;

    const Index n_chunks = chunk_count(shape);
    const Index n_blocks = divide_up(shape.n_rows, shape.block_rows);
    const Index chunk_sums = divide_up(shape.n_outputs * (padded_width + 1), 8) * 8;
    const AlignedMemory sums_memory(pass.has_gradient ? std::size_t(n_chunks * chunk_sums) * sizeof(double) : 0);
    std::vector<ChunkSums> chunks(static_cast<std::size_t>(n_chunks));

    const int threads = int(std::min<Index>(n_threads > 0 ? n_threads : default_thread_count(), n_chunks));
    const std::size_t scratch_bytes = divide_up(Index(kernels.scratch_bytes(pass)), 4096) * 4096 + 64;
    const AlignedMemory scratch(scratch_bytes * std::size_t(threads));
    parallel_for(n_chunks, threads, [&](Index index, int worker) {
        ChunkSums& chunk = chunks[std::size_t(index)];
        if (pass.has_gradient) {
            chunk.weight_sums = sums_memory.as<double>() + index * chunk_sums;
            chunk.bias_sums = chunk.weight_sums + shape.n_outputs * padded_width;
            std::fill(chunk.weight_sums, chunk.weight_sums + chunk_sums, 0.0);
        }
        const Index first = index * n_blocks / n_chunks * shape.block_rows;
        const Index last = std::min((index + 1) * n_blocks / n_chunks * shape.block_rows, shape.n_rows);
        kernels.run_rows(pass, first, last, scratch.as<char>() + scratch_bytes * std::size_t(worker), chunk);
    });
    for (const ChunkSums& chunk : chunks) {
        if (chunk.bad_label_row >= 0) throw_bad_label(problem, shape.n_classes, chunk.bad_label_row);
    }
    return pass.has_gradient ? add_chunks(problem, shape, kernels.lanes, chunks, threads) : SoftmaxSums{};
}

template <class T>
double read_sum(const T* data, Index n, int n_threads) {
    const Index n_chunks = std::clamp<Index>(n / (1 << 16), 1, kMaxChunks);
    std::vector<double> sums(static_cast<std::size_t>(n_chunks));
    parallel_for(n_chunks, n_threads > 0 ? n_threads : default_thread_count(), [&](Index index, int) {
        const Index first = index * n / n_chunks;
        sums[std::size_t(index)] = kernels_for<T>().read_sum(data + first, (index + 1) * n / n_chunks - first);
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

template void throw_bad_label(const SoftmaxProblem<double>&, Index, Index);
template SoftmaxPass<double> row_pass(RowFunction, const SoftmaxProblem<double>&);
template SoftmaxSums run_softmax_pass(RowFunction, const SoftmaxProblem<float>&, int);
template SoftmaxSums run_softmax_pass(RowFunction, const SoftmaxProblem<double>&, int);
template double read_sum(const float*, Index, int);
template double read_sum(const double*, Index, int);

}  // namespace chainrule

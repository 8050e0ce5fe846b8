#include "curvature.hpp"

#include <algorithm>

#include "aligned_memory.hpp"
#include "simd.hpp"
#include "threads.hpp"

namespace chainrule {
namespace {

constexpr Index kRowsBytes = 192 * 1024;    // of centred and weighted rows: half of a second-level cache
constexpr Index kMinBlockRows = 128;        // beyond the cache rather than sums written for few rows at a time
constexpr Index kGroupColumns = 256;        // of one product, so that it is worth its call
constexpr Index kMinTaskWork = 1 << 21;     // multiply-adds
constexpr Index kMinChunkRows = 512;         // so that a chunk's sums are written for many rows each
constexpr Index kMaxTasks = 64;
constexpr Index kMaxChunkBytes = 256 << 20;  // memory of all chunks' sums

template <class T>
const CurvatureKernels<T>& kernels_for() {
    if constexpr (sizeof(T) == 4) {
        return kernels().curvature_float32;
    } else {
        return kernels().curvature_float64;
    }
}

Index divide_up(Index n, Index by) { return (n + by - 1) / by; }

}  // namespace

template <class T>
std::vector<double> add_up_curvature(CurvatureSums<T> sums, Index n_rows, Index n_blocks, int n_threads) {
    const CurvatureKernels<T>& kernels = kernels_for<T>();
    const Index width = sums.width;
    const Index block_columns = sums.diagonals ? 1 : width;
    const Index total = n_blocks * width * block_columns;
    std::vector<double> result(static_cast<std::size_t>(total));
    if (total == 0) return result;

    sums.group_blocks = std::clamp<Index>(kGroupColumns / block_columns, 1, n_blocks);
    const Index n_groups = divide_up(n_blocks, sums.group_blocks);
    const Index row_bytes = (width + sums.group_blocks * block_columns) * Index(sizeof(T));
    sums.block_rows = std::clamp<Index>(kRowsBytes / row_bytes / 8 * 8, kMinBlockRows, 256);
    const Index by_work = n_rows * total / n_groups / kMinTaskWork;
    const Index by_memory = std::max<Index>(2, kMaxChunkBytes / (total * Index(sizeof(T))));
    const Index by_rows = divide_up(n_rows, kMinChunkRows);
    const Index n_chunks = std::max<Index>(
        1, std::min({by_work, by_memory, by_rows, std::max<Index>(1, kMaxTasks / n_groups)}));

    const AlignedMemory totals(std::size_t(n_chunks * total) * sizeof(T));
    std::fill(totals.as<T>(), totals.as<T>() + n_chunks * total, T(0));
    const int threads = int(std::min<Index>(n_threads, n_chunks * n_groups));
    const std::size_t scratch_bytes = std::size_t(divide_up(Index(kernels.scratch_bytes(sums)), 4096) * 4096 + 64);
    const AlignedMemory scratch(scratch_bytes * std::size_t(threads));
    const Index n_row_blocks = divide_up(n_rows, sums.block_rows);
    parallel_for(n_chunks * n_groups, threads, [&](Index task, int worker) {
        const Index chunk = task / n_groups, group = task % n_groups;
        const Index begin = group * sums.group_blocks;
        const Index end = std::min(begin + sums.group_blocks, n_blocks);
        const Index first = chunk * n_row_blocks / n_chunks * sums.block_rows;
        const Index last = std::min((chunk + 1) * n_row_blocks / n_chunks * sums.block_rows, n_rows);
        T* to = totals.as<T>() + chunk * total + begin * width * block_columns;
        kernels.add(sums, first, last, begin, end, scratch.as<char>() + scratch_bytes * std::size_t(worker), to);
    });

    parallel_for(n_groups, threads, [&](Index group, int) {
        const Index begin = group * sums.group_blocks;
        const Index in_group = std::min(sums.group_blocks, n_blocks - begin);
        for (Index chunk = 0; chunk < n_chunks; ++chunk) {
            const T* from = totals.as<T>() + chunk * total + begin * width * block_columns;
            for (Index i = 0; i < width; ++i) {
                for (Index b = 0; b < in_group; ++b) {
                    double* to = sums.diagonals ? result.data() + i * n_blocks + begin + b
                                                : result.data() + ((begin + b) * width + i) * width;
                    for (Index j = 0; j < block_columns; ++j) to[j] += double(*from++);
                }
            }
        }
        if (sums.diagonals) return;
        for (Index b = begin; b < begin + in_group; ++b) {
            double* block = result.data() + b * width * width;
            for (Index i = 0; i < width; ++i) {
                for (Index j = i + 1; j < width; ++j) block[j * width + i] = block[i * width + j];
            }
        }
    });
    return result;
}

template std::vector<double> add_up_curvature(CurvatureSums<float>, Index, Index, int);
template std::vector<double> add_up_curvature(CurvatureSums<double>, Index, Index, int);

}  // namespace chainrule

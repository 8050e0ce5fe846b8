// Z = X W + b of a block of rows: lanes along features, a tile of rows x classes of sums in registers.
#pragma once

#include "block.hpp"

namespace chainrule::CHAINRULE_LEVEL {

// Steps of one vector each along the features. If the width is no multiple of the lanes, the last step reads the last
// `lanes` features of the same row; the weights there are zero where an earlier step has been.
struct Steps {
    Index first;
    Index last;
    Index overlap_step;    // the step that reads at overlap_offset, or -1
    Index overlap_offset;
};

template <class T, class X, int R, int C>
CHAINRULE_TILE forward_tile(const Block<X>& block, Index first_row, Index last_row, Steps steps, const T* w,
                         const T* bias, T* z, Index z_stride, Prefetch& shared_prefetch) {
    constexpr int N = kLanes<T>;
    Prefetch prefetch = shared_prefetch;  // a copy is kept in registers
    const bool overlaps = steps.overlap_step >= steps.first && steps.overlap_step < steps.last;
    const Index whole_end = overlaps ? steps.overlap_step : steps.last;
    for (Index i = first_row; i < last_row; i += R) {
        const X* x[R];
        CHAINRULE_UNROLL
        for (int r = 0; r < R; ++r) x[r] = block.rows + smaller(i + r, last_row - 1) * block.stride;
        Vector<T> sums[R][C];
        CHAINRULE_UNROLL
        for (int r = 0; r < R; ++r) {
            CHAINRULE_UNROLL
            for (int c = 0; c < C; ++c) sums[r][c] = Vector<T>{};
        }
        const auto step = [&](Index offset, const T* w_step) {
            prefetch.turn();
            Vector<T> ws[C];  // with R x C sums and one x, 16 registers at 4 x 3
            CHAINRULE_UNROLL
            for (int c = 0; c < C; ++c) {
                ws[c] = load<T>(w_step + c * N);
                keep_in_register(ws[c]);
            }
            CHAINRULE_UNROLL
            for (int r = 0; r < R; ++r) {
                Vector<T> x_row = load_as<T>(x[r] + offset);
                keep_in_register(x_row);
                CHAINRULE_UNROLL
                for (int c = 0; c < C; ++c) sums[r][c] += x_row * ws[c];
            }
        };
        const T* w_step = w + steps.first * C * N;
        for (Index s = steps.first; s < whole_end; ++s, w_step += C * N) step(s * N, w_step);
        if (overlaps) step(steps.overlap_offset, w_step);
        CHAINRULE_UNROLL
        for (int c = 0; c < C; ++c) {
            CHAINRULE_UNROLL
            for (int r = 0; r < R; r += 4) {
                T* to = z + c * z_stride + i + r;
                auto total = sums_of_four<T, N>(sums[r][c], sums[r + 1][c], sums[r + 2][c], sums[r + 3][c]);
                if (steps.first == 0) {
                    total += bias[c];
                } else {
                    total += load<T, 4>(to);
                }
                store<T, 4>(to, total);
            }
        }
    }
    shared_prefetch = prefetch;
}

// Z (n_outputs, stride) of a block. Segments of features and panels of class tiles are cut so that the weights of
// one panel stay in the first-level cache while the block's rows stream past.
template <class T, class X>
static void forward(const SoftmaxPass<T>& pass, const Block<X>& block, T* z, Index z_stride, Prefetch& prefetch,
                    Index prefetch_bytes) {
    constexpr Index N = kLanes<T>;
    const PassShape& shape = pass.shape;
    const Index n_steps = (shape.width + N - 1) / N;
    const Index n_tiles = class_tile_count(shape.n_outputs, kMaxClassTile);
    const Index cached_vectors = kForwardCacheBytes / CHAINRULE_VECTOR_BYTES;
    const Index n_segments = larger(1, (n_steps * smaller(shape.n_outputs, 16) + cached_vectors - 1) / cached_vectors);
    const Index segment_bytes = larger(1, n_steps / n_segments) * CHAINRULE_VECTOR_BYTES;
    const Index panel_tiles = larger(1, kForwardCacheBytes / (segment_bytes * kMaxClassTile));
    const Index strip_rows = larger(8, kForwardCacheBytes / 2 / segment_bytes / 8 * 8);
    Steps steps{0, 0, shape.width % N == 0 ? -1 : n_steps - 1, shape.width - N};
    const Index rows_per_turn = shape.n_outputs == 1 ? 8 : 4;
    prefetch.step = prefetch_bytes / larger(1, block.n_rows / rows_per_turn * n_steps * n_tiles);
    for (Index segment = 0; segment < n_segments; ++segment) {
        steps.first = segment * n_steps / n_segments;
        steps.last = (segment + 1) * n_steps / n_segments;
        for (Index panel = 0; panel < n_tiles; panel += panel_tiles) {
            const Index panel_end = smaller(panel + panel_tiles, n_tiles);
            for (Index i = 0; i < block.n_rows; i += strip_rows) {
                const Index strip_end = smaller(i + strip_rows, block.n_rows);
                for (Index tile = panel; tile < panel_end; ++tile) {
                    const Index c = class_tile_begin(tile, shape.n_outputs, n_tiles);
                    const Index tile_classes = class_tile_begin(tile + 1, shape.n_outputs, n_tiles) - c;
                    const T* w = pass.packed_weights + c * n_steps * N;
                    const auto run = [&](auto kernel) {
                        kernel(block, i, strip_end, steps, w, pass.bias + c, z + c * z_stride, z_stride, prefetch);
                    };
                    switch (tile_classes) {
                        case 1: run(forward_tile<T, X, 8, 1>); break;
                        case 2: run(forward_tile<T, X, 4, 2>); break;
                        case 3: run(forward_tile<T, X, 4, 3>); break;
#if defined(__AVX512F__) || defined(__aarch64__)
                        case 4: run(forward_tile<T, X, 4, 4>); break;
                        case 5: run(forward_tile<T, X, 4, 5>); break;
#endif
                    }
                }
            }
        }
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

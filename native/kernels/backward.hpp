// dZ^T X of a block of rows: lanes along features, a tile of features x classes of sums in registers.
#pragma once

#include "block.hpp"

namespace chainrule::CHAINRULE_LEVEL {

// Where a tile of features lies: its vectors are neighbours, but for the last one of all, which ends with the row.
struct FeatureTile {
    Index first;        // offset of its first vector in a row, and in the sums
    Index last_vector;  // offset of its last vector in a row
};

template <class T, class X, int F, int C>
CHAINRULE_TILE backward_tile(const Block<X>& block, FeatureTile tile, const T* dz, Index dz_stride, T* sums,
                             Index sums_stride, Prefetch& shared_prefetch) {
    constexpr int N = kLanes<T>;
    Prefetch prefetch = shared_prefetch;  // a copy is kept in registers
    const X* x = block.rows + tile.first;
    const Index last_vector = tile.last_vector - tile.first;
    const Index n_runs = (block.n_rows + kMaxRunRows - 1) / kMaxRunRows;
    for (Index run = 0; run < n_runs; ++run) {
        const Index run_end = (run + 1) * block.n_rows / n_runs;
        Vector<T> totals[F][C];
        CHAINRULE_UNROLL
        for (int f = 0; f < F; ++f) {
            CHAINRULE_UNROLL
            for (int c = 0; c < C; ++c) totals[f][c] = Vector<T>{};
        }
        for (Index i = run * block.n_rows / n_runs; i < run_end; ++i, x += block.stride) {
            prefetch.turn();
            Vector<T> dzs[C];  // with F x C totals and one x, 16 registers at 4 x 3
            CHAINRULE_UNROLL
            for (int c = 0; c < C; ++c) {
                dzs[c] = broadcast<T>(dz[c * dz_stride + i]);
                keep_in_register(dzs[c]);
            }
            CHAINRULE_UNROLL
            for (int f = 0; f < F; ++f) {
                Vector<T> x_features = load_as<T>(x + (f < F - 1 ? f * N : last_vector));
                keep_in_register(x_features);
                CHAINRULE_UNROLL
                for (int c = 0; c < C; ++c) totals[f][c] += x_features * dzs[c];
            }
        }
        CHAINRULE_UNROLL
        for (int f = 0; f < F; ++f) {
            CHAINRULE_UNROLL
            for (int c = 0; c < C; ++c) {
                T* to = sums + c * sums_stride + tile.first + f * N;
                store<T>(to, load<T>(to) + totals[f][c]);
            }
        }
    }
    shared_prefetch = prefetch;
}

template <class T, class X, int F>
static void backward_classes(Index n_classes, const Block<X>& block, FeatureTile tile, const T* dz, Index dz_stride,
                             T* sums, Index sums_stride, Prefetch& prefetch) {
    switch (n_classes) {
        case 1: backward_tile<T, X, F, 1>(block, tile, dz, dz_stride, sums, sums_stride, prefetch); break;
        case 2: backward_tile<T, X, F, 2>(block, tile, dz, dz_stride, sums, sums_stride, prefetch); break;
        case 3: backward_tile<T, X, F, 3>(block, tile, dz, dz_stride, sums, sums_stride, prefetch); break;
#if defined(__AVX512F__) || defined(__aarch64__)
        case 4: backward_tile<T, X, F, 4>(block, tile, dz, dz_stride, sums, sums_stride, prefetch); break;
        case 5: backward_tile<T, X, F, 5>(block, tile, dz, dz_stride, sums, sums_stride, prefetch); break;
#endif
    }
}

// sums (n_outputs, whole vectors of features) += dZ^T X of a block. A last vector that overlaps the one before keeps
// all its lanes; who reads the sums leaves out those that were counted before.
template <class T, class X>
static void backward(const SoftmaxPass<T>& pass, const Block<X>& block, const T* dz, Index dz_stride, T* sums,
                     Prefetch& prefetch, Index prefetch_bytes) {
    constexpr Index N = kLanes<T>;
    const PassShape& shape = pass.shape;
    const Index n_vectors = (shape.width + N - 1) / N;
    const Index n_feature_tiles = (n_vectors + kMaxFeatureTile - 1) / kMaxFeatureTile;
    const Index n_class_tiles = class_tile_count(shape.n_outputs, kMaxClassTile);
    prefetch.step = prefetch_bytes / larger(1, n_feature_tiles * n_class_tiles * block.n_rows);
    for (Index feature_tile = 0; feature_tile < n_feature_tiles; ++feature_tile) {
        const Index begin = feature_tile * n_vectors / n_feature_tiles;
        const Index end = (feature_tile + 1) * n_vectors / n_feature_tiles;
        const FeatureTile tile{begin * N, smaller((end - 1) * N, shape.width - N)};
        for (Index class_tile = 0; class_tile < n_class_tiles; ++class_tile) {
            const Index c = class_tile_begin(class_tile, shape.n_outputs, n_class_tiles);
            const Index tile_classes = class_tile_begin(class_tile + 1, shape.n_outputs, n_class_tiles) - c;
            const auto run = [&](auto kernel) {
                kernel(tile_classes, block, tile, dz + c * dz_stride, dz_stride, sums + c * n_vectors * N,
                       n_vectors * N, prefetch);
            };
            switch (end - begin) {
                case 1: run(backward_classes<T, X, 1>); break;
                case 2: run(backward_classes<T, X, 2>); break;
                case 3: run(backward_classes<T, X, 3>); break;
                case 4: run(backward_classes<T, X, 4>); break;
            }
        }
    }
}

template <class T>
static void add_bias_sums(Index n_outputs, Index n_rows, const T* dz, Index dz_stride, double* sums) {
    for (Index c = 0; c < n_outputs; ++c) {
        Vector<T> total = {};
        for (Index i = 0; i < n_rows; i += kLanes<T>) total += load<T>(dz + c * dz_stride + i);
        sums[c] += sum_lanes<T>(total);
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

// C = A B (+ C) (+ bias), row-major, for the shapes of networks; Product in network_table.hpp says what may be asked.
//
// A tile of C, some rows x some vectors of columns, is summed up in registers: each step over p broadcasts an element
// of A per row and reads a vector of B per column. Around it, as in Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication" (2008):
//
//   segments of k        so that a panel of B (segment x one tile's columns) stays in the first-level cache,
//   blocks of rows       so that the rows of A stay in the second-level cache,
//   panels of columns    each packed once: rows of B, side by side,
//   tiles of rows.
//
// Unlike there, B is packed beforehand only if it has to be turned over: else the panel's first tile reads B where it
// is and leaves a copy. A is packed only if enough panels read it.
//
// Three forms leave this scheme. C^T = B^T A^T is computed where C has so few columns that lanes would idle, or so few
// rows that packing B would cost more. Skinny products have kernels of their own, in product_skinny.hpp.
//
// Each element is a sum over p = 0, 1, ... of one segment after the other. Segments depend on k alone, skinny kernels
// on n, k and the strides alone, and all else keeps the order: how rows are cut into calls never changes a bit.
#pragma once

#include "product_skinny.hpp"

namespace chainrule::CHAINRULE_LEVEL {

constexpr int kPanelVectors = 3;  // 4 rows x 3 vectors need 7 loads for 12 multiply-adds; 6 x 2 need 8
constexpr int kMaxTileRows = 8;
constexpr int kMaxTileVectors = 8;
constexpr Index kPackedRowsBytes = 256 * 1024;  // of A, half of a small second-level cache
constexpr Index kPanelsWorthPacking = 7;        // that read a packed A, where its rows are neighbours
constexpr Index kPanelsWorthTurning = 16;       // where they run along p
constexpr Index kMaxDepth = kPanelBytes / (kPanelVectors * CHAINRULE_VECTOR_BYTES);

constexpr int tile_vectors(Index rows) {
    return kProductSums / rows < kMaxTileVectors ? int(kProductSums / rows) : kMaxTileVectors;
}

constexpr int tile_rows(Index vectors) {
    return kProductSums / vectors < kMaxTileRows ? int(kProductSums / vectors) : kMaxTileRows;
}

constexpr Index kPackedRows = tile_rows(kPanelVectors);  // of A, in a packed tile

// What the tiles of one panel share.
template <class T>
struct Panel {
    Index depth;           // of the segment
    const T* a;            // A(i, p) = a[tile's row * a_tile_stride + row in the tile * a_row_stride + p * a_step]
    Index a_tile_stride;
    Index a_row_stride;
    Index a_step;
    const T* b;            // B(p, j) = b[p * b_step + j]
    Index b_step;
    T* packed;             // where the first tile leaves its copy of b
    T* c;                  // C(i, j) = c[i * c_row_stride + j], or, turned, c[j * c_row_stride + i]
    Index c_row_stride;
    const T* bias;         // of column j, or, turned, of row i; or nullptr
    Index last_lanes;      // columns in the last vector
    bool add;              // to what is in c
    bool turned;
};

// Writes sums (rows, vectors * N) where a tile is turned or ends with a part of a vector.
template <class T>
[[gnu::noinline]] static void write_tile(const Panel<T>& panel, Index row, int rows, int vectors, const T* sums) {
    constexpr int N = kLanes<T>;
    constexpr int G = kGroup<T>;
    const Index n_columns = (vectors - 1) * N + panel.last_lanes;
    if (!panel.turned) {
        for (int r = 0; r < rows; ++r, sums += vectors * N) {
            T* c = panel.c + (row + r) * panel.c_row_stride;
            for (Index j = 0; j < n_columns; j += N) {
                const T* bias = panel.bias == nullptr ? nullptr : panel.bias + j;
                write_first<T, N>(c + j, load<T>(sums + j), panel.add, bias, n_columns - j);
            }
        }
        return;
    }
    for (int r = 0; r < rows; r += G) {
        const T* bias = panel.bias == nullptr ? nullptr : panel.bias + row + r;
        for (Index j = 0; j < n_columns; j += N) {
            Vector<T> v[G];
            CHAINRULE_UNROLL
            for (int i = 0; i < G; ++i) v[i] = load<T>(sums + smaller(r + i, rows - 1) * vectors * N + j);
            transpose_groups<T>(v);
            T columns[G * N];
            CHAINRULE_UNROLL
            for (int i = 0; i < G; ++i) store<T>(columns + i * N, v[i]);
            for (int l = 0; l < smaller(N, n_columns - j); ++l) {
                T* c = panel.c + (j + l) * panel.c_row_stride + row + r;
                write_first<T, G>(c, load<T, G>(columns + l % G * N + l / G * G), panel.add, bias, rows - r);
            }
        }
    }
}

// Where a tile's kernel finds its elements of A and B. The more of it is known beforehand, the fewer instructions stand
// between the multiply-adds; a core whose other thread is busy has none to spare.
enum class Operands {
    kInPlace,  // A and B at any strides
    kRows,     // A's rows along p, B packed
    kPacked,   // A's tile packed as (depth, R), B packed
};

// sums += a column of A times a row of B: a[r][at] b[v N + lane].
template <class T, int R, int V, bool packs>
[[gnu::always_inline]] static inline void add_step(const T* const (&a)[R], Index at, const T* b, Index last_lanes,
                                                   T* packed, Vector<T> (&sums)[R][V]) {
    constexpr int N = kLanes<T>;
    Vector<T> bs[V];
    CHAINRULE_UNROLL
    for (int v = 0; v < V; ++v) {
        bs[v] = packs && v == V - 1 ? load_first<T, N>(b + v * N, last_lanes) : load<T>(b + v * N);
        keep_in_register(bs[v]);
        if constexpr (packs) {
            store<T>(packed + v * N, bs[v]);
            // The next panel, into the second-level cache: it lies beside this one, in pages just looked up.
            if (v * CHAINRULE_VECTOR_BYTES % kCacheLineBytes == 0) __builtin_prefetch(b + (V + v) * N, 0, 2);
        }
    }
    CHAINRULE_UNROLL
    for (int r = 0; r < R; ++r) {
        Vector<T> a_row = broadcast<T>(a[r][at]);
        keep_in_register(a_row);
        CHAINRULE_UNROLL
        for (int v = 0; v < V; ++v) {
            sums[r][v] += a_row * bs[v];
            keep_in_register(sums[r][v]);
        }
    }
}

// Rows first .. last of a panel, R rows x V vectors at a time. `packs`: b is the matrix itself, whose last vector may
// be a part of one; a copy in whole vectors is left in panel.packed.
template <class T, int R, int V, Operands operands, bool packs>
CHAINRULE_TILE product_tiles(const Panel<T>& panel, Index first, Index last) {
    constexpr int N = kLanes<T>;
    constexpr bool in_place = operands == Operands::kInPlace;
    constexpr int kSteps = in_place ? 1 : 8;  // over p per turn of the loop
    const Index a_row_stride = operands == Operands::kPacked ? 1 : panel.a_row_stride;
    const Index a_step = operands == Operands::kPacked ? R : operands == Operands::kRows ? 1 : panel.a_step;
    const Index b_step = in_place ? panel.b_step : V * N;
    for (Index row = first; row < last; row += R) {
        const T* a[R];
        Vector<T> sums[R][V];
        CHAINRULE_UNROLL
        for (int r = 0; r < R; ++r) {
            a[r] = panel.a + row * panel.a_tile_stride + r * a_row_stride;
            CHAINRULE_UNROLL
            for (int v = 0; v < V; ++v) sums[r][v] = Vector<T>{};
        }
        const T* b = panel.b;
        T* packed = panel.packed;
        Index at = 0;  // in each row of A
        Index p = panel.depth;
        for (; p >= kSteps; p -= kSteps, at += kSteps * a_step, b += kSteps * b_step) {
            CHAINRULE_UNROLL
            for (int step = 0; step < kSteps; ++step) {
                add_step<T, R, V, packs>(a, at + step * a_step, b + step * b_step, panel.last_lanes, packed, sums);
            }
            if constexpr (packs) packed += V * N;
        }
        for (; p > 0; --p, at += a_step, b += b_step) {
            add_step<T, R, V, packs>(a, at, b, panel.last_lanes, packed, sums);
        }
        if (panel.turned || panel.last_lanes < N) {
            T kept[R * V * N];
            CHAINRULE_UNROLL
            for (int r = 0; r < R; ++r) {
                CHAINRULE_UNROLL
                for (int v = 0; v < V; ++v) store<T>(kept + (r * V + v) * N, sums[r][v]);
            }
            write_tile<T>(panel, row, R, V, kept);
            continue;
        }
        T* c = panel.c + row * panel.c_row_stride;
        if (panel.add) {
            CHAINRULE_UNROLL
            for (int r = 0; r < R; ++r) {
                CHAINRULE_UNROLL
                for (int v = 0; v < V; ++v) sums[r][v] += load<T>(c + r * panel.c_row_stride + v * N);
            }
        }
        if (panel.bias != nullptr) {
            CHAINRULE_UNROLL
            for (int v = 0; v < V; ++v) {
                Vector<T> bias = load<T>(panel.bias + v * N);
                keep_in_register(bias);
                CHAINRULE_UNROLL
                for (int r = 0; r < R; ++r) sums[r][v] += bias;
            }
        }
        CHAINRULE_UNROLL
        for (int r = 0; r < R; ++r) {
            CHAINRULE_UNROLL
            for (int v = 0; v < V; ++v) store<T>(c + r * panel.c_row_stride + v * N, sums[r][v]);
        }
    }
}

// product_tiles with R and V chosen at run time.
template <class T, Operands operands, bool packs = false, int R = kMaxTileRows, int V = tile_vectors(R)>
static void run_tiles(Index rows, Index vectors, const Panel<T>& panel, Index first, Index last) {
    if constexpr (R > 1) {
        if (rows < R) return run_tiles<T, operands, packs, R - 1>(rows, vectors, panel, first, last);
    }
    if constexpr (V > 1) {
        if (vectors < V) return run_tiles<T, operands, packs, R, V - 1>(rows, vectors, panel, first, last);
    }
    product_tiles<T, R, V, operands, packs>(panel, first, last);
}

// How a product is cut. `product` is the one that is computed: the given one, or, turned, its transpose.
template <class T>
struct ProductPlan {
    Product<T> product;
    bool turned;
    Parts segments;     // of k
    Parts panels;       // of vectors of columns
    Parts blocks;       // of rows
    Operands operands = Operands::kInPlace;
};

// Where lanes along the rows of C serve better. X^T dZ with few classes: whole vectors of features, instead of a part
// of a vector of classes. dZ W^T with few rows: turning dZ over is cheaper than W.
template <class T>
static bool is_better_turned(const Product<T>& product) {
    constexpr Index N = kLanes<T>;
    if (product.a_column_stride != 1) return fills_at_most<T>(7, 8, product.n) && product.m > product.n;
    const bool writes_little = product.k >= 64;  // turning C over costs too
    return product.b_column_stride != 1 && product.m <= 32 && product.n > N && writes_little &&
           !fills_at_most<T>(3, 4, product.m);
}

template <class T>
static ProductPlan<T> plan_product(const Product<T>& given) {
    constexpr Index N = kLanes<T>;
    ProductPlan<T> plan{};
    Product<T>& product = plan.product = given;
    plan.turned = is_better_turned<T>(given);
    if (plan.turned) {
        product.m = given.n, product.n = given.m;
        product.a = given.b, product.b = given.a;
        product.a_row_stride = given.b_column_stride, product.a_column_stride = given.b_row_stride;
        product.b_row_stride = given.a_column_stride, product.b_column_stride = given.a_row_stride;
    }
    const bool one_tile = product.m <= tile_rows(2);
    plan.segments = cut(product.k, kMaxDepth);
    plan.panels = cut(cut(product.n, N).count, one_tile ? tile_vectors(product.m) : kPanelVectors);
    const Index depth = larger(1, plan.segments.size(0));
    plan.blocks = cut(product.m, kPackedRowsBytes / Index(sizeof(T)) / depth);
    const bool runs_along_p = product.a_column_stride == 1;
    if (!one_tile && plan.panels.count >= (runs_along_p ? kPanelsWorthTurning : kPanelsWorthPacking)) {
        plan.operands = Operands::kPacked;
    } else if (runs_along_p) {
        plan.operands = Operands::kRows;
    }
    return plan;
}

// One panel, all rows of a block.
template <class T>
static void run_panel(Panel<T> panel, Index b_column_stride, Index n_rows, Index tile_height, Index vectors,
                      Operands operands) {
    constexpr Index N = kLanes<T>;
    Index row = 0;
    if (b_column_stride != 1) {
        for (Index v = 0; v < vectors; ++v) {
            pack_turned<T>(panel.b + v * N * b_column_stride, b_column_stride, v < vectors - 1 ? N : panel.last_lanes,
                           panel.depth, panel.packed + v * N, vectors * N);
        }
    } else if (n_rows > tile_height || panel.last_lanes < N) {
        run_tiles<T, Operands::kInPlace, true>(tile_height, vectors, panel, 0, tile_height);
        row = tile_height;
    } else {
        return run_tiles<T, Operands::kInPlace>(tile_height, vectors, panel, 0, tile_height);
    }
    panel.b = panel.packed;
    panel.b_step = vectors * N;
    const Index whole_end = n_rows / tile_height * tile_height;
    const auto run = [&](Index height, Index begin, Index end) {
        if (begin == end) return;
        switch (operands) {
            case Operands::kInPlace: return run_tiles<T, Operands::kInPlace>(height, vectors, panel, begin, end);
            case Operands::kRows: return run_tiles<T, Operands::kRows>(height, vectors, panel, begin, end);
            case Operands::kPacked: return run_tiles<T, Operands::kPacked>(height, vectors, panel, begin, end);
        }
    };
    run(tile_height, row, whole_end);
    run(n_rows - whole_end, whole_end, n_rows);
}

constexpr Index kPackedPanelBytes = kMaxTileVectors * CHAINRULE_VECTOR_BYTES * kMaxDepth;

// What is enough for any product whose B runs along its columns.
template <class T>
static std::size_t largest_product_scratch() {
    // A block may be a row longer than kPackedRowsBytes allows at the largest depth.
    return std::size_t(kPackedPanelBytes + kPackedRowsBytes + kMaxTileRows * kMaxDepth * Index(sizeof(T)));
}

template <class T>
static std::size_t product_scratch_bytes(const Product<T>& product) {
    if (is_thin<T>(product)) return thin_scratch_bytes<T>(product);
    if (is_skinny<T>(product)) return skinny_scratch_bytes<T>(product);
    return largest_product_scratch<T>();
}

template <class T>
static void product(const Product<T>& given, void* scratch) {
    constexpr Index N = kLanes<T>;
    if (given.m == 0 || given.n == 0) return;
    if (is_thin<T>(given)) return thin_product<T>(given, static_cast<T*>(scratch));
    if (is_skinny<T>(given)) return skinny_product<T>(given, static_cast<T*>(scratch));
    const ProductPlan<T> plan = plan_product<T>(given);
    const Product<T>& product = plan.product;
    const bool packs_rows = plan.operands == Operands::kPacked;
    T* packed_rows = static_cast<T*>(scratch) + kPackedPanelBytes / Index(sizeof(T));
    Panel<T> panel{};
    panel.turned = plan.turned;
    panel.c_row_stride = product.c_row_stride;
    panel.packed = static_cast<T*>(scratch);
    for (Index segment = 0; segment < plan.segments.count; ++segment) {
        const Index p = plan.segments.begin(segment);
        panel.depth = plan.segments.size(segment);
        panel.add = product.accumulate || segment > 0;
        const T* bias = segment == plan.segments.count - 1 ? product.bias : nullptr;
        const T* b = product.b + p * product.b_row_stride;
        for (Index block = 0; block < plan.blocks.count; ++block) {
            const Index first_row = plan.blocks.begin(block);
            const Index n_rows = plan.blocks.size(block);
            panel.a = product.a + first_row * product.a_row_stride + p * product.a_column_stride;
            panel.a_tile_stride = panel.a_row_stride = product.a_row_stride;
            panel.a_step = product.a_column_stride;
            if (packs_rows) {
                const bool runs_along_p = product.a_column_stride == 1;
                const auto pack = runs_along_p ? pack_rows<T> : pack_neighbours<T>;
                const Index stride = runs_along_p ? product.a_row_stride : product.a_column_stride;
                pack(panel.a, stride, n_rows, kPackedRows, panel.depth, packed_rows);
                panel.a_row_stride = 1;
                panel.a = packed_rows;
                panel.a_tile_stride = panel.depth;
                panel.a_step = smaller(kPackedRows, n_rows);
            }
            for (Index i = 0; i < plan.panels.count; ++i) {
                const Index vectors = plan.panels.size(i);
                const Index j = plan.panels.begin(i) * N;
                panel.last_lanes = smaller(N, product.n - j - (vectors - 1) * N);
                panel.b = b + j * product.b_column_stride;
                panel.b_step = product.b_row_stride;
                panel.c = plan.turned ? product.c + j * panel.c_row_stride + first_row
                                      : product.c + first_row * panel.c_row_stride + j;
                panel.bias = bias == nullptr ? nullptr : bias + (plan.turned ? first_row : j);
                const Index even_height = cut(n_rows, tile_rows(vectors)).size(0);
                const Index tile_height = packs_rows ? smaller(kPackedRows, n_rows) : even_height;
                run_panel<T>(panel, product.b_column_stride, n_rows, tile_height, vectors, plan.operands);
            }
        }
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

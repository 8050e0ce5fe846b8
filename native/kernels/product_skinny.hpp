// Products whose B has few columns or few rows: where the tiles of product.hpp would leave lanes idle, or spend their
// time on everything but multiplying.
#pragma once

#include "product_pack.hpp"

namespace chainrule::CHAINRULE_LEVEL {

// Few columns (the classes of a last layer): lanes along p, a tile of rows x 4 columns of sums in registers, added up
// over the lanes in the end.
constexpr Index kSkinnyColumns = 4;

template <class T>
static bool is_skinny(const Product<T>& product) {
    constexpr Index N = kLanes<T>;
    return product.a_column_stride == 1 && product.n > 0 && product.n < 2 * N && product.k >= 4 * N &&
           fills_at_most<T>(3, 4, product.n);
}

// Steps of one vector along p whose packed columns stay in the first-level cache.
template <class T>
static Parts skinny_segments(const Product<T>& product) {
    const Index step_bytes = round_up(product.n, kSkinnyColumns) * CHAINRULE_VECTOR_BYTES;
    return cut(cut(product.k, kLanes<T>).count, kPanelBytes / step_bytes);
}

template <class T>
static std::size_t skinny_scratch_bytes(const Product<T>& product) {
    const Index step_bytes = round_up(product.n, kSkinnyColumns) * CHAINRULE_VECTOR_BYTES;
    return std::size_t(skinny_segments<T>(product).size(0) * step_bytes);
}

// Steps first .. last of columns j .. j + 4 as (step, 4, N); p beyond k is 0.
template <class T>
static void pack_columns(const Product<T>& product, Index j, Index width, Index first, Index last, T* packed) {
    constexpr Index N = kLanes<T>;
    const Index end = (product.k - 1) * product.b_row_stride + product.n;  // of what may be read
    for (Index step = first; step < last; ++step, packed += kSkinnyColumns * N) {
        const Index p = step * N;
        const T* from = product.b + p * product.b_row_stride + j * product.b_column_stride;
        const bool has_four = (p + N - 1) * product.b_row_stride + j + kSkinnyColumns <= end;
        if (product.b_column_stride == 1 && p + N <= product.k && has_four) {
            // Four columns are read even if there are fewer: what else stands there in B, no sum uses.
            pack_turned<T>(from, product.b_row_stride, N, kSkinnyColumns, packed, N);
            continue;
        }
        for (Index c = 0; c < width; ++c) {
            for (Index lane = 0; lane < N; ++lane) {
                const Index at = lane * product.b_row_stride + c * product.b_column_stride;
                packed[c * N + lane] = p + lane < product.k ? from[at] : T(0);
            }
        }
    }
}

template <class T, int R, int C>
CHAINRULE_TILE skinny_tile(const Product<T>& product, Index row, Index j, Index first, Index last, const T* packed) {
    constexpr int N = kLanes<T>;
    const T* a[R];
    Vector<T> sums[R][kSkinnyColumns];
    CHAINRULE_UNROLL
    for (int r = 0; r < R; ++r) {
        a[r] = product.a + (row + r) * product.a_row_stride + first * N;
        CHAINRULE_UNROLL
        for (int c = 0; c < kSkinnyColumns; ++c) sums[r][c] = Vector<T>{};
    }
    // All whole vectors of the rows; then, in a second round, what is left, from a copy with zeros behind it.
    T rest[R][N];
    const Index n_rest = last * N > product.k ? product.k % N : 0;
    for (Index steps = last - first - (n_rest > 0); ; steps = 1) {
        for (Index at = 0; at < steps * N; at += N, packed += kSkinnyColumns * N) {
            Vector<T> rows[R];  // with R x C sums and one b, 16 registers at 3 x 4
            CHAINRULE_UNROLL
            for (int r = 0; r < R; ++r) {
                rows[r] = load<T>(a[r] + at);
                keep_in_register(rows[r]);
            }
            CHAINRULE_UNROLL
            for (int c = 0; c < C; ++c) {
                Vector<T> b = load<T>(packed + c * N);
                keep_in_register(b);
                CHAINRULE_UNROLL
                for (int r = 0; r < R; ++r) sums[r][c] += rows[r] * b;
            }
        }
        if (n_rest == 0 || a[0] == rest[0]) break;
        CHAINRULE_UNROLL
        for (int r = 0; r < R; ++r) {
            store<T>(rest[r], load_first<T, N>(a[r] + steps * N, n_rest));
            a[r] = rest[r];
        }
    }
    const bool is_last = last * N >= product.k;
    const T* bias = is_last && product.bias != nullptr ? product.bias + j : nullptr;
    CHAINRULE_UNROLL
    for (int r = 0; r < R; ++r) {
        write_first<T, kSkinnyColumns>(product.c + (row + r) * product.c_row_stride + j,
                                       sums_of_four<T, N>(sums[r][0], sums[r][1], sums[r][2], sums[r][3]),
                                       product.accumulate || first > 0, bias, C);
    }
}

template <class T, int C, int R>
static void skinny_rows(const Product<T>& product, Index row, Index end, Index j, Index first, Index last,
                        const T* packed) {
    for (; row + R <= end; row += R) skinny_tile<T, R, C>(product, row, j, first, last, packed);
    if constexpr (R > 1) {
        if (row < end) skinny_rows<T, C, R - 1>(product, row, end, j, first, last, packed);
    }
}

// Adds up N vectors in the order in which sums_of_four adds up N lanes.
template <class T, int N>
static inline Vector<T> sum_as_lanes(Vector<T>* sums) {
    if constexpr (N == 2) {
        return sums[0] + sums[1];
    } else if constexpr (N == 4 && sizeof(T) == 8) {
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
    } else if constexpr (N == 4) {
        return (sums[0] + sums[2]) + (sums[1] + sums[3]);
    } else if constexpr (N == 8 && sizeof(T) == 4) {
        return sum_as_lanes<T, 4>(sums) + sum_as_lanes<T, 4>(sums + 4);
    } else {
        CHAINRULE_UNROLL
        for (int i = 0; i < N / 2; ++i) sums[i] += sums[i + N / 2];
        return sum_as_lanes<T, N / 2>(sums);
    }
}

// One row of C, where packing B for it would cost more than the product: lanes along the columns, and for each lane of
// skinny_tile a vector of sums here, so that the bits are the same.
template <class T>
CHAINRULE_TILE skinny_row(const Product<T>& product, Index row, Index j, Index first, Index last) {
    constexpr int N = kLanes<T>;
    const Index width = smaller(N, product.n - j);
    const Index end = smaller(last * N, product.k);
    const T* a = product.a + row * product.a_row_stride;
    const T* b = product.b + first * N * product.b_row_stride + j;
    Vector<T> sums[N] = {};
    for (Index p = first * N; p < end; p += N) {
        _Pragma("GCC unroll 16")
        for (int lane = 0; lane < N; ++lane) {
            if (p + lane < end) {
                sums[lane] += broadcast<T>(a[p + lane]) * load_first<T, N>(b, width);
                b += product.b_row_stride;
            } else {
                sums[lane] += Vector<T>{};  // as skinny_tile does there: -0 becomes +0
            }
        }
    }
    const T* bias = end == product.k && product.bias != nullptr ? product.bias + j : nullptr;
    write_first<T, N>(product.c + row * product.c_row_stride + j, sum_as_lanes<T, N>(sums),
                      product.accumulate || first > 0, bias, width);
}

template <class T>
static void skinny_product(const Product<T>& product, T* packed) {
    constexpr Index kFewRows = 2;
    constexpr Index kRows = 12;  // read from the first-level cache by all columns
    constexpr int S = kProductSums;
    const Parts tiles = cut(product.n, kSkinnyColumns);
    const Parts segments = skinny_segments<T>(product);
    for (Index segment = 0; segment < segments.count; ++segment) {
        const Index first = segments.begin(segment);
        const Index last = first + segments.size(segment);
        if (product.m <= kFewRows && product.b_column_stride == 1) {
            for (Index row = 0; row < product.m; ++row) {
                for (Index j = 0; j < product.n; j += kLanes<T>) skinny_row<T>(product, row, j, first, last);
            }
            continue;
        }
        const Index tile_size = segments.size(segment) * kSkinnyColumns * kLanes<T>;
        for (Index tile = 0; tile < tiles.count; ++tile) {
            pack_columns<T>(product, tiles.begin(tile), tiles.size(tile), first, last, packed + tile * tile_size);
        }
        for (Index row = 0; row < product.m; row += kRows) {
            const Index end = smaller(row + kRows, product.m);
            for (Index tile = 0; tile < tiles.count; ++tile) {
                const Index j = tiles.begin(tile);
                const T* b = packed + tile * tile_size;
                switch (tiles.size(tile)) {
                    case 1: skinny_rows<T, 1, 6>(product, row, end, j, first, last, b); break;
                    case 2: skinny_rows<T, 2, S / 3>(product, row, end, j, first, last, b); break;
                    case 3: skinny_rows<T, 3, S / 4>(product, row, end, j, first, last, b); break;
                    case 4: skinny_rows<T, 4, S / 4>(product, row, end, j, first, last, b); break;
                }
            }
        }
    }
}

// Few steps over p (two input features, the gradient from three classes): nothing but writing C counts, so two rows of
// C are written from end to end, with their elements of A in registers.
constexpr Index kThinDepth = 4;

template <class T>
static bool is_thin(const Product<T>& product) {
    return product.k >= 1 && product.k <= kThinDepth && product.n >= kLanes<T>;
}

template <class T>
static std::size_t thin_scratch_bytes(const Product<T>& product) {
    return product.b_column_stride == 1 ? 0 : std::size_t(product.k * product.n) * sizeof(T);
}

template <class T, int K, bool adds, bool has_bias>
CHAINRULE_TILE thin_rows(const Product<T>& product, const T* b, Index b_step) {
    constexpr int N = kLanes<T>;
    constexpr int R = 2;
    const Product<T> local = product;  // its fields stay in registers; what is stored to C might change the other
    for (Index row = 0; row < local.m; row += R) {
        T* c[R];
        Vector<T> a[R][K];
        CHAINRULE_UNROLL
        for (int r = 0; r < R; ++r) {
            const Index i = smaller(row + r, local.m - 1);  // an odd last row is computed twice
            c[r] = local.c + i * local.c_row_stride;
            CHAINRULE_UNROLL
            for (int p = 0; p < K; ++p) {
                a[r][p] = broadcast<T>(local.a[i * local.a_row_stride + p * local.a_column_stride]);
                keep_in_register(a[r][p]);
            }
        }
        // `read` and `write` are load and store, or load_first and store_first.
        const auto step = [&](Index j, auto read, auto write) {
            Vector<T> sums[R];
            CHAINRULE_UNROLL
            for (int p = 0; p < K; ++p) {
                const Vector<T> b_row = read(b + p * b_step + j);
                CHAINRULE_UNROLL
                for (int r = 0; r < R; ++r) sums[r] = p == 0 ? a[r][0] * b_row : sums[r] + a[r][p] * b_row;
            }
            if constexpr (adds) {
                CHAINRULE_UNROLL
                for (int r = 0; r < R; ++r) sums[r] += read(c[r] + j);
            }
            if constexpr (has_bias) {
                const Vector<T> bias = read(local.bias + j);
                CHAINRULE_UNROLL
                for (int r = 0; r < R; ++r) sums[r] += bias;
            }
            CHAINRULE_UNROLL
            for (int r = 0; r < R; ++r) write(c[r] + j, sums[r]);
        };
        const Index rest = local.n % N;
        for (Index j = 0; j + N <= local.n; j += N) {
            step(j, [](const T* from) { return load<T>(from); }, [](T* to, Vector<T> v) { store<T>(to, v); });
        }
        if (rest > 0) {
            step(local.n - rest, [rest](const T* from) { return load_first<T, N>(from, rest); },
                 [rest](T* to, Vector<T> v) { store_first<T, N>(to, v, rest); });
        }
    }
}

template <class T, int K>
static void thin_depth(const Product<T>& product, const T* b, Index b_step) {
    const bool has_bias = product.bias != nullptr;
    if (product.accumulate) {
        has_bias ? thin_rows<T, K, true, true>(product, b, b_step) : thin_rows<T, K, true, false>(product, b, b_step);
    } else {
        has_bias ? thin_rows<T, K, false, true>(product, b, b_step) : thin_rows<T, K, false, false>(product, b, b_step);
    }
}

template <class T>
static void thin_product(const Product<T>& product, T* packed) {
    const T* b = product.b;
    Index b_step = product.b_row_stride;
    if (product.b_column_stride != 1) {
        for (Index j = 0; j < product.n; ++j) {
            for (Index p = 0; p < product.k; ++p) packed[p * product.n + j] = b[j * product.b_column_stride + p];
        }
        b = packed;
        b_step = product.n;
    }
    switch (product.k) {
        case 1: thin_depth<T, 1>(product, b, b_step); break;
        case 2: thin_depth<T, 2>(product, b, b_step); break;
        case 3: thin_depth<T, 3>(product, b, b_step); break;
        case 4: thin_depth<T, 4>(product, b, b_step); break;
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

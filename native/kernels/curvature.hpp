// Weighted Gram matrices of centred rows: the blocks of the softmax classifier's Hessian.
//
// A block of rows is centred once, as neighbours; then for every weight its rows times that weight, and one product
// centred^T weighted for a group of weights at a time, while all of it is in the second-level cache.
#pragma once

#include <cstring>

#include "curvature_table.hpp"
#include "product.hpp"

namespace chainrule::CHAINRULE_LEVEL {

template <class T>
struct CurvatureScratch {
    T* centred;   // (block_rows, width)
    T* weights;   // (block_rows, group_blocks)
    T* weighted;  // (block_rows, group_blocks width)
    void* product;
};

template <class T>
static Product<T> curvature_product(const CurvatureSums<T>& sums, Index n_rows, Index m, Index n, Index stride) {
    Product<T> product;
    product.m = m, product.n = n, product.k = n_rows;
    product.a_row_stride = 1, product.a_column_stride = sums.width;
    product.b_row_stride = stride;
    product.c_row_stride = stride;
    product.accumulate = true;
    return product;
}

template <class T>
static CurvatureScratch<T> lay_out_curvature(const CurvatureSums<T>& sums, char* base, std::size_t* bytes) {
    std::size_t used = 0;
    const auto take = [&](std::size_t n_bytes) {
        char* at = base == nullptr ? nullptr : base + used;
        used += std::size_t(round_up(Index(n_bytes), kCacheLineBytes));
        return at;
    };
    const Index columns = sums.diagonals ? 0 : sums.group_blocks * sums.width;
    CurvatureScratch<T> scratch;
    scratch.centred = reinterpret_cast<T*>(take(std::size_t(sums.block_rows * sums.width) * sizeof(T)));
    scratch.weights = reinterpret_cast<T*>(take(std::size_t(sums.block_rows * sums.group_blocks) * sizeof(T)));
    scratch.weighted = reinterpret_cast<T*>(take(std::size_t(sums.block_rows * columns) * sizeof(T)));
    scratch.product = take(largest_product_scratch<T>());
    *bytes = used;
    return scratch;
}

template <class T>
static std::size_t curvature_scratch_bytes(const CurvatureSums<T>& sums) {
    std::size_t bytes = 0;
    lay_out_curvature<T>(sums, nullptr, &bytes);
    return bytes;
}

template <class T, class Given>
static void centre_rows(const CurvatureSums<T>& sums, const Matrix<const Given>& x, Index first, Index n_rows,
                        T* centred) {
    for (Index i = 0; i < n_rows; ++i) {
        const Given* from = x.data + (first + i) * x.row_stride;
        T* to = centred + i * sums.width;
        const auto centre = [&](Index stride) {
            for (Index j = 0; j < sums.n_features; ++j) {
                Given value;
                std::memcpy(&value, from + j * stride, sizeof(Given));
                to[j] = T(double(value) - sums.means[j]);
            }
        };
        if (x.column_stride == 1) {
            centre(1);  // as a constant: this loop is then done in vectors
        } else {
            centre(x.column_stride);
        }
        if (sums.width > sums.n_features) to[sums.n_features] = T(1);
    }
}

template <class T>
static void weigh_rows(const CurvatureSums<T>& sums, Index first, Index n_rows, Index begin, Index end, T* weights) {
    for (Index i = 0; i < n_rows; ++i) {
        const double share = sums.shares[(first + i) * sums.share_stride];
        const double* p = sums.given.data + (first + i) * sums.given.row_stride;
        for (Index b = begin; b < end; ++b) {
            double weight = 0.0;
            if (sums.pairs == nullptr) {
                weight = p[b * sums.given.column_stride];
            } else {
                const Index k = Index(sums.pairs[2 * b]), l = Index(sums.pairs[2 * b + 1]);
                const double p_k = p[k * sums.given.column_stride];
                weight = k == l ? p_k * (1.0 - p_k) : -p_k * p[l * sums.given.column_stride];
            }
            weights[i * (end - begin) + b - begin] = T(share * weight);
        }
    }
}

template <class T>
static void add_curvature(const CurvatureSums<T>& sums, Index first, Index last, Index begin, Index end, void* memory,
                          T* totals) {
    std::size_t bytes = 0;
    const CurvatureScratch<T> scratch = lay_out_curvature<T>(sums, static_cast<char*>(memory), &bytes);
    const Index width = sums.width;
    const Index n_blocks = end - begin;
    for (Index row = first; row < last; row += sums.block_rows) {
        const Index n_rows = smaller(sums.block_rows, last - row);
        if (sums.narrow_rows.data != nullptr) {
            centre_rows<T>(sums, sums.narrow_rows, row, n_rows, scratch.centred);
        } else {
            centre_rows<T>(sums, sums.rows, row, n_rows, scratch.centred);
        }
        weigh_rows<T>(sums, row, n_rows, begin, end, scratch.weights);
        if (sums.diagonals) {
            for (Index i = 0; i < n_rows * width; ++i) scratch.centred[i] *= scratch.centred[i];
            Product<T> product = curvature_product<T>(sums, n_rows, width, n_blocks, n_blocks);
            product.a = scratch.centred, product.b = scratch.weights, product.c = totals;
            chainrule::CHAINRULE_LEVEL::product<T>(product, scratch.product);
            continue;
        }
        const Index stride = n_blocks * width;
        for (Index i = 0; i < n_rows; ++i) {
            const T* x = scratch.centred + i * width;
            for (Index b = 0; b < n_blocks; ++b) {
                const T weight = scratch.weights[i * n_blocks + b];
                T* to = scratch.weighted + i * stride + b * width;
                for (Index j = 0; j < width; ++j) to[j] = weight * x[j];
            }
        }
        const Index panel = n_blocks == 1 ? kSymmetricPanel : stride;
        for (Index j = 0; j < stride; j += panel) {
            const Index n = smaller(panel, stride - j);
            Product<T> product = curvature_product<T>(sums, n_rows, n_blocks == 1 ? j + n : width, n, stride);
            product.a = scratch.centred, product.b = scratch.weighted + j, product.c = totals + j;
            chainrule::CHAINRULE_LEVEL::product<T>(product, scratch.product);
        }
    }
}

}  // namespace chainrule::CHAINRULE_LEVEL

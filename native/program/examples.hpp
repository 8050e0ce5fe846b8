// Rows, labels and weights as the caller holds them, and batches of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../kernels/network_table.hpp"

namespace chainrule {

// Rows of a data node, as the caller holds them: a matrix with any strides, or, with row_starts, compressed sparse rows.
template <class T>
struct DataRows {
    const T* data = nullptr;
    Index row_stride = 0;
    Index column_stride = 0;
    const std::int64_t* row_starts = nullptr;
    const std::int32_t* columns = nullptr;
};

template <class T>
struct Examples {
    std::vector<DataRows<T>> data;  // one per data node
    Index n_rows = 0;
    const std::int64_t* labels = nullptr;  // (n_rows,), of a softmax
    const T* targets = nullptr;            // (n_rows, n_targets), of a sigmoid
    Index n_targets = 0;
    const double* weights = nullptr;  // (n_rows,), or nullptr: all 1
};

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

// Entries first .. first + n of an order as a batch. Rows that follow one another are read where they are.
template <class T>
Batch<T> batch_of(const Examples<T>& examples, const std::int64_t* order, Index first, Index n) {
    const std::int64_t row = order[first];
    bool is_run = true;
    for (Index i = 1; is_run && i < n; ++i) is_run = order[first + i] == row + i;
    if (is_run) return {examples, nullptr, Index(row), n};
    return {examples, order, first, n};
}

}  // namespace chainrule

// The kernels of networks, gathered into the table that the program calls them by.
#pragma once

#include "activations.hpp"
#include "columns.hpp"
#include "losses.hpp"
#include "product.hpp"
#include "random.hpp"
#include "update.hpp"

namespace chainrule::CHAINRULE_LEVEL {

template <class T>
static constexpr NetworkKernels<T> network_kernels() {
    NetworkKernels<T> kernels;
    kernels.lanes = kLanes<T>;
    kernels.product_scratch_bytes = product_scratch_bytes<T>;
    kernels.product = product<T>;
    kernels.activate = activate<T>;
    kernels.activate_backward = activate_backward<T>;
    kernels.softmax = softmax<T>;
    kernels.softmax_backward = softmax_backward<T>;
    kernels.softmax_cross_entropy = softmax_cross_entropy<T>;
    kernels.sigmoid_cross_entropy = sigmoid_cross_entropy<T>;
    kernels.dropout = dropout<T>;
    kernels.uniform = uniform<T>;
    kernels.add = add<T>;
    kernels.add_scaled = add_scaled<T>;
    kernels.scale_columns = scale_columns<T>;
    kernels.column_sums = column_sums<T>;
    kernels.sum_of_squares = sum_of_squares<T>;
    kernels.update = update<T>;
    return kernels;
}

}  // namespace chainrule::CHAINRULE_LEVEL

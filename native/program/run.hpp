// One instruction: which kernel it is, and where its arguments are.
#pragma once

#include "../simd.hpp"
#include "memory.hpp"

namespace chainrule {

template <class T>
const NetworkKernels<T>& network_kernels();
template <>
inline const NetworkKernels<float>& network_kernels<float>() {
    return kernels().network_float32;
}
template <>
inline const NetworkKernels<double>& network_kernels<double>() {
    return kernels().network_float64;
}

// A place's rows from `row` on.
template <class T>
View<T> view(const Memory<T>& memory, const Place& place, Index row);

// The product that an instruction is, on `rows` rows.
template <class T>
Product<T> product_of(const Instruction& instruction, View<T> a, View<T> b, View<T> out, Index rows);

// Runs one instruction on `rows` rows from `row` on.
template <class T>
void run(const Instruction& instruction, const Memory<T>& memory, const Instructions& all, Index row, Index rows,
         void* scratch);

// Bytes of scratch that the products need when the batch has up to `batch_rows` rows.
template <class T>
std::size_t scratch_bytes(const Instructions& all, Index batch_rows);

}  // namespace chainrule

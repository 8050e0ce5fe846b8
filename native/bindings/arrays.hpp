// NumPy arrays as C++ sees them. Arrays are checked far enough that no call can crash; chainrule.engine checks them for
// its users and words the errors. std::invalid_argument becomes ValueError.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../kernels/softmax_table.hpp"
#include "../threads.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace chainrule {

using Input = nb::ndarray<nb::ro, nb::device::cpu>;
using Output = nb::ndarray<nb::device::cpu>;

template <class T>
bool holds(const Input& array) {
    return array.dtype() == nb::dtype<T>();
}

inline std::string shape_text(const Input& array) {
    std::string text = "(";
    for (std::size_t i = 0; i < array.ndim(); ++i) text += (i > 0 ? ", " : "") + std::to_string(array.shape(i));
    return text + ")";
}

[[noreturn]] inline void refuse(const std::string& why) { throw std::invalid_argument(why); }

inline void require_shape(const char* name, const Input& array, std::vector<Index> shape) {
    bool fits = array.ndim() == shape.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i) fits = Index(array.shape(i)) == shape[i];
    if (fits) return;
    std::string needed = "(";
    for (std::size_t i = 0; i < shape.size(); ++i) needed += (i > 0 ? ", " : "") + std::to_string(shape[i]);
    refuse(std::string(name) + " has shape " + shape_text(array) + "; it must be " + needed + ").");
}

inline void require_matrix(const char* name, const Input& array) {
    if (array.ndim() == 2) return;
    refuse(std::string(name) + " has shape " + shape_text(array) + "; it must have two dimensions.");
}

template <class T>
void require_dtype(const char* name, const Input& array, const char* needed) {
    if (!holds<T>(array)) refuse(std::string(name) + " must be of dtype " + needed + ".");
}

template <class T>
Matrix<const T> matrix(const Input& array) {
    return {static_cast<const T*>(array.data()), Index(array.stride(0)), Index(array.stride(1))};
}

template <class T>
constexpr const char* kTypeOfWeights = sizeof(T) == 4 ? "float32, as W is" : "float64, as W is";

template <class T>
constexpr const char* kTypesOfRows = sizeof(T) == 4 ? "X must be of dtype float32, as the arithmetic is."
                                                    : "X must be of dtype float32 or float64.";

// An int64 array's entries, each in 0 .. limit - 1.
inline std::vector<std::int64_t> indices(const char* name, const Input& given, std::size_t count, Index limit) {
    require_dtype<std::int64_t>(name, given, "int64");
    require_shape(name, given, {Index(count)});
    const auto* from = static_cast<const std::int64_t*>(given.data());
    std::vector<std::int64_t> values(count);
    for (std::size_t e = 0; e < count; ++e) {
        values[e] = from[Index(e) * Index(given.stride(0))];
        if (values[e] < 0 || values[e] >= limit) {
            refuse(std::string(name) + " must lie in 0.." + std::to_string(limit - 1) + ", got " +
                   std::to_string(values[e]) + ".");
        }
    }
    return values;
}

// A new NumPy array that owns its elements.
template <class T, class Allocator>
nb::object numpy_array(std::vector<T, Allocator>&& values, std::initializer_list<std::size_t> shape) {
    using Values = std::vector<T, Allocator>;
    auto* kept = new Values(std::move(values));
    const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<Values*>(p); });
    return nb::cast(nb::ndarray<nb::numpy, T>(kept->data(), shape, owner));
}

inline int checked_threads(int n_threads) {
    if (n_threads < 0) refuse("n_threads must be 0 (every core) or more.");
    return n_threads > 0 ? n_threads : default_thread_count();
}

// Calls compute(float()) or compute(double()), by the dtype of an array.
template <class Compute>
auto by_dtype(const char* name, const Input& array, const Compute& compute) {
    if (holds<float>(array)) return compute(float());
    if (holds<double>(array)) return compute(double());
    refuse(std::string(name) + " must be of dtype float32 or float64.");
}

}  // namespace chainrule

// Rows, labels and weights from Python.
#pragma once

#include <nanobind/stl/vector.h>

#include <string>

#include "../program/program.hpp"
#include "arrays.hpp"

namespace chainrule {

template <class T>
const T* vector_of(const char* name, const Input& array, Index size) {
    require_dtype<T>(name, array, sizeof(T) == 4 ? "float32, like the program" : "float64, like the program");
    require_shape(name, array, {size});
    if (size > 1 && array.stride(0) != 1) refuse(std::string(name) + " must be contiguous.");
    return static_cast<const T*>(array.data());
}

template <class T>
T* written_vector(const char* name, const Output& array, Index size) {
    return const_cast<T*>(vector_of<T>(name, Input(array), size));
}

template <class Whole>
const Whole* whole_numbers(const char* name, const Input& array) {
    if (!holds<Whole>(array) || array.ndim() != 1 || (array.shape(0) > 1 && array.stride(0) != 1)) {
        refuse(std::string(name) + " must be a contiguous vector of whole numbers of " +
               std::to_string(8 * sizeof(Whole)) + " bits.");
    }
    return static_cast<const Whole*>(array.data());
}

// Rows of one data node: a matrix, or (values, columns, row_starts) of compressed sparse rows, which
// chainrule.engine has checked.
template <class T>
DataRows<T> rows_of(nb::handle given, Index n_columns, Index& n_rows) {
    DataRows<T> rows;
    Index found = 0;
    if (nb::isinstance<nb::tuple>(given)) {
        const auto parts = nb::cast<nb::tuple>(given);
        if (parts.size() != 3) refuse("sparse rows are (values, columns, row_starts).");
        const auto values = nb::cast<Input>(parts[0]);
        const auto starts = nb::cast<Input>(parts[2]);
        rows.data = vector_of<T>("values", values, Index(values.shape(0)));
        rows.columns = whole_numbers<std::int32_t>("columns", nb::cast<Input>(parts[1]));
        rows.row_starts = whole_numbers<std::int64_t>("row_starts", starts);
        found = Index(starts.shape(0)) - 1;
    } else {
        const auto matrix = nb::cast<Input>(given);
        require_matrix("X", matrix);
        require_dtype<T>("X", matrix, sizeof(T) == 4 ? "float32, like the program" : "float64, like the program");
        if (Index(matrix.shape(1)) != n_columns) {
            refuse("X has shape " + shape_text(matrix) + "; the program takes " + std::to_string(n_columns) +
                   " columns.");
        }
        rows.data = static_cast<const T*>(matrix.data());
        rows.row_stride = Index(matrix.stride(0));
        rows.column_stride = n_columns > 1 ? Index(matrix.stride(1)) : 1;
        found = Index(matrix.shape(0));
    }
    if (n_rows >= 0 && found != n_rows) refuse("all data nodes need the same number of rows.");
    n_rows = found;
    return rows;
}

template <class T>
Examples<T> rows_of_all(const Program<T>& program, nb::handle given) {
    Examples<T> examples;
    examples.n_rows = -1;
    const auto& columns = program.instructions().data_columns;
    if (columns.size() == 1 && !nb::isinstance<nb::list>(given)) {
        examples.data.push_back(rows_of<T>(given, columns[0], examples.n_rows));
        return examples;
    }
    const auto list = nb::cast<nb::list>(given);
    if (list.size() != columns.size()) refuse("rows for each of the program's data nodes are needed.");
    for (std::size_t d = 0; d < columns.size(); ++d) {
        examples.data.push_back(rows_of<T>(list[d], columns[d], examples.n_rows));
    }
    if (columns.empty()) refuse("the program reads no data.");
    return examples;
}

// Rows with labels (m,) or targets (m, n), and what the rows weigh.
template <class T>
Examples<T> examples_of(const Program<T>& program, nb::handle rows, const Input& labels,
                        const std::optional<Input>& weights) {
    Examples<T> examples = rows_of_all<T>(program, rows);
    for (const Instruction& i : program.instructions().backward) {
        if (i.code != Code::kCrossEntropy) continue;
        if (program.instructions().losses[i.stream].sigmoid) {
            require_dtype<T>("targets", labels, "the program's dtype");
            require_shape("targets", labels, {examples.n_rows, i.a.columns});
            if (labels.stride(1) != 1 && i.a.columns > 1) refuse("targets must be contiguous.");
            if (Index(labels.stride(0)) != Index(labels.shape(1))) refuse("targets must be contiguous.");
            examples.targets = static_cast<const T*>(labels.data());
            examples.n_targets = i.a.columns;
            continue;
        }
        require_shape("labels", labels, {examples.n_rows});
        examples.labels = whole_numbers<std::int64_t>("labels", labels);
        for (Index row = 0; row < examples.n_rows; ++row) {
            const std::int64_t label = examples.labels[row];
            if (label >= 0 && label < i.a.columns) continue;
            refuse("labels must be 0.." + std::to_string(i.a.columns - 1) + "; row " + std::to_string(row) + " has " +
                   std::to_string(label) + ".");
        }
    }
    if (weights) examples.weights = vector_of<double>("sample_weight", *weights, examples.n_rows);
    return examples;
}

}  // namespace chainrule

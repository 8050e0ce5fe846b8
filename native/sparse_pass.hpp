// One pass of compressed sparse rows through the softmax layer, and products of sparse with dense matrices.
#pragma once

#include "aligned_memory.hpp"
#include "kernels/sparse_table.hpp"
#include "softmax_pass.hpp"

namespace chainrule {

// out (n_rows, n_columns) = matrix (n_rows, ...) times dense (..., n_columns), both with rows as neighbours.
template <class Value, class Position>
void sparse_product(const SparseMatrix<Value, Position>& matrix, Index n_rows, const Matrix<const double>& dense,
                    Index n_dense, Index n_columns, double* out, int n_threads);

// As run_softmax_pass, with the rows (n_rows, n_features) compressed, and for functions with a gradient their columns
// too: the same matrix, transposed. Where problem.rows says what the rows are nothing is read.
// `memory` becomes as large as the pass needs, for the next one to have: from the system it costs half a pass.
template <class Value, class Position>
SoftmaxSums run_sparse_pass(RowFunction function, const SoftmaxProblem<double>& problem,
                            const SparseMatrix<Value, Position>& rows,
                            const SparseMatrix<Value, Position>& by_column, AlignedMemory& memory, int n_threads);

// Throws std::invalid_argument unless starts climb from 0 to n_entries and every index is in 0 .. n_columns - 1.
template <class Position>
void check_sparse(const char* name, const Position* starts, Index n_rows, const Position* indices, Index n_entries,
                  Index n_columns, int n_threads);

}  // namespace chainrule

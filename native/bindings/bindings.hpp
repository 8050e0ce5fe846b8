// What each file here adds to the module.
#pragma once

#include <nanobind/nanobind.h>

namespace chainrule {

void bind_curvature(nanobind::module_& module);
void bind_hessian(nanobind::module_& module);
void bind_l1_quadratic(nanobind::module_& module);
void bind_softmax(nanobind::module_& module);
void bind_sparse(nanobind::module_& module);
void bind_systems(nanobind::module_& module);
void bind_program(nanobind::module_& module);
void bind_training(nanobind::module_& module);

}  // namespace chainrule

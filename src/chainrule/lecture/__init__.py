"""The lecture: from p - y on the blackboard to two trained models, computed with what trains every model."""

from chainrule.lecture.agreement import Agreement, compare_with_sweep
from chainrule.lecture.descent import Descent, engine_descent, gradient_descent
from chainrule.lecture.experiment import Band, train_network, train_softmax
from chainrule.lecture.pictures import draw_pictures
from chainrule.lecture.telling import Lecture, give_lecture
from chainrule.lecture.worked import (
    Argument,
    ShapeRow,
    WorkedExample,
    derive,
    shape_rows,
    work_example,
)

__all__ = [
    "Agreement",
    "Argument",
    "Band",
    "Descent",
    "Lecture",
    "ShapeRow",
    "WorkedExample",
    "compare_with_sweep",
    "derive",
    "draw_pictures",
    "engine_descent",
    "give_lecture",
    "gradient_descent",
    "shape_rows",
    "train_network",
    "train_softmax",
    "work_example",
]

"""The lecture: from p - y on the blackboard to two trained models, computed with what trains every model."""

from chainrule.lecture.descent import Descent, gradient_descent
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
    "Argument",
    "Band",
    "Descent",
    "Lecture",
    "ShapeRow",
    "WorkedExample",
    "derive",
    "draw_pictures",
    "give_lecture",
    "gradient_descent",
    "shape_rows",
    "train_network",
    "train_softmax",
    "work_example",
]

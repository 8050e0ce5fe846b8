"""How the parameters move: solvers see an objective, not data."""

from chainrule.solvers.gradient_descent import gradient_descent
from chainrule.solvers.newton_cg import newton_cg
from chainrule.solvers.softmax_objective import SoftmaxObjective
from chainrule.solvers.solution import Callback, Objective, Progress, SecondOrderObjective, Solution

__all__ = [
    "Callback",
    "Objective",
    "Progress",
    "SecondOrderObjective",
    "SoftmaxObjective",
    "Solution",
    "gradient_descent",
    "newton_cg",
]

"""How the parameters move: solvers see an objective, not data."""

from chainrule.solvers.full_batch import FullBatchOptions, full_batch
from chainrule.solvers.gradient_descent import gradient_descent
from chainrule.solvers.lbfgs import lbfgs
from chainrule.solvers.minibatch import MinibatchOptions, minibatch
from chainrule.solvers.newton import NewtonState, newton
from chainrule.solvers.program_objective import ProgramObjective
from chainrule.solvers.progress import EpochCallback, EpochProgress, Keeper, Watch
from chainrule.solvers.proximal_newton import proximal_newton
from chainrule.solvers.run_state import RunState
from chainrule.solvers.schedules import SCHEDULES, make_schedule
from chainrule.solvers.separation import Separation, find_separation
from chainrule.solvers.softmax_objective import SoftmaxObjective
from chainrule.solvers.solution import Callback, Objective, Progress, SecondOrderObjective, Solution

__all__ = [
    "SCHEDULES",
    "Callback",
    "EpochCallback",
    "EpochProgress",
    "FullBatchOptions",
    "Keeper",
    "MinibatchOptions",
    "NewtonState",
    "Objective",
    "ProgramObjective",
    "Progress",
    "RunState",
    "SecondOrderObjective",
    "Separation",
    "SoftmaxObjective",
    "Solution",
    "Watch",
    "find_separation",
    "full_batch",
    "gradient_descent",
    "lbfgs",
    "make_schedule",
    "minibatch",
    "newton",
    "proximal_newton",
]

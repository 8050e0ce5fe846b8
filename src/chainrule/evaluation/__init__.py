"""How well probabilities foretell labels.

The metrics are scikit-learn's, computed here with NumPy: a class needs one sort for both of its curves, and a
model read from a file is evaluated without importing scikit-learn.
"""

from chainrule.evaluation.measure import MOST_POINTS, evaluate, thin_curve
from chainrule.evaluation.record import Calibration, ClassCurves, Evaluation

__all__ = ["MOST_POINTS", "Calibration", "ClassCurves", "Evaluation", "evaluate", "thin_curve"]

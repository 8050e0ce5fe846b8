"""The scikit-learn face."""

from chainrule.estimators.network import MLPClassifier
from chainrule.estimators.own_graph import NetworkClassifier
from chainrule.estimators.softmax import SoftmaxClassifier
from chainrule.estimators.softmax_cv import SoftmaxClassifierCV
from chainrule.estimators.softmax_path import SoftmaxPath, softmax_path

__all__ = [
    "MLPClassifier",
    "NetworkClassifier",
    "SoftmaxClassifier",
    "SoftmaxClassifierCV",
    "SoftmaxPath",
    "softmax_path",
]

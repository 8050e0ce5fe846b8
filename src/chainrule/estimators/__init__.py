"""The scikit-learn face."""

from chainrule.estimators.network import MLPClassifier
from chainrule.estimators.own_graph import NetworkClassifier
from chainrule.estimators.softmax import SoftmaxClassifier

__all__ = ["MLPClassifier", "NetworkClassifier", "SoftmaxClassifier"]

"""The scikit-learn face."""

from chainrule.estimators.softmax import SoftmaxClassifier

__all__ = ["SoftmaxClassifier"]

"""What a fitted softmax classifier's coefficients are worth: standard errors, tests, marginal effects."""

from chainrule.inference.covariance import COVARIANCES
from chainrule.inference.fitted import FittedSoftmax
from chainrule.inference.marginal import MarginalEffects, marginal_effects
from chainrule.inference.summary import Summary, summarize

__all__ = ["COVARIANCES", "FittedSoftmax", "MarginalEffects", "Summary", "marginal_effects", "summarize"]

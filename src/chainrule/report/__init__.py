"""A model's report: metrics, plots and coefficients on one self-contained HTML page."""

from __future__ import annotations

from chainrule.report.coefficients import ClassCoefficients, Coefficient, largest_coefficients
from chainrule.report.page import Report

__all__ = ["ClassCoefficients", "Coefficient", "Report", "largest_coefficients"]

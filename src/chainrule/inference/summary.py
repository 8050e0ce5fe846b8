"""Standard errors, tests and measures of fit of a softmax classifier, as a record that can be printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from chainrule._typing import Float64Array
from chainrule.display import import_pandas
from chainrule.inference.covariance import Covariance, covariance_of
from chainrule.inference.fitted import FittedSoftmax
from chainrule.inference.intervals import check_confidence, normal_tests

if TYPE_CHECKING:
    from rich.console import RenderableType

INTERCEPT = "(intercept)"
NEAR_SINGULAR = 1e8  # condition number from which on half of the digits are gone
NOT_AT_OPTIMUM = 1e-4  # nats per observation that a Newton step on these rows would gain


@dataclass(frozen=True, eq=False)
class Summary:
    """Coefficients of a softmax classifier beside a reference class, and what is known of them.

    Arrays are (n_equations, width): a row for each class but the reference, a column for each feature, the intercept
    last.

    Attributes
    ----------
    classes, reference
        Of the equations, and the class that they are compared with.
    names
        (width,) of the coefficients.
    coefficients, standard_errors, z, p_values, lower, upper
        Log odds, their standard errors, quotients, two-sided p-values of the normal distribution and ends of the
        confidence interval. NaN for a column that an l1 penalty left out.
    covariance
        (n, n) of the coefficients class by class, without the columns left out.
    confidence
        Of the interval.
    cov_type
        Which covariance.
    n_observations
        Sum of the rows' weights.
    log_likelihood, null_log_likelihood
        In nats, of this model and of that without columns.
    df_model
        Coefficients without intercepts; ``effective_df`` counts all, shrunken ones in part.
    aic, bic
        2 effective_df - 2 log_likelihood, and with ln n_observations in place of the first 2.
    pseudo_r2
        McFadden's: 1 - log_likelihood / null_log_likelihood.
    likelihood_ratio, likelihood_ratio_p
        2 (log_likelihood - null_log_likelihood) and its p-value by the chi-squared distribution; the latter None with a
        penalty.
    condition_number
        Of the information, scaled to a unit diagonal.
    notes
        What to bear in mind.
    """

    classes: tuple[Any, ...]
    reference: Any
    names: tuple[str, ...]
    coefficients: Float64Array
    standard_errors: Float64Array
    z: Float64Array
    p_values: Float64Array
    lower: Float64Array
    upper: Float64Array
    covariance: Float64Array
    confidence: float
    cov_type: str
    n_observations: float
    log_likelihood: float
    null_log_likelihood: float
    df_model: int
    effective_df: float
    aic: float
    bic: float
    pseudo_r2: float
    likelihood_ratio: float
    likelihood_ratio_p: float | None
    condition_number: float
    notes: tuple[str, ...]

    @property
    def odds_ratios(self) -> Float64Array:
        """exp(coefficients): by what the odds against the reference are multiplied per unit of a column."""
        return np.exp(self.coefficients)

    def to_frame(self) -> Any:
        """Return a pandas frame with a row for each class and column."""
        pandas = import_pandas("to_frame")
        index = pandas.MultiIndex.from_product([self.classes, self.names], names=["class", "feature"])
        with np.errstate(over="ignore"):
            columns = {
                "coefficient": self.coefficients, "standard_error": self.standard_errors, "z": self.z,
                "p_value": self.p_values, "lower": self.lower, "upper": self.upper, "odds_ratio": self.odds_ratios,
                "odds_ratio_lower": np.exp(self.lower), "odds_ratio_upper": np.exp(self.upper),
            }  # fmt: skip
        return pandas.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index)

    def __str__(self) -> str:
        from chainrule.display import as_text

        return as_text(self.__rich__())

    def __rich__(self) -> RenderableType:
        from chainrule.inference.tables import summary_table

        return summary_table(self)

    def _repr_html_(self) -> str:
        from chainrule.inference.tables import summary_html

        return summary_html(self)


def summarize(
    fitted: FittedSoftmax,
    *,
    cov_type: str = "nonrobust",
    groups: Any = None,
    confidence: float = 0.95,
    notes: Sequence[str] = (),
) -> Summary:
    """Return what is known of a fitted softmax classifier's coefficients.

    Parameters
    ----------
    fitted
        Coefficients and the rows they were trained on.
    cov_type, groups
        See `chainrule.inference.covariance.covariance_of`.
    confidence
        Of the intervals, between 0 and 1.
    notes
        To be added to those that the numbers give rise to.
    """
    check_confidence(confidence)
    covariance = covariance_of(fitted, cov_type, groups)
    beta = fitted.contrasts
    errors = np.full_like(beta, np.nan)
    errors[:, fitted.is_selected] = np.sqrt(covariance.matrix.diagonal()).reshape(len(beta), -1)
    n, d = float(fitted.counts.sum()), len(fitted.weights)
    likelihood, null = fitted.log_likelihood(), fitted.null_log_likelihood()
    df_model = len(beta) * d
    ratio = 2.0 * (likelihood - null)
    is_free = fitted.l2 == 0.0 and fitted.l1 == 0.0
    labels = fitted.classes.tolist()
    return Summary(
        classes=tuple(labels[k] for k in fitted.others),
        reference=labels[fitted.reference],
        names=(*fitted.names, INTERCEPT) if fitted.has_intercept else fitted.names,
        coefficients=beta,
        standard_errors=errors,
        **normal_tests(beta, errors, confidence)._asdict(),
        covariance=covariance.matrix,
        confidence=confidence,
        cov_type=cov_type,
        n_observations=n,
        log_likelihood=likelihood,
        null_log_likelihood=null,
        df_model=df_model,
        effective_df=covariance.effective_df,
        aic=2.0 * covariance.effective_df - 2.0 * likelihood,
        bic=float(np.log(n)) * covariance.effective_df - 2.0 * likelihood,
        pseudo_r2=1.0 - likelihood / null if null < 0.0 else np.nan,
        likelihood_ratio=ratio,
        likelihood_ratio_p=float(chi2.sf(ratio, df_model)) if is_free and df_model else None,
        condition_number=covariance.condition_number,
        notes=(*notes, *notes_on(fitted, covariance, cov_type)),
    )


def notes_on(fitted: FittedSoftmax, covariance: Covariance, cov_type: str) -> list[str]:
    """Return what to bear in mind about standard errors of such a fit."""
    notes = []
    if fitted.l1 > 0.0:
        left_out = int((~fitted.is_selected).sum())
        notes.append(
            f"The l1 penalty chose the columns ({left_out} left out) and shrank the others: standard errors and "
            "p-values take neither into account and are too small. Fit the chosen columns again, on other rows, "
            "without a penalty."
        )
    elif fitted.l2 > 0.0 and cov_type == "nonrobust":
        notes.append(
            f"With an l2 penalty (C={1.0 / fitted.l2:.6g}) coefficients are shrunken towards 0: standard errors are "
            "those of a posterior under a normal prior of variance C (Laplace), not of an unbiased estimate, and "
            "p-values are no tests. effective_df counts shrunken coefficients in part."
        )
    elif fitted.l2 > 0.0:
        notes.append(
            f"With an l2 penalty (C={1.0 / fitted.l2:.6g}) the sandwich is the variance of the penalised estimate; "
            "its bias towards 0 is not in the intervals."
        )
    if covariance.condition_number > NEAR_SINGULAR:
        notes.append(
            f"The information matrix is nearly singular (condition number {covariance.condition_number:.2g}): columns "
            "follow from one another, or a class can nearly be told apart. Large standard errors show where."
        )
    if (gain := _left_to_gain(fitted, covariance)) > NOT_AT_OPTIMUM:
        notes.append(
            f"On these rows the coefficients are not at the optimum (a step would gain about {gain:.2g} nats per "
            "observation): are they the rows, weights and classes that it was trained on, and did it converge?"
        )
    return notes


def _left_to_gain(fitted: FittedSoftmax, covariance: Covariance) -> float:
    """Return half the squared Newton decrement per observation; 0 where an l1 penalty leaves it unknown."""
    if fitted.l1 > 0.0 or not covariance.matrix.size:
        return 0.0
    weighted = fitted.counts[:, None] * fitted.residuals
    gradient = np.asarray(fitted.X.T @ weighted, dtype=np.float64).T
    beta = fitted.contrasts
    if fitted.has_intercept:
        gradient = np.hstack([gradient, weighted.sum(axis=0)[:, None]])
    gradient = gradient.ravel() + fitted.penalty @ beta.ravel()
    centred = gradient.reshape(len(beta), -1).copy()
    if fitted.has_intercept:  # the information is that of centred columns
        centred[:, :-1] -= centred[:, -1:] * fitted.centre
    flat = centred.ravel()
    return 0.5 * float(flat @ covariance.inverse @ flat) / float(fitted.counts.sum())

"""Whether one model ranks better than another, on the same samples.

Cross-validated scores are not independent: the models of all folds share most of their training samples. No
unbiased estimate of the variance exists (Bengio and Grandvalet, J Mach Learn Res 5:1089, 2004), and
tests that ignore it reject too often, most of all when neither model knows anything. `widen` multiplies the
standard error to make up for it; see `out_of_fold.CrossValidation.compare`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._order import name_codes
from precisionmed.estimators._outcome import follow_up
from precisionmed.estimators._ranking import bootstrap, c_index, placements, sorted_for_concordance
from precisionmed.estimators._vectors import checked_level, numbers, zero_one
from precisionmed.estimators.metrics import Interval, auc


@dataclass(frozen=True)
class Difference:
    """How much better the first model is than the second, with interval and two-sided p."""

    estimate: float
    lower: float
    upper: float
    p: float


def auc_difference(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    level: float = 0.95,
    *,
    strata: ArrayLike | None = None,
    subject: ArrayLike | None = None,
    widen: float = 1.0,
) -> Difference:
    """Return AUC of `first` minus AUC of `second` with the paired test of DeLong.

    The variance is that of the differences of the placement values, over cases and over controls (DeLong et
    al., Biometrics 44:837, 1988). Without strata it equals `roc.test(paired = TRUE)` of R's pROC.

    Parameters
    ----------
    truth : (n,) array of 0 and 1 (or bool)
    first, second : (n,) arrays
        Scores of the two models; higher means more likely a case.
    level : float
        Confidence level.
    strata, subject : (n,) arrays, optional
        As for `metrics.auc_interval`.
    widen : float
        Factor of the standard error.

    Returns
    -------
    Difference
        Interval and p are NaN when the models differ but their placement values do so by a constant, or
        there is only one case or control: the data then say nothing about the variance.
    """
    z = norm.ppf(0.5 + checked_level(level) / 2)
    truth, first, second, strata, subject = aligned(
        truth=truth, first=first, second=second, strata=strata, subject=subject
    )
    truth = zero_one(truth, "truth")
    scores = [numbers(first, "first", truth.size), numbers(second, "second", truth.size)]
    estimate = auc(truth, scores[0], strata=strata) - auc(truth, scores[1], strata=strata)
    parts = zip(*(placements(truth, score, strata, subject) for score in scores), strict=True)
    gaps = [(one - other).to_numpy() for one, other in parts]
    if estimate == 0 and not any(gap.any() for gap in gaps):
        return Difference(0.0, 0.0, 0.0, 1.0)
    variance = sum(gap.var(ddof=1) / gap.size if gap.size > 1 else np.nan for gap in gaps)
    if not variance > 0:
        return Difference(estimate, np.nan, np.nan, np.nan)
    error = widen * np.sqrt(variance)
    half = z * error
    p = 2 * norm.sf(abs(estimate) / error)
    return Difference(estimate, float(estimate - half), float(estimate + half), float(p))


def concordance_difference(
    time: ArrayLike,
    event: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    random_state: int | np.random.Generator | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    subject: ArrayLike | None = None,
    widen: float = 1.0,
) -> Difference:
    """Return Harrell's C of `first` minus that of `second`, by a paired bootstrap over subjects.

    Both models see the same bootstrap samples. The interval is the percentile interval, and p twice the
    smaller share of bootstrap differences on either side of 0, the observed one counted as one of them, so
    that p is at least 2 / (n_boot + 1).

    Parameters
    ----------
    time, event : (n,) arrays
    first, second : (n,) arrays
        Risks of the two models; higher means earlier failure.
    random_state : int, Generator or None
        Draws the bootstrap samples.
    n_boot : int
        Bootstrap samples.
    level : float
        Confidence level.
    entry, strata, subject : (n,) arrays, optional
        As for `metrics.concordance_interval`.
    widen : float
        Factor of the distances of the bootstrap differences from the observed one.
    """
    checked_level(level)
    time, event, first, second, entry, strata, subject = aligned(
        time=time, event=event, first=first, second=second, entry=entry, strata=strata, subject=subject
    )
    outcome = follow_up(time, event, entry)
    ready = [sorted_for_concordance(outcome, risk, strata) for risk in (first, second)]
    order = ready[0].order

    def gap(weight: np.ndarray) -> float:
        one, other = (c_index(followed, weight) for followed in ready)
        return one - other

    estimate = gap(np.ones(order.size))
    subject = name_codes(time) if subject is None else subject
    drawn = estimate + widen * (bootstrap(gap, order, subject, n_boot, random_state) - estimate)
    if drawn.size == 0:
        return Difference(estimate, np.nan, np.nan, np.nan)
    lower, upper = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    fewest = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    p = min(1.0, 2 * (1 + fewest) / (1 + drawn.size))
    return Difference(estimate, float(lower), float(upper), p)


def independent_difference(first: Interval, second: Interval, level: float = 0.95) -> Difference:
    """Return the difference of two estimates from different samples, its interval recovered from theirs.

    Zou and Donner, Statistics in Medicine 2008;27:1693 (MOVER): the interval reaches as far as both limits
    together, so that it is skewed where they are. For two proportions with Wilson's intervals it is that of
    Newcombe (Statistics in Medicine 1998;17:873, method 10). p is that of the level at which the interval
    would end at 0, if distances grew with the normal quantile. Samples that are positively correlated (a
    patient with samples on both sides) make it wider than needed.

    Parameters
    ----------
    first, second : (estimate, lower, upper)
        With intervals of that level.
    level : float
        Confidence level.

    Returns
    -------
    Difference
        Interval and p are NaN when either interval is unknown.
    """
    z = norm.ppf(0.5 + checked_level(level) / 2)
    gap = first[0] - second[0]
    below = np.hypot(first[0] - first[1], second[2] - second[0])
    above = np.hypot(first[2] - first[0], second[0] - second[1])
    near = below if gap > 0 else above
    if gap == 0:
        p = 1.0 if np.isfinite(below + above) else np.nan
    else:
        p = float(2 * norm.sf(z * abs(gap) / near)) if near > 0 else np.nan
    return Difference(float(gap), float(gap - below), float(gap + above), p)

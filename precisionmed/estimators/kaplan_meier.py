"""Kaplan-Meier curves, numbers at risk, log-rank test and follow-up, as R's `survival` computes them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats


class LogRank(NamedTuple):
    """Result of `logrank`."""

    chi2: float
    df: int
    p: float


def kaplan_meier(time: ArrayLike, event: ArrayLike, level: float = 0.95) -> pd.DataFrame:
    """Estimate a survival curve.

    The interval is the log(-log) one with Greenwood's variance, which stays within 0 and 1; it is not
    defined where the curve is 0 (NaN).

    Parameters
    ----------
    time, event : array (n_samples,)
        Follow-up time and whether the event happened.
    level : float
        Level of the confidence interval.

    Returns
    -------
    DataFrame
        `time` (each distinct time), `survival` just after it, `lower`, `upper`, `at_risk` just before it,
        `events` and `censored` at it.

    References
    ----------
    Kaplan and Meier, J Am Stat Assoc 53:457 (1958); Kalbfleisch and Prentice, The Statistical Analysis
    of Failure Time Data, section 1.4 (interval).
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    distinct, index = np.unique(time, return_inverse=True)
    leaving = np.bincount(index, minlength=distinct.size)
    events = np.bincount(index[event], minlength=distinct.size)
    at_risk = leaving[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        log_survival = np.log(survival)
        width = stats.norm.ppf(0.5 + level / 2) * np.sqrt(greenwood) / log_survival
        lower = np.exp(log_survival * np.exp(-width))
        upper = np.exp(log_survival * np.exp(width))
    before = survival == 1
    after = survival == 0
    return pd.DataFrame(
        {
            "time": distinct,
            "survival": survival,
            "lower": np.where(before, 1.0, np.where(after, np.nan, lower)),
            "upper": np.where(before, 1.0, np.where(after, np.nan, upper)),
            "at_risk": at_risk,
            "events": events,
            "censored": leaving - events,
        }
    )


def survival_at(curve: pd.DataFrame, time: ArrayLike) -> np.ndarray:
    """Read a curve made by `kaplan_meier` at given times (1 before its first time)."""
    steps = np.concatenate([[1.0], curve["survival"].to_numpy()])
    return steps[np.searchsorted(curve["time"].to_numpy(), np.asarray(time, dtype=float), side="right")]


def median_survival(time: ArrayLike, event: ArrayLike) -> float:
    """Return the median survival time, NaN when the curve stays above one half.

    When the curve is flat at exactly one half, the middle of that stretch is taken, as R does.
    """
    curve = kaplan_meier(time, event)
    survival, times = curve["survival"].to_numpy(), curve["time"].to_numpy()
    tolerance = 1e-9
    reached = np.flatnonzero(survival <= 0.5 + tolerance)
    if reached.size == 0:
        return float("nan")
    below = np.flatnonzero(survival < 0.5 - tolerance)
    if below.size and below[0] > reached[0]:
        return float((times[reached[0]] + times[below[0]]) / 2)
    return float(times[reached[0]])


def median_follow_up(time: ArrayLike, event: ArrayLike) -> float:
    """Return the median follow-up by the reverse Kaplan-Meier method: being censored is the event.

    References
    ----------
    Schemper and Smith, Control Clin Trials 17:343 (1996).
    """
    return median_survival(time, ~np.asarray(event, dtype=bool))


def numbers_at_risk(time: ArrayLike, groups: ArrayLike, times: ArrayLike) -> pd.DataFrame:
    """Count the samples still followed just before each of `times`, by group.

    Returns
    -------
    DataFrame
        One row a group (sorted), one column a time.
    """
    time, groups = np.asarray(time, dtype=float), np.asarray(groups).astype(str)
    times = np.asarray(times, dtype=float)
    names = np.unique(groups)
    counts = [(time[groups == name][:, None] >= times).sum(axis=0) for name in names]
    return pd.DataFrame(np.reshape(counts, (names.size, times.size)), index=names, columns=times)


def logrank(time: ArrayLike, event: ArrayLike, groups: ArrayLike) -> LogRank:
    """Compare the survival of two or more groups with the log-rank test.

    Parameters
    ----------
    time, event : array (n_samples,)
        Follow-up time and whether the event happened.
    groups : array (n_samples,)
        Group of each sample.

    Returns
    -------
    LogRank
        Chi-square statistic, degrees of freedom and p-value; NaN when nothing can be compared (one
        group, or no event while two groups were at risk).

    References
    ----------
    Peto and Peto, J R Stat Soc A 135:185 (1972); hypergeometric variance as in R's `survdiff`.
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    names, member = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    distinct, index = np.unique(time, return_inverse=True)
    leaving = np.zeros((distinct.size, names.size))
    np.add.at(leaving, (index, member), 1.0)
    deaths = np.zeros_like(leaving)
    np.add.at(deaths, (index[event], member[event]), 1.0)
    at_risk = leaving[::-1].cumsum(axis=0)[::-1]
    n, d = at_risk.sum(axis=1), deaths.sum(axis=1)
    share = at_risk / n[:, None]
    excess = (deaths - d[:, None] * share).sum(axis=0)
    factor = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
    variance = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    # A group nobody of which was at risk at any event carries no information, as in R.
    informative = np.flatnonzero((d @ share) > 0)
    if informative.size < 2:
        return LogRank(float("nan"), 0, float("nan"))
    use = informative[1:]
    if np.linalg.matrix_rank(variance[np.ix_(use, use)]) != use.size:
        return LogRank(float("nan"), 0, float("nan"))
    chi2 = float(excess[use] @ np.linalg.solve(variance[np.ix_(use, use)], excess[use]))
    return LogRank(chi2, use.size, float(stats.chi2.sf(chi2, use.size)))

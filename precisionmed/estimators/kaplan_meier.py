"""Kaplan-Meier curves, numbers at risk, log-rank test and follow-up, as R's `survival` computes them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._outcome import FollowUp, follow_up, rounding, steps_before
from precisionmed.estimators._vectors import checked_level, group_codes, numbers


class LogRank(NamedTuple):
    """Result of `logrank`."""

    chi2: float
    df: int
    p: float


def kaplan_meier(
    time: ArrayLike, event: ArrayLike, level: float = 0.95, *, entry: ArrayLike | None = None
) -> pd.DataFrame:
    """Estimate a survival curve.

    The interval is the log(-log) one with Greenwood's variance, which stays within 0 and 1; it is not
    defined where the curve is 0 (NaN).

    Parameters
    ----------
    time, event : array (n_samples,)
        Follow-up time and whether the event happened (0 and 1, or bool). Times that are equal but for
        rounding are one time.
    level : float
        Level of the confidence interval.
    entry : array (n_samples,), optional
        When each sample came under observation (left truncation): it is at risk after that only.

    Returns
    -------
    DataFrame
        `time` (each distinct time), `survival` just after it, `lower`, `upper`, `at_risk` just before it,
        `events` and `censored` at it.

    Raises
    ------
    InputError
        A value is missing, a time is negative, an event is neither 0 nor 1, lengths or indices differ.

    References
    ----------
    Kaplan and Meier, J Am Stat Assoc 53:457 (1958); Kalbfleisch and Prentice, The Statistical Analysis
    of Failure Time Data, section 1.4 (interval).
    """
    return survival_curve(follow_up(time, event, entry), level)


def survival_curve(outcome: FollowUp, level: float = 0.95) -> pd.DataFrame:
    """Do as `kaplan_meier` with an outcome that has been checked."""
    z = stats.norm.ppf(0.5 + checked_level(level) / 2)
    time, event = outcome.time, outcome.event
    distinct, index = np.unique(time, return_inverse=True)
    leaving = np.bincount(index, minlength=distinct.size)
    events = np.bincount(index[event], minlength=distinct.size)
    at_risk = leaving[::-1].cumsum()[::-1]
    if outcome.entry is not None:
        at_risk = at_risk - _not_yet_entered(outcome.entry, distinct)
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        log_survival = np.log(survival)
        width = z * np.sqrt(greenwood) / log_survival
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
    return steps[steps_before(curve["time"].to_numpy(), time)]


def median_survival(time: ArrayLike, event: ArrayLike, *, entry: ArrayLike | None = None) -> float:
    """Return the median survival time, NaN when the curve stays above one half.

    When the curve is flat at exactly one half, the middle of that stretch is taken, as R does.
    """
    return _median(follow_up(time, event, entry))


def median_follow_up(time: ArrayLike, event: ArrayLike, *, entry: ArrayLike | None = None) -> float:
    """Return the median follow-up by the reverse Kaplan-Meier method: being censored is the event.

    References
    ----------
    Schemper and Smith, Control Clin Trials 17:343 (1996).
    """
    outcome = follow_up(time, event, entry)
    return _median(FollowUp(outcome.time, ~outcome.event, outcome.entry))


def numbers_at_risk(
    time: ArrayLike, groups: ArrayLike, times: ArrayLike, *, entry: ArrayLike | None = None
) -> pd.DataFrame:
    """Count the samples still followed just before each of `times`, by group.

    With `entry` times, those who have entered by then; at time 0, those who were there from the start.

    Returns
    -------
    DataFrame
        One row a group (sorted, with the type of `groups`), one column a time.

    Raises
    ------
    InputError
        A time or a group is missing, lengths or indices differ.
    """
    time, groups, entry = aligned(time=time, groups=groups, entry=entry)
    outcome = follow_up(time, np.zeros(np.shape(time)), entry)
    names, member = group_codes(groups, "groups", outcome.time.size)
    moments = numbers(times, "times")
    slack = rounding(np.unique(outcome.time))
    followed = outcome.time[:, None] >= moments - slack
    if outcome.entry is not None:
        entered = outcome.entry[:, None]
        followed &= (entered < moments - slack) | (entered == 0) & (moments <= slack)
    counts = [followed[member == k].sum(axis=0) for k in range(len(names))]
    return pd.DataFrame(np.reshape(counts, (len(names), moments.size)), index=names, columns=moments)


def logrank(
    time: ArrayLike, event: ArrayLike, groups: ArrayLike, *, entry: ArrayLike | None = None
) -> LogRank:
    """Compare the survival of two or more groups with the log-rank test.

    Parameters
    ----------
    time, event : array (n_samples,)
        Follow-up time and whether the event happened (0 and 1, or bool). Times that are equal but for
        rounding are one time.
    groups : array (n_samples,)
        Group of each sample.
    entry : array (n_samples,), optional
        When each sample came under observation (left truncation): it is at risk after that only.

    Returns
    -------
    LogRank
        Chi-square statistic, degrees of freedom and p-value; NaN when nothing can be compared (one
        group, or no event while two groups were at risk).

    Raises
    ------
    InputError
        A time, an event or a group is missing, a time is negative, an event is neither 0 nor 1, lengths or
        indices differ.

    References
    ----------
    Peto and Peto, J R Stat Soc A 135:185 (1972); hypergeometric variance as in R's `survdiff`.
    """
    time, event, groups, entry = aligned(time=time, event=event, groups=groups, entry=entry)
    outcome = follow_up(time, event, entry)
    event = outcome.event
    names, member = group_codes(groups, "groups", event.size)
    distinct, position = np.unique(outcome.time, return_inverse=True)
    leaving = np.zeros((distinct.size, len(names)))
    np.add.at(leaving, (position, member), 1.0)
    deaths = np.zeros_like(leaving)
    np.add.at(deaths, (position[event], member[event]), 1.0)
    at_risk = leaving[::-1].cumsum(axis=0)[::-1]
    if outcome.entry is not None:
        own = [outcome.entry[member == k] for k in range(len(names))]
        at_risk -= np.column_stack([_not_yet_entered(entries, distinct) for entries in own])
    return _logrank(at_risk, deaths)


def _logrank(at_risk: np.ndarray, deaths: np.ndarray) -> LogRank:
    """Return the test of numbers at risk and of events, one row a time and one column a group."""
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


def _median(outcome: FollowUp) -> float:
    curve = survival_curve(outcome)
    survival, times = curve["survival"].to_numpy(), curve["time"].to_numpy()
    tolerance = 1e-9
    reached = np.flatnonzero(survival <= 0.5 + tolerance)
    if reached.size == 0:
        return float("nan")
    below = np.flatnonzero(survival < 0.5 - tolerance)
    if below.size and below[0] > reached[0]:
        return float((times[reached[0]] + times[below[0]]) / 2)
    return float(times[reached[0]])


def _not_yet_entered(entry: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Count the samples that come under observation at each of `times` or later."""
    return entry.size - np.searchsorted(np.sort(entry), times, side="left")

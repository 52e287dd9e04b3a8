"""Middles and quantiles of a distribution, made of several samples so that none of them can be read off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from precisionmed.config.minima import TO_LOCK

_FIFTH = 0.1
"""Half of the part of the weight that a middle is made of."""


def central_mean(
    values: NDArray[np.float64], weight: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the mean of the middle fifth of each column (of at least five values, where there are five).

    It stands between median and mean in robustness: up to two fifths of the values may be anything. A median
    of an odd number of samples would be one patient's value, to the last digit.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_columns)
        NaN is missing.
    weight : ndarray of shape (n_samples,), optional
        Weights of samples without missing values. The middle then is a fifth of the weight, widened until
        five values are in it as a whole.

    Returns
    -------
    ndarray of shape (n_columns,), or a scalar array
        NaN where a column has no value.
    """
    columns = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    if weight is not None and np.ptp(weight) > 0:
        return _weighted_middle(columns[weight > 0], weight[weight > 0]).reshape(np.shape(values)[1:])
    complete = ~np.isnan(columns).any(axis=0)
    result = np.full(columns.shape[1], np.nan)
    if complete.any():
        result[complete] = _middle(columns if complete.all() else columns[:, complete])
    for column in np.flatnonzero(~complete):
        known = columns[~np.isnan(columns[:, column]), column]
        if known.size:
            result[column] = _middle(known[:, np.newaxis])[0]
    return result.reshape(np.shape(values)[1:])


def _middle(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    n = len(columns)
    width = min(n, max(TO_LOCK, round(n / 5)))
    width -= (n - width) % 2  # as many values on one side as on the other
    width = max(width, 2 - n % 2)
    first = (n - width) // 2
    return np.partition(columns, (first, first + width - 1), axis=0)[first : first + width].mean(axis=0)


def _weighted_middle(columns: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(columns, axis=0, kind="stable")
    ordered = np.take_along_axis(columns, order, axis=0)
    upper = np.cumsum(weight[order], axis=0) / weight.sum()
    lower = np.vstack([np.zeros(columns.shape[1]), upper[:-1]])
    # How far the middle has to reach to hold a value as a whole.
    reach = np.maximum(np.abs(lower - 0.5), np.abs(upper - 0.5))
    fifth = min(TO_LOCK, len(columns)) - 1
    half = np.maximum(np.partition(reach, fifth, axis=0)[fifth], _FIFTH)
    share = np.clip(np.minimum(upper, 0.5 + half) - np.maximum(lower, 0.5 - half), 0, None)
    return (share * ordered).sum(axis=0) / share.sum(axis=0)


def central_quantile(values: NDArray[np.float64], quantile: float) -> float:
    """Return a quantile that every value takes part in, most those near to it.

    A weighted mean of the ordered values; an extreme quantile of a few still is mostly that of the outermost,
    so round it before it is stored.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Without missing values.
    quantile : float
        From 0 (the lowest value) to 1.

    References
    ----------
    Harrell FE, Davis CE. Biometrika 1982;69:635-640.
    """
    ordered = np.sort(values)
    if quantile in (0, 1):
        return float(ordered[-int(quantile)])
    n = len(ordered)
    edges = betainc((n + 1) * quantile, (n + 1) * (1 - quantile), np.arange(n + 1) / n)
    return float(np.diff(edges) @ ordered)

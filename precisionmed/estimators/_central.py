"""The middle of a distribution, made of several samples so that none of them can be read off it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FEWEST = 5
"""Values that the middle is a mean of, where there are as many."""


def central_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the middle fifth of each column (of at least five values, where there are five).

    It stands between median and mean in robustness: up to two fifths of the values may be anything. A median
    of an odd number of samples would be one patient's value, to the last digit.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_columns)
        NaN is missing.

    Returns
    -------
    ndarray of shape (n_columns,), or a scalar array
        NaN where a column has no value.
    """
    columns = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
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
    width = min(n, max(_FEWEST, round(n / 5)))
    width -= (n - width) % 2  # as many values on one side as on the other
    width = max(width, 2 - n % 2)
    first = (n - width) // 2
    return np.partition(columns, (first, first + width - 1), axis=0)[first : first + width].mean(axis=0)

"""Inner loops of quality control: one pass over a large matrix each, NaN is a missing value."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.select import select

_BLOCK = 8  # genes taken together: one cache line of a row


@njit(cache=True, parallel=True, error_model="numpy")
def log_per_million(values):
    """Return log2(x * 10^6 / total of the sample + 1), shape (n_samples, n_genes)."""
    n, p = values.shape
    out = np.empty((n, p))
    for i in prange(n):
        total = 0.0
        for j in range(p):
            if not np.isnan(values[i, j]):
                total += values[i, j]
        scale = 1e6 / total
        for j in range(p):
            out[i, j] = np.log2(values[i, j] * scale + 1.0)
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def sample_totals(values):
    """Return the sum, the number of positive and the number of missing values of each sample."""
    n, p = values.shape
    sums = np.zeros(n)
    positive = np.zeros(n, np.int64)
    missing = np.zeros(n, np.int64)
    for i in prange(n):
        for j in range(p):
            if np.isnan(values[i, j]):
                missing[i] += 1
            else:
                sums[i] += values[i, j]
                positive[i] += values[i, j] > 0
    return sums, positive, missing


@njit(cache=True, parallel=True, error_model="numpy")
def gene_medians(values):
    """Return the median of each gene's measured values; NaN when there are none."""
    n, p = values.shape
    out = np.full(p, np.nan)
    for block in prange((p + _BLOCK - 1) // _BLOCK):
        start, stop = block * _BLOCK, min(p, block * _BLOCK + _BLOCK)
        buffer = np.empty((stop - start, n))
        for i in range(n):
            for j in range(start, stop):
                buffer[j - start, i] = values[i, j]
        for j in range(start, stop):
            column = buffer[j - start]
            column = column[~np.isnan(column)]
            if len(column) > 0:
                half = (len(column) - 1) // 2
                low = select(column, half)
                high = low if len(column) % 2 else select(column, half + 1)
                out[j] = 0.5 * (low + high)
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def deviation_quantiles(values, centers, levels):
    """Return quantiles (R's type 7) over genes of each sample's values less the genes' centres.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_genes)
    centers : ndarray of shape (n_genes,)
    levels : ndarray of shape (n_levels,)
        Ascending.

    Returns
    -------
    ndarray of shape (n_samples, n_levels)
        NaN for a sample without measured values.
    """
    n, p = values.shape
    out = np.full((n, len(levels)), np.nan)
    for i in prange(n):
        work = np.empty(p)
        count = 0
        for j in range(p):
            deviation = values[i, j] - centers[j]
            if not np.isnan(deviation):
                work[count] = deviation
                count += 1
        if count == 0:
            continue
        done = 0  # values before are no larger than those behind
        for k in range(len(levels)):
            place = levels[k] * (count - 1)
            below = int(place)
            low = select(work[done:count], below - done)
            high = low
            if below + 1 < count:
                high = work[below + 1 : count].min()
            out[i, k] = low + (place - below) * (high - low)
            done = below
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def gene_moments(values, sizes):
    """Return mean and standard deviation (n - 1) of each gene.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_genes)
    sizes : ndarray of shape (n_samples,) or (0,)
        Library sizes: the values are counts, and the moments are those of
        log2((count + 0.5) / (size + 1) * 10^6). Empty: moments of the values as they are.
    """
    n, p = values.shape
    means, deviations = np.full(p, np.nan), np.full(p, np.nan)
    counts = len(sizes) > 0
    for block in prange((p + _BLOCK - 1) // _BLOCK):
        start, stop = block * _BLOCK, min(p, block * _BLOCK + _BLOCK)
        buffer = np.empty((stop - start, n))
        for i in range(n):
            scale = 1e6 / (sizes[i] + 1.0) if counts else 0.0
            for j in range(start, stop):
                x = values[i, j]
                buffer[j - start, i] = np.log2((x + 0.5) * scale) if counts else x
        for j in range(start, stop):
            column = buffer[j - start]
            column = column[~np.isnan(column)]
            if len(column) > 0:
                means[j] = column.mean()
            if len(column) > 1:
                deviations[j] = np.sqrt(np.sum((column - means[j]) ** 2) / (len(column) - 1))
    return means, deviations


@njit(cache=True, parallel=True, error_model="numpy")
def histograms(values, low, high, bins):
    """Return for each sample the share of its measured values in equal bins, shape (n_samples, bins).

    Values outside belong to no bin, so that rows may sum to less than one.
    """
    n, p = values.shape
    out = np.zeros((n, bins))
    per_unit = bins / (high - low)
    for i in prange(n):
        measured = 0
        for j in range(p):
            x = values[i, j]
            if np.isnan(x):
                continue
            measured += 1
            if low <= x <= high:
                out[i, min(int((x - low) * per_unit), bins - 1)] += 1.0
        if measured > 0:
            out[i] /= measured
    return out

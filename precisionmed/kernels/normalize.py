"""Inner loops of the normalizers. Every sample is treated alone, whatever the other rows are."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.select import select


@njit(cache=True, parallel=True, error_model="numpy")
def library_sizes(counts, share):
    """Sum the counts of each sample; unmeasured (NaN) genes are made up for by their share.

    Parameters
    ----------
    counts : ndarray of shape (n_samples, n_genes)
    share : ndarray of shape (n_genes,)
        Fraction of a usual library that falls on each gene; sums to one.

    Returns
    -------
    ndarray of shape (n_samples,)
        Plain sums where nothing is missing.
    """
    n, p = counts.shape
    sizes = np.empty(n)
    for i in prange(n):
        total, measured, missing = 0.0, 0.0, 0
        for j in range(p):
            if np.isnan(counts[i, j]):
                missing += 1
            else:
                total += counts[i, j]
                measured += share[j]
        sizes[i] = total if missing == 0 or measured == 0.0 else total / measured
    return sizes


@njit(cache=True, parallel=True, error_model="numpy")
def log_cpm(counts, sizes, prior, mean_size):
    """Log2 counts per million with a prior count in proportion to the library size.

    Adds `prior * size / mean_size` to every count and twice that to the library size, so that a zero
    has the same value in every library (edgeR's definition).
    """
    n, p = counts.shape
    out = np.empty((n, p))
    for i in prange(n):
        added = prior * (sizes[i] / mean_size)
        scale = 1e6 / (sizes[i] + 2.0 * added)
        for j in range(p):
            out[i, j] = np.log2((counts[i, j] + added) * scale)
    return out


def average_ranks(values):
    """Rank the values of each sample from 1; ties share their mean rank, NaN stays NaN."""
    return _ranks_in_order(values, np.argsort(values, axis=1))  # NaN is sorted last


@njit(cache=True, parallel=True, error_model="numpy")
def _ranks_in_order(values, order):
    n, p = values.shape
    ranks = np.empty((n, p))
    for i in prange(n):
        start = 0
        while start < p and not np.isnan(values[i, order[i, start]]):
            stop = start + 1
            while stop < p and values[i, order[i, stop]] == values[i, order[i, start]]:
                stop += 1
            for k in range(start, stop):
                ranks[i, order[i, k]] = 0.5 * (start + stop + 1)
            start = stop
        for k in range(start, p):
            ranks[i, order[i, k]] = np.nan
    return ranks


@njit(cache=True, parallel=True, error_model="numpy")
def row_quantiles(values, q):
    """Quantile of each sample's measured values (R's type 7); NaN when there are none."""
    n, p = values.shape
    out = np.full(n, np.nan)
    for i in prange(n):
        measured = np.empty(p)
        count = 0
        for j in range(p):
            if not np.isnan(values[i, j]):
                measured[count] = values[i, j]
                count += 1
        if count > 0:
            place = q * (count - 1)
            below = int(place)
            above = min(below + 1, count - 1)
            low, high = select(measured[:count], below), select(measured[:count], above)
            out[i] = low + (place - below) * (high - low)
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def onto_target(ranks, target):
    """Put a target distribution in place of each sample's ranks.

    Parameters
    ----------
    ranks : ndarray of shape (n_samples, n_genes)
        From 1, NaN where missing. Of a sample with gaps they are stretched over the whole target.
    target : ndarray of shape (n_genes,)
        Ascending values; half ranks (ties) fall between two of them.
    """
    n, p = ranks.shape
    out = np.empty((n, p))
    for i in prange(n):
        count = 0
        for j in range(p):
            count += not np.isnan(ranks[i, j])
        stretch = 1.0 if count == p else (p - 1) / max(count - 1, 1)
        for j in range(p):
            if np.isnan(ranks[i, j]):
                out[i, j] = np.nan
                continue
            place = (ranks[i, j] - 1.0) * stretch
            below = int(place)
            above = min(below + 1, p - 1)
            out[i, j] = target[below] + (place - below) * (target[above] - target[below])
    return out

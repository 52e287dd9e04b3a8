"""Inner loops of the normalizers. Every sample is treated alone, whatever the other rows are."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


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


@njit(cache=True, parallel=True, error_model="numpy")
def average_ranks(values):
    """Rank the values of each sample from 1; ties share their mean rank, NaN stays NaN."""
    n, p = values.shape
    ranks = np.empty((n, p))
    for i in prange(n):
        order = np.argsort(values[i])  # NaN is sorted last
        start = 0
        while start < p and not np.isnan(values[i, order[start]]):
            stop = start + 1
            while stop < p and values[i, order[stop]] == values[i, order[start]]:
                stop += 1
            for k in range(start, stop):
                ranks[i, order[k]] = 0.5 * (start + stop + 1)
            start = stop
        for k in range(start, p):
            ranks[i, order[k]] = np.nan
    return ranks

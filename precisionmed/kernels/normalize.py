"""Inner loops of the normalizers. Every sample is treated alone, whatever the other rows are."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.select import select

_BLOCK = 512  # genes that one thread sums, so that rows are read in pieces


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
def row_facts(counts):
    """Return lowest, highest and sum of each sample's measured values; NaN, NaN, 0 when there are none."""
    n, p = counts.shape
    lowest, highest, sums = np.full(n, np.nan), np.full(n, np.nan), np.zeros(n)
    for i in prange(n):
        for j in range(p):
            value = counts[i, j]
            if np.isnan(value):
                continue
            sums[i] += value
            if not value >= lowest[i]:
                lowest[i] = value
            if not value <= highest[i]:
                highest[i] = value
    return lowest, highest, sums


@njit(cache=True, parallel=True, error_model="numpy")
def mean_shares(counts, sums):
    """Mean of `counts / sum` of each gene over the samples in which it is measured; 0 when there are none."""
    n, p = counts.shape
    out = np.zeros(p)
    for block in prange((p + _BLOCK - 1) // _BLOCK):
        first, stop = block * _BLOCK, min((block + 1) * _BLOCK, p)
        measured = np.zeros(_BLOCK)
        for i in range(n):
            scale = 1.0 / sums[i]
            for j in range(first, stop):
                if not np.isnan(counts[i, j]):
                    out[j] += counts[i, j] * scale
                    measured[j - first] += 1.0
        for j in range(first, stop):
            out[j] /= max(measured[j - first], 1.0)
    return out


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
def expressed_quantiles(values, expressed, q):
    """Quantile of each sample's measured values of the chosen genes (R's type 7); NaN when there are none."""
    n, p = values.shape
    out = np.full(n, np.nan)
    for i in prange(n):
        measured = np.empty(p)
        count = 0
        for j in range(p):
            if expressed[j] and not np.isnan(values[i, j]):
                measured[count] = values[i, j]
                count += 1
        if count > 0:
            out[i] = _quantile(measured[:count], q)
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def expressed_genes(counts):
    """Whether a gene has a count above 0 in any sample."""
    n, p = counts.shape
    out = np.zeros(p, np.bool_)
    for block in prange((p + _BLOCK - 1) // _BLOCK):
        stop = min((block + 1) * _BLOCK, p)
        for i in range(n):
            for j in range(block * _BLOCK, stop):
                out[j] |= counts[i, j] > 0.0
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def root_sums(counts):
    """Sum of the square roots of each sample's measured counts."""
    out = np.zeros(len(counts))
    for i in prange(len(counts)):
        for j in range(counts.shape[1]):
            if counts[i, j] > 0.0:
                out[i] += np.sqrt(counts[i, j])
    return out


@njit(cache=True, error_model="numpy")
def _quantile(work, q):
    """Quantile (R's type 7) of an array without NaN, which is reordered."""
    place = q * (len(work) - 1)
    below = int(place)
    above = min(below + 1, len(work) - 1)
    low, high = select(work, below), select(work, above)
    return low + (place - below) * (high - low)


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


@njit(cache=True, parallel=True, error_model="numpy")
def gene_log_means(counts):
    """Mean log count of each gene; `-inf` where a count is zero or missing."""
    n, p = counts.shape
    out = np.zeros(p)
    for block in prange((p + _BLOCK - 1) // _BLOCK):
        stop = min((block + 1) * _BLOCK, p)
        for i in range(n):
            for j in range(block * _BLOCK, stop):
                if counts[i, j] > 0.0 and out[j] != -np.inf:
                    out[j] += np.log(counts[i, j])
                else:
                    out[j] = -np.inf
    return out / n


@njit(cache=True, parallel=True, error_model="numpy")
def median_log_ratios(counts, log_means):
    """Median log ratio of each sample to the genes' means, over its counts above 0; NaN without any."""
    n, p = counts.shape
    out = np.full(n, np.nan)
    for i in prange(n):
        ratios = np.empty(p)
        count = 0
        for j in range(p):
            if counts[i, j] > 0.0 and log_means[j] != -np.inf:
                ratios[count] = np.log(counts[i, j]) - log_means[j]
                count += 1
        if count > 0:
            out[i] = _quantile(ratios[:count], 0.5)
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def scaled(counts, sizes):
    """Divide counts by the sample's size."""
    n, p = counts.shape
    out = np.empty((n, p))
    for i in prange(n):
        for j in range(p):
            out[i, j] = counts[i, j] / sizes[i]
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def log_scaled(counts, sizes, pseudo_count):
    """Log2 of counts over the sample's size, plus a pseudo-count."""
    n, p = counts.shape
    out = np.empty((n, p))
    for i in prange(n):
        for j in range(p):
            out[i, j] = np.log2(counts[i, j] / sizes[i] + pseudo_count)
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def stabilize(counts, sizes, a0, a1):
    """Variance stabilizing transformation for the variance `mean + (a0 + a1 / mean) mean^2`.

    Parameters
    ----------
    counts : ndarray of shape (n_samples, n_genes)
    sizes : ndarray of shape (n_samples,)
        Size factors.
    a0, a1 : float
        Dispersion trend; `a0` is above 0.
    """
    n, p = counts.shape
    out = np.empty((n, p))
    for i in prange(n):
        for j in range(p):
            q = a0 * (counts[i, j] / sizes[i])
            out[i, j] = np.log2((1.0 + a1 + 2.0 * q + 2.0 * np.sqrt(q * (1.0 + a1 + q))) / (4.0 * a0))
    return out

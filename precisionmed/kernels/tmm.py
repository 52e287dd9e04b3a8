"""Weighted trimmed means of log ratios against one reference library (TMM, TMMwsp)."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.select import select


@njit(cache=True, error_model="numpy")
def _mean_rank_bounds(values, low, high):
    """Smallest and largest value whose mean rank lies in [low, high].

    A selection finds them without a sort: values strictly between the order statistics `low` and `high`
    are in, values beyond them are out, and a run of ties at either end is in when the mean of its ranks is.
    """
    work = values.copy()
    bottom, top = select(work, low - 1), select(work, high - 1)
    below_bottom, at_bottom, below_top, at_top = 0, 0, 0, 0
    for value in values:
        below_bottom += value < bottom
        at_bottom += value == bottom
        below_top += value < top
        at_top += value == top
    if below_bottom + 0.5 * (at_bottom + 1) < low:
        bottom = np.nextafter(bottom, np.inf)
    if below_top + 0.5 * (at_top + 1) > high:
        top = np.nextafter(top, -np.inf)
    return bottom, top


@njit(cache=True, error_model="numpy")
def _tmm_factor(sample, size, reference, reference_size, log_ratio_trim, sum_trim, weighted, a_cutoff):
    """Factor of one library against the reference."""
    p = len(sample)
    ratios, levels, variances = np.empty(p), np.empty(p), np.empty(p)
    n, largest = 0, 0.0
    for j in range(p):
        y, r = sample[j], reference[j]
        if not (y > 0.0 and r > 0.0):  # also skips missing values
            continue
        log_y, log_r = np.log2(y / size), np.log2(r / reference_size)
        level = 0.5 * (log_y + log_r)
        if level <= a_cutoff:
            continue
        ratios[n] = np.log2((y / size) / (r / reference_size))
        levels[n] = level
        variances[n] = (size - y) / size / y + (reference_size - r) / reference_size / r
        largest = max(largest, abs(ratios[n]))
        n += 1
    if n == 0 or largest < 1e-6:
        return 1.0
    low_m, low_a = int(n * log_ratio_trim) + 1, int(n * sum_trim) + 1
    bottom_m, top_m = _mean_rank_bounds(ratios[:n], low_m, n + 1 - low_m)
    bottom_a, top_a = _mean_rank_bounds(levels[:n], low_a, n + 1 - low_a)
    total, weights = 0.0, 0.0
    for k in range(n):
        if bottom_m <= ratios[k] <= top_m and bottom_a <= levels[k] <= top_a:
            weight = 1.0 / variances[k] if weighted else 1.0
            total += weight * ratios[k]
            weights += weight
    return 2.0 ** (total / weights) if weights > 0.0 else 1.0


@njit(cache=True, parallel=True, error_model="numpy")
def tmm_factors(
    counts, sizes, reference, reference_size, log_ratio_trim=0.3, sum_trim=0.05, weighted=True, a_cutoff=-1e10
):
    """Compute the trimmed mean of M-values of each sample against one reference library.

    Parameters
    ----------
    counts : ndarray of shape (n_samples, n_genes)
        Counts; genes that are zero or missing in the sample or the reference are left out.
    sizes : ndarray of shape (n_samples,)
        Library sizes.
    reference : ndarray of shape (n_genes,)
        Counts of the reference library.
    reference_size : float
        Its library size.
    log_ratio_trim, sum_trim : float
        Fractions trimmed from each end of the log ratios (M) and mean log levels (A).
    weighted : bool
        Weight by the inverse of the asymptotic variance of M.
    a_cutoff : float
        Genes with a mean log level at or below are left out.

    Returns
    -------
    ndarray of shape (n_samples,)
        Factors on the linear scale, not yet scaled to a geometric mean of one.
    """
    factors = np.empty(len(counts))
    for i in prange(len(counts)):
        factors[i] = _tmm_factor(
            counts[i], sizes[i], reference, reference_size, log_ratio_trim, sum_trim, weighted, a_cutoff
        )
    return factors


@njit(cache=True, error_model="numpy")
def _keep_ranks(values, second, low, high, kept):
    """Drop from `kept` the values whose rank is not in [low, high]; ties by `second`, then by position."""
    work = values.copy()
    bottom, top = select(work, low - 1), select(work, high - 1)
    for k in range(len(values)):
        kept[k] = kept[k] and bottom <= values[k] <= top
    for bound in (bottom, top):
        tied = np.flatnonzero(values == bound)
        rank = np.sum(values < bound)
        for k in tied[np.argsort(second[tied], kind="mergesort")]:
            rank += 1
            kept[k] = kept[k] and low <= rank <= high


@njit(cache=True, error_model="numpy")
def _paired(sample, reference):
    """Return counts above zero in both libraries, then the largest of those in one, paired by size."""
    in_sample, in_reference = (sample > 0.0), (reference > 0.0)
    both = in_sample & in_reference
    measured = ~(np.isnan(sample) | np.isnan(reference))
    own = np.sort(sample[in_sample & ~in_reference & measured])[::-1]
    other = np.sort(reference[in_reference & ~in_sample & measured])[::-1]
    pairs = min(len(own), len(other))
    return np.append(sample[both], own[:pairs]), np.append(reference[both], other[:pairs])


@njit(cache=True, error_model="numpy")
def _tmmwsp_factor(sample, size, reference, reference_size, log_ratio_trim, sum_trim, weighted):
    """Factor of one library against the reference."""
    y, r = _paired(sample, reference)
    n = len(y)
    if n == 0:
        return 1.0
    share, base = y / size, r / reference_size
    ratios, levels = np.log2(share / base), 0.5 * np.log2(share * base)
    if np.max(np.abs(ratios)) < 1e-6:
        return 1.0
    shrunk = np.log2(((y + 0.5) / (size + 0.5)) / ((r + 0.5) / (reference_size + 0.5)))
    low_m, low_a = int(n * log_ratio_trim) + 1, int(n * sum_trim) + 1
    kept = np.ones(n, np.bool_)
    _keep_ranks(ratios, shrunk, low_m, n + 1 - low_m, kept)
    _keep_ranks(levels, levels, low_a, n + 1 - low_a, kept)
    total, weights = 0.0, 0.0
    for k in range(n):
        if kept[k]:
            variance = (1.0 - share[k]) / y[k] + (1.0 - base[k]) / r[k]
            weight = (1.0 + 1e-6) / (variance + 1e-6) if weighted else 1.0
            total += weight * ratios[k]
            weights += weight
    return 2.0 ** (total / weights) if weights > 0.0 else 1.0


@njit(cache=True, parallel=True, error_model="numpy")
def tmmwsp_factors(counts, sizes, reference, reference_size, log_ratio_trim, sum_trim, weighted):
    """As `tmm_factors`, with genes that are zero in one of the two libraries paired by their size."""
    factors = np.empty(len(counts))
    for i in prange(len(counts)):
        factors[i] = _tmmwsp_factor(
            counts[i], sizes[i], reference, reference_size, log_ratio_trim, sum_trim, weighted
        )
    return factors

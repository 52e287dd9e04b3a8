"""Sums over the pairs of a consensus in condensed form: one pass, no square matrix.

Condensed means the order of scipy's `pdist`: pairs (0, 1), (0, 2), ..., (1, 2), ...
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def cluster_sums(consensus, labels, n_clusters):  # pragma: no cover
    """Sum the consensus of every sample with the other samples of every cluster.

    Parameters
    ----------
    consensus : ndarray of float, shape (n * (n - 1) / 2,)
    labels : ndarray of int, shape (n,)
        From 0 to `n_clusters` - 1.
    n_clusters : int

    Returns
    -------
    ndarray of float64, shape (n, n_clusters)
        Added in the order of the pairs.
    """
    n = labels.size
    sums = np.zeros((n, n_clusters))
    pair = 0
    for i in range(n):
        for j in range(i + 1, n):
            value = consensus[pair]
            sums[i, labels[j]] += value
            sums[j, labels[i]] += value
            pair += 1
    return sums


@njit(cache=True)
def grid_counts(consensus, n_steps, fuzz):  # pragma: no cover
    """Count the pairs whose consensus lies above step - 1 and not above step, in units of 1 / `n_steps`.

    Values up to `fuzz` above a step count as the step: ratios of counts are not exact in binary.
    """
    counts = np.zeros(n_steps + 1, dtype=np.int64)
    for value in consensus:
        counts[max(0, int(np.ceil((value - fuzz) * n_steps)))] += 1
    return counts

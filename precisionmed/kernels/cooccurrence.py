"""Count in how many resamples two samples share a cluster."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.resamples import UNDRAWN

_BLOCK = 32  # rows of the matrix counted together: the labels of the others are read once for all


@njit(cache=True)
def _agreements(a, b):  # pragma: no cover
    total = np.int32(0)
    for r in range(a.size):
        total += np.int32(a[r] == b[r])
    return total


@njit(cache=True)
def _count_block(block, one, other, counts):  # pragma: no cover
    n = one.shape[0]
    start, stop = block * _BLOCK, min((block + 1) * _BLOCK, n)
    for j in range(start + 1, n):
        for i in range(start, min(stop, j)):
            counts[i * (2 * n - i - 1) // 2 + j - i - 1] = _agreements(one[i], other[j])


@njit(cache=True, parallel=True)
def _pair_counts(one, other):  # pragma: no cover
    n = one.shape[0]
    counts = np.empty(n * (n - 1) // 2, dtype=np.int32)
    blocks = (n + _BLOCK - 1) // _BLOCK
    for b in prange((blocks + 1) // 2):
        # A block of long rows and one of short rows: every thread gets the same work.
        first, last = np.int64(b), blocks - 1 - np.int64(b)
        _count_block(first, one, other, counts)
        if last != first:
            _count_block(last, one, other, counts)
    return counts


def cooccurrence(labels: np.ndarray) -> np.ndarray:
    """Count in how many resamples two samples share a cluster.

    Parameters
    ----------
    labels : ndarray of uint8, shape (n_resamples, n)
        Cluster of every sample, `UNDRAWN` where it was not drawn.

    Returns
    -------
    ndarray of int32, shape (n * (n - 1) / 2,)
        Counts of the pairs, in the order of `scipy.spatial.distance.pdist`.
    """
    one = np.ascontiguousarray(labels.T)
    # On one side undrawn samples get another code, so that they agree with nobody.
    return _pair_counts(one, np.where(one == UNDRAWN, np.uint8(UNDRAWN - 1), one))

"""Cluster many resamples of one cohort and count who lands together.

One distance matrix serves all resamples (each takes its sub-matrix), one linkage serves all numbers
of clusters (they differ in how many merges are undone), and counting is a product of one-hot
matrices, which BLAS does.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.resamples import UNDRAWN

LINKAGES = {"average": 0, "complete": 1, "ward": 2}

_BLOCK = 50  # resamples stacked in one product: bounds memory, still long enough for BLAS


@njit(cache=True)
def _merge_distance(method, from_a, from_b, a_to_b, size_a, size_b, size):  # pragma: no cover
    """Lance-Williams distance from a cluster of `size` to the union of clusters a and b."""
    if method == 0:
        return (size_a * from_a + size_b * from_b) / (size_a + size_b)
    if method == 1:
        return max(from_a, from_b)
    total = size_a + size_b + size
    square = (size_a + size) * from_a**2 + (size_b + size) * from_b**2 - size * a_to_b**2
    return np.sqrt(max(square / total, 0.0))


@njit(cache=True)
def _linkage(d, method):  # pragma: no cover
    """Merge all points of the square matrix `d` (overwritten) by nearest-neighbour chains.

    Returns one member of either side of every merge, in order of height.
    """
    m = d.shape[0]
    size = np.ones(m, dtype=np.int64)
    alive = np.arange(m)
    left, right, height = np.empty(m - 1, np.int64), np.empty(m - 1, np.int64), np.empty(m - 1)
    chain = np.empty(m, dtype=np.int64)
    length = 0
    n_alive = m
    for step in range(m - 1):
        if length == 0:
            chain[0] = alive[0]
            length = 1
        while True:
            x = chain[length - 1]
            # Ties go to the previous link of the chain, or the chain would never close.
            y = chain[length - 2] if length > 1 else -1
            best = d[x, y] if length > 1 else np.inf
            row = d[x]
            for i in range(n_alive):
                z = alive[i]
                if z != x and row[z] < best:
                    best, y = row[z], z
            if length > 1 and y == chain[length - 2]:
                break
            chain[length] = y
            length += 1
        length -= 2
        if x > y:
            x, y = y, x
        left[step], right[step], height[step] = x, y, best
        # The union lives on in y; x leaves, the order of the others stays.
        position = np.searchsorted(alive[:n_alive], x)
        alive[position : n_alive - 1] = alive[position + 1 : n_alive].copy()
        n_alive -= 1
        for i in range(n_alive):
            z = alive[i]
            if z != y:
                merged = _merge_distance(method, d[x, z], d[y, z], best, size[x], size[y], size[z])
                d[y, z] = merged
                d[z, y] = merged
        size[y] += size[x]
    order = np.argsort(height, kind="mergesort")
    return left[order], right[order]


@njit(cache=True)
def _root(parent, i):  # pragma: no cover
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def _cut(left, right, k, label):  # pragma: no cover
    """Undo the last k - 1 merges and number the clusters in order of first appearance."""
    m = label.size
    parent = np.arange(m)
    for step in range(m - k):
        parent[_root(parent, left[step])] = _root(parent, right[step])
    number = np.full(m, -1)
    found = 0
    for i in range(m):
        root = _root(parent, i)
        if number[root] < 0:
            number[root] = found
            found += 1
        label[i] = number[root]


@njit(cache=True, parallel=True)
def resampled_labels(distance, drawn, ks, method):  # pragma: no cover
    """Cluster every resample hierarchically and cut its tree at every k.

    Parameters
    ----------
    distance : ndarray of float64, shape (n, n)
        Symmetric distances of all samples.
    drawn : ndarray of bool, shape (n_resamples, n)
        Which samples belong to each resample.
    ks : ndarray of int, shape (n_k,)
        Numbers of clusters.
    method : int
        Linkage, a value of `LINKAGES`.

    Returns
    -------
    ndarray of int16, shape (n_k, n_resamples, n)
        Cluster of every sample, -1 where it was not drawn. Resamples are independent of each other,
        so the result is the same for any number of threads.

    Notes
    -----
    The nearest-neighbour chain (Murtagh, Comput J 1983;26:354-359) needs O(m^2) time for m drawn
    samples and gives the same tree as greedy merging for the linkages offered.
    """
    n_resamples, n = drawn.shape
    labels = np.full((ks.size, n_resamples, n), -1, dtype=np.int16)
    for r in prange(n_resamples):
        members = np.flatnonzero(drawn[r])
        m = members.size
        d = np.empty((m, m))
        for i in range(m):
            for j in range(m):
                d[i, j] = distance[members[i], members[j]]
        left, right = _linkage(d, method)
        label = np.empty(m, dtype=np.int64)
        for c in range(ks.size):
            _cut(left, right, ks[c], label)
            for i in range(m):
                labels[c, r, members[i]] = label[i]
    return labels


def cooccurrence(labels: np.ndarray) -> np.ndarray:
    """Count in how many resamples two samples share a cluster.

    Parameters
    ----------
    labels : ndarray of int, shape (n_resamples, n)
        Cluster of every sample, negative where it was not drawn.

    Returns
    -------
    ndarray of float32, shape (n, n)
        Counts; exact, because float32 holds every integer up to 2**24.
    """
    n_resamples, n = labels.shape
    n_clusters = int(labels.max(initial=0)) + 1
    counts = np.zeros((n, n), dtype=np.float32)
    for start in range(0, n_resamples, _BLOCK):
        block = labels[start : start + _BLOCK]
        resample, sample = np.nonzero(block >= 0)
        one_hot = np.zeros((n, len(block) * n_clusters), dtype=np.float32)
        one_hot[sample, resample * n_clusters + block[resample, sample]] = 1
        counts += one_hot @ one_hot.T
    return counts


_ROWS = 32  # rows of the matrix counted together: the labels of the others are read once for all


@njit(cache=True)
def _agreements(a, b):  # pragma: no cover
    total = np.int32(0)
    for r in range(a.size):
        total += np.int32(a[r] == b[r])
    return total


@njit(cache=True)
def _count_block(block, one, other, counts):  # pragma: no cover
    n = one.shape[0]
    start, stop = block * _ROWS, min((block + 1) * _ROWS, n)
    for j in range(start + 1, n):
        for i in range(start, min(stop, j)):
            counts[i * (2 * n - i - 1) // 2 + j - i - 1] = _agreements(one[i], other[j])


@njit(cache=True, parallel=True)
def _pair_counts(one, other):  # pragma: no cover
    n = one.shape[0]
    counts = np.empty(n * (n - 1) // 2, dtype=np.int32)
    blocks = (n + _ROWS - 1) // _ROWS
    for b in prange((blocks + 1) // 2):
        # A block of long rows and one of short rows: every thread gets the same work.
        first, last = np.int64(b), blocks - 1 - np.int64(b)
        _count_block(first, one, other, counts)
        if last != first:
            _count_block(last, one, other, counts)
    return counts


def pair_counts(labels: np.ndarray) -> np.ndarray:
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

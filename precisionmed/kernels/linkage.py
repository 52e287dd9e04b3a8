"""Agglomerative trees by nearest-neighbour chains, for one cohort or for many resamples of it.

One distance matrix serves all resamples (each takes its sub-matrix), and one tree serves all numbers of
clusters (they differ in how many merges are undone). The chain (Murtagh, Comput J 1983;26:354-359) needs
O(m^2) time for m points and gives the same tree as greedy merging for the linkages offered.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.resamples import RUNS, UNDRAWN, drawn_part, store_labels

LINKAGES = {"average": 0, "complete": 1, "ward": 2}


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
def tree(d, method):  # pragma: no cover
    """Merge all points of a square matrix of distances, which is overwritten.

    Parameters
    ----------
    d : ndarray of float64, shape (m, m)
    method : int
        Linkage, a value of `LINKAGES`.

    Returns
    -------
    left, right : ndarray of int64, shape (m - 1,)
        One member of either side of every merge, in order of height.
    height : ndarray of float64, shape (m - 1,)
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
    return left[order], right[order], height[order]


@njit(cache=True)
def _root(parent, i):  # pragma: no cover
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def _cut(left, right, k, label):  # pragma: no cover
    """Undo the last k - 1 merges; a cluster's label is one of its members."""
    parent = np.arange(label.size)
    for step in range(label.size - k):
        parent[_root(parent, left[step])] = _root(parent, right[step])
    for i in range(label.size):
        label[i] = _root(parent, i)


@njit(cache=True, parallel=True)
def tree_labels(distance, drawn, ks, method):  # pragma: no cover
    """Cluster every resample hierarchically and cut its tree at every k.

    Parameters
    ----------
    distance : ndarray of float64, shape (1 or n_resamples, n, n)
        Symmetric distances of all samples: one matrix for all resamples, or one for each.
    drawn : ndarray of bool, shape (n_resamples, n)
        Which samples belong to each resample.
    ks : ndarray of int, shape (n_k,)
        Numbers of clusters, at most `MOST_CLUSTERS`.
    method : int
        Linkage, a value of `LINKAGES`.

    Returns
    -------
    ndarray of uint8, shape (n_k, n_resamples, n)
        Cluster of every sample, `UNDRAWN` where it was not drawn. Resamples are independent of each
        other, so the result is the same for any number of threads.
    """
    n_resamples, n = drawn.shape
    labels = np.full((ks.size, n_resamples, n), UNDRAWN, dtype=np.uint8)
    runs = min(RUNS, n_resamples)
    for run in prange(runs):
        # One work space for a run of resamples: fresh memory for each would be paged in again and again.
        space = np.empty(n * n)
        for r in range(run, n_resamples, runs):
            members, d = drawn_part(distance[r % len(distance)], drawn[r], space)
            left, right, _ = tree(d, method)
            label = np.empty(members.size, dtype=np.int64)
            for c in range(ks.size):
                _cut(left, right, ks[c], label)
                store_labels(label, members, labels[c, r])
    return labels

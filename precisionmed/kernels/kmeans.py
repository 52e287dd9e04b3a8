"""k-means from inner products, for many resamples of a cohort.

The squared distance of a sample i to the mean of cluster c is G[i, i] - 2 S[c, i] / n_c + W[c] / n_c^2 with
S[c, i] the sum of G[i, j] over the members j of c, and W[c] that of S[c, i]. One matrix G of inner products
serves all resamples, numbers of clusters and starts; a sample that changes its cluster costs two rows of S,
however many features there are, and nothing is approximated.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.resamples import RUNS, UNDRAWN, drawn_part, store_labels

STARTS = 8  # the best of these is kept
TRIALS = 4  # candidates for each seed
_ROUNDS = 100


@njit(cache=True)
def _nearer(g, square, seed, nearest, out):  # pragma: no cover
    """Write the squared distances to `seed`, or to the nearest seed before, and return their sum."""
    row, own = g[seed], square[seed]
    for i in range(row.size):
        out[i] = min(nearest[i], max(square[i] + own - 2 * row[i], 0.0))
    total = 0.0
    for i in range(row.size):
        total += out[i]
    return total


@njit(cache=True)
def _seed(g, square, k, uniform, label):  # pragma: no cover
    """Assign every sample to the nearest of k seeds (greedy k-means++), by the numbers in `uniform`."""
    m = square.size
    label[:] = 0
    nearest, trial, best_trial = np.full(m, np.inf), np.empty(m), np.empty(m)
    _nearer(g, square, min(int(uniform[0, 0] * m), m - 1), nearest, nearest)
    for seed in range(1, k):
        cumulative = np.cumsum(nearest)
        best = np.inf
        for t in range(uniform.shape[1]):
            chosen = np.searchsorted(cumulative, uniform[seed, t] * cumulative[m - 1], side="right")
            total = _nearer(g, square, min(chosen, m - 1), nearest, trial)
            if total < best:
                best = total
                best_trial[:] = trial
        for i in range(m):
            if best_trial[i] < nearest[i]:
                nearest[i], label[i] = best_trial[i], seed


@njit(cache=True)
def _sum_up(g, label, sums):  # pragma: no cover
    """Write the sums S of the clusters, none of which stays empty; return their sizes and W."""
    k = sums.shape[0]
    size, within = np.zeros(k, dtype=np.int64), np.zeros(k)
    for i in range(label.size):
        size[label[i]] += 1
    for c in range(k):
        # Equal samples can leave a seed without any: it takes one from a cluster that has several.
        if size[c] == 0:
            donor = np.argmax(size[label] > 1)
            size[label[donor]] -= 1
            size[c], label[donor] = 1, c
    sums[:] = 0
    for i in range(label.size):
        row = sums[label[i]]
        for j in range(label.size):
            row[j] += g[i, j]
    for i in range(label.size):
        within[label[i]] += sums[label[i], i]
    return size, within


@njit(cache=True)
def _move(g, i, old, new, sums, within, size):  # pragma: no cover
    """Take sample i out of one cluster and into another."""
    within[old] += g[i, i] - 2 * sums[old, i]
    within[new] += g[i, i] + 2 * sums[new, i]
    size[old] -= 1
    size[new] += 1
    for j in range(g.shape[0]):
        sums[old, j] -= g[i, j]
        sums[new, j] += g[i, j]


@njit(cache=True)
def _lloyd(g, label, sums, within, size):  # pragma: no cover
    """Give all samples to their nearest mean until none changes; a cluster's last sample stays."""
    m, k = label.size, size.size
    target, least = np.empty(m, dtype=np.int64), np.empty(m)
    for _ in range(_ROUNDS):
        least[:] = np.inf
        for c in range(k):
            offset, scale, row = within[c] / size[c] ** 2, 2 / size[c], sums[c]
            for i in range(m):
                distance = offset - scale * row[i]  # without the sample's own square, the same for all c
                if distance < least[i]:
                    least[i], target[i] = distance, c
        changed = 0
        for i in range(m):
            old = label[i]
            if target[i] != old and size[old] > 1:
                _move(g, i, old, target[i], sums, within, size)
                label[i] = target[i]
                changed += 1
        if changed == 0:
            return


@njit(cache=True)
def _single_moves(g, square, label, sums, within, size):  # pragma: no cover
    """Move single samples as long as that lowers the sum of squares (Hartigan and Wong)."""
    m, k = label.size, size.size
    for _ in range(_ROUNDS):
        moved = False
        for i in range(m):
            old = label[i]
            if size[old] == 1:
                continue
            n = size[old]
            saved = (square[i] - 2 * sums[old, i] / n + within[old] / n**2) * n / (n - 1)
            best, target = np.inf, old
            for c in range(k):
                if c != old:
                    n = size[c]
                    added = (square[i] - 2 * sums[c, i] / n + within[c] / n**2) * n / (n + 1)
                    if added < best:
                        best, target = added, c
            # Not for a gain that rounding could have made, or a sample may wander for ever.
            if best < saved - 1e-9 * square[i]:
                _move(g, i, old, target, sums, within, size)
                label[i] = target
                moved = True
        if not moved:
            return


@njit(cache=True)
def kmeans(g, k, uniform, label):  # pragma: no cover
    """Cluster samples into k, the best of several starts.

    Parameters
    ----------
    g : ndarray of float64, shape (m, m)
        Inner products of the samples, about any origin.
    k : int
    uniform : ndarray of float64, shape (n_starts, at least k, n_trials)
        Random numbers on [0, 1) that choose the seeds.
    label : ndarray of int64, shape (m,)
        Receives the clusters.

    Returns
    -------
    float
        Sum of squared distances to the cluster means.
    """
    m = g.shape[0]
    square = np.diag(g).copy()
    least = np.inf
    trial = np.empty(m, dtype=np.int64)
    sums = np.empty((k, m))
    for start in range(uniform.shape[0]):
        _seed(g, square, k, uniform[start], trial)
        size, within = _sum_up(g, trial, sums)
        _lloyd(g, trial, sums, within, size)
        squares = square.sum() - (within / size).sum()
        if squares < least:
            least = squares
            label[:] = trial
    size, within = _sum_up(g, label, sums)
    _single_moves(g, square, label, sums, within, size)
    return square.sum() - (within / size).sum()


@njit(cache=True, parallel=True)
def kmeans_labels(products, drawn, ks, uniform):  # pragma: no cover
    """Cluster every resample by k-means at every k.

    Parameters
    ----------
    products : ndarray of float64, shape (1 or n_resamples, n, n)
        Inner products of all samples: one matrix for all resamples, or one for each.
    drawn : ndarray of bool, shape (n_resamples, n)
        Which samples belong to each resample.
    ks : ndarray of int, shape (n_k,)
        Numbers of clusters, at most `MOST_CLUSTERS`.
    uniform : ndarray of float64, shape (n_resamples, n_k, n_starts, largest k, n_trials)
        Random numbers on [0, 1).

    Returns
    -------
    ndarray of uint8, shape (n_k, n_resamples, n)
        Cluster of every sample, `UNDRAWN` where it was not drawn; the same for any number of threads.

    Notes
    -----
    Seeds are the best of several drawn by k-means++ (Arthur and Vassilvitskii, SODA 2007:1027-1035); the
    rounds of Lloyd (IEEE Trans Inf Theory 1982;28:129-137) from the best start are followed by the single
    moves of Hartigan and Wong (Appl Stat 1979;28:100-108), which leave fewer poor optima.
    """
    n_resamples, n = drawn.shape
    labels = np.full((ks.size, n_resamples, n), UNDRAWN, dtype=np.uint8)
    runs = min(RUNS, n_resamples)
    for run in prange(runs):
        space = np.empty(n * n)
        for r in range(run, n_resamples, runs):
            members, g = drawn_part(products[r % len(products)], drawn[r], space)
            label = np.empty(members.size, dtype=np.int64)
            for c in range(ks.size):
                kmeans(g, ks[c], uniform[r, c], label)
                store_labels(label, members, labels[c, r])
    return labels

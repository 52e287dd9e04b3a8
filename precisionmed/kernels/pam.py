"""Partitioning around medoids, for many resamples of a cohort."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.resamples import RUNS, UNDRAWN, drawn_part, store_labels


@njit(cache=True)
def build(d, medoids):  # pragma: no cover
    """Choose medoids one after the other, each lowering the sum of distances most (BUILD).

    The first k of them are what BUILD gives for k.
    """
    m = d.shape[0]
    nearest, gain = np.full(m, 1.1 * d.max() + 1), np.empty(m)
    for c in range(medoids.size):
        gain[:] = 0
        for i in range(m):  # over all candidates at once: contiguous, and sums keep their order
            for x in range(m):
                gain[x] += max(nearest[i] - d[i, x], 0.0)
        gain[medoids[:c]] = -1  # not again, even among equal samples
        medoids[c] = np.argmax(gain)
        for i in range(m):
            nearest[i] = min(nearest[i], d[medoids[c], i])


@njit(cache=True)
def _assign(d, medoids, label, first, second):  # pragma: no cover
    """Find the nearest medoid of every sample, and the distances to the two nearest; return the loss."""
    loss = 0.0
    for i in range(d.shape[0]):
        first[i] = second[i] = np.inf
        for c in range(medoids.size):
            distance = d[medoids[c], i]
            if distance < first[i]:
                second[i], first[i], label[i] = first[i], distance, c
            elif distance < second[i]:
                second[i] = distance
        loss += first[i]
    return loss


@njit(cache=True)
def _best_swap(d, medoids, label, first, second):  # pragma: no cover
    """Return the best swap (medoid's number, sample) and how it changes the loss."""
    m, k = d.shape[0], medoids.size
    change, shared = np.zeros((k, m)), np.zeros(m)
    removal = np.zeros(k)
    for i in range(m):
        removal[label[i]] += second[i] - first[i]
        row, of_medoid, nearer, other = d[i], change[label[i]], first[i], second[i]
        for x in range(m):  # over all candidates at once: contiguous, and sums keep their order
            gain = min(row[x], nearer) - nearer
            shared[x] += gain
            of_medoid[x] += min(row[x], other) - other - gain
    for c in range(k):
        for x in range(m):
            change[c, x] += removal[c] + shared[x]
    change[:, medoids] = np.inf
    best = np.argmin(change)
    return best // m, best % m, change[best // m, best % m]


@njit(cache=True)
def swap(d, medoids, label):  # pragma: no cover
    """Exchange medoids and other samples as long as that lowers the sum of distances, the best swap first.

    Parameters
    ----------
    d : ndarray of float64, shape (m, m)
        Symmetric distances.
    medoids : ndarray of int64, shape (k,)
        Samples to begin with; receives the final ones.
    label : ndarray of int64, shape (m,)
        Receives the clusters.

    Returns
    -------
    float
        Sum of the distances of all samples to their medoids.
    """
    m = d.shape[0]
    first, second = np.empty(m), np.empty(m)
    while True:
        loss = _assign(d, medoids, label, first, second)
        c, x, change = _best_swap(d, medoids, label, first, second)
        # Not for a gain that rounding could have made, or two medoids may be exchanged for ever.
        if change >= -1e-13 * loss:
            return loss
        medoids[c] = x


@njit(cache=True, parallel=True)
def pam_labels(distance, drawn, ks):  # pragma: no cover
    """Cluster every resample around medoids at every k.

    Parameters
    ----------
    distance : ndarray of float64, shape (1 or n_resamples, n, n)
        Symmetric distances of all samples: one matrix for all resamples, or one for each.
    drawn : ndarray of bool, shape (n_resamples, n)
        Which samples belong to each resample.
    ks : ndarray of int, shape (n_k,)
        Numbers of clusters in increasing order, at most `MOST_CLUSTERS`.

    Returns
    -------
    ndarray of uint8, shape (n_k, n_resamples, n)
        Cluster of every sample, `UNDRAWN` where it was not drawn; the same for any number of threads.

    Notes
    -----
    Kaufman and Rousseeuw, Finding Groups in Data, 1990, chapter 2. All k swaps of a sample are judged in
    one pass over the others (FastPAM1 of Schubert and Rousseeuw, Inf Syst 2021;101:101804), which gives
    the same medoids k times faster.
    """
    n_resamples, n = drawn.shape
    labels = np.full((ks.size, n_resamples, n), UNDRAWN, dtype=np.uint8)
    runs = min(RUNS, n_resamples)
    for run in prange(runs):
        space = np.empty(n * n)
        for r in range(run, n_resamples, runs):
            members, d = drawn_part(distance[r % len(distance)], drawn[r], space)
            built = np.empty(ks[-1], dtype=np.int64)
            build(d, built)
            label = np.empty(members.size, dtype=np.int64)
            for c in range(ks.size):
                medoids = built[: ks[c]].copy()
                swap(d, medoids, label)
                store_labels(label, members, labels[c, r])
    return labels

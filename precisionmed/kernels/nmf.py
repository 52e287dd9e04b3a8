"""Non-negative matrix factorization, for many resamples of a cohort."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.resamples import RUNS, UNDRAWN, store_labels

STARTS = 3
MIXED = 5  # samples averaged for a profile to start from
_TRIAL_ROUNDS = 3  # of every start, before the best is carried on
_ROUNDS = 50
_SETTLED = 5  # rounds without a sample changing its cluster


@njit(cache=True)
def _update(product, gram, factor):  # pragma: no cover
    """Improve the columns of `factor` one after the other, each to its least squares optimum (HALS)."""
    k = gram.shape[0]
    for c in range(k):
        if gram[c, c] <= 0:
            continue
        for i in range(factor.shape[0]):
            step = product[i, c]
            for other in range(k):
                step -= factor[i, other] * gram[other, c]
            factor[i, c] = max(factor[i, c] + step / gram[c, c], np.float32(0))


@njit(cache=True)
def _round(v, weights, profiles):  # pragma: no cover
    """Improve the weights of the samples, then the profiles; return the loss in between, less |v|^2."""
    product, gram = np.dot(v, profiles), np.dot(profiles.T, profiles)
    _update(product, gram, weights)
    own = np.dot(weights.T, weights)
    loss = 0.0
    for c in range(gram.shape[0]):
        for other in range(gram.shape[0]):
            loss += own[c, other] * gram[c, other]
    for i in range(v.shape[0]):
        for c in range(gram.shape[0]):
            loss -= 2 * weights[i, c] * product[i, c]
    _update(np.dot(v.T, weights), own, profiles)
    return loss


@njit(cache=True)
def _assign(weights, profiles, label):  # pragma: no cover
    """Give every sample to its heaviest profile (of length one); return how many changed."""
    length = np.sqrt((profiles.astype(np.float64) ** 2).sum(axis=0))
    changed = 0
    for i in range(label.size):
        best = np.argmax(weights[i] * length)
        changed += best != label[i]
        label[i] = best
    return changed


@njit(cache=True)
def nmf(v, k, mixed, label):  # pragma: no cover
    """Factorize into `k` profiles and cluster samples by the one that weighs most in them.

    Parameters
    ----------
    v : ndarray of float32, shape (m, p)
        Values, none below zero.
    k : int
    mixed : ndarray of float64, shape (n_starts, at least k, n_mixed)
        Random numbers on [0, 1): which samples' mean each profile starts from.
    label : ndarray of int64, shape (m,)
        Receives the clusters; one of them may stay empty.

    Returns
    -------
    weights : ndarray of float32, shape (m, k)
    profiles : ndarray of float32, shape (p, k)
    """
    m, p = v.shape
    best = np.inf
    weights, profiles = np.zeros((m, k), np.float32), np.zeros((p, k), np.float32)
    for start in range(mixed.shape[0]):
        own, trial = np.zeros((m, k), np.float32), np.zeros((p, k), np.float32)
        for c in range(k):
            for number in mixed[start, c]:
                trial[:, c] += v[min(int(number * m), m - 1)] / np.float32(mixed.shape[2])
        loss = 0.0
        for _ in range(_TRIAL_ROUNDS):
            loss = _round(v, own, trial)
        if loss < best:
            best, weights, profiles = loss, own, trial
    settled = 0
    _assign(weights, profiles, label)
    for _ in range(_ROUNDS):
        _round(v, weights, profiles)
        settled = settled + 1 if _assign(weights, profiles, label) == 0 else 0
        if settled == _SETTLED:
            break
    return weights, profiles


@njit(cache=True, parallel=True)
def nmf_labels(values, features, drawn, ks, mixed):  # pragma: no cover
    """Cluster every resample by NMF at every k.

    Parameters
    ----------
    values : ndarray of float32, shape (n, p)
        None below zero.
    features : ndarray of int, shape (1 or n_resamples, size)
        Columns that take part: the same for all resamples, or of each.
    drawn : ndarray of bool, shape (n_resamples, n)
        Which samples belong to each resample.
    ks : ndarray of int, shape (n_k,)
        Numbers of clusters, at most `MOST_CLUSTERS`.
    mixed : ndarray of float64, shape (n_resamples, n_k, n_starts, largest k, n_mixed)
        Random numbers on [0, 1).

    Returns
    -------
    ndarray of uint8, shape (n_k, n_resamples, n)
        Cluster of every sample, `UNDRAWN` where it was not drawn. The same for any number of threads, as
        long as BLAS is held to one thread.

    Notes
    -----
    Brunet et al., PNAS 2004;101:4164-4169 (clusters from the heaviest profile); hierarchical alternating
    least squares of Cichocki and Phan, IEICE Trans Fundam 2009;E92-A:708-721; starts from means of a few
    random samples, Langville et al., arXiv 1407.7299.
    """
    n_resamples, n = drawn.shape
    labels = np.full((ks.size, n_resamples, n), UNDRAWN, dtype=np.uint8)
    runs = min(RUNS, n_resamples)
    for run in prange(runs):
        for r in range(run, n_resamples, runs):
            members, columns = np.flatnonzero(drawn[r]), features[r % len(features)]
            v = np.empty((members.size, columns.size), dtype=np.float32)
            for i in range(members.size):
                for j in range(columns.size):
                    v[i, j] = values[members[i], columns[j]]
            label = np.zeros(members.size, dtype=np.int64)
            for c in range(ks.size):
                nmf(v, ks[c], mixed[r, c], label)
                store_labels(label, members, labels[c, r])
    return labels

"""The consensus of many resamples of a cohort."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from precisionmed.estimators._base_clusterers import BaseClusterer
from precisionmed.kernels.cooccurrence import cooccurrence
from precisionmed.kernels.resamples import UNDRAWN


def draw(n: int, resamples: int, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a fraction of `n` samples for each resample: bool, (n_resamples, n)."""
    drawn = np.zeros((resamples, n), dtype=bool)
    size = int(fraction * n)
    for row in drawn:
        row[rng.permutation(n)[:size]] = True
    return drawn


def consensus_matrices(
    values: np.ndarray, drawn: np.ndarray, ks: np.ndarray, base: BaseClusterer, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Cluster every resample and yield the consensus for one k after the other.

    Parameters
    ----------
    values : ndarray of float64, shape (n, p)
    drawn : ndarray of bool, shape (n_resamples, n)
        Which samples belong to each resample.
    ks : ndarray of int, shape (n_k,)
        Numbers of clusters, in increasing order.
    base : BaseClusterer
    rng : numpy.random.Generator

    Yields
    ------
    ndarray of float32, shape (n * (n - 1) / 2,)
        For each pair (in the order of `scipy.spatial.distance.pdist`), the fraction of the resamples
        with both in which they share a cluster; 0 for pairs never drawn together. Only the pairs are
        held, and of one k at a time: 10,000 samples take 200 MB.

    Notes
    -----
    BLAS may round differently with another number of threads, and a cluster can turn on the last bit:
    callers hold BLAS to one thread.
    """
    labels = base.labels(values, drawn, ks, rng)
    together = cooccurrence(np.where(drawn, np.uint8(0), np.uint8(UNDRAWN)))
    np.maximum(together, 1, out=together)
    for of_k in labels:
        consensus = np.empty(together.shape, dtype=np.float32)
        np.divide(cooccurrence(of_k), together, out=consensus, dtype=np.float64, casting="same_kind")
        yield consensus

"""Clusters of a neighbour graph, for many resamples of a cohort."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from precisionmed.errors import InputError
from precisionmed.estimators._distances import embedded
from precisionmed.kernels.resamples import UNDRAWN, store_labels

_NEIGHBOURS = 15
_FINEST = 64.0  # highest resolution tried
_TRIES = 12  # halvings of an interval of resolutions


def leiden_labels(
    values: np.ndarray,
    features: np.ndarray,
    drawn: np.ndarray,
    ks: np.ndarray,
    metric: str,
    rng: np.random.Generator,
) -> np.ndarray:
    """Cluster every resample by the Leiden algorithm, at the resolution that gives each k.

    Parameters
    ----------
    values : ndarray of float64, shape (n, p)
    features : ndarray of int, shape (1 or n_resamples, size)
        Columns that take part: the same for all resamples, or of each.
    drawn : ndarray of bool, shape (n_resamples, n)
        Which samples belong to each resample.
    ks : ndarray of int, shape (n_k,)
    metric : {"pearson", "spearman", "euclidean"}
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (n_k, n_resamples, n)
        Cluster of every sample, `UNDRAWN` where it was not drawn. Where no resolution gives k clusters,
        the partition whose number of clusters is nearest to k stands in (the coarser of two).

    Raises
    ------
    InputError
        scanpy or igraph is not installed.

    Notes
    -----
    Traag et al., Sci Rep 2019;9:5233, as scanpy runs it on a graph of 15 neighbours (weights of McInnes
    et al., arXiv 1802.03426). The number of clusters all but rises with the resolution, so that the
    resolution for k is found by halving intervals; the partitions met on the way serve all k.
    """
    missing = [name for name in ("scanpy", "igraph") if find_spec(name) is None]
    if missing:
        raise InputError(
            f"clusterer 'leiden' needs {' and '.join(missing)}: pip install 'precisionmed[leiden]', "
            "or choose another clusterer."
        )
    labels = np.full((len(ks), *drawn.shape), UNDRAWN, dtype=np.uint8)
    seeds = rng.integers(2**31 - 1, size=len(drawn))
    for r, rows in enumerate(drawn):
        members = np.flatnonzero(rows)
        chosen = features[r % len(features)]
        partition = _partitioner(embedded(values[np.ix_(members, chosen)], metric), int(seeds[r]))
        for c, found in enumerate(_partitions(partition, ks)):
            store_labels(found, members, labels[c, r])
    return labels


def _partitioner(rows: np.ndarray, seed: int) -> Callable[[float], np.ndarray]:
    """Build the neighbour graph of `rows`; the function returned partitions it at a resolution."""
    import scanpy

    graph = scanpy.AnnData(rows)
    # Exact neighbours: approximate ones would depend on the machine.
    neighbours = min(_NEIGHBOURS, len(rows) - 1)
    scanpy.pp.neighbors(graph, neighbours, use_rep="X", transformer="sklearn", random_state=seed)

    def partition(resolution: float) -> np.ndarray:
        scanpy.tl.leiden(
            graph, resolution, random_state=seed, flavor="igraph", directed=False, n_iterations=-1
        )
        return graph.obs["leiden"].cat.codes.to_numpy(dtype=np.int64)

    return partition


def _partitions(partition: Callable[[float], np.ndarray], ks: np.ndarray) -> list[np.ndarray]:
    """Return for each k a partition into k clusters, or into a number as near as was found."""
    met: dict[float, np.ndarray] = {}

    def count(resolution: float) -> int:
        if resolution not in met:
            met[resolution] = partition(resolution)
        return int(met[resolution].max()) + 1

    count(0.0)
    fine = 1.0
    while count(fine) < ks[-1] and fine < _FINEST:
        fine *= 2
    for k in ks:
        for _ in range(_TRIES):
            numbers = {resolution: count(resolution) for resolution in met}
            below = [resolution for resolution, number in numbers.items() if number < k]
            above = [resolution for resolution, number in numbers.items() if number > k]
            # Fewer clusters than the graph has components are out of reach.
            if k in numbers.values() or not below or not above:
                break
            # The number need not rise with every step: the last that is too low, and the next too high.
            low = max(below)
            count((low + min((r for r in above if r > low), default=2 * low)) / 2)
    # By number of clusters, then resolution: ties go to the coarser partition.
    ordered = sorted(met.items(), key=lambda item: (item[1].max(), item[0]))
    return [min((found for _, found in ordered), key=lambda found: abs(found.max() + 1 - k)) for k in ks]

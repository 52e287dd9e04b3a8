"""How stable a consensus clustering is at each number of clusters.

A consensus is handed over condensed: one value a pair of samples, in the order of scipy's `pdist`.
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import cophenet, leaves_list, linkage

from precisionmed.kernels.consensus_pairs import cluster_sums, grid_counts

PAC_LIMITS = (0.1, 0.9)
GRID = np.linspace(0, 1, 101)
# Counts of resamples divide to values such as 0.9 that are not exact in binary.
_FUZZ = 1e-6


def distribution(consensus: np.ndarray) -> np.ndarray:
    """Return the cumulative distribution of the pairs' consensus at `GRID` (0, 0.01, ..., 1)."""
    return np.cumsum(grid_counts(consensus, GRID.size - 1, _FUZZ)) / consensus.size


def ambiguous_fraction(cdf: np.ndarray) -> float:
    """Proportion of ambiguous clustering: pairs together neither in nearly all resamples nor in hardly any.

    Senbabaoglu, Michailidis and Li, Sci Rep 2014;4:6207, with the limits 0.1 and 0.9.
    """
    low, high = (round(limit * 100) for limit in PAC_LIMITS)
    return float(cdf[high] - cdf[low])


def delta_area(cdfs: list[np.ndarray]) -> np.ndarray:
    """Relative gain in the area under the distribution from each k to the next.

    Monti et al., Mach Learn 2003;52:91-118, section 3.3.1; the first value is the area itself.
    """
    areas = np.array([cdf[1:].mean() for cdf in cdfs])
    return np.concatenate([areas[:1], np.diff(areas) / areas[:-1]])


def final_clustering(consensus: np.ndarray, k: int) -> dict:
    """Cut the average-linkage tree of 1 - consensus into `k` clusters, the largest first.

    Returns
    -------
    dict
        `labels`, `order` (of the tree), `sizes` (of the clusters), `silhouettes` and `confidence` (mean
        consensus with the own cluster) of the samples; `cophenetic` (correlation of the tree with the
        distances) and `concordance` (see `_concordance`).
    """
    distance = 1 - np.asarray(consensus, dtype=np.float64)
    tree = linkage(distance, "average")
    labels = _cut(tree, k)
    # All pairs alike (a perfect or an empty consensus) leave the correlation undefined; the tree is exact.
    cophenetic = float(cophenet(tree, distance)[0]) if np.ptp(distance) > 0 else 1.0
    del distance
    sizes = np.bincount(labels, minlength=k)
    sums = cluster_sums(consensus, labels, k)
    return {
        "labels": labels,
        "silhouettes": _silhouettes(sums, labels, sizes),
        "confidence": sums[np.arange(len(labels)), labels] / np.maximum(sizes[labels] - 1, 1),
        "cophenetic": cophenetic,
        "concordance": _concordance(sums, labels, sizes),
        "order": leaves_list(tree).astype(np.int64),
        "sizes": sizes,
    }


def _cut(tree: np.ndarray, k: int) -> np.ndarray:
    """Return exactly `k` clusters, also when heights tie: the last k - 1 merges are undone."""
    n = len(tree) + 1
    clusters = {i: [i] for i in range(n)}
    for step, (left, right) in enumerate(tree[: n - k, :2].astype(int)):
        clusters[n + step] = clusters.pop(left) + clusters.pop(right)
    labels = np.empty(n, dtype=np.int64)
    by_size = sorted(clusters.values(), key=lambda members: (-len(members), min(members)))
    for label, members in enumerate(by_size):
        labels[members] = label
    return labels


def _silhouettes(sums: np.ndarray, labels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Silhouettes for the distance 1 - consensus (Rousseeuw 1987), 0 in a cluster of one.

    `sums` holds the consensus of every sample with the others of every cluster.
    """
    rows = np.arange(len(labels))
    own_size = sizes[labels]
    within = 1 - sums[rows, labels] / np.maximum(own_size - 1, 1)
    other = 1 - sums / sizes
    other[rows, labels] = np.inf
    nearest = other.min(axis=1)
    scale = np.maximum(within, nearest)
    width = np.divide(nearest - within, scale, out=np.zeros(len(labels)), where=scale > 0)
    return np.where(own_size > 1, width, 0.0)


def _concordance(sums: np.ndarray, labels: np.ndarray, sizes: np.ndarray) -> float:
    """Mean agreement of the resamples with the final clusters, counted over pairs of samples.

    A pair agrees in a resample when the resample joins or separates it as the final clusters do, so
    that this is the expected Rand index of a resample. Gu et al. (2021) count samples after matching
    the clusters; pairs need no matching.
    """
    joined = sums[np.arange(len(labels)), labels].sum()
    apart = sums.sum() - joined
    n = len(labels)
    n_apart = n * n - (sizes**2).sum()
    return float((joined + n_apart - apart) / (n * (n - 1)))


def jaccard(labels: np.ndarray, other: np.ndarray) -> float:
    """Pairs of samples that share a cluster in both partitions, among those that do in either."""
    table = np.zeros((labels.max() + 1, other.max() + 1), dtype=np.int64)
    np.add.at(table, (labels, other), 1)

    def pairs(counts: np.ndarray) -> int:
        return int((counts * (counts - 1) // 2).sum())

    both = pairs(table)
    either = pairs(table.sum(axis=0)) + pairs(table.sum(axis=1)) - both
    return both / either if either else 1.0


def score_table(ks: np.ndarray, finals: list[dict], cdfs: list[np.ndarray], min_size: int) -> dict:
    """Return the scores of each k: one array a name, described in `ConsensusClustering.scores_`."""
    pac = np.array([ambiguous_fraction(cdf) for cdf in cdfs])
    labels = [np.zeros_like(finals[0]["labels"]), *(final["labels"] for final in finals)]
    return {
        "k": ks,
        "pac": pac,
        "stability": 1 - pac,
        "silhouette": np.array([final["silhouettes"].mean() for final in finals]),
        "concordance": np.array([final["concordance"] for final in finals]),
        "jaccard": np.array([jaccard(a, b) for a, b in zip(labels[1:], labels[:-1], strict=True)]),
        "cophenetic": np.array([final["cophenetic"] for final in finals]),
        "delta_area": delta_area(cdfs),
        "sizeable": np.array([(final["sizes"] >= min_size).sum() for final in finals]),
    }

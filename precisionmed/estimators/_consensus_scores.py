"""How stable a consensus clustering is, and which number of clusters follows from that."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import cophenet, leaves_list, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_samples

PAC_LIMITS = (0.1, 0.9)
GRID = np.linspace(0, 1, 101)
_TOLERANCE = 0.05  # relative PACs this close count as equally stable
_LEVEL = 0.05
# Counts of resamples divide to values such as 0.9 that are not exact in binary.
_FUZZ = 1e-6


def distribution(consensus: np.ndarray) -> np.ndarray:
    """Return the cumulative distribution of the pairs' consensus at `GRID` (0, 0.01, ..., 1)."""
    pairs = squareform(consensus, checks=False)
    step = np.ceil((pairs - _FUZZ) * 100).astype(np.int64)  # first grid value that is not below the pair's
    return np.cumsum(np.bincount(step, minlength=GRID.size)) / pairs.size


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
    """Cut the average-linkage tree of 1 - consensus into `k` clusters, the largest first."""
    distance = 1 - consensus
    pairs = squareform(distance, checks=False)
    tree = linkage(pairs, "average")
    labels = _cut(tree, k)
    silhouette = silhouette_samples(distance, labels, metric="precomputed")
    # All pairs alike (a perfect or an empty consensus) leave the correlation undefined; the tree is exact.
    cophenetic = float(cophenet(tree, pairs)[0]) if np.ptp(pairs) > 0 else 1.0
    return {
        "labels": labels,
        "silhouettes": silhouette,
        "cophenetic": cophenetic,
        "order": leaves_list(tree).astype(np.int64),
        "smallest": int(np.bincount(labels).min()),
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


def own_consensus(consensus: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean consensus of each sample with the others of its cluster (0 for a cluster of one)."""
    same = labels[:, None] == labels[None, :]
    np.fill_diagonal(same, False)
    return np.where(same, consensus, 0).sum(axis=1) / np.maximum(same.sum(axis=1), 1)


def against_null(pac: np.ndarray, null_pac: np.ndarray) -> dict[str, np.ndarray]:
    """Compare the PAC at each k with that of null cohorts.

    Parameters
    ----------
    pac : ndarray, shape (n_k,)
    null_pac : ndarray, shape (n_null, n_k)

    Returns
    -------
    dict of ndarray, shape (n_k,)
        `null_pac` (mean), `relative_pac` (PAC / this mean) and `p`: the chance that a cohort without
        clusters has a relative PAC this small at any k (family-wise).
    """
    mean = null_pac.mean(axis=0)
    scale = np.maximum(mean, np.finfo(float).tiny)
    relative = pac / scale
    best = (null_pac / scale).min(axis=1)
    p = (1 + (best[:, None] <= relative).sum(axis=0)) / (len(best) + 1)
    return {"null_pac": mean, "relative_pac": relative, "p": p}


def choose_k(scores: dict[str, np.ndarray], min_size: int) -> tuple[int, str]:
    """Choose the number of clusters and say why.

    Candidates have no cluster below `min_size` samples (average linkage splits off single outliers,
    which is perfectly stable and tells nothing) and, when null cohorts were simulated, are more stable
    than these. Among them, the largest k whose relative PAC is within 0.05 of the smallest is taken,
    because stable clusters nested in stable clusters are all real.
    """
    ks, pac, smallest = scores["k"], scores["pac"], scores["smallest"]
    has_null = "null_pac" in scores
    relative = scores["relative_pac"] if has_null else pac
    large = smallest >= min_size
    stable = scores["p"] <= _LEVEL if has_null else np.ones(len(ks), dtype=bool)
    candidates = next(mask for mask in (large & stable, large, stable, ks > 0) if mask.any())
    best = relative[candidates].min()
    i = int(np.flatnonzero(candidates & (relative <= best + _TOLERANCE))[-1])
    return int(ks[i]), _reason(scores, i, large, stable, min_size)


def _reason(scores: dict, i: int, large: np.ndarray, stable: np.ndarray, min_size: int) -> str:
    k = int(scores["k"][i])
    if "null_pac" not in scores:
        said = f"k = {k} is the largest number of subtypes whose ambiguity is within 0.05 of the smallest"
        said += f" (PAC {scores['pac'][i]:.2f}); it was not compared with cohorts without subtypes."
    elif stable[i]:
        said = f"k = {k}: {compared(scores, i)}; k is the largest within 0.05 of the smallest such ratio."
    else:
        said = (
            f"No number of subtypes (of at least {min_size} samples each) was more stable than in "
            f"cohorts without subtypes: k = {k} is the least ambiguous, but {compared(scores, i)}. "
            "Such subtypes divide a continuum and should not be taken for distinct entities."
        )
    if not large[i]:
        said += f" Every k tried leaves a subtype of fewer than {min_size} samples: outliers shape it."
    elif not large.all():
        left_out = ", ".join(str(int(other)) for other in scores["k"][~large])
        said += f" k = {left_out} would leave a subtype of fewer than {min_size} samples."
    return said


def compared(scores: dict, i: int) -> str:
    """Say the PAC at the i-th k, and that of the null cohorts."""
    said = f"PAC is {scores['pac'][i]:.2f}"
    if "null_pac" in scores:
        said += f" against {scores['null_pac'][i]:.2f} in simulated cohorts without subtypes"
        said += f" (family-wise p = {scores['p'][i]:.3f})"
    return said

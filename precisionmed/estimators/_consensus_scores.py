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
        "sizes": np.bincount(labels),
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

    A k is a candidate when it has more clusters of at least `min_size` samples (`sizeable`) than any
    smaller k, since splitting off a few outliers is perfectly stable and tells nothing; and, when null
    cohorts were simulated, when it is more stable than these. Among candidates, the largest k whose
    relative PAC is within 0.05 of the smallest is taken: stable clusters nested in stable clusters are
    all real. When there is no candidate the reason says so.
    """
    ks, sizeable = scores["k"], scores["sizeable"]
    relative = scores.get("relative_pac", scores["pac"])
    adds = sizeable > np.maximum.accumulate(np.concatenate([[1], sizeable[:-1]]))
    stable = scores["p"] <= _LEVEL if "p" in scores else np.ones(len(ks), dtype=bool)
    candidates = next(mask for mask in (adds & stable, adds, np.arange(len(ks)) == 0) if mask.any())
    best = relative[candidates].min()
    i = int(np.flatnonzero(candidates & (relative <= best + _TOLERANCE))[-1])
    said = _reason(scores, i, bool(stable[i]), min_size)
    if not adds.any():
        said = f"No k tried gives a second subtype of at least {min_size} samples, only outliers. " + said
    return int(ks[i]), said


def _reason(scores: dict, i: int, stable: bool, min_size: int) -> str:
    k = int(scores["k"][i])
    if "p" not in scores:
        said = f"k = {k} is the largest number of subtypes whose ambiguity is within 0.05 of the smallest"
        said += f" ({compared(scores, i)}); it was not compared with cohorts without subtypes."
    elif stable:
        said = f"k = {k}: {compared(scores, i)}. No larger k adds a subtype of at least {min_size} samples"
        said += " with a ratio of the two PACs as small as this one's, give or take 0.05."
    else:
        said = (
            f"No number of subtypes (of at least {min_size} samples) was more stable than in "
            f"cohorts without subtypes: k = {k} is the least ambiguous, but {compared(scores, i)}. "
            "Such subtypes divide a continuum and should not be taken for distinct entities."
        )
    outliers = k - int(scores["sizeable"][i])
    if outliers:
        few = "subtype has" if outliers == 1 else "subtypes have"
        said += f" {outliers} {few} fewer than {min_size} samples: outliers rather than a kind of tumour."
    return said


def compared(scores: dict, i: int) -> str:
    """Say the PAC at the i-th k, and that of the null cohorts."""
    said = f"PAC is {scores['pac'][i]:.2f}"
    if "null_pac" in scores:
        said += f" against {scores['null_pac'][i]:.2f} in simulated cohorts without subtypes"
        said += f" (family-wise p = {scores['p'][i]:.3f})"
    return said

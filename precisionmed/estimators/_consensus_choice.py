"""Which number of clusters follows from the scores of a consensus clustering."""

from __future__ import annotations

import numpy as np

_TOLERANCE = 0.05  # relative PACs this close count as equally stable
_LEVEL = 0.05
_LEAST_GAIN = 0.1  # of the area under the distribution, for a further cluster to count
_COLA_INDICES = ("stability", "silhouette", "concordance")
_REDUNDANT, _STABLE = 0.95, 0.9  # cola's limits for Jaccard index and 1 - PAC


def choose_k(scores: dict[str, np.ndarray], min_size: int) -> tuple[int, bool | None, str]:
    """Choose the number of clusters and say why.

    A k is a candidate when it has more clusters of at least `min_size` samples (`sizeable`) than any
    smaller k, since splitting off a few outliers is perfectly stable and tells nothing; and, when null
    cohorts were simulated, when it is more stable than these. Among candidates, the largest k whose
    relative PAC is within 0.05 of the smallest is taken: stable clusters nested in stable clusters are
    all real. When there is no candidate, the k is chosen in the same way among those that are left, as a
    description of the cohort, and the reason begins with "No subtypes: ".

    Returns
    -------
    k : int
    evidence : bool or None
        Whether there are subtypes at all; None when no null cohorts were simulated.
    reason : str
    """
    ks, sizeable = scores["k"], scores["sizeable"]
    adds = sizeable > np.maximum.accumulate(np.concatenate([[1], sizeable[:-1]]))
    tested = "p_family" in scores
    stable = scores["p_family"] <= _LEVEL if tested else np.ones(len(ks), dtype=bool)
    candidates = next(mask for mask in (adds & stable, adds, np.arange(len(ks)) == 0) if mask.any())
    relative = scores["relative_pac" if tested else "pac"]
    i = int(np.flatnonzero(candidates & (relative <= relative[candidates].min() + _TOLERANCE))[-1])
    evidence = bool((adds & stable).any()) if tested else None
    return int(ks[i]), evidence, _reason(scores, i, evidence, min_size)


def _reason(scores: dict[str, np.ndarray], i: int, evidence: bool | None, min_size: int) -> str:
    k = int(scores["k"][i])
    if scores["sizeable"].max() < 2:
        said = (
            f"No subtypes: no k tried gives a second subtype of at least {min_size} samples, only outliers;"
        )
        said += f" {compared(scores, i)} at k = {k}."
    elif evidence is None:
        said = f"k = {k} is the largest number of subtypes whose ambiguity is within 0.05 of the smallest"
        said += f" ({compared(scores, i)}); it was not compared with cohorts without subtypes."
    elif evidence:
        said = f"k = {k}: {compared(scores, i)}. No larger k adds a subtype of at least {min_size} samples"
        said += " with a ratio of the two PACs as small as this one's, give or take 0.05."
    else:
        said = (
            f"No subtypes: no number of them (of at least {min_size} samples) was more stable than in "
            f"cohorts without subtypes. k = {k} is the least ambiguous, but {compared(scores, i)}; "
            "such groups divide a continuum and should not be taken for distinct entities."
        )
    outliers = k - int(scores["sizeable"][i])
    if outliers and scores["sizeable"].max() > 1:
        few = "subtype has" if outliers == 1 else "subtypes have"
        said += f" {outliers} {few} fewer than {min_size} samples: outliers rather than a kind of tumour."
    if evidence and i > 0 and i == len(scores["k"]) - 1:
        said += " It is the largest k tried: there may be more."
    return said


def compared(scores: dict[str, np.ndarray], i: int) -> str:
    """Say the PAC at the i-th k, and that of the null cohorts."""
    said = f"PAC is {scores['pac'][i]:.2f}"
    if "null_pac" in scores:
        said += f" against {scores['null_pac'][i]:.2f} in simulated cohorts without subtypes"
        said += f" (family-wise p = {scores['p_family'][i]:.3f})"
    return said


def votes(scores: dict[str, np.ndarray]) -> dict[str, int]:
    """Return the k that each published rule would choose; 1 stands for "no subtypes".

    Returns
    -------
    dict of str to int
        `pac`: the smallest PAC (Senbabaoglu et al. 2014).
        `delta_area`: the last k before the area grows by less than a tenth, the reading by eye of
        Monti et al. (2003). `silhouette`, `cophenetic`: the largest mean silhouette of the
        consensus, and the largest cophenetic correlation (Brunet et al. 2004). `cola`: see `_cola`.
        The first k wins ties, as in R's `which.max`.
    """
    ks = scores["k"]
    small_gain = np.append(scores["delta_area"][1:] < _LEAST_GAIN, True)
    chosen = {
        "pac": ks[np.argmax(scores["stability"])],
        "delta_area": ks[np.flatnonzero(small_gain)[0]],
        "silhouette": ks[np.argmax(scores["silhouette"])],
        "cophenetic": ks[np.argmax(scores["cophenetic"])],
        "cola": _cola(scores),
    }
    return {name: int(value) for name, value in chosen.items()}


def _cola(scores: dict[str, np.ndarray]) -> int:
    """Choose as cola does (Gu, Schlesner and Hübschmann, Nucleic Acids Res 2021;49:e15).

    A k whose clusters are nearly those of the k before (Jaccard index of joined pairs above 0.95) is
    redundant. Among the others the largest with 1 - PAC of at least 0.9 is chosen, or else the one that
    most of 1 - PAC, mean silhouette and concordance favour. 1 when all are redundant.
    """
    ks, left = scores["k"], scores["jaccard"] <= _REDUNDANT
    if not left.any():
        return 1
    stable = left & (scores["stability"] >= _STABLE)
    if stable.any():
        return int(ks[stable][-1])
    favoured = [ks[left][np.argmax(scores[name][left])] for name in _COLA_INDICES]
    values, counts = np.unique(favoured, return_counts=True)
    return int(values[np.argmax(counts)])

"""Which number of clusters follows from the scores of a consensus clustering."""

from __future__ import annotations

import numpy as np

# Mean silhouettes this close to the largest count as equally clear; the second when they rise again from
# the k before, as they do when all subtypes inside a coarse division have come apart.
_TOLERANCE, _TOLERANCE_RISING = 0.02, 0.06
_LEVEL = 0.05
_UNAMBIGUOUS = 0.05  # PAC
# Gain in area for a further cluster to count. Nobody has published a number; this one served delta area best.
_LEAST_GAIN = 0.3
_COLA_INDICES = ("stability", "silhouette", "concordance")
_REDUNDANT, _STABLE = 0.95, 0.9  # cola's limits for Jaccard index and 1 - PAC


def choose_k(scores: dict[str, np.ndarray], min_size: int) -> tuple[int, bool | None, str]:
    """Choose the number of clusters and say why.

    A k is a candidate when it has more clusters of at least `min_size` samples (`sizeable`) than any
    smaller k, since splitting off a few outliers is perfectly stable and tells nothing; and, when null
    cohorts were simulated, when it is more stable than these. Once one k is, those with a PAC of at
    most 0.05 are candidates too: nothing could be more stable than they are. Among candidates, the
    largest k whose mean silhouette is within 0.02 of the largest is taken, or within 0.06 if it is no
    smaller than that of the k before and no cluster is an outlier: clear clusters nested in clear
    clusters are all real. The PAC cannot choose between them, since it falls with k whatever the data.
    When there is no candidate, the k is chosen in the same way among those that are left, as a
    description of the cohort, and the reason begins with "No subtypes: ".

    Returns
    -------
    k : int
    evidence : bool or None
        Whether there are subtypes at all; None when that was not tested.
    reason : str
    """
    ks, sizeable = scores["k"], scores["sizeable"]
    adds = sizeable > np.maximum.accumulate(np.concatenate([[1], sizeable[:-1]]))
    tested = "p_family" in scores
    stable = scores["p_family"] <= _LEVEL if tested else np.ones(len(ks), dtype=bool)
    evidence = bool((adds & stable).any())
    if evidence:
        candidates = adds & (stable | (scores["pac"] <= _UNAMBIGUOUS))
    else:
        candidates = adds if adds.any() else np.arange(len(ks)) == 0
    width = scores["silhouette"]
    lost = width[candidates].max() - width
    rising = (np.diff(width, prepend=-np.inf) >= 0) & (sizeable == ks)
    clear = (lost <= _TOLERANCE) | (rising & (lost <= _TOLERANCE_RISING))
    i = int(np.flatnonzero(candidates & clear)[-1])
    found = evidence if tested or not evidence else None
    return int(ks[i]), found, _reason(scores, i, found, min_size)


def _reason(scores: dict[str, np.ndarray], i: int, evidence: bool | None, min_size: int) -> str:
    k = int(scores["k"][i])
    if scores["sizeable"].max() < 2:
        said = f"No subtypes: no k tried gives a second subtype of at least {min_size} samples, only "
        said += f"outliers; {compared(scores, i)} at k = {k}."
    elif evidence is None:
        said = f"k = {k} gives the clearest subtypes ({_clear(scores, i)}; {compared(scores, i)}); "
        said += "it was not compared with cohorts without subtypes."
    elif evidence:
        said = f"k = {k}: {compared(scores, i)}. It is the largest number of subtypes of at least {min_size} "
        said += f"samples that are as clear as any ({_clear(scores, i)})."
    else:
        said = (
            f"No subtypes: no number of them (of at least {min_size} samples) was more stable than in "
            f"cohorts without subtypes. k = {k} is the clearest ({_clear(scores, i)}), but "
            f"{compared(scores, i)}; such groups divide a continuum and should not be taken for distinct "
            "entities."
        )
    if scores["sizeable"].max() > 1:
        said += too_small(scores, i, min_size)
    if evidence and i > 0 and i == len(scores["k"]) - 1:
        said += " It is the largest k tried: there may be more."
    return said


def too_small(scores: dict[str, np.ndarray], i: int, min_size: int) -> str:
    """Say how many of the clusters at the i-th k are outliers."""
    k, left = int(scores["k"][i]), int(scores["sizeable"][i])
    if k == left:
        return ""
    has = "has" if k - left == 1 else "have"
    said = (
        f" {k - left} of the {k} clusters {has} fewer than {min_size} samples: outliers without a subtype, "
    )
    return said + (f"so that {left} subtypes are left." if left > 1 else "so that no division is left.")


def aside(outliers: int, min_size: int) -> str:
    """Say how many samples were set aside before the others were clustered."""
    if not outliers:
        return ""
    was = "1 sample was" if outliers == 1 else f"{outliers} samples were"
    return (
        f" {was} set aside as outliers (in clusters of fewer than {min_size}) and the others clustered again."
    )


def _clear(scores: dict[str, np.ndarray], i: int) -> str:
    return f"mean silhouette {scores['silhouette'][i]:.2f}"


def compared(scores: dict[str, np.ndarray], i: int) -> str:
    """Say the PAC at the i-th k, and that of the null cohorts."""
    said = f"PAC is {scores['pac'][i]:.2f}"
    if "null_pac" in scores:
        said += f" against {scores['null_pac'][i]:.2f} in simulated cohorts without subtypes"
        said += f" (family-wise p = {scores['p_family'][i]:.3f})"
    return said


def votes(scores: dict[str, np.ndarray]) -> dict[str, int]:
    """Return how many subtypes each rule alone would choose; 1 stands for "no subtypes".

    Clusters too small to be subtypes do not count: they are what `sizeable` leaves of the k chosen.

    Returns
    -------
    dict of str to int
        `relative_pac` (with null cohorts): the smallest relative PAC among the k that are more stable than
        these (John et al. 2020). `pac`: the smallest PAC (Senbabaoglu et al. 2014).
        `delta_area`: the last k before the area grows by less than 0.3, for the reading by eye of
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
    if "p_family" in scores:
        stable = scores["p_family"] <= _LEVEL
        relative = np.where(stable, scores["relative_pac"], np.inf)
        chosen = {"relative_pac": ks[np.argmin(relative)] if stable.any() else 1} | chosen
    left = dict(zip(ks.tolist(), np.maximum(scores["sizeable"], 1).tolist(), strict=True))
    return {name: int(left.get(int(value), 1)) for name, value in chosen.items()}


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

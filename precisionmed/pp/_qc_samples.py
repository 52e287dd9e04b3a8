"""Which samples are odd, which are twins, and whose expressed sex is not the recorded one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.estimators._matrix import Matrix
from precisionmed.kernels.normalize import average_ranks

CHR_Y = ("RPS4Y1", "DDX3Y", "KDM5D", "UTY", "USP9Y", "EIF1AY", "ZFY", "TXLNGY")
_MALE_Y, _FEMALE_XIST = 1.5, 2.0


def spearman(values: Matrix) -> Matrix:
    """Return Spearman correlations between samples, shape (n_samples, n_samples)."""
    ranks = average_ranks(values)
    ranks -= ranks.mean(axis=1, keepdims=True)
    norms = np.sqrt(np.einsum("ij,ij->i", ranks, ranks))
    ranks /= np.where(norms > 0, norms, 1)[:, None]
    return np.clip(ranks @ ranks.T, -1, 1)


def median_to_others(correlation: Matrix) -> NDArray[np.float64]:
    """Return each sample's median correlation with the other samples; NaN when there are none."""
    if len(correlation) < 2:
        return np.full(len(correlation), np.nan)
    others = correlation[~np.eye(len(correlation), dtype=bool)].reshape(len(correlation), -1)
    return np.median(others, axis=1)


def outlier_reasons(metrics: dict[str, tuple[NDArray[np.float64], str]], limit: float) -> list[str]:
    """Say for each sample which metrics lie too far from the median; an empty string when none does.

    Parameters
    ----------
    metrics : dict
        Name -> values and the side that is odd (`low`, `high` or `both`).
    limit : float
        Robust standard deviations (MAD x 1.4826) allowed.
    """
    n = len(next(iter(metrics.values()))[0])
    reasons: list[list[str]] = [[] for _ in range(n)]
    for name, (values, side) in metrics.items():
        if np.isnan(values).all():
            continue
        center = np.nanmedian(values)
        spread = 1.4826 * np.nanmedian(np.abs(values - center))
        if not spread > 0:
            continue
        distance = (values - center) / spread
        low = (distance < -limit) & (side != "high")
        high = (distance > limit) & (side != "low")
        for row in np.flatnonzero(low | high):
            word = "low" if low[row] else "high"
            reasons[row].append(f"{name} {word} ({distance[row]:+.1f} robust SD)")
    return ["; ".join(reason) for reason in reasons]


def duplicate_pairs(
    correlation: Matrix, samples: pd.Index, patients: pd.Series | None, limit: float
) -> pd.DataFrame:
    """Return pairs of samples correlated above the limit, with their patients (empty when unknown)."""
    a, b = np.nonzero(np.triu(correlation > limit, k=1))
    names = samples.astype(str).to_numpy(dtype=object)
    owners = np.full(len(names), "", dtype=object)
    if patients is not None:
        owners = patients.astype(object).where(patients.notna(), "").astype(str).to_numpy(dtype=object)
    pairs = pd.DataFrame(
        {
            "sample_a": names[a],
            "sample_b": names[b],
            "correlation": correlation[a, b],
            "patient_a": owners[a],
            "patient_b": owners[b],
        }
    )
    return pairs.sort_values("correlation", ascending=False, kind="stable", ignore_index=True)


def sex_check(values: pd.DataFrame, recorded: pd.Series | None, linear: bool) -> pd.DataFrame | None:
    """Compare recorded sex with XIST and Y-chromosome genes.

    On scales with a zero, Y-chromosome genes above 1.5 (mean log2(x + 1)) mean male; below, XIST above 2
    means female. Neither low XIST nor low Y is proof: basal-like tumours lose the one, men's tumours may lose
    the other. On other scales the border is the midpoint of the medians of the recorded sexes, which
    needs three samples of each.

    Parameters
    ----------
    values : DataFrame of shape (n_samples, n_genes)
        Log-scale values.
    recorded : Series or None
        `female`, `male` or missing.
    linear : bool
        Were the values read on a linear scale?

    Returns
    -------
    DataFrame or None
        `agrees` is False only where expression contradicts the record. None when the cohort has no
        Y-chromosome gene; without XIST (NaN) nobody is called female.
    """
    y_genes = [gene for gene in CHR_Y if gene in values.columns]
    if not y_genes:
        return None
    xist = values["XIST"].to_numpy(dtype=np.float64) if "XIST" in values else np.full(len(values), np.nan)
    chr_y = values[y_genes].mean(axis=1).to_numpy(dtype=np.float64)
    known = pd.Series([None] * len(values), dtype=object) if recorded is None else recorded.astype(object)
    labels = known.where(known.notna(), None).to_numpy(dtype=object)
    expressed = _expressed_sex(xist, chr_y, labels, linear)
    decided = np.isin(labels.astype(str), ["female", "male"]) & (expressed != "undetermined")
    return pd.DataFrame(
        {
            "sample": values.index.astype(str),
            "recorded": pd.Categorical(labels, categories=["female", "male"]),
            "expressed": expressed,
            "xist": xist,
            "chr_y": chr_y,
            "agrees": ~(decided & (labels != expressed)),
        }
    )


def _expressed_sex(
    xist: NDArray[np.float64], chr_y: NDArray[np.float64], labels: NDArray[np.object_], linear: bool
) -> NDArray[np.object_]:
    if linear:
        border_y, border_x = _MALE_Y, _FEMALE_XIST
    else:
        female, male = labels == "female", labels == "male"
        if min(female.sum(), male.sum()) < 3:
            return np.full(len(xist), "undetermined", dtype=object)
        border_y = float(np.median(chr_y[female]) + np.median(chr_y[male])) / 2
        border_x = float(np.median(xist[female]) + np.median(xist[male])) / 2
    calls = np.where(chr_y > border_y, "male", np.where(xist > border_x, "female", "undetermined"))
    return calls.astype(object)

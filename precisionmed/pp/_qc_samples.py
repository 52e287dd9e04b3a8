"""Which samples are odd, and which are twins."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.estimators._matrix import Matrix
from precisionmed.kernels.normalize import average_ranks

Names = NDArray[np.object_]


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


def duplicate_pairs(correlation: Matrix, samples: pd.Index, owners: Names, limit: float) -> pd.DataFrame:
    """Return pairs of samples correlated above the limit, with their patients (empty when unknown)."""
    a, b = np.nonzero(np.triu(correlation > limit, k=1))
    names = samples.astype(str).to_numpy(dtype=object)
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


def patients_of(obs: pd.DataFrame) -> Names:
    """Return the patient of each sample; empty strings where unknown."""
    if "patient" not in obs:
        return np.full(len(obs), "", dtype=object)
    patients = obs["patient"].astype(object)
    return patients.where(patients.notna(), "").astype(str).to_numpy(dtype=object)

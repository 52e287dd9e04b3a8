"""Whose expressed sex is not the recorded one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CHR_Y = ("RPS4Y1", "DDX3Y", "KDM5D", "UTY", "USP9Y", "EIF1AY", "ZFY", "TXLNGY")
_MALE_Y, _FEMALE_XIST = 1.5, 2.0
_FEWEST = 3
_ROBUST_SD, _DISTANCE = 5.0, 1.5

_Array = NDArray[np.float64]
_Names = NDArray[np.object_]


def sex_check(values: pd.DataFrame, recorded: pd.Series | None, linear: bool) -> pd.DataFrame | None:
    """Compare recorded sex with XIST and Y-chromosome genes.

    On scales with a zero, Y-chromosome genes above 1.5 (mean log2(x + 1)), and above XIST, mean male; low
    ones with XIST above 2 female. Where each read weighs much (panels, shallow libraries) noise passes
    these borders: they are at least 1.5 above the median of the samples recorded as the other sex. Neither
    low XIST nor low Y is proof: basal-like tumours lose the one, men's tumours may lose the other. On
    scales without a zero the cohort itself tells: with three samples of each recorded sex the border
    is the midpoint of their medians; with (nearly) one sex only, a sample is of the other when both
    Y-chromosome genes and XIST lie beyond five robust standard deviations, and 1.5 log2 units, from
    that sex's medians, each to its side.

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
    expressed = _by_zero(xist, chr_y, labels) if linear else _by_record(xist, chr_y, labels)
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


def _by_zero(xist: _Array, chr_y: _Array, labels: _Names) -> _Names:
    high_y = chr_y > _border(_MALE_Y, chr_y[labels == "female"])
    high_x = xist > _border(_FEMALE_XIST, xist[labels == "male"])
    return _called(high_y & ~(xist > chr_y), high_x & ~high_y)


def _border(usual: float, others: _Array) -> float:
    return max(usual, float(np.median(others)) + _DISTANCE) if len(others) >= _FEWEST else usual


def _by_record(xist: _Array, chr_y: _Array, labels: _Names) -> _Names:
    female, male = labels == "female", labels == "male"
    if min(female.sum(), male.sum()) >= _FEWEST:
        border_y = float(np.median(chr_y[female]) + np.median(chr_y[male])) / 2
        border_x = float(np.median(xist[female]) + np.median(xist[male])) / 2
        return _called(chr_y > border_y, xist > border_x)
    usual = "female" if female.sum() >= male.sum() else "male"
    rows = labels == usual
    if rows.sum() < 2 * _FEWEST or np.isnan(xist).all():
        return np.full(len(xist), "undetermined", dtype=object)
    y, x = _distance(chr_y, rows), _distance(xist, rows)
    if usual == "female":
        return _called((y > 1) & (x < -1), (y <= 1) & (x >= -1))
    return _called((y >= -1) & (x <= 1), (y < -1) & (x > 1))


def _distance(values: _Array, rows: NDArray[np.bool_]) -> _Array:
    """Return distances from the rows' median, in units of what is far."""
    center = np.nanmedian(values[rows])
    spread = 1.4826 * np.nanmedian(np.abs(values[rows] - center))
    return np.asarray((values - center) / max(_ROBUST_SD * spread, _DISTANCE))


def _called(male: NDArray[np.bool_], female: NDArray[np.bool_]) -> _Names:
    return np.where(male, "male", np.where(female, "female", "undetermined")).astype(object)

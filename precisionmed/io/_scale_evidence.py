"""What tells one scale from another: column sums, library sizes, whole numbers, undone logarithms."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

LARGEST_LOG = 50.0
"""No log2 intensity or log2 count of one sample exceeds this (2^50 reads); linear matrices do."""

_Array = NDArray[np.float64]
_MILLION, _SAME_MILLION = 1e6, 0.01
_SAME_SUM = 0.001
_SAME_QUARTILE = 0.005
_FEWEST_SAMPLES = 3
_FEWEST_GENES = 10
_SMALL = 50.0
_BASES = {"log2": 2.0, "ln": float(np.e), "log10": 10.0}


def common_sum(x: _Array) -> float | None:
    """Return what every sample adds up to, if one number (to 0.1%; a million to 1%, as genes get lost).

    Empty samples do not count.

    Parameters
    ----------
    x : ndarray of shape (n_genes, n_samples)
        Linear values, NaN where missing.
    """
    sums = np.nansum(x, axis=0)
    sums = sums[sums > 0]
    if len(sums) < _FEWEST_SAMPLES or len(x) < _FEWEST_GENES:
        return None
    if np.abs(sums / _MILLION - 1).max() < _SAME_MILLION:
        return _MILLION
    typical = float(np.median(sums))
    return typical if np.abs(sums / typical - 1).max() < _SAME_SUM else None


def common_quartile(x: _Array) -> float | None:
    """Return the third quartile of the positive values of a sample, if it is one number for all (to 0.5%)."""
    if x.shape[1] < _FEWEST_SAMPLES or len(x) < _FEWEST_GENES:
        return None
    positive = np.where(x > 0, x, np.nan)[:, np.nansum(x, axis=0) > 0]
    if positive.shape[1] < _FEWEST_SAMPLES:
        return None
    quartiles = np.nanquantile(positive, 0.75, axis=0)
    typical = float(np.median(quartiles))
    return typical if np.abs(quartiles / typical - 1).max() < _SAME_QUARTILE else None


def depth_spread(x: _Array) -> float | None:
    """Return how much the samples' library sizes differ: standard deviation of log2 size factors.

    A size factor is a sample's median of ratios to the genes' geometric means, over genes found in nine
    samples of ten; None where there are too few samples or genes to tell.
    """
    x = x[:, np.nansum(x, axis=0) > 0]
    usual = (x > 0).mean(axis=1) >= 0.9 if x.shape[1] else np.zeros(len(x), dtype=bool)
    if x.shape[1] < _FEWEST_SAMPLES or usual.sum() < _FEWEST_GENES:
        return None
    logs = np.log2(np.where(x[usual] > 0, x[usual], np.nan))
    with warnings.catch_warnings():  # a sample without any of these genes
        warnings.simplefilter("ignore", RuntimeWarning)
        factors = np.nanmedian(logs - np.nanmean(logs, axis=1, keepdims=True), axis=0)
    return float(np.nanstd(factors))


def whole_share(x: _Array) -> float:
    """Return which share of the small positive values (to 50) are whole numbers, 0 where that says nothing.

    Estimated counts of genes with one transcript, or with unique reads only, are whole. Values that were
    rounded to halves or tenths are whole by chance and do not count.
    """
    small = x[(x > 0) & (x <= _SMALL)]
    if small.size < 2 * _FEWEST_GENES:
        return 0.0
    share = float((small == np.rint(small)).mean())
    tenths = 10 * small
    rounded = float((np.abs(tenths - np.rint(tenths)) < 1e-9).mean())
    return share if rounded < 2 * share else 0.0


def undone_logarithm(x: _Array) -> tuple[str, str] | None:
    """Return the logarithm that the values plainly are (log(y + 1)), and what shows it.

    Either every sample's y adds up to the same number, or the small y are whole numbers.
    """
    for name, base in _BASES.items():
        y = np.expm1(np.minimum(x * np.log(base), 300.0))
        total = common_sum(y)
        if total is not None and total > 0 and np.ptp(x[np.isfinite(x)]) > 2:
            return name, f"undone as {name}(y + 1), the values of every sample add up to {total:,.0f}"
    for name, base in _BASES.items():
        if logs_of_whole_numbers(x, base):
            return name, f"undone as {name}(y + 1), the values are whole numbers"
    return None


def logs_of_whole_numbers(x: _Array, base: float = 2.0) -> bool:
    """Return whether nearly all values are logarithms of a whole number plus 1 (those of up to 200)."""
    y = np.unique(np.expm1(x[(x > 0) & (x < np.log(200) / np.log(base))] * np.log(base)))
    # Four decimals of the logarithm leave 0.014 of a count of 200 open.
    return bool(y.size >= 20 and (np.abs(y - np.rint(y)) < 0.03).mean() > 0.95)


def signed_scale(x: _Array, span: str) -> tuple[str, str]:
    """Tell z-scores, log ratios and logarithms with a few values below 0 apart."""
    with warnings.catch_warnings():  # genes without any value
        warnings.simplefilter("ignore", RuntimeWarning)
        sds = np.nanstd(x, axis=1)
        means = np.nanmean(x, axis=1)
        centre = float(np.nanmedian(x))
    sds, means = sds[np.isfinite(sds)], means[np.isfinite(means)]
    sd, offset = float(np.median(sds)), float(np.median(np.abs(means)))
    alike = float(np.median(np.abs(sds - sd))) < 0.12
    if x.shape[1] >= 8 and 0.75 <= sd <= 1.25 and alike and offset < 0.35:
        return "zscore", f"{span}; every gene has about mean 0 and standard deviation {sd:.2f}"
    negative = float((x[np.isfinite(x)] < 0).mean())
    if negative >= 0.15 and abs(centre) < 1.5:
        return "log_ratio", f"{span}, {negative:.0%} negative, median {centre:.2f}"
    return "log2", f"{span}, {negative:.1%} negative, median {centre:.2f}"


def few_negatives(x: _Array) -> bool:
    """Return whether values below 0 are what a correction leaves of linear values: few, and near 0.

    At most a quarter of the values, together at most a hundredth of the positive ones, none lower than a
    twentieth of the highest.
    """
    finite = x[np.isfinite(x)]
    below = finite[finite < 0]
    return not len(below) or bool(
        len(below) <= 0.25 * len(finite)
        and -below.sum() <= 0.01 * finite[finite > 0].sum()
        and -finite.min() <= 0.05 * finite.max()
    )

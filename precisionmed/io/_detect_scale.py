"""Which scale the numbers of a matrix are on, and what shows it."""

from __future__ import annotations

import re
from typing import cast

import numpy as np
import pandas as pd

from precisionmed.config import Scale
from precisionmed.io._scale_evidence import (
    LARGEST_LOG,
    common_quartile,
    common_sum,
    depth_spread,
    few_negatives,
    signed_scale,
    undone_logarithm,
    whole_share,
)

_SCALED, UNSCALED = 0.25, 0.4  # standard deviation of log2 size factors
_TRANSCRIPTOME = 5000  # genes
_MOST_CALLS, _ENOUGH = 4, 200
_SCANNER = 2.0**16
_WORDS = (  # of a file's name, where the numbers leave two answers open
    ("counts", r"counts?"),
    ("tpm", r"tpm|cpm"),
    ("fpkm", r"fpkm|rpkm"),
    ("rsem", r"rsem"),
)


def detect_scale(values: pd.DataFrame, name: str = "") -> tuple[Scale | None, str]:
    """Find out what the numbers are.

    Parameters
    ----------
    values
        Genes x samples; NaN = missing.
    name
        Name of the file; a word in it (`counts`, `tpm`, `fpkm`, `rsem`) decides where the numbers alone leave
        two answers open.

    Returns
    -------
    str or None, str
        `counts` (whole numbers, or estimates whose libraries differ in size as those of reads do), `tpm`
        (samples add up to a million), `rsem`, `fpkm` and `linear` (other positive numbers beyond any
        logarithm), `zscore` (each gene has mean 0 and standard deviation 1), `log_ratio` (around 0), `log2`,
        `ln` or `log10`; None if two answers are defensible; and a clause that says why.
    """
    x = values.to_numpy()
    finite = x[np.isfinite(x)]
    if not finite.size:
        return "log2", "there are no values"
    low, high = float(finite.min()), float(finite.max())
    span = f"values from {low:.4g} to {high:.4g}"
    whole = bool((finite == np.rint(finite)).all())
    if whole and 0 < high - low <= _MOST_CALLS and finite.size >= _ENOUGH:
        return None, f"whole {span} only: calls (mutations, copies) rather than expression"
    if low < 0:
        if high <= LARGEST_LOG and low >= -LARGEST_LOG:
            return cast("tuple[Scale, str]", signed_scale(x, span))
        share = f"{span}, {(finite < 0).mean():.2%} negative"
        if whole or not few_negatives(x):
            return None, f"{share}: neither logarithms nor linear values with a few below 0"
        return _linear(np.where(x < 0, 0.0, x), share, name)
    if whole:
        if len(x) >= _TRANSCRIPTOME and low > 0 and high < _SCANNER:
            return None, f"whole {span}, no zero: microarray intensities (linear) or counts"
        return "counts", f"all {finite.size:,} values are whole numbers from {low:.0f} to {high:.0f}"
    return _logarithm(x, span) if high <= LARGEST_LOG else _linear(x, span, name)


def _logarithm(x: np.ndarray, span: str) -> tuple[Scale | None, str]:
    """Tell the logarithms of values that are not negative apart."""
    found = undone_logarithm(x)
    if found is not None:
        return cast(Scale, found[0]), f"{span}; {found[1]}"
    high = float(np.nanmax(x))
    if high < 6:
        return None, f"{span}: too low for log2 of expression; log10, ln or ratios?"
    if high < 11 and len(x) >= _TRANSCRIPTOME:
        return None, f"{span}: too low for log2 of {len(x):,} genes; ln or log10?"
    if high > 25 and float(np.nanmedian(x)) < 0.3 * high:
        return None, f"{span}, median {np.nanmedian(x):.4g}: high logarithms or low linear values"
    return "log2", f"{span}, none negative and none too large for a logarithm"


def _linear(x: np.ndarray, span: str, name: str) -> tuple[Scale | None, str]:
    """Tell linear values that are not all whole numbers apart."""
    exact = scaled_exactly(x)
    if exact is not None:
        return exact[0], f"{span}; {exact[1]}"
    whole, spread = whole_share(x), depth_spread(x)
    if whole >= 0.15:
        return "counts", f"{span}; estimated counts, {whole:.0%} of the small ones whole numbers"
    sums = np.nansum(x, axis=0)
    typical = f"not whole numbers; a sample adds up to {np.median(sums):,.0f} (median)"
    if spread is None:
        return _by_name(name, f"{span}, {typical}", "too few genes or samples to compare library sizes")
    differ = f"library sizes differ {2**spread:.2f}-fold (one standard deviation)"
    if len(x) >= _TRANSCRIPTOME and np.nanmin(x) >= 1 and np.nanmax(x) < 2 * _SCANNER:
        if spread < _SCALED:
            return "linear", f"{span}, {typical}, no zero: intensities"
        return None, f"{span}, no zero, {differ}: intensities that are not normalized, or counts"
    if len(x) > _TRANSCRIPTOME and np.median(sums) < 1e6 and spread < 0.8:
        return "fpkm", f"{span}, {typical}"
    if spread < _SCALED:
        return "rsem", f"{span}, {typical}; {differ}, so they are scaled to each other"
    named = _by_name(name, f"{span}, {typical}", differ)
    if spread < UNSCALED or named[0] in ("tpm", "fpkm"):
        return named
    return "counts", f"{span}; {differ} as read counts do: estimated counts"


def _by_name(name: str, span: str, why: str) -> tuple[Scale | None, str]:
    for scale, words in _WORDS:
        found = re.search(rf"(?<![a-z])({words})(?![a-z])", name.lower())
        if found:
            return cast(Scale, scale), f"{span}; {why}, and the file's name says '{found[0]}'"
    return None, f"{span}; {why}: estimated counts, or values scaled to each other (rsem, fpkm, linear)"


def scaled_exactly(x: np.ndarray) -> tuple[Scale, str] | None:
    """Return the scale of linear values that were plainly scaled to one library size, and how."""
    total = common_sum(x)
    if total is not None:
        if total == 1e6:
            return "tpm", "the values of every sample add up to a million"
        return "linear", f"the values of every sample add up to {total:,.0f}"
    quartile = common_quartile(x)
    if quartile is not None:
        return "rsem", f"the third quartile of every sample is {quartile:,.4g}"
    return None

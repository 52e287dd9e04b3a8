"""What the numbers of a matrix are, with the evidence, and whether that contradicts what was stated."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from precisionmed.config import Scale
from precisionmed.errors import InputError

LARGEST_LOG = 50.0
"""No log2 intensity or log2 count of one sample exceeds this (2^50 reads); linear matrices do."""

_LINEAR = ("counts", "rsem", "tpm", "fpkm")
_LOGS = ("log2", "log_ratio", "zscore")


def detect_scale(values: pd.DataFrame) -> tuple[Scale, str]:
    """Find out what the numbers are.

    Parameters
    ----------
    values
        Genes x samples; NaN = missing.

    Returns
    -------
    str, str
        `counts` (whole numbers), `tpm` (columns add up to a million), `rsem` and `fpkm` (other positive
        numbers that reach beyond any logarithm), `zscore` (each gene has mean 0 and standard deviation 1),
        `log_ratio` (around 0) or `log2`; and a clause that says why.
    """
    x = values.to_numpy()
    if not np.isfinite(x).any():
        return "log2", "there are no values"
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    span = f"values from {low:.4g} to {high:.4g}"
    if low < 0:
        return _signed_scale(x, span)
    finite = x[np.isfinite(x)]
    if (finite == np.rint(finite)).all():
        return "counts", f"all {finite.size:,} values are whole numbers from {low:.0f} to {high:.0f}"
    if high <= LARGEST_LOG:
        return "log2", f"{span}, none negative and none too large for a logarithm"
    sums = np.nansum(x, axis=0)
    typical = float(np.median(sums))
    if np.abs(sums / 1e6 - 1).max() < 0.01:
        return "tpm", f"{span}; the values of every sample add up to a million"
    which: Scale = "fpkm" if typical < 1e6 and len(values) > 5000 else "rsem"
    return which, f"{span}, not whole numbers; a sample adds up to {typical:,.0f} (median)"


def check_scale(values: pd.DataFrame, stated: Scale, file: Path | str) -> str:
    """Check that the numbers can be what is stated; return the evidence.

    Raises
    ------
    InputError
        Counts that are negative, missing or no whole numbers, negative TPM, logarithms where linear values
        are stated, or the other way round.
    """
    found, evidence = detect_scale(values)
    if stated in _LINEAR:
        _refuse(
            values,
            values < 0,
            file,
            f"is negative, which {stated} cannot be; state the scale it is ({found}?)",
        )
    if stated == "counts":
        fractional = values.notna() & (values != np.rint(values))
        _refuse(
            values,
            fractional,
            file,
            f"is no whole number; state `scale: {_linear_or_log(found)}`, or give raw counts",
        )
        _refuse(
            values,
            values.isna(),
            file,
            "is missing, which counts cannot be; write 0 where no read was counted",
        )
    elif stated in _LINEAR and found in _LOGS:
        raise InputError(
            f"{file}: `scale: {stated}` is stated but the numbers look like logarithms ({evidence}); "
            "state `scale: log2`, or give values that are not logarithms."
        )
    elif stated in _LOGS and found in _LINEAR and float(np.nanmax(values.to_numpy())) > LARGEST_LOG:
        raise InputError(
            f"{file}: `scale: {stated}` is stated but the numbers are no logarithms ({evidence}); "
            f"state `scale: {found}` or take the logarithm first."
        )
    return f"as stated in the configuration; {evidence}"


def _linear_or_log(found: Scale) -> Scale:
    return found if found != "counts" else "rsem"


def _signed_scale(x: np.ndarray, span: str) -> tuple[Scale, str]:
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


def _refuse(values: pd.DataFrame, bad: pd.DataFrame, file: Path | str, problem: str) -> None:
    cells = np.argwhere(bad.to_numpy())
    if len(cells):
        gene, sample = cells[0]
        value = values.iloc[gene, sample]
        shown = "the value" if np.isnan(value) else f"{value:g}"
        raise InputError(
            f"{file}: gene '{values.index[gene]}', sample '{values.columns[sample]}': {shown} {problem} "
            f"({len(cells):,} such cells)."
        )

"""How expression is distributed: density by sample, and spread against mean by gene."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from precisionmed.kernels.qc import gene_moments, histograms
from precisionmed.pp._inputs import table

_Array = NDArray[np.float64]
_BINS = 64
_LOOKED_AT = 2000
_TAIL = 0.05  # percent of the values left out at either end
_SPAN = 0.5


def density_table(values: _Array, samples: Iterable[str]) -> pd.DataFrame:
    """Return the distribution of each sample's log-scale values.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_genes)
        NaN where missing.
    samples : iterable of str
        Names.

    Returns
    -------
    DataFrame
        `sample`, then one column for each of 64 equal bins, named by its centre: the share of the
        sample's genes that fall into it. The bins reach from the 0.05th to the 99.95th percentile.
    """
    looked_at = values[:, :: max(1, values.shape[1] // _LOOKED_AT)]
    low, high = np.nanpercentile(looked_at, [_TAIL, 100 - _TAIL])
    if not high > low:
        low, high = low - 0.5, low + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    centers = (edges[1:] + edges[:-1]) / 2
    shares = pd.DataFrame(histograms(values, low, high, _BINS), columns=[f"{x:.4f}" for x in centers])
    shares.insert(0, "sample", [str(sample) for sample in samples])
    return table(shares)


def mean_variance_table(values: _Array, genes: pd.Index, library_sizes: _Array | None = None) -> pd.DataFrame:
    """Return each gene's mean, standard deviation and the trend of the latter.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_genes)
        Log-scale values, or counts when library sizes are given: these are taken as
        log2((count + 0.5) / (library size + 1) * 10^6), and genes without any count are left out.
    genes : Index
        Names.
    library_sizes : ndarray of shape (n_samples,), optional

    Returns
    -------
    DataFrame
        `gene`, `mean`, `sd`, `trend`: the trend is that of the square root of `sd` on `mean`, squared; NaN
        where it cannot be fitted. Genes with fewer than two values are left out.

    References
    ----------
    Law CW, Chen Y, Shi W, Smyth GK. Genome Biology 2014;15:R29 (the first steps of voom, one group).
    """
    means, deviations = gene_moments(values, np.empty(0) if library_sizes is None else library_sizes)
    kept = ~np.isnan(deviations)
    if library_sizes is not None:
        kept &= np.fmax.reduce(values, axis=0) > 0
    mean, sd = means[kept], deviations[kept]
    names = genes[kept].astype(str)
    return table(
        pd.DataFrame({"gene": names, "mean": mean, "sd": sd, "trend": _trend(mean, np.sqrt(sd)) ** 2})
    )


def _trend(x: _Array, y: _Array) -> _Array:
    """Return the LOWESS fit of voom: span 0.5, three robust iterations, steps of a hundredth of the range."""
    from statsmodels.nonparametric.smoothers_lowess import lowess

    reach = np.ptp(x) if len(x) else 0.0
    if len(x) < 10 or not reach > 0:
        return np.full(len(x), np.nan)
    return np.asarray(lowess(y, x, frac=_SPAN, it=3, delta=0.01 * reach, return_sorted=False))

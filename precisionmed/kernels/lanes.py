"""Genes side by side, so that one instruction of the processor serves several of them."""

from __future__ import annotations

import numpy as np
from numba import njit

CONVERGED, CONSTANT, DIVERGED, MISSING = 0, 1, 2, 3
"""How the fit of a gene ended: found; no spread; the likelihood has no maximum; missing values."""
LANES = 32
"""Genes that are fitted together."""


@njit(cache=True, error_model="numpy")
def standardize(genes, rows, first, n_lanes, x, scale, status):
    """Copy some genes, standardized by mean and population standard deviation.

    Parameters
    ----------
    genes : float64 array (n_samples, n_genes)
    rows : int array (n,)
        Samples to copy, in this order.
    first, n_lanes : int
        The first gene, and how many.
    x : float64 array (n, LANES), written
        Lanes without a gene, or with one that is constant or has missing values, are zero.
    scale : float64 array (LANES,), written
        Standard deviations.
    status : int8 array (LANES,), written
        `CONVERGED` (nothing speaks against a fit), `CONSTANT` or `MISSING`.
    """
    n = rows.size
    center, factor = np.zeros(LANES), np.zeros(LANES)
    scale[:] = 0.0
    for i in range(n):
        for k in range(n_lanes):
            x[i, k] = genes[rows[i], first + k]
            center[k] += x[i, k]
    for k in range(LANES):
        center[k] /= n
    for i in range(n):
        for k in range(n_lanes):
            x[i, k] -= center[k]
            scale[k] += x[i, k] * x[i, k]
    for k in range(LANES):
        scale[k] = np.sqrt(scale[k] / n)
        status[k] = CONVERGED
        if not np.isfinite(scale[k]):
            status[k] = MISSING
        elif not scale[k] > 1e-10 * abs(center[k]):  # rounding alone gives a tiny spread
            status[k] = CONSTANT
        else:
            factor[k] = 1.0 / scale[k]
    for i in range(n):
        for k in range(LANES):
            x[i, k] = x[i, k] * factor[k] if status[k] == CONVERGED else 0.0

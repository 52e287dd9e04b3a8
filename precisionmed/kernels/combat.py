"""Empirical Bayes estimates of batch location and scale, for all genes of one batch."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True, error_model="numpy")
def parametric_posterior(mean, squares, n, location, spread, shape, rate, tolerance=1e-4):
    """Iterate the posterior means of location (normal prior) and scale (inverse gamma prior).

    Parameters
    ----------
    mean, squares : ndarray of shape (n_genes,)
        Mean of the standardized values in the batch, and their sum of squares about it.
    n : int
        Samples in the batch.
    location, spread : float
        Mean and variance of the normal prior.
    shape, rate : float
        Of the inverse gamma prior.
    tolerance : float
        Iteration stops for all genes together when the largest signed relative change is not above it,
        as in the authors' implementation.

    Returns
    -------
    ndarray of shape (2, n_genes)
        Location and variance.
    """
    genes = len(mean)
    shift, scale = mean.copy(), squares / (n - 1)
    change = 1.0
    while change > tolerance:
        change = -np.inf
        for g in range(genes):
            new_shift = (spread * n * mean[g] + scale[g] * location) / (spread * n + scale[g])
            about = squares[g] + n * (mean[g] - new_shift) ** 2
            new_scale = (0.5 * about + rate) / (0.5 * n + shape - 1.0)
            change = max(change, abs(new_shift - shift[g]) / shift[g], abs(new_scale - scale[g]) / scale[g])
            shift[g], scale[g] = new_shift, new_scale
    return np.stack((shift, scale))


@njit(cache=True, parallel=True, error_model="numpy")
def empirical_posterior(mean, squares, n, shift, scale):
    """Average the other genes' location and scale, weighted by the likelihood of a gene's values.

    Parameters
    ----------
    mean, squares : ndarray of shape (n_genes,)
        Mean of the standardized values in the batch, and their sum of squares about it.
    n : int
        Samples in the batch.
    shift, scale : ndarray of shape (n_genes,)
        Estimated location and variance of every gene: the empirical prior.

    Returns
    -------
    ndarray of shape (2, n_genes)
        Location and variance.
    """
    genes = len(mean)
    out = np.empty((2, genes))
    constant = -0.5 * n * np.log(scale)
    for g in prange(genes):
        # On the log scale: the likelihood of a large batch underflows.
        logs = constant - (squares[g] + n * (mean[g] - shift) ** 2) / (2.0 * scale)
        logs[g] = -np.inf
        highest = np.max(logs)
        total, shifts, scales = 0.0, 0.0, 0.0
        for other in range(genes):
            weight = np.exp(logs[other] - highest)
            total += weight
            shifts += weight * shift[other]
            scales += weight * scale[other]
        out[0, g], out[1, g] = shifts / total, scales / total
    return out

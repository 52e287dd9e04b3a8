"""Moments of batches, empirical Bayes estimates of their location and scale, and the adjustment."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_BLOCK = 256  # genes that a thread takes at once: their sums stay in the cache


@njit(cache=True, parallel=True, error_model="numpy")
def batch_moments(values, codes, columns, coefficients, pivot):
    """Return each batch's mean of values less covariate effects, and the sum of squares about it.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_genes)
    codes : ndarray of int, shape (n_samples,)
        Batch of each sample.
    columns : ndarray of shape (n_samples, n_columns)
        Covariates.
    coefficients : ndarray of shape (n_columns, n_genes)
    pivot : ndarray of shape (n_batches, n_genes)
        About the mean: what is subtracted before squaring, so that no precision is lost.

    Returns
    -------
    tuple of two ndarray of shape (n_batches, n_genes)
    """
    n, genes = values.shape
    batches = len(pivot)
    sizes = np.zeros(batches)
    for code in codes:
        sizes[code] += 1
    mean, squares = np.zeros((batches, genes)), np.zeros((batches, genes))
    for block in prange((genes + _BLOCK - 1) // _BLOCK):
        start, stop = block * _BLOCK, min((block + 1) * _BLOCK, genes)
        for i in range(n):
            b = codes[i]
            rest = values[i, start:stop] - pivot[b, start:stop]
            for k in range(columns.shape[1]):
                rest -= columns[i, k] * coefficients[k, start:stop]
            mean[b, start:stop] += rest
            squares[b, start:stop] += rest * rest
        for b in range(batches):
            mean[b, start:stop] /= sizes[b]
            squares[b, start:stop] -= sizes[b] * mean[b, start:stop] ** 2
            mean[b, start:stop] += pivot[b, start:stop]
    return mean, squares


@njit(cache=True, parallel=True, error_model="numpy")
def adjust(values, codes, center, shift, scale):
    """Return (values - center - shift) / scale + center with the shift and scale of each sample's batch.

    Parameters
    ----------
    values, center : ndarray of shape (n_samples, n_genes)
    codes : ndarray of int, shape (n_samples,)
        Batch of each sample; those of a negative one stay as they are.
    shift, scale : ndarray of shape (n_batches, n_genes)
    """
    out = np.empty_like(values)
    for i in prange(len(values)):
        b = codes[i]
        for g in range(values.shape[1]):
            if b < 0:
                out[i, g] = values[i, g]
            else:
                out[i, g] = (values[i, g] - center[i, g] - shift[b, g]) / scale[b, g] + center[i, g]
    return out


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

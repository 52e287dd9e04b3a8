"""Cohorts without subtypes that are like the data in all other respects."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from scipy.linalg import eigh

from precisionmed.estimators import _consensus_scores as score

NULL_RESAMPLES = 100  # enough to place a pair's consensus below 0.1, between, or above 0.9


def simulated_pac(
    X: np.ndarray,
    n_null: int,
    consensus_of: Callable[[np.ndarray], Iterable[np.ndarray]],
    n_k: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the PAC, (n_null, n_k), of random rotations of X.

    Parameters
    ----------
    X : ndarray, shape (n, p)
    n_null : int
        Number of rotations.
    consensus_of : callable
        Resample and cluster a cohort: (n, p) to one consensus matrix for each of the `n_k` values of k.
    rng : numpy.random.Generator
    """
    pac = np.empty((n_null, n_k))
    mean = X.mean(axis=0)
    coordinates = _coordinates(X - mean) if n_null else X
    for row in pac:
        cohort = _random_frame(len(X), len(coordinates), rng) @ coordinates + mean
        row[:] = [score.ambiguous_fraction(score.distribution(matrix)) for matrix in consensus_of(cohort)]
    return pac


def _coordinates(centred: np.ndarray) -> np.ndarray:
    """Return a matrix A of few rows with A'A = X'X, through the smaller Gram matrix (faster than an SVD)."""
    n, p = centred.shape
    if p < n:
        values, vectors = eigh(centred.T @ centred)
        return np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    values, vectors = eigh(centred @ centred.T)
    return vectors[:, values > values[-1] * 1e-10].T @ centred


def _random_frame(n: int, r: int, rng: np.random.Generator) -> np.ndarray:
    """Return `r` orthonormal columns of length `n` and mean zero, uniformly distributed."""
    normal = rng.standard_normal((n, r))
    frame, triangle = np.linalg.qr(normal - normal.mean(axis=0))
    return frame * np.sign(np.diagonal(triangle))

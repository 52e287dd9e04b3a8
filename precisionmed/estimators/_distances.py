"""Distances between samples."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from precisionmed.errors import InputError

METRICS = ("pearson", "spearman", "euclidean")


def sample_distances(X: np.ndarray, metric: str) -> np.ndarray:
    """Return the (n, n) distances of the rows of `X`: 1 - correlation, or Euclidean.

    BLAS may round differently with another number of threads, and a cluster tree can turn on the last
    bit: callers hold BLAS to one thread.

    Raises
    ------
    InputError
        A sample is constant, so that its correlation is undefined.
    """
    if metric == "euclidean":
        rows = X - X.mean(axis=0)
    else:
        rows = unit_rows(rankdata(X, axis=1) if metric == "spearman" else X)
    product = rows @ rows.T
    if metric == "euclidean":
        square = np.diagonal(product)
        distance = np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * product, 0))
    else:
        distance = 1 - product
    distance = (distance + distance.T) / 2
    np.fill_diagonal(distance, 0)
    return distance


def unit_rows(X: np.ndarray) -> np.ndarray:
    """Centre every row and scale it to length one; `InputError` when one is constant."""
    centred = X - X.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    # A constant row rarely cancels to exactly zero; compare with the size of its values.
    flat = np.flatnonzero(length[:, 0] <= 1e-12 * np.linalg.norm(X, axis=1))
    if flat.size:
        raise InputError(
            f"sample in row {flat[0]} has one value for all genes, so its correlation is undefined; drop it."
        )
    return centred / length

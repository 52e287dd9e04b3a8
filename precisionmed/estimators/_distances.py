"""Distances between samples."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from precisionmed.errors import InputError

METRICS = ("pearson", "spearman", "euclidean")


def embedded(X: np.ndarray, metric: str) -> np.ndarray:
    """Return rows whose Euclidean distances order pairs as `metric` does.

    For correlations r they have length one, so that squared distances are 2 (1 - r).

    Raises
    ------
    InputError
        A sample is constant, so that its correlation is undefined.
    """
    if metric == "euclidean":
        return X - X.mean(axis=0)
    return unit_rows(rankdata(X, axis=1) if metric == "spearman" else X)


def sample_products(X: np.ndarray, metric: str) -> np.ndarray:
    """Return the (n, n) inner products of the `embedded` rows of `X`: correlations, for these metrics.

    BLAS may round differently with another number of threads, and a cluster tree can turn on the last
    bit: callers hold BLAS to one thread. Raises as `embedded` does.
    """
    rows = embedded(X, metric)
    product = rows @ rows.T
    for i, row in enumerate(product):  # symmetric to the last bit, without a second matrix
        product[i + 1 :, i] = row[i + 1 :]
    return product


def sample_distances(X: np.ndarray, metric: str) -> np.ndarray:
    """Return the (n, n) distances of the rows of `X`: 1 - correlation, or Euclidean.

    As for `sample_products`, callers hold BLAS to one thread; raises as `embedded` does.
    """
    distance = sample_products(X, metric)
    if metric == "euclidean":
        square = np.diagonal(distance).copy()
        for i, row in enumerate(distance):
            row[:] = np.sqrt(np.maximum(square[i] + square - 2 * row, 0))
    else:
        np.maximum(np.subtract(1, distance, out=distance), 0, out=distance)
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

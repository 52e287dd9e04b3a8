"""Normalizers: `fit` learns a reference from training samples, `transform` uses nothing else.

All return log-scale float64 values; one sample is transformed exactly as among many. Missing values
(NaN) stay missing.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtri
from sklearn.base import BaseEstimator, TransformerMixin

from precisionmed.errors import InputError
from precisionmed.estimators._library import LibraryNormalizer, Vector
from precisionmed.estimators._matrix import Matrix, fit_matrix, sample_name, transform_matrix
from precisionmed.kernels.normalize import average_ranks

__all__ = ["Log2", "LogCPM", "RankScores"]


class LogCPM(LibraryNormalizer):
    """Log2 counts per million of the library, with a prior count.

    Equals `edgeR::cpm(log=TRUE)` on the training samples. The prior count is scaled by a sample's
    library size over the mean library size *of the training samples*.

    Parameters
    ----------
    prior_count : float, default=2
        Count added to a sample of mean library size; larger values shrink small counts more.

    Attributes
    ----------
    mean_library_size_ : float
        Mean library size of the training samples.
    share_ : ndarray of shape (n_genes,)
        Mean fraction of the library by gene; makes up for genes that a new sample lacks.
    """

    def __init__(self, prior_count: float = 2) -> None:
        self.prior_count = prior_count

    def _learn_factors(self, counts: Matrix, sizes: Vector) -> Vector:
        return self._factors(counts, sizes)

    def _factors(self, counts: Matrix, sizes: Vector) -> Vector:
        return np.ones(len(sizes))


class Log2(TransformerMixin, BaseEstimator):
    """Log2 of value plus a pseudo-count, for TPM, FPKM and RSEM.

    Parameters
    ----------
    pseudo_count : float, default=1
        Added before the logarithm, in the unit of the values.
    """

    def __init__(self, pseudo_count: float = 1) -> None:
        self.pseudo_count = pseudo_count

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Check the training values; nothing is learned from them. `y` is ignored."""
        self._checked(X, fit_matrix(self, X))
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return `log2(X + pseudo_count)`, shape (n_samples, n_genes)."""
        return np.log2(self._checked(X, transform_matrix(self, X)) + self.pseudo_count)

    def _checked(self, X: ArrayLike | pd.DataFrame, values: Matrix) -> Matrix:
        lowest = np.fmin.reduce(values, axis=1)
        if np.any(lowest <= -self.pseudo_count):
            row = int(np.argmax(lowest <= -self.pseudo_count))
            raise InputError(
                f"{sample_name(X, row)} has the value {lowest[row]:g}, which has no logarithm; "
                "is the matrix on a log scale already?"
            )
        return values


class RankScores(TransformerMixin, BaseEstimator):
    """Normal scores of the ranks within each sample: needs no cohort and no common platform.

    A gene of rank r among n measured ones (ties share their mean rank) becomes the standard normal
    quantile of (r - 3/8) / (n + 1/4).

    References
    ----------
    Blom G. Statistical Estimates and Transformed Beta-Variables. Wiley, 1958.
    """

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Check the training values; nothing is learned from them. `y` is ignored."""
        fit_matrix(self, X)
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return normal scores, shape (n_samples, n_genes)."""
        values = transform_matrix(self, X)
        measured = np.sum(~np.isnan(values), axis=1, keepdims=True)
        return ndtri((average_ranks(values) - 0.375) / (measured + 0.25))

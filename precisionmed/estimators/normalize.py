"""Normalizers: `fit` learns a reference from training samples, `transform` uses nothing else.

All but `CPM` return log-scale float64 values; one sample is transformed exactly as among many. Missing values
(NaN) stay missing.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.base import BaseEstimator, TransformerMixin, clone

from precisionmed.errors import InputError
from precisionmed.estimators._factors import TMM, TMMwsp, UpperQuartile
from precisionmed.estimators._library import LibraryNormalizer, Vector, check_counts, usual_share
from precisionmed.estimators._matrix import Matrix, fit_matrix, sample_name, transform_matrix
from precisionmed.estimators._parameters import POSITIVE
from precisionmed.estimators._size_factors import MedianOfRatios
from precisionmed.kernels.normalize import average_ranks, library_sizes, onto_target, scaled

__all__ = [
    "CPM",
    "TMM",
    "Log2",
    "LogCPM",
    "MedianOfRatios",
    "Quantile",
    "RankScores",
    "TMMwsp",
    "UpperQuartile",
]


class CPM(TransformerMixin, BaseEstimator):
    """Counts per million of the library, on the linear scale, as `edgeR::cpm(log=FALSE)`.

    Attributes
    ----------
    share_ : ndarray of shape (n_genes,)
        As in `LogCPM`.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Learn the usual shares of genes from training counts (samples x genes); `y` is ignored."""
        counts = fit_matrix(self, X)
        check_counts(X, counts)
        self.share_ = usual_share(counts)
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return counts per million, shape (n_samples, n_genes); NaN stays NaN."""
        counts = transform_matrix(self, X)
        check_counts(X, counts)
        return scaled(counts, library_sizes(counts, self.share_) / 1e6)


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

    _parameter_constraints: ClassVar[dict[str, Any]] = {"prior_count": [POSITIVE]}

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

    _parameter_constraints: ClassVar[dict[str, Any]] = {"pseudo_count": [POSITIVE]}

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

    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Check the training values; nothing is learned from them. `y` is ignored."""
        fit_matrix(self, X)
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return normal scores, shape (n_samples, n_genes)."""
        values = transform_matrix(self, X)
        measured = np.sum(~np.isnan(values), axis=1, keepdims=True)
        return ndtri((average_ranks(values) - 0.375) / (measured + 0.25))


class Quantile(TransformerMixin, BaseEstimator):
    """Give every sample the training samples' mean distribution.

    Equals `limma::normalizeQuantiles(ties=TRUE)` on the training samples: tied genes get the target at
    their mean rank; a sample with missing genes is spread over the whole target distribution.

    Parameters
    ----------
    first : normalizer or None, default=None
        What brings the values to the log scale; None when they are on it.

    Attributes
    ----------
    target_ : ndarray of shape (n_genes,)
        Mean of the training samples' sorted values.
    first_ : fitted normalizer or None

    References
    ----------
    Bolstad BM et al. Bioinformatics 2003;19:185-193.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"first": [BaseEstimator, None]}

    def __init__(self, first: Any = None) -> None:
        self.first = first

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Learn the target distribution from training samples; `y` is ignored."""
        values = fit_matrix(self, X)
        self.first_ = None if self.first is None else clone(self.first).fit(X)
        values = values if self.first_ is None else self.first_.transform(X)
        ordered = np.sort(values, axis=1)  # NaN last
        counts = np.sum(~np.isnan(values), axis=1)
        self._check_measured(X, counts)
        for row in np.flatnonzero(counts < values.shape[1]):
            places = np.linspace(0, counts[row] - 1, values.shape[1])
            ordered[row] = np.interp(places, np.arange(counts[row]), ordered[row, : counts[row]])
        self.target_ = ordered.mean(axis=0)
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return quantile-normalized values, shape (n_samples, n_genes)."""
        values = transform_matrix(self, X)
        values = values if self.first_ is None else self.first_.transform(X)
        self._check_measured(X, np.sum(~np.isnan(values), axis=1))
        return onto_target(average_ranks(values), self.target_)

    def _check_measured(self, X: ArrayLike | pd.DataFrame, counts: NDArray[np.intp]) -> None:
        if not counts.all():
            raise InputError(f"{sample_name(X, int(np.argmin(counts)))} has no measured gene; exclude it.")

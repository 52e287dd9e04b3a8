"""Size factors of DESeq: medians of ratios to the genes' geometric means."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin

from precisionmed.errors import InputError
from precisionmed.estimators._library import Vector, check_counts
from precisionmed.estimators._matrix import Matrix, fit_matrix, sample_name, transform_matrix
from precisionmed.estimators._parameters import POSITIVE
from precisionmed.kernels.normalize import gene_log_means, log_scaled, median_log_ratios


class MedianOfRatios(TransformerMixin, BaseEstimator):
    """Size factors by the median of ratios to the genes' geometric means, then log2.

    Equals `log2(counts / DESeq2::estimateSizeFactorsForMatrix + pseudo_count)` on the training
    samples; the geometric means are stored.

    Parameters
    ----------
    pseudo_count : float, default=1
        Added to normalized counts before the logarithm.

    Attributes
    ----------
    log_means_ : ndarray of shape (n_genes,)
        Log geometric mean of each gene; `-inf` for genes with a zero or a missing count, which are
        not used.

    References
    ----------
    Anders S, Huber W. Genome Biology 2010;11:R106, equation 5.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"pseudo_count": [POSITIVE]}

    def __init__(self, pseudo_count: float = 1) -> None:
        self.pseudo_count = pseudo_count

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Learn the geometric means from training counts (samples x genes); `y` is ignored."""
        learn_log_means(self, X)
        return self

    def factors(self, X: ArrayLike | pd.DataFrame) -> Vector:
        """Return the size factor of each sample."""
        return counts_and_factors(self, X)[1]

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return log2 of normalized counts, shape (n_samples, n_genes); NaN stays NaN."""
        counts, factors = counts_and_factors(self, X)
        return log_scaled(counts, factors, float(self.pseudo_count))


def learn_log_means(estimator: Any, X: ArrayLike | pd.DataFrame) -> Matrix:
    """Set `log_means_` from training counts and return the counts.

    Raises
    ------
    InputError
        The values are no counts, or no gene has a count in every sample.
    """
    counts = fit_matrix(estimator, X)
    check_counts(X, counts)
    estimator.log_means_ = gene_log_means(counts)
    if not np.isfinite(estimator.log_means_).any():
        raise without_common_gene()
    return counts


def without_common_gene() -> InputError:
    """Return the error of counts in which no gene is found in every sample."""
    return InputError(
        "size factors (median of ratios, vst) rest on genes with a count in every sample, but every gene "
        "has a zero or a gap in some sample; use TMM (normalize.method: tmm)."
    )


def counts_and_factors(estimator: Any, X: ArrayLike | pd.DataFrame) -> tuple[Matrix, Vector]:
    """Return checked counts and their size factors against the estimator's `log_means_`."""
    counts = transform_matrix(estimator, X)
    check_counts(X, counts)
    return counts, size_factors(X, counts, estimator.log_means_)


def size_factors(X: ArrayLike | pd.DataFrame, counts: Matrix, log_means: Vector) -> Vector:
    """Return the size factor of each sample; `X` names the samples in messages."""
    medians = median_log_ratios(counts, log_means)
    if np.isnan(medians).any():
        name = sample_name(X, int(np.argmax(np.isnan(medians))))
        raise InputError(f"{name} expresses none of the genes that size factors rest on; exclude it.")
    return np.exp(medians)

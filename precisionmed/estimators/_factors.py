"""Scaling factors of whole libraries: TMM, upper quartile, median of ratios."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin

from precisionmed.errors import InputError
from precisionmed.estimators._library import LibraryNormalizer, Vector, check_counts
from precisionmed.estimators._matrix import Matrix, columns_of, fit_matrix, sample_name, transform_matrix
from precisionmed.kernels.normalize import row_quantiles
from precisionmed.kernels.tmm import tmm_factors


class TMM(LibraryNormalizer):
    """Trimmed mean of M-values against a stored reference library, then log counts per million.

    Equals `edgeR::calcNormFactors` and `cpm(log=TRUE)` on the training samples. The reference is the
    training sample whose upper quartile of counts per read is nearest to the mean; its profile and
    the geometric mean of the training factors are stored.

    Parameters
    ----------
    prior_count : float, default=2
        Count added to a sample of mean effective library size.
    log_ratio_trim, sum_trim : float, default=0.3 and 0.05
        Fractions of genes trimmed from each end of the log ratios and of the mean log levels.
    do_weighting : bool, default=True
        Weight genes by the inverse variance of their log ratio.
    a_cutoff : float, default=-1e10
        Genes with a mean log level at or below are left out.

    Attributes
    ----------
    reference_row_ : int
        Row of the reference among the training samples.
    reference_ : ndarray of shape (n_genes,)
        Its counts.
    reference_size_ : float
        Its library size.
    log_scale_ : float
        Mean log of the unscaled training factors.
    mean_library_size_, share_
        As in `LogCPM`, with effective library sizes.

    References
    ----------
    Robinson MD, Oshlack A. Genome Biology 2010;11:R25.
    """

    def __init__(
        self,
        prior_count: float = 2,
        log_ratio_trim: float = 0.3,
        sum_trim: float = 0.05,
        do_weighting: bool = True,
        a_cutoff: float = -1e10,
    ) -> None:
        self.prior_count = prior_count
        self.log_ratio_trim = log_ratio_trim
        self.sum_trim = sum_trim
        self.do_weighting = do_weighting
        self.a_cutoff = a_cutoff

    def _learn_factors(self, counts: Matrix, sizes: Vector) -> Vector:
        self.reference_row_ = _reference_row(counts, sizes)
        self.reference_ = counts[self.reference_row_].copy()
        self.reference_size_ = float(sizes[self.reference_row_])
        raw = self._unscaled(counts, sizes)
        self.log_scale_ = float(np.mean(np.log(raw)))
        return raw / np.exp(self.log_scale_)

    def _factors(self, counts: Matrix, sizes: Vector) -> Vector:
        return self._unscaled(counts, sizes) / np.exp(self.log_scale_)

    def _unscaled(self, counts: Matrix, sizes: Vector) -> Vector:
        return tmm_factors(
            counts,
            sizes,
            self.reference_,
            self.reference_size_,
            float(self.log_ratio_trim),
            float(self.sum_trim),
            bool(self.do_weighting),
            float(self.a_cutoff),
        )


class UpperQuartile(LibraryNormalizer):
    """Scale libraries to a common upper quartile of their counts, then log counts per million.

    Equals `edgeR::calcNormFactors(method="upperquartile")` and `cpm(log=TRUE)` on the training
    samples; quantiles are taken over the genes that any training sample expresses.

    Parameters
    ----------
    prior_count : float, default=2
        Count added to a sample of mean effective library size.
    quantile : float, default=0.75
        The quantile that becomes common.

    Attributes
    ----------
    expressed_ : ndarray of bool, shape (n_genes,)
        Genes with a count in any training sample.
    log_scale_ : float
        Mean log of the unscaled training factors.
    mean_library_size_, share_
        As in `LogCPM`, with effective library sizes.

    References
    ----------
    Bullard JH et al. BMC Bioinformatics 2010;11:94.
    """

    def __init__(self, prior_count: float = 2, quantile: float = 0.75) -> None:
        self.prior_count = prior_count
        self.quantile = quantile

    def _learn_factors(self, counts: Matrix, sizes: Vector) -> Vector:
        self.expressed_ = np.fmax.reduce(counts, axis=0) > 0
        raw = self._unscaled(counts, sizes)
        self.log_scale_ = float(np.mean(np.log(raw)))
        return raw / np.exp(self.log_scale_)

    def _factors(self, counts: Matrix, sizes: Vector) -> Vector:
        return self._unscaled(counts, sizes) / np.exp(self.log_scale_)

    def _unscaled(self, counts: Matrix, sizes: Vector) -> Vector:
        quantiles = row_quantiles(columns_of(counts, self.expressed_), self.quantile)
        if not (quantiles > 0).all():
            row = int(np.argmin(quantiles > 0))
            raise InputError(
                f"sample in row {row}: the {self.quantile:g} quantile of its counts is zero; "
                "filter genes or use another normalization."
            )
        return quantiles / sizes


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
        Log geometric mean of each gene; `-inf` for genes with a zero, which are not used.

    References
    ----------
    Anders S, Huber W. Genome Biology 2010;11:R106, equation 5.
    """

    def __init__(self, pseudo_count: float = 1) -> None:
        self.pseudo_count = pseudo_count

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Learn the geometric means from training counts (samples x genes); `y` is ignored."""
        counts = fit_matrix(self, X)
        check_counts(X, counts)
        with np.errstate(divide="ignore"):
            logs = np.log(counts)
        self.log_means_ = np.where(np.isnan(logs).any(axis=0), -np.inf, logs.mean(axis=0))
        if not np.isfinite(self.log_means_).any():
            raise InputError("every gene has a zero in some sample, so no geometric mean exists; use TMM.")
        return self

    def factors(self, X: ArrayLike | pd.DataFrame) -> Vector:
        """Return the size factor of each sample."""
        counts = transform_matrix(self, X)
        check_counts(X, counts)
        used = np.isfinite(self.log_means_)
        part = columns_of(counts, used)
        with np.errstate(divide="ignore"):
            ratios = np.log(part) - self.log_means_[used]
        ratios[part == 0] = np.nan
        medians = row_quantiles(ratios, 0.5)
        if np.isnan(medians).any():
            name = sample_name(X, int(np.argmax(np.isnan(medians))))
            raise InputError(f"{name} expresses none of the genes that size factors rest on; exclude it.")
        return np.exp(medians)

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return log2 of normalized counts, shape (n_samples, n_genes); NaN stays NaN."""
        return np.log2(transform_matrix(self, X) / self.factors(X)[:, None] + self.pseudo_count)


def _reference_row(counts: Matrix, sizes: Vector) -> int:
    """Return the sample whose upper quartile per read is nearest to the mean (edgeR's rule)."""
    expressed = np.fmax.reduce(counts, axis=0) > 0
    quartiles = row_quantiles(columns_of(counts, expressed), 0.75) / sizes
    if np.median(quartiles) < 1e-20:  # mostly zeros: the library with the most counts, on a root scale
        return int(np.argmax(np.nansum(np.sqrt(counts), axis=1)))
    return int(np.argmin(np.abs(quartiles - quartiles.mean())))

"""Scaling factors of whole libraries: TMM, TMMwsp, upper quartile."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from precisionmed.errors import InputError
from precisionmed.estimators._library import LibraryNormalizer, Vector
from precisionmed.estimators._matrix import Matrix
from precisionmed.estimators._parameters import PART, POSITIVE, TRIM, one_of
from precisionmed.kernels.normalize import expressed_genes, expressed_quantiles, root_sums
from precisionmed.kernels.tmm import tmm_factors, tmmwsp_factors


class TMM(LibraryNormalizer):
    """Trimmed mean of M-values against a stored reference library, then log counts per million.

    With a sample as the reference it equals `edgeR::calcNormFactors` and `cpm(log=TRUE)` on the training
    samples. The reference library and the geometric mean of the training factors are stored.

    Parameters
    ----------
    prior_count : float, default=2
        Count added to a sample of mean effective library size.
    reference : {"sample", "profile"}, default="sample"
        `sample`: the training sample whose upper quartile of counts per read is nearest to the mean (edgeR's
        choice); **the fitted object then holds all counts of one patient**. `profile`: the mean share of
        each gene over the training samples, in a library of mean size, which nobody can be traced in.
    log_ratio_trim, sum_trim : float, default=0.3 and 0.05
        Fractions of genes trimmed from each end of the log ratios and of the mean log levels.
    do_weighting : bool, default=True
        Weight genes by the inverse variance of their log ratio.
    a_cutoff : float, default=-1e10
        Genes with a mean log level at or below are left out.

    Attributes
    ----------
    reference_ : ndarray of shape (n_genes,)
        Counts of the reference library.
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

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "prior_count": [POSITIVE],
        "log_ratio_trim": [TRIM],
        "sum_trim": [TRIM],
        "do_weighting": ["boolean"],
        "a_cutoff": [Real],
        "reference": [one_of("sample", "profile")],
    }

    def __init__(
        self,
        prior_count: float = 2,
        log_ratio_trim: float = 0.3,
        sum_trim: float = 0.05,
        do_weighting: bool = True,
        a_cutoff: float = -1e10,
        reference: str = "sample",
    ) -> None:
        self.prior_count = prior_count
        self.reference = reference
        self.log_ratio_trim = log_ratio_trim
        self.sum_trim = sum_trim
        self.do_weighting = do_weighting
        self.a_cutoff = a_cutoff

    def _learn_factors(self, counts: Matrix, sizes: Vector) -> Vector:
        self.reference_, self.reference_size_ = _reference(self, counts, sizes, _nearest_to_mean)
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


class TMMwsp(LibraryNormalizer):
    """TMM with singleton pairing, for sparse libraries, then log counts per million.

    Equals `edgeR::calcNormFactors(method="TMMwsp")` and `cpm(log=TRUE)` on the training samples. Genes
    that are zero in one of the two libraries are not lost: the largest counts that only the sample has
    are paired with the largest that only the reference has. edgeR's choice of a reference sample is the one
    with the largest sum of square roots of counts.

    Parameters
    ----------
    prior_count, log_ratio_trim, sum_trim, do_weighting, reference
        As in `TMM`.

    Attributes
    ----------
    reference_, reference_size_, log_scale_, mean_library_size_, share_
        As in `TMM`.

    References
    ----------
    Robinson MD, Oshlack A. Genome Biology 2010;11:R25; singleton pairing as the documentation of
    `edgeR::calcNormFactors` describes it.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "prior_count": [POSITIVE],
        "log_ratio_trim": [TRIM],
        "sum_trim": [TRIM],
        "do_weighting": ["boolean"],
        "reference": [one_of("sample", "profile")],
    }

    def __init__(
        self,
        prior_count: float = 2,
        log_ratio_trim: float = 0.3,
        sum_trim: float = 0.05,
        do_weighting: bool = True,
        reference: str = "sample",
    ) -> None:
        self.prior_count = prior_count
        self.reference = reference
        self.log_ratio_trim = log_ratio_trim
        self.sum_trim = sum_trim
        self.do_weighting = do_weighting

    def _learn_factors(self, counts: Matrix, sizes: Vector) -> Vector:
        self.reference_, self.reference_size_ = _reference(self, counts, sizes, _most_counts)
        raw = self._unscaled(counts, sizes)
        self.log_scale_ = float(np.mean(np.log(raw)))
        return raw / np.exp(self.log_scale_)

    def _factors(self, counts: Matrix, sizes: Vector) -> Vector:
        return self._unscaled(counts, sizes) / np.exp(self.log_scale_)

    def _unscaled(self, counts: Matrix, sizes: Vector) -> Vector:
        return tmmwsp_factors(
            counts,
            sizes,
            self.reference_,
            self.reference_size_,
            float(self.log_ratio_trim),
            float(self.sum_trim),
            bool(self.do_weighting),
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

    _parameter_constraints: ClassVar[dict[str, Any]] = {"prior_count": [POSITIVE], "quantile": [PART]}

    def __init__(self, prior_count: float = 2, quantile: float = 0.75) -> None:
        self.prior_count = prior_count
        self.quantile = quantile

    def _learn_factors(self, counts: Matrix, sizes: Vector) -> Vector:
        self.expressed_ = expressed_genes(counts)
        raw = self._unscaled(counts, sizes)
        self.log_scale_ = float(np.mean(np.log(raw)))
        return raw / np.exp(self.log_scale_)

    def _factors(self, counts: Matrix, sizes: Vector) -> Vector:
        return self._unscaled(counts, sizes) / np.exp(self.log_scale_)

    def _unscaled(self, counts: Matrix, sizes: Vector) -> Vector:
        quantiles = expressed_quantiles(counts, self.expressed_, self.quantile)
        if not (quantiles > 0).all():
            row = int(np.argmin(quantiles > 0))
            raise InputError(
                f"sample in row {row}: the {self.quantile:g} quantile of its counts is zero; "
                "filter genes or use another normalization."
            )
        return quantiles / sizes


def _reference(
    model: TMM | TMMwsp, counts: Matrix, sizes: Vector, choose: Callable[[Matrix, Vector], int]
) -> tuple[Vector, float]:
    """Return the counts and the size of the reference library."""
    if model.reference == "profile":
        size = float(np.mean(sizes))
        return model.share_ * size, size
    row = choose(counts, sizes)
    return counts[row].copy(), float(sizes[row])


def _most_counts(counts: Matrix, sizes: Vector) -> int:
    """Return the library with the most counts, on a root scale."""
    return int(np.argmax(root_sums(counts)))


def _nearest_to_mean(counts: Matrix, sizes: Vector) -> int:
    """Return the sample whose upper quartile per read is nearest to the mean (edgeR's rule)."""
    quartiles = expressed_quantiles(counts, expressed_genes(counts), 0.75) / sizes
    if np.median(quartiles) < 1e-20:  # mostly zeros
        return _most_counts(counts, sizes)
    return int(np.argmin(np.abs(quartiles - quartiles.mean())))

"""Counts per length: TPM and FPKM from the lengths of the genes."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._library import Vector, check_counts, usual_share
from precisionmed.estimators._matrix import Matrix, fit_matrix, transform_matrix
from precisionmed.estimators._parameters import POSITIVE
from precisionmed.kernels.normalize import library_sizes, log_scaled, scaled


class _PerLength(TransformerMixin, BaseEstimator):
    """What TPM and FPKM share: lengths that follow the genes, missing counts, the logarithm."""

    lengths: ArrayLike | pd.Series | None
    log: bool
    pseudo_count: float

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "lengths": ["array-like", None],
        "log": ["boolean"],
        "pseudo_count": [POSITIVE],
    }

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Check lengths and counts (samples x genes), learn the usual shares of genes; `y` is ignored."""
        self._learn(X)
        return self

    def fit_transform(self, X: ArrayLike | pd.DataFrame, y: object = None, **fit_params: object) -> Matrix:
        """Return `fit(X).transform(X)`."""
        return self._values(self._learn(X))

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return values of shape (n_samples, n_genes); NaN stays NaN."""
        counts = transform_matrix(self, X)
        check_counts(X, counts)
        return self._values(counts)

    def for_genes(self, kept: NDArray[np.bool_]) -> Self:
        """Return an unfitted copy for some of the genes that `lengths` was given for."""
        parameters = self.get_params(deep=False)
        if self.lengths is not None and not isinstance(self.lengths, pd.Series):
            lengths = np.asarray(self.lengths, dtype=np.float64)
            if len(lengths) != len(kept):
                raise InputError(f"there are {len(lengths)} gene lengths for {len(kept)} genes.")
            parameters["lengths"] = lengths[kept]
        return type(self)(**parameters)

    def _learn(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        counts = fit_matrix(self, X)
        check_counts(X, counts)
        self.lengths_ = self._lengths(X, counts.shape[1])
        self.share_ = self._shares(counts)
        return counts

    def _lengths(self, X: ArrayLike | pd.DataFrame, n_genes: int) -> Vector:
        if self.lengths is None:
            raise InputError(
                f"{type(self).__name__} needs the length of every gene in bases; give 'lengths'."
            )
        given = self.lengths
        if isinstance(given, pd.Series) and isinstance(X, pd.DataFrame):
            if not given.index.is_unique:
                raise InputError("a gene has more than one length; keep one for each.")
            given = given.reindex(X.columns)
        try:
            lengths = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError("lengths must be numbers, in bases.") from None
        if lengths.shape != (n_genes,):
            raise InputError(f"there are {lengths.size} gene lengths for {n_genes} genes.")
        wrong = np.flatnonzero(~(lengths > 0))
        if len(wrong):
            names = X.columns[wrong] if isinstance(X, pd.DataFrame) else [f"column {j}" for j in wrong]
            raise InputError(
                f"{len(wrong)} gene(s) have no length above 0 ({first_few(names)}); give it or drop them."
            )
        return lengths

    def _values(self, counts: Matrix) -> Matrix:
        per_kilobase, sizes = self._rates(counts)
        if self.log:
            return log_scaled(per_kilobase, sizes / 1e6, float(self.pseudo_count))
        return scaled(per_kilobase, sizes / 1e6)

    def _shares(self, counts: Matrix) -> Vector:
        raise NotImplementedError

    def _rates(self, counts: Matrix) -> tuple[Matrix, Vector]:
        raise NotImplementedError


class TPM(_PerLength):
    """Transcripts per million: counts per length, scaled so that every sample has a million.

    `TPM_ij = 1e6 (x_ij / l_j) / sum_k (x_ik / l_k)`. Nothing but lengths and, for genes that a new sample
    lacks, their usual share of the sum is kept, so that a sample needs no cohort.

    Parameters
    ----------
    lengths : array-like of shape (n_genes,) or Series by gene
        Lengths in bases. A series is looked up by the columns of a data frame.
    log : bool, default=True
        Return `log2(TPM + pseudo_count)`.
    pseudo_count : float, default=1
        Added before the logarithm.

    Attributes
    ----------
    lengths_ : ndarray of shape (n_genes,)
    share_ : ndarray of shape (n_genes,)
        Mean fraction of a sample's sum that falls on each gene.

    References
    ----------
    Li B et al. Bioinformatics 2010;26:493-500. Wagner GP, Kin K, Lynch VJ. Theory in Biosciences
    2012;131:281-285.
    """

    def __init__(
        self, lengths: ArrayLike | pd.Series | None = None, log: bool = True, pseudo_count: float = 1
    ) -> None:
        self.lengths = lengths
        self.log = log
        self.pseudo_count = pseudo_count

    def _shares(self, counts: Matrix) -> Vector:
        return usual_share(counts / self.lengths_)

    def _rates(self, counts: Matrix) -> tuple[Matrix, Vector]:
        rates = counts / self.lengths_
        return rates, library_sizes(rates, self.share_)


class FPKM(_PerLength):
    """Fragments per kilobase and million fragments: counts per length and library size.

    `FPKM_ij = 1e9 x_ij / (l_j N_i)` with the library size `N_i` (edgeR's `rpkm(log=FALSE)`). Not for
    comparisons between genes of different samples; prefer `TPM` for that.

    Parameters
    ----------
    lengths, log, pseudo_count
        As in `TPM`.

    Attributes
    ----------
    lengths_, share_
        As in `TPM`; shares are those of the library.

    References
    ----------
    Mortazavi A et al. Nature Methods 2008;5:621-628.
    """

    def __init__(
        self, lengths: ArrayLike | pd.Series | None = None, log: bool = True, pseudo_count: float = 1
    ) -> None:
        self.lengths = lengths
        self.log = log
        self.pseudo_count = pseudo_count

    def _shares(self, counts: Matrix) -> Vector:
        return usual_share(counts)

    def _rates(self, counts: Matrix) -> tuple[Matrix, Vector]:
        return counts / (self.lengths_ / 1e3), library_sizes(counts, self.share_)

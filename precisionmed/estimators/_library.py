"""What normalizers of counts share: library sizes, scaling factors, log counts per million."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from precisionmed.errors import InputError
from precisionmed.estimators._matrix import Matrix, fit_matrix, sample_name, transform_matrix
from precisionmed.kernels.normalize import library_sizes, log_cpm, mean_shares, row_facts

Vector = NDArray[np.float64]


def check_counts(X: ArrayLike | pd.DataFrame, counts: Matrix) -> None:
    """Raise an InputError for a negative count or a sample without any count."""
    lowest, highest, _ = row_facts(counts)
    if np.any(lowest < 0):
        row = int(np.argmax(lowest < 0))
        raise InputError(
            f"{sample_name(X, row)} has negative counts (lowest {lowest[row]:g}); counts are never "
            "negative, is the matrix on a log scale?"
        )
    empty = ~(highest > 0)
    if empty.any():
        row = int(np.argmax(empty))
        raise InputError(f"{sample_name(X, row)} has no counts at all; exclude it.")


def usual_share(counts: Matrix) -> Vector:
    """Mean fraction of the library that falls on each gene, over samples in which it is measured."""
    share = mean_shares(counts, row_facts(counts)[2])
    return share / share.sum()


class LibraryNormalizer(TransformerMixin, BaseEstimator):
    """Log counts per million of effective library sizes: library size times scaling factor.

    Subclasses say what the factors are (`_learn_factors`, `_factors`); everything that depends on
    the cohort is stored by `fit`, so that a sample is transformed without any other.
    """

    prior_count: float

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> Self:
        """Learn the reference from training counts (samples x genes); `y` is ignored."""
        self._learn(X)
        return self

    def fit_transform(self, X: ArrayLike | pd.DataFrame, y: object = None, **fit_params: object) -> Matrix:
        """Return `fit(X).transform(X)` without computing the factors twice."""
        counts, sizes = self._learn(X)
        return log_cpm(counts, sizes, self.prior_count, self.mean_library_size_)

    def _learn(self, X: ArrayLike | pd.DataFrame) -> tuple[Matrix, Vector]:
        """Learn everything; return the checked counts and the effective library sizes."""
        counts = fit_matrix(self, X)
        check_counts(X, counts)
        self.share_ = usual_share(counts)
        sizes = library_sizes(counts, self.share_)
        effective = sizes * self._learn_factors(counts, sizes)
        self.mean_library_size_ = float(np.mean(effective))
        return counts, effective

    def factors(self, X: ArrayLike | pd.DataFrame) -> Vector:
        """Return the scaling factor of each sample (geometric mean 1 over the training samples)."""
        counts = self._checked(X)
        return self._factors(counts, library_sizes(counts, self.share_))

    def transform(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Return log2 counts per million, shape (n_samples, n_genes); NaN stays NaN."""
        counts = self._checked(X)
        sizes = library_sizes(counts, self.share_)
        return log_cpm(
            counts, sizes * self._factors(counts, sizes), self.prior_count, self.mean_library_size_
        )

    def _checked(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        counts = transform_matrix(self, X)
        check_counts(X, counts)
        return counts

    def _learn_factors(self, counts: Matrix, sizes: Vector) -> Vector:
        raise NotImplementedError

    def _factors(self, counts: Matrix, sizes: Vector) -> Vector:
        raise NotImplementedError

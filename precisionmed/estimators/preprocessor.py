"""From values as read to what models see: gene filter, normalization, imputation, batch correction."""

from __future__ import annotations

import warnings
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._batches import read_labels
from precisionmed.estimators._central import central_mean
from precisionmed.estimators._matrix import Matrix, columns_of, fit_matrix, gene_name, transform_matrix
from precisionmed.estimators._parameters import check_parameters


class Preprocessor(BaseEstimator):
    """Filter genes, normalize, impute and correct for batch, all learned from training samples.

    `transform` never looks at neighbours: one sample comes out exactly as it does among many.

    Parameters
    ----------
    normalizer : estimator or None, default=None
        One of `precisionmed.estimators.normalize`; None leaves values as they are.
    gene_filter : GeneFilter or None, default=None
        None keeps every gene.
    batch_corrector : ComBat, ComBatSeq or None, default=None
        ComBat corrects normalized values, ComBatSeq counts before they are normalized; None corrects
        nothing, and `batch` is ignored. With ComBatSeq or a VST, fractions (estimated counts) are rounded.

    Attributes
    ----------
    kept_ : ndarray of bool, shape (n_genes,)
        Input genes that stay.
    medians_ : ndarray of shape (n_kept,)
        Training median of each kept gene, normalized and corrected; replaces missing values.
    normalizer_, gene_filter_, batch_corrector_ : estimator or None
        The fitted parts.

    Examples
    --------
    >>> import numpy as np
    >>> from precisionmed.estimators.normalize import LogCPM
    >>> counts = np.random.default_rng(0).poisson(50, (6, 4))
    >>> Preprocessor(LogCPM()).fit(counts).transform(counts[:1]).shape
    (1, 4)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "normalizer": [BaseEstimator, None],
        "gene_filter": [BaseEstimator, None],
        "batch_corrector": [BaseEstimator, None],
    }

    def __init__(self, normalizer: Any = None, gene_filter: Any = None, batch_corrector: Any = None) -> None:
        self.normalizer = normalizer
        self.gene_filter = gene_filter
        self.batch_corrector = batch_corrector

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: object = None,
        *,
        batch: ArrayLike | None = None,
        covariates: ArrayLike | pd.DataFrame | None = None,
    ) -> Self:
        """Learn from training samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Values as read; NaN is missing.
        y : ignored
        batch : array-like of shape (n_samples,), optional
            Batch of each sample; needed when there is a batch corrector.
        covariates : array-like or data frame of shape (n_samples, n_covariates), optional
            Biology that the batch corrector preserves.

        Raises
        ------
        InputError
            A gene has no measured value, batch labels are missing, or a part refuses the values.
        """
        self.fit_transform(X, y, batch=batch, covariates=covariates)
        return self

    def fit_transform(
        self,
        X: ArrayLike | pd.DataFrame,
        y: object = None,
        *,
        batch: ArrayLike | None = None,
        covariates: ArrayLike | pd.DataFrame | None = None,
    ) -> Matrix:
        """Return `fit(X, ...).transform(X, batch=batch)` without doing the work twice."""
        check_parameters(self)
        if self.batch_corrector is not None and batch is None:
            raise InputError("batch correction needs the batch of each sample; give 'batch'.")
        X, batch, covariates = aligned(X=X, batch=batch, covariates=covariates)
        values = self._whole(fit_matrix(self, X))
        self.gene_filter_ = self.normalizer_ = self.batch_corrector_ = None
        self.kept_ = np.ones(values.shape[1], dtype=bool)
        if self.gene_filter is not None:
            self.gene_filter_ = clone(self.gene_filter).fit(_like(X, values))
            self.kept_ = self.gene_filter_.kept_
        normal = _like(X, values, self.kept_)
        if self._corrects_counts():
            self.batch_corrector_ = clone(self.batch_corrector).fit(normal, batch, covariates=covariates)
            normal = _like(normal, self.batch_corrector_.transform(normal, batch))
        if self.normalizer is not None:
            self.normalizer_ = _for_genes(clone(self.normalizer), self.kept_)
            normal = self.normalizer_.fit_transform(normal)
        normal = _own(normal, values)
        self.medians_ = self._training_medians(normal)
        if self.batch_corrector is None or self._corrects_counts():
            return self._impute(normal)
        filled = _filled_within(normal, batch, self.medians_)
        self.batch_corrector_ = clone(self.batch_corrector).fit(filled, batch, covariates=covariates)
        corrected = self.batch_corrector_.transform(normal, batch)
        self.medians_ = self._training_medians(corrected)
        return self._impute(corrected)

    def transform(self, X: ArrayLike | pd.DataFrame, *, batch: ArrayLike | None = None) -> Matrix:
        """Return what models see.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Values as read, with the genes of the fit; NaN is missing.
        batch : array-like of shape (n_samples,), optional
            Batch of each sample; needed when there is a batch corrector.

        Returns
        -------
        ndarray of shape (n_samples, n_kept)
            Normalized, complete, corrected for batch.
        """
        check_is_fitted(self)
        X, batch = aligned(X=X, batch=batch)
        corrector = self.batch_corrector_
        normal = self._normal(X, batch)
        if corrector is not None and not self._corrects_counts():
            normal = corrector.transform(normal, batch)
        return self._impute(normal)

    def adapt(self, X: ArrayLike | pd.DataFrame, batch: ArrayLike, *, min_samples: int = 10) -> Self:
        """Return a copy that also corrects new batches, learned from samples of them (see `ComBat.adapt`).

        Raises
        ------
        InputError
            There is no batch correction on the log scale, a batch is known already, or has too few samples.
        """
        if self.batch_corrector_ is None or self._corrects_counts():
            raise InputError(
                "new batches can be learned only where ComBat corrects; this model was learned without it."
            )
        X, batch = aligned(X=X, batch=batch)
        adapted = copy(self)
        filled = _filled_within(self._normal(X, None), batch, self.medians_)
        adapted.batch_corrector_ = self.batch_corrector_.adapt(filled, batch, min_samples=min_samples)
        return adapted

    def _normal(self, X: ArrayLike | pd.DataFrame, batch: ArrayLike | None) -> Matrix:
        """Return normalized values with their gaps, not yet corrected on the log scale."""
        values = self._whole(transform_matrix(self, X))
        normal = _like(X, values, self.kept_)
        if self.batch_corrector_ is not None and self._corrects_counts():
            normal = _like(normal, self.batch_corrector_.transform(normal, batch))
        if self.normalizer_ is not None:
            normal = self.normalizer_.transform(normal)
        return _own(normal, values)

    def _whole(self, values: Matrix) -> Matrix:
        """Round estimated counts where a part models whole numbers, as DESeq2 does with those of tximport."""
        parts = (self.normalizer, self.batch_corrector)
        return np.rint(values) if any(getattr(part, "models_counts", False) for part in parts) else values

    def _corrects_counts(self) -> bool:
        return getattr(self.batch_corrector, "works_on", "log") == "counts"

    def _training_medians(self, normal: Matrix) -> Matrix:
        middle = central_mean(normal)
        if np.isnan(middle).any():
            column = int(np.flatnonzero(self.kept_)[np.argmax(np.isnan(middle))])
            raise InputError(f"{gene_name(self, column)} has no measured value; drop it.")
        return middle

    def _impute(self, normal: Matrix) -> Matrix:
        rows, columns = np.nonzero(np.isnan(normal))
        normal[rows, columns] = self.medians_[columns]
        return normal


def _like(
    X: ArrayLike | pd.DataFrame, values: Matrix, kept: NDArray[np.bool_] | None = None
) -> Matrix | pd.DataFrame:
    """Return the kept columns, with the names of `X` where it has any (for messages)."""
    part = values if kept is None else columns_of(values, kept)
    if not isinstance(X, pd.DataFrame):
        return part
    return pd.DataFrame(part, index=X.index, columns=X.columns if kept is None else X.columns[kept])


def _for_genes(normalizer: Any, kept: NDArray[np.bool_]) -> Any:
    """Let a normalizer that was given something for each gene, such as lengths, know which ones stay."""
    return normalizer.for_genes(kept) if hasattr(normalizer, "for_genes") else normalizer


def _filled_within(values: Matrix, batch: Any, medians: Matrix) -> Matrix:
    """Fill gaps by the gene's median in the sample's batch, so that they say nothing of the batch effect.

    Filled by one median of all batches they would hide it, and a gene that is constant in a batch would seem
    to vary there. A gene without a value in a batch gets the median of all.
    """
    gaps = np.isnan(values)
    if not gaps.any():
        return values
    labels, filled = read_labels(batch, len(values)), values.copy()
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        with warnings.catch_warnings():  # genes without any value
            warnings.simplefilter("ignore", RuntimeWarning)
            own = np.nanmedian(values[rows], axis=0)
        filled[rows] = np.where(gaps[rows], np.where(np.isnan(own), medians, own), values[rows])
    return filled


def _own(normal: Matrix | pd.DataFrame, values: Matrix) -> Matrix:
    """Return a matrix that may be written into: never the caller's."""
    matrix = np.asarray(normal, dtype=np.float64)
    return matrix.copy() if np.shares_memory(matrix, values) else matrix

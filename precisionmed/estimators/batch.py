"""Batch correction learned from training samples and applied to new ones of known batches."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from precisionmed.errors import InputError, first_few, nearest, warn
from precisionmed.estimators._design import (
    batch_columns,
    check_not_confounded,
    covariate_columns,
    learn_covariates,
)
from precisionmed.estimators._matrix import (
    Matrix,
    columns_of,
    fit_matrix,
    gene_name,
    sample_name,
    transform_matrix,
)
from precisionmed.kernels.combat import empirical_posterior, parametric_posterior


class ComBat(BaseEstimator):
    """Empirical Bayes adjustment of batch location and scale.

    A value is modelled as grand mean + covariate effects + sigma * (gamma[batch] + sqrt(delta[batch]) *
    error); gamma and delta are shrunken over genes. On the training samples, given their covariates, the
    result equals `sva::ComBat`.

    Parameters
    ----------
    parametric : bool, default=True
        Normal and inverse gamma priors; False takes the genes' own distribution as the prior.
    mean_only : bool, default=False
        Adjust the location, not the scale. Done in any case when a batch has a single sample.
    reference : str or None, default=None
        A batch that stays as it is and to which the others are adjusted.
    unknown : {"error", "none"}, default="error"
        Samples of a batch that was not in training: raise, or warn and leave them as they are.

    Attributes
    ----------
    batches_ : ndarray of str, shape (n_batches,)
        Training batches, sorted.
    batch_sizes_ : ndarray of int, shape (n_batches,)
    mean_only_ : bool
        Whether the scale was left alone.
    adjusted_ : ndarray of bool, shape (n_genes,)
        Genes that are corrected: those that vary within every batch of several samples.
    grand_mean_, sigma_ : ndarray of shape (n_genes,)
        Mean over batches, weighted by their sizes, and pooled standard deviation.
    covariate_effect_ : ndarray of shape (n_genes,)
        Mean covariate effect of the training samples.
    coefficients_ : ndarray of shape (n_columns, n_genes)
        Effects of the covariates' design columns.
    covariates_ : list of dict
        Name and levels of each covariate in the design.
    gamma_, delta_ : ndarray of shape (n_batches, n_genes)
        Shrunken location and variance of each batch, in units of `sigma_`.

    Notes
    -----
    A new sample's covariates are not needed, as they are usually what is to be predicted: `transform`
    without `covariates` shifts and scales the sample about the training samples' mean profile
    (`grand_mean_ + covariate_effect_`). The sample's own covariate effect stays in, divided by
    sqrt(delta) as the rest of its deviation; this differs from the correction with
    covariates by the fraction 1 - 1/sqrt(delta) of that effect.

    References
    ----------
    Johnson WE, Li C, Rabinovic A. Biostatistics 2007;8:118-127.
    """

    def __init__(
        self,
        parametric: bool = True,
        mean_only: bool = False,
        reference: str | None = None,
        unknown: str = "error",
    ) -> None:
        self.parametric = parametric
        self.mean_only = mean_only
        self.reference = reference
        self.unknown = unknown

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        batch: ArrayLike,
        covariates: ArrayLike | pd.DataFrame | None = None,
    ) -> Self:
        """Learn batch effects from training samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Log-scale values without gaps.
        batch : array-like of shape (n_samples,)
            Batch labels.
        covariates : array-like or data frame of shape (n_samples, n_covariates), optional
            Biology to preserve: numbers enter as they are, categories as indicators.

        Raises
        ------
        InputError
            Fewer than two batches, a missing label or value, or covariates confounded with batch.
        """
        values = self._complete(X)
        labels = _labels(batch, len(values))
        self.batches_, codes, self.batch_sizes_ = np.unique(labels, return_inverse=True, return_counts=True)
        if len(self.batches_) < 2:
            raise InputError(f"batch correction needs at least two batches, found only '{self.batches_[0]}'.")
        reference = self._reference_code()
        self.covariates_ = learn_covariates(covariates, len(values))
        columns = covariate_columns(self.covariates_, covariates, len(values))
        indicators = batch_columns(codes, len(self.batches_), reference)
        check_not_confounded(indicators, self.covariates_, columns)
        self.mean_only_ = bool(self.mean_only or (self.batch_sizes_ == 1).any())
        self.adjusted_ = _vary_within_batches(values, codes)
        if self.adjusted_.sum() < 2:
            raise InputError("ComBat needs at least two genes that vary within every batch.")
        part = columns_of(values, self.adjusted_)
        standard = self._standardize(part, codes, indicators, columns, reference)
        self._learn_batches(standard, codes, reference)
        return self

    def transform(
        self,
        X: ArrayLike | pd.DataFrame,
        batch: ArrayLike | None,
        covariates: ArrayLike | pd.DataFrame | None = None,
    ) -> Matrix:
        """Correct samples of known batches.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Log-scale values; NaN stays NaN.
        batch : array-like of shape (n_samples,) or None
            Batch labels; None means that all are unknown.
        covariates : array-like or data frame, optional
            As in `fit`; see the notes for what is done without.

        Returns
        -------
        ndarray of shape (n_samples, n_genes)

        Raises
        ------
        InputError
            A batch is unknown and `unknown="error"`.
        """
        values = transform_matrix(self, X)
        codes = self._codes(X, batch, len(values))
        out = values.copy()
        kept = self.adjusted_
        for code in np.unique(codes[codes >= 0]):
            if code == self._reference_code():
                continue
            rows = np.flatnonzero(codes == code)
            center = np.broadcast_to(self.grand_mean_ + self.covariate_effect_, (len(rows), len(kept)))
            if covariates is not None:
                center = self._center(covariate_columns(self.covariates_, covariates, len(values))[rows])
            part = values[rows]
            part -= center
            part -= self.gamma_[code] * self.sigma_
            part /= np.sqrt(self.delta_[code])
            part += center
            out[rows] = part if kept.all() else np.where(kept, part, values[rows])
        return out

    def _complete(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        values = fit_matrix(self, X)
        gaps = np.isnan(values).any(axis=0)
        if gaps.any():
            raise InputError(
                f"{gene_name(self, int(np.argmax(gaps)))} has missing values; impute them before ComBat."
            )
        return values

    def _reference_code(self) -> int | None:
        if self.reference is None:
            return None
        found = np.flatnonzero(self.batches_ == str(self.reference))
        if not len(found):
            near = nearest(self.reference, self.batches_)
            raise InputError(f"the reference batch '{self.reference}' has no sample.{near}")
        return int(found[0])

    def _codes(
        self, X: ArrayLike | pd.DataFrame, batch: ArrayLike | None, n_samples: int
    ) -> NDArray[np.intp]:
        """Return the number of each sample's batch, -1 where it is unknown."""
        if batch is None:
            codes = np.full(n_samples, -1, dtype=np.intp)
            what = "the batch is not given"
        else:
            labels = _labels(batch, n_samples)
            names = self.batches_.astype(str)
            places = np.minimum(np.searchsorted(names, labels), len(names) - 1)
            codes = np.where(names[places] == labels, places, -1)
            what = f"not in training: batch {first_few(np.unique(labels[codes < 0]))}"
        if (codes < 0).any():
            message = (
                f"{what} ({sample_name(X, int(np.argmin(codes)))}); training had {first_few(self.batches_)}"
            )
            if self.unknown == "error":
                raise InputError(f"{message}; use unknown='none' to leave such samples uncorrected.")
            warn(f"{message}; such samples are not batch corrected.")
        return codes

    def _center(self, columns: Matrix) -> Matrix:
        """Return grand mean and covariate effects; summed column by column, so each row stands alone."""
        center = np.tile(self.grand_mean_, (len(columns), 1))
        for column, coefficient in zip(columns.T, self.coefficients_, strict=True):
            center += column[:, None] * coefficient
        return center

    def _standardize(
        self,
        values: Matrix,
        codes: NDArray[np.intp],
        indicators: Matrix,
        columns: Matrix,
        reference: int | None,
    ) -> Matrix:
        """Fit batches and covariates by least squares; return values without all but batch, over sigma."""
        design = np.hstack([indicators, columns])
        orthogonal, triangle = np.linalg.qr(design)
        fitted = np.linalg.solve(triangle, orthogonal.T @ values)
        rows = slice(None) if reference is None else codes == reference
        residuals = values[rows] - design[rows] @ fitted
        sigma = np.sqrt(np.einsum("ij,ij->j", residuals, residuals) / len(residuals))
        if not (sigma > 0).all():
            raise InputError("batches and covariates explain a gene's values entirely; use fewer covariates.")
        n_batches = len(self.batches_)
        weights = self.batch_sizes_ / len(values) if reference is None else np.arange(n_batches) == reference
        grand_mean, coefficients = weights @ fitted[:n_batches], fitted[n_batches:]
        self.grand_mean_, self.sigma_ = self._placed(grand_mean, 0), self._placed(sigma, 1)
        self.coefficients_ = self._placed(coefficients, 0)
        self.covariate_effect_ = columns.mean(axis=0) @ self.coefficients_
        standard = values - grand_mean
        if columns.shape[1]:
            standard -= columns @ coefficients
        standard /= sigma
        return standard

    def _learn_batches(self, standard: Matrix, codes: NDArray[np.intp], reference: int | None) -> None:
        """Estimate location and scale of each batch from standardized values, and shrink them."""
        shape = (len(self.batches_), len(self.adjusted_))
        self.gamma_, self.delta_ = np.zeros(shape), np.ones(shape)
        for code in range(len(self.batches_)):
            if code != reference:
                gamma, delta = self._shrunken(standard[codes == code])
                self.gamma_[code], self.delta_[code] = self._placed(gamma, 0), self._placed(delta, 1)

    def _shrunken(self, part: Matrix) -> Matrix:
        """Return location and variance of one batch (samples x genes), shrunken over genes."""
        n = len(part)
        mean = part.mean(axis=0)
        part -= mean
        squares = np.einsum("ij,ij->j", part, part)
        prior_mean, prior_variance = mean.mean(), mean.var(ddof=1)
        scale = np.ones_like(mean) if self.mean_only_ else squares / (n - 1)
        if not self.parametric:
            return empirical_posterior(mean, squares, n, mean, scale)
        if self.mean_only_:
            return np.stack([(prior_variance * mean + prior_mean) / (prior_variance + 1), scale])
        center, spread = scale.mean(), scale.var(ddof=1)
        # The inverse gamma distribution with the mean and variance of the genes' variances.
        shape, rate = 2 + center**2 / spread, center + center**3 / spread
        return parametric_posterior(mean, squares, n, prior_mean, prior_variance, shape, rate)

    def _placed(self, learned: NDArray[np.floating], fill: float) -> Matrix:
        """Put numbers of the adjusted genes in their places among all genes."""
        out = np.full((*learned.shape[:-1], len(self.adjusted_)), float(fill))
        out[..., self.adjusted_] = learned
        return out


def _labels(batch: ArrayLike, n_samples: int) -> NDArray[np.str_]:
    series = pd.Series(np.asarray(batch, dtype=object).ravel())
    if len(series) != n_samples:
        raise InputError(f"there are {len(series)} batch labels for {n_samples} samples.")
    if series.isna().any():
        raise InputError(
            f"{int(series.isna().sum())} sample(s) have no batch label; fill in or exclude them."
        )
    return series.astype(str).to_numpy(dtype=str)


def _vary_within_batches(values: Matrix, codes: NDArray[np.intp]) -> NDArray[np.bool_]:
    vary = np.ones(values.shape[1], dtype=bool)
    for code in np.unique(codes):
        part = values[codes == code]
        if len(part) > 1:
            vary &= part.max(axis=0) > part.min(axis=0)
    return vary

"""Batch correction learned from training samples and applied to new ones of known batches."""

from __future__ import annotations

from copy import deepcopy
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from precisionmed.errors import InputError, first_few, nearest
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._batches import (
    known_codes,
    learn_batches,
    place,
    read_labels,
    vary_within_batches,
)
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
    transform_matrix,
)
from precisionmed.estimators._parameters import one_of
from precisionmed.kernels.combat import adjust, batch_moments, empirical_posterior, parametric_posterior


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
    column_means_ : ndarray of shape (n_columns,)
        Training means of these columns.
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

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "parametric": ["boolean"],
        "mean_only": ["boolean"],
        "reference": [str, Real, None],
        "unknown": [one_of("error", "none")],
    }

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
            Biology to preserve: numbers enter as they are, categories as indicators. A missing number counts
            as the median of these samples, a missing category as one of its own.

        Raises
        ------
        InputError
            Fewer than two batches, a missing label or value, or covariates confounded with batch.
        """
        X, batch, covariates = aligned(X=X, batch=batch, covariates=covariates)
        values = fit_matrix(self, X)
        self._check_complete(values)
        self.batches_, codes, self.batch_sizes_ = learn_batches(batch, len(values))
        reference = self._reference_code()
        self.covariates_ = learn_covariates(covariates, len(values), fill=True)
        columns = covariate_columns(self.covariates_, covariates, len(values))
        indicators = batch_columns(codes, len(self.batches_), reference)
        check_not_confounded(indicators, self.covariates_, columns)
        self.mean_only_ = bool(self.mean_only or (self.batch_sizes_ == 1).any())
        self.adjusted_ = vary_within_batches(values, codes)
        if self.adjusted_.sum() < 2:
            raise InputError("ComBat needs at least two genes that vary within every batch.")
        part = columns_of(values, self.adjusted_)
        mean, squares = self._learn_model(part, codes, indicators, columns, reference)
        shape = (len(self.batches_), len(self.adjusted_))
        self.gamma_, self.delta_ = np.zeros(shape), np.ones(shape)
        for code, size in enumerate(self.batch_sizes_):
            if code != reference:
                self._learn_batch(code, mean[code], squares[code], int(size))
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
        X, batch, covariates = aligned(X=X, batch=batch, covariates=covariates)
        values = transform_matrix(self, X)
        codes = known_codes(self.batches_, X, batch, len(values), self.unknown)
        codes = np.where(codes == self._reference_code(), -1, codes)
        if covariates is None:
            center = np.broadcast_to(self.grand_mean_ + self.covariate_effect_, values.shape)
        else:
            center = self._center(covariate_columns(self.covariates_, covariates, len(values)))
        return adjust(values, codes, center, self.gamma_ * self.sigma_, np.sqrt(self.delta_))

    def adapt(
        self,
        X: ArrayLike | pd.DataFrame,
        batch: ArrayLike,
        covariates: ArrayLike | pd.DataFrame | None = None,
        *,
        min_samples: int = 10,
    ) -> Self:
        """Return a copy that also knows new batches, from samples of them: the location-scale choice.

        Location and scale of a new batch are estimated against the frozen grand mean and pooled standard
        deviation and shrunken over its genes as in `fit`; nothing that was learned changes. Only do so
        when the new batch has the mix of patients of the training samples, or with their covariates:
        otherwise the difference between the mixes is removed as well.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_genes)
            Log-scale values without gaps.
        batch : array-like of shape (n_samples,)
            Batch labels, none of which was in training.
        covariates : array-like or data frame, optional
            As in `fit`; without, the samples are taken to have the training samples' mean.
        min_samples : int, default=10
            Fewest samples of a new batch.

        Raises
        ------
        InputError
            A batch was in training or has too few samples.
        """
        X, batch, covariates = aligned(X=X, batch=batch, covariates=covariates)
        values = transform_matrix(self, X)
        self._check_complete(values)
        labels = read_labels(batch, len(values))
        names, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        self._check_new(names, sizes, min_samples)
        kept, part = self.adjusted_, columns_of(values, self.adjusted_)
        columns = np.tile(self.column_means_, (len(values), 1))
        if covariates is not None:
            columns = covariate_columns(self.covariates_, covariates, len(values))
        pivot = np.array([part[codes == code].mean(axis=0) for code in range(len(names))])
        mean, squares = batch_moments(part, codes, columns, self.coefficients_[:, kept], pivot)
        adapted = deepcopy(self)
        adapted.batches_ = np.append(self.batches_, names)
        adapted.batch_sizes_ = np.append(self.batch_sizes_, sizes)
        adapted.gamma_ = np.vstack([self.gamma_, np.zeros((len(names), len(kept)))])
        adapted.delta_ = np.vstack([self.delta_, np.ones((len(names), len(kept)))])
        for new, code in enumerate(range(len(self.batches_), len(adapted.batches_))):
            adapted._learn_batch(code, mean[new], squares[new], int(sizes[new]))
        order = np.argsort(adapted.batches_)
        for name in ("batches_", "batch_sizes_", "gamma_", "delta_"):
            setattr(adapted, name, getattr(adapted, name)[order])
        return adapted

    def _check_complete(self, values: Matrix) -> None:
        gaps = np.isnan(values).any(axis=0)
        if gaps.any():
            raise InputError(
                f"{gene_name(self, int(np.argmax(gaps)))} has missing values; impute them before ComBat."
            )

    def _reference_code(self) -> int | None:
        if self.reference is None:
            return None
        found = np.flatnonzero(self.batches_ == str(self.reference))
        if not len(found):
            near = nearest(self.reference, self.batches_)
            raise InputError(f"the reference batch '{self.reference}' has no sample.{near}")
        return int(found[0])

    def _center(self, columns: Matrix) -> Matrix:
        """Return grand mean and covariate effects; summed column by column, so each row stands alone."""
        center = np.tile(self.grand_mean_, (len(columns), 1))
        for column, coefficient in zip(columns.T, self.coefficients_, strict=True):
            center += column[:, None] * coefficient
        return center

    def _learn_model(
        self,
        values: Matrix,
        codes: NDArray[np.intp],
        indicators: Matrix,
        columns: Matrix,
        reference: int | None,
    ) -> tuple[Matrix, Matrix]:
        """Fit batches and covariates by least squares; return batches' means and sums of squares."""
        orthogonal, triangle = np.linalg.qr(np.hstack([indicators, columns]))
        fitted = np.linalg.solve(triangle, orthogonal.T @ values)
        n_batches = len(self.batches_)
        location, coefficients = fitted[:n_batches], fitted[n_batches:]
        if reference is None:
            grand_mean, pivot = self.batch_sizes_ / len(values) @ location, location
        else:
            grand_mean, pivot = location[reference], location + location[reference]
        mean, squares = batch_moments(values, codes, columns, coefficients, pivot)
        # Residuals sum to zero within every batch, so they are deviations from its mean.
        if reference is None:
            sigma = np.sqrt(squares.sum(axis=0) / len(values))
        else:
            sigma = np.sqrt(squares[reference] / self.batch_sizes_[reference])
        if not (sigma > 0).all():
            raise InputError("batches and covariates explain a gene's values entirely; use fewer covariates.")
        kept = self.adjusted_
        self.grand_mean_, self.sigma_ = place(grand_mean, kept, 0), place(sigma, kept, 1)
        self.coefficients_, self.column_means_ = place(coefficients, kept, 0), columns.mean(axis=0)
        self.covariate_effect_ = self.column_means_ @ self.coefficients_
        return mean, squares

    def _learn_batch(self, code: int, mean: Matrix, squares: Matrix, n: int) -> None:
        """Standardize location and variance of a batch, shrink them over genes and store them."""
        kept = self.adjusted_
        mean = (mean - self.grand_mean_[kept]) / self.sigma_[kept]
        gamma, delta = self._shrunken(mean, squares / self.sigma_[kept] ** 2, n)
        self.gamma_[code, kept], self.delta_[code, kept] = gamma, delta

    def _shrunken(self, mean: Matrix, squares: Matrix, n: int) -> Matrix:
        """Return location and variance of a batch of n samples, shrunken over genes."""
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

    def _check_new(self, names: NDArray[np.str_], sizes: NDArray[np.intp], min_samples: int) -> None:
        old = np.isin(names, self.batches_)
        if old.any():
            raise InputError(f"batch {first_few(names[old])} was in training; adapt to new batches only.")
        few = sizes < max(min_samples, 2)
        if few.any():
            raise InputError(
                f"batch '{names[few][0]}' has {sizes[few][0]} sample(s), adapting needs {min_samples}; "
                "leave it uncorrected (unknown='none')."
            )

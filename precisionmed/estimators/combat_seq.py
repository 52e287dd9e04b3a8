"""Batch correction of counts, learned from training samples: counts in, counts out."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._batches import known_codes, learn_batches, place
from precisionmed.estimators._design import (
    batch_columns,
    check_not_confounded,
    covariate_columns,
    learn_covariates,
)
from precisionmed.estimators._matrix import Matrix, columns_of, fit_matrix, sample_name, transform_matrix
from precisionmed.estimators._parameters import one_of
from precisionmed.estimators._profile_dispersion import Layout, common_dispersion, gene_dispersions
from precisionmed.kernels.negative_binomial import match_quantiles, posterior_means

_PRIOR_COUNT = 1e-4


class ComBatSeq(BaseEstimator):
    """Adjust counts for batch by negative binomial regression and quantile matching.

    The count of gene g in sample i of batch b has the mean library_i * exp(alpha_g + gamma_gb + covariate
    effects) and the dispersion phi_gb. It is replaced by the count at the same quantile of the
    distribution without gamma_gb and with the mean dispersion of the batches. On the training samples,
    given their covariates, the result equals `sva::ComBat_seq`.

    Parameters
    ----------
    shrink : bool, default=False
        Average the batch effects of all genes, each weighted by the likelihood of a gene's counts under its
        parameters. Cost is quadratic in genes; the authors leave it off, too.
    shrink_dispersion : bool, default=False
        Do so with the dispersions as well (only with `shrink`).
    unknown : {"error", "none"}, default="error"
        Samples of a batch that was not in training: raise, or warn and leave them as they are.

    Attributes
    ----------
    batches_ : ndarray of str, shape (n_batches,)
        Training batches, sorted.
    batch_sizes_ : ndarray of int, shape (n_batches,)
    adjusted_ : ndarray of bool, shape (n_genes,)
        Genes with a count in every batch; library sizes are their sums. The others stay as they are.
    covariates_ : list of dict
        Name and levels of each covariate in the design.
    log_rate_ : ndarray of shape (n_batches, n_genes)
        Log of mean over library size at covariate columns of 0 (base levels).
    coefficients_ : ndarray of shape (n_columns, n_genes)
        Effects of the covariates' design columns.
    covariate_effect_ : ndarray of shape (n_genes,)
        Mean covariate effect of the training samples.
    gamma_ : ndarray of shape (n_batches, n_genes)
        Batch effects on the log mean.
    phi_ : ndarray of shape (n_batches, n_genes)
        Dispersions (variance = mean + phi * mean^2).
    new_phi_ : ndarray of shape (n_genes,)
        Dispersions after the correction.

    Notes
    -----
    `transform` without `covariates` takes the training samples' mean covariate effect, as a new patient's
    status is usually what is to be predicted. The authors' rule that counts of 0, 1 and beyond the 0.9999
    quantile stay as they are holds for new samples, too.

    In a batch with hardly more samples than the design has columns, or in which covariates do not vary
    enough, all genes have the common dispersion.

    References
    ----------
    Zhang Y, Parmigiani G, Johnson WE. NAR Genomics and Bioinformatics 2020;2:lqaa078.
    """

    #: Preprocessing applies it before normalization.
    works_on = "counts"
    #: Preprocessing rounds estimated counts for it.
    models_counts = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "shrink": ["boolean"],
        "shrink_dispersion": ["boolean"],
        "unknown": [one_of("error", "none")],
    }

    def __init__(self, shrink: bool = False, shrink_dispersion: bool = False, unknown: str = "error") -> None:
        self.shrink = shrink
        self.shrink_dispersion = shrink_dispersion
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
            Counts without gaps.
        batch : array-like of shape (n_samples,)
            Batch labels; every batch has two samples at least.
        covariates : array-like or data frame of shape (n_samples, n_covariates), optional
            Biology to preserve (`group` and `covar_mod` of sva): numbers as they are, categories as
            indicators. A missing number counts as the median of these samples, a missing category as one of
            its own.

        Raises
        ------
        InputError
            Values are no counts, fewer than two batches, a batch of one sample, a missing label, a sample
            without counts, or covariates confounded with batch.
        """
        X, batch, covariates = aligned(X=X, batch=batch, covariates=covariates)
        values = _counts(fit_matrix(self, X), X, complete=True)
        self.batches_, codes, self.batch_sizes_ = learn_batches(batch, len(values))
        if (self.batch_sizes_ < 2).any():
            single = first_few(self.batches_[self.batch_sizes_ < 2])
            raise InputError(f"ComBat-seq needs two samples of every batch at least: {single}; merge it.")
        self.covariates_ = learn_covariates(covariates, len(values), fill=True)
        columns = covariate_columns(self.covariates_, covariates, len(values))
        check_not_confounded(batch_columns(codes, len(self.batches_), None), self.covariates_, columns)
        self.adjusted_ = np.logical_and.reduce(
            [(values[codes == code] > 0).any(axis=0) for code in range(len(self.batches_))]
        )
        if not self.adjusted_.any():
            raise InputError("ComBat-seq needs genes with counts in every batch; there is none.")
        counts = np.ascontiguousarray(columns_of(values, self.adjusted_).T)
        library = counts.sum(axis=0)
        _check_libraries(library, X)
        phi = self._dispersions(counts, library, codes, columns)
        self._learn_means(counts, library, codes, columns, phi)
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
            Counts; NaN stays NaN.
        batch : array-like of shape (n_samples,) or None
            Batch labels; None means that all are unknown.
        covariates : array-like or data frame, optional
            As in `fit`; see the notes for what is done without.

        Returns
        -------
        ndarray of shape (n_samples, n_genes)
            Counts, as float64.

        Raises
        ------
        InputError
            Values are no counts, or a batch is unknown and `unknown="error"`.
        """
        X, batch, covariates = aligned(X=X, batch=batch, covariates=covariates)
        values = _counts(transform_matrix(self, X), X, complete=False)
        codes = known_codes(self.batches_, X, batch, len(values), self.unknown)
        columns = None
        if covariates is not None:
            columns = covariate_columns(self.covariates_, covariates, len(values))
        kept = self.adjusted_
        library = np.nansum(columns_of(values, kept), axis=1)
        out = values.copy()
        for code in np.unique(codes[codes >= 0]):
            rows = np.flatnonzero(codes == code)
            part = match_quantiles(
                columns_of(values[rows], kept),
                library[rows],
                self._rates(code, None if columns is None else columns[rows], len(rows)),
                self.phi_[code, kept],
                np.exp(-self.gamma_[code, kept]),
                self.new_phi_[kept],
            )
            out[np.ix_(rows, np.flatnonzero(kept))] = part
        return out

    def _rates(self, code: int, columns: Matrix | None, n_samples: int) -> Matrix:
        """Return the expected fraction of the library of each sample of a batch, for adjusted genes."""
        kept = self.adjusted_
        if columns is None:
            effect = self.covariate_effect_[kept]
            return np.broadcast_to(np.exp(self.log_rate_[code, kept] + effect), (n_samples, kept.sum()))
        linear = np.tile(self.log_rate_[code, kept], (n_samples, 1))
        for column, coefficient in zip(columns.T, self.coefficients_[:, kept], strict=True):
            linear += column[:, None] * coefficient  # column by column, so each row stands alone
        return np.exp(linear)

    def _dispersions(
        self, counts: Matrix, library: Matrix, codes: NDArray[np.intp], columns: Matrix
    ) -> Matrix:
        """Return the dispersion of each gene in each batch, shape (n_genes, n_batches)."""
        model = np.column_stack([np.ones(len(columns)), columns])
        phi = np.empty((len(counts), len(self.batches_)))
        for code, size in enumerate(self.batch_sizes_):
            own = codes == code
            part, sizes, design = np.ascontiguousarray(counts[:, own]), library[own], model[own]
            few = size <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]
            layout = Layout.of(design[:, :1] if few else design)
            common = common_dispersion(part, sizes, layout)
            phi[:, code] = common if few else gene_dispersions(part, sizes, layout, common)
        return phi

    def _learn_means(
        self, counts: Matrix, library: Matrix, codes: NDArray[np.intp], columns: Matrix, phi: Matrix
    ) -> None:
        """Fit means in two steps: the second relative to each gene's mean rate over batches."""
        n_batches = len(self.batches_)
        layout = Layout.of(np.hstack([batch_columns(codes, n_batches, None), columns]))
        first = layout.fit(counts, library, phi, codes, prior=_PRIOR_COUNT)
        alpha = first[:, :n_batches] @ (self.batch_sizes_ / len(codes))
        fitted = layout.fit(counts, library, phi, codes, shift=alpha)
        gamma = layout.fit(counts, library, phi, codes, shift=alpha, prior=_PRIOR_COUNT)[:, :n_batches]
        new_phi = phi
        if self.shrink:
            design = np.exp(alpha[:, None] + fitted @ layout.design.T)
            gamma, shrunken = posterior_means(counts, library * design, gamma, phi, codes)
            new_phi = shrunken if self.shrink_dispersion else phi
        kept = self.adjusted_
        self.log_rate_ = place((alpha[:, None] + fitted[:, :n_batches]).T, kept, 0)
        self.coefficients_ = place(fitted[:, n_batches:].T, kept, 0)
        self.covariate_effect_ = columns.mean(axis=0) @ self.coefficients_
        self.gamma_, self.phi_ = place(gamma.T, kept, 0), place(phi.T, kept, 0)
        self.new_phi_ = place(new_phi.mean(axis=1), kept, 0)


def _counts(values: Matrix, X: ArrayLike | pd.DataFrame, complete: bool) -> Matrix:
    """Raise an InputError that names a sample whose values are not counts."""
    if complete and np.isnan(values).any():
        row = int(np.argmax(np.isnan(values).any(axis=1)))
        raise InputError(f"{sample_name(X, row)} has missing counts; ComBat-seq needs all of them.")
    odd = ((values < 0) | (values != np.floor(values))) & ~np.isnan(values)
    if odd.any():
        row = int(np.argmax(odd.any(axis=1)))
        raise InputError(
            f"{sample_name(X, row)} has values that are no counts; ComBat-seq needs whole numbers, "
            "use ComBat on log values."
        )
    return values


def _check_libraries(library: Matrix, X: ArrayLike | pd.DataFrame) -> None:
    if not (library > 0).all():
        raise InputError(
            f"{sample_name(X, int(np.argmin(library)))} has no counts of genes found in every batch; "
            "exclude it."
        )

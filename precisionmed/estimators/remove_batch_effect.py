"""Batch effects removed by a linear model, for figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._batches import read_labels
from precisionmed.estimators._design import covariate_columns, learn_covariates
from precisionmed.estimators._matrix import Matrix, as_matrix, columns_of


def remove_batch_effect(
    X: ArrayLike | pd.DataFrame,
    batch: ArrayLike,
    covariates: ArrayLike | pd.DataFrame | None = None,
    design: ArrayLike | pd.DataFrame | None = None,
) -> Matrix:
    """Return values without the batch effects that least squares finds in them.

    For figures only (clustering, principal components). It learns from the very samples it corrects,
    so models never see its result: they would have seen the samples they are tested on, and tests
    would not know of the degrees of freedom that are gone. Use `ComBat` before models.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_genes)
        Log-scale values; NaN stays NaN.
    batch : array-like of shape (n_samples,)
        Batch labels.
    covariates : array-like or data frame of shape (n_samples, n_covariates), optional
        Further nuisance, removed as well: numbers as they are, categories as indicators.
    design : array-like or data frame of shape (n_samples, n_variables), optional
        Biology to preserve, in the same form; a constant is always part of it.

    Returns
    -------
    ndarray of shape (n_samples, n_genes)
        Equal to `limma::removeBatchEffect(x, batch, covariates = ..., design = model.matrix(~ ...))`:
        batch effects sum to zero over batches. What batch and design share stays in.

    Raises
    ------
    InputError
        A batch label or covariate is missing, or lengths differ.

    References
    ----------
    Ritchie ME et al. Nucleic Acids Research 2015;43:e47.
    """
    X, batch, covariates, design = aligned(X=X, batch=batch, covariates=covariates, design=design)
    values = as_matrix(X)
    n = len(values)
    levels, codes = np.unique(read_labels(batch, n), return_inverse=True)
    contrasts = np.vstack([np.eye(len(levels) - 1), np.full((1, len(levels) - 1), -1.0)])
    kept = np.column_stack([np.ones(n), covariate_columns(learn_covariates(design, n), design, n)])
    nuisance = np.column_stack(
        [contrasts[codes], covariate_columns(learn_covariates(covariates, n), covariates, n)]
    )
    out = values.copy()
    measured = ~np.isnan(values)
    complete = np.asarray(measured.all(axis=0))
    added = _nuisance(columns_of(values, complete), kept, nuisance)
    if complete.all():
        out -= added
    else:
        out[:, complete] -= added
    for gene in np.flatnonzero(~complete):
        rows = np.flatnonzero(measured[:, gene])
        if len(rows):
            column = values[rows, gene : gene + 1]
            out[rows, gene] -= _nuisance(column, kept[rows], nuisance[rows])[:, 0]
    return out


def _nuisance(values: Matrix, kept: Matrix, nuisance: Matrix) -> Matrix:
    """Return what the nuisance columns add to values, those that other columns determine left out."""
    design = np.hstack([kept, nuisance])
    used = _independent(design)
    orthogonal, triangle = np.linalg.qr(design[:, used])
    coefficients = np.zeros((design.shape[1], values.shape[1]))
    coefficients[used] = np.linalg.solve(triangle, orthogonal.T @ values)
    added: Matrix = nuisance @ coefficients[kept.shape[1] :]
    return added


def _independent(design: Matrix) -> list[int]:
    """Return the columns that those before them do not determine."""
    used: list[int] = []
    for column in range(design.shape[1]):
        if np.linalg.matrix_rank(design[:, [*used, column]]) > len(used):
            used.append(column)
    return used

"""Check expression matrices: samples in rows, genes in columns, missing values as NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.exceptions import NotFittedError

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._parameters import check_parameters

Matrix = NDArray[np.float64]


def fit_matrix(estimator: Any, X: ArrayLike | pd.DataFrame) -> Matrix:
    """Return `X` as a C-ordered float64 matrix and remember its genes in the estimator.

    Sets `n_features_in_` and, for a data frame, `feature_names_in_`. The estimator's parameters are checked
    first, so that whoever comes this way has them checked.

    Raises
    ------
    InputError
        A parameter cannot be, `X` is no numeric matrix, is empty, has infinite values, or two columns of one
        name.
    """
    check_parameters(estimator)
    matrix = as_matrix(X)
    estimator.n_features_in_ = matrix.shape[1]
    estimator.feature_names_in_ = gene_names(X) if isinstance(X, pd.DataFrame) else None
    return matrix


def transform_matrix(estimator: Any, X: ArrayLike | pd.DataFrame) -> Matrix:
    """Return `X` as in `fit_matrix` and check that its genes are those of the fit.

    Raises
    ------
    InputError
        As in `fit_matrix`, or the genes differ in number, name or order.
    NotFittedError
        There was no fit.
    """
    if not hasattr(estimator, "n_features_in_"):
        raise NotFittedError(f"this {type(estimator).__name__} is not fitted yet; call 'fit' first.")
    matrix = as_matrix(X)
    if matrix.shape[1] != estimator.n_features_in_:
        raise InputError(
            f"X has {matrix.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input: it was fitted with {estimator.n_features_in_} "
            "genes; give the same in the same order."
        )
    known = estimator.feature_names_in_
    if known is not None and isinstance(X, pd.DataFrame):
        given = gene_names(X)
        if not np.array_equal(given, known):
            wrong = first_few(given[given != known])
            raise InputError(
                f"genes differ from those of the fit or are in another order: {wrong}; reindex the columns."
            )
    return matrix


def gene_names(X: pd.DataFrame) -> NDArray[np.str_]:
    """Return the names of the columns as text.

    Raises
    ------
    InputError
        Two columns have one name.
    """
    names = pd.Index(np.asarray(X.columns, dtype=str))
    if not names.is_unique:
        twice = names[names.duplicated()].unique()
        raise InputError(
            f"gene {first_few(twice)} has more than one column; keep one for each gene, such as the mean "
            "of its probes."
        )
    return names.to_numpy(dtype=str)


def check_complete(estimator: Any, values: Matrix) -> None:
    """Raise an InputError that names the first gene with missing values."""
    gaps = np.isnan(values).any(axis=0)
    if gaps.any():
        name = gene_name(estimator, int(np.argmax(gaps)))
        raise InputError(f"{name} has missing values (NaN); impute them first.")


def columns_of(matrix: Matrix, kept: NDArray[np.bool_]) -> Matrix:
    """Return the kept columns, C-ordered (plain indexing would leave them in Fortran order)."""
    return matrix if kept.all() else np.compress(kept, matrix, axis=1)


def sample_name(X: ArrayLike | pd.DataFrame, row: int) -> str:
    """Name one row for a message: by the index of a data frame, else by its number."""
    return f"sample '{X.index[row]}'" if isinstance(X, pd.DataFrame) else f"sample in row {row}"


def gene_name(estimator: Any, column: int) -> str:
    """Name one column for a message: by the names of the fit, else by its number."""
    known = estimator.feature_names_in_
    return f"gene in column {column}" if known is None else f"gene '{known[column]}'"


def as_matrix(X: ArrayLike | pd.DataFrame) -> Matrix:
    """Return `X` as a C-ordered float64 matrix; raise an InputError as `fit_matrix` says."""
    if issparse(X):
        raise InputError("sparse input is not supported; make it dense with X.toarray().")
    values = plain_values(X)
    if values.dtype.kind == "c":
        raise InputError("Complex data not supported: expression must be real numbers.")
    try:
        if values.dtype.kind in "mM":
            raise TypeError
        matrix = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"the expression matrix has entries that are no numbers{_where_text(X)}; remove or recode them."
        ) from None
    if values.ndim != 2:
        raise InputError(
            f"expression must be a matrix (samples x genes), found {values.ndim} dimension(s); "
            "give one sample as one row. Reshape your data."
        )
    if 0 in matrix.shape:
        what = "sample" if matrix.shape[0] == 0 else "feature"
        raise InputError(
            f"the expression matrix is empty: 0 {what}(s) (shape={matrix.shape}) "
            "while a minimum of 1 is required."
        )
    if np.isinf(matrix).any():
        row, column = np.argwhere(np.isinf(matrix))[0]
        where = f"gene '{X.columns[column]}'" if isinstance(X, pd.DataFrame) else f"column {column}"
        raise InputError(f"{sample_name(X, row)} has an infinite value (inf) in {where}; set it to missing.")
    return matrix


def plain_values(X: ArrayLike | pd.DataFrame) -> NDArray[Any]:
    """Return values as an array in which what is missing or masked is NaN."""
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.filled(X.astype(np.float64), np.nan)
    if not isinstance(X, pd.DataFrame):
        return np.asarray(X)
    values = X.to_numpy()
    if values.dtype == object and any(pd.api.types.is_extension_array_dtype(kind) for kind in X.dtypes):
        return np.where(X.isna(), np.nan, values)
    return values


def _where_text(X: ArrayLike | pd.DataFrame) -> str:
    """Name the first column of a data frame that is not numbers, for a message."""
    if not isinstance(X, pd.DataFrame):
        return ""
    wrong = [name for name, kind in zip(X.columns, X.dtypes, strict=True) if not _is_number(kind)]
    return f" ('{wrong[0]}' is {X[wrong[0]].dtype})" if wrong and X.columns.is_unique else ""


def _is_number(kind: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(kind))

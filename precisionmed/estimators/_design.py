"""Design columns of batches and covariates for ComBat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._levels import level_words
from precisionmed.estimators._matrix import Matrix

Covariates = ArrayLike | pd.DataFrame | pd.Series | None


_MISSING = "missing"


def learn_covariates(covariates: Covariates, n_samples: int, *, fill: bool = False) -> list[dict[str, Any]]:
    """Describe how covariates become design columns: numbers as they are, categories by indicators.

    Returns a list of `{"name": str, "levels": list of str, "median": float or None}`. Levels are empty for
    numbers; of categories the first in order is the baseline. Covariates that do not vary are left out. With
    `fill` a missing number becomes the median, and a missing category one of its own; else they are refused.
    """
    described = []
    for name, column in _columns(covariates, n_samples):
        numeric = pd.api.types.is_numeric_dtype(column)
        median = float(column.median()) if numeric else None
        if fill:
            column = _filled(column, median)
        if column.isna().any():
            raise InputError(
                f"covariate '{name}' is missing in {int(column.isna().sum())} sample(s); fill or drop it."
            )
        if len(column.unique()) > 1:
            levels = [] if numeric else sorted(set(level_words(column, "")))
            described.append({"name": name, "levels": levels, "median": median})
    return described


def covariate_columns(described: list[dict[str, Any]], covariates: Covariates, n_samples: int) -> Matrix:
    """Return the design columns of covariates, shape (n_samples, n_columns), as `learn_covariates` described.

    Raises
    ------
    InputError
        A covariate or one of its levels was not there in training.
    """
    given = dict(_columns(covariates, n_samples))
    columns: list[NDArray[Any]] = []
    for covariate in described:
        name, levels = covariate["name"], covariate["levels"]
        if name not in given:
            raise InputError(f"covariate '{name}' of the training samples is not given.")
        if not len(levels):
            columns.append(_filled(given[name], covariate["median"]).to_numpy(dtype=np.float64))
            continue
        labels = level_words(given[name], _MISSING).to_numpy()
        strange = sorted(set(labels) - set(levels))
        if strange:
            raise InputError(
                f"covariate '{name}' has values that were not in training: {first_few(strange)}."
            )
        columns.extend(labels == level for level in levels[1:])
    return np.column_stack(columns).astype(np.float64) if columns else np.zeros((n_samples, 0))


def batch_columns(codes: NDArray[np.intp], n_batches: int, reference: int | None) -> Matrix:
    """Return one indicator column a batch; that of the reference batch is 1 for all samples."""
    columns = np.zeros((len(codes), n_batches))
    columns[np.arange(len(codes)), codes] = 1
    if reference is not None:
        columns[:, reference] = 1
    return columns


def check_not_confounded(indicators: Matrix, described: list[dict[str, Any]], columns: Matrix) -> None:
    """Raise an InputError that names the first covariate which batch and earlier covariates determine."""
    design = np.hstack([indicators, columns])
    if np.linalg.matrix_rank(design) == design.shape[1]:
        return
    stop = indicators.shape[1]
    for covariate in described:
        stop += max(len(covariate["levels"]) - 1, 1)
        if np.linalg.matrix_rank(design[:, :stop]) < stop:
            raise InputError(
                f"covariate '{covariate['name']}' is confounded with the batch (or with another covariate): "
                "their effects cannot be told apart; remove it."
            )


def _filled(column: pd.Series, median: float | None) -> pd.Series:
    """Return a covariate without gaps: training's median for numbers, a category for gaps otherwise."""
    if median is not None:
        return column.astype(float).fillna(median)
    return column.astype(object).where(column.notna(), _MISSING)


def _columns(covariates: Covariates, n_samples: int) -> list[tuple[str, pd.Series]]:
    if covariates is None:
        return []
    if isinstance(covariates, pd.Series):
        frame = covariates.to_frame()
    elif isinstance(covariates, pd.DataFrame):
        frame = covariates
    else:
        array = np.asarray(covariates)
        frame = pd.DataFrame(array[:, None] if array.ndim == 1 else array)
    if len(frame) != n_samples:
        raise InputError(f"there are {len(frame)} rows of covariates for {n_samples} samples.")
    twice = frame.columns[frame.columns.astype(str).duplicated()]
    if len(twice):
        raise InputError(
            f"covariates have the same name: {first_few(twice.astype(str).unique())}; rename them."
        )
    for name in frame.columns:
        if pd.api.types.is_float_dtype(frame[name]) and np.isinf(frame[name].astype(float)).any():
            raise InputError(f"covariate '{name}' has infinite values; set them to missing.")
    return [(str(name), frame[name]) for name in frame.columns]

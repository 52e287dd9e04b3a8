"""Clinical covariates as numbers, everything about them learned from training samples."""

from __future__ import annotations

from typing import Self

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError, first_few

OTHER, MISSING = "other", "missing"


class CovariateEncoder(BaseEstimator):
    """Turn a clinical table into the columns of a regression model.

    Numbers stay; a missing one becomes the training median, with an indicator column `<name>: missing`
    when that happens often enough. Everything else is a category: the most frequent level is the
    reference, each other level an indicator column `<name>: <level>`, and missing is a level. Levels
    with fewer than `min_level` training samples are pooled as `other`; when the pool is still that
    small, it joins the reference. A level never seen in training counts as `other`, or the reference.

    Parameters
    ----------
    min_level : int
        Fewest training samples of a level (or of missing numbers) that get a column.

    Attributes
    ----------
    columns_ : list of str
        Names of the encoded columns.
    medians_ : dict
        Training median of each numeric covariate.
    levels_ : dict
        For each categorical covariate the levels with a column, after the reference.
    reference_ : dict
        Reference level of each categorical covariate.
    notes_ : list of str
        What was imputed, pooled or merged.
    """

    def __init__(self, min_level: int = 5) -> None:
        self.min_level = min_level

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Learn medians and levels from a clinical table (samples in rows).

        Raises
        ------
        InputError
            A covariate has no value at all.
        """
        self.names_ = [str(name) for name in X.columns]
        self.columns_: list[str] = []
        self.medians_: dict[str, float] = {}
        self.levels_: dict[str, list[str]] = {}
        self.reference_: dict[str, str] = {}
        self.notes_: list[str] = []
        for name in self.names_:
            if X[name].notna().sum() == 0:
                raise InputError(f"covariate '{name}' has no value in the samples of the model; remove it.")
            if is_number(X[name]):
                self._learn_number(name, X[name].astype(float))
            else:
                self._learn_levels(name, X[name])
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the encoded table (n_samples, n_columns), float and complete.

        Raises
        ------
        InputError
            A covariate of the fit is not there.
        """
        check_is_fitted(self)
        absent = [name for name in self.names_ if name not in X.columns]
        if absent:
            raise InputError(f"covariates missing from the clinical table: {first_few(absent)}.")
        encoded: dict[str, pd.Series] = {}
        for name in self.names_:
            if name in self.medians_:
                numbers = X[name].astype(float)
                encoded[name] = numbers.fillna(self.medians_[name])
                encoded[f"{name}: {MISSING}"] = numbers.isna().astype(float)
            else:
                words = self._known(name, X[name])
                encoded.update(
                    {f"{name}: {level}": (words == level).astype(float) for level in self.levels_[name]}
                )
        return pd.DataFrame(encoded, index=X.index, dtype=float)[self.columns_]

    def fit_transform(self, X: pd.DataFrame, y: object = None) -> pd.DataFrame:
        """Return `fit(X).transform(X)`."""
        return self.fit(X).transform(X)

    def _learn_number(self, name: str, numbers: pd.Series) -> None:
        self.medians_[name] = float(numbers.median())
        self.columns_.append(name)
        missing = int(numbers.isna().sum())
        if missing == 0:
            return
        indicated = missing >= self.min_level
        if indicated:
            self.columns_.append(f"{name}: {MISSING}")
        self.notes_.append(
            f"{name}: {missing} missing values set to the median"
            + (" and marked by an indicator." if indicated else ".")
        )

    def _learn_levels(self, name: str, column: pd.Series) -> None:
        counts = _words(column).value_counts()
        # Equal counts are ordered by name, so that the order of the samples does not matter.
        ordered = sorted(counts.index, key=lambda level: (-counts[level], level))
        known = [level for level in ordered if level != MISSING]
        reference = known[0]
        frequent = [level for level in ordered if level != reference and counts[level] >= self.min_level]
        rare = [level for level in ordered if level != reference and level not in frequent]
        pooled = int(counts[rare].sum()) if rare else 0
        if OTHER not in frequent and pooled >= self.min_level:
            frequent.append(OTHER)
        if rare:
            home = f"'{OTHER}'" if OTHER in frequent else f"the reference '{reference}'"
            self.notes_.append(
                f"{name}: {first_few(rare)} had fewer than {self.min_level} samples each and went to {home}."
            )
        self.reference_[name] = reference
        # Levels are listed by name; the pooled and the missing ones come last.
        self.levels_[name] = sorted(frequent, key=lambda level: (level in (OTHER, MISSING), level))
        self.columns_ += [f"{name}: {level}" for level in self.levels_[name]]

    def _known(self, name: str, column: pd.Series) -> pd.Series:
        words, levels = _words(column), self.levels_[name]
        rest = OTHER if OTHER in levels else self.reference_[name]
        return words.where(words.isin([*levels, self.reference_[name]]), rest)


def is_number(column: pd.Series) -> bool:
    """Return whether a clinical column is a number (yes and no is not)."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _words(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), MISSING).astype(str)

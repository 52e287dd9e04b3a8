"""Clinical covariates as numbers, everything about them learned from training samples."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._levels import level_words, to_known
from precisionmed.estimators._parameters import check_parameters, whole
from precisionmed.estimators._vectors import which, zero_one

OTHER, MISSING = "other", "missing"
NEGATIVE = frozenset(
    ["negative", "neg", "-", "no", "none", "absent", "false", "wild type", "wild-type", "wildtype", "wt"]
)
"""Levels that the others are compared with, in lower case."""


class CovariateEncoder(BaseEstimator):
    """Turn a clinical table into the columns of a regression model.

    Numbers stay; a missing one becomes the training median, with an indicator column `<name>: missing`
    when that happens often enough. Everything else is a category with a reference level and an indicator
    column `<name>: <level>` for each other level.

    Ordered categories (stage, grade): the lowest level is the reference. A level with fewer than `min_level`
    training samples joins the next lower one (the lowest the next higher one), the smallest first, until
    all are large enough; what is joined is called `III/IV`. A missing level counts as the commonest one,
    unless there are enough for a column of their own. A level never seen in training counts as the next
    lower one that was.

    Other categories: the negative level is the reference (negative, no, none, wild type), else the most
    frequent one; missing is a level. Levels with fewer than `min_level` training samples are pooled as
    `other`; when the pool is still that small, it joins the reference. A level never seen in training counts
    as `other`, or the reference.

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
    merged_ : dict
        For each ordered covariate, the encoded level of each of its levels.
    notes_ : list of str
        What was imputed, pooled or merged.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"min_level": [whole(1)]}

    def __init__(self, min_level: int = 5) -> None:
        self.min_level = min_level

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Learn medians and levels from a clinical table (samples in rows).

        Raises
        ------
        InputError
            A covariate has no value at all.
        """
        check_parameters(self)
        X = _table(X)
        self.names_ = list(X.columns)
        self.columns_: list[str] = []
        self.medians_: dict[str, float] = {}
        self.levels_: dict[str, list[str]] = {}
        self.reference_: dict[str, str] = {}
        self.merged_: dict[str, dict[str, str]] = {}
        self.notes_: list[str] = []
        for name in self.names_:
            if X[name].notna().sum() == 0:
                raise InputError(f"covariate '{name}' has no value in the samples of the model; remove it.")
            if is_number(X[name]):
                self._learn_number(name, _numbers(name, X[name]))
            elif is_ordered(X[name]):
                self._learn_order(name, X[name])
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
        X = _table(X)
        absent = [name for name in self.names_ if name not in X.columns]
        if absent:
            raise InputError(f"covariates missing from the clinical table: {first_few(absent)}.")
        encoded: dict[str, pd.Series] = {}
        for name in self.names_:
            if name in self.medians_:
                numbers = _numbers(name, X[name])
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
        counts = level_words(column, MISSING).value_counts()
        # Equal counts are ordered by name, so that the order of the samples does not matter.
        ordered = sorted(counts.index, key=lambda level: (-counts[level], level))
        known = [level for level in ordered if level != MISSING]
        negative = [level for level in known if level.strip().lower() in NEGATIVE]
        reference = next((level for level in negative if counts[level] >= self.min_level), known[0])
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

    def _learn_order(self, name: str, column: pd.Series) -> None:
        words = level_words(column, MISSING)
        counts = words.value_counts()
        levels = level_words(pd.Series(column.cat.categories), MISSING).tolist()
        groups = _merged([[level] for level in levels if counts.get(level, 0)], counts, self.min_level)
        labels = ["/".join(group) for group in groups]
        merged = {level: label for group, label in zip(groups, labels, strict=True) for level in group}
        lower = labels[0]
        for level in levels:  # those without a training sample
            lower = merged.setdefault(level, lower)
        missing = int(counts.get(MISSING, 0))
        sizes = [sum(counts.get(level, 0) for level in group) for group in groups]
        frequent = labels[int(np.argmax(sizes))]
        own = missing >= self.min_level
        merged[MISSING] = MISSING if own else frequent
        self.merged_[name], self.reference_[name] = merged, labels[0]
        self.levels_[name] = labels[1:] + [MISSING] * own
        self.columns_ += [f"{name}: {level}" for level in self.levels_[name]]
        joined = [label for label, group in zip(labels, groups, strict=True) if len(group) > 1]
        if joined:
            self.notes_.append(
                f"{name}: levels with fewer than {self.min_level} samples joined a neighbour "
                f"({first_few(joined)})."
            )
        if missing and not own:
            self.notes_.append(f"{name}: {missing} missing values set to the commonest level, {frequent}.")

    def _known(self, name: str, column: pd.Series) -> pd.Series:
        words, levels = level_words(column, MISSING), self.levels_[name]
        if name in self.merged_:
            return to_known(words, self.merged_[name], self.merged_[name][MISSING])
        rest = OTHER if OTHER in levels else self.reference_[name]
        known = [*levels, self.reference_[name]]
        return to_known(words, dict(zip(known, known, strict=True)), rest)

    def level_table(self, X: pd.DataFrame, event: ArrayLike) -> pd.DataFrame:
        """Count the samples and events behind every encoded column, and behind the references.

        Returns
        -------
        DataFrame
            `covariate`, `level` (empty for numbers), `column` (empty for the reference), `n`, `events`.
        """
        check_is_fitted(self)
        X, event = aligned(X=_table(X), event=event)
        happened = zero_one(event, "event", len(X))
        rows: list[tuple[str, str, str, int, int]] = []
        for name in self.names_:
            if name in self.medians_:
                rows.append((name, "", name, len(X), int(happened.sum())))
                missing = f"{name}: {MISSING}"
                if missing in self.columns_:
                    chosen = X[name].isna().to_numpy()
                    rows.append((name, MISSING, missing, int(chosen.sum()), int(happened[chosen].sum())))
                continue
            words = self._known(name, X[name])
            for level in (self.reference_[name], *self.levels_[name]):
                chosen = (words == level).to_numpy()
                column = f"{name}: {level}" if level in self.levels_[name] else ""
                rows.append((name, level, column, int(chosen.sum()), int(happened[chosen].sum())))
        return pd.DataFrame(rows, columns=["covariate", "level", "column", "n", "events"])


def _table(X: pd.DataFrame) -> pd.DataFrame:
    """Return a clinical table with columns of different names, as text; refuse anything else."""
    if not isinstance(X, pd.DataFrame):
        raise InputError(f"covariates must be a data frame with a name for each, found {type(X).__name__}.")
    if 0 in X.shape:
        raise InputError(f"the clinical table is empty: {X.shape[0]} samples, {X.shape[1]} covariates.")
    names = X.columns.astype(str)
    if not names.is_unique:
        raise InputError(
            f"covariates have the same name: {first_few(names[names.duplicated()].unique())}; rename them."
        )
    wrong = [name for name, kind in zip(names, X.dtypes, strict=True) if kind.kind in "mMc"]
    if wrong:
        raise InputError(
            f"covariate '{wrong[0]}' is {X.dtypes.iloc[list(names).index(wrong[0])]}, neither numbers nor "
            "categories; turn dates into times, such as years since diagnosis."
        )
    return X.set_axis(names, axis=1)


def _numbers(name: str, column: pd.Series) -> pd.Series:
    """Return a covariate as floats, NaN where missing."""
    try:
        numbers = column.astype(object).where(column.notna(), np.nan).astype(float)
    except (TypeError, ValueError):
        texts = [value for value in column.dropna() if isinstance(value, str)]
        raise InputError(
            f"covariate '{name}' was numbers in training, but here it is {first_few(texts[:3])}."
        ) from None
    if np.isinf(numbers).any():
        raise InputError(
            f"covariate '{name}' is infinite in {which(numbers, np.isinf(numbers))}; set it to missing."
        )
    return numbers


def is_ordered(column: pd.Series) -> bool:
    """Return whether the levels of a clinical column have an order."""
    return isinstance(column.dtype, pd.CategoricalDtype) and bool(column.cat.ordered)


def is_number(column: pd.Series) -> bool:
    """Return whether a clinical column is a number (yes and no is not)."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _merged(groups: list[list[str]], counts: pd.Series, fewest: int) -> list[list[str]]:
    """Join the smallest group that is too small to the next lower one, until none is."""
    groups = [list(group) for group in groups]
    while len(groups) > 1:
        sizes = [int(sum(counts[level] for level in group)) for group in groups]
        smallest = min(range(len(groups)), key=lambda i: (sizes[i], -i))
        if sizes[smallest] >= fewest:
            break
        lower = max(smallest - 1, 0)
        groups[lower : lower + 2] = [groups[lower] + groups[lower + 1]]
    return groups

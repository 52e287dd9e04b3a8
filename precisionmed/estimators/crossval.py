"""Cross-validation in which everything learned is learned again in every training set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import has_fit_parameter

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned, labels_of_rows
from precisionmed.estimators._order import name_order
from precisionmed.estimators._outcome import is_survival, survival_outcome, take
from precisionmed.estimators._vectors import checked_count, group_codes
from precisionmed.estimators.out_of_fold import CrossValidation

__all__ = ["CrossValidation", "cross_validate", "cross_validate_models", "make_folds", "training_sets"]


def cross_validate(
    model: Any,
    X: np.ndarray | pd.DataFrame,
    y: Any,
    *,
    preprocessor: Any = None,
    batch: ArrayLike | None = None,
    covariates: pd.DataFrame | None = None,
    exclude: np.ndarray | None = None,
    clinical: pd.DataFrame | None = None,
    groups: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    n_folds: int = 5,
    n_repeats: int = 1,
    random_state: int | np.random.Generator | None = None,
    progress: Callable[[int, int], None] | None = None,
    each: Callable[[TrainingSet, dict[str, Any]], None] | None = None,
) -> CrossValidation:
    """Predict every sample by models that never saw it, nor any other sample of its group.

    The score is the model's `decision_function` when it has one with one column, the probability of the
    second class when it has only that, and otherwise its `predict`: the predicted class where there are many.
    Models of this package and of scikit-learn alike can be given.

    Parameters
    ----------
    model : estimator
        Cloned and fitted for every training set.
    X : (n, p) array or DataFrame
        Values before preprocessing. Samples of a data frame are dealt and learned from in the order of their
        names, so that the order of its rows does not matter.
    y : array, structured array or DataFrame
        Labels, or `event` and `time`.
    preprocessor : estimator, optional
        Cloned and fitted for every training set; see `Preprocessor`.
    batch : (n,) array, optional
        Given to the preprocessor, and every batch is spread over all folds.
    covariates : DataFrame, optional
        Given to the preprocessor when it is fitted: biology that a batch correction preserves.
    exclude : (p,) bool array, optional
        Input genes that serve preprocessing but not the model, such as those that define the label.
    clinical : DataFrame, optional
        Given, row by row, to the models whose `fit` has a parameter of that name; see `clinical`.
    groups : (n,) array, optional
        Samples of one group (a patient) stay in one fold.
    strata : (n,) array, optional
        Spread evenly over folds; by default the label or the event, together with the batch.
    n_folds, n_repeats : int
        Folds, and how often all samples are dealt anew.
    random_state : int, Generator or None
        Deals the samples.
    progress : callable, optional
        Called with (training sets done, all training sets).
    each : callable, optional
        Called with every training set and the models fitted to it, by name (here "model").

    Data frames and series are brought into the order of the first of them by their index; what has none goes
    by position.

    Raises
    ------
    InputError
        Too few samples or groups for the folds, other numbers of samples, or indices of other samples.
    """
    return cross_validate_models(
        {"model": model},
        X,
        y,
        preprocessor=preprocessor,
        batch=batch,
        covariates=covariates,
        exclude=exclude,
        clinical=clinical,
        groups=groups,
        strata=strata,
        n_folds=n_folds,
        n_repeats=n_repeats,
        random_state=random_state,
        progress=progress,
        each=each,
    )["model"]


def cross_validate_models(
    models: Mapping[str, Any],
    X: np.ndarray | pd.DataFrame,
    y: Any,
    *,
    preprocessor: Any = None,
    batch: ArrayLike | None = None,
    covariates: pd.DataFrame | None = None,
    exclude: np.ndarray | None = None,
    clinical: pd.DataFrame | None = None,
    groups: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    n_folds: int = 5,
    n_repeats: int = 1,
    random_state: int | np.random.Generator | None = None,
    progress: Callable[[int, int], None] | None = None,
    each: Callable[[TrainingSet, dict[str, Any]], None] | None = None,
) -> dict[str, CrossValidation]:
    """Do as `cross_validate` for several models on the same folds, preprocessing once a training set."""
    X, y, batch, covariates, clinical, groups, strata = aligned(
        X=X, y=y, batch=batch, covariates=covariates, clinical=clinical, groups=groups, strata=strata
    )
    samples = labels_of_rows(X, y, clinical)
    groups = None if groups is None else np.asarray(groups)
    given = {"groups": groups, "clinical": clinical}
    wanted = {name: _wanted(model, given) for name, model in models.items()}
    runs = {name: _Run(int(np.shape(X)[-1]), samples) for name in models}
    for part in training_sets(
        X,
        y,
        preprocessor=preprocessor,
        batch=batch,
        covariates=covariates,
        exclude=exclude,
        groups=groups,
        strata=strata,
        n_folds=n_folds,
        n_repeats=n_repeats,
        random_state=random_state,
        progress=progress,
    ):
        fitted: dict[str, Any] = {}
        for name, model in models.items():
            known = {key: take(value, part.train) for key, value in wanted[name].items()}
            fitted[name] = clone(model).fit(part.X_train, take(y, part.train), **known)
            known = {key: take(value, part.test) for key, value in wanted[name].items() if key == "clinical"}
            runs[name].add(fitted[name], part, score_of(fitted[name], part.X_test, **known))
        if each is not None:
            each(part, fitted)
    return {name: run.result(groups) for name, run in runs.items()}


@dataclass(frozen=True)
class TrainingSet:
    """One training set and its test samples, both preprocessed by what the training samples taught."""

    repeat: int
    fold: int
    train: np.ndarray
    """Rows of the training samples."""
    test: np.ndarray
    X_train: np.ndarray
    X_test: np.ndarray
    kept: np.ndarray
    """Input gene of each column."""


def training_sets(
    X: np.ndarray | pd.DataFrame,
    y: Any,
    *,
    preprocessor: Any = None,
    batch: ArrayLike | None = None,
    covariates: pd.DataFrame | None = None,
    exclude: np.ndarray | None = None,
    groups: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    n_folds: int = 5,
    n_repeats: int = 1,
    random_state: int | np.random.Generator | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[TrainingSet]:
    """Yield the training sets of a cross-validation; parameters as for `cross_validate`."""
    checked_count(n_folds, "n_folds", 2)
    checked_count(n_repeats, "n_repeats")
    rng = np.random.default_rng(random_state)
    X, y, batch, covariates, groups, strata = aligned(
        X=X, y=y, batch=batch, covariates=covariates, groups=groups, strata=strata
    )
    X = X if isinstance(X, pd.DataFrame) else np.asarray(X)
    if X.ndim != 2:
        raise InputError("X must be a dense matrix, samples in rows and genes in columns.")
    if exclude is not None and (np.shape(exclude) != X.shape[1:] or np.asarray(exclude).dtype != bool):
        raise InputError(f"exclude needs True or False for each of the {X.shape[1]} genes.")
    if covariates is not None and not isinstance(covariates, pd.DataFrame):
        covariates = pd.DataFrame(np.asarray(covariates))
    batch = None if batch is None else np.asarray(batch)
    strata = _strata(y, batch) if strata is None else np.asarray(strata)
    labels = labels_of_rows(X, y)
    order = None if labels is None else name_order(labels)
    order = np.arange(len(strata)) if order is None else order
    groups = None if groups is None else np.asarray(groups)[order]
    prepare = _Preparation(preprocessor, X, batch, covariates, exclude)
    for repeat in range(n_repeats):
        folds = make_folds(strata[order], n_folds, rng, groups=groups)
        for fold in range(n_folds):
            train, test = order[folds != fold], order[folds == fold]
            yield TrainingSet(repeat, fold, train, test, *prepare(train, test))
            if progress is not None:
                progress(repeat * n_folds + fold + 1, n_repeats * n_folds)


def score_of(fitted: Any, X: np.ndarray, **known: Any) -> np.ndarray:
    """Return the score of each sample, (n,), as `cross_validate` says."""
    if hasattr(fitted, "decision_function"):
        score = np.asarray(fitted.decision_function(X, **known))
        if score.ndim == 1:
            return score
    elif is_classifier(fitted) and hasattr(fitted, "predict_proba"):
        probability = np.asarray(fitted.predict_proba(X, **known))
        if probability.shape[1:] == (2,):
            return probability[:, 1]
    predicted = np.asarray(fitted.predict(X, **known))
    return predicted[:, 0] if predicted.ndim == 2 and predicted.shape[1] == 1 else predicted


def make_folds(
    strata: ArrayLike, n_folds: int, rng: np.random.Generator, *, groups: ArrayLike | None = None
) -> np.ndarray:
    """Deal samples into folds, evenly within strata; a group goes to one fold as a whole.

    Parameters
    ----------
    strata : (n,) array
        Class of each sample. A group counts as its rarest class.
    n_folds : int
    rng : Generator
        Shuffles before dealing.
    groups : (n,) array, optional

    Returns
    -------
    (n,) int array
        Fold of each sample, 0 to `n_folds` - 1.

    Raises
    ------
    InputError
        There are fewer samples (groups) than folds.
    """
    checked_count(n_folds, "n_folds", 2)
    strata, groups = aligned(strata=strata, groups=groups)
    stratum = group_codes(strata, "strata")[1]
    unit = np.arange(stratum.size) if groups is None else group_codes(groups, "groups", stratum.size)[1]
    size = np.bincount(unit)
    if size.size < n_folds:
        what = "samples" if groups is None else "groups"
        raise InputError(f"{size.size} {what} cannot be dealt into {n_folds} folds; use fewer folds.")
    rarity = np.bincount(stratum)[stratum]
    unit_stratum = np.zeros(size.size, int)
    for i in np.argsort(-rarity, kind="stable"):  # the rarest class of a group is written last
        unit_stratum[unit[i]] = stratum[i]
    fold_of_unit = np.zeros(size.size, int)
    filled = np.zeros((n_folds, int(stratum.max()) + 1))
    for u in sorted(rng.permutation(size.size), key=lambda u: (unit_stratum[u], -size[u])):
        # emptiest of this stratum, then emptiest at all
        fold = np.lexsort((filled.sum(axis=1), filled[:, unit_stratum[u]]))[0]
        fold_of_unit[u] = fold
        filled[fold, unit_stratum[u]] += size[u]
    return fold_of_unit[unit]


class _Run:
    """Collects the out-of-fold results of one model."""

    def __init__(self, n_genes: int, samples: pd.Index | None) -> None:
        self.samples = samples
        self.parts: list[pd.DataFrame] = []
        self.selected: np.ndarray | None = np.zeros(n_genes)

    def add(self, fitted: Any, part: TrainingSet, score: np.ndarray) -> None:
        columns = {"row": part.test, "repeat": part.repeat, "fold": part.fold, "score": score}
        self.parts.append(pd.DataFrame(columns))
        used = _used(fitted, part.kept.size)
        if used is None or self.selected is None:
            self.selected = None
        else:
            self.selected[part.kept] += used

    def result(self, groups: np.ndarray | None) -> CrossValidation:
        table = pd.concat(self.parts).sort_values(["repeat", "row"], ignore_index=True)
        frequency = None if self.selected is None else self.selected / len(self.parts)
        return CrossValidation(table, frequency, self.samples, groups)


def _used(fitted: Any, n_genes: int) -> np.ndarray | None:
    """Return which genes have a coefficient, for any class, (n_genes,); None when the model has none."""
    coef = getattr(fitted, "coef_", None)
    if coef is None:
        return None
    nonzero = np.atleast_2d(coef.toarray() if issparse(coef) else np.asarray(coef)) != 0
    return nonzero.any(axis=0) if nonzero.ndim == 2 and nonzero.shape[1] == n_genes else None


def _wanted(model: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return what of the given a model's `fit` has a parameter for."""
    wanted = {key: value for key, value in given.items() if has_fit_parameter(model, key)}
    if "clinical" in wanted and wanted["clinical"] is None:
        raise InputError(f"{type(model).__name__} needs the clinical table; give it as `clinical`.")
    return {key: value for key, value in wanted.items() if value is not None}


def _strata(y: Any, batch: np.ndarray | None) -> np.ndarray:
    codes = group_codes(survival_outcome(y).event if is_survival(y) else y, "y")[1]
    if batch is None:
        return codes
    return codes + (codes.max() + 1) * group_codes(batch, "batch")[1]


@dataclass(frozen=True)
class _Preparation:
    """Learns preprocessing from training samples and applies it to training and test samples."""

    preprocessor: Any
    X: np.ndarray | pd.DataFrame
    batch: np.ndarray | None
    covariates: pd.DataFrame | None
    exclude: np.ndarray | None

    def __call__(self, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return training and test values, and which input genes their columns are."""
        X_train, X_test = self._values(train, test)
        kept = np.arange(self.X.shape[1])
        if self.preprocessor is not None:
            fitted = clone(self.preprocessor)
            known = {} if self.covariates is None else {"covariates": self.covariates.iloc[train]}
            X_train = fitted.fit_transform(X_train, batch=self._batch(train), **known)
            X_test = fitted.transform(X_test, batch=self._batch(test))
            kept = np.flatnonzero(fitted.kept_)
        if self.exclude is not None:
            use = ~self.exclude[kept]
            X_train, X_test, kept = np.asarray(X_train)[:, use], np.asarray(X_test)[:, use], kept[use]
        return np.asarray(X_train), np.asarray(X_test), kept

    def _values(self, *parts: np.ndarray) -> list[Any]:
        return [self.X.iloc[rows] if isinstance(self.X, pd.DataFrame) else self.X[rows] for rows in parts]

    def _batch(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.batch is None else self.batch[rows]

"""Cross-validation in which everything learned is learned again in every training set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from precisionmed.errors import InputError
from precisionmed.estimators import metrics
from precisionmed.estimators._outcome import is_survival, survival_arrays, take


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold scores of one model.

    Attributes
    ----------
    predictions : DataFrame
        `row` (of the input), `repeat`, `fold`, `score`: one row a sample and repeat.
    selection_frequency : (n_input_genes,) array or None
        Fraction of the training sets in which a gene's coefficient was not zero; None when the model
        has no `coef_` of its own.
    """

    predictions: pd.DataFrame
    selection_frequency: np.ndarray | None

    @property
    def score(self) -> np.ndarray:
        """Mean score of each sample over repeats, (n,).

        Fine to show or to calibrate; measure performance with the methods below, which compare a sample
        only with those of its own test fold.
        """
        return self.predictions.groupby("row")["score"].mean().to_numpy()

    def auc(self, truth: ArrayLike, level: float = 0.95) -> metrics.Interval:
        """Return AUC (pairs within a test fold, all repeats) with DeLong's interval over samples."""
        row = self.predictions["row"].to_numpy()
        score = self.predictions["score"].to_numpy(float)
        return metrics.auc_interval(
            np.asarray(truth)[row], score, level, strata=self._test_set(), subject=row
        )

    def concordance(
        self, y: Any, random_state: int | np.random.Generator | None = None, n_boot: int = 500
    ) -> metrics.Interval:
        """Return the C-index (pairs within a test fold, all repeats), bootstrap interval over samples."""
        event, time = survival_arrays(y)
        row = self.predictions["row"].to_numpy()
        score = self.predictions["score"].to_numpy(float)
        return metrics.concordance_interval(
            time[row], event[row], score, random_state, n_boot, strata=self._test_set(), subject=row
        )

    def _test_set(self) -> np.ndarray:
        repeat, fold = (self.predictions[name].to_numpy() for name in ("repeat", "fold"))
        return repeat * (int(fold.max()) + 1) + fold


def cross_validate(
    model: Any,
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
) -> CrossValidation:
    """Predict every sample by models that never saw it, nor any other sample of its group.

    The score is the model's `decision_function` when it has one with one column, otherwise its `predict`.

    Parameters
    ----------
    model : estimator
        Cloned and fitted for every training set.
    X : (n, p) array or DataFrame
        Values before preprocessing.
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

    Raises
    ------
    InputError
        Too few samples or groups for the folds.
    """
    return cross_validate_models(
        {"model": model},
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
    groups: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    n_folds: int = 5,
    n_repeats: int = 1,
    random_state: int | np.random.Generator | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, CrossValidation]:
    """Do as `cross_validate` for several models on the same folds, preprocessing once a training set."""
    rng = np.random.default_rng(random_state)
    batch = None if batch is None else np.asarray(batch)
    groups = None if groups is None else np.asarray(groups)
    strata = _strata(y, batch) if strata is None else np.asarray(strata)
    runs = {name: _Run(X.shape[1]) for name in models}
    prepare = _Preparation(preprocessor, X, batch, covariates, exclude)
    for repeat in range(n_repeats):
        folds = make_folds(strata, n_folds, rng, groups=groups)
        for fold in range(n_folds):
            train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            X_train, X_test, kept = prepare(train, test)
            for name, model in models.items():
                fitted = _fit(
                    clone(model), X_train, take(y, train), None if groups is None else groups[train]
                )
                runs[name].add(fitted, kept, test, repeat, fold, _score(fitted, X_test))
            if progress is not None:
                progress(repeat * n_folds + fold + 1, n_repeats * n_folds)
    return {name: run.result() for name, run in runs.items()}


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
    stratum = np.unique(strata, return_inverse=True)[1]
    unit = np.arange(stratum.size) if groups is None else np.unique(groups, return_inverse=True)[1]
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

    def __init__(self, n_genes: int) -> None:
        self.parts: list[pd.DataFrame] = []
        self.selected: np.ndarray | None = np.zeros(n_genes)

    def add(
        self, fitted: Any, kept: np.ndarray, test: np.ndarray, repeat: int, fold: int, score: np.ndarray
    ) -> None:
        self.parts.append(pd.DataFrame({"row": test, "repeat": repeat, "fold": fold, "score": score}))
        coef = getattr(fitted, "coef_", None)
        if coef is None or self.selected is None:
            self.selected = None
        else:
            self.selected[kept] += np.asarray(coef) != 0

    def result(self) -> CrossValidation:
        table = pd.concat(self.parts).sort_values(["repeat", "row"], ignore_index=True)
        return CrossValidation(table, None if self.selected is None else self.selected / len(self.parts))


def _strata(y: Any, batch: np.ndarray | None) -> np.ndarray:
    outcome = survival_arrays(y)[0] if is_survival(y) else np.asarray(y)
    if outcome.ndim != 1:
        raise InputError("y must be one column of labels, or 'event' and 'time'.")
    codes = np.unique(outcome, return_inverse=True)[1]
    if batch is None:
        return codes
    return codes + (codes.max() + 1) * np.unique(batch, return_inverse=True)[1]


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


def _fit(model: Any, X: np.ndarray, y: Any, groups: np.ndarray | None) -> Any:
    if groups is not None and has_fit_parameter(model, "groups"):
        return model.fit(X, y, groups=groups)
    return model.fit(X, y)


def _score(fitted: Any, X: np.ndarray) -> np.ndarray:
    if hasattr(fitted, "decision_function"):
        score = np.asarray(fitted.decision_function(X))
        if score.ndim == 1:
            return score
    return np.asarray(fitted.predict(X))

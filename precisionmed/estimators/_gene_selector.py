"""What selectors of genes share: what is known of the samples, and their place in a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError, warn
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._halves import Progress, deal_halves, strata_of
from precisionmed.estimators._lasso_base import Linear, _complete, _weights
from precisionmed.estimators._lasso_path import Problem
from precisionmed.estimators._matrix import columns_of, transform_matrix
from precisionmed.estimators._order import rows_by_name
from precisionmed.estimators._parameters import check_parameters
from precisionmed.estimators._vectors import group_codes


@dataclass(frozen=True)
class Samples:
    """What is known of the samples that have a weight, beside their genes.

    Attributes
    ----------
    outcome : tuple
        As the model reads it from `y`.
    weight : (n,) array
    offset : (n,) or (n, k) array, or None
    strata, groups : (n,) arrays, or None
    """

    outcome: tuple[np.ndarray, np.ndarray | None]
    weight: np.ndarray
    offset: np.ndarray | None
    strata: np.ndarray | None
    groups: np.ndarray | None

    def problem(self, model: Linear, columns: np.ndarray, halves: np.ndarray | None = None) -> Problem:
        """Return the fits of a model to each half, or (None) to all samples."""
        weight = self.weight[None] if halves is None else halves * self.weight
        return model._problem(columns, self.outcome, weight, self.offset, self.strata)

    def halves(self, model: Linear, n_pairs: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Deal halves that have their share of each class, or of the events of each stratum.

        Returns
        -------
        halves : (2 n_pairs, n) bool array
        rarest : int
            Events, samples of the rarest class, or all samples of a measured outcome.
        """
        label, rarest = strata_of(model, self.outcome)
        if self.strata is not None:
            label = label + 2 * np.unique(self.strata, return_inverse=True)[1]
        return deal_halves(label, n_pairs, rng, self.groups), rarest


class GeneSelector(SelectorMixin, BaseEstimator):
    """Stands in a pipeline before a model, which then sees the genes of `selected_` alone."""

    model: Linear
    selected_: np.ndarray

    @rows_by_name(aligned=("sample_weight", "offset", "strata", "groups"))
    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        strata: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        progress: Progress = None,
    ) -> Self:
        """Select genes.

        Parameters
        ----------
        X : (n, p) array or DataFrame
        y : array or frame
            As `model` takes it. Halves have their share of each class, or of the events.
        sample_weight, offset, strata : arrays, optional
            As `model` takes them. A sample of weight 0 is left out; halves have their share of each stratum.
        groups : (n,) array, optional
            Samples of one group (a patient) stay in one half.
        progress : callable, optional
            Called with (genes chosen so far, genes to choose), over all halves.

        Raises
        ------
        InputError
            Missing values, too few samples of a class (or events), no gene to select, or parameters that are
            out of range or contradict each other.
        """
        check_parameters(self)
        model = clone(self.model)
        X, y, sample_weight, offset, strata, groups = aligned(
            X=X, y=y, sample_weight=sample_weight, offset=offset, strata=strata, groups=groups
        )
        values, samples = self._observed(
            model, X, y, sample_weight, offset=offset, strata=strata, groups=groups
        )
        self._select(model, values, samples, progress)
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return the selected genes, (n, s); without any, no columns and a warning.

        Raises
        ------
        InputError
            The genes differ from those of the fit.
        """
        check_is_fitted(self)
        values = transform_matrix(self, X)
        if not self.selected_.any():
            warn(
                "no gene was selected: what follows gets no columns; be less strict, or use another outcome."
            )
        return columns_of(values, self.selected_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "selected_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags = get_tags(self.model).classifier_tags  # the outcomes that the model takes
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _select(self, model: Linear, values: np.ndarray, samples: Samples, progress: Progress) -> None:
        """Learn `selected_` and all that led to it; `model` is a clone."""
        raise NotImplementedError

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self.selected_

    def _observed(
        self,
        model: Linear,
        X: ArrayLike | pd.DataFrame,
        y: Any,
        sample_weight: ArrayLike | None,
        **known: ArrayLike | None,
    ) -> tuple[np.ndarray, Samples]:
        """Return the genes, (n, p), and what is `known` of the samples that have a weight.

        Raises
        ------
        InputError
            Missing values, or something has another length than `X`.
        """
        values = _complete(self, X)
        label, time = model._outcome(y)
        weight = _weights(sample_weight, len(values))
        given = {
            name: None if of is None else of_samples(of, name, len(values)) for name, of in known.items()
        }
        for name, of in {"y": label, **given}.items():
            if of is not None and (of.shape[:1] != weight.shape or pd.isna(of).any()):
                raise InputError(f"{name} needs a value for each of the {weight.size} samples in X.")
        kept = weight > 0
        if not kept.all():
            values, label, weight = values[kept], label[kept], weight[kept]
            time = None if time is None else time[kept]
            given = {name: None if of is None else of[kept] for name, of in given.items()}
        return values, Samples((label, time), weight, **given)


def of_samples(values: ArrayLike, name: str, n: int) -> np.ndarray:
    """Return what is known of the samples: groups and strata as numbers of theirs, the rest as it is."""
    return group_codes(values, name, n)[1] if name in ("groups", "strata") else np.asarray(values)


def competing(problem: Problem, factor: np.ndarray) -> np.ndarray:
    """Return which genes can be selected, (p,): those that vary and have a finite penalty above 0.

    Raises
    ------
    InputError
        There is none.
    """
    competes = (factor > 0) & np.isfinite(factor) & (problem.unit > 0)
    if not competes.any():
        raise InputError("no gene can be selected: none varies and has a finite penalty above 0.")
    return competes

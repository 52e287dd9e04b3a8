"""Models of the clinical table: alone, which a signature has to beat, and together with genes.

Their `fit` and `predict` take the clinical table as `clinical`; `cross_validate_models` hands it to them.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from precisionmed.errors import PrecisionMedWarning
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._cox_likelihood import independent_columns
from precisionmed.estimators._firth import firth_logistic
from precisionmed.estimators._lasso_base import CrossValidated
from precisionmed.estimators._matrix import check_complete, fit_matrix, transform_matrix
from precisionmed.estimators._order import rows_by_name
from precisionmed.estimators._outcome import is_survival, survival_outcome, take
from precisionmed.estimators._parameters import check_parameters, whole
from precisionmed.estimators._screen_table import two_classes
from precisionmed.estimators.covariates import CovariateEncoder
from precisionmed.estimators.cox_firth import fit_cox
from precisionmed.estimators.crossval import make_folds, score_of


class ClinicalOnly(BaseEstimator):
    """Regression on clinical covariates, without genes: logistic for a 0/1 label, Cox for survival.

    Covariates are encoded by `CovariateEncoder`: categories as indicators, missing numbers as the training
    median. The logistic model is penalized by Jeffreys' prior (Firth), so that a rare level which separates
    the classes has a finite coefficient; so is the Cox model where a level separates the events.

    Parameters
    ----------
    min_level : int
        Fewest training samples of a level that get a column.

    Attributes
    ----------
    encoder_ : CovariateEncoder
    covariate_coef_ : (q,) array
        Log odds or hazard ratios per unit of the encoded columns, 0 for those that say nothing new.
    intercept_ : float
    notes_ : list of str
        What was imputed, pooled, dropped, or had no finite estimate without a penalty.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"min_level": [whole(1)]}

    def __init__(self, min_level: int = 5) -> None:
        self.min_level = min_level

    def fit(self, X: ArrayLike | None, y: Any, *, clinical: pd.DataFrame) -> Self:
        """Fit the model; `X` is not looked at.

        Raises
        ------
        InputError
            A covariate has no value at all, or the outcome is no outcome.
        """
        check_parameters(self)
        X, y, clinical = aligned(X=X, y=y, clinical=clinical)
        self.encoder_ = CovariateEncoder(self.min_level).fit(clinical)
        self.notes_ = list(self.encoder_.notes_)
        encoded = self.encoder_.transform(clinical)
        self.covariate_coef_ = np.zeros(encoded.shape[1])
        self.intercept_ = 0.0
        if is_survival(y):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", PrecisionMedWarning)
                model = fit_cox(encoded, y)
            self.notes_ += [str(w.message) for w in caught if issubclass(w.category, PrecisionMedWarning)]
            self.covariate_coef_ = model.coef_.copy()
            self.intercept_ = -float(model.means_ @ self.covariate_coef_)
        else:
            used = independent_columns(encoded.to_numpy())
            values = encoded.to_numpy()[:, used]
            self.intercept_, self.covariate_coef_[used] = firth_logistic(values, two_classes(y))
        return self

    def predict(self, X: ArrayLike | None, *, clinical: pd.DataFrame) -> np.ndarray:
        """Return the log odds of class 1, or the log hazard, (n,)."""
        check_is_fitted(self)
        _, clinical = aligned(X=X, clinical=clinical)
        return self.intercept_ + self.encoder_.transform(clinical).to_numpy() @ self.covariate_coef_


class GenesAndClinical(BaseEstimator):
    """A LASSO of the genes beside the clinical model's score, which is not penalized.

    The clinical covariates enter as one column, so that no inner fold can separate a rare level. While the
    genes are learned, a sample's score comes from the other folds (pre-validation; Tibshirani and Efron,
    Stat Appl Genet Mol Biol 1:1, 2002): a score of the samples it was fitted to looks better than it is,
    and would push the genes aside.

    Parameters
    ----------
    model : LassoLogisticCV or LassoCoxCV
        Cloned; its penalty factors, if any, are those of the genes.
    min_level : int
        As for `ClinicalOnly`.

    Attributes
    ----------
    clinical_ : ClinicalOnly
    model_ : estimator
        Fitted to the genes and, last, the clinical score.
    coef_ : (p,) array
        Coefficients of the genes.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"model": [CrossValidated], "min_level": [whole(1)]}

    def __init__(self, model: Any, min_level: int = 5) -> None:
        self.model = model
        self.min_level = min_level

    @rows_by_name(aligned=("clinical", "groups"))
    def fit(self, X: ArrayLike, y: Any, *, clinical: pd.DataFrame, groups: ArrayLike | None = None) -> Self:
        """Fit the clinical model, then the genes beside it."""
        check_parameters(self)
        X, y, clinical, groups = aligned(X=X, y=y, clinical=clinical, groups=groups)
        genes = fit_matrix(self, X)
        check_complete(self, genes)
        self.clinical_ = ClinicalOnly(self.min_level).fit(X, y, clinical=clinical)
        values = np.column_stack([genes, self._held_out_score(y, clinical, groups)])
        given = self.model.get_params()["penalty_factor"]
        factor = np.ones(values.shape[1] - 1) if given is None else np.asarray(given, float)
        self.model_ = clone(self.model).set_params(penalty_factor=np.append(factor, 0.0))
        known = {"groups": groups} if groups is not None and has_fit_parameter(self.model_, "groups") else {}
        self.model_.fit(values, y, **known)
        self.coef_ = self.model_.coef_[:-1]
        return self

    def predict(self, X: ArrayLike, *, clinical: pd.DataFrame) -> np.ndarray:
        """Return the log odds of class 1, or the log hazard, (n,)."""
        X, clinical = aligned(X=X, clinical=clinical)
        genes = transform_matrix(self, X)
        score = self.clinical_.predict(X, clinical=clinical)
        return score_of(self.model_, np.column_stack([genes, score]))

    def _held_out_score(self, y: Any, clinical: pd.DataFrame, groups: ArrayLike | None) -> np.ndarray:
        """Return each sample's clinical score, (n,), by a model of the other folds."""
        labels = survival_outcome(y).event if is_survival(y) else two_classes(y)
        rng = np.random.default_rng(self.model.get_params()["random_state"])
        fewest = min(int(labels.sum()), int((~labels).sum()), self.model.get_params()["n_folds"])
        folds = make_folds(labels, max(fewest, 2), rng, groups=groups)
        score = np.empty(labels.size)
        for fold in np.unique(folds):
            train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            model = ClinicalOnly(self.min_level).fit(None, take(y, train), clinical=clinical.iloc[train])
            score[test] = model.predict(None, clinical=clinical.iloc[test])
        return score

"""Sparse signatures of several classes: LASSO (elastic net) multinomial regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import ClassifierMixin

from precisionmed.estimators._lasso_base import CrossValidated, Fixed, Linear
from precisionmed.estimators._lasso_labels import LabelScore, class_codes
from precisionmed.estimators._lasso_path import Problem
from precisionmed.kernels.lasso_losses import MULTINOMIAL


class _Multinomial(LabelScore, ClassifierMixin, Linear):
    """Two or more classes, each with coefficients of its own."""

    def decision_function(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the log probability of each class up to a constant, (n, k); two classes: log odds, (n,)."""
        eta = self._linear_predictor(X, offset)
        return eta[:, 1] - eta[:, 0] if eta.shape[1] == 2 else eta

    def predict_proba(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the probability of each class, (n, k)."""
        return softmax(self._linear_predictor(X, offset), axis=1)

    def predict(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the most probable class, (n,)."""
        best = np.argmax(self._linear_predictor(X, offset), axis=1)
        return self.classes_[best]

    def _family(self) -> int:
        return MULTINOMIAL

    def _outcome(self, y: Any) -> tuple[np.ndarray, None]:
        self.classes_, codes = class_codes(y)
        return codes, None

    def _identified(
        self, problem: Problem, coef: np.ndarray, intercept: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Centre over classes what is not penalized: the same constant for all changes no probability."""
        free = problem.factor[0] == 0
        coef[:, free] -= coef[:, free].mean(axis=0)
        return coef, intercept - intercept.mean() if self.fit_intercept else intercept


class LassoMultinomialCV(_Multinomial, CrossValidated):
    """Multinomial LASSO whose penalty is chosen by cross-validation.

    Every class has coefficients, as in glmnet's symmetric, ungrouped form: a gene may speak for one class
    and be silent about the others (Friedman et al. 2010, section 4). Parameters and attributes as in
    `LassoLogisticCV`, but for the shapes of the following; `offset` is (n, k).

    Attributes
    ----------
    classes_ : (k,) array
    coef_, intercept_ : (k, p), (k,) arrays
        Log odds per unit of the input, against the geometric mean of the classes.
    path_coef_ : (n_lambda, k, g) array
    n_nonzero_ : (n_lambda,) array
        Genes with a coefficient in any class.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(90, 50))
    >>> y = np.digitize(X[:, 3], [-0.5, 0.5])
    >>> model = LassoMultinomialCV(random_state=1).fit(X, y)
    >>> model.coef_.shape, int(np.argmax(np.abs(model.coef_).sum(axis=0)))
    ((3, 50), 3)
    """


class LassoMultinomial(_Multinomial, Fixed):
    """Multinomial LASSO at one penalty `lambda_`; parameters and attributes as in `LassoMultinomialCV`."""

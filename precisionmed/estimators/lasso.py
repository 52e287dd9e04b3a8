"""Sparse signatures: LASSO (elastic net) logistic and Cox regression.

The problem is that of R's glmnet: genes are standardized by the population standard deviation, the
loss is the mean minus log-likelihood, coefficients come back on the scale of the input.

References
----------
Tibshirani, J R Stat Soc B 58:267 (1996); Friedman, Hastie and Tibshirani, J Stat Softw 33(1) (2010);
Simon, Friedman, Hastie and Tibshirani, J Stat Softw 39(5) (2011).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import ClassifierMixin

from precisionmed.errors import InputError
from precisionmed.estimators._lasso_base import CrossValidated, Fixed, Linear
from precisionmed.estimators._outcome import survival_arrays
from precisionmed.kernels.lasso_losses import BINOMIAL, COX_BRESLOW, COX_EFRON


class _Logistic(ClassifierMixin, Linear):
    """Two classes, 0 and 1."""

    classes_: ClassVar = np.array([0, 1])

    def decision_function(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return the log odds of class 1, (n,)."""
        return self._linear_predictor(X)

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return the probabilities of class 0 and 1, (n, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return the more probable class, (n,)."""
        return (self.decision_function(X) > 0).astype(int)

    def _family(self) -> int:
        return BINOMIAL

    def _outcome(self, y: Any) -> tuple[np.ndarray, None]:
        labels = np.asarray(y)
        if labels.ndim != 1 or not np.isin(labels, (0, 1)).all() or np.unique(labels).size != 2:
            raise InputError("y must be one column of 0 and 1, with both of them present.")
        return labels.astype(bool), None

    def _rarest(self, label: np.ndarray) -> int:
        return min(int(label.sum()), int((~label).sum()))


class _Cox(Linear):
    """Survival: `y` has `event` and `time`."""

    ties: str

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Return the log hazard relative to the mean training sample, (n,)."""
        return self._linear_predictor(X)

    def predict_survival(self, X: ArrayLike | pd.DataFrame, time: ArrayLike) -> np.ndarray:
        """Return the probability to survive beyond `time`: (n,), or (n, t) for several times."""
        before = np.searchsorted(self.baseline_time_, np.asarray(time, float), side="right")
        baseline = np.append(1.0, self.baseline_survival_)[before]
        return np.power(baseline, np.exp(self.predict(X))[(...,) + (None,) * baseline.ndim])

    def _family(self) -> int:
        if self.ties not in ("breslow", "efron"):
            raise InputError(f"ties must be 'breslow' or 'efron', found {self.ties!r}.")
        return COX_EFRON if self.ties == "efron" else COX_BRESLOW

    def _outcome(self, y: Any) -> tuple[np.ndarray, np.ndarray]:
        return survival_arrays(y)

    def _rarest(self, label: np.ndarray) -> int:
        return int(label.sum())

    def _finish(self, X: Any, y: Any, weight: np.ndarray) -> None:
        """Centre the predictor; estimate the baseline survival (Breslow 1972)."""
        event, time = survival_arrays(y)
        self.intercept_ -= float(np.average(self.predict(X), weights=weight))
        relative = weight * np.exp(self.predict(X))
        died = event & (weight > 0)
        self.baseline_time_ = np.unique(time[died])
        deaths = np.array([weight[died & (time == t)].sum() for t in self.baseline_time_])
        at_risk = np.array([relative[time >= t].sum() for t in self.baseline_time_])
        self.baseline_survival_ = np.exp(-np.cumsum(deaths / at_risk))


class LassoLogisticCV(_Logistic, CrossValidated):
    """Logistic LASSO whose penalty is chosen by cross-validation.

    Folds walk the path together with the fit on all samples, whose coefficients at the chosen penalty are
    the model. When no gene helps, the model is the prevalence alone.

    Parameters
    ----------
    n_folds : int, default=5
        Folds, stratified by class; at most as many as the rarer class has samples.
    rule : {"1se", "min"}, default="1se"
        The sparsest model within one standard error of the best, or the best.
    alpha : float, default=1.0
        Elastic-net mixing, above 0; 1 is the LASSO.
    n_lambda : int, default=100
        Penalties in the grid.
    lambda_min_ratio : float, optional
        Smallest over largest penalty; by default 0.01 with fewer samples than genes, else 0.0001.
    penalty_factor : (p,) array, optional
        Relative penalties of the genes; 0 is never penalized, infinite never selected.
    tolerance : float, default=1e-3
        Largest violation of the stationarity conditions, relative to the penalty. The default keeps the
        objective within about 1e-7 of its minimum.
    random_state : int, Generator or None
        Deals the folds.

    Attributes
    ----------
    coef_ : (p,) array
        Log odds ratios per unit of the input.
    intercept_ : float
    scale_ : (p,) array
        Standard deviation of each gene; `coef_ * scale_` are log odds ratios per standard deviation.
    lambda_, lambda_min_, lambda_1se_ : float
        The chosen penalty, that of the smallest deviance, and the largest within one standard error.
    lambdas_, cv_mean_, cv_se_, n_nonzero_ : (n_lambda,) arrays
        Penalties walked, cross-validated deviance, its standard error, selected genes.
    path_genes_, path_coef_ : (g,), (n_lambda, g) arrays
        Genes selected anywhere on the path, and their coefficients (`coef_path_`: of all genes).
    path_end_ : str
        Why the path ended: the grid was walked, the deviance is explained, there is no more gain, there
        are as many genes as samples (events), or the cross-validated deviance is past its minimum:
        ten penalties behind it and more than one standard error above it.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 200))
    >>> y = (X[:, 7] > 0).astype(int)
    >>> int(np.argmax(np.abs(LassoLogisticCV(random_state=1).fit(X, y).coef_)))
    7
    """


class LassoCoxCV(_Cox, CrossValidated):
    """Cox LASSO whose penalty is chosen by cross-validated partial likelihood.

    As `LassoLogisticCV`, with `y` a structured array or frame with `event` and `time`. When no gene
    helps, everybody has risk 0 and the baseline survival.

    Parameters
    ----------
    n_folds, rule, alpha, n_lambda, lambda_min_ratio, penalty_factor, tolerance, random_state
        See `LassoLogisticCV`; folds are stratified by event.
    ties : {"breslow", "efron"}, default="breslow"
        Treatment of tied event times.

    Attributes
    ----------
    coef_ : (p,) array
        Log hazard ratios per unit of the input.
    intercept_ : float
        Makes the mean training sample's log hazard 0.
    baseline_time_, baseline_survival_ : (t,) arrays
        Event times, and the survival of a sample with log hazard 0 (Breslow's estimate).
    scale_, lambda_, lambdas_, cv_mean_, cv_se_, n_nonzero_, path_end_ and further
        See `LassoLogisticCV`.
    """

    def __init__(
        self,
        n_folds: int = 5,
        rule: str = "1se",
        alpha: float = 1.0,
        n_lambda: int = 100,
        lambda_min_ratio: float | None = None,
        penalty_factor: ArrayLike | None = None,
        tolerance: float = 1e-3,
        random_state: int | np.random.Generator | None = None,
        ties: str = "breslow",
    ) -> None:
        super().__init__(
            n_folds, rule, alpha, n_lambda, lambda_min_ratio, penalty_factor, tolerance, random_state
        )
        self.ties = ties


class LassoLogistic(_Logistic, Fixed):
    """Logistic LASSO at one penalty `lambda_`; parameters and attributes as in `LassoLogisticCV`."""


class LassoCox(_Cox, Fixed):
    """Cox LASSO at one penalty `lambda_`; parameters and attributes as in `LassoCoxCV`."""

    def __init__(
        self,
        lambda_: float = 0.1,
        alpha: float = 1.0,
        penalty_factor: ArrayLike | None = None,
        tolerance: float = 1e-3,
        ties: str = "breslow",
    ) -> None:
        super().__init__(lambda_, alpha, penalty_factor, tolerance)
        self.ties = ties

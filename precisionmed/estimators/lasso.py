"""Sparse signatures: LASSO (elastic net) linear, logistic and Cox regression.

The problem is that of R's glmnet: genes are standardized by the population standard deviation, the
loss is the mean minus log-likelihood (half the mean squared error), coefficients come back on the scale
of the input.

References
----------
Tibshirani, J R Stat Soc B 58:267 (1996); Friedman, Hastie and Tibshirani, J Stat Softw 33(1) (2010);
Simon, Friedman, Hastie and Tibshirani, J Stat Softw 39(5) (2011).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import ClassifierMixin, RegressorMixin

from precisionmed.errors import InputError, first_few
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._lasso_base import CrossValidated, Fixed, Linear
from precisionmed.estimators._lasso_labels import LabelScore, class_codes, real_values
from precisionmed.estimators._outcome import steps_before, survival_outcome
from precisionmed.estimators._survival_score import SurvivalScore
from precisionmed.estimators._vectors import group_codes
from precisionmed.kernels.lasso_losses import BINOMIAL, COX_BRESLOW, COX_EFRON, GAUSSIAN


class _Linear(RegressorMixin, Linear):
    """A measured value."""

    def predict(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the expected value, (n,)."""
        return self._linear_predictor(X, offset)

    def _family(self) -> int:
        return GAUSSIAN

    def _outcome(self, y: Any) -> tuple[np.ndarray, None]:
        return real_values(y), None

    def _fold_strata(self, label: np.ndarray) -> np.ndarray:
        return np.zeros(label.size, int)

    def _rarest(self, label: np.ndarray) -> int:
        return label.size


class _Logistic(LabelScore, ClassifierMixin, Linear):
    """Two classes."""

    def decision_function(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the log odds of the second class, (n,)."""
        return self._linear_predictor(X, offset)

    def predict_proba(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the probabilities of both classes, (n, 2)."""
        positive = expit(self.decision_function(X, offset))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the more probable class, (n,)."""
        second = self.decision_function(X, offset) > 0
        return self.classes_[second.astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _family(self) -> int:
        return BINOMIAL

    def _outcome(self, y: Any) -> tuple[np.ndarray, None]:
        self.classes_, codes = class_codes(y)
        if self.classes_.size > 2:
            raise InputError(
                "Only binary classification is supported: y must have two classes, "
                f"found {self.classes_.size}; use LassoMultinomial."
            )
        return codes, None


class _Cox(SurvivalScore, Linear):
    """Survival: `y` has `event` and `time`, and perhaps `entry`."""

    ties: str

    def predict(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the log hazard relative to the mean training sample, (n,)."""
        return self._linear_predictor(X, offset)

    def predict_survival(
        self,
        X: ArrayLike | pd.DataFrame,
        time: ArrayLike,
        offset: ArrayLike | None = None,
        strata: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return the probability to survive beyond `time`: (n,), or (n, t) for several times.

        A model that was fitted with strata needs the stratum of every sample.
        """
        X, offset, strata = aligned(X=X, offset=offset, strata=strata)
        times = np.asarray(time, float)
        risk = self.predict(X, offset)
        stratum = self._known_strata(strata, risk.size)
        baseline = np.empty((risk.size, *times.shape))
        for s in np.unique(stratum):
            baseline[stratum == s] = self._baseline(self.baseline_stratum_ == s, times)
        return np.power(baseline, np.exp(risk)[(...,) + (None,) * times.ndim])

    def _baseline(self, curve: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Return baseline survival beyond times, by one stratum's part of the curve."""
        time, survival = self.baseline_time_[curve], self.baseline_survival_[curve]
        if getattr(self, "interpolated_", False):
            hazard = -np.log(np.maximum(np.append(1.0, survival), np.finfo(float).tiny))
            return np.exp(-np.interp(times, np.append(0.0, time), hazard))
        return np.append(1.0, survival)[steps_before(time, times)]

    def _known_strata(self, strata: ArrayLike | None, n: int) -> np.ndarray:
        """Return the position of every sample's stratum in `strata_`."""
        if self.strata_ is None:
            return np.zeros(n, int)
        if strata is None:
            raise InputError(f"the model has strata; give each sample one of {self.strata_.tolist()}.")
        names, codes = group_codes(strata, "strata", n)
        position = pd.Index(self.strata_).get_indexer(names)
        if (position < 0).any():
            raise InputError(
                f"strata {first_few(repr(name) for name in names[position < 0].tolist())} were not there in "
                f"training; give each sample one of {self.strata_.tolist()}."
            )
        return position[codes]

    def _strata(self, strata: ArrayLike | None, n: int) -> np.ndarray | None:
        if strata is None:
            self.strata_ = None
            return None
        names, codes = group_codes(strata, "strata", n)
        if len({isinstance(name, str) for name in names}) > 1:
            raise InputError("strata has both text and numbers; make them all text.")
        self.strata_ = np.array(names.tolist())
        return codes

    def _family(self) -> int:
        if self.ties not in ("breslow", "efron"):
            raise InputError(f"ties must be 'breslow' or 'efron', found {self.ties!r}.")
        return COX_EFRON if self.ties == "efron" else COX_BRESLOW

    def _outcome(self, y: Any) -> tuple[np.ndarray, np.ndarray]:
        found = survival_outcome(y)
        if not found.event.any():
            raise InputError(f"a Cox model needs events; there are none in {found.time.size} samples.")
        return found.event, found.span

    def _rarest(self, label: np.ndarray) -> int:
        return int(label.sum())

    def _finish(self, X: Any, y: Any, weight: np.ndarray, offset: Any, strata: Any) -> None:
        """Centre the predictor; estimate the baseline survival (Breslow 1972) of every stratum."""
        outcome = survival_outcome(y)
        event, time = outcome.event, outcome.time
        self.intercept_ -= float(np.average(self.predict(X, offset), weights=weight))
        relative = weight * np.exp(self.predict(X, offset))
        stratum = self._known_strata(strata, time.size)
        curves = []
        for s in np.unique(stratum):
            died = event & (weight > 0) & (stratum == s)
            times = np.unique(time[died])
            deaths = np.array([weight[died & (time == t)].sum() for t in times])
            at_risk = np.array([relative[outcome.at_risk(t) & (stratum == s)].sum() for t in times])
            survival = np.exp(-np.cumsum(deaths / at_risk))
            curves.append((np.full(times.size, s), times, survival))
        joined = (np.concatenate(parts) for parts in zip(*curves, strict=True))
        self.baseline_stratum_, self.baseline_time_, self.baseline_survival_ = joined


class LassoLinearCV(_Linear, CrossValidated):
    """Linear LASSO whose penalty is chosen by cross-validated squared error.

    Parameters and attributes as in `LassoLogisticCV`; `coef_` is per unit of the input. The unit of
    `y` does not matter (with `alpha=1`).

    Notes
    -----
    With `alpha` below 1 the objective is that of scikit-learn's `ElasticNet` and of R's
    `glmnet(x, y, family = gaussian())`. `glmnet(x, y)` divides `y` by its standard deviation s first, and its
    ridge penalty is s times smaller at the same `lambda`.
    """


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
    fit_intercept : bool, default=True
        Without an intercept, genes are scaled but not centred; a known intercept is an offset.
    adaptive : bool, default=False
        Adaptive LASSO (Zou 2006): penalty factors 1 / |coefficient| from a first LASSO, which every
        training set fits for itself.

    Attributes
    ----------
    classes_ : (2,) array
        The labels; probabilities and odds are those of the second.
    coef_ : (p,) array
        Log odds ratios per unit of the input.
    intercept_ : float
    scale_ : (p,) array
        Standard deviation of each gene; `coef_ * scale_` are log odds ratios per standard deviation.
    lambda_, lambda_min_, lambda_1se_ : float
        The chosen penalty, that of the smallest deviance, and the largest within one standard error.
    kkt_ : float
        Largest violation of the stationarity conditions over all genes, relative to `lambda_`.
    gap_ : float or None
        Duality gap relative to the objective, which is at most this far above its minimum; None for Cox.
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

    As `LassoLogisticCV`, with `y` a structured array or frame with `event` and `time`, and `entry` when
    samples came under observation later than at 0 (left truncation). Times that are equal but for rounding
    are tied. When no gene helps, everybody has risk 0 and the baseline survival.

    Parameters
    ----------
    n_folds, rule, alpha, n_lambda, lambda_min_ratio, penalty_factor, tolerance, random_state, adaptive
        See `LassoLogisticCV`; folds are stratified by event.
    ties : {"breslow", "efron"}, default="breslow"
        Treatment of tied event times.

    Attributes
    ----------
    coef_ : (p,) array
        Log hazard ratios per unit of the input.
    intercept_ : float
        Makes the mean training sample's log hazard 0.
    baseline_time_, baseline_survival_, baseline_stratum_ : (t,) arrays
        Event times, the survival of a sample with log hazard 0 (Breslow's estimate), and the stratum
        they belong to, as a position in `strata_`.
    strata_ : array or None
        The strata.
    interpolated_ : bool
        Only in models read from a file: the curve is known at the times of a grid, and between two of them
        the cumulative hazard rises evenly.
    scale_, kkt_, lambda_, lambdas_, cv_mean_, cv_se_, n_nonzero_, path_end_ and further
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
        adaptive: bool = False,
    ) -> None:
        self.n_folds = n_folds
        self.rule = rule
        self.alpha = alpha
        self.n_lambda = n_lambda
        self.lambda_min_ratio = lambda_min_ratio
        self.penalty_factor = penalty_factor
        self.tolerance = tolerance
        self.random_state = random_state
        self.ties = ties
        self.adaptive = adaptive


class LassoLinear(_Linear, Fixed):
    """Linear LASSO at one penalty `lambda_`; parameters and attributes as in `LassoLinearCV`."""


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
        adaptive: bool = False,
    ) -> None:
        self.lambda_ = lambda_
        self.alpha = alpha
        self.penalty_factor = penalty_factor
        self.tolerance = tolerance
        self.ties = ties
        self.adaptive = adaptive

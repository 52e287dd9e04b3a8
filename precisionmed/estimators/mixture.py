"""Two populations in one measured quantity: receptor-negative and receptor-positive tumours."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError
from precisionmed.estimators._matrix import as_matrix
from precisionmed.estimators._parameters import FRACTION, POSITIVE, check_parameters, whole

Vector = NDArray[np.float64]
BIMODAL = 1.1
"""Bimodality index above which a distribution is called bimodal (Wang et al. 2009)."""
_STARTS = (0.15, 0.3, 0.5, 0.7, 0.85)  # quantiles at which the values are split to start
_SD_FLOOR = 0.1  # of the standard deviation of all values; keeps a component from collapsing on ties
_FEWEST = 10


class _Fit(NamedTuple):
    means: Vector
    sds: Vector
    weights: Vector
    path: list[float]
    converged: bool

    def bimodality_index(self) -> float:
        pooled = np.sqrt(self.weights @ self.sds**2)
        return float(np.sqrt(self.weights.prod()) * np.diff(self.means)[0] / pooled)


class TwoComponentMixture(BaseEstimator):
    """Mixture of two normal distributions with a threshold between them.

    Expectation-maximization from five fixed starts. Of the local maxima whose posteriors cross between
    the means and whose smaller component has at least `min_weight`, the one with the highest
    bimodality index is kept: the highest likelihood often describes the long tail of one population
    by a second component rather than two populations. When no such maximum is bimodal (index below
    1.1), both components share one variance, which is the sturdier model.
    The posterior is that of the model up to the point where unequal variances would turn it back (a
    very high value is never called low again).

    Parameters
    ----------
    min_weight : float, default=0.05
        Smallest weight of a component; smaller ones are outliers rather than a population.
    tol : float, default=1e-9
        Stop when the mean log-likelihood gains less than this.
    max_iter : int, default=5000
        Most iterations for each start.

    Attributes
    ----------
    means_, sds_, weights_ : ndarray of shape (2,)
        Of the low and the high component.
    threshold_ : float
        Where both are equally probable; values above are called high.
    bimodality_index_ : float
        `sqrt(w0 w1) (m1 - m0) / s`, with `s` the pooled standard deviation (Wang et al., Cancer
        Informatics 2009;7:199); above 1.1 (`BIMODAL`) a distribution is called bimodal.
    log_likelihood_ : float
        Of the fitted values.
    log_likelihood_path_ : ndarray
        After each iteration; never falls.
    equal_variances_ : bool
        Whether both components share one variance.
    converged_ : bool
    n_samples_ : int
        Values that were not missing.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.r_[np.linspace(-1, 1, 30), np.linspace(5, 7, 10)]
    >>> TwoComponentMixture().fit(values).predict([0.0, 6.5])
    array([0., 1.])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "min_weight": [FRACTION],
        "tol": [POSITIVE],
        "max_iter": [whole(1)],
    }

    def __init__(self, min_weight: float = 0.05, tol: float = 1e-9, max_iter: int = 5000) -> None:
        self.min_weight = min_weight
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Fit the mixture.

        Parameters
        ----------
        X : array-like of shape (n,) or (n, 1)
            Values; NaN is missing.
        y : ignored

        Raises
        ------
        InputError
            Fewer than 10 values, or all are the same.
        """
        check_parameters(self)
        values = _column(X)
        values = values[~np.isnan(values)]
        if values.size < _FEWEST or np.ptp(values) == 0:
            raise InputError(
                f"a mixture needs at least {_FEWEST} values that differ, found {values.size} "
                f"({len(np.unique(values))} distinct)."
            )
        unequal = self._best(values, equal=False)
        self.equal_variances_ = unequal is None or unequal.bimodality_index() < BIMODAL
        best = unequal
        if best is None or self.equal_variances_:
            best = self._best(values, equal=True) or self._run(values, 0.5, equal=True)
        self.means_, self.sds_, self.weights_ = best.means, best.sds, best.weights
        self.log_likelihood_path_ = np.array(best.path)
        self.log_likelihood_, self.converged_ = best.path[-1], best.converged
        self.threshold_ = float(np.clip(_crossing(best), *best.means))
        self.bimodality_index_ = best.bimodality_index()
        self.n_samples_ = int(values.size)
        return self

    def predict_proba(self, X: ArrayLike) -> Vector:
        """Return the posterior of the low and the high component, shape (n, 2); NaN where missing."""
        check_is_fitted(self)
        values = _column(X)
        fit = _Fit(self.means_, self.sds_, self.weights_, [], True)
        a, b, _ = _odds(fit)
        if a != 0:
            # Beyond the vertex of the quadratic log odds the posterior would turn back.
            vertex = -b / (2 * a)
            values = np.minimum(values, vertex) if a < 0 else np.maximum(values, vertex)
        high = expit(_log_odds(fit, values))
        return np.column_stack([1 - high, high])

    def predict(self, X: ArrayLike) -> Vector:
        """Return 1 for values above the threshold, 0 for others, NaN for missing ones, shape (n,)."""
        check_is_fitted(self)
        values = _column(X)
        return np.where(np.isnan(values), np.nan, (values > self.threshold_).astype(float))

    def _best(self, values: Vector, equal: bool) -> _Fit | None:
        fits = [self._run(values, start, equal) for start in _STARTS]
        valid = [f for f in fits if f.weights.min() >= self.min_weight and _separates(f)]
        return max(valid, key=_Fit.bimodality_index, default=None)

    def _run(self, values: Vector, start: float, equal: bool) -> _Fit:
        low = values <= np.quantile(values, start)
        if low.all():  # ties at the top
            low = values < values.max()
        posterior = np.column_stack([low, ~low]).astype(float)
        floor = _SD_FLOOR * values.std()
        path: list[float] = []
        converged = False
        while len(path) < self.max_iter and not converged:
            means, sds, weights = _maximize(values, posterior, floor, equal)
            log_joint = np.log(weights) - np.log(sds) - 0.5 * ((values[:, None] - means) / sds) ** 2
            log_density = np.logaddexp(log_joint[:, 0], log_joint[:, 1])
            posterior = np.exp(log_joint - log_density[:, None])
            path.append(float(log_density.sum() - 0.5 * values.size * np.log(2 * np.pi)))
            converged = len(path) > 1 and path[-1] - path[-2] < self.tol * values.size
        order = np.argsort(means)
        return _Fit(means[order], sds[order], weights[order], path, converged)


def _column(X: ArrayLike) -> Vector:
    shape = np.shape(X)
    if len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
        raise InputError(f"a mixture takes one column of values, found shape {shape}.")
    given = X.to_frame() if isinstance(X, pd.Series) else X
    return as_matrix(given if np.ndim(given) == 2 else np.asarray(given)[:, None])[:, 0]


def _maximize(values: Vector, posterior: Vector, floor: float, equal: bool) -> tuple[Vector, Vector, Vector]:
    """Return means, standard deviations and weights that maximize the expected log-likelihood.

    A variance below the floor is raised to it, which maximizes under that constraint.
    """
    total = np.maximum(posterior.sum(axis=0), 1e-300)
    means = values @ posterior / total
    squares = (posterior * (values[:, None] - means) ** 2).sum(axis=0)
    variances = np.full(2, squares.sum() / values.size) if equal else squares / total
    return means, np.sqrt(np.maximum(variances, floor**2)), total / values.size


def _odds(fit: _Fit) -> tuple[float, float, float]:
    """Return a, b, c of the log odds of high against low, `a x^2 + b x + c`."""
    (m0, m1), (s0, s1), (w0, w1) = fit.means, fit.sds, fit.weights
    a = 0.5 / s0**2 - 0.5 / s1**2
    b = m1 / s1**2 - m0 / s0**2
    c = 0.5 * (m0 / s0) ** 2 - 0.5 * (m1 / s1) ** 2 + np.log(w1 / w0) - np.log(s1 / s0)
    return float(a), float(b), float(c)


def _log_odds(fit: _Fit, x: ArrayLike) -> Vector:
    (m0, m1), (s0, s1), (w0, w1) = fit.means, fit.sds, fit.weights
    x = np.asarray(x, dtype=float)
    return 0.5 * ((x - m0) / s0) ** 2 - 0.5 * ((x - m1) / s1) ** 2 + np.log(w1 / w0) - np.log(s1 / s0)


def _separates(fit: _Fit) -> bool:
    """Whether low is more probable at the lower mean and high at the higher: they cross between."""
    low, high = _log_odds(fit, fit.means)
    return bool(low < 0 < high)


def _crossing(fit: _Fit) -> float:
    """Return where the log odds rise through zero; NaN-free because callers clip it to the means."""
    a, b, c = _odds(fit)
    root = np.sqrt(max(b**2 - 4 * a * c, 0.0))
    # The rising branch is the root 2c / (-b - root) for b > 0, which also holds when a is 0.
    return 2 * c / (-b - root) if b + root > 0 else -b / (2 * a)

"""Cox model by Firth's penalized likelihood: finite where covariates separate the events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from precisionmed.errors import warn
from precisionmed.estimators._cox_likelihood import Maximum, RiskSets, event_moments
from precisionmed.estimators.cox import CoxModel

_MAX_STEPS = 200
_TOLERANCE = 1e-10
_FARTHEST = 50.0
"""Standardized coefficient beyond which an end of an interval is called infinite."""


class CoxFirth(CoxModel):
    """Cox model by the partial likelihood penalized with Jeffreys' prior.

    Every coefficient is finite, also that of a level without an event. Intervals and p are of the profile
    penalized likelihood, as R's coxphf has them; Wald's do not hold under separation.

    Parameters
    ----------
    ties, level
        As in `CoxModel`.
    intervals : bool
        Whether the profiles are computed; the coefficients alone are faster.

    Attributes
    ----------
    loglik_ : array (2,)
        Penalized log-likelihood of the empty model and of this one, up to a constant that both share.
    profile_ : DataFrame
        `lower`, `upper` (log hazard ratios) and `p` of each covariate; NaN without `intervals`.

    Others as in `CoxModel`.

    References
    ----------
    Firth, Biometrika 80:27 (1993); Heinze and Schemper, Biometrics 57:114 (2001).
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CoxModel._parameter_constraints,
        "intervals": ["boolean"],
    }

    def __init__(self, ties: str = "efron", level: float = 0.95, intervals: bool = True):
        super().__init__(ties, level)
        self.intervals = intervals

    def _maximum(self, X: np.ndarray, sets: RiskSets, scale: np.ndarray) -> Maximum:
        p = X.shape[1]
        best = _maximize(X, sets, np.zeros(p), np.ones(p, dtype=bool))
        cut = stats.chi2.ppf(self.level, 1) / 2
        rows = []
        for j in range(p if self.intervals else 0):
            free = np.arange(p) != j
            ends = [_end(X, sets, best, free, cut, side) / scale[j] for side in (-1.0, 1.0)]
            without = _maximize(X, sets, np.where(free, best.beta, 0.0), free).loglik
            rows.append((*ends, stats.chi2.sf(max(2 * (best.loglik - without), 0.0), 1)))
        profile = pd.DataFrame(np.nan, index=self.feature_names_, columns=["lower", "upper", "p"])
        if self.intervals:
            profile[self.kept_] = np.array(rows).reshape(p, 3)
        self.profile_ = profile
        return replace(best, null_loglik=_penalized(X, np.zeros(p), sets)[0])

    @property
    def summary_(self) -> pd.DataFrame:
        """As of `CoxModel`, with `lower`, `upper` and `p` of the profile penalized likelihood."""
        table = super().summary_
        with np.errstate(over="ignore"):
            ends = np.exp(self.profile_[["lower", "upper"]].to_numpy())
        return table.assign(lower=ends[:, 0], upper=ends[:, 1], p=self.profile_["p"].to_numpy())


def fit_cox(X: pd.DataFrame, y: Any) -> CoxModel:
    """Fit a Cox model to predict; by Firth's penalized likelihood where a covariate separates the events."""
    model = CoxModel().fit(X, y)
    if not model.infinite_.any():
        return model
    warn("Cox model: it is fitted by Firth's penalized likelihood.")
    return CoxFirth(intervals=False).fit(X, y)


def _penalized(X: np.ndarray, beta: np.ndarray, sets: RiskSets) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the penalized log-likelihood, its score and the information.

    The penalty's derivative needs third central moments of the covariates at risk, contracted with the
    inverse information: with q = x'Ax, m the mean and C the covariance at risk they are
    E[q x] - E[q] m - 2 C A m, summed over the events.
    """
    moments = event_moments(X, beta, sets)
    information = moments.covariance.sum(axis=0)
    inverse = np.linalg.inv(information)
    Z = X[sets.order]
    eta = Z @ beta
    weight = np.exp(eta - eta.max())
    total = sets.totals(weight)[:, None]
    mean = Z[sets.events] - moments.residual
    quadratic = np.einsum("ij,jk,ik->i", Z, inverse, Z)[:, None] * weight[:, None]
    third = sets.totals(quadratic * Z) / total - sets.totals(quadratic) / total * mean
    third -= 2 * np.einsum("eij,ej->ei", moments.covariance, mean @ inverse)
    loglik = moments.loglik + float(np.linalg.slogdet(information)[1]) / 2
    return loglik, moments.residual.sum(axis=0) + third.sum(axis=0) / 2, information


def _maximize(X: np.ndarray, sets: RiskSets, beta: np.ndarray, free: np.ndarray) -> Maximum:
    """Maximize over the free coefficients by steps of the information, halved until the likelihood rises."""
    fitted = _penalized(X, beta, sets)
    for _ in range(_MAX_STEPS if free.any() else 0):
        loglik, score, information = fitted
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        if np.abs(step).max() <= _TOLERANCE:
            break
        step *= min(1.0, 2.0 / np.abs(step).max())
        fitted = _penalized(X, beta + step, sets)
        while not fitted[0] >= loglik - 1e-12 * abs(loglik):
            step /= 2
            fitted = _penalized(X, beta + step, sets)
        # The information leaves out how the penalty bends: a step too far goes back to where the slope is 0.
        before, after = score @ step, fitted[1] @ step
        if after < -0.1 * before:
            step *= before / (before - after)
            fitted = _penalized(X, beta + step, sets)
        beta = beta + step
    return Maximum(beta, fitted[2], fitted[0], np.nan, np.zeros(beta.size, dtype=bool))


def _end(X: np.ndarray, sets: RiskSets, best: Maximum, free: np.ndarray, cut: float, side: float) -> float:
    """Return where the profile penalized likelihood of the one fixed coefficient has fallen by `cut`."""
    start, at = float(best.beta[~free][0]), best.beta

    def gap(value: float) -> float:
        nonlocal at
        at = _maximize(X, sets, np.where(free, at, value), free).beta
        return best.loglik - _penalized(X, at, sets)[0] - cut

    reach = 1.0
    while gap(start + side * reach) < 0:
        reach *= 2
        if reach > _FARTHEST:
            return side * np.inf
    return float(brentq(gap, start, start + side * reach, xtol=1e-9))

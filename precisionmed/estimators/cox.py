"""Cox proportional-hazards models of a few covariates together; of every gene alone: see `screen`."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy import stats
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError, first_few, warn
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._cox_likelihood import (
    Maximum,
    RiskSets,
    baseline_hazard,
    independent_columns,
    interaction_with_time,
    maximize,
)
from precisionmed.estimators._outcome import outcome_with_events, steps_before
from precisionmed.estimators._parameters import LEVEL, TIES, check_parameters
from precisionmed.estimators._survival_score import SurvivalScore
from precisionmed.estimators._vectors import checked_level
from precisionmed.estimators.kaplan_meier import survival_curve


class CoxModel(SurvivalScore, BaseEstimator):
    """Cox model of a few covariates, by Newton's method.

    Constant covariates, and those that are a combination of earlier ones, are dropped with a warning
    (coefficient 0). A covariate with no finite estimate (every event on one side) is told with a warning:
    its coefficient is shown as infinite, and only a likelihood-ratio test can judge it.

    Parameters
    ----------
    ties : {"efron", "breslow"}
        Treatment of tied event times.
    level : float
        Level of the confidence intervals in `summary_`.

    Attributes
    ----------
    coef_ : array (p,)
        Log hazard ratio per unit, 0 for dropped covariates.
    covariance_ : array (p, p)
        Inverse information; NaN for dropped covariates and where there is no finite estimate.
    means_ : array (p,)
        Means that the log risk is centred at.
    kept_, infinite_ : bool array (p,)
        Covariates in the model; those without finite estimate.
    loglik_ : array (2,)
        Log partial likelihood of the empty model and of this one.
    baseline_time_, baseline_hazard_ : array
        Event times and cumulative hazard at log risk 0 (Breslow's estimate, ties as in the fit).

    References
    ----------
    Cox, J R Stat Soc B 34:187 (1972); Efron, J Am Stat Assoc 72:557 (1977).
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"ties": [TIES], "level": [LEVEL]}

    def __init__(self, ties: str = "efron", level: float = 0.95):
        self.ties = ties
        self.level = level

    def fit(self, X: pd.DataFrame | np.ndarray, y: Any) -> CoxModel:
        """Fit the model.

        Parameters
        ----------
        X : DataFrame or array (n_samples, p)
            Numeric covariates without missing values.
        y : structured array or DataFrame
            `event` and `time`, and `entry` when samples came under observation later than at 0 (left
            truncation): they are at risk after that only. Times that are equal but for rounding are tied.

        Raises
        ------
        InputError
            Missing values, no events, fewer than two samples, or an outcome that is none.
        """
        checked_level(self.level)
        check_parameters(self)
        X, y = aligned(X=X, y=y)
        values, names = _covariates(X)
        outcome = outcome_with_events(y, len(values))
        self.feature_names_ = names
        self.n_events_ = int(outcome.event.sum())
        self.means_ = values.mean(axis=0)
        centred = values - self.means_
        sets = RiskSets.of(outcome, self.ties)
        self.kept_ = independent_columns(values[sets.order])
        if not self.kept_.all():
            dropped = np.array(names)[~self.kept_]
            warn(f"Cox model: {first_few(dropped)} dropped: constant, or a combination of other covariates.")
        scale = centred[sets.order][:, self.kept_].std(axis=0)
        self._store(self._maximum(centred[:, self.kept_] / scale, sets, scale), scale)
        self.baseline_time_, self.baseline_hazard_ = baseline_hazard(centred @ self.coef_, sets)
        if self.infinite_.any():
            infinite = np.array(names)[self.infinite_]
            warn(f"Cox model: {first_few(infinite)} separates the events: no finite coefficient fits best.")
        return self

    def _maximum(self, X: np.ndarray, sets: RiskSets, scale: np.ndarray) -> Maximum:
        """Fit standardized, linearly independent covariates; `scale` are their standard deviations."""
        return maximize(X, sets)

    def _store(self, fit: Maximum, scale: np.ndarray) -> None:
        p, kept = self.kept_.size, np.flatnonzero(self.kept_)
        self.coef_, self.infinite_ = np.zeros(p), np.zeros(p, dtype=bool)
        self.coef_[kept] = fit.beta / scale
        self.infinite_[kept] = fit.runaway
        # A coefficient without finite estimate is held where it is; the others keep their errors.
        finite = ~fit.runaway
        inverse = np.linalg.inv(fit.information[np.ix_(finite, finite)])
        self.covariance_ = np.full((p, p), np.nan)
        self.covariance_[np.ix_(kept[finite], kept[finite])] = inverse / np.outer(
            scale[finite], scale[finite]
        )
        self.loglik_ = np.array([fit.null_loglik, fit.loglik])

    @property
    def summary_(self) -> pd.DataFrame:
        """One row a covariate: `coefficient`, `se`, `hazard_ratio`, `lower`, `upper`, `z`, `p` (Wald)."""
        check_is_fitted(self)
        coefficient = np.where(self.infinite_, np.copysign(np.inf, self.coef_), self.coef_)
        coefficient = np.where(self.kept_, coefficient, np.nan)
        with np.errstate(invalid="ignore", over="ignore"):
            se = np.sqrt(np.diag(self.covariance_))
            z = coefficient / se
            width = stats.norm.ppf(0.5 + checked_level(self.level) / 2) * se
            return pd.DataFrame(
                {
                    "coefficient": coefficient,
                    "se": se,
                    "hazard_ratio": np.exp(coefficient),
                    "lower": np.exp(coefficient - width),
                    "upper": np.exp(coefficient + width),
                    "z": z,
                    "p": 2 * stats.norm.sf(np.abs(z)),
                },
                index=pd.Index(self.feature_names_, name="covariate"),
            )

    def predict(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Return the log risk (n_samples,), relative to a sample with mean covariates."""
        check_is_fitted(self)
        values, _ = _covariates(X, self.feature_names_)
        return (values - self.means_) @ self.coef_

    def predict_survival(self, X: pd.DataFrame | np.ndarray, time: float | np.ndarray) -> np.ndarray:
        """Return the probability to survive beyond `time`: (n_samples,), or (n_samples, n_times)."""
        risk = np.exp(self.predict(X))
        times = np.asarray(time, dtype=float)
        steps = np.concatenate([[0.0], self.baseline_hazard_])
        hazard = steps[steps_before(self.baseline_time_, times)]
        return np.exp(-risk * hazard) if times.ndim == 0 else np.exp(-np.outer(risk, hazard))

    def proportional_hazards(self, X: pd.DataFrame | np.ndarray, y: Any) -> pd.DataFrame:
        """Test whether the effects change over time, on the data of the fit.

        Score test of an interaction of each covariate with 1 - S(t-), the Kaplan-Meier estimate just
        before the event; as `cox.zph(transform="km", terms=FALSE)` of R's survival 3.

        Returns
        -------
        DataFrame
            Indexed by covariate and finally `GLOBAL`: `statistic` (chi-square), `df`, `p`.

        References
        ----------
        Grambsch and Therneau, Biometrika 81:515 (1994).
        """
        check_is_fitted(self)
        X, y = aligned(X=X, y=y)
        values, names = _covariates(X, self.feature_names_)
        outcome = outcome_with_events(y, len(values))
        used = np.flatnonzero(self.kept_ & ~self.infinite_)
        sets = RiskSets.of(outcome, self.ties)
        centred = values - self.means_
        # Standardizing leaves the statistics as they are, and keeps the equations well conditioned.
        scale = np.where(self.kept_, centred.std(axis=0), 1.0)
        curve = survival_curve(outcome)
        before = np.searchsorted(curve["time"].to_numpy(), sets.time, side="left")
        clock = 1 - np.append(1.0, curve["survival"].to_numpy())[before]
        statistic, total = interaction_with_time(centred / scale, self.coef_ * scale, sets, clock, used)
        table = pd.DataFrame(
            {"statistic": [*statistic, total], "df": [1] * used.size + [used.size]},
            index=pd.Index([*np.array(names, dtype=object)[used], "GLOBAL"], name="covariate"),
        )
        table["p"] = stats.chi2.sf(table["statistic"], table["df"])
        return table


def _covariates(
    X: pd.DataFrame | np.ndarray, expected: list[str] | None = None
) -> tuple[np.ndarray, list[str]]:
    """Return covariates (n_samples, p), those of the fit if there was one, and their names."""
    if issparse(X):
        raise InputError("sparse input is not supported; make it dense with X.toarray().")
    if np.shape(X)[:1] == (0,):
        raise InputError("there are no samples: X has no rows.")
    if isinstance(X, pd.DataFrame):
        names = [str(name) for name in X.columns]
        twice = X.columns[X.columns.duplicated()]
        if len(twice):
            raise InputError(f"covariates have the same name: {first_few(twice.unique())}; rename them.")
        absent = [name for name in expected or [] if name not in names]
        if absent:
            raise InputError(f"covariates missing for prediction: {first_few(absent)}.")
        if expected:
            X, names = X.iloc[:, [names.index(name) for name in expected]], expected
    else:
        shape = np.shape(X)
        if len(shape) != 2 or (expected is not None and shape[1] != len(expected)):
            wanted = (
                "covariates" if expected is None else f"{len(expected)} covariates ({first_few(expected)})"
            )
            raise InputError(f"X must have samples in rows and {wanted} in columns, found shape {shape}.")
        names = expected or [f"x{j}" for j in range(shape[1])]
    try:
        if any(
            kind.kind in "mMc"
            for kind in (X.dtypes if isinstance(X, pd.DataFrame) else [np.asarray(X).dtype])
        ):
            raise TypeError
        values = np.asarray(X, dtype=float)
    except (TypeError, ValueError):
        raise InputError("covariates must be numbers; encode categories as 0 and 1 first.") from None
    unknown = ~np.isfinite(values).all(axis=0)
    if unknown.any():
        raise InputError(
            f"missing or infinite values in {first_few(np.array(names)[unknown])}; impute them first."
        )
    return values, names

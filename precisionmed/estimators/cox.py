"""Cox proportional-hazards models: a few covariates together, or every gene alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError, first_few, warn
from precisionmed.estimators._cox_likelihood import (
    Maximum,
    RiskSets,
    baseline_hazard,
    independent_columns,
    interaction_with_time,
    maximize,
)
from precisionmed.estimators._outcome import survival_arrays
from precisionmed.estimators._screen_table import false_discovery_rate, gene_columns, ratio_columns
from precisionmed.estimators.kaplan_meier import kaplan_meier, survival_at
from precisionmed.kernels.cox_screen import cox_screen
from precisionmed.kernels.lanes import CONVERGED, DIVERGED


class CoxModel(BaseEstimator):
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
            `event` and `time`.

        Raises
        ------
        InputError
            Missing values, no events, fewer than two samples, or an outcome that is none.
        """
        values, names = _covariates(X)
        time, event = _outcome(y, len(values))
        self.feature_names_ = names
        self.n_events_ = int(event.sum())
        self.means_ = values.mean(axis=0)
        centred = values - self.means_
        sets = RiskSets.of(time, event, _checked_ties(self.ties))
        informative = centred[sets.order]
        self.kept_ = independent_columns(informative)
        if not self.kept_.all():
            dropped = np.array(names)[~self.kept_]
            warn(f"Cox model: {first_few(dropped)} dropped: constant, or a combination of other covariates.")
        scale = informative[:, self.kept_].std(axis=0)
        self._store(maximize(centred[:, self.kept_] / scale, sets), scale)
        self.baseline_time_, self.baseline_hazard_ = baseline_hazard(centred @ self.coef_, sets)
        if self.infinite_.any():
            infinite = np.array(names)[self.infinite_]
            warn(f"Cox model: {first_few(infinite)} separates the events: no finite coefficient fits best.")
        return self

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
            width = stats.norm.ppf(0.5 + self.level / 2) * se
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
        hazard = steps[np.searchsorted(self.baseline_time_, times, side="right")]
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
        values, names = _covariates(X, self.feature_names_)
        time, event = _outcome(y, len(values))
        used = np.flatnonzero(self.kept_ & ~self.infinite_)
        sets = RiskSets.of(time, event, self.ties)
        centred = values - self.means_
        # Standardizing leaves the statistics as they are, and keeps the equations well conditioned.
        scale = np.where(self.kept_, centred.std(axis=0), 1.0)
        clock = 1 - survival_at(kaplan_meier(time, event), np.nextafter(sets.time, -np.inf))
        statistic, total = interaction_with_time(centred / scale, self.coef_ * scale, sets, clock, used)
        table = pd.DataFrame(
            {"statistic": [*statistic, total], "df": [1] * used.size + [used.size]},
            index=pd.Index([*np.array(names, dtype=object)[used], "GLOBAL"], name="covariate"),
        )
        table["p"] = stats.chi2.sf(table["statistic"], table["df"])
        return table


class CoxScreen(BaseEstimator):
    """Univariate Cox model of every gene.

    Parameters
    ----------
    ties : {"efron", "breslow"}
        Treatment of tied event times.
    level : float
        Level of the Wald intervals.

    Attributes
    ----------
    coef_, se_, statistic_, p_, fdr_ : array (n_genes,)
        Log hazard ratio per unit, its standard error, Wald z and p, and Benjamini-Hochberg FDR. A gene
        without spread, or with missing values, has NaN. One that separates the events has an infinite
        coefficient, and the score test's p and signed root.
    spread_ : array (n_genes,)
        Standard deviation of each gene.
    table_ : DataFrame
        One row a gene: `gene`, `coefficient`, `se`, `statistic`, `p`, `fdr`, and the hazard `ratio` per
        standard deviation with `lower` and `upper`.

    References
    ----------
    Cox, J R Stat Soc B 34:187 (1972); Efron, J Am Stat Assoc 72:557 (1977).
    """

    def __init__(self, ties: str = "efron", level: float = 0.95):
        self.ties = ties
        self.level = level

    def fit(self, X: pd.DataFrame | np.ndarray, y: Any) -> CoxScreen:
        """Fit one model a gene.

        Parameters
        ----------
        X : DataFrame or array (n_samples, n_genes)
        y : structured array or DataFrame
            `event` and `time`.

        Raises
        ------
        InputError
            No events, fewer than two samples, or an outcome that is none.
        """
        time, event = _outcome(y, len(X))
        values, self.feature_names_ = gene_columns(X, time.size)
        rows, stop, n_events = _risk_sets(time, event)
        efron = _checked_ties(self.ties) == "efron"
        coef, se, score, spread, status = cox_screen(values, rows, stop, n_events, efron)
        diverged = status == DIVERGED
        fitted = diverged | (status == CONVERGED)
        self.coef_ = np.where(diverged, np.copysign(np.inf, coef), np.where(fitted, coef, np.nan))
        self.se_ = np.where(fitted & ~diverged, se, np.nan)
        self.spread_ = spread
        with np.errstate(invalid="ignore"):
            wald = self.coef_ / self.se_
        self.statistic_ = np.where(diverged, np.copysign(np.sqrt(score), coef), wald)
        self.p_ = 2 * stats.norm.sf(np.abs(self.statistic_))
        self.fdr_ = false_discovery_rate(self.p_)
        return self

    @property
    def table_(self) -> pd.DataFrame:
        """One row a gene."""
        check_is_fitted(self)
        columns = {
            "gene": self.feature_names_,
            "coefficient": self.coef_,
            "se": self.se_,
            "statistic": self.statistic_,
            "p": self.p_,
            "fdr": self.fdr_,
            **ratio_columns(self.coef_, self.se_, self.spread_, self.level),
        }
        return pd.DataFrame(columns)


def _risk_sets(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return samples by decreasing time with events last, where each time stops, and its number of events."""
    order = np.lexsort((event, -time))
    order = order[time[order] >= time[event].min()]  # who left before the first event is in no risk set
    stop = np.append(np.flatnonzero(np.diff(time[order])) + 1, order.size)
    return order, stop, np.add.reduceat(event[order].astype(int), np.append(0, stop[:-1]))


def _covariates(
    X: pd.DataFrame | np.ndarray, expected: list[str] | None = None
) -> tuple[np.ndarray, list[str]]:
    if isinstance(X, pd.DataFrame):
        absent = [name for name in expected or [] if name not in X.columns]
        if absent:
            raise InputError(f"covariates missing for prediction: {first_few(absent)}.")
        X = X[expected] if expected else X
        names = [str(name) for name in X.columns]
    else:
        names = expected or [f"x{j}" for j in range(np.shape(X)[1])]
    values = np.asarray(X, dtype=float)
    unknown = ~np.isfinite(values).all(axis=0)
    if unknown.any():
        raise InputError(
            f"missing or infinite values in {first_few(np.array(names)[unknown])}; impute them first."
        )
    return values, names


def _outcome(y: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    event, time = survival_arrays(y)
    if time.size != n_samples:
        raise InputError(f"{n_samples} samples but {time.size} outcomes; give one outcome a sample.")
    if n_samples < 2 or not event.any():
        raise InputError(f"a Cox model needs events; there are {int(event.sum())} in {n_samples} samples.")
    return time, event


def _checked_ties(ties: str) -> str:
    if ties not in ("efron", "breslow"):
        raise InputError(f"ties must be 'efron' or 'breslow', not {ties!r}.")
    return ties

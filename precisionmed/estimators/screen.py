"""Every gene alone against an outcome: logistic and Cox regression, and moderated t.

A screen is one call for all genes, and its `table_` has one row a gene: `gene`, `coefficient`, `se`,
`statistic`, `p`, `fdr`. Where the coefficient is a log odds or hazard ratio there are `ratio`, `lower` and
`upper` as well. `coefficient` and `se` are per unit of expression, `ratio` and its interval per standard
deviation of the gene. A gene without spread, or with missing values, has NaN and does not count for the FDR.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._cox_likelihood import at_risk_at_an_event
from precisionmed.estimators._design import covariate_columns, learn_covariates
from precisionmed.estimators._moderated import moderated_coefficient
from precisionmed.estimators._outcome import FollowUp, outcome_with_events
from precisionmed.estimators._parameters import LEVEL, TIES, check_parameters
from precisionmed.estimators._screen_table import (
    Screen,
    false_discovery_rate,
    gene_columns,
    ratio_columns,
    two_classes,
)
from precisionmed.estimators._vectors import checked_level
from precisionmed.kernels.cox_screen import cox_screen
from precisionmed.kernels.lanes import CONVERGED, DIVERGED
from precisionmed.kernels.logistic_screen import logistic_screen


class LogisticScreen(Screen):
    """Univariate logistic regression of a 0/1 label on every gene.

    `p` is that of the likelihood-ratio test and `statistic` its signed root, which is normal when the gene
    says nothing. The Wald test (`wald_p`) loses its power for the strongest genes (Hauck and Donner, J Am
    Stat Assoc 72:851, 1977). A gene that separates the classes, entirely or but for ties at one value, has an
    infinite coefficient, neither standard error nor interval, and the likelihood ratio to the limit that the
    likelihood approaches.

    Parameters
    ----------
    level : float
        Level of the Wald intervals.

    Attributes
    ----------
    coef_, se_, statistic_, p_, fdr_, wald_p_ : array (n_genes,)
    spread_ : array (n_genes,)
        Standard deviation of each gene.
    table_ : DataFrame
        See the module; `ratio` is the odds ratio, and `wald_p` the last column.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"level": [LEVEL]}

    def __init__(self, level: float = 0.95) -> None:
        self.level = level

    def fit(self, X: pd.DataFrame | np.ndarray, y: ArrayLike) -> Self:
        """Fit one model a gene.

        Parameters
        ----------
        X : DataFrame or array (n_samples, n_genes)
        y : array (n_samples,)
            0 and 1.

        Raises
        ------
        InputError
            The label is not 0 and 1, one of them is absent, or there is another number of samples in X.
        """
        checked_level(self.level)
        check_parameters(self)
        X, y = aligned(X=X, y=y)
        label = two_classes(y)
        values, self.feature_names_ = gene_columns(X, label.size)
        cases = int(label.sum())
        order = np.argsort(~label, kind="stable")
        coef, se, loss, spread, status = logistic_screen(values, order, cases)
        separated = status == DIVERGED
        fitted = separated | (status == CONVERGED)
        self.coef_ = np.where(separated, np.copysign(np.inf, coef), np.where(fitted, coef, np.nan))
        self.se_ = np.where(fitted & ~separated, se, np.nan)
        self.spread_ = spread
        null_loss = -cases * np.log(cases / label.size) - (label.size - cases) * np.log1p(-cases / label.size)
        ratio = np.where(fitted, 2 * np.maximum(null_loss - loss, 0.0), np.nan)
        self.statistic_ = np.copysign(np.sqrt(ratio), self.coef_)
        self.p_ = stats.chi2.sf(ratio, 1)
        self.fdr_ = false_discovery_rate(self.p_)
        self.wald_p_ = 2 * stats.norm.sf(np.abs(np.where(separated, np.nan, self.coef_) / self.se_))
        return self

    def _more_columns(self) -> dict[str, np.ndarray]:
        ratios = ratio_columns(self.coef_, self.se_, self.spread_, self.level)
        return ratios | {"wald_p": self.wald_p_}


class CoxScreen(Screen):
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
        See the module; `ratio` is the hazard ratio.

    References
    ----------
    Cox, J R Stat Soc B 34:187 (1972); Efron, J Am Stat Assoc 72:557 (1977).
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"ties": [TIES], "level": [LEVEL]}

    def __init__(self, ties: str = "efron", level: float = 0.95) -> None:
        self.ties = ties
        self.level = level

    def fit(self, X: pd.DataFrame | np.ndarray, y: Any) -> Self:
        """Fit one model a gene.

        Parameters
        ----------
        X : DataFrame or array (n_samples, n_genes)
        y : structured array or DataFrame
            `event` and `time`, and `entry` when samples came under observation later than at 0.

        Raises
        ------
        InputError
            No events, fewer than two samples, or an outcome that is none.
        """
        checked_level(self.level)
        check_parameters(self)
        X, y = aligned(X=X, y=y)
        outcome = outcome_with_events(y, np.shape(X)[0])
        values, self.feature_names_ = gene_columns(X, outcome.time.size)
        rows, stop, n_events, late, n_late = _risk_sets(outcome)
        coef, se, score, spread, status = cox_screen(
            values, rows, stop, n_events, late, n_late, self.ties == "efron"
        )
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

    def _more_columns(self) -> dict[str, np.ndarray]:
        return ratio_columns(self.coef_, self.se_, self.spread_, self.level)


class ModeratedScreen(Screen):
    """Moderated t-test of every gene between the samples labelled 1 and 0, adjusted for covariates if given.

    The variance of a gene is shrunk towards what is usual among all genes (Smyth, Stat Appl Genet Mol Biol
    3:3, 2004), as by `lmFit` and `eBayes` of R's limma.

    Attributes
    ----------
    coef_, se_, statistic_, p_, fdr_ : array (n_genes,)
        Mean difference (a log fold change, on log-scale values), its standard error with the shrunken
        variance, t, two-sided p and FDR.
    df_ : float
        Degrees of freedom of t.
    table_ : DataFrame
        See the module.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    def fit(
        self, X: pd.DataFrame | np.ndarray, y: ArrayLike, covariates: pd.DataFrame | ArrayLike | None = None
    ) -> Self:
        """Test every gene.

        Parameters
        ----------
        X : DataFrame or array (n_samples, n_genes)
            Log-scale values.
        y : array (n_samples,)
            0 and 1.
        covariates : DataFrame, optional
            Complete: numbers as they are, categories by indicators.

        Raises
        ------
        InputError
            The label is not 0 and 1, it is determined by the covariates, or there are too few samples.
        """
        X, y, covariates = aligned(X=X, y=y, covariates=covariates)
        label = two_classes(y)
        values, self.feature_names_ = gene_columns(X, label.size)
        others = covariate_columns(learn_covariates(covariates, label.size), covariates, label.size)
        design = np.column_stack([np.ones(label.size), others, label])
        if np.linalg.matrix_rank(design) < design.shape[1]:
            raise InputError("the covariates determine the label (or each other): leave one of them out.")
        if label.size <= design.shape[1]:
            raise InputError(f"{label.size} samples are too few for {design.shape[1]} coefficients.")
        low, high = values.min(axis=0), values.max(axis=0)
        tested = np.isfinite(low) & np.isfinite(high) & (low < high)
        found = np.full((4, tested.size), np.nan)
        self.df_ = np.nan
        if tested.any():
            *columns, self.df_ = moderated_coefficient(values if tested.all() else values[:, tested], design)
            found[:, tested] = columns
        self.coef_, self.se_, self.statistic_, self.p_ = found
        self.fdr_ = false_discovery_rate(self.p_)
        return self


def _risk_sets(outcome: FollowUp) -> tuple[np.ndarray, ...]:
    """Return how `cox_screen` wants the samples: `rows`, `stop`, `n_events`, `late` and `n_late`."""
    event = outcome.event
    order = np.lexsort((event, -outcome.time))
    order = order[at_risk_at_an_event(outcome)[order]]
    time = outcome.time[order]
    stop = np.append(np.flatnonzero(np.diff(time)) + 1, order.size)
    start = np.append(0, stop[:-1])
    late, n_late = np.empty(0, int), np.zeros(stop.size, int)
    if outcome.entry is not None:
        entry = outcome.entry[order]
        late = np.argsort(-entry, kind="stable")
        n_late = np.searchsorted(-entry[late], -time[start], side="right")
    return order, stop, np.add.reduceat(event[order].astype(int), start), late, n_late

"""What the LASSO models share: checking, walking the path, choosing the penalty, the linear predictor."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from precisionmed.errors import InputError
from precisionmed.estimators._alignment import aligned
from precisionmed.estimators._lasso_adaptive import adaptive_factors
from precisionmed.estimators._lasso_cv import CvCurve
from precisionmed.estimators._lasso_optimality import duality_gap, stationarity
from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.estimators._matrix import (
    as_matrix,
    check_complete,
    fit_matrix,
    gene_name,
    sample_name,
    transform_matrix,
)
from precisionmed.estimators._order import rows_by_name
from precisionmed.estimators._parameters import PART, POSITIVE, SEED, check_parameters, one_of, whole
from precisionmed.estimators._vectors import group_codes, numbers, weights
from precisionmed.estimators.crossval import make_folds


class Linear(BaseEstimator):
    """What all models share: checking, the linear predictor and its coefficients."""

    coef_: np.ndarray
    intercept_: Any
    fit_intercept = True

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coef_")

    def _linear_predictor(self, X: ArrayLike | pd.DataFrame, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the linear predictor, (n,), or one a class, (n, k)."""
        check_is_fitted(self)
        X, offset = aligned(X=X, offset=offset)
        values = transform_matrix(self, X)
        coef = np.atleast_2d(self.coef_)
        eta = np.empty((len(coef), values.shape[0]))
        eta[:] = np.reshape(self.intercept_, (-1, 1))
        # Gene by gene: a sample's value does not depend on how many others are predicted with it.
        for j in np.flatnonzero(coef.any(axis=0)):
            eta += coef[:, j, None] * values[:, j]
        if np.isnan(eta).any():
            row = int(np.argmax(np.isnan(eta).any(axis=0)))
            gene = gene_name(self, int(np.argmax(np.isnan(values[row]) & coef.any(axis=0))))
            raise InputError(
                f"genes of the signature have missing values, first {gene} of {sample_name(X, row)}; "
                "impute them first."
            )
        if self.with_offset_ and offset is None:
            raise InputError("the model was fitted with an offset; give the offset of these samples too.")
        result = eta[0] if np.ndim(self.coef_) == 1 else eta.T
        return result if offset is None else result + _offset(offset, result.shape)

    def _problem(
        self,
        values: np.ndarray,
        outcome: tuple[np.ndarray, Any],
        weight: np.ndarray,
        offset: ArrayLike | None = None,
        strata: ArrayLike | None = None,
    ) -> Problem:
        target, time = outcome
        if weight.shape[1] != values.shape[0] or target.shape != (values.shape[0],):
            raise InputError(f"{values.shape[0]} samples in X, another number in y or sample_weight.")
        if not 0 < self.alpha <= 1:
            raise InputError(f"alpha must be above 0 and at most 1, found {self.alpha}.")
        problem = Problem(
            values,
            self._family(),
            target.astype(float),
            time,
            weight,
            self.alpha,
            self.penalty_factor,
            self.tolerance,
            None if offset is None else _known_part(offset),
            self._strata(strata, target.size),
            self.fit_intercept,
        )
        self.with_offset_ = offset is not None
        if not self.adaptive:
            return problem
        return problem.with_factors(adaptive_factors(problem))

    def _set_coefficients(self, problem: Problem, coef: np.ndarray, intercept: np.ndarray) -> None:
        """Keep coefficients, (k, p), and intercepts, (k,), and how far they are from optimal."""
        coef, intercept = self._identified(problem, coef, intercept)
        self.scale_ = problem.unit * problem.scale[0]
        single = problem.outputs == 1
        self.coef_ = coef[0] if single else coef
        self.intercept_ = float(intercept[0]) if single else intercept
        self.kkt_ = stationarity(problem, coef, intercept, self.lambda_)
        self.gap_ = duality_gap(problem, coef, intercept, self.lambda_)

    def _identified(
        self, problem: Problem, coef: np.ndarray, intercept: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Settle what the likelihood leaves open; nothing, with one linear predictor."""
        return coef, intercept

    def _strata(self, strata: ArrayLike | None, n: int) -> np.ndarray | None:
        if strata is not None:
            raise InputError("strata belong to survival models.")
        return None

    def _family(self) -> int:
        raise NotImplementedError

    def _outcome(self, y: Any) -> tuple[np.ndarray, np.ndarray | None]:
        raise NotImplementedError

    def _finish(self, X: Any, y: Any, weight: np.ndarray, offset: Any, strata: Any) -> None:
        """Learn what predictions need beyond the coefficients."""


_OF_BOTH: dict[str, Any] = {
    "alpha": [PART],
    "penalty_factor": ["array-like", None],
    "tolerance": [POSITIVE],
    "fit_intercept": ["boolean"],
    "adaptive": ["boolean"],
    "ties": [one_of("breslow", "efron")],
}


class Fixed(Linear):
    """Fit at one penalty."""

    _parameter_constraints = _OF_BOTH | {"lambda_": [POSITIVE]}

    def __init__(
        self,
        lambda_: float = 0.1,
        alpha: float = 1.0,
        penalty_factor: ArrayLike | None = None,
        tolerance: float = 1e-3,
        fit_intercept: bool = True,
        adaptive: bool = False,
    ) -> None:
        self.lambda_ = lambda_
        self.alpha = alpha
        self.penalty_factor = penalty_factor
        self.tolerance = tolerance
        self.fit_intercept = fit_intercept
        self.adaptive = adaptive

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        strata: ArrayLike | None = None,
    ) -> Self:
        """Fit the model; parameters as in the form that cross-validates."""
        check_parameters(self)
        X, y, sample_weight, offset, strata = aligned(
            X=X, y=y, sample_weight=sample_weight, offset=offset, strata=strata
        )
        values = _complete(self, X)
        outcome = self._outcome(y)
        weight = _weights(sample_weight, outcome[0].size)
        problem = self._problem(values, outcome, weight[None], offset, strata)
        for step in Walk(problem, until=self.lambda_):
            last = step
        self._set_coefficients(problem, *last.original_scale())
        self._finish(X, y, weight, offset, strata)
        return self


class CrossValidated(Linear):
    """Fit the path, choose the penalty by cross-validation."""

    _parameter_constraints = _OF_BOTH | {
        "n_folds": [whole(2)],
        "rule": [one_of("1se", "min")],
        "n_lambda": [whole(1)],
        "lambda_min_ratio": [Interval(Real, 0, 1, closed="neither"), None],
        "random_state": SEED,
    }

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
        fit_intercept: bool = True,
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
        self.fit_intercept = fit_intercept
        self.adaptive = adaptive

    @rows_by_name(aligned=("sample_weight", "offset", "strata", "groups", "folds"))
    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        strata: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        folds: ArrayLike | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : (n, p) array or DataFrame
        y : array or frame
            See the class.
        sample_weight : (n,) array, optional
            A sample of weight 0 is left out.
        offset : (n,) array, optional
            A known part of the linear predictor, such as a clinical score, with coefficient 1; (n, k)
            with a linear predictor for each class. Predictions need one too.
        strata : (n,) array, optional
            Survival models: groups with baseline hazards of their own.
        groups : (n,) array, optional
            Samples of one group stay in one fold.
        folds : (n,) int array, optional
            The folds themselves, instead of dealing them.
        progress : callable, optional
            Called with (penalties done, penalties in the grid).

        Raises
        ------
        InputError
            Missing values, too few samples of a class (or events), or a parameter out of range.
        """
        check_parameters(self)
        X, y, sample_weight, offset, strata, groups, folds = aligned(
            X=X, y=y, sample_weight=sample_weight, offset=offset, strata=strata, groups=groups, folds=folds
        )
        values = _complete(self, X)
        outcome = self._outcome(y)
        sample_weight = _weights(sample_weight, outcome[0].size)
        folds = self._deal(outcome[0], sample_weight, groups) if folds is None else _folds(folds, len(values))
        labels = np.unique(folds[sample_weight > 0])
        if labels.size < 2:
            raise InputError("folds must be two or more: all samples are in one.")
        weight = np.vstack([sample_weight, *(np.where(folds == k, 0.0, sample_weight) for k in labels)])
        problem = self._problem(values, outcome, weight, offset, strata)
        self._walk(problem, sample_weight, progress)
        self._finish(X, y, sample_weight, offset, strata)
        return self

    @property
    def coef_path_(self) -> np.ndarray:
        """Coefficients along the path, (n_lambda, p), or (n_lambda, k, p)."""
        path = np.zeros((self.lambdas_.size, *self.coef_.shape))
        path[..., self.path_genes_] = self.path_coef_
        return path

    def _walk(
        self, problem: Problem, sample_weight: np.ndarray, progress: Callable[[int, int], None] | None
    ) -> None:
        curve = CvCurve(problem, sample_weight)
        walk = Walk(problem, self.n_lambda, self.lambda_min_ratio)
        path: list[np.ndarray] = []
        intercepts: list[np.ndarray] = []
        stopped = None
        for step in walk:
            curve.add(step)
            coef, intercept = self._identified(problem, *step.original_scale())
            path.append(coef)
            intercepts.append(intercept)
            if progress is not None:
                progress(len(path), walk.lambdas.size)
            if curve.is_past_minimum():
                stopped = "past the minimum of the cross-validated deviance"
                break
        lowest, sparse = curve.best()
        chosen = lowest if self.rule == "min" else sparse
        coefs = np.array(path)
        self.lambdas_ = walk.lambdas[: len(path)]
        self.cv_mean_, self.cv_se_ = curve.mean, curve.se
        self.n_nonzero_ = np.count_nonzero(coefs.any(axis=1), axis=1)
        self.lambda_min_, self.lambda_1se_ = float(self.lambdas_[lowest]), float(self.lambdas_[sparse])
        self.lambda_ = float(self.lambdas_[chosen])
        self.path_genes_ = np.flatnonzero(coefs.any(axis=(0, 1)))
        kept = coefs[:, :, self.path_genes_]
        self.path_coef_ = kept[:, 0] if problem.outputs == 1 else kept
        self.path_end_ = stopped or walk.why_stopped
        self._set_coefficients(problem, coefs[chosen], intercepts[chosen])

    def _deal(self, label: np.ndarray, weight: np.ndarray, groups: ArrayLike | None) -> np.ndarray:
        """Return the fold of every sample."""
        stratum = self._fold_strata(label)
        rarest = self._rarest(label[weight > 0])
        if rarest < 2:
            raise InputError(
                f"cross-validation needs 2 samples of each class (2 events), found {rarest} sample(s)."
            )
        rng = np.random.default_rng(self.random_state)
        return make_folds(stratum, min(self.n_folds, rarest), rng, groups=groups)

    def _fold_strata(self, label: np.ndarray) -> np.ndarray:
        return label

    def _rarest(self, label: np.ndarray) -> int:
        return int(np.unique(label, return_counts=True)[1].min())


def _complete(estimator: Linear, X: ArrayLike | pd.DataFrame) -> np.ndarray:
    values = fit_matrix(estimator, X)
    check_complete(estimator, values)
    return values


def _weights(sample_weight: ArrayLike | None, n: int) -> np.ndarray:
    return np.ones(n) if sample_weight is None else weights(sample_weight, "sample_weight", n)


def _folds(folds: ArrayLike, n: int) -> np.ndarray:
    return group_codes(folds, "folds", n)[1]


def _known_part(offset: ArrayLike) -> np.ndarray:
    """Return the offset of a fit, (n,) or (n, k), as numbers; the problem knows which shape it needs."""
    return as_matrix(offset) if np.ndim(offset) == 2 else numbers(offset, "offset")


def _offset(offset: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    values = numbers(offset, "offset", shape[0]) if len(shape) == 1 else as_matrix(offset)
    if values.shape != shape or not np.isfinite(values).all():
        raise InputError(f"offset needs numbers of shape {shape}, found shape {values.shape}.")
    return values

"""What the LASSO models share: checking, walking the path, choosing the penalty, the linear predictor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from precisionmed.errors import InputError
from precisionmed.estimators._lasso_cv import CvCurve
from precisionmed.estimators._lasso_path import Problem, Step, Walk
from precisionmed.estimators._matrix import fit_matrix, gene_name, transform_matrix
from precisionmed.estimators.crossval import make_folds


class Linear(BaseEstimator):
    """What all four models share: checking, the linear predictor and its coefficients."""

    coef_: np.ndarray
    intercept_: float

    def _linear_predictor(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        values = transform_matrix(self, X)
        eta = np.full(values.shape[0], self.intercept_)
        # Gene by gene: a sample's value does not depend on how many others are predicted with it.
        for j in np.flatnonzero(self.coef_):
            eta += self.coef_[j] * values[:, j]
        if np.isnan(eta).any():
            raise InputError("genes of the signature have missing values; impute them first.")
        return eta

    def _problem(self, X: Any, outcome: tuple[np.ndarray, Any], weight: np.ndarray) -> Problem:
        values = _complete(self, X)
        if weight.shape[1] != values.shape[0] or outcome[0].shape != (values.shape[0],):
            raise InputError(f"{values.shape[0]} samples in X, another number in y or sample_weight.")
        alpha = self.alpha
        if not 0 < alpha <= 1:
            raise InputError(f"alpha must be above 0 and at most 1, found {alpha}.")
        return Problem(
            values,
            self._family(),
            outcome[0].astype(float),
            outcome[1],
            weight,
            alpha,
            self.penalty_factor,
            self.tolerance,
        )

    def _set_coefficients(self, problem: Problem, coef: np.ndarray, eta_mean: float) -> None:
        self.scale_ = problem.unit * problem.scale[0]
        self.coef_ = coef
        self.intercept_ = float(eta_mean - coef @ problem.shift)

    def _family(self) -> int:
        raise NotImplementedError

    def _outcome(self, y: Any) -> tuple[np.ndarray, np.ndarray | None]:
        raise NotImplementedError

    def _finish(self, X: Any, y: Any, weight: np.ndarray) -> None:
        """Learn what predictions need beyond the coefficients."""


class Fixed(Linear):
    """Fit at one penalty."""

    def __init__(
        self,
        lambda_: float = 0.1,
        alpha: float = 1.0,
        penalty_factor: ArrayLike | None = None,
        tolerance: float = 1e-3,
    ) -> None:
        self.lambda_ = lambda_
        self.alpha = alpha
        self.penalty_factor = penalty_factor
        self.tolerance = tolerance

    def fit(self, X: ArrayLike | pd.DataFrame, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model; a sample of weight 0 is left out."""
        if not self.lambda_ > 0:
            raise InputError(f"lambda_ must be above 0, found {self.lambda_}.")
        outcome = self._outcome(y)
        weight = _weights(sample_weight, outcome[0].size)
        problem = self._problem(X, outcome, weight[None])
        for step in Walk(problem, until=self.lambda_):
            last = step
        self._set_coefficients(problem, _original_scale(problem, last), last.eta[0].mean())
        self._finish(X, y, weight)
        return self


class CrossValidated(Linear):
    """Fit the path, choose the penalty by cross-validation."""

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
    ) -> None:
        self.n_folds = n_folds
        self.rule = rule
        self.alpha = alpha
        self.n_lambda = n_lambda
        self.lambda_min_ratio = lambda_min_ratio
        self.penalty_factor = penalty_factor
        self.tolerance = tolerance
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        folds: ArrayLike | None = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : (n, p) array or DataFrame
        y : array or frame
            See the class.
        sample_weight : (n,) array, optional
            A sample of weight 0 is left out.
        groups : (n,) array, optional
            Samples of one group stay in one fold.
        folds : (n,) int array, optional
            The folds themselves, instead of dealing them.

        Raises
        ------
        InputError
            Missing values, too few samples of a class (or events), or a parameter out of range.
        """
        if self.rule not in ("1se", "min"):
            raise InputError(f"rule must be '1se' or 'min', found {self.rule!r}.")
        outcome = self._outcome(y)
        sample_weight = _weights(sample_weight, outcome[0].size)
        folds = self._deal(outcome[0], sample_weight, groups) if folds is None else np.asarray(folds)
        labels = np.unique(folds)
        weight = np.vstack([sample_weight, *(np.where(folds == k, 0.0, sample_weight) for k in labels)])
        problem = self._problem(X, outcome, weight)
        self._walk(problem, sample_weight)
        self._finish(X, y, sample_weight)
        return self

    @property
    def coef_path_(self) -> np.ndarray:
        """Coefficients along the path, (n_lambda, p)."""
        path = np.zeros((self.lambdas_.size, self.coef_.size))
        path[:, self.path_genes_] = self.path_coef_
        return path

    def _walk(self, problem: Problem, sample_weight: np.ndarray) -> None:
        curve = CvCurve(problem, sample_weight)
        walk = Walk(problem, self.n_lambda, self.lambda_min_ratio)
        path: list[np.ndarray] = []
        eta_means: list[float] = []
        stopped = None
        for step in walk:
            curve.add(step)
            path.append(_original_scale(problem, step))
            eta_means.append(float(step.eta[0].mean()))
            if curve.is_past_minimum():
                stopped = "past the minimum of the cross-validated deviance"
                break
        lowest, sparse = curve.best()
        chosen = lowest if self.rule == "min" else sparse
        coefs = np.array(path)
        self.lambdas_ = walk.lambdas[: len(path)]
        self.cv_mean_, self.cv_se_ = curve.mean, curve.se
        self.n_nonzero_ = np.count_nonzero(coefs, axis=1)
        self.lambda_min_, self.lambda_1se_ = float(self.lambdas_[lowest]), float(self.lambdas_[sparse])
        self.lambda_ = float(self.lambdas_[chosen])
        self.path_genes_ = np.flatnonzero(coefs.any(axis=0))
        self.path_coef_ = coefs[:, self.path_genes_]
        self.path_end_ = stopped or walk.why_stopped
        self._set_coefficients(problem, coefs[chosen], eta_means[chosen])

    def _deal(self, label: np.ndarray, weight: np.ndarray, groups: ArrayLike | None) -> np.ndarray:
        rarest = self._rarest(label[weight > 0])
        if rarest < 2:
            raise InputError(f"cross-validation needs 2 samples of each class (2 events), found {rarest}.")
        rng = np.random.default_rng(self.random_state)
        return make_folds(label, min(self.n_folds, rarest), rng, groups=groups)

    def _rarest(self, label: np.ndarray) -> int:
        raise NotImplementedError


def _complete(estimator: Linear, X: ArrayLike | pd.DataFrame) -> np.ndarray:
    values = fit_matrix(estimator, X)
    if np.isnan(values).any():
        column = int(np.argmax(np.isnan(values).any(axis=0)))
        raise InputError(f"{gene_name(estimator, column)} has missing values; impute them first.")
    return values


def _weights(sample_weight: ArrayLike | None, n: int) -> np.ndarray:
    weight = np.ones(n) if sample_weight is None else np.asarray(sample_weight, float)
    if weight.shape != (n,) or not (np.isfinite(weight) & (weight >= 0)).all() or not weight.any():
        raise InputError(f"sample_weight needs {n} numbers from 0 up, not all of them 0.")
    return weight


def _original_scale(problem: Problem, step: Step) -> np.ndarray:
    """Return the first fit's coefficients, (p,), per unit of the input."""
    scale = problem.unit * problem.scale[0]
    return np.divide(step.beta[0], scale, out=np.zeros(scale.size), where=scale > 0)

"""Cross-validated deviance along a path of penalties, and the penalty it speaks for."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from precisionmed.errors import InputError
from precisionmed.estimators._lasso_path import Problem, Step
from precisionmed.kernels.lasso_losses import (
    BINOMIAL,
    COX_BRESLOW,
    COX_EFRON,
    GAUSSIAN,
    MULTINOMIAL,
    saturated_loss,
)

_CLIP = 1e-5  # probabilities closer to 0 and 1 count as this far, as in glmnet
_PATIENCE = 10


class CvCurve:
    """Held-out deviance of each training set at each penalty.

    Binomial and multinomial: minus twice the log-likelihood of a held-out sample; gaussian: its squared
    error. Cox: deviance of all samples minus that
    of the training samples, per held-out event (Verweij and van Houwelingen 1993, Statistics in Medicine
    12:2305).

    Parameters
    ----------
    problem : Problem
        Its first fit has all samples, fit k + 1 leaves fold k out.
    """

    def __init__(self, problem: Problem, sample_weight: np.ndarray) -> None:
        self.problem = problem
        self.sample_weight = sample_weight[problem.order]
        self.held_out = (problem.weight[1:] == 0) & (problem.weight[0] > 0)
        counted = problem.target if problem.family in (COX_BRESLOW, COX_EFRON) else 1.0
        self.fold_weight = (self.held_out * self.sample_weight * counted).sum(axis=1)
        self.used = self.fold_weight > 0
        if self.used.sum() < 2:
            raise InputError("fewer than two folds have a held-out event; there are too few events.")
        self.rows: list[np.ndarray] = []

    def add(self, step: Step) -> None:
        """Add the deviances at one penalty."""
        kinds = {BINOMIAL: self._binomial, MULTINOMIAL: self._multinomial, GAUSSIAN: self._gaussian}
        deviance = kinds.get(self.problem.family, self._cox)
        eta = step.walk.linear_predictor()
        sums = [deviance(fold, eta[fold + 1]) for fold in range(self.fold_weight.size)]
        self.rows.append(np.array(sums)[self.used] / self.fold_weight[self.used])

    @property
    def mean(self) -> np.ndarray:
        """Mean over folds, (n_lambda,), weighted by their size (or events)."""
        return np.average(self.rows, axis=1, weights=self.fold_weight[self.used])

    @property
    def se(self) -> np.ndarray:
        """Standard error of the mean, (n_lambda,)."""
        squares = (np.array(self.rows) - self.mean[:, None]) ** 2
        weight = self.fold_weight[self.used]
        return np.sqrt(np.average(squares, axis=1, weights=weight) / (weight.size - 1))

    def is_past_minimum(self) -> bool:
        """Return whether the minimum is ten penalties back and more than one standard error below."""
        mean = self.mean
        best = int(np.argmin(mean))
        return len(mean) - 1 - best >= _PATIENCE and mean[-1] > mean[best] + self.se[best]

    def best(self) -> tuple[int, int]:
        """Return the positions of the minimum and of the largest penalty within one standard error."""
        mean = self.mean
        lowest = int(np.argmin(mean))
        return lowest, int(np.flatnonzero(mean <= mean[lowest] + self.se[lowest])[0])

    def _binomial(self, fold: int, eta: np.ndarray) -> float:
        out = self.held_out[fold]
        probability = np.clip(expit(eta[0, out]), _CLIP, 1 - _CLIP)
        right = np.where(self.problem.target[out] > 0, probability, 1 - probability)
        return float(-2 * self.sample_weight[out] @ np.log(right))

    def _multinomial(self, fold: int, eta: np.ndarray) -> float:
        out = self.held_out[fold]
        probability = softmax(eta[:, out], axis=0)[self.problem.target[out].astype(int), np.arange(out.sum())]
        return float(-2 * self.sample_weight[out] @ np.log(np.clip(probability, _CLIP, 1 - _CLIP)))

    def _gaussian(self, fold: int, eta: np.ndarray) -> float:
        out = self.held_out[fold]
        return float(self.sample_weight[out] @ (self.problem.target[out] - eta[0, out]) ** 2)

    def _cox(self, fold: int, eta: np.ndarray) -> float:
        train = np.where(self.held_out[fold], 0.0, self.sample_weight)
        return self._cox_deviance(eta, self.sample_weight) - self._cox_deviance(eta, train)

    def _cox_deviance(self, eta: np.ndarray, weight: np.ndarray) -> float:
        problem = self.problem
        return 2 * (problem.loss(eta, weight) - saturated_loss(problem.family, problem.outcome, weight))

"""Cross-validated deviance along a path of penalties, and the penalty it speaks for."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from precisionmed.errors import InputError
from precisionmed.estimators._lasso_path import Problem, Step
from precisionmed.kernels.lasso_losses import BINOMIAL, loss_terms, saturated_loss

_CLIP = 1e-5  # probabilities closer to 0 and 1 count as this far, as in glmnet
_PATIENCE = 10


class CvCurve:
    """Held-out deviance of each training set at each penalty.

    Binomial: minus twice the log-likelihood of a held-out sample. Cox: deviance of all samples minus that
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
        counted = 1.0 if problem.family == BINOMIAL else problem.target
        self.fold_weight = (self.held_out * self.sample_weight * counted).sum(axis=1)
        self.used = self.fold_weight > 0
        if self.used.sum() < 2:
            raise InputError("fewer than two folds have a held-out event; there are too few events.")
        self.rows: list[np.ndarray] = []

    def add(self, step: Step) -> None:
        """Add the deviances at one penalty."""
        deviance = self._binomial if self.problem.family == BINOMIAL else self._cox
        sums = [deviance(fold, step.eta[fold + 1]) for fold in range(self.fold_weight.size)]
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
        probability = np.clip(expit(eta[out]), _CLIP, 1 - _CLIP)
        right = np.where(self.problem.target[out] > 0, probability, 1 - probability)
        return float(-2 * self.sample_weight[out] @ np.log(right))

    def _cox(self, fold: int, eta: np.ndarray) -> float:
        train = np.where(self.held_out[fold], 0.0, self.sample_weight)
        return self._cox_deviance(eta, self.sample_weight) - self._cox_deviance(eta, train)

    def _cox_deviance(self, eta: np.ndarray, weight: np.ndarray) -> float:
        problem = self.problem
        spare = np.empty((2, eta.size))
        loss = loss_terms(problem.family, eta, problem.target, weight, problem.block, spare[0], spare[1])
        return 2 * (loss - saturated_loss(problem.family, problem.target, weight, problem.block))

"""Penalty factors of the adaptive LASSO, learned by every fit from its own samples."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from precisionmed.estimators._lasso_path import Problem, Walk
from precisionmed.kernels.lasso_losses import GAUSSIAN

_EBIC = 0.5
_PATIENCE = 10


def adaptive_factors(problem: Problem) -> np.ndarray:
    """Return penalty factors 1 / |first-stage coefficient|, (f, p), in standard deviations.

    The first stage is a LASSO at the penalty with the smallest extended BIC, which for a measured outcome is
    n log(RSS / n) + ..., so that its unit does not matter. Both look only at the samples
    with a weight in the fit, so that held-out samples of a cross-validation have no part in the factors
    (but for the grid of penalties, which all fits share).
    Genes the first stage leaves out are out; a fit whose first stage is empty keeps its factors.

    References
    ----------
    Zou, J Am Stat Assoc 101:1418 (2006); the criterion (gamma = 0.5): Chen and Chen, Biometrika 95:759
    (2008).
    """
    fits, p = problem.scale.shape
    lowest, since = np.full(fits, np.inf), np.zeros(fits, int)
    size = np.array([problem.informative(f) for f in range(fits)])
    first = np.zeros((fits, p))
    walk = Walk(problem)
    for step in walk:
        beta = np.abs(walk.beta).max(axis=1)
        df = np.count_nonzero(beta, axis=1)
        choices = gammaln(p + 1) - gammaln(df + 1) - gammaln(p - df + 1)
        criterion = _deviance(problem, walk.state.loss) + df * np.log(size) + 2 * _EBIC * choices
        # Past its minimum a fit is done, however far the others still walk.
        better = (criterion < lowest) & ~step.stopped & (since < _PATIENCE)
        lowest[better], since[better] = criterion[better], 0
        since[~better] += 1
        first[better] = beta[better]
        if (since >= _PATIENCE).all():
            break
    penalized = problem.factor > 0
    # In standard deviations of the outcome: penalties, and tolerances relative to them, then follow its unit.
    weights = np.divide(problem.spread, first, out=np.full((fits, p), np.inf), where=first > 0)
    weights[~np.any(penalized & (first > 0), axis=1)] = 1.0
    return np.where(penalized, np.where(penalized, problem.factor, 1.0) * weights, 0.0)


def _deviance(problem: Problem, loss: np.ndarray) -> np.ndarray:
    """Return -2 log likelihood of each fit, (f,), up to a constant; a measured outcome's variance is free."""
    # Losses are means over samples, also for Cox models.
    samples = np.count_nonzero(problem.weight, axis=1)
    if problem.family != GAUSSIAN:
        return 2 * samples * loss
    return samples * np.log(np.maximum(loss, np.finfo(float).tiny))

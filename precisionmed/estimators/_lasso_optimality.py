"""How far a LASSO solution is from optimal, computed anew in double precision over all genes."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from precisionmed.estimators._lasso_problem import Problem
from precisionmed.kernels.lasso_losses import BINOMIAL, GAUSSIAN, MULTINOMIAL, loss_terms


def stationarity(
    problem: Problem, coef: np.ndarray, intercept: np.ndarray, lambda_: float, fit: int = 0
) -> float:
    """Return the largest violation of a fit's stationarity (KKT) conditions, over `lambda_`.

    For a standardized gene with factor f, coefficient b and minus the loss gradient g: |g| <= alpha
    lambda f where b is 0, and g = alpha lambda f sign(b) + (1 - alpha) lambda f b elsewhere; for the
    intercept g = 0.

    Parameters
    ----------
    problem : Problem
    coef, intercept : (k, p), (k,) arrays
        Per unit of the input.
    lambda_ : float
    """
    residual = _loss(problem, coef, intercept, fit)[1]
    beta = coef * problem.unit * problem.scale[fit]
    factor, live = _live(problem, fit)
    slope = _gradient(problem, residual, fit)[:, live]
    lasso = lambda_ * problem.alpha * factor
    ridge = lambda_ * (1 - problem.alpha) * factor * beta[:, live]
    outside = np.maximum(np.abs(slope) - lasso, 0.0)
    violation = np.where(beta[:, live] == 0, outside, np.abs(slope - ridge - lasso * np.sign(beta[:, live])))
    excess = np.abs(residual.sum(axis=1)).max() if problem.fit_intercept else 0.0
    return float(max(violation.max(initial=0.0), excess) / lambda_)


def duality_gap(
    problem: Problem, coef: np.ndarray, intercept: np.ndarray, lambda_: float, fit: int = 0
) -> float | None:
    """Return the duality gap of a fit relative to its objective; None for a Cox model.

    The dual point is the residual, shrunk until it is feasible (Fenchel duality; Ndiaye et al. 2017,
    J Mach Learn Res 18:128). What is not penalized is taken to be stationary, as `stationarity` says.
    """
    if problem.family not in (GAUSSIAN, BINOMIAL, MULTINOMIAL):
        return None
    loss, residual = _loss(problem, coef, intercept, fit)
    factor, live = _live(problem, fit)
    beta = (coef * problem.unit * problem.scale[fit])[:, live]
    slope = np.abs(_gradient(problem, residual, fit)[:, live])
    lasso, ridge = lambda_ * problem.alpha * factor, lambda_ * (1 - problem.alpha) * factor
    primal = loss + float(np.sum(lasso * np.abs(beta) + 0.5 * ridge * beta**2))
    penalized = factor > 0
    shrink, conjugate = 1.0, 0.0
    if problem.alpha < 1:
        over = np.maximum(slope - lasso, 0.0)[:, penalized]
        conjugate = float(np.sum(over**2 / (2 * ridge[penalized])))
    elif penalized.any():
        steepest = slope[:, penalized].max(axis=0)
        shrink = float(np.min(lasso[penalized] / np.maximum(steepest, lasso[penalized])))
    dual = -_conjugate_loss(problem, shrink * residual, fit) - conjugate
    dual -= shrink * float(np.sum(residual * problem.cohort_offset))
    return max(primal - dual, 0.0) / abs(primal) if primal else 0.0


def _conjugate_loss(problem: Problem, residual: np.ndarray, fit: int) -> float:
    """Return the convex conjugate of the loss at minus a residual, (k, n)."""
    used = problem.weight[fit] > 0
    weight, target, residual = problem.weight[fit][used], problem.target[used], residual[:, used]
    if problem.family == GAUSSIAN:
        return float(np.sum(residual[0] ** 2 / (2 * weight) - residual[0] * target))
    if problem.family == BINOMIAL:
        share = np.clip(target - residual[0] / weight, 0.0, 1.0)
        return float(weight @ (xlogy(share, share) + xlogy(1 - share, 1 - share)))
    classes = np.arange(problem.outputs)[:, None] == target
    share = np.clip(classes - residual / weight, 0.0, 1.0)
    return float(np.sum(weight * xlogy(share, share)))


def _loss(problem: Problem, coef: np.ndarray, intercept: np.ndarray, fit: int) -> tuple[float, np.ndarray]:
    """Return the loss and minus its derivative, (k, n), ."""
    genes = np.flatnonzero(coef.any(axis=0))
    eta = (
        problem.cohort_offset
        + intercept[:, None]
        + coef[:, genes] @ problem.X[np.ix_(problem.order, genes)].T
    )
    residual, curvature = np.empty_like(eta), np.empty(eta.shape[1])
    loss = 0.0
    for output in range(len(eta)):
        loss = loss_terms(
            problem.family, eta, output, problem.outcome, problem.weight[fit], residual[output], curvature
        )
    return loss, residual


def _gradient(problem: Problem, residual: np.ndarray, fit: int) -> np.ndarray:
    """Return minus the loss gradient, (k, p), in the coefficients of standardized genes; 0 if constant."""
    unsorted = np.empty_like(residual)
    unsorted[:, problem.order] = residual
    scale = problem.unit * problem.scale[fit]
    with problem.threads():
        slope = unsorted @ problem.X
    if problem.fit_intercept:
        slope -= residual.sum(axis=1, keepdims=True) * (problem.shift + problem.unit * problem.mean[fit])
    return np.divide(slope, scale, out=np.zeros_like(slope), where=scale > 0)


def _live(problem: Problem, fit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the penalty factors of genes that can enter, and which these are."""
    factor = problem.factor[fit % len(problem.factor)]
    live = np.isfinite(factor) & (problem.scale[fit] > 0)
    return factor[live], live

"""Losses the LASSO engine can fit: value, negative gradient and curvature in the linear predictor."""

from __future__ import annotations

import numpy as np
from numba import njit

BINOMIAL, COX_BRESLOW, COX_EFRON = 0, 1, 2
_LEAST_CURVATURE = 1e-9
_LEAST_AT_RISK = 1e-300  # a late risk set may underflow beside an extreme early one


@njit(cache=True)
def loss_terms(family, eta, target, weight, block, residual, curvature):
    """Evaluate a loss (minus log-likelihood) and its derivatives in the linear predictor.

    Parameters
    ----------
    family : int
        `BINOMIAL`, `COX_BRESLOW` or `COX_EFRON`.
    eta : (n,) array
        Linear predictor; for Cox sorted by increasing time, as everything else.
    target : (n,) array of 0 and 1
        Class, or whether the event happened.
    weight : (n,) array
        Observation weights; 0 leaves a sample out.
    block : (b + 1,) int array
        Cox: where each block of tied times begins; the last entry is n.
    residual, curvature : (n,) arrays, overwritten
        Minus the first derivative, and (an upper bound of) the second.

    Returns
    -------
    float
        The loss.
    """
    if family == BINOMIAL:
        return _binomial(eta, target, weight, residual, curvature)
    return _cox(eta, target, weight, block, family == COX_EFRON, residual, curvature)


@njit(cache=True)
def saturated_loss(family, target, weight, block):
    """Return the smallest loss any linear predictor can have."""
    if family == BINOMIAL:
        return 0.0
    loss = 0.0
    for b in range(block.size - 1):
        deaths, n_deaths = 0.0, 0
        for i in range(block[b], block[b + 1]):
            if target[i] > 0 and weight[i] > 0:
                deaths += weight[i]
                n_deaths += 1
        for tie in range(n_deaths):
            share = tie / n_deaths if family == COX_EFRON else 0.0
            loss += deaths / n_deaths * np.log(deaths * (1.0 - share))
    return loss


@njit(cache=True)
def _binomial(eta, target, weight, residual, curvature):
    loss = 0.0
    for i in range(eta.size):
        if weight[i] == 0.0:
            residual[i] = 0.0
            curvature[i] = 0.0
            continue
        small = np.exp(-abs(eta[i]))  # never overflows
        p = 1.0 / (1.0 + small) if eta[i] >= 0 else small / (1.0 + small)
        loss += weight[i] * (max(eta[i], 0.0) + np.log1p(small) - target[i] * eta[i])
        residual[i] = weight[i] * (target[i] - p)
        curvature[i] = weight[i] * max(small / (1.0 + small) ** 2, _LEAST_CURVATURE)
    return loss


@njit(cache=True)
def _cox(eta, event, weight, block, efron, residual, curvature):
    """Evaluate the partial likelihood with the sums over risk sets that grow from the last time to the first.

    Its Hessian is at most the diagonal w exp(eta) H(t), with H the cumulative baseline hazard: the
    curvature of a Poisson model (Whitehead 1980, Applied Statistics 29:268), which is returned.
    """
    shift = -np.inf
    for i in range(eta.size):
        if weight[i] > 0.0 and eta[i] > shift:
            shift = eta[i]
    n_blocks = block.size - 1
    hazard = np.zeros(n_blocks)  # increment for those who outlive the block's time
    hazard_of_dead = np.zeros(n_blocks)  # Efron: those who die at a tied time are at risk only partly
    at_risk, loss = 0.0, 0.0
    for b in range(n_blocks - 1, -1, -1):
        deaths, dying, n_deaths = 0.0, 0.0, 0
        for i in range(block[b], block[b + 1]):
            e = weight[i] * np.exp(eta[i] - shift) if weight[i] > 0.0 else 0.0
            curvature[i] = e
            at_risk += e
            if event[i] > 0 and weight[i] > 0.0:
                deaths += weight[i]
                dying += e
                n_deaths += 1
                loss -= weight[i] * eta[i]
        at_risk = max(at_risk, _LEAST_AT_RISK)
        if n_deaths > 0 and not (efron and n_deaths > 1):
            hazard[b] = deaths / at_risk
            hazard_of_dead[b] = hazard[b]
            loss += deaths * (np.log(at_risk) + shift)
        elif n_deaths > 0:
            for tie in range(n_deaths):
                left = at_risk - tie / n_deaths * dying
                hazard[b] += deaths / n_deaths / left
                hazard_of_dead[b] += deaths / n_deaths * (1.0 - tie / n_deaths) / left
                loss += deaths / n_deaths * (np.log(left) + shift)
    cumulative = 0.0
    for b in range(n_blocks):
        for i in range(block[b], block[b + 1]):
            dead = event[i] > 0
            expected = curvature[i] * (cumulative + (hazard_of_dead[b] if dead else hazard[b]))
            residual[i] = (weight[i] if dead else 0.0) - expected
            curvature[i] = expected
        cumulative += hazard[b]
    return loss

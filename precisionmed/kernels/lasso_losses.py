"""Losses the LASSO engine can fit: value, negative gradient and curvature in the linear predictor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

BINOMIAL, COX_BRESLOW, COX_EFRON, GAUSSIAN, MULTINOMIAL = 0, 1, 2, 3, 4
_LEAST_CURVATURE = 1e-9
_LEAST_AT_RISK = 1e-300  # a late risk set may underflow beside an extreme early one


class Outcome(NamedTuple):
    """What is predicted, and how samples hang together.

    Attributes
    ----------
    target : (n,) array
        0 or 1 (class, or whether the event happened), the class 0 to k - 1, or the measured value.
    group : (n,) int array
        Cox: numbers the distinct times within strata. Samples are sorted by it.
    stratum : (n,) int array
        Cox: samples of different strata are never compared.
    entry : (n,) or (0,) int array
        Cox: a sample is at risk in the groups after this one; empty when all are from the start.
    """

    target: np.ndarray
    group: np.ndarray
    stratum: np.ndarray
    entry: np.ndarray


@njit(cache=True)
def loss_terms(family, eta, output, outcome, weight, residual, curvature):
    """Evaluate a loss (minus log-likelihood) and its derivatives in one linear predictor.

    Parameters
    ----------
    family : int
        `BINOMIAL`, `COX_BRESLOW`, `COX_EFRON`, `GAUSSIAN` or `MULTINOMIAL`.
    eta : (k, n) array
        Linear predictors: one, or one a class.
    output : int
        The predictor to take derivatives in.
    outcome : Outcome
    weight : (n,) array
        Observation weights; 0 leaves a sample out.
    residual, curvature : (n,) arrays, overwritten
        Minus the first derivative, and (an upper bound of) the second.

    Returns
    -------
    float
        The loss.
    """
    if family == BINOMIAL:
        return _binomial(eta[0], outcome.target, weight, residual, curvature)
    if family == GAUSSIAN:
        return _gaussian(eta[0], outcome.target, weight, residual, curvature)
    if family == MULTINOMIAL:
        return _multinomial(eta, output, outcome.target, weight, residual, curvature)
    return _cox(eta[0], outcome, weight, family == COX_EFRON, residual, curvature)


@njit(cache=True)
def saturated_loss(family, outcome, weight):
    """Return the smallest loss any linear predictor can have."""
    if family not in (COX_BRESLOW, COX_EFRON):
        return 0.0
    loss = 0.0
    start = 0
    while start < weight.size:
        deaths, n_deaths, stop = 0.0, 0, start
        while stop < weight.size and outcome.group[stop] == outcome.group[start]:
            if outcome.target[stop] > 0 and weight[stop] > 0:
                deaths += weight[stop]
                n_deaths += 1
            stop += 1
        for tie in range(n_deaths):
            share = tie / n_deaths if family == COX_EFRON else 0.0
            loss += deaths / n_deaths * np.log(deaths * (1.0 - share))
        start = stop
    return loss


@njit(cache=True)
def _gaussian(eta, target, weight, residual, curvature):
    loss = 0.0
    for i in range(eta.size):
        residual[i] = weight[i] * (target[i] - eta[i])
        curvature[i] = weight[i]
        loss += 0.5 * residual[i] * (target[i] - eta[i])
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
def _multinomial(eta, output, target, weight, residual, curvature):
    loss = 0.0
    for i in range(weight.size):
        if weight[i] == 0.0:
            residual[i] = 0.0
            curvature[i] = 0.0
            continue
        highest = eta[0, i]
        for c in range(1, eta.shape[0]):
            highest = max(highest, eta[c, i])
        total = 0.0
        for c in range(eta.shape[0]):
            total += np.exp(eta[c, i] - highest)
        p = np.exp(eta[output, i] - highest) / total
        loss += weight[i] * (np.log(total) + highest - eta[int(target[i]), i])
        residual[i] = weight[i] * ((1.0 if int(target[i]) == output else 0.0) - p)
        curvature[i] = weight[i] * max(p * (1.0 - p), _LEAST_CURVATURE)
    return loss


@njit(cache=True)
def _cox(eta, outcome, weight, efron, residual, curvature):
    """Evaluate the partial likelihood with the sums over risk sets that grow from the last time to the first.

    Its Hessian is at most the diagonal w exp(eta) H(t), with H the cumulative baseline hazard: the
    curvature of a Poisson model (Whitehead 1980, Applied Statistics 29:268), which is returned.
    """
    event, group, stratum = outcome.target, outcome.group, outcome.stratum
    n = eta.size
    shift = -np.inf
    for i in range(n):
        if weight[i] > 0.0 and eta[i] > shift:
            shift = eta[i]
    hazard = np.zeros(n)  # by the first sample of a group: increment for those who outlive its time
    hazard_of_dead = np.zeros(n)  # Efron: those who die at a tied time are at risk only partly
    absent = _entering(eta, shift, outcome, weight)
    next_group = absent.size - 1
    at_risk, loss, stop = 0.0, 0.0, n
    while stop > 0:
        start = stop
        deaths, dying, n_deaths = 0.0, 0.0, 0
        if stop < n and stratum[stop - 1] != stratum[stop]:
            at_risk = 0.0
            next_group = min(next_group, group[stop - 1])
        while start > 0 and group[start - 1] == group[stop - 1]:
            start -= 1
            e = weight[start] * np.exp(eta[start] - shift) if weight[start] > 0.0 else 0.0
            curvature[start] = e
            at_risk += e
            if event[start] > 0 and weight[start] > 0.0:
                deaths += weight[start]
                dying += e
                n_deaths += 1
                loss -= weight[start] * eta[start]
        while next_group >= group[start]:  # those who enter now or later are not at risk yet
            at_risk -= absent[next_group]
            next_group -= 1
        if absent.size:  # never less than those who have the event, whatever was lost in the difference
            at_risk = max(at_risk, dying)
        at_risk = max(at_risk, _LEAST_AT_RISK)
        if n_deaths > 0 and not (efron and n_deaths > 1):
            hazard[start] = deaths / at_risk
            hazard_of_dead[start] = hazard[start]
            loss += deaths * (np.log(at_risk) + shift)
        elif n_deaths > 0:
            for tie in range(n_deaths):
                left = at_risk - tie / n_deaths * dying
                hazard[start] += deaths / n_deaths / left
                hazard_of_dead[start] += deaths / n_deaths * (1.0 - tie / n_deaths) / left
                loss += deaths / n_deaths * (np.log(left) + shift)
        stop = start
    _spread_hazard(outcome, weight, hazard, hazard_of_dead, residual, curvature)
    return loss


@njit(cache=True)
def _entering(eta, shift, outcome, weight):
    """Return the relative risk that enters at each group, or between it and the next."""
    group, entry = outcome.group, outcome.entry
    if entry.size == 0:
        return np.zeros(0)
    absent = np.zeros(group[-1] + 1)
    for i in range(entry.size):
        if weight[i] > 0.0 and entry[i] >= 0:
            absent[entry[i]] += weight[i] * np.exp(eta[i] - shift)
    return absent


@njit(cache=True)
def _spread_hazard(outcome, weight, hazard, hazard_of_dead, residual, curvature):
    """Turn relative risks, in `curvature`, into expected events: the martingale residuals' second half."""
    before, now, now_dead = 0.0, 0.0, 0.0
    upto = np.zeros(outcome.group[-1] + 1 if outcome.entry.size else 0)  # hazard of a stratum's groups so far
    for i in range(weight.size):
        if i == 0 or outcome.group[i] != outcome.group[i - 1]:
            same = i > 0 and outcome.stratum[i] == outcome.stratum[i - 1]
            before = before + now if same else 0.0
            now, now_dead = hazard[i], hazard_of_dead[i]
            if upto.size:
                if same:  # groups without samples here
                    upto[outcome.group[i - 1] + 1 : outcome.group[i]] = before
                upto[outcome.group[i]] = before + now
        dead = outcome.target[i] > 0
        missed = upto[outcome.entry[i]] if upto.size and outcome.entry[i] >= 0 else 0.0
        expected = curvature[i] * max(before - missed + (now_dead if dead else now), 0.0)
        residual[i] = (weight[i] if dead else 0.0) - expected
        curvature[i] = expected

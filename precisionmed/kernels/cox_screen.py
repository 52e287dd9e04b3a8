"""One Cox model for every gene, without ever building a design matrix."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from precisionmed.kernels.exponential import exponential
from precisionmed.kernels.lanes import CONSTANT, CONVERGED, DIVERGED, LANES, standardize

_MAX_STEPS = 40
_TOLERANCE = 1e-9
_MAX_LOG_RISK = 200.0
_LEAST_INFORMATION = 1e-12


@njit(cache=True, error_model="numpy")
def _derivatives(x, beta, stop, n_events, late, n_late, efron, space, sums, score, information):
    """Write score and information of every lane at its coefficient.

    Samples are sorted by decreasing time, so the risk-set sums of w, w x and w x^2 (w = exp(beta x)) only
    grow; all samples of a time (up to `stop`, its events last) are added before its events are counted. Those
    who enter later than the event (`late`) are taken out again.
    """
    n = x.shape[0]
    eta, w = space[0], space[1]
    flat_x = x.reshape(-1)
    for i in range(n):
        for k in range(LANES):
            eta[i * LANES + k] = beta[k] * x[i, k]
    exponential(eta, w, space[2])
    sums[:] = 0.0
    score[:] = 0.0
    information[:] = 0.0
    i, out = 0, 0
    for group in range(stop.size):
        while i < stop[group]:
            row = i * LANES
            for k in range(LANES):
                weight, value = w[row + k], flat_x[row + k]
                sums[k] += weight
                sums[LANES + k] += weight * value
                sums[2 * LANES + k] += weight * value * value
            i += 1
        while n_events[group] > 0 and out < n_late[group]:
            row = late[out] * LANES
            for k in range(LANES):
                weight, value = w[row + k], flat_x[row + k]
                sums[k] -= weight
                sums[LANES + k] -= weight * value
                sums[2 * LANES + k] -= weight * value * value
            out += 1
        first_event = stop[group] - n_events[group]
        if n_events[group] > 1 and efron:
            _tied(flat_x, w, first_event, n_events[group], sums, score, information)
            continue
        for event in range(n_events[group]):
            row = (first_event + event) * LANES
            for k in range(LANES):
                inverse = 1.0 / sums[k]
                mean = sums[LANES + k] * inverse
                score[k] += flat_x[row + k] - mean
                information[k] += sums[2 * LANES + k] * inverse - mean * mean


@njit(cache=True, error_model="numpy")
def _tied(flat_x, w, first_event, n_events, sums, score, information):
    """Count the tied events of one time: in turn, they leave the risk set by equal shares (Efron)."""
    tied = np.zeros(3 * LANES)
    for event in range(n_events):
        row = (first_event + event) * LANES
        for k in range(LANES):
            weight, value = w[row + k], flat_x[row + k]
            score[k] += value
            tied[k] += weight
            tied[LANES + k] += weight * value
            tied[2 * LANES + k] += weight * value * value
    for event in range(n_events):
        share = event / n_events
        for k in range(LANES):
            inverse = 1.0 / (sums[k] - share * tied[k])
            mean = (sums[LANES + k] - share * tied[LANES + k]) * inverse
            score[k] -= mean
            information[k] += (sums[2 * LANES + k] - share * tied[2 * LANES + k]) * inverse - mean * mean


@njit(cache=True, error_model="numpy")
def _advance(beta, score, information, limit, bracket):
    """Return the next coefficient of one lane and whether it is the last one.

    The score falls with the coefficient. A Newton step that leaves the bracket of its root is replaced by
    halving the bracket.
    """
    if score > 0:
        bracket[0] = beta
    else:
        bracket[1] = beta
    step = score / information
    if abs(step) <= _TOLERANCE * max(1.0, abs(beta)):
        return beta + step, True
    proposed = beta + step
    if not bracket[0] < proposed < bracket[1]:
        proposed = 0.5 * (bracket[0] + bracket[1])
    return min(max(proposed, -limit), limit), False


@njit(cache=True, error_model="numpy")
def _fit(x, stop, n_events, late, n_late, efron, beta, information, score_test, status):
    """Find the root of every lane's score."""
    n = x.shape[0]
    space, sums = np.empty((3, n * LANES)), np.empty(3 * LANES)
    score, current = np.empty(LANES), np.empty(LANES)
    bracket, limit = np.empty((LANES, 2)), np.zeros(LANES)
    for i in range(n):
        for k in range(LANES):
            limit[k] = max(limit[k], abs(x[i, k]))
    for k in range(LANES):
        limit[k] = _MAX_LOG_RISK / limit[k]
        bracket[k, 0], bracket[k, 1] = -np.inf, np.inf
    beta[:] = 0.0
    running = status == CONVERGED
    for step in range(_MAX_STEPS):
        _derivatives(x, beta, stop, n_events, late, n_late, efron, space, sums, score, current)
        for k in range(LANES):
            if not running[k]:
                continue
            if not current[k] > _LEAST_INFORMATION:
                status[k], running[k] = CONSTANT if step == 0 else DIVERGED, False
                continue
            if step == 0:
                score_test[k] = score[k] * score[k] / current[k]
            information[k] = current[k]
            proposed, found = _advance(beta[k], score[k], current[k], limit[k], bracket[k])
            if found or proposed == beta[k]:  # or it stands at the limit
                status[k], running[k] = CONVERGED if found else DIVERGED, False
            beta[k] = proposed
        if not running.any():
            return
    for k in range(LANES):
        if running[k]:
            status[k] = DIVERGED


@njit(cache=True, parallel=True, error_model="numpy")
def cox_screen(genes, rows, stop, n_events, late, n_late, efron=True):
    """Fit a univariate Cox model to each gene.

    Parameters
    ----------
    genes : float64 array (n_samples, n_genes), C order
    rows : int array (n,)
        Samples in a risk set, sorted by decreasing time and, inside a time, events last.
    stop : int array (n_times,)
        Behind the last position in `rows` of each time.
    n_events : int array (n_times,)
        Events at each time; at least one in all.
    late : int array (n,) or (0,)
        Positions in `rows` by decreasing time of entry; empty when all were there from the start.
    n_late : int array (n_times,)
        How many of `late` have not entered before each time.
    efron : bool
        Efron's treatment of ties, else Breslow's.

    Returns
    -------
    tuple of arrays (n_genes,)
        Coefficient and standard error per unit of the gene, score statistic (chi-square, 1 df) at zero,
        standard deviation of the gene in `rows`, and status (see `lanes`). The coefficient of a gene
        that did not converge has the right sign only.
    """
    n_genes = genes.shape[1]
    n_blocks = (n_genes + LANES - 1) // LANES
    size = n_blocks * LANES
    coef, se, score_test, spread = np.empty(size), np.empty(size), np.zeros(size), np.empty(size)
    status = np.empty(size, np.int8)
    for block in prange(n_blocks):
        first = block * LANES
        lanes = slice(first, first + LANES)
        x, beta, information = np.empty((rows.size, LANES)), np.empty(LANES), np.full(LANES, np.nan)
        standardize(genes, rows, first, min(LANES, n_genes - first), x, spread[lanes], status[lanes])
        _fit(x, stop, n_events, late, n_late, efron, beta, information, score_test[lanes], status[lanes])
        for k in range(LANES):
            coef[first + k] = beta[k] / spread[first + k]
            se[first + k] = 1.0 / (np.sqrt(information[k]) * spread[first + k])
    return coef[:n_genes], se[:n_genes], score_test[:n_genes], spread[:n_genes], status[:n_genes]
